# SPDX-License-Identifier: MIT
"""Reads a trace of PANSPARSE_TRACE and sums it up. See docs/diagnostics.md."""
import json
import re

FORMAT_VERSION = 1
PAGE_B = 4096


class TraceError(Exception):
    pass


def printable(text):
    """Names with nothing in them that disturbs a terminal or XML."""
    return "".join(c if c.isprintable() else "?" for c in str(text))


class Resource:
    def __init__(self, number):
        self.id = number
        self.kind = "?"
        self.name = ""
        self.handle = ""
        self.size = 0
        self.extent = ""
        self.begin = None  # us
        self.end = None  # None: it outlives the trace
        self.points = []  # (us, bytes bound from then on)
        self.bound_end = 0
        self.peak = 0
        self.binds = self.unbinds = self.ops = 0
        self.bytes_bound = self.bytes_unbound = 0
        self.reads = self.writes = self.faults = self.misses = 0
        self.unbound_at = []  # us
        self.fault_at = []

    def label(self):
        return printable(self.name or self.handle or
                         ("(unknown)" if self.id == 0 else ""))

    def set_bound(self, ts, size):
        self.points.append((ts, size))
        self.bound_end = size
        self.peak = max(self.peak, size)


class Trace:
    def __init__(self):
        self.program = self.driver = "?"
        self.pid = 0
        self.end = 0.0  # us, of the last event
        self.complete = False
        self.resources = {}
        self.memory_count = self.memory_bytes = 0
        self.vm_binds = self.vm_binds_failed = 0
        self.submits = self.commands_failed = 0
        self.waits = []  # (us, us)
        self.lost = 0  # events that the driver had no room for

    def peak(self):
        """The most that all resources had bound at one time."""
        changes = []
        for res in self.resources.values():
            last = 0
            for ts, size in res.points:
                changes.append((ts, size - last))
                last = size
            if res.end is not None:
                changes.append((res.end, -last))
        total = most = 0
        for _, change in sorted(changes):
            total += change
            most = max(most, total)
        return most


# ------------------------------------------------------------------- events --

def read_events(path):
    """The events of a file, and whether its array was closed."""
    try:
        with open(path, "rb") as file:
            text = file.read().decode("utf-8", "replace")
    except OSError as error:
        raise TraceError(f"cannot read it: {error.strerror}") from None
    try:
        data = json.loads(text)
        closed = True
    except RecursionError:
        raise TraceError("not a trace: JSON that is nested too deeply") from None
    except ValueError:
        data, closed = read_open_array(text), False
    if isinstance(data, dict):
        data = data.get("traceEvents")
    if not isinstance(data, list):
        raise TraceError("not a trace of pansparse: JSON, but no list of events")
    return data, closed


def read_open_array(text):
    """What is whole of an array that breaks off, as a killed program leaves it."""
    start = re.match(r"\s*\[", text)
    if not start:
        raise TraceError("the file is empty" if not text.strip() else "not JSON")
    decoder, skip, events = json.JSONDecoder(), re.compile(r"[\s,]*"), []
    at = skip.match(text, start.end()).end()
    while at < len(text):
        try:
            event, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            check_header(events)
            if "\n" in text[at:].rstrip():
                line = text.count("\n", 0, at) + 1
                raise TraceError(
                    f"line {line}: not JSON, and more follows; if several "
                    "processes wrote to this file, put %p into its name") from None
            break
        events.append(event)
        at = skip.match(text, end).end()
    return events


def check_header(events):
    for event in events:
        if isinstance(event, dict) and event.get("name") == "pansparse trace":
            args = event.get("args")
            version = args.get("version") if isinstance(args, dict) else None
            if version != FORMAT_VERSION:
                raise TraceError(f"a pansparse trace of version {version}; "
                                 f"this program reads version {FORMAT_VERSION}")
            return event
    raise TraceError("not a trace of pansparse: its first event is missing")


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and \
        0 <= value < 2 ** 64


def number(source, key):
    value = source.get(key)
    if not is_number(value):
        raise TraceError(f"'{key}' is missing or is not a number")
    return value


# ------------------------------------------------------------------- adding --

def add_object(trace, name, ts, args):
    if name == "allocate memory":
        trace.memory_count += 1
        trace.memory_bytes += number(args, "size")
    elif name == "name":
        # Of a resource, or of memory: they are numbered together.
        res = trace.resources.get(number(args, "object"))
        if res is not None:
            res.name = str(args.get("name", ""))
    elif name.startswith("create "):
        res = get_resource(trace, args)
        res.kind = str(args.get("type", "?"))
        res.handle = str(args.get("handle", ""))
        res.size = number(args, "size")
        if isinstance(args.get("extent"), list):
            size = [str(n) for n in args["extent"]]
            res.extent = "x".join(size[:2] if size[2:] == ["1"] else size)
        res.begin = ts
        res.set_bound(ts, 0)
    elif name.startswith("destroy "):
        res = get_resource(trace, args)
        res.bound_end = number(args, "bound")
        res.peak = max(res.peak, number(args, "bound_peak"))
        res.end = ts


def add_access(trace, name, ts, args):
    res = get_resource(trace, args)
    if name == "misses":
        res.misses += number(args, "count")
        return
    faults = number(args, "faults")
    res.reads += number(args, "reads")
    res.writes += number(args, "writes")
    res.faults += faults
    (res.fault_at if faults else res.unbound_at).append(ts)


def add_op(trace, name, args):
    if name == "VM_BIND":
        trace.vm_binds += 1
        trace.vm_binds_failed += args.get("result", 0) != 0
        return
    res = get_resource(trace, args)
    res.ops += 1
    if name == "MAP":
        res.bytes_bound += number(args, "size")
    else:
        res.bytes_unbound += number(args, "size")


def add_counter(trace, name, ts, args):
    found = re.fullmatch(r"bound: .*#(\d+)", name, re.DOTALL)
    if found:
        get_resource(trace, {"resource": int(found[1])}).set_bound(
            ts, number(args, "bytes"))
    elif name.startswith("bound: "):
        trace.lost += 1  # A name of escapes, so long that the number is cut off.


def get_resource(trace, args):
    key = number(args, "resource")
    if key not in trace.resources:
        trace.resources[key] = Resource(key)
    return trace.resources[key]


def add_event(trace, event):
    kind, phase = event.get("cat"), event.get("ph")
    name, args = str(event.get("name")), event.get("args")
    if phase == "M" or kind == "trace":
        trace.complete |= kind == "trace" and name == "end"
        return
    if not isinstance(args, dict):
        raise TraceError("'args' is missing")
    if not args:
        trace.lost += 1
        return
    ts = number(event, "ts")
    if kind in ("submit", "wait", "bind") and phase == "X":
        trace.commands_failed += args.get("result", 0) < 0
        trace.submits += kind == "submit"
        if kind == "wait":
            trace.waits.append((ts, ts + number(event, "dur")))
    elif kind == "bind":
        res = get_resource(trace, args)
        if name == "unbind":
            res.unbinds += 1
        else:
            res.binds += 1
    elif kind == "object":
        add_object(trace, name, ts, args)
    elif kind == "access":
        add_access(trace, name, ts, args)
    elif kind == "op":
        add_op(trace, name, args)
    elif kind == "counter":
        add_counter(trace, name, ts, args)


def load(path):
    """The Trace in a file. Raises TraceError in plain words."""
    events, closed = read_events(path)
    header = check_header(events)
    trace = Trace()
    trace.program = printable(header["args"].get("program", "?"))
    trace.driver = printable(header["args"].get("driver", "?"))
    trace.pid = header.get("pid", 0)
    for i, event in enumerate(events):
        if not isinstance(event, dict):
            raise TraceError(f"event {i + 1}: not an object")
    # Threads write what they have gathered at different times.
    order = sorted(range(len(events)), key=lambda i: timestamp(events[i]))
    for i in order:
        try:
            add_event(trace, events[i])
        except (TraceError, TypeError) as error:
            raise TraceError(f"event {i + 1}: {error}") from None
        trace.end = max(trace.end, timestamp(events[i]) + duration(events[i]))
    trace.complete &= closed
    return trace


def timestamp(event):
    ts = event.get("ts", 0)
    return ts if is_number(ts) else 0


def duration(event):
    dur = event.get("dur", 0)
    return dur if is_number(dur) else 0
