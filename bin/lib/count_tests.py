#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sums up meson's JUnit reports, each given as NAME=FILE.

Prints a line per report, the failed tests by name, and last the line
"N passed, N failed". Exits with 1 if anything failed or nothing ran.
"""
import sys
import xml.etree.ElementTree as ElementTree


def read(path):
    passed, skipped, failed = 0, 0, []
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        cases = list(suite.iter("testcase"))
        bad = False
        for case in cases:
            if case.find("skipped") is not None:
                skipped += 1
            elif case.find("failure") is not None or case.find("error") is not None:
                failed.append(f"{suite.get('name')}: {case.get('name')}")
                bad = True
            else:
                passed += 1
        # A program that crashed after its last subtest failed as a whole.
        whole = int(suite.get("errors") or 0) + int(suite.get("failures") or 0)
        if whole and not bad:
            failed.append(f"{suite.get('name')}: (the program itself)")
    return passed, skipped, failed


def main(reports):
    passed, failed = 0, []
    for report in reports:
        name, path = report.split("=", 1)
        good, skipped, bad = read(path)
        print(f"{name:6} {good:5} passed {len(bad):4} failed {skipped:4} skipped")
        passed += good
        failed += [f"{name}: {test}" for test in bad]
    for test in failed:
        print(f"FAILED {test}")
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
