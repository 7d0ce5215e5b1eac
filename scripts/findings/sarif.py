# SPDX-License-Identifier: MIT
"""For tools: SARIF 2.1.0, a result for each group."""

import hashlib
import json

import stacks
import text

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
RULES = {
    "TSAN": "ThreadSanitizer", "ASAN": "AddressSanitizer", "LSAN": "LeakSanitizer",
    "UBSAN": "UndefinedBehaviorSanitizer", "FUZZ": "libFuzzer", "LOCKDEP": "lockdep",
    "BUG": "an assertion failed: the machine could not go on", "WARN": "an assertion failed",
    "STALL": "no progress", "CUT": "a report that the input does not hold whole",
    "STALE": "a TLB entry outlived its frame", "RIGHTS": "an access against the completed calls",
    "VALUE": "a word that is not what was written", "COW": "a write of one process in another",
    "REFS": "counts that do not add up", "STRUCT": "structures that disagree",
    "TLB": "a TLB entry without backing", "AGE": "an RCU reader met what was gone",
    "INIT": "poison where data belongs", "LIVE": "no progress",
    "MODEL": "the reference model answers otherwise",
}


def location(frame):
    return {"physicalLocation": {
        "artifactLocation": {"uri": frame.path, "uriBaseId": "SRCROOT"},
        "region": {"startLine": max(frame.line, 1)}}}


def named(stack):
    """The frames whose place in the sources is known."""
    return [frame for frame in stack if stacks.ours(frame)]


def stack_of(stack):
    return {"frames": [{"location": dict(location(frame), message={"text": frame.function})}
                       for frame in named(stack)]}


def rule(name):
    tool, _, kind = name.partition("/")
    what = RULES.get(tool, tool)
    return {"id": name, "shortDescription": {"text": f"{what}: {kind}" if kind else what}}


def result(group, rules, with_baseline):
    example = group.example()
    sites = [frame for frame in map(stacks.cause, example.stacks) if frame and stacks.ours(frame)]
    message = f"{group.title}\n{text.count(group)}\nrepeat: {group.repeat() or 'not known'}"
    out = {
        "ruleId": example.rule, "ruleIndex": rules.index(example.rule), "level": "error",
        "message": {"text": message},
        "occurrenceCount": len(group.reports),
        "partialFingerprints": {"title/v1": hashlib.sha256(group.title.encode()).hexdigest()},
        "locations": [location(frame) for frame in sites[:1]],
        "properties": {"title": group.title, "repeat": group.repeat() or "",
                       "report": "\n".join(example.lines)},
    }
    if sites[1:]:
        out["relatedLocations"] = [location(frame) for frame in sites[1:]]
    whole = [stack_of(stack) for stack in example.stacks if named(stack)]
    if whole:
        # A set: two threads may have stood at the same place.
        out["stacks"] = [stack for i, stack in enumerate(whole) if stack not in whole[:i]]
    if with_baseline:
        out["baselineState"] = "unchanged" if group.known else "new"
    return out


def notification(note):
    return {"level": "warning", "message": {"text": f"{text.place(note)}: {note[2]}"}}


def document(triage, with_baseline):
    rules = sorted({group.example().rule for group in triage.groups})
    log = {
        "$schema": SCHEMA, "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "mmstorm", "rules": [rule(name) for name in rules]}},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {"SRCROOT": {"description": {"text": "the project's root"}}},
            "invocations": [{"executionSuccessful": True, "toolExecutionNotifications":
                             [notification(note) for note in triage.notes]}],
            "results": [result(group, rules, with_baseline) for group in triage.groups],
        }],
    }
    return json.dumps(log, indent=1, sort_keys=True, ensure_ascii=False)
