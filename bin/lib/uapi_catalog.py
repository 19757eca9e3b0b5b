# SPDX-License-Identifier: MIT
"""The subtests of tests/uapi, with the comment above each as what it is about."""
import pathlib
import re

SUBTEST = re.compile(
    r"(?:/\*((?:[^*]|\*(?!/))*)\*/\n)?static void\n((?:test|finding)_\w+)\(void \*\*state\)\n\{")


def summary(comment):
    words = " ".join(line.strip().lstrip("*").strip()
                     for line in comment.split("\n")).strip()
    # The first sentence, where there are several.
    return re.split(r"(?<=[.])\s", words)[0].rstrip(".")


def read(directory):
    """{name: (program's name, test function, summary or None)}, in order."""
    found = {}
    for path in sorted(pathlib.Path(directory).glob("test_*.c")):
        group = path.stem.removeprefix("test_")
        for comment, function in SUBTEST.findall(path.read_text(encoding="utf-8")):
            found[f"{group}.{function.removeprefix('test_')}"] = (
                "test-uapi-" + group.replace("_", "-"), function,
                summary(comment) if comment else None)
    return found


def read_deviations(path, names):
    """{name: why}; ends the program where one is of no subtest."""
    known = {}
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, why = line.split(None, 1)
            if name not in names:
                raise SystemExit(f"{path}: no subtest is called {name}")
            known[name] = why
    return known
