# SPDX-License-Identifier: MIT
"""The source tree as the lints see it."""

import os
import re

SKIP = {".git", "build", "__pycache__"}
FIXTURES = os.path.join("tests", "check")


class Finding:
    def __init__(self, path, line, text):
        self.path, self.line, self.text = path, line, text

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text}" if self.line else f"{self.path}: {self.text}"


def blank(match):
    """As many lines and columns, nothing in them."""
    return re.sub(r"[^\n]", " ", match.group(0))


COMMENT_OR_STRING = re.compile(
    r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)


class Tree:
    """All files under a root, without build output and without the lints' own fixtures."""

    def __init__(self, root):
        self.root = os.path.abspath(root)
        self.files = sorted(self._walk())
        self._text = {}

    def _walk(self):
        for top, dirs, names in os.walk(self.root):
            where = os.path.relpath(top, self.root)
            dirs[:] = [d for d in dirs if d not in SKIP
                       and os.path.normpath(os.path.join(where, d)) != FIXTURES]
            for name in names:
                yield os.path.normpath(os.path.join(where, name))

    def path(self, name):
        return os.path.join(self.root, name)

    def text(self, name):
        if name not in self._text:
            with open(self.path(name), encoding="utf-8", errors="replace") as f:
                self._text[name] = f.read()
        return self._text[name]

    def lines(self, name):
        return self.text(name).split("\n")

    def code(self, name):
        """The text with comments and string contents blanked: same lines, same columns."""
        return COMMENT_OR_STRING.sub(blank, self.text(name))

    def sources(self, *tops):
        """C files and headers, of the given top folders or all."""
        return [f for f in self.files if f.endswith((".c", ".h"))
                and (not tops or f.split(os.sep)[0] in tops)]


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def room_of(name):
    """("core", "mm") for core/mm/x.c, ("core", "") for core/x.h, ("stress", "") and so on."""
    parts = name.split(os.sep)
    return parts[0], parts[1] if parts[0] == "core" and len(parts) > 2 else ""
