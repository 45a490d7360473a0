#!/usr/bin/env python3
"""Writes src/sample/grammar/categories.inc: runs of Unicode's general category, from Python's own
tables. Usage: make_categories.py > src/sample/grammar/categories.inc"""
import unicodedata

NAMES = ("Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp "
         "Cc Cf Cs Co Cn").split()


def main():
    runs, last = [], None
    for point in range(0x110000):
        category = unicodedata.category(chr(point))
        if category != last:
            runs.append(point << 8 | NAMES.index(category))
        last = category
    print(f"// General categories of Unicode {unicodedata.unidata_version}, "
          "by scripts/make_categories.py.")
    for i in range(0, len(runs), 9):
        print(" ".join(f"0x{run:x}," for run in runs[i:i + 9]))


main()
