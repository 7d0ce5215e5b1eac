# SPDX-License-Identifier: MIT
"""
From the lines of an input to runs with reports.

A sanitizer's report and a finding of the machine may be open at the same time: vCPUs
print them beside each other.  Each line goes to the one that knows it.  What is cut off or
mixed up is a report all the same, and says so; what belongs to no report that has begun is
a report of its own.
"""

import machine
import sanitizers
import stacks
from report import Report, Run

STRAY = "CUT: part of a report whose beginning is missing"
UNSEEN = "CUT: sanitizer reports that a run has counted and the input lacks"
BROKEN = "CUT: a JSON line that is broken"


class Scanner:
    def __init__(self, source):
        self.source = source
        self.run = None
        self.runs = []
        self.sanitizer = None
        self.finding = None
        self.stray = None

    def where(self, at):
        return (self.source.name, at + 1)

    def current(self, at, ended_will_do=False):
        """The run that a line belongs to; a new one where none is under way."""
        if self.run is None or (self.run.verdict and not ended_will_do):
            self.new_run(at)
        return self.run

    def new_run(self, at):
        self.close("another run begins in it")
        self.run = Run(self.where(at))
        self.runs.append(self.run)

    def close_sanitizer(self, *why):
        if self.sanitizer:
            self.run.reports += self.sanitizer.finish(*why)
        self.sanitizer = None

    def close_finding(self, why=None):
        if self.finding:
            if why:
                self.finding.complain(why)
            self.run.note(self.finding.finish())
        self.finding = None

    def close(self, why):
        self.close_sanitizer(why)
        self.close_finding(why)
        self.stray = None

    def scan(self):
        for at, text in enumerate(self.source.lines):
            self.line(at, text)
        self.close("the input ends in it")
        return self.runs

    def line(self, at, text):
        if self.run_line(at, text) or self.begins(at, text):
            self.stray = None
        elif self.finding and at + 1 == self.finding.last:
            pass    # its detail, taken with its title
        elif self.finding and self.finding.owns(text):
            if self.finding.take(text, at + 1):
                self.run.command = machine.REPEAT_WITH.match(text)["command"]
                self.close_finding()
        elif self.sanitizer and self.sanitizer.owns(text):
            if self.sanitizer.take(text, at + 1):
                self.close_sanitizer()
        else:
            self.other(at, text)

    def begins(self, at, text):
        """The first line of a report?"""
        where = self.where(at)
        report = sanitizers.Sanitizer.begins(text, where)
        if report:
            # LeakSanitizer's come when all is over.
            self.current(at, ended_will_do=True)
            self.close_sanitizer("another report begins in it")
            self.sanitizer = report
            report.take(text, at + 1)
            return True
        finding = machine.Finding.begins(self.source.lines, at, where)
        if finding:
            self.current(at)
            self.close_finding("another finding begins in it")
            self.finding = finding
            if finding.whole():
                self.close_finding()
        return finding is not None

    def run_line(self, at, text):
        """A line that begins, sums up or ends a run?"""
        if machine.BEGIN.match(text):
            self.begin_run(at, text)
            return True
        if text.startswith(machine.JSON):
            self.json_line(at, text)
            return True
        verdict = machine.VERDICT.match(text)
        if verdict:
            self.current(at).verdict = verdict["word"]
            self.close("the run ends in it")
            return True
        return machine.PROGRESS.match(text) is not None or self.summary_line(at, text)

    def summary_line(self, at, text):
        told = machine.TOLD.match(text)
        if told:
            self.current(at).note(machine.told(told, self.where(at)))
            return True
        announced = machine.ANNOUNCED.match(text)
        if announced:
            self.current(at).announced = int(announced["count"])
            return True
        repeat = machine.REPEAT.match(text)
        if repeat:
            self.current(at).command = repeat["command"]
        return repeat is not None

    def begin_run(self, at, text):
        # A dying program repeats its first line: at the head of AddressSanitizer's report, or
        # when it has crashed.
        before = at - 1
        while before > 0 and machine.PROGRESS.match(self.source.lines[before]):
            before -= 1
        line = self.source.lines[before] if before >= 0 else ""
        if not sanitizers.RULER.match(line) and not machine.CRASH.match(line):
            self.new_run(at)
        run = self.current(at, ended_will_do=True)
        run.command, run.begun = text, True

    def json_line(self, at, text):
        if not (self.run and self.run.json and not self.run.verdict):
            self.new_run(at)
            self.run.json = True
        if not machine.json_line(text, self.where(at), self.run):
            self.lost(at, BROKEN, text)

    def lost(self, at, title, text):
        report = Report("CUT", title, self.where(at))
        report.lines = [stacks.shorten(text)]
        report.wrong = ["it cannot be told what it is"]
        self.current(at, ended_will_do=True).reports.append(report)
        return report

    def other(self, at, text):
        """A line of no open report: talk, or what is left of a report."""
        if not (stacks.FRAME.match(text) or sanitizers.SUMMARY.search(text)
                or machine.REPEAT_WITH.match(text)):
            if text:
                self.stray = self.stray if self.stray and text.startswith(" ") else None
            return
        if self.stray:
            self.stray.lines.append(stacks.shorten(text))
        else:
            self.stray = self.lost(at, STRAY, text)


def join(runs):
    """
    The runs, each once: one may be in several inputs, its talk in one, its end in another, its
    JSON lines in a third.  All name the same command.
    """
    parts = {}
    for run in runs:
        part = "json" if run.json else "end" if run.verdict and not run.begun else "talk"
        parts.setdefault(run.command, {}).setdefault(part, []).append(run)
    whole = []
    for command, part in parts.items():
        talk = part.get("talk", [])
        for name in ("end", "json"):
            free = [run for run in talk if command and (name == "json" or not run.verdict)]
            for run, other in zip(free, part.get(name, [])):
                run.absorb(other)
            talk = talk + part.get(name, [])[len(free):]
        whole += talk
    return whole


def check_counts(runs):
    """
    Adds a report for those that runs have counted and nobody has seen: input by input, since
    reports of two runs that share one cannot be told apart.
    """
    inputs = {}
    for run in runs:
        inputs.setdefault(run.where[0], []).append(run)
    for shared in inputs.values():
        seen = sum(r.rule.startswith("TSAN/") for run in shared for r in run.reports)
        missing = sum(run.announced for run in shared) - seen
        if missing > 0:
            run = next(run for run in shared if run.announced)
            report = Report("CUT", UNSEEN, run.where)
            report.times = missing
            report.wrong = ["no input has their text"]
            run.reports.append(report)


def scan(inputs):
    """(runs, names of inputs that hold none)."""
    runs, empty = [], []
    for source in inputs:
        found = Scanner(source).scan()
        runs += found
        if not found:
            empty.append(source.name)
    runs = join(runs)
    check_counts(runs)
    return runs, empty
