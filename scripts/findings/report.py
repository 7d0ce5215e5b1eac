# SPDX-License-Identifier: MIT
"""What is read: reports, and the runs that they belong to."""


class Report:
    """One thing that one run has found."""

    def __init__(self, rule, title, where):
        self.rule = rule            # "TSAN/data-race": a kind, for tools
        self.title = title          # what it is grouped by
        self.where = where          # (input, line)
        self.lines = []             # as printed, paths made relative
        self.stacks = []            # of frames
        self.times = 1
        self.wrong = []             # what the input lacks of it

    def key(self):
        """Which of a group to show: a whole one, a short one, and always the same."""
        return (bool(self.wrong), not self.lines, len(self.lines), self.lines, self.where)


class Reading:
    """A report that is being read: its own lines, between which others may have printed."""

    def __init__(self, where, lines=()):
        self.where = where
        self.lines = list(lines)
        self.last = where[1] + len(self.lines) - 1     # the last line that was taken
        self.wrong = []

    def complain(self, what):
        if what not in self.wrong:
            self.wrong.append(what)

    def add(self, text, number):
        if number != self.last + 1 and text:
            self.complain("other output runs through it")
        self.last = number
        self.lines.append(text)

    def report(self, rule, title, lines=None):
        report = Report(rule, title, self.where)
        report.lines = self.lines if lines is None else lines
        report.wrong = list(self.wrong)
        return report


class Run:
    """What one run has said: the start on standard error, the end on standard output."""

    def __init__(self, where):
        self.where = where
        self.command = None         # that repeats it
        self.begun = False          # its first line was seen
        self.json = False
        self.verdict = None
        self.announced = 0          # reports of a sanitizer, by the run's own count
        self.reports = []

    def named(self, title):
        return next((r for r in self.reports if r.title == title), None)

    def note(self, report):
        """A finding of the machine, which is told when it is met and again at the end."""
        old = self.named(report.title)
        if not old:
            self.reports.append(report)
            return
        old.times = max(old.times, report.times)
        if report.lines and len(report.lines) > len(old.lines):
            old.lines, old.where, old.wrong = report.lines, report.where, report.wrong

    def absorb(self, other):
        """The other part of the same run."""
        self.verdict = self.verdict or other.verdict
        self.announced = max(self.announced, other.announced)
        self.begun |= other.begun
        for report in other.reports:
            if report.stacks:
                self.reports.append(report)
            else:
                self.note(report)
