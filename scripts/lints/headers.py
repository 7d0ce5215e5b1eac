# SPDX-License-Identifier: MIT
"""Headers: each compiles alone, and twice, in checking builds and in bare ones."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

from tree import Finding

FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wundef", "-Wno-unused-parameter",
         "-Werror", "-fsyntax-only", "-x", "c", "-"]
# Fixed parts of a switch's name are the build's (CMakeLists.txt).
BUILDS = [
    {"MM_POINTS": 1, "MM_ZOO": 1, "MM_CHECK": 1, "MM_TSAN": 1, "MM_ASAN": 0, "MM_JEMALLOC": 0,
     "MM_FUZZ": 0},
    {"MM_POINTS": 0, "MM_ZOO": 0, "MM_CHECK": 0, "MM_TSAN": 0, "MM_ASAN": 0, "MM_JEMALLOC": 1,
     "MM_FUZZ": 0},
]


def compile_alone(tree, name, build):
    include = name[len("core/"):] if name.startswith("core/") else name
    source = f'#include "{include}"\n#include "{include}"\nint mm_lint;\n'
    command = [os.environ.get("CC", "cc"), "-I" + tree.path("core"), "-I" + tree.root,
               *[f"-D{k}={v}" for k, v in build.items()], *FLAGS]
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [l for l in done.stderr.split("\n") if "error" in l] or done.stderr.split("\n")
        return Finding(name, 0, f"headers: does not compile alone: {errors[0]}")
    return None


def run(tree):
    headers = [n for n in tree.sources("core", "stress", "fuzz") if n.endswith(".h")]
    jobs = [(n, b) for n in headers for b in BUILDS]
    seen = set()
    with ThreadPoolExecutor() as pool:
        for finding in pool.map(lambda job: compile_alone(tree, *job), jobs):
            if finding and finding.path not in seen:
                seen.add(finding.path)
                yield finding
