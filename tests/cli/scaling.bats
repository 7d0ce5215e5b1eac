#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Storms in virtual time: the shapes that a storm's locks give, figures that are the same
# each time, documents, and what is refused.

load common

setup() {
	"$MMSTORM" --version | grep -q 'points=1' || skip "not in this build"
	JSON=$BATS_TEST_TMPDIR/json
}

# The speedup on so many vCPUs, in hundredths.
speedup() {
	python3 -c '
import json, sys
points = json.load(open(sys.argv[1]))["points"]
print(int(100 * next(p["speedup"] for p in points if p["cpus"] == int(sys.argv[2]))))' "$JSON" "$1"
}

disjoint="--threads 1 --files 0 --weight truncate=0,mmap=0,munmap=0,fetch=0"
mmap_lock="--files 0 --weight truncate=0,mmap=300,munmap=300,madvise=0,load=0,store=0,fetch=0"

@test "scaling: faults of processes that share nothing scale" {
	run "$MMSTORM" explore --scaling fault --cpus 16 --span 50 $disjoint --json "$JSON"
	[ "$status" -eq 0 ]
	[ "$(speedup 4)" -gt 200 ]
	[ "$(speedup 16)" -gt 600 ]
}

@test "scaling: mmap and munmap of one process do not" {
	run "$MMSTORM" explore --scaling fault --cpus 16 --span 50 $mmap_lock --json "$JSON"
	[ "$status" -eq 0 ]
	[ "$(speedup 16)" -lt 200 ]
	[ "$(speedup 16)" -gt 5 ]
}

@test "scaling: figures are the same each time, and others by other constants" {
	"$MMSTORM" explore --scaling unmap --cpus 8 --span 50 >"$JSON.1"
	"$MMSTORM" explore --scaling unmap --cpus 8 --span 50 >"$JSON.2"
	cmp "$JSON.1" "$JSON.2"
	"$MMSTORM" explore --scaling unmap --cpus 8 --span 50 --line 500 >"$JSON.2"
	grep -q 'line  *500  by option' "$JSON.2"
	! diff <(grep -A99 'vCPUs' "$JSON.1") <(grep -A99 'vCPUs' "$JSON.2")
}

@test "scaling: numbers, a curve, and a picture" {
	run "$MMSTORM" explore --scaling cow --cpus 4 --span 20 --svg "$BATS_TEST_TMPDIR/c.svg" --json -
	[ "$status" -eq 0 ]
	for cpus in 1 2 4; do
		printf '%s\n' "$output" | grep -qE "^ +$cpus +[0-9.]+ +[0-9.]+ +[0-9.]+%"
		printf '%s\n' "$output" | grep -qE "^ +$cpus \|#* [0-9.]+ M ops/s"
	done
	printf '%s\n' "$output" | grep -q '"type":"scaling","storm":"cow"'
	python3 -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' "$BATS_TEST_TMPDIR/c.svg"
}

@test "scaling: what is refused" {
	run "$MMSTORM" explore --scaling nothing
	[ "$status" -eq 1 ]
	[[ "$output" == *"there is no storm 'nothing'"* ]]
	run "$MMSTORM" explore --scaling fault --cpus 257
	[ "$status" -eq 1 ]
	run "$MMSTORM" explore --scaling fault zap-zap
	[ "$status" -eq 1 ]
	none=$("$MMSTORM" list ops | awk '{ printf "%s%s=0", comma, $1; comma = "," }')
	run "$MMSTORM" explore --scaling fault --weight "$none"
	[ "$status" -eq 1 ]
	run "$MMSTORM" explore --scaling fault --cpus 1 --span 1 --json /nowhere/x
	[ "$status" -eq 3 ]
}
