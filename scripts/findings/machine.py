# SPDX-License-Identifier: MIT
"""
What mmstorm itself says: findings of oracles, lockdep and assertions, stalls, the lines
that begin and end a run, and all of it as JSON lines.
"""

import json
import re

from report import Reading, Report

BEGIN = re.compile(r"^mmstorm (?:run|replay|program|explore) \S.*$")
VERDICT = re.compile(r"^mmstorm: (?P<word>[A-Z][A-Z-]+) seed=")
CRASH = re.compile(r"^mmstorm: panic: BUG: SIG[A-Z]+ \(core\): ")
REPEAT = re.compile(r"^repeat {4}(?P<command>\S.*)$")
REPEAT_WITH = re.compile(r"^\s*repeat with: (?P<command>\S.*)$")
TOLD = re.compile(r"^finding {3}(?P<title>.+) \((?P<times>\d+) times\)$")
ANNOUNCED = re.compile(r"^finding {3}(?P<count>\d+) reports of \S+, above$")
TITLE = re.compile(r"^[A-Z]{2,9}: \S")
REPLAYED = re.compile(r"^(?P<title>[A-Z]{2,9}: \S.*) \((?P<times>\d+) times\)$")
DETAIL = re.compile(r"^  \S")
STALL = re.compile(r"^mmstorm: (?P<what>no op has ended|asked to stop, tasks have not ended) for ")
PANIC = re.compile(r"^mmstorm: (?:panic|finding outside any machine: \w+): "
                   r"(?P<title>BUG: .* \(\S+\)|[A-Z]+: [^:]+): (?P<detail>.*)$")
PROGRESS = re.compile(r"^#\d+s ops ")
OWN_LINES = re.compile(r"^(?:  last events, |    cpu \d+  |  vCPU \d|  task \d)")
FOREIGN = re.compile(r"^(?:SUMMARY|WARNING|HINT|ERROR): ")
JSON = '{"schema":"mmstorm/'


def rule_of(title):
    return title.split(":")[0]


class Finding(Reading):
    """A finding that is being read: from its title to the command that repeats it."""

    def __init__(self, title, where, lines, times=1):
        super().__init__(where, lines)
        self.title, self.times = title, times

    @staticmethod
    def begins(lines, at, where):
        """Does the line at @at begin one?"""
        text = lines[at]
        match = STALL.match(text)
        if match:
            return Finding(f"STALL: {match['what']}", where, [text])
        match = PANIC.match(text)
        if match:
            return Finding(match["title"], where, [text])
        if at + 1 >= len(lines) or not DETAIL.match(lines[at + 1]) or FOREIGN.match(text):
            return None
        match = REPLAYED.match(text)
        if match:
            return Finding(match["title"], where, lines[at:at + 2], int(match["times"]))
        if at and not lines[at - 1] and TITLE.match(text):
            return Finding(text, where, lines[at:at + 2])
        return None

    def whole(self):
        """Is it all in the lines that began it?"""
        first = self.lines[0]
        return bool(PANIC.match(first) or REPLAYED.match(first))

    def owns(self, text):
        return bool(OWN_LINES.match(text) or REPEAT_WITH.match(text))

    def take(self, text, number):
        """One more line; True when it was the last."""
        self.add(text, number)
        return bool(REPEAT_WITH.match(text))

    def finish(self):
        report = self.report(rule_of(self.title), self.title)
        report.times = self.times
        return report


def told(match, where):
    """A finding's line in the summary."""
    report = Report(rule_of(match["title"]), match["title"], where)
    report.times = int(match["times"])
    return report


def json_line(text, where, run):
    """Adds what a JSON line says to the run; False when it is broken."""
    try:
        line = json.loads(text)
        kind = line["type"]
        if kind in ("finding", "summary"):
            run.json, run.command = True, line["repeat"]
        if kind == "finding":
            report = Report(rule_of(line["title"]), line["title"], where)
            report.times = int(line["count"])
            report.lines = [line["title"]] + ["  " + part for part in line["detail"].split("\n")]
            run.note(report)
        elif kind == "summary":
            run.verdict = line["verdict"]
            run.announced = int(line["sanitizer_reports"])
    except (ValueError, KeyError, TypeError):
        return False
    return True
