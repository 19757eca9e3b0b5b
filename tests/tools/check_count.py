#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests bin/lib/count_tests.py: check_count.py SOURCE_ROOT"""
import json
import pathlib
import subprocess
import sys
import tempfile

TOOL = pathlib.Path(sys.argv[1]) / "bin" / "lib" / "count_tests.py"

# As meson writes them: of a program with TAP a suite, of others a case.
SUITE = '<testsuite name="pansparse.pansparse:linux / {}" tests="1" errors="0" failures="0">{}</testsuite>'
GOOD = '<testcase name="1 - test_good" />'
BAD = '<testcase name="2 - test_bad"><failure /></testcase>'
SKIPPED = '<testcase name="3 - test_skipped"><skipped /></testcase>'
PLAIN = '<testsuite name="pansparse" tests="1" errors="0" failures="0"><testcase name="{}">{}</testcase></testsuite>'


def count(suites, results):
    with tempfile.TemporaryDirectory() as directory:
        report = pathlib.Path(directory) / "testlog.junit.xml"
        report.write_text(f"<testsuites>{''.join(suites)}</testsuites>")
        report.with_name("testlog.json").write_text("".join(
            json.dumps({"name": name, "result": result}) + "\n" for name, result in results.items()))
        ran = subprocess.run([sys.executable, TOOL, f"plain={report}"], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return ran.returncode, ran.stdout


def check(what, suites, results, last, status, mentioned=""):
    code, output = count(suites, results)
    good = code == status and output.splitlines()[-1] == last and mentioned in output
    check.number += 1
    print(f"{'ok' if good else 'not ok'} {check.number} - {what}")
    if not good:
        print("".join(f"# {line}\n" for line in output.splitlines()), end="")


check.number = 0
ONE = "pansparse:linux / one"
TWO = "pansparse:linux / two"
print("1..7")
check("all is well", [SUITE.format("one", GOOD + SKIPPED)], {ONE: "OK"},
      "1 passed, 0 failed", 0)
check("a subtest failed", [SUITE.format("one", GOOD + BAD)], {ONE: "FAIL"},
      "1 passed, 1 failed", 1, "test_bad")
check("a program ended badly after subtests that passed",
      [SUITE.format("one", GOOD), SUITE.format("two", GOOD)], {ONE: "ERROR", TWO: "OK"},
      "2 passed, 1 failed", 1, f"{ONE}: (the program itself)")
check("a program took too long", [SUITE.format("one", GOOD)], {ONE: "TIMEOUT"},
      "1 passed, 1 failed", 1, ONE)
check("a program without TAP failed", [PLAIN.format("bench", "<failure />")],
      {"pansparse:vulkan / bench": "FAIL"}, "0 passed, 1 failed", 1, "bench")
check("a program without TAP passed", [PLAIN.format("bench", "")],
      {"pansparse:vulkan / bench": "OK"}, "1 passed, 0 failed", 0)
check("nothing ran", [], {}, "0 passed, 0 failed", 1)
