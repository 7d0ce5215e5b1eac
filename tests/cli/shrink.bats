#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# From a storm's finding to a few ops and their story, from the command line.

load common

setup() {
	FOUND=$BATS_TEST_TMPDIR/found
	OUT=$BATS_TEST_TMPDIR/out.ops
	"$MMSTORM" --version | grep -q 'points=1 zoo=1 checks=1' || skip "not in this build"
}

find_in_storm() {
	"$MMSTORM" explore storm:cow --ops 200 --cpus 8 --bug cow-new-page-visible-before-flush \
		>"$FOUND" && false || [ $? -eq 2 ]
	grep -q '^repeat: mmstorm replay ms1:' "$FOUND"
	TITLE=$(grep -E -m1 '^[A-Z]+: ' "$FOUND")
}

@test "shrink: a storm's finding becomes a few ops on few vCPUs, for the same reason" {
	# Slower builds get a tenth of the runs, and as far as that goes.
	runs=3000 most_ops=20 most_cpus=8
	if [[ "$("$MMSTORM" --version)" == *sanitizer=none* ]]; then
		runs=30000 most_ops=12 most_cpus=3
	fi
	find_in_storm
	run "$MMSTORM" shrink "$FOUND" --quiet --runs $runs --timeout 10m --out "$OUT"
	[ "$status" -eq 2 ]
	[[ "$output" == *"=> $TITLE"* ]]
	[[ "$output" == *"mmstorm: FINDINGS ops="* ]]
	ops=$(printf '%s\n' "$output" | sed -n 's/^mmstorm: FINDINGS ops=\([0-9]*\) .*/\1/p')
	cpus=$(printf '%s\n' "$output" | sed -n 's/^mmstorm: FINDINGS .*cpus=\([0-9]*\) .*/\1/p')
	[ "$ops" -le $most_ops ]
	[ "$cpus" -le $most_cpus ]
	# What was written is the program, and the token of its run.
	[ "$(grep -c '^t' "$OUT")" -eq "$ops" ]
	run "$MMSTORM" replay "$(sed -n 's/^# repeat: mmstorm replay //p' "$OUT")"
	[ "$status" -eq 2 ]
	[[ "$output" == *"$TITLE"* ]]
	# It can be read as op text as well.
	run "$MMSTORM" explore "$OUT" --runs 5
	[ "$status" -eq 0 ]
	# And shrunk again: as a file with a token.
	run "$MMSTORM" shrink "$OUT" --quiet --runs 50
	[ "$status" -eq 2 ]
}

@test "shrink: op text is searched first" {
	cat >"$BATS_TEST_TMPDIR/p.ops" <<-'EOF'
		# mmstorm-ops 1 cpus=4 tasks=3 procs=1 pages=8 files=0 file_pages=0 seed=0x1
		t0 mmap(p4, 2, RW, PRIVATE|ANON|FIXED)
		t1 store(p4, 8, tag)
		t0 fork(t3)
		t2 load(p4, 8)
		t1 store(p4, 8, tag)
		t2 load(p4, 8)
		t0 store(p4, 8, tag)
		t2 load(p4, 8)
	EOF
	run "$MMSTORM" shrink "$BATS_TEST_TMPDIR/p.ops" --runs 1500 --quiet \
		--bug cow-new-page-visible-before-flush
	[ "$status" -eq 2 ]
	[[ "$output" == *" => STALE: "* ]]
	run "$MMSTORM" shrink "$BATS_TEST_TMPDIR/p.ops" --search 50
	[ "$status" -eq 1 ]
	[[ "$output" == *"nothing is found in 50 schedules"* ]]
}

@test "shrink: what cannot be used is refused" {
	run "$MMSTORM" shrink
	[ "$status" -eq 1 ]
	run "$MMSTORM" shrink ms1:00000000:AAAAAAAA
	[ "$status" -eq 6 ]
	run "$MMSTORM" shrink "$BATS_TEST_TMPDIR/none"
	[ "$status" -eq 1 ]
	[[ "$output" == *"none"* ]]
	token=$("$MMSTORM" explore zap-zap --runs 1 --token | sed -n 's/^repeat: mmstorm replay //p')
	run "$MMSTORM" shrink "$token"
	[ "$status" -eq 1 ]
	[[ "$output" == *"the run finds nothing"* ]]
	run "$MMSTORM" explore storm:none
	[ "$status" -eq 1 ]
	[[ "$output" == *"there is no storm 'none'"* ]]
}

@test "explore: a storm's run has the same program and schedule whatever came before" {
	one=$("$MMSTORM" explore storm:mixed --ops 150 --first 7 --runs 1 --token | grep '^repeat')
	two=$("$MMSTORM" explore storm:mixed --ops 150 --first 4 --runs 4 --token | grep '^repeat')
	[ "$one" = "$two" ]
}

@test "replay: --story tells the run, and is the run" {
	token=$("$MMSTORM" explore zap-zap --runs 1 --token | sed -n 's/^repeat: mmstorm replay //p')
	run "$MMSTORM" replay "$token" --story
	[ "$status" -eq 0 ]
	[[ "$output" == *"mmap(p0, 2, RW, PRIVATE|ANON|FIXED, -, 0): done"* ]]
	[[ "$output" == *"mmstorm: SUCCESS trace_hash=0x"* ]]
}

@test "explore --from: a finding of a storm is looked for in the ops around it" {
	[[ "$("$MMSTORM" --version)" == *sanitizer=none* ]] || skip "the sanitizer speaks first"
	run "$MMSTORM" run gup --bug vma-freed-without-grace --seed 1 --timeout 60s --quiet \
		--progress never --json "$BATS_TEST_TMPDIR/f.json"
	[ "$status" -eq 2 ]
	python3 - "$BATS_TEST_TMPDIR/f.json" <<-'EOF'
		import json, sys
		first = json.loads(open(sys.argv[1]).readline())
		assert first["type"] == "finding" and first["storm"] == "gup", first
		assert first["bugs"] == "vma-freed-without-grace", first
		assert first["program"].startswith("# mmstorm-ops 1 cpus=8 "), first
		assert len(first["program"].splitlines()) > 50, first
	EOF
	run "$MMSTORM" explore --from "$BATS_TEST_TMPDIR/f.json" --shorten 0
	[ "$status" -eq 2 ]
	[[ "$output" == *"AGE: a reader meets a freed VMA"* ]]
	# Without the bug it is not there.
	sed 's/"bugs":"[^"]*",//' "$BATS_TEST_TMPDIR/f.json" >"$BATS_TEST_TMPDIR/g.json"
	run "$MMSTORM" explore --from "$BATS_TEST_TMPDIR/g.json" --runs 20
	[ "$status" -eq 0 ]
}

@test "explore --from: what is no finding is refused" {
	echo '{"schema":"mmstorm/1","type":"summary"}' >"$BATS_TEST_TMPDIR/f.json"
	run "$MMSTORM" explore --from "$BATS_TEST_TMPDIR/f.json"
	[ "$status" -eq 1 ]
	[[ "$output" == *"there is no finding"* ]]
	echo '{"schema":"mmstorm/1","type":"finding","title":"x"}' >"$BATS_TEST_TMPDIR/f.json"
	run "$MMSTORM" explore --from "$BATS_TEST_TMPDIR/f.json"
	[ "$status" -eq 1 ]
	[[ "$output" == *"f.json:1: the finding has no program"* ]]
	echo '{"schema":"mmstorm/1","type":"finding","title":"x","program":"# mmstorm-ops 1\nbad"}' \
		>"$BATS_TEST_TMPDIR/f.json"
	run "$MMSTORM" explore --from "$BATS_TEST_TMPDIR/f.json"
	[ "$status" -eq 1 ]
	[[ "$output" == *"line 2 of its program"* ]]
	run "$MMSTORM" explore --from "$BATS_TEST_TMPDIR/none.json"
	[ "$status" -eq 1 ]
	run "$MMSTORM" explore zap-zap --from "$BATS_TEST_TMPDIR/f.json"
	[ "$status" -eq 1 ]
}
