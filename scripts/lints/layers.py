# SPDX-License-Identifier: MIT
"""Layers: a file includes its own layer and lower ones; stress and fuzz never each other."""

import re

from tree import Finding, COMMENT, blank, line_of, room_of

LAYER = {
    "base": 0,
    "sync": 1, "trace": 1, "zoo": 1,
    "arch": 2,
    "hw": 3,
    "phys": 4,
    "pgtable": 5,
    "mm": 6, "kern": 6,
    "check": 7, "ops": 7,
}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.M)


def judge_core(room, target):
    """Why core/ROOM may not include TARGET; None if it may."""
    if ".." in target:
        return "names a path; write room/file.h"
    if target == "mmstorm.h":
        return "the public header is for who uses the core" if room else None
    if "/" not in target:
        return "does not name the room; write room/file.h"
    other = target.split("/")[0]
    if other not in LAYER:
        return "is not a room of core"
    if room and LAYER[other] > LAYER[room]:
        return f"{room} is layer {LAYER[room]}, {other} is layer {LAYER[other]}"
    return None


def judge(top, room, target):
    if top == "core":
        if room and room not in LAYER:
            return f"core/{room} is not a room the layers know"
        return judge_core(room, target)
    first = target.replace("../", "").split("/")[0]
    if top == "stress" and first == "fuzz" or top == "fuzz" and first == "stress":
        return "stress and fuzz never include each other"
    if top in ("stress", "fuzz") and first == "tests":
        return "tests include, nobody includes them"
    return None


def run(tree):
    for name in tree.sources("core", "stress", "fuzz"):
        top, room = room_of(name)
        text = COMMENT.sub(blank, tree.text(name))
        for match in INCLUDE.finditer(text):
            why = judge(top, room, match.group(1))
            if why:
                yield Finding(name, line_of(text, match.start()),
                              f'layers: includes "{match.group(1)}": {why}')
