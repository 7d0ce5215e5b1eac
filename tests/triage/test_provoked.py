#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
test_provoked.py PROGRAM [TEST...]: scripts/triage on what PROGRAM, mmstorm with the defects of
defects.c, prints in this build, with this compiler's sanitizers, now.
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest

from test_triage import groups, inputs, scan, titles_of

# By the build's sanitizer: the exit code and the titles of each defect.
DEFECTS = {
    "none": {},
    "tsan": {
        "race": (2, ["TSAN: data-race in add / add"]),
        "after_free": (2, ["TSAN: heap-use-after-free in after_free / after_free"]),
        "wild": (66, ["TSAN: SEGV in wild"]),
    },
    "asan+ubsan": {
        "after_free": (99, ["ASAN: heap-use-after-free in after_free"]),
        "overrun": (99, ["ASAN: heap-buffer-overflow in overrun"]),
        "freed_twice": (99, ["ASAN: double-free in freed_twice"]),
        "wild": (99, ["ASAN: SEGV in wild"]),
        "sum_of_lengths": (99, ["UBSAN: signed-integer-overflow in sum_of_lengths"]),
        "third": (99, ["UBSAN: index-out-of-bounds-for-type in third"]),
        "member": (99, ["UBSAN: member-access-within-misaligned-address-for-type in member"]),
        "forget_chain": (99, ["LSAN: indirect leak from forget_chain",
                              "LSAN: leak from forget_chain"]),
    },
}
# What the machine itself finds, in every build.
OWN = {
    "wrong_order": (2, ["LOCKDEP: order planted_a -> planted_b"]),
    "assertion": (2, ["BUG: len > 0 in assertion (defects.c)"]),
    "warning": (2, ["WARN: len > 0 in warning (defects.c)"]),
    "hang": (5, ["STALL: no op has ended"]),
}
ORACLES = re.compile(r"(STALE|RIGHTS|VALUE|COW|REFS|STRUCT|TLB|AGE|INIT|DIRTY): ")
PROGRAM = sys.argv[1]


def run(defect, *options):
    """A short run: its exit code, and what triage makes of all that it has printed."""
    with tempfile.TemporaryFile() as out:
        done = subprocess.run(
            [PROGRAM, "run", "fork-fault-munmap", "--cpus", "2", "--ops", "20k", "--any-windows",
             "--progress", "never", "--seed", "7", *options],
            env=dict(os.environ, MM_DEFECT=defect), stdout=out, stderr=out, check=False)
        out.seek(0)
        return done.returncode, groups.Triage(*scan.scan([inputs.Input("run", out.read())]))


def sanitizer():
    said = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
    return re.search(r" sanitizer=(\S+)", said)[1]


class Provoked(unittest.TestCase):
    def expect_whole(self, done):
        self.assertEqual(done.notes, [])
        self.assertEqual(done.nr_runs, 1)
        for group in done.groups:
            self.assertRegex(group.repeat(), "^mmstorm run fork-fault-munmap .* --seed 0x7 ")
            self.assertTrue(group.example().lines)

    def test_each_defect_has_its_title_and_is_whole(self):
        for defect, (code, titles) in {**OWN, **DEFECTS[sanitizer()]}.items():
            with self.subTest(defect):
                ended, done = run(defect, "--stall", "1s" if defect == "hang" else "60s")
                self.assertEqual(titles_of(done), titles)
                self.assertEqual(ended, code)
                self.expect_whole(done)

    def test_an_oracle(self):
        ended, done = run("none", "--bug", "fork-copies-asid", "--ops", "500k")
        # AddressSanitizer may end it, after an oracle has spoken.
        self.assertIn(ended, (2, 99))
        titles = titles_of(done)
        self.assertTrue(any(ORACLES.match(title) for title in titles), titles)
        self.assertFalse([title for title in titles if title.startswith("CUT")])

    def test_nothing(self):
        ended, done = run("none")
        self.assertEqual((ended, titles_of(done)), (0, []))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[1:])
