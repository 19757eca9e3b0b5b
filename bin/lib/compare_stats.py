# SPDX-License-Identifier: MIT
"""A table of what PANSPARSE_STATS counted: DIR/stats-<driver>-<uAPI>, a line of JSON each."""
import json
import pathlib
import sys

COUNTERS = {
    "ioctls": "ioctls",
    "vm_bind_ioctls": "of them VM_BIND",
    "vm_bind_ops": "VM_BIND ops",
    "pt_entries_written": "page-table entries written",
    "mmu_locks": "locks of the MMU",
    "mmu_faults": "MMU faults",
}


def main(directory):
    runs = {}
    for path in sorted(pathlib.Path(directory).glob("stats-*"), reverse=True):
        runs[path.name.removeprefix("stats-")] = json.loads(path.read_text().splitlines()[-1])
    if not runs:
        return
    print("# " + "".ljust(28) + "".join(name.rjust(18) for name in runs))
    for key, title in COUNTERS.items():
        print("# " + title.ljust(28) +
              "".join(f"{run[key]:18,}" for run in runs.values()))


main(sys.argv[1])
