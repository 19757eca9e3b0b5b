#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests bin/uapi-test: check_tool.py SOURCE_ROOT BUILD_DIR_OF_TESTS_UAPI"""
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import types

ROOT, PROGRAMS = pathlib.Path(sys.argv[1]), sys.argv[2]
TOOL = ROOT / "bin" / "uapi-test"


def load_tool():
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader("uapi_test", str(TOOL))
    spec = importlib.util.spec_from_loader("uapi_test", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def run(*arguments):
    return subprocess.run([sys.executable, "-B", TOOL, "--programs", PROGRAMS, *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)


def test_catalog():
    """Every subtest says what it is about, and every test function is one."""
    tool = load_tool()
    catalog = tool.uapi_catalog.read(tool.TESTS)
    assert len(catalog) > 100
    for name, (_, function, about) in catalog.items():
        assert about, name
        assert function in (tool.TESTS / f"test_{name.split('.')[0]}.c").read_text()
    written = sum(path.read_text().count("(void **state)\n{")
                  for path in tool.TESTS.glob("test_*.c"))
    helpers = sum(path.read_text().count("static int\n" + name + "(void **state)\n{")
                  for path in tool.TESTS.glob("test_*.c")
                  for name in ("setup", "teardown"))
    assert written - helpers == len(catalog), (written, helpers, len(catalog))


def test_deviations():
    """Deviations are of subtests that there are; a wrong name is an error."""
    tool = load_tool()
    catalog = tool.uapi_catalog.read(tool.TESTS)
    assert len(tool.uapi_catalog.read_deviations(tool.DEVIATIONS, catalog)) > 10
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("# words\nbind.nothing  why\n")
        file.flush()
        try:
            tool.uapi_catalog.read_deviations(file.name, catalog)
        except SystemExit as error:
            assert "bind.nothing" in str(error)
        else:
            raise AssertionError("no error")


def test_list():
    """--list has a line for each, and patterns choose."""
    assert len(run("--list").stdout.splitlines()) > 100
    lines = run("--list", "bind.*").stdout.splitlines()
    assert lines and all(line.startswith("bind.") for line in lines)


def test_run():
    """One subtest runs alone, as TAP and as JSON."""
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory) / "results.json"
        ran = run("bind.coalesce", "--json", str(file))
        assert ran.returncode == 0, ran.stderr
        assert "1..1\nok 1 - bind.coalesce: " in ran.stdout, ran.stdout
        assert "# 1 passed, 0 failed, 0 skipped, 0 known deviations" in ran.stdout
        subtest, = json.loads(file.read_text())["subtests"]
        assert subtest["name"] == "bind.coalesce" and subtest["result"] == "pass"


def test_judge():
    """What a program's end and its output come to."""
    judge = load_tool().judge

    def of(status, output):
        return judge(types.SimpleNamespace(returncode=status), output)

    assert of(0, "1..1\nok 1 - test_x\n") == ("pass", "")
    assert of(0, "1..1\nok 1 - test_x # SKIP\n# ok - uapi-x\n") == ("skip", "")
    assert of(0, "1..1\nnot ok 1 # SKIP test_x\n# ok - uapi-x\n") == ("skip", "")
    result, message = of(1, "1..1\nnot ok 1 - test_x\n#   0x1 != 0x2\n# file.c:7: error\n")
    assert result == "fail" and "0x1 != 0x2" in message and "file.c:7" in message
    result, message = of(-11, "")
    assert result == "fail" and "signal 11" in message
    result, message = of(0, "")
    assert result == "fail" and "without a result" in message
    # It passed, and what the machine found afterwards is the status.
    result, message = of(1, "ok 1 - test_x\npansparse: leak: 1 page\n")
    assert result == "fail" and "leak: 1 page" in message


def test_bad_arguments():
    """Unknown patterns and devices are named."""
    ran = run("nothing.*")
    assert ran.returncode and "nothing.*" in ran.stderr
    ran = run("--device", "/nowhere/renderD128", "bind.coalesce")
    assert ran.returncode and "/nowhere/renderD128" in ran.stderr


def main():
    os.environ.pop("PANSPARSE_DEVICE", None)
    tests = [value for name, value in globals().items() if name.startswith("test_")]
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} - {test.__doc__}")
        except AssertionError as error:
            print(f"not ok {number} - {test.__doc__}\n# {error!r}")


main()
