#!/usr/bin/env python3
"""Writes src/sample/schema/category_table.inc from Python's Unicode data. Usage: make_category_table.py > src/sample/schema/category_table.inc"""
import sys
import unicodedata as ucd


def main():
    runs = []
    for point in range(0x110000):
        if 0xD800 <= point < 0xE000:
            continue
        category = ucd.category(chr(point))
        if runs and runs[-1][2] == category and runs[-1][1] == point - 1:
            runs[-1][1] = point
        else:
            runs.append([point, point, category])
    print(f"// category_table.inc - Unicode {ucd.unidata_version}, made by scripts/make_category_table.py.")
    print("// clang-format off\n")
    print("// Characters of one general category, ascending; unassigned ones are left out.")
    print("constexpr CategoryRun category_runs[] = {")
    line = "   "
    for low, high, category in runs:
        if category == "Cn":
            continue
        item = f'{{0x{low:x},0x{high:x},"{category}"}},'
        if len(line) + 1 + len(item) > 118:
            print(line)
            line = "   "
        line += " " + item
    print(line + "\n};")


if __name__ == "__main__":
    sys.exit(main())
