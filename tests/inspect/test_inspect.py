#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of bin/inspect on a trace made by hand: test_inspect.py BIN/INSPECT."""
import json
import os
import re
import subprocess
import sys
import tempfile
from xml.etree import ElementTree

sys.dont_write_bytecode = True
import tap

PROGRAM = sys.argv[1]
TRACE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "trace.json")
SVG = "{http://www.w3.org/2000/svg}"
directory = tempfile.TemporaryDirectory()


def place(name):
    return os.path.join(directory.name, name)


def write(name, text):
    data = text if isinstance(text, bytes) else text.encode()
    with open(place(name), "wb") as file:
        file.write(data)
    return place(name)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def run(*arguments, status=0):
    done = subprocess.run([sys.executable, PROGRAM, *arguments], text=True,
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == status, \
        f"exit {done.returncode}, not {status}: {done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    return done


def equal(got, wanted, what=""):
    assert got == wanted, f"{what}: {got!r}, not {wanted!r}"


def numbers(path):
    run(path, "--json", place("out.json"))
    return json.loads(read(place("out.json")))


def refused(path, words):
    done = run(path, status=2)
    equal(done.stdout, "", "stdout")
    equal(done.stderr.count("\n"), 1, "lines on stderr")
    assert words in done.stderr, done.stderr


def contains(got, wanted):
    for key, value in wanted.items():
        equal(got[key], value, key)


# -------------------------------------------------------------------- tests --

def test_numbers():
    data = numbers(TRACE)
    equal(data["complete"], True)
    equal(data["duration_us"], 2000)
    equal([r["id"] for r in data["resources"]], [1, 2])
    contains(data["resources"][0], {
        "kind": "image", "name": 'terrain <1> & "so on" #9', "handle": "0x1000",
        "size": 1048576, "bound_end": 65536, "pages_end": 16,
        "bound_peak": 131072, "binds": 1, "unbinds": 1, "ops": 2,
        "bytes_bound": 131072, "bytes_unbound": 65536, "reads": 5, "writes": 2,
        "faults": 0, "misses": 17})
    contains(data["resources"][1], {
        "kind": "buffer", "name": "", "handle": "0x2000", "size": 262144,
        "bound_end": 262144, "pages_end": 64, "bound_peak": 262144, "binds": 1,
        "unbinds": 0, "ops": 1, "bytes_bound": 262144, "bytes_unbound": 0,
        "reads": 1, "writes": 0, "faults": 3, "misses": 0})


def test_totals():
    contains(numbers(TRACE)["total"], {
        "size": 1310720, "bound_end": 327680, "bound_peak": 393216, "binds": 2,
        "unbinds": 1, "ops": 3, "bytes_bound": 393216, "bytes_unbound": 65536,
        "reads": 6, "writes": 2, "faults": 3, "vm_binds": 3,
        "vm_binds_failed": 1, "submits": 1, "commands_failed": 1, "waits": 1,
        "waited_us": 300.5, "memory_objects": 1, "memory_bytes": 524288})


def test_order():
    """Whatever the order in the file, that in time counts."""
    head, *lines = read(TRACE).splitlines()[1:-1]
    body = [line.rstrip(",") for line in reversed(lines)]
    text = "[\n" + ",\n".join([head.rstrip(",")] + body) + "\n]\n"
    equal(numbers(write("back.json", text)), numbers(TRACE))


def test_peak_after_destruction():
    """What is gone does not count into a later peak."""
    text = read(TRACE)
    more = ('{"ph":"C","ts":900,"pid":7,"tid":8,"cat":"counter","name":"bound: '
            'image 0x1000 #1","args":{"bytes":196608}},\n')
    at = text.index('{"ph":"i","ts":2000')
    data = numbers(write("more.json", text[:at] + more + text[at:]))
    equal(data["resources"][0]["bound_peak"], 196608)
    equal(data["total"]["bound_peak"], 393216)


def test_table():
    lines = run(TRACE).stdout.splitlines()
    assert "<synthetic> & co" in lines[0] and "2 ms" in lines[0], lines[0]
    cells = [re.split(r"\s{2,}", line.strip()) for line in lines]
    equal(cells[4], ["1", "image", 'terrain <1> & "so on" #9', "1 MiB", "64 KiB",
                     "16", "128 KiB", "1", "1", "2", "128 KiB", "64 KiB", "5", "2",
                     "0"])
    equal(cells[5], ["2", "buffer", "0x2000", "256 KiB", "256 KiB", "64",
                     "256 KiB", "1", "0", "1", "256 KiB", "0 B", "1", "0", "3"])
    equal(cells[7], ["total", "2 resources", "1.2 MiB", "320 KiB", "80", "384 KiB",
                     "2", "1", "3", "384 KiB", "64 KiB", "6", "2", "3"])
    equal(run(TRACE).stderr, "", "stderr")


def test_svg():
    run(TRACE, "--svg", place("out.svg"))
    root = ElementTree.parse(place("out.svg")).getroot()
    equal(root.get("width"), "1200")
    paths = [p.get("d") for p in root.iter(SVG + "path")]
    equal(len(paths), 2, "lanes")
    # Of 900 pixels for 2 ms: all of the peak from 208 us on, half from 607 us.
    image = re.fullmatch(r"M\d+ (\d+)H\d+V\d+\.0H364V([\d.]+)H543V([\d.]+)H1170V\d+Z",
                         paths[0])
    assert image, paths[0]
    bottom, full, half = map(float, image.groups())
    equal((bottom - full) / (bottom - half), 2.0, "ratio of heights")
    # The buffer is destroyed at 700 us.
    assert "H585V" in paths[1], paths[1]
    texts = [t.text for t in root.iter(SVG + "text")]
    for words in ("time in ms", "faults", "bound memory", "128 KiB",
                  'terrain <1> & "so on" #9'):
        assert words in texts, f"{words} not in {texts}"
    reds = [r for r in root.iter(SVG + "rect") if r.get("fill") == "#d62728"]
    equal(len(reds), 2, "the legend's tick and one fault")
    assert "http" not in read(place("out.svg")).replace(SVG[1:-1], "")


def test_truncated_anywhere():
    """Cut at the end of a line, shortly before it, or well within the next."""
    text = read(TRACE)
    first = text.index("\n", 3) + 1
    cuts = [m.end() for m in re.finditer("\n", text)]
    for cut in [c + (-3, 0, 40)[i % 3] for i, c in enumerate(cuts)]:
        if not first <= cut < len(text) - 3:
            continue
        done = run(write("cut.json", text[:cut]))
        equal(done.stderr.count("\n"), 1, f"lines on stderr at {cut}")
        assert "breaks off" in done.stderr, done.stderr
        assert "total" in done.stdout


def test_truncated_numbers():
    text = read(TRACE)
    at = text.index('{"ph":"X","ts":605.000') + 30
    data = numbers(write("cut.json", text[:at]))
    equal(data["complete"], False)
    contains(data["resources"][0], {"bound_end": 131072, "ops": 1})
    contains(data["total"], {"vm_binds": 1, "bound_peak": 393216})


def test_truncated_in_a_character():
    text = read(TRACE).encode()
    at = text.index(b"so on")
    run(write("cut.json", text[:at] + b"\xc3"))


def test_events_without_end():
    """Closed by a viewer, but the program never wrote its last event."""
    lines = read(TRACE).splitlines()
    text = "\n".join(lines[:-2]).rstrip(",") + "\n]\n"
    assert "breaks off" in run(write("open.json", text)).stderr


def test_lost_arguments():
    text = read(TRACE)
    text = re.sub(r'("name":"misses","args":)\{[^}]*\}', r"\1{}", text)
    done = run(write("lost.json", text))
    assert "1 event left out" in done.stderr, done.stderr


def test_foreign():
    refused(place("absent"), "No such file")
    refused(directory.name, "cannot read")
    refused(write("empty", ""), "empty")
    refused(write("text", "hello\n"), "not JSON")
    refused(write("binary", bytes(range(256))), "not JSON")
    refused(write("object.json", '{"a": 1}'), "not a trace")
    refused(write("number.json", "17"), "not a trace")
    refused(write("list.json", "[]"), "not a trace")
    refused(write("open.json", "["), "not a trace")
    refused(write("others.json", '[{"ph":"X","name":"draw","ts":1,"dur":2}]'),
            "not a trace")
    refused(write("deep.json", "[" * 100000), "not a trace")
    refused(write("newer.json",
                  read(TRACE).replace('"version":1', '"version":2')), "version 2")


def test_damaged():
    text = read(TRACE)
    refused(write("hole.json", text.replace('"offset":65536', '"offset":6"')),
            "line 15")
    refused(write("word.json", text.replace('"size":1048576', '"size":"big"')),
            "event 4: 'size'")
    refused(write("bare.json", text.replace('"reads":5,', "")), "'reads'")
    run(write("late.json", text.replace('"ts":2000.000', '"ts":1e400')),
        "--svg", place("late.svg"))
    refused(write("item.json", text.replace("\n]", ",\n17]")), "not an object")


def test_cannot_write():
    done = run(TRACE, "--svg", place("no/such/place.svg"), status=2)
    assert "cannot write" in done.stderr


def test_no_resources():
    lines = read(TRACE).splitlines()
    text = "\n".join(lines[:2] + lines[-2:])
    run(write("none.json", text), "--svg", place("none.svg"))
    ElementTree.parse(place("none.svg"))


def test_help():
    assert "--svg" in run("--help").stdout
    run(status=2)


def main():
    return tap.run([(n, f) for n, f in globals().items() if n.startswith("test_")])


if __name__ == "__main__":
    sys.exit(main())
