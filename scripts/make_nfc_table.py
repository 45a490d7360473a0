#!/usr/bin/env python3
"""Writes src/text/nfc_table.inc from Python's Unicode data. Usage: make_nfc_table.py > src/text/nfc_table.inc"""
import sys
import unicodedata as ucd

HANGUL = range(0xAC00, 0xD7A4)
POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def canonical(point):
    """The one-step canonical decomposition as a list of code points."""
    text = ucd.decomposition(chr(point))
    return [] if not text or text.startswith("<") else [int(p, 16) for p in text.split()]


def rows(name, items, width):
    print(f"constexpr {name}[] = {{")
    line = "   "
    for item in items:
        if len(line) + 1 + len(item) > width:
            print(line)
            line = "   "
        line += " " + item
    print(line + "\n};\n")


def ranges(keyed):
    """[(first, last, key)] of ascending (point, key) with runs of one key joined."""
    out = []
    for point, key in keyed:
        if out and out[-1][1] == point - 1 and out[-1][2] == key:
            out[-1][1] = point
        else:
            out.append([point, point, key])
    return out


def main():
    parts = {c: canonical(c) for c in POINTS if c not in HANGUL and canonical(c)}
    pairs = sorted((p[0], p[1], c) for c, p in parts.items()
                   if len(p) == 2 and ucd.normalize("NFC", chr(c)) == chr(c))
    seconds = {p[1] for p in pairs} | set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))
    changing = [(c, 0) for c in POINTS if ucd.combining(chr(c)) or c in seconds
                or (c not in HANGUL and ucd.normalize("NFC", chr(c)) != chr(c))]
    print(f"// nfc_table.inc - Unicode {ucd.unidata_version}, made by scripts/make_nfc_table.py.")
    print("// clang-format off\n")
    print("// A character and the one or two that it stands for (second 0: one), ascending.")
    rows("Decomposition decompositions", [f"{{{c:#x},{p[0]:#x},{p[1] if len(p) > 1 else 0:#x}}},"
                                          for c, p in sorted(parts.items())], 100)
    print("// Two characters and the one that they become, ascending.")
    rows("Composition compositions", [f"{{{a:#x},{b:#x},{c:#x}}}," for a, b, c in pairs], 100)
    print("// Canonical combining classes that are not 0: first, last, class.")
    classes = [(c, ucd.combining(chr(c))) for c in POINTS if ucd.combining(chr(c))]
    rows("ClassRange combining_classes", [f"{{{a:#x},{b:#x},{k}}}," for a, b, k in ranges(classes)], 100)
    print("// Characters that may change, move or join others: first, last. Text without any is in NFC.")
    rows("PointRange changing", [f"{{{a:#x},{b:#x}}}," for a, b, _ in ranges(changing)], 100)
    print("// clang-format on")


if __name__ == "__main__":
    sys.exit(main())
