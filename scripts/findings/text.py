# SPDX-License-Identifier: MIT
"""For people: as text, as Markdown, as a list of titles."""

from groups import number


def count(group):
    more = f", {group.times()} times" if group.times() > len(group.reports) else ""
    known = ", known" if group.known else ""
    return f"{number(len(group.reports), 'report')} in {number(len(group.runs), 'run')}{more}{known}"


def place(where):
    name, line = where[0], where[1]
    return f"{name}:{line}" if line else name


def plain(triage):
    yield triage.summary()
    for group in triage.groups:
        yield f"  {len(group.reports):6} {'(known) ' if group.known else ''}{group.title}"
    for group in triage.groups:
        example = group.example()
        yield ""
        yield group.title
        yield f"  {count(group)}; here {place(example.where)}"
        yield f"  repeat: {group.repeat() or 'no input says how'}"
        for line in example.lines:
            yield f"    {line}".rstrip()
    if triage.notes:
        yield ""
        yield "not whole"
    for name, line, what in triage.notes:
        yield f"  {place((name, line))}: {what}"


def cell(text):
    return text.replace("|", "\\|").replace("<", "&lt;")


def fence(lines):
    """A fence that no line of the text ends."""
    ticks = "```"
    while any(line.lstrip().startswith(ticks) for line in lines):
        ticks += "`"
    return [ticks, *lines, ticks]


def markdown(triage):
    yield f"**{triage.summary()}**"
    if triage.groups:
        yield ""
        yield "| reports | runs | what |"
        yield "|--:|--:|---|"
    for group in triage.groups:
        known = "*known* " if group.known else ""
        yield f"| {len(group.reports)} | {len(group.runs)} | {known}{cell(group.title)} |"
    for group in triage.groups:
        example = group.example()
        yield ""
        yield f"### {cell(group.title)}"
        yield ""
        yield f"{count(group)}; here `{place(example.where)}`. Repeat with:"
        yield ""
        yield from fence([group.repeat() or "(no input says how)"])
        yield ""
        yield "<details><summary>one of them</summary>"
        yield ""
        yield from fence(example.lines)
        yield ""
        yield "</details>"
    if triage.notes:
        yield ""
        yield "### Not whole"
        yield ""
    for name, line, what in triage.notes:
        yield f"- `{place((name, line))}`: {cell(what)}"


def titles(triage):
    for group in sorted(triage.groups, key=lambda group: group.title):
        yield group.title
