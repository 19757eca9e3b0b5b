# SPDX-License-Identifier: MIT
"""Whether two runs of sparse-client left the same translations after each bind.

What debugfs says of each is brought into one form: objects are numbered as they
appear, and an object that stands for nothing, the kernel's or the client's own of
2 MiB, is "sparse", however it is mapped. Prints the first difference.
"""
import re
import sys

DUMMY_B = 2 << 20
LINE = re.compile(r" 0x(\w+) \| 0x(\w+) \| 0x(\w+) \| 0x(\w+) \| (\w+) +\| (\S+) \|")


def read(path):
    """The lines of each bind: (VM, start, end, object, offset, what, may)."""
    binds, vm = [], None
    with open(path, encoding="ascii") as file:
        for text in file:
            if text.startswith("bind "):
                binds.append([])
            elif text.startswith("Translations of "):
                vm = text.split(":")[0]
            elif "DISAGREES" in text:
                sys.exit(f"{path}: page tables and VMAs disagree: {text}")
            elif match := LINE.match(text):
                start, end, obj, offset = (int(g, 16) for g in match.groups()[:4])
                binds[-1].append((vm, start, end, obj, offset, *match.groups()[4:]))
    if not any(binds):
        sys.exit(f"{path}: no translations")
    return binds


def dummies(binds):
    """Objects of 2 MiB that repeat: an address tells which of their pages it shows."""
    fits, whole = {}, {}
    for _, start, end, obj, offset, what, _ in (l for b in binds for l in b):
        repeats = offset == start % DUMMY_B and offset + end - start <= DUMMY_B
        fits[obj] = fits.get(obj, True) and (repeats or what == "sparse")
        if end - start == DUMMY_B:
            whole.setdefault(obj, set()).add(start)
        if what == "sparse":
            whole.setdefault(obj, set()).update((0, 1))
    return {obj for obj in fits if fits[obj] and len(whole.get(obj, ())) > 1}


def normalise(binds):
    nothing, numbers, result = dummies(binds), {}, []
    for lines in binds:
        runs = []
        for vm, start, end, obj, offset, _, may in lines:
            if obj in nothing:
                run = [vm, start, end, "sparse", 0, may]
                if runs and runs[-1][3] == "sparse" and runs[-1][2] == start:
                    runs[-1][2] = end
                    continue
            else:
                number = numbers.setdefault(obj, len(numbers) + 1)
                run = [vm, start, end, number, offset, may]
            runs.append(run)
        result.append(runs)
    return result


def main(first, second):
    a, b = (normalise(read(path)) for path in (first, second))
    for bind, (left, right) in enumerate(zip(a, b), 1):
        if left != right:
            only = [run for run in left if run not in right], [run for run in right if run not in left]
            sys.exit(f"after bind {bind}: only in {first}: {only[0][:4]}, only in {second}: {only[1][:4]}")
    if len(a) != len(b):
        sys.exit(f"{len(a)} binds and {len(b)}")
    sparse = sum(run[3] == "sparse" for runs in a for run in runs)
    print(f"{len(a)} binds, {sum(map(len, a))} ranges, {sparse} of them sparse")


main(*sys.argv[1:])
