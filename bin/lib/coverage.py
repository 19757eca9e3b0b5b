#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Line and branch coverage of src/panthor and src/mali, from a build tree.

usage: coverage.py SOURCE_ROOT BUILD_DIR [MINIMUM]

Prints a line per file with the numbers of the lines that no test runs, and a
sum per part. Exits with 1 if a part has less than MINIMUM % of its lines.
"""
import json
import subprocess
import sys

PARTS = ("src/panthor", "src/mali")


def read(root, build):
    """gcovr's records of the parts' own files, without their tests/."""
    command = ["gcovr", "-r", root, build, "--json"]
    for part in PARTS:
        command += ["--filter", rf"{part}/[^/]*\.[ch]$"]
    output = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, check=True).stdout
    return json.loads(output)["files"]


def name_of(record):
    return record.get("file") or record["filename"]


def counts(record):
    lines = [line for line in record["lines"] if not line.get("gcovr/noncode")]
    branches = [branch for line in lines for branch in line["branches"]]
    return {
        "lines": len(lines),
        "run": sum(1 for line in lines if line["count"]),
        "branches": len(branches),
        "taken": sum(1 for branch in branches if branch["count"]),
        "missed": [line["line_number"] for line in lines if not line["count"]],
    }


def ranges(numbers):
    """1, 2, 3, 7 as "1-3 7"."""
    found = []
    for n in numbers:
        if found and found[-1][1] == n - 1:
            found[-1][1] = n
        else:
            found.append([n, n])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in found)


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def show(name, c, missed=""):
    print(f"{name:<38}{c['run']:>6}/{c['lines']:<6}{percent(c['run'], c['lines']):6.1f} %"
          f"{percent(c['taken'], c['branches']):9.1f} %  {missed}".rstrip())


def main(root, build, minimum=95.0):
    files = {name_of(record): counts(record) for record in read(root, build)}
    failed = False
    print(f"{'file':<38}{'lines':>10}{'':>11}{'branches':>11}  lines that no test runs")
    for part in PARTS:
        own = {name: c for name, c in sorted(files.items()) if name.startswith(part + "/")}
        for name, c in own.items():
            show(name, c, ranges(c["missed"]))
        total = {key: sum(c[key] for c in own.values()) for key in ("lines", "run", "branches", "taken")}
        show(part, total)
        if not own or percent(total["run"], total["lines"]) < float(minimum):
            print(f"{part}: fewer than {minimum} % of the lines are tested")
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
