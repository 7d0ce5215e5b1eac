# SPDX-License-Identifier: MIT
"""Sizes: files are rooms (900 lines at most), functions fit a screen or two (70), lines 100."""

import re

from tree import Finding

FILE_MAX = 900
FUNCTION_MAX = 70
LINE_MAX = 100
# A table's text is not broken, nor is a macro body's continuation counted.
LONG_STRING = re.compile(r'"[^"]{30,}"|\\$|https?://')


def functions(lines):
    """(first line, lines inside) of each function: its braces stand alone in column 0."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line.startswith("}") and start:
            yield start, number - start - 1
            start = None


def run(tree):
    for name in tree.sources():
        lines = tree.lines(name)
        if len(lines) - 1 > FILE_MAX:
            yield Finding(name, 0, f"sizes: {len(lines) - 1} lines, {FILE_MAX} at most: split the duty")
        for first, inside in functions(lines):
            if inside > FUNCTION_MAX:
                yield Finding(name, first,
                              f"sizes: function of {inside} lines, {FUNCTION_MAX} at most")
        for number, line in enumerate(lines, 1):
            width = len(line.expandtabs(8))
            if width > LINE_MAX and not LONG_STRING.search(line):
                yield Finding(name, number, f"sizes: {width} columns, {LINE_MAX} at most")
