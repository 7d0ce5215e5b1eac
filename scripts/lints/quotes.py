# SPDX-License-Identifier: MIT
"""
Quotes: a document that shows a file shows the file as it is.

A line of a .md file that ends with "[...](PATH), whole:" is followed by an indented block: all
of PATH. PATH is relative to the document.
"""

import os
import re

from tree import Finding

SHOWS = re.compile(r"\]\(([^)]+)\), whole:$")
INDENT = "    "


def block(lines, at):
    """The indented lines from at on, blank ones between them included, without their indent."""
    quoted = []
    while at < len(lines) and (not lines[at] or lines[at].startswith(INDENT)):
        quoted.append(lines[at][len(INDENT):])
        at += 1
    return "\n".join(quoted).strip("\n")


def run(tree):
    for name in tree.files:
        if not name.endswith(".md"):
            continue
        lines = tree.lines(name)
        for number, line in enumerate(lines, 1):
            match = SHOWS.search(line)
            if not match:
                continue
            path = os.path.normpath(os.path.join(os.path.dirname(name), match.group(1)))
            if path not in tree.files:
                yield Finding(name, number, f"quotes: there is no {path}")
            elif block(lines, number) != tree.text(path).strip("\n"):
                yield Finding(name, number, f"quotes: the block below is not {path}")
