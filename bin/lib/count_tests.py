#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sums up meson's JUnit reports, each given as NAME=FILE, with the JSON beside it.

Subtests are in the one; how programs ended, in the other alone. Prints a line per report, the failed tests by name, and last the line
"N passed, N failed". Exits with 1 if anything failed or nothing ran.
"""
import json
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def ended_badly(path):
    """The programs that did not end well: a sanitizer's report, a crash, a timeout."""
    lines = pathlib.Path(path.removesuffix(".junit.xml") + ".json").read_text(encoding="utf-8")
    tests = map(json.loads, lines.splitlines())
    return [test["name"] for test in tests
            if test["result"] not in ("OK", "SKIP", "EXPECTEDFAIL")]


def read(path):
    passed, skipped, failed = 0, 0, []
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        for case in suite.iter("testcase"):
            if case.find("skipped") is not None:
                skipped += 1
            elif case.find("failure") is not None or case.find("error") is not None:
                failed.append(f"{suite.get('name')}: {case.get('name')}")
            else:
                passed += 1
    # Those of which no subtest failed, or that have none, failed as a whole.
    for name in ended_badly(path):
        program = name.rsplit(" / ", 1)[-1]
        if not any(f"{name}: " in test or test.endswith(f": {program}") for test in failed):
            failed.append(f"{name}: (the program itself)")
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
