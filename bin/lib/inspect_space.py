# SPDX-License-Identifier: MIT
"""Draws the address spaces of a running process, as an SVG for bin/inspect."""
import re
from html import escape
from math import log2

from inspect_live import number
from inspect_svg import format_bytes, grid, rect, text

WIDTH, LEFT, RIGHT = 1200, 12, 12
PLOT = WIDTH - LEFT - RIGHT
TOP, HEAD, BAR, TLB, ADDRESS, GAP = 92, 44, 46, 5, 20, 16
HOLE = 18         # what an unmapped gap is drawn as, whatever its size
MAX_ROWS = 8      # of a VM; then boxes get narrower
MAX_BOXES = 600   # of a VM; then several ranges share a box
UNIT, MIN_UNIT = 13, 2
MAX_VMS = 16

KINDS = {
    "memory": ("#4c78a8", "memory"),
    "read-only": ("#9ecae9", "read-only memory"),
    "evicted": ("#f28e2b", "evicted memory"),
    "sparse": ("#c9ced6", "sparse: the dummy"),
    "null": ("#eceff3", "sparse: null memory"),
    "disagrees": ("#d62728", "tables and VMAs disagree"),
}
TLB_COLOUR = "#2ca02c"


class Range:
    """A range of addresses that translates to consecutive memory of an object."""

    def __init__(self, row, gems):
        self.start, self.end = number(row[0]), number(row[1])
        gem = gems.get(row[2], {})
        self.label = gem.get("label", "")
        self.offset, self.may = number(row[3]), row[5]
        leaves = [int(n) for n in re.findall(r"\d+", row[6])]
        self.sparse = row[4] == "sparse"
        self.kind = "memory" if self.may[1:2] == "w" else "read-only"
        if self.sparse:
            self.kind = "sparse"
        if "null" in gem.get("state", "").split(","):
            self.kind = "null"
        if leaves[2]:
            self.kind = "evicted"
        if len(row) > 7:
            self.kind = "disagrees"

    def size(self):
        return self.end - self.start

    def name(self):
        return self.label or KINDS[self.kind][1].split(":")[0]

    def about(self):
        words = f"0x{self.start:x} to 0x{self.end:x}, {format_bytes(self.size())}, " \
            f"{KINDS[self.kind][1]}, {self.may}"
        if not self.sparse:
            words += f", from offset 0x{self.offset:x}"
        return words + (f": {self.label}" if self.label else "")


class Space:
    """A VM."""

    def __init__(self, section, gems):
        match = re.match(r"Translations of (file (\d+), VM (\d+)): (\d+)",
                         section["title"])
        self.name, self.tables = match[1], int(match[4])
        # A line that disagrees has one column more, in its last cell.
        self.ranges = [Range(row[:6] + row[6].split(" | "), gems)
                       for row in section["rows"]]
        self.shown = []  # by the TLB

    def sizes(self):
        total = {}
        for item in self.ranges:
            total[item.kind] = total.get(item.kind, 0) + item.size()
        return ", ".join(f"{format_bytes(total[k])} {KINDS[k][1]}" for k in KINDS
                         if k in total) or "nothing is mapped"


def gem_rows(parts):
    """By the object's name."""
    return {row[0]: dict(zip(section["columns"], row))
            for section in parts["gems"] for row in section["rows"]}


def spaces(parts):
    gems = gem_rows(parts)
    found = [Space(section, gems) for section in parts["translations"]]
    by_name = {space.name: space for space in found}
    slots = {row[0]: row[1] for section in parts["slots"] for row in section["rows"]}
    for section in parts["tlb"]:
        slot = re.search(r"slot (\d+)", section["title"])[1]
        space = by_name.get(slots.get(slot))
        if space:
            space.shown += [(number(row[0]), number(row[1]))
                            for row in section["rows"]]
    return found


# ------------------------------------------------------------------ layout --

def boxes(ranges):
    """Ranges side by side: each its own box, or several in one."""
    step = -(-len(ranges) // MAX_BOXES)
    return [ranges[i:i + step] for i in range(0, len(ranges), step or 1)]


def weight(box):
    """A box grows with the logarithm of its pages."""
    return 1 + log2(max(sum(r.size() for r in box) // 4096, 1))


def is_hole(before, after):
    return before is not None and before[-1].end != after[0].start


def unit_of(all_boxes):
    total = sum(weight(box) for box in all_boxes)
    return max(MIN_UNIT, min(UNIT, MAX_ROWS * PLOT / max(total, 1)))


def rows_of(all_boxes):
    """Rows of (x, width, box); a hole is left free between boxes."""
    unit, rows, x, before = unit_of(all_boxes), [[]], 0, None
    for box in all_boxes:
        width = min(weight(box) * unit, PLOT)
        x += HOLE if is_hole(before, box) and rows[-1] else 0
        if x + width > PLOT and rows[-1]:
            rows.append([])
            x = 0
        rows[-1].append((x, width, box))
        x, before = x + width, box
    return rows


# ----------------------------------------------------------------- drawing --

def fit(words, width, size):
    room = int(width / (size * 0.62))
    return words if len(words) <= room else words[:room - 2] + ".." if room > 5 else ""


def draw_range(item, x, width, y):
    out = [f'<g><title>{escape(item.about())}</title>',
           rect(x, y, max(width, 0.5), BAR, KINDS[item.kind][0],
                ' stroke="#fff" stroke-width="0.5"')]
    dark = item.kind in ("memory", "disagrees")
    extra = ' fill="#fff"' if dark else ""
    for line, words in enumerate((item.name(), format_bytes(item.size()))):
        words = fit(words, width - 6, 11)
        if words:
            out.append(text(x + 4, y + 18 + 17 * line, words, 11, extra=extra))
    return out + ["</g>"]


def draw_box(x, width, box, y):
    """Within a box of several ranges, width is bytes."""
    out, total = [], sum(r.size() for r in box)
    for item in box:
        part = width * item.size() / total
        out += draw_range(item, x, part, y)
        x += part
    return out


def draw_shown(space, x, width, box, y):
    """What the TLB holds of a box of one range."""
    if len(box) > 1:
        return []
    item, spans, scale = box[0], [], width / box[0].size()
    for start, end in sorted(space.shown):
        lo, hi = max(start, item.start), min(end, item.end)
        if lo >= hi:
            continue
        if spans and lo - spans[-1][1] < 1 / scale:
            spans[-1][1] = max(spans[-1][1], hi)
        else:
            spans.append([lo, hi])
    return [rect(x + scale * (lo - item.start), y, max(scale * (hi - lo), 1), TLB - 1,
                 TLB_COLOUR) for lo, hi in spans]


def draw_row(space, row, y):
    out, free, before = [], 0, None
    for x, width, box in row:
        x += LEFT
        out += draw_box(x, width, box, y)
        out += draw_shown(space, x, width, box, y + BAR + 1)
        if before is None or is_hole(before, box):
            out.append(grid(x, y, x, y + BAR + TLB + 4, "#555"))
            if x >= free:
                words = f"0x{box[0].start:x}"
                out.append(text(x, y + BAR + TLB + 15, words, 10,
                                extra=' fill="#555"'))
                free = x + 6 * len(words) + 12
        before = box
    return out


def draw_space(space, y):
    """(elements, the next y)."""
    out = [text(LEFT, y + 14, space.name, 14, extra=' font-weight="bold"'),
           text(LEFT, y + 32, f"{len(space.ranges):,} ranges, {space.tables:,} page "
                f"tables: {space.sizes()}", 11, extra=' fill="#555"')]
    y += HEAD
    for row in rows_of(boxes(space.ranges)) if space.ranges else []:
        out += draw_row(space, row, y)
        y += BAR + TLB + ADDRESS + 4
    return out, y + GAP


def legend(y):
    out, x = [], LEFT
    for colour, words in [*KINDS.values(), (TLB_COLOUR, "in the TLB")]:
        out += [rect(x, y - 10, 12, 12, colour, ' stroke="#999" stroke-width="0.5"'),
                text(x + 18, y, words)]
        x += 18 + 6.5 * len(words) + 22
    return out


def draw(pid, program, parts):
    found, out, y = spaces(parts), [], TOP
    for space in found[:MAX_VMS]:
        elements, y = draw_space(space, y)
        out += elements
    if len(found) > MAX_VMS:
        out.append(text(LEFT, y, f"{len(found) - MAX_VMS} more VMs are not drawn", 11))
        y += GAP
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" '
        f'viewBox="0 0 {WIDTH} {y}" font-family="sans-serif" fill="#222">',
        rect(0, 0, WIDTH, y, "#fff"),
        text(LEFT, 30, f"Address spaces of {program}", 18),
        text(LEFT, 50, f"process {pid}; a box grows with the logarithm of its size; "
             "what is free between is left out", 12, extra=' fill="#555"'),
        *legend(76), *out, "</svg>"]) + "\n"
