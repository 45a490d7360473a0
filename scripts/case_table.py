#!/usr/bin/env python3
"""Writes src/text/template/case_table.inc: upper, lower and title case of characters (of the Unicode
version of the Python that runs it). Usage: case_table.py > src/text/template/case_table.inc"""
import sys
import unicodedata


def ranges(pairs):
    """[(first, last, step, delta)] of (code, mapped) in ascending order."""
    rows = []
    for code, to in pairs:
        delta = to - code
        if rows:
            first, last, step, d = rows[-1]
            gap = code - last
            if d == delta and (gap == step or (first == last and gap in (1, 2))):
                rows[-1] = (first, code, gap, d)
                continue
        rows.append((code, code, 1, delta))
    return rows


def emit(name, change):
    simple = [(c, ord(change(chr(c)))) for c in range(0x80, 0x110000)
              if not 0xd800 <= c < 0xe000 and len(change(chr(c))) == 1 and change(chr(c)) != chr(c)]
    print(f"constexpr CaseRange {name}_ranges[] = {{")
    for first, last, step, delta in ranges(simple):
        print(f"    {{{first:#x}, {last:#x}, {step}, {delta}}},")
    print("};")
    long = [(c, change(chr(c))) for c in range(0x80, 0x110000)
            if not 0xd800 <= c < 0xe000 and len(change(chr(c))) > 1]
    print(f"constexpr LongCase {name}_long[] = {{")
    for code, text in long:
        print("    {%#x, \"%s\"}," % (code, "".join("\\x%02x" % b for b in text.encode())))
    print("};")


print(f"// case_table.inc - written by scripts/case_table.py from Unicode {unicodedata.unidata_version}; not by hand.")
print("// clang-format off")
emit("upper", str.upper)
emit("lower", str.lower)
emit("title", str.title)
sys.stdout.flush()
