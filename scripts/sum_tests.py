#!/usr/bin/env python3
"""Adds up ctest's JUnit reports: a Catch2 program counts by its test cases, any other test as one.

Usage: sum_tests.py [--failed-stages N] REPORT.xml...   The last line is `N passed, N failed`.
"""
import argparse
import re
import sys
import xml.etree.ElementTree as xml

ALL_PASSED = re.compile(r"^All tests passed \(.* in (\d+) test cases?\)", re.MULTILINE)
SOME_FAILED = re.compile(r"^test cases: *(\d+) \|(?: *(\d+) passed \|?)?(?: *(\d+) failed)?", re.MULTILINE)
UNITTEST = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)


def count(case):
    """(passed, failed, skipped) of one ctest test."""
    output = case.findtext("system-out") or ""
    ok = case.get("status") == "run"
    if case.get("status") in ("notrun", "disabled"):
        # Also written for a program that was never built: that one has failed.
        reason = case.find("skipped")
        by_itself = reason is not None and (reason.get("message") or "").startswith("SKIP_")
        return (0, 0, 1) if by_itself else (0, 1, 0)
    passed = ALL_PASSED.search(output) or UNITTEST.search(output)
    if ok:
        return int(passed.group(1)) if passed else 1, 0, 0
    some = SOME_FAILED.search(output)
    if some and some.group(3):
        return int(some.group(2) or 0), int(some.group(3)), 0
    return 0, 1, 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--failed-stages", type=int, default=0)
    parser.add_argument("reports", nargs="*")
    options = parser.parse_args()

    total = [0, options.failed_stages, 0]
    notes = 0
    for report in options.reports:
        for case in xml.parse(report).getroot().iter("testcase"):
            result = count(case)
            total = [a + b for a, b in zip(total, result)]
            notes += (case.findtext("system-out") or "").count("SKIPPED:")
            if result[1]:
                print(f"FAILED: {case.get('name')}")
            if result[2]:
                print(f"SKIPPED: {case.get('name')}")
    if notes:
        print(f"{notes} checks were skipped; their output says why")
    print(f"{total[0]} passed, {total[1]} failed")
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())
