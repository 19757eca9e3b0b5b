# SPDX-License-Identifier: MIT
"""Draws what resources had bound over time, as an SVG for bin/inspect."""
from html import escape
from math import floor, log10

WIDTH, LEFT, RIGHT = 1200, 270, 30
PLOT = WIDTH - LEFT - RIGHT
TOP, LANE, TICKS, GAP = 96, 72, 14, 22
WAITS = 16
MAX_LANES = 40

BOUND, UNBOUND, FAULT, WAIT = "#4c78a8", "#f28e2b", "#d62728", "#8a8f98"
EXISTS = "#f0f2f6"


def format_bytes(size):
    if size < 1024:
        return f"{size} B"
    for unit in ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB"):
        size /= 1024
        if size < 1024 or unit == "EiB":
            return f"{round(size, 1):g} {unit}"


def format_time(us):
    if us < 1000:
        return f"{us:.4g} us"
    if us < 1e6:
        return f"{us / 1e3:.4g} ms"
    return f"{us / 1e6:.4g} s"


def nice_step(span, count):
    """1, 2 or 5 times a power of ten: about @count of them in @span."""
    step = 10 ** floor(log10(span / count))
    for factor in (1, 2, 5, 10):
        if span / (step * factor) <= count:
            return step * factor
    return step * 10


def text(x, y, words, size=12, anchor="start", extra=""):
    words = "".join(c if c.isprintable() else "?" for c in words)
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" '
            f'text-anchor="{anchor}"{extra}>{escape(words)}</text>')


def rect(x, y, width, height, colour, extra=""):
    return (f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
            f'height="{height:.1f}" fill="{colour}"{extra}/>')


def grid(x1, y1, x2, y2, colour="#ddd"):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{colour}"/>')


def legend(y):
    out, x = [], LEFT
    for colour, words in (
            (BOUND, "bound memory"), (EXISTS, "the resource exists"),
            (WAIT, "the program waits"),
            (UNBOUND, "reads or writes without memory"), (FAULT, "faults")):
        tick = colour in (UNBOUND, FAULT)
        out.append(rect(x + (5 if tick else 0), y - 10, 2 if tick else 12, 12,
                        colour))
        out.append(text(x + 18, y, words))
        x += 18 + 7 * len(words) + 24
    return out


class Scale:
    def __init__(self, end):
        self.end = max(end, 1.0)

    def x(self, us):
        return LEFT + min(max(us / self.end, 0), 1) * PLOT

    def ticks(self):
        step, i = nice_step(self.end, 10), 0
        unit, name = (1e6, "s") if self.end >= 1e6 else \
            (1e3, "ms") if self.end >= 1e3 else (1, "us")
        while i * step <= self.end:
            yield self.x(i * step), f"{i * step / unit:g}"
            i += 1
        yield None, f"time in {name}"


def area(scale, res, bottom, end):
    """The path's points: steps, at most four a pixel."""
    columns = {}
    for ts, size in res.points:
        x = round(scale.x(ts))
        columns.setdefault(x, []).append(size)
    unit = LANE / max(res.peak, 1)
    path = [f"M{scale.x(res.points[0][0]):.0f} {bottom}"]
    for x in sorted(columns):
        sizes = columns[x]
        path.append(f"H{x}")
        for size in dict.fromkeys((sizes[0], min(sizes), max(sizes), sizes[-1])):
            path.append(f"V{bottom - size * unit:.1f}")
        if len(sizes) > 1:
            path.append(f"V{bottom - sizes[-1] * unit:.1f}")
    path.append(f"H{scale.x(end):.0f}V{bottom}Z")
    return "".join(path)


def lane(scale, res, top):
    end = res.end if res.end is not None else scale.end
    begin = res.begin if res.begin is not None else 0
    bottom = top + LANE
    label = res.label()
    label = label if len(label) <= 24 else label[:21] + "..."
    what = f"{res.kind} #{res.id}" + (f", {res.extent}" if res.extent else "")
    out = [text(12, top + 16, label, 13, extra=' font-weight="bold"'),
           text(12, top + 34, what, 11, extra=' fill="#555"'),
           text(12, top + 50, f"{format_bytes(res.size)}, peak {format_bytes(res.peak)}",
                11, extra=' fill="#555"'),
           rect(scale.x(begin), top, max(scale.x(end) - scale.x(begin), 1), LANE,
                EXISTS)]
    for part in (0, 0.5, 1) if res.peak else (0,):
        y = bottom - part * LANE
        out.append(grid(LEFT, y, WIDTH - RIGHT, y, "#999" if part == 0 else "#ddd"))
        out.append(text(LEFT - 6, y + 4, format_bytes(int(part * res.peak)) if part
                        else "0", 10, "end"))
    if res.points and res.peak:
        out.append(f'<path d="{area(scale, res, bottom, end)}" fill="{BOUND}" '
                   f'fill-opacity="0.75" stroke="{BOUND}"/>')
    for times, colour in ((res.unbound_at, UNBOUND), (res.fault_at, FAULT)):
        for x in sorted({round(scale.x(ts)) for ts in times}):
            out.append(rect(x - 0.5, bottom + 2, 1.5, TICKS - 4, colour))
    return out


def wait_strip(scale, waits, top):
    out = [text(12, top + 12, "waits", 11, extra=' fill="#555"'),
           rect(LEFT, top, PLOT, WAITS, EXISTS)]
    spans = []
    for x1, x2 in sorted((scale.x(b), scale.x(e)) for b, e in waits):
        if spans and x1 - spans[-1][1] < 0.5:
            spans[-1][1] = max(spans[-1][1], x2)
        else:
            spans.append([x1, x2])
    out += [rect(x1, top, max(x2 - x1, 1), WAITS, WAIT) for x1, x2 in spans]
    return out


def draw(trace):
    scale = Scale(trace.end)
    shown = [r for r in trace.resources.values() if r.id != 0]
    shown = sorted(shown, key=lambda r: (-r.peak, r.id))[:MAX_LANES]
    shown.sort(key=lambda r: r.id)
    hidden = len([r for r in trace.resources if r != 0]) - len(shown)
    bottom = TOP + WAITS + GAP + len(shown) * (LANE + TICKS + GAP)
    height = bottom + 50 + (20 if hidden else 0)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
           f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" fill="#222">',
           rect(0, 0, WIDTH, height, "#fff"),
           text(12, 30, f"What {trace.program} had bound", 18),
           text(12, 50, f"process {trace.pid}, pansparse {trace.driver}, "
                f"{format_time(trace.end)}; at most {format_bytes(trace.peak())} at a "
                f"time" + ("" if trace.complete else "; the trace breaks off"), 12,
                extra=' fill="#555"')]
    out += legend(78)
    out += wait_strip(scale, trace.waits, TOP)
    top = TOP + WAITS + GAP
    for res in shown:
        out += lane(scale, res, top)
        top += LANE + TICKS + GAP
    out.append(grid(LEFT, bottom, WIDTH - RIGHT, bottom, "#222"))
    for x, words in scale.ticks():
        if x is None:
            out.append(text(LEFT + PLOT / 2, bottom + 38, words, 12, "middle"))
        else:
            out.append(grid(x, bottom, x, bottom + 5, "#222"))
            out.append(text(x, bottom + 18, words, 11, "middle"))
    if hidden:
        out.append(text(12, height - 8, f"{hidden} more resources, with smaller peaks, "
                        "are not drawn", 11, extra=' fill="#555"'))
    return "\n".join(out) + "\n</svg>\n"
