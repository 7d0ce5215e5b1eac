# SPDX-License-Identifier: MIT
"""
Ranks: the table of lock ranks in core/LOCKING.md is the list in core/sync/lockdep.h.

In LOCKING.md a rank's row starts with its name in backticks, in the first or second cell:
| `MMAP_LOCK` | ... or | 3 | `MMAP_LOCK` | ...
"""

import os
import re

from tree import Finding

HEADER = os.path.join("core", "sync", "lockdep.h")
DOCUMENT = os.path.join("core", "LOCKING.md")
RANK = re.compile(r"^\s*RANK\((\w+),", re.M)
ROW = re.compile(r"^\|(?:[^|`]*\|)?\s*`(?:LOCK_RANK_)?([A-Z_]+)`", re.M)


def run(tree):
    for name in (HEADER, DOCUMENT):
        if name not in tree.files:
            yield Finding(name, 0, "ranks: is missing")
            return
    ranks = RANK.findall(tree.text(HEADER))
    rows = [row for row in ROW.findall(tree.text(DOCUMENT))]
    if not ranks:
        yield Finding(HEADER, 0, "ranks: no RANK(...) lines found")
    for rank in ranks:
        if rank not in rows:
            yield Finding(DOCUMENT, 0, f"ranks: no row for {rank}")
    for row in rows:
        if row not in ranks:
            yield Finding(DOCUMENT, 0, f"ranks: {row} is not a rank of {HEADER}")
    common = [row for row in rows if row in ranks]
    if len(set(common)) != len(common):
        yield Finding(DOCUMENT, 0, "ranks: a rank has two rows")
    elif common != [rank for rank in ranks if rank in common]:
        yield Finding(DOCUMENT, 0, f"ranks: the rows stand in another order than in {HEADER}")
