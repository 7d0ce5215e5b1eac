# SPDX-License-Identifier: MIT
"""
Reports of ThreadSanitizer, AddressSanitizer, LeakSanitizer, UndefinedBehaviorSanitizer and
libFuzzer: where one begins, which lines are its own, where it ends, what it is called.
"""

import re

import stacks
from report import Reading

TSAN = re.compile(r"WARNING: ThreadSanitizer: (?P<kind>.+?) \(pid=\d+\)")
ERROR = re.compile(r"==\d+== ?ERROR: (?P<tool>\w+): (?P<kind>.*)")
UBSAN = re.compile(r"^(?P<path>\S+?):(?P<line>\d+):(?:\d+:)? runtime error: (?P<kind>.+)")
SUMMARY = re.compile(r"SUMMARY: (?:\w+Sanitizer|libFuzzer): ")
END = re.compile(r"^==\d+==ABORTING$")
RULER = re.compile(r"^=+$")
ACCESS = re.compile(r"\bof size \d+ at 0x")
LEAK = re.compile(r"^(?P<how>Direct|Indirect) leak of \d+ byte\(s\) in \d+ object\(s\)")
LOST_STACK = re.compile(r"^\s+\[failed to restore the stack\]$")
# The bytes that UndefinedBehaviorSanitizer shows.
POINTED = re.compile(r"^0x[0-9a-f]+: note: |^ [ 0-9a-f]+$|^\s+\^")
# Headings of ThreadSanitizer: the tool goes on while others print.
HEADING = re.compile(r"^  (?:(?:Previous )?(?:atomic )?(?:read|write) of size |Location is |Mutex M|"
                     r"Thread T|And original |As if |Hint|Cycle |Use |and )", re.I)

NAME = {"ThreadSanitizer": "TSAN", "AddressSanitizer": "ASAN", "LeakSanitizer": "LSAN",
        "UndefinedBehaviorSanitizer": "UBSAN", "libFuzzer": "FUZZ"}
# Where two threads meet: who came first does not matter.
TWO_SITES = ("data-race", "data-race-on-vptr", "heap-use-after-free")
ASAN_KIND = [("attempting double-free", "double-free"), ("attempting free", "bad-free"),
             ("attempting to call", "bad-malloc-usable-size"),
             ("requested allocation size", "allocation-size-too-big"), ("failed to allocate", "oom")]


def slug(text):
    """Words that do not change from run to run: no numbers, no names of types."""
    text = re.split(r"[:,(]", re.sub(r"'[^']*'", "", text))[0]
    return "-".join(word for word in text.split() if not re.search(r"\d", word))


def kind_of(tool, text):
    if tool == "ASAN":
        return next((kind for start, kind in ASAN_KIND if text.startswith(start)),
                    text.split()[0] if text.split() else "?")
    if tool == "TSAN" and text.startswith("SEGV"):
        return "SEGV"
    return slug(text)


class Stanza:
    """A heading, such as `Previous write of size 8', and the stack below it."""

    def __init__(self, heading):
        self.heading, self.frames, self.lines = heading, [], [heading]


class Sanitizer(Reading):
    """A sanitizer's report that is being read."""

    def __init__(self, tool, kind, where):
        super().__init__(where)
        self.tool, self.kind = tool, kind
        self.stanzas = []
        self.heading = ""           # of the stack that comes next; None in a stack
        self.summed_up = False
        self.tail = tool == "ASAN" or kind == "SEGV"    # goes on after its summary

    @staticmethod
    def begins(text, where):
        match = TSAN.search(text)
        if match:
            return Sanitizer("TSAN", slug(match["kind"]), where)
        match = ERROR.search(text)
        if match:
            tool = NAME.get(match["tool"], match["tool"])
            return Sanitizer(tool, kind_of(tool, match["kind"]), where)
        match = UBSAN.match(text)
        return Sanitizer("UBSAN", slug(match["kind"]), where) if match else None

    def owns(self, text):
        """Can the line be part of this report?  The program of an ASan report is dying."""
        if stacks.FRAME.match(text) or SUMMARY.search(text) or LOST_STACK.match(text):
            return True
        if self.tool in ("ASAN", "LSAN", "FUZZ") or self.kind == "SEGV":
            return True
        if self.tool == "TSAN":
            return not text or bool(HEADING.match(text)) or bool(RULER.match(text))
        return not text or bool(POINTED.match(text))

    def take(self, text, number):
        """One more line; True when it was the last."""
        self.add(stacks.shorten(text), number)
        frame = stacks.parse(self.lines[-1])
        if frame:
            self.add_frame(frame)
        elif LOST_STACK.match(text):
            self.stanzas.append(Stanza(self.heading or ""))
        elif self.heads(text):
            self.heading = text
        self.summed_up |= bool(SUMMARY.search(text))
        if not self.tail:
            return self.summed_up
        return bool(END.match(text))

    def heads(self, text):
        """Can the line say what the stack below it is of?"""
        known = {"TSAN": HEADING, "LSAN": LEAK}.get(self.tool)
        return bool(known.match(text) if known else text)

    def add_frame(self, frame):
        goes_on = self.stanzas and 0 < frame.number == len(self.stanzas[-1].frames)
        if self.heading is not None and not goes_on:
            self.stanzas.append(Stanza(self.heading))
        self.heading = None
        stanza = self.stanzas[-1]
        if frame.number != len(stanza.frames):
            self.complain("frames are missing or doubled")
        stanza.frames.append(frame)
        stanza.lines.append(self.lines[-1])

    def sites(self):
        """The stacks that name it: two for what two threads did, else the first."""
        if self.tool == "TSAN" and self.kind in TWO_SITES:
            access = [s.frames for s in self.stanzas if ACCESS.search(s.heading)]
            return (access + [[], []])[:2]
        return [s.frames for s in self.stanzas][:1] or [[]]

    def make(self, title, frames, lines):
        report = self.report(f"{self.tool}/{self.kind}", title, lines)
        report.stacks = [stack for stack in frames if stack]
        return report

    def leaks(self):
        """Each leak is a report of its own."""
        for stanza in self.stanzas:
            match = LEAK.match(stanza.heading)
            if match:
                how = "leak" if match["how"] == "Direct" else "indirect leak"
                yield self.make(f"LSAN: {how} from {stacks.site(stanza.frames)}", [stanza.frames],
                                stanza.lines)

    def finish(self, why="its end is missing"):
        """The reports that it comes to; @why there may be no end."""
        while self.lines and (not self.lines[-1] or RULER.match(self.lines[-1])):
            self.lines.pop()
        if not self.summed_up and (self.stanzas or self.tool != "UBSAN"):
            self.complain(why)
        if self.tool == "LSAN":
            return list(self.leaks()) or [self.make("LSAN: leak from ?", [], self.lines)]
        frames = self.sites()
        names = " / ".join(sorted(stacks.site(stack) for stack in frames))
        return [self.make(f"{self.tool}: {self.kind} in {names}", frames, self.lines)]
