#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of bin/inspect on running processes: test_live.py BIN/INSPECT CLIENT [vulkan]

CLIENT_PRELOAD in the environment is LD_PRELOAD of the client (live_client.c), and of
nothing else. Processes that answer badly are this one. With "vulkan" the client is
tests/stock/sparse_client.c on our Vulkan driver.
"""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from xml.etree import ElementTree

sys.dont_write_bytecode = True
import tap

PROGRAM, CLIENT = sys.argv[1:3]
VULKAN = sys.argv[3:] == ["vulkan"]
SVG = "{http://www.w3.org/2000/svg}"
PARTS = ["machine", "files", "slots", "gpuvas", "translations", "page_tables", "tlb",
         "gems", "groups", "binds", "stats"]
BASE = 1 << 40
directory = tempfile.TemporaryDirectory()


def place(name):
    return os.path.join(directory.name, name)


def run(*arguments, status=0):
    done = subprocess.run([sys.executable, PROGRAM, *map(str, arguments)], text=True,
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == status, \
        f"exit {done.returncode}, not {status}: {done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    return done


def refused(words, *arguments):
    done = run(*arguments, status=2)
    assert done.stdout == "", done.stdout
    assert done.stderr.count("\n") == 1 and words in done.stderr, done.stderr


def equal(got, wanted, what=""):
    assert got == wanted, f"{what}: {got!r}, not {wanted!r}"


class Client:
    """The program to look into."""

    def __init__(self, **environment):
        self.process = subprocess.Popen(
            [CLIENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "LD_PRELOAD": os.environ["CLIENT_PRELOAD"],
                 **environment})
        self.pid = self.process.pid
        self.hear("ready")

    def hear(self, word):
        equal(self.process.stdout.readline(), word + "\n", "the client")

    def do(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        self.hear("done")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        equal(self.process.wait(20), 0, "exit status of the client")
        self.process.stdout.close()


def data_of(pid, *parts):
    run(pid, *parts, "--json", place("live.json"))
    with open(place("live.json"), encoding="utf-8") as file:
        return json.load(file)


class Fake:
    """This process, with @answer to every request; None: never one."""

    def __init__(self, answer, pid=os.getpid()):
        self.answer, self.held = answer, []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(f"\0pansparse-{pid}")
        self.socket.listen()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        try:
            while True:
                client = self.socket.accept()[0]
                client.recv(64)
                if self.answer is None:
                    self.held.append(client)
                else:
                    client.sendall(self.answer)
                    client.close()
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        # The name is free once nobody accepts any more.
        self.thread.join()
        self.socket.close()
        for client in self.held:
            client.close()


# -------------------------------------------------------------------- tests --

def test_text():
    with Client() as client:
        done = run(client.pid)
        lines = done.stdout.splitlines()
        equal(lines[0], f"live_client, process {client.pid}")
        equal(re.findall(r"^==== (\w+) ====$", done.stdout, re.M), PARTS)
        assert "texture <1> & ? so on" in done.stdout
        equal(done.stderr, "")
        done = run(client.pid, "stats", "files")
        equal(re.findall(r"^==== (\w+) ====$", done.stdout, re.M), ["stats", "files"])


def test_numbers():
    with Client() as client:
        data = data_of(client.pid)
        equal(data["pid"], client.pid)
        equal(data["program"], "live_client")
        equal(list(data["parts"]), PARTS)
        parts = data["parts"]
        file = parts["files"][0]["rows"][0]
        equal([file[key] for key in ("file", "handles", "VMs", "groups")], [1, 2, 2, 1])
        equal(file["opened by"], f"{client.pid} live_client")
        rows = parts["translations"][0]["rows"]
        equal(len(rows), 19)
        equal(rows[0]["start"], BASE)
        equal([row["may"] for row in rows].count("r--"), 1)
        labels = {row["object"]: row["label"] for row in parts["gems"][0]["rows"]}
        equal(labels[rows[1]["object"]], "texture <1> & ? so on")
        equal([g["title"].split(",")[0] for g in parts["groups"]],
              ["Group 1 of file 1 on file 1"])
        equal([q["ring size"] for q in parts["groups"][0]["rows"]], [4096, 65536])
        assert any("named by" in line for line in parts["page_tables"][0]["lines"])
        stats = {row["counter"]: row["value"] for row in parts["stats"][0]["rows"]}
        equal(stats["vm_bind_ops"], 11)


def test_changes_are_seen():
    """And only those that the program made."""
    with Client() as client:
        before = data_of(client.pid, *PARTS)["parts"]
        equal(data_of(client.pid, *PARTS)["parts"], before, "looked at twice")
        client.do("map")
        after = data_of(client.pid, *PARTS)["parts"]
        equal(len(after["gpuvas"][0]["rows"]), len(before["gpuvas"][0]["rows"]) + 1)
        changed = {row["counter"] for row, old in zip(after["stats"][0]["rows"],
                                                      before["stats"][0]["rows"])
                   if row != old}
        assert {"ioctls", "vm_bind_ops", "vmas"} <= changed, changed


def test_svg():
    with Client() as client:
        run(client.pid, "files", "--svg", place("live.svg"))
        root = ElementTree.parse(place("live.svg")).getroot()
        equal(root.get("width"), "1200")
        words = [t.text for t in root.iter(SVG + "text")]
        assert "Address spaces of live_client" in words, words
        equal([w for w in words if re.fullmatch(r"file \d, VM \d", w)],
              ["file 1, VM 1", "file 1, VM 2"])
        titles = [t.text for t in root.iter(SVG + "title")]
        equal(len([t for t in titles if "texture <1> & ? so on" in t]), 9)
        equal(len([t for t in titles if "read-only memory" in t]), 1)
        equal(len([t for t in titles if "sparse: the dummy" in t]), 9)
        # No box is outside of the picture.
        for rect in root.iter(SVG + "rect"):
            assert float(rect.get("x")) + float(rect.get("width")) <= 1200


def test_list():
    with Client() as first, Client() as second:
        lines = [line.split() for line in run("--list").stdout.splitlines()]
        for client in (first, second):
            assert [str(client.pid), "live_client", CLIENT] in lines, lines
    lines = run("--list").stdout
    assert "live_client" not in lines.split(), lines


def test_descriptors_are_closed():
    """A program may close what it does not know; it can be looked into still."""
    with Client() as client:
        client.do("close")
        equal(data_of(client.pid, "files")["parts"]["files"][0]["rows"][0]["VMs"], 2)
        client.do("map")


def test_fork():
    with Client() as client:
        client.do("fork")
        equal(len(data_of(client.pid, "files")["parts"]["files"][0]["rows"]), 1)
        client.do("map")


def test_off():
    with Client(PANSPARSE_INSPECT="0") as client:
        refused(f"process {client.pid} (live_client) has no machine", client.pid)


def test_no_process():
    child = subprocess.Popen(["true"])
    child.wait()
    refused(f"there is no process {child.pid}", child.pid)
    refused("there is no process 99999999999", "99999999999")
    refused("has no machine", os.getpid())


def test_stopped():
    with Client() as client:
        client.process.send_signal(signal.SIGSTOP)
        try:
            start = time.monotonic()
            refused("does not answer within 5 s", client.pid)
            assert 4.5 < time.monotonic() - start < 15
        finally:
            client.process.send_signal(signal.SIGCONT)


def test_silent():
    with Fake(None):
        refused("does not answer within 5 s", os.getpid())


def test_bad_answers():
    machine = b"Machine\n\n what | value\n----\n format | 2\n pansparse | 9.9\n\n"
    for answer, words in (
            (b"error this is another user's process\n", "this is another user's process"),
            (b"ok %d\n%s" % (len(machine), machine), "another version of pansparse (9.9)"),
            (b"ok 100\nshort", "breaks off"), (b"", "breaks off"),
            (b"ok 5", "breaks off"), (b"ok many\nx", "breaks off"),
            (b"\xff\xfe\0" * 1000 + b"\n", "breaks off"),
            (b"ok 3\n\xff\n\n", "another version of pansparse (unknown)")):
        with Fake(answer):
            refused(words, os.getpid())


def test_stolen_name():
    """Who listens under another process's name is not believed."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:
        with Fake(b"ok 0\n", child.pid):
            refused(f"process {os.getpid()} pretends to be it", child.pid)


def test_unknown_part():
    with Client() as client:
        refused("there is no part of that name", client.pid, "nothing")


def test_number_is_a_file():
    """A file with a number for a name is a trace, or none."""
    old = os.getcwd()
    os.chdir(directory.name)
    try:
        with open("1234", "w", encoding="utf-8") as file:
            file.write("no trace")
        refused("1234: ", "1234")
    finally:
        os.chdir(old)


def vulkan_test_driver():
    """A buffer of 1 MiB, bound as a whole, of which a command filled 64 KiB."""
    with subprocess.Popen([CLIENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True,
                          env={**os.environ, "SPARSE_CLIENT_PAUSE": "1"}) as client:
        while (line := client.stdout.readline()) != "# pause\n":
            assert line, "the client has ended"
        parts = data_of(client.pid)["parts"]
        run(client.pid, "tlb", "--svg", place("vulkan.svg"))
        client.communicate("go on\n", timeout=60)
    equal(client.returncode, 0, "exit status of the client")
    bound = [row for row in parts["translations"][0]["rows"]
             if row["what"] == "memory" and row["end"] - row["start"] == 1 << 20]
    equal(len(bound), 1, "buffers of 1 MiB")
    gem = [row for row in parts["gems"][0]["rows"] if row["object"] == bound[0]["object"]]
    equal([row["handles"] for row in gem], [1])
    shown = [row for section in parts["tlb"] for row in section["rows"]
             if row["start"] == bound[0]["start"]]
    equal([row["shows"] for row in shown], ["rw"])
    slots = {row["VM"]: row["state"] for row in parts["slots"][0]["rows"]}
    equal(slots["file 1, VM 1"], "active")
    rects = ElementTree.parse(place("vulkan.svg")).getroot().iter(SVG + "rect")
    assert "#2ca02c" in [rect.get("fill") for rect in list(rects)[8:]]


def main():
    prefix = "vulkan_test_" if VULKAN else "test_"
    return tap.run([(n, f) for n, f in globals().items() if n.startswith(prefix)])


if __name__ == "__main__":
    sys.exit(main())
