# SPDX-License-Identifier: MIT
"""
Seams: above core/sync nobody synchronises, waits or reads the time by other means; what
oracles, drivers and storms do not know stays unknown to them.
"""

import re

from layers import LAYER
from tree import Finding, line_of, room_of

# The host's threads and waiting, compiler atomics, the RCU library, the host's clocks.
BARE = re.compile(
    r"\b(pthread_\w+|__atomic_\w+|__sync_\w+|atomic_thread_fence|urcu_\w+|\w*futex\w*|"
    r"clock_gettime|gettimeofday|nanosleep|usleep|sched_yield|__?rdtscp?|smp_w?r?mb|"
    r"thrd_\w+|mtx_\w+|sem_wait|sem_post)\b")

# What stands behind core/sync's sched_ops: a scheduling point ends up here, so there can be
# none inside, and here alone the vCPUs are host threads.
BEHIND_THE_POINTS = {
    "core/hw/hw_lock.h": "the bare lock of a vCPU's run state and interrupt queue",
    "core/hw/vcpu.h": "holds the thread",
    "core/hw/vcpu.c": "starts, parks and joins the vCPUs' threads",
    "core/hw/token.h": "run tokens",
    "core/hw/token.c": "run tokens: where a vCPU's thread waits for its host",
    "core/hw/ipi.c": "delivery of interrupts to running and parked vCPUs",
    "core/kern/sched.c": "idling, sleep and wake: sched_ops itself",
    "core/kern/runqueue.c": "run queues, under raw locks",
    "core/kern/host.c": "starts and stops the vCPUs from outside",
    "core/kern/task.c": "tasks and their stacks, under a raw lock",
}
# The fences of a sequence counter: out of ThreadSanitizer's sight, as its header says.
FENCES = {"core/sync/seqcount.h", "core/sync/seqcount.c"}

STAND_ALONE_FENCE = re.compile(
    r"\b(__atomic_thread_fence|atomic_thread_fence|__sync_synchronize|smp_mb|smp_rmb|smp_wmb|"
    r"cmm_smp_\w+)\s*\(")
ZOO_QUESTION = re.compile(r"\b(zoo|zoo_planted_call)\s*\(|\bZOO_(?!CANARY_)[A-Z]\w*")
ZOO_BLIND = ("core/check/", "core/ops/", "fuzz/")
POINT = re.compile(r"\b(sched_point|sched_window|prng_next|prng_below)\s*\(")
NO_POINT = ("core/check/", "core/trace/")


def each(tree, names, pattern, say):
    for name in names:
        code = tree.code(name)
        for match in pattern.finditer(code):
            yield Finding(name, line_of(code, match.start()), f"seams: {match.group(0).strip()} {say}")


def run(tree):
    core = tree.sources("core")
    above = [n for n in core if LAYER.get(room_of(n)[1], 0) >= 2 
             and n not in BEHIND_THE_POINTS]
    yield from each(tree, above, BARE, "belongs in core/sync: use what it offers")
    yield from each(tree, [n for n in tree.sources("core", "stress", "fuzz") if n not in FENCES],
                    STAND_ALONE_FENCE,
                    ": no stand-alone fences, order is carried by the variable")
    yield from each(tree, [n for n in tree.sources() if n.startswith(ZOO_BLIND)], ZOO_QUESTION,
                    ": a detector or driver must not know what is planted")
    yield from each(tree, [n for n in core if n.startswith(NO_POINT)], POINT,
                    ": oracles and trace hold no scheduling point and draw no random number")
