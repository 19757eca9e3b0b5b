# SPDX-License-Identifier: MIT
"""Asks a running process what its machine is like: for bin/inspect."""
import os
import re
import socket
import struct

PARTS = ("machine", "files", "slots", "gpuvas", "translations", "page_tables",
         "tlb", "gems", "groups", "binds", "stats")
FORMAT = "1"
TIMEOUT_S = 5
MAX_HEAD = 256


class LiveError(Exception):
    """What went wrong, as words to be printed."""


class Unanswered(LiveError):
    """The process is there and says nothing."""


def read_proc(pid, name):
    """A file of a process's, for a terminal; its words end in NUL or newline."""
    try:
        with open(f"/proc/{pid}/{name}", encoding="utf-8", errors="replace") as file:
            text = file.read().rstrip("\0\n").replace("\0", " ")
    except OSError:
        return "?"
    return "".join(c if c.isprintable() else "?" for c in text)


def program_name(pid):
    return read_proc(pid, "comm")


def command_line(pid):
    return read_proc(pid, "cmdline")


def processes():
    """The ids of those that listen, in this network namespace."""
    found = set()
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as file:
        for line in file:
            match = re.search(r" @pansparse-(\d+)$", line.rstrip("\n"))
            if match and os.path.exists(f"/proc/{match[1]}"):
                found.add(int(match[1]))
    return sorted(found)


def connect(pid):
    who = f"process {pid} ({program_name(pid)})"
    if not os.path.exists(f"/proc/{pid}"):
        raise LiveError(f"there is no process {pid}")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(TIMEOUT_S)
    try:
        sock.connect(f"\0pansparse-{pid}")
    except ConnectionRefusedError:
        sock.close()
        raise LiveError(f"{who} has no machine: it has not opened a device yet, runs "
                        "with PANSPARSE_INSPECT=0, or is no program of this driver's"
                        ) from None
    # Anybody may take a name.
    owner = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED,
                                                struct.calcsize("3i")))[0]
    if owner != pid:
        sock.close()
        raise LiveError(f"{who} has no machine: process {owner} pretends to be it")
    return sock


def receive(sock):
    """The whole answer, as far as it came."""
    data = bytearray()
    while True:
        try:
            piece = sock.recv(1 << 16)
        except ConnectionResetError:
            piece = b""
        if not piece:
            return bytes(data)
        data += piece


def ask(pid, part):
    """The text of one part."""
    try:
        with connect(pid) as sock:
            sock.sendall(part.encode() + b"\n")
            data = receive(sock)
    except TimeoutError:
        raise Unanswered(f"process {pid} ({program_name(pid)}) does not answer within "
                         f"{TIMEOUT_S} s: it may be stopped") from None
    except OSError as error:
        raise LiveError(f"process {pid}: {error.strerror}") from None
    head, newline, text = data.partition(b"\n")
    words = head[:MAX_HEAD].decode(errors="replace").split(" ", 1)
    if newline and words[0] == "error" and len(words) == 2:
        raise LiveError(f"process {pid}, {part}: {words[1]}")
    if not newline or words[0] != "ok" or words[1:] != [str(len(text))]:
        raise LiveError(f"process {pid}, {part}: the answer breaks off")
    return text.decode(errors="replace")


def check_format(pid):
    """Is it laid out as this program expects? Asked first."""
    rows = dict(row[:2] for section in parse(ask(pid, "machine"))
                for row in section["rows"])
    if rows.get("format") != FORMAT:
        raise LiveError(f"process {pid} runs another version of pansparse "
                        f"({rows.get('pansparse', 'unknown')}), whose answers this "
                        "bin/inspect does not read")


def is_rule(line):
    return len(line) > 2 and not line.strip("-")


def split(line, columns):
    return [cell.strip() for cell in line.split("|", columns - 1 if columns else -1)]


def parse(text):
    """
    Sections: a title, and a table (columns, rows) or lines. In the text there are
    empty lines between title and body, and between sections.
    """
    paragraphs = [p.split("\n") for p in re.split(r"\n\n+", text.strip("\n")) if p]
    sections = []
    for title, body in zip(paragraphs[::2], paragraphs[1::2]):
        section = {"title": " ".join(title), "columns": [], "rows": [], "lines": []}
        if len(body) > 1 and is_rule(body[1]):
            section["columns"] = split(body[0], 0)
            section["rows"] = [split(line, len(section["columns"]))
                               for line in body[2:]]
        else:
            section["lines"] = body
        sections.append(section)
    return sections


def number(cell):
    """A cell as a number, if it is one."""
    if re.fullmatch(r"-?\d+", cell):
        return int(cell)
    if re.fullmatch(r"0x[0-9a-f]+", cell):
        return int(cell, 16)
    return cell


def as_data(sections):
    """The same for JSON: rows with names."""
    return [{"title": s["title"], "lines": s["lines"]} if not s["columns"] else
            {"title": s["title"],
             "rows": [dict(zip(s["columns"], map(number, row))) for row in s["rows"]]}
            for s in sections]
