# SPDX-License-Identifier: MIT
"""
Stacks as sanitizers print them, and which of their frames names the cause.

The first frames of a stack are often not what went wrong but what it went through: an
interceptor, an atomic, an accessor in a header, the object cache.  The cause is the first
frame of a source file of ours that is none of those.
"""

import re

FRAME = re.compile(
    r"^\s+#(?P<nr>\d+) (?:0x[0-9a-f]+ )?(?:in )?(?P<function>[^\s(]\S*)?"
    r"(?: (?:(?P<path>/?[^\s:()]+):(?P<line>\d+)(?::(?P<column>\d+))?"
    # A tail call in optimised code has a file and no line.
    r"|(?P<file>/?[^\s:()]+/[^\s:()]+)))?")
# Where the project begins in a path that the compiler has written down.
ROOT = re.compile(r"(?<![\w.-])/(?:[^\s:()]*/)?(?=(?:core|stress|fuzz|tests)/[\w./-]+\.[ch]\b)")
HELPERS = ("core/base/", "core/sync/", "core/trace/", "core/zoo/", "core/phys/slab.",
           "core/hw/memory.")


class Frame:
    def __init__(self, number, function, path, line):
        self.number, self.function, self.path, self.line = number, function, path, line


def shorten(text):
    """Paths into the project's sources, relative to it."""
    return ROOT.sub("", text)


def parse(text):
    """The frame that a line shows, or None."""
    match = FRAME.match(text)
    if not match:
        return None
    return Frame(int(match["nr"]), match["function"] or "", match["path"] or match["file"] or "",
                 int(match["line"] or 0))


def ours(frame):
    return frame.path.startswith(("core/", "stress/", "fuzz/", "tests/"))


def cause(stack):
    """The frame that is to blame, or None for a stack without names."""
    def first(wanted):
        return next((frame for frame in stack if wanted(frame)), None)

    return (first(lambda f: ours(f) and f.path.endswith(".c") and not f.path.startswith(HELPERS))
            or first(lambda f: ours(f) and f.path.endswith(".c"))
            or first(ours)
            or first(lambda f: f.function and not f.function.startswith("<")))


def site(stack):
    """What a title calls the cause."""
    frame = cause(stack)
    return frame.function if frame else "?"
