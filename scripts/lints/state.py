# SPDX-License-Identifier: MIT
"""State: a machine is a value, so core has no mutable globals and no static locals."""

import re

from tree import Finding

ALLOWED = {
    ("core/base/this_cpu.c", "mm_bound_cpu"),   # the thread-local: the design's one exception
    ("core/zoo/zoo.c", "canaries"),             # what planted data races race on
}

# At column 0, outside functions: a definition of an object, not of a function or type.
OBJECT = re.compile(
    r"^(?!typedef\b|extern\b|(struct|union|enum)\s+\w+\s*[{;]|union\b|enum\b|#|\}|return\b|BUILD_BUG_ON|"
    r"_Static_assert|\w+\()(?P<decl>[A-Za-z_][\w \t*]*?[ \t*])(?P<name>[A-Za-z_]\w*)"
    r"(?P<array>(\[[^\]]*\])*)\s*(__(aligned|attribute__|maybe_unused|cacheline_aligned)(\(.*\))?\s*)*(=|;)")
STATIC_LOCAL = re.compile(r"^\s+static\s+(?!const\b|inline\b|_Static_assert)(?P<rest>[^;(]*)")


def is_constant(declaration):
    """Is the object itself constant?  For a pointer: is the pointer."""
    last = declaration.rsplit("*", 1)
    return "const" in last[1].split() if len(last) > 1 else "const" in declaration.split()


def run(tree):
    for name in tree.sources("core"):
        depth = 0
        for number, line in enumerate(tree.code(name).split("\n"), 1):
            if depth == 0 and not line.startswith((" ", "\t")):
                match = OBJECT.match(line)
                if match and "(" not in match.group("decl") and "return" not in line \
                        and not is_constant(match.group("decl")) \
                        and (name, match.group("name")) not in ALLOWED:
                    yield Finding(name, number,
                                  f"state: {match.group('name')} is a mutable global: "
                                  "state belongs to the machine")
            local = STATIC_LOCAL.match(line)
            if local and not is_constant(local.group("rest").split("=")[0].rsplit("[", 1)[0]):
                yield Finding(name, number, "state: a static local is a mutable global")
            if not line.lstrip().startswith("#"):
                depth = max(depth + line.count("{") - line.count("}"), 0)
