# SPDX-License-Identifier: MIT
"""Reports grouped by title, in an order that the order of the inputs does not change."""

import collections


def number(nr, what):
    return f"{nr} {what}{'' if nr == 1 else 's'}"


class Group:
    def __init__(self, title):
        self.title = title
        self.reports = []
        self.runs = []              # in which there are reports
        self.known = False

    def example(self):
        return min(self.reports, key=lambda report: report.key())

    def times(self):
        return sum(report.times for report in self.reports)

    def repeat(self):
        """The command of the run that the example is of, or another's."""
        example = self.example()
        commands = sorted({run.command for run in self.runs if run.command})
        mine = [run.command for run in self.runs if run.command and example in run.reports]
        return (mine or commands or [None])[0]


class Triage:
    """What all inputs come to."""

    def __init__(self, runs, empty, known=()):
        groups = {}
        for run in runs:
            for report in run.reports:
                group = groups.setdefault(report.title, Group(report.title))
                group.reports.append(report)
                if run not in group.runs:
                    group.runs.append(run)
        self.groups = sorted(groups.values(), key=lambda g: (-len(g.reports), g.title))
        for group in self.groups:
            group.known = group.title in known
        self.verdicts = collections.Counter(verdict_of(run) for run in runs)
        self.nr_runs = len(runs)
        self.notes = sorted(notes_of(self.groups)) + [
            (name, 0, "holds no run and no report") for name in sorted(empty)]

    def new(self):
        return [group for group in self.groups if not group.known]

    def summary(self):
        reports = sum(len(group.reports) for group in self.groups)
        verdicts = ", ".join(f"{count} {word}" for word, count in sorted(self.verdicts.items()))
        text = (f"{number(reports, 'report')} of {number(len(self.groups), 'cause')} "
                f"in {number(self.nr_runs, 'run')}")
        return f"{text} ({verdicts})" if verdicts else text


def verdict_of(run):
    if run.verdict:
        return run.verdict
    if any(report.rule.startswith(("ASAN/", "UBSAN/", "LSAN/", "TSAN/SEGV")) for report in run.reports):
        return "ended by a sanitizer"
    return "without a verdict"


def notes_of(groups):
    """(input, line, what) of each report that is not whole."""
    for group in groups:
        for report in group.reports:
            for what in report.wrong:
                yield (*report.where, f"{group.title}: {what}")
