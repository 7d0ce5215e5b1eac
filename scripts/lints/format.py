# SPDX-License-Identifier: MIT
"""
Format: indentation and spacing are clang-format's (.clang-format, the kernel's style).

What is judged is a line that clang-format keeps but would indent or space otherwise.
Where lines are broken is the writer's choice, and so are columns within a line (fields
and comments may be aligned by tabs).  Preprocessor lines and those beside them are left
alone, and so are lines that clang-format reads as C++ (`new`, a < b, c > d).
"""

import difflib
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

from tree import Finding


def formatter():
    for name in ("clang-format-14", "clang-format"):
        if shutil.which(name):
            return name
    raise SystemExit("scripts/check: clang-format is not installed")


# Spacings on which the kernel and clang-format differ, or either is fine.
EITHER = [(") {", "){"), ("{}", "{ }"), ("; )", ";)"), ("; ;", ";;"), (" (*)", "(*)"),
          ("* const", "*const")]


def key(line):
    """What is compared of a line: its indentation and its words."""
    indent = re.match(r"\s*", line).group(0).expandtabs(8)
    words = re.sub(r"\s+", " ", line.strip())
    for one, other in EITHER:
        words = words.replace(one, other)
    return indent + words


# Ends of a line after which a new statement (or the one a condition guards) begins.
ENDS = re.compile(r"^$|[;{}]$|\*/$|\b(else|do)$|^\s*(case\b.*|default\s*|\w+):$|"
                  r"^\s*(}\s*else\s+)?(if|for|while|switch|\w*for_each\w*) ?\(.*\)$")


def continues(lines, i):
    """Does line i go on with a statement of the line before?  Where it starts is the writer's."""
    return i > 0 and not ENDS.search(lines[i - 1].rstrip())


CPLUSPLUS = re.compile(r"\b(new|delete|class|this|template|typename)\b|<.*>")


def near_directive(lines):
    """Is line i a preprocessor line, or next to one?"""
    inside, directive = False, []
    for line in lines:
        inside = inside or line.lstrip().startswith("#")
        directive.append(inside)
        inside = inside and line.endswith("\\")
    return [any(directive[max(i - 1, 0):i + 2]) for i in range(len(lines))]


def formatted(tool, tree, name):
    done = subprocess.run([tool, "--style=file", "--assume-filename=" + tree.path(name)],
                          input=tree.text(name), capture_output=True, text=True, check=True)
    return done.stdout.split("\n")


def differences(tool, tree, name):
    """(index, what clang-format would write) of each line that it would change in place."""
    old, new = tree.lines(name), formatted(tool, tree, name)
    near = near_directive(old)
    matcher = difflib.SequenceMatcher(None, [key(l) for l in old], [key(l) for l in new],
                                      autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "replace" or b - a != d - c:
            continue
        for i, line in zip(range(a, b), new[c:d]):
            same = "".join(old[i].split()) == "".join(line.split())
            if same and key(old[i]) != key(line) and not near[i] and \
                    not continues(old, i) and not CPLUSPLUS.search(old[i]):
                yield i, line


def run(tree):
    tool = formatter()
    names = tree.sources()
    with ThreadPoolExecutor() as pool:
        results = pool.map(lambda n: list(differences(tool, tree, n)), names)
        for name, found in zip(names, results):
            for index, line in found:
                yield Finding(name, index + 1, f"format: clang-format would write: {line!r}")


def fix(tree, names):
    tool = formatter()
    for name in names or tree.sources():
        lines = list(tree.lines(name))
        found = list(differences(tool, tree, name))
        for index, line in found:
            lines[index] = line
        if found:
            with open(tree.path(name), "w", encoding="utf-8") as f:
                f.write("\n".join(lines))
            print(f"{name}: {len(found)} lines")
