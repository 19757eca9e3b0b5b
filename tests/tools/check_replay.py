#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests what bin/replay runs: check_replay.py REPLAY CLIENT STRESS PRELOAD_LIBRARY"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

REPLAY, CLIENT, STRESS, LIBRARY = sys.argv[1:5]
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def run(*arguments, **environment):
    ran = subprocess.run([REPLAY, *map(str, arguments)], text=True, check=False, timeout=100,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         env=os.environ | environment)
    return ran.returncode, ran.stdout


def expect(result, status, *texts):
    code, output = result
    assert code == status, f"status {code}, not {status}: {output}"
    for text in texts:
        assert text in output, f"no {text!r} in {output}"
    return output


def record(path, client=CLIENT):
    subprocess.run([client], check=True, stdout=subprocess.DEVNULL,
                   env=os.environ | {"PANSPARSE_RECORD": str(path), "PANSPARSE_TEST_SECONDS": "1"})


@test
def says_how_it_is_used(folder):
    expect(run("--help"), 0, "bin/replay FILE")
    expect(run(), 2, "bin/replay FILE")
    expect(run("a", "b"), 2, "bin/replay FILE")
    expect(run("a", "--limit", "0"), 2, "bin/replay FILE")
    expect(run("--nonsense"), 2)


@test
def refuses_what_is_no_recording(folder):
    expect(run(folder / "missing"), 2, "No such file")
    expect(run(folder), 2, "is no recording")
    other = folder / "other"
    other.write_text("not a recording, but long enough to be one: " * 10)
    expect(run(other), 2, "other is no recording")
    newer = folder / "newer"
    newer.write_bytes(b"pansparse record" + (77).to_bytes(4, "little") + bytes(100))
    expect(run(newer), 2, "of version 77")


@test
def replays(folder):
    path, numbers = folder / "good", folder / "numbers.json"
    record(path)
    expect(run(path, "--json", numbers), 0, "\n0 differences\n", "page-table entries written")
    found = json.loads(numbers.read_text())
    assert found["difference_count"] == 0 and found["differences"] == []
    assert found["program"] == pathlib.Path(CLIENT).name[:31]
    assert found["ops"] > 100 and found["vms_compared"] > 10
    for key in ("vm_bind_ops", "pt_entries_written"):
        assert found["recorded"][key] == found["replayed"][key] > 0, key
    expect(run(path, "--json", "/nonexistent/file"), 2, "cannot be written")
    expect(run(path, "--shrink", folder / "small"), 0, "nothing to shrink")
    assert not (folder / "small").exists()


@test
def lists(folder):
    path = folder / "list"
    record(path)
    output = expect(run(path, "--list"), 0, "boot: uAPI 1.9", "PANTHOR_VM_CREATE id 1",
                    "sparse", "page tables of file")
    numbers = [int(line.split()[0]) for line in output.splitlines() if line[:8].strip().isdigit()]
    assert numbers == list(range(len(numbers)))


@test
def says_what_is_damaged(folder):
    path = folder / "damaged"
    record(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xff
    path.write_bytes(content)
    expect(run(path), 0, "is damaged at byte", "this is what comes before", "\n0 differences\n")
    path.write_bytes(content[:len(content) // 3])
    expect(run(path), 0, "\n0 differences\n")


@test
def replays_what_threads_did_at_once(folder):
    path = folder / "stress"
    record(path, STRESS)
    expect(run(path), 0, "\n0 differences\n")


@test
def replays_on_a_node(folder):
    path = folder / "node"
    record(path)
    expect(run(path, "--device", "/nonexistent"), 2, "No such file")
    expect(run(path, "--device", "/dev/null"), 2, "not a node of Panthor's")
    if not LIBRARY:
        return
    expect(run(path, "--device", "/dev/dri/renderD128", LD_PRELOAD=LIBRARY),
           0, "\n0 differences\n")


print(f"1..{len(TESTS)}")
for number, function in enumerate(TESTS, 1):
    try:
        with tempfile.TemporaryDirectory() as directory:
            function(pathlib.Path(directory))
        print(f"ok {number} - {function.__name__}")
    except (AssertionError, subprocess.SubprocessError) as error:
        print(f"not ok {number} - {function.__name__}")
        print("".join(f"# {line}\n" for line in str(error).splitlines()), end="")
