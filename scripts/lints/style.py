# SPDX-License-Identifier: MIT
"""Style: the licence line, the head comment, findings' titles, and nobody's private paths."""

import os
import re

from tree import Finding

SPDX_C = "/* SPDX-License-Identifier: MIT */"
SPDX = "SPDX-License-Identifier: MIT"
SCRIPTS = (".py", ".sh", ".bash", ".bats", "CMakeLists.txt", ".cmake")
# Home folders and other places of one machine.
LOCAL = re.compile(r"(?<![\w.])/(?:home|Users|root|work)/[\w.-]+|/tmp/[a-z]{1,3}/\w")
# A finding's kind and the literal that is its title; a panic's.
TITLE = re.compile(r'\bfinding_report(?:_to)?\([^;"]*?\bFINDING_(\w+),\s*"([^"]*)"')
PANIC = re.compile(r'\bmm_(panic)\(\s*"([^"]*)"')
TEXT = (".c", ".h", ".md", ".py", ".sh", ".bats", ".txt", ".json", ".yml", ".ops", ".job")


def is_script(tree, name):
    if name.endswith(SCRIPTS):
        return True
    return "." not in os.path.basename(name) and tree.text(name).startswith("#!")


def licence(tree):
    for name in tree.files:
        if name.endswith((".c", ".h")):
            if not tree.text(name).startswith(SPDX_C + "\n"):
                yield Finding(name, 1, f"style: the first line must be {SPDX_C}")
        elif is_script(tree, name):
            if SPDX not in "\n".join(tree.lines(name)[:3]):
                yield Finding(name, 1, f"style: no '{SPDX}' in the first three lines")


def head_comment(tree):
    for name in tree.sources("core", "stress", "fuzz"):
        if name.endswith(".c") and not tree.lines(name)[1].startswith("/*"):
            yield Finding(name, 2, "style: no head comment: what it owns, which locks, "
                                   "what it must never do")


def local_paths(tree):
    for name in tree.files:
        if not name.endswith(TEXT) and not is_script(tree, name):
            continue
        if name == os.path.join("scripts", "lints", "style.py"):
            continue
        for number, line in enumerate(tree.lines(name), 1):
            match = LOCAL.search(line)
            if match:
                yield Finding(name, number, f"style: local path {match.group(0)}")


def white_space(tree):
    for name in tree.sources():
        for number, line in enumerate(tree.lines(name), 1):
            if line != line.rstrip():
                yield Finding(name, number, "style: white space at the end of the line")
        if not tree.text(name).endswith("\n"):
            yield Finding(name, 0, "style: no newline at the end of the file")


def titles(tree):
    """Findings are told apart by them, here and in what runs have printed."""
    for name in tree.sources("core", "stress", "fuzz"):
        text = tree.text(name)
        for match in (*TITLE.finditer(text), *PANIC.finditer(text)):
            kind = "BUG" if match[1] == "panic" else match[1]
            if not match[2].startswith(f"{kind}: "):
                yield Finding(name, text.count("\n", 0, match.start()) + 1,
                              f"style: a title that does not begin with '{kind}: '")


def run(tree):
    yield from licence(tree)
    yield from head_comment(tree)
    yield from local_paths(tree)
    yield from white_space(tree)
    yield from titles(tree)
