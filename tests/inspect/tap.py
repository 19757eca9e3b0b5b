# SPDX-License-Identifier: MIT
"""Runs functions as subtests, and says in TAP how they ended."""
import traceback


def run(tests):
    """@tests: pairs of a name and a function. The exit status of the program."""
    failed = 0
    print(f"1..{len(tests)}")
    for i, (name, function) in enumerate(tests):
        try:
            function()
            print(f"ok {i + 1} - {name}", flush=True)
        except Exception:
            failed += 1
            print(f"not ok {i + 1} - {name}")
            for line in traceback.format_exc().splitlines():
                print(f"# {line}", flush=True)
    return 1 if failed else 0
