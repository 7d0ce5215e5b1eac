#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Controlled runs from the command line: searching, tokens, and what is refused.

load common

setup() {
	TOKEN=$BATS_TEST_TMPDIR/token
	"$MMSTORM" list bugs >/dev/null
	"$MMSTORM" --version | grep -q 'points=1 zoo=1 checks=1' || skip "not in this build"
}

find_bug() {
	run "$MMSTORM" explore zap-zap --bug parallel-zap-flush-miss --checks all "$@"
	[ "$status" -eq 2 ]
	printf '%s\n' "$output" | sed -n 's/^repeat: mmstorm replay //p' >"$TOKEN"
	[ -s "$TOKEN" ]
}

@test "explore: every scenario is clean, each strategy; each window is in one of them" {
	# Slower builds take fewer of the same runs: the windows would be the same, too.
	runs=200
	[[ "$("$MMSTORM" --version)" == *sanitizer=none* ]] && runs=6000
	for strategy in random sticky pct:3 pos portfolio; do
		run "$MMSTORM" explore all --runs $runs --strategy "$strategy" \
			--json "$BATS_TEST_TMPDIR/$strategy.json"
		[ "$status" -eq 0 ] || { echo "$strategy: $output"; false; }
	done
	[ $runs -ge 6000 ] || return 0
	"$MMSTORM" list windows | cut -d' ' -f1 >"$BATS_TEST_TMPDIR/windows"
	python3 - "$BATS_TEST_TMPDIR" <<-'EOF'
		import glob, json, sys
		windows = set(open(sys.argv[1] + "/windows").read().split())
		runs = [json.load(open(name)) for name in glob.glob(sys.argv[1] + "/*.json")]
		hit = {name for run in runs for name in run["windows"]}
		# of free running threads
		missed = windows - hit - {"JITTER_PARTNER_MET", "IPI_TAKEN_FOR_PARKED"}
		assert len(runs) == 5 and not missed, missed
	EOF
}

@test "explore: bugs are found among all scenarios, with no hint where" {
	for bug in parallel-zap-flush-miss table-freed-before-flush lazy-tlb-walks-freed-table \
		   fork-copies-asid pte-table-publish-before-init; do
		run "$MMSTORM" explore all --bug "$bug" --strategy random --runs 3000 --shorten 0
		# AddressSanitizer ends the program with a code of its own
		[ "$status" -eq 2 ] || [ "$status" -eq 99 ] || { echo "$bug: $output"; false; }
	done
}

@test "explore: every scenario is clean where stores are seen late" {
	for memory in tso pso; do
		run "$MMSTORM" explore all --runs 600 --memory "$memory"
		[ "$status" -eq 0 ] || { echo "$memory: $output"; false; }
	done
}

@test "explore: a barrier that is missing is found in tso, and its token says so" {
	run "$MMSTORM" explore switch-flush --bug switch-mm-barrier-missing --runs 300
	[ "$status" -eq 0 ]
	run "$MMSTORM" explore switch-flush --bug switch-mm-barrier-missing --memory tso \
		--runs 30000
	if [[ "$("$MMSTORM" --version)" != *sanitizer=none* ]]; then
		# It sees the frame's bytes come to new hands before an oracle speaks.
		[ "$status" -ne 0 ]
		[[ "$output" == *Sanitizer* ]]
		return
	fi
	[ "$status" -eq 2 ]
	[[ "$output" == *STALE* || "$output" == *RIGHTS* ]]
	token=$(printf '%s\n' "$output" | sed -n 's/^repeat: mmstorm replay //p')
	run "$MMSTORM" replay "$token" --repeat 20
	[ "$status" -eq 2 ]
}

@test "explore: several in turn, each run the same alone" {
	run "$MMSTORM" explore fault-munmap,zap-zap --bug parallel-zap-flush-miss --shorten 0
	[ "$status" -eq 2 ]
	[[ "$output" == *", in zap-zap (n="* ]]
	nr=$(printf '%s\n' "$output" | sed -n 's/^found by run \([0-9]*\),.*/\1/p')
	title=$(printf '%s\n' "$output" | grep -E -m1 '^[A-Z]+: ')
	run "$MMSTORM" explore fault-munmap,zap-zap --bug parallel-zap-flush-miss --shorten 0 \
		--first "$nr" --runs 1
	[ "$status" -eq 2 ]
	[[ "$output" == *"$title"*"after 1 schedules, in zap-zap (n="* ]]
}

@test "explore: a planted bug is found, and its token repeats it exactly" {
	find_bug
	title=$(printf '%s\n' "$output" | grep -E -m1 '^[A-Z]+: ')
	run "$MMSTORM" replay "$(cat "$TOKEN")" --repeat 20
	[ "$status" -eq 2 ]
	[[ "$output" == *"$title"* ]]
	[[ "$output" == *"mmstorm: FINDINGS trace_hash=0x"* ]]
}

@test "explore: a run has the same schedule whatever came before" {
	find_bug --shorten 0
	nr=$(printf '%s\n' "$output" | sed -n 's/^found by run \([0-9]*\),.*/\1/p')
	[ -n "$nr" ]
	first=$(cat "$TOKEN")
	find_bug --shorten 0 --first "$nr" --runs 1
	[ "$(cat "$TOKEN")" = "$first" ]
}

@test "replay: many runs of a token are one run, another token is another" {
	hashes=
	for scenario in fault-munmap cow-threads; do
		run "$MMSTORM" explore "$scenario" --runs 1 --first 3 --token
		[ "$status" -eq 0 ]
		token=$(printf '%s\n' "$output" | sed -n 's/^repeat: mmstorm replay //p')
		run "$MMSTORM" replay "$token" --repeat 500
		[ "$status" -eq 0 ]
		hashes="$hashes $(printf '%s\n' "$output" | grep -o 'trace_hash=0x[0-9a-f]*')"
	done
	set -- $hashes
	[ $# -eq 2 ]
	[ "$1" != "$2" ]
}

@test "explore: JSON names rates, token and hash" {
	find_bug --json "$BATS_TEST_TMPDIR/out.json"
	python3 - "$BATS_TEST_TMPDIR/out.json" "$(cat "$TOKEN")" <<-'EOF'
		import json, sys
		line = json.loads(open(sys.argv[1]).read())
		assert line["schema"] == "mmstorm/1" and line["verdict"] == "FINDINGS", line
		assert line["token"] == sys.argv[2] and line["findings"] >= 1, line
		assert line["decisions_per_s"] > 0 and line["schedules_per_s"] > 0, line
		assert line["trace_hash"].startswith("0x"), line
	EOF
}

@test "replay: a token of another source, or a damaged one, is refused" {
	run "$MMSTORM" replay ms1:00000000:AAAAAAAA
	[ "$status" -eq 6 ]
	[[ "$output" == *"another source"* ]]
	find_bug
	run "$MMSTORM" replay "$(head -c 60 "$TOKEN")"
	[ "$status" -eq 1 ]
	[[ "$output" == *"damaged"* ]]
}

@test "explore: a bounded search is done, and agrees with brute force" {
	run "$MMSTORM" explore cut-store --strategy dfs:1 --events 0 --no-reduction \
		--json "$BATS_TEST_TMPDIR/out.json"
	[ "$status" -eq 0 ]
	[[ "$output" == *"done: every schedule with at most 1 preemption and 0 hardware events; "* ]]
	[[ "$output" == *"reduction and brute force came to the same final states"* ]]
	python3 - "$BATS_TEST_TMPDIR/out.json" <<-'EOF'
		import json, sys
		line = json.loads(open(sys.argv[1]).read())
		less, all = line["dfs"], line["brute_force"]
		assert less["how_far"] == all["how_far"] == "done", line
		assert less["schedules"] < all["schedules"] and less["pruned"] > 0, line
		assert less["final_states"] == all["final_states"] > 1, line
		assert less["final_states_hash"] == all["final_states_hash"], line
		assert less["preemptions"] == all["preemptions"] == 1 and less["events"] == 0, line
	EOF
}

@test "explore: a bounded search that was stopped does not say done" {
	run "$MMSTORM" explore zap-twice --strategy dfs:2 --runs 20
	[ "$status" -eq 0 ]
	[[ "$output" == "done: every schedule with at most 0 preemptions and 0 hardware events"* ]]
	[[ "$output" == *"not done: every schedule"*"; at least "*" left"* ]]
}

@test "explore: a bounded search finds a planted bug, and its token repeats it" {
	run "$MMSTORM" explore zap-twice --strategy dfs:2 --bug parallel-zap-flush-miss
	[ "$status" -eq 2 ]
	token=$(printf '%s\n' "$output" | sed -n 's/^repeat: mmstorm replay //p')
	[ -n "$token" ]
	run "$MMSTORM" replay "$token" --repeat 20
	[ "$status" -eq 2 ]
}

@test "explore: what cannot be used is refused" {
	run "$MMSTORM" explore no-such
	[ "$status" -eq 1 ]
	[[ "$output" == *"there is no scenario 'no-such'"* ]]
	run "$MMSTORM" explore zap-zap,no-such
	[ "$status" -eq 1 ]
	[[ "$output" == *"there is no scenario 'no-such'"* ]]
	run "$MMSTORM" explore zap-zap --strategy pct:0
	[ "$status" -eq 1 ]
	[[ "$output" == *"--strategy: there is no 'pct:0'"* ]]
	run "$MMSTORM" explore zap-zap --memory arm
	[ "$status" -eq 1 ]
	[[ "$output" == *"--memory: there is no 'arm'; sc, tso or pso will do"* ]]
	for strategy in dfs dfs: dfs:8 dfs:-1 dfs:2x; do
		run "$MMSTORM" explore zap-zap --strategy "$strategy"
		[ "$status" -eq 1 ]
		[[ "$output" == *"--strategy: there is no '$strategy'"* ]]
	done
	run "$MMSTORM" explore zap-zap --strategy dfs:1 --memory tso
	[ "$status" -eq 1 ]
	[[ "$output" == *"dfs searches sc alone"* ]]
	run "$MMSTORM" explore zap-zap --strategy dfs:1 --events 8
	[ "$status" -eq 1 ]
	run "$MMSTORM" explore zap-zap --bug no-such
	[ "$status" -eq 1 ]
	run "$MMSTORM" explore
	[ "$status" -eq 1 ]
	run "$MMSTORM" explore "$BATS_TEST_TMPDIR/none.ops"
	[ "$status" -eq 1 ]
	[[ "$output" == *"none.ops"* ]]
}

@test "explore: ThreadSanitizer sees planted races" {
	"$MMSTORM" --version | grep -q 'sanitizer=tsan' || skip "for ThreadSanitizer"
	for room in hw phys pgtable mm ops; do
		for memory in sc tso pso; do
			run "$MMSTORM" explore table-birth --bug "canary-$room" --runs 100 \
				--memory "$memory"
			[ "$status" -eq 2 ]
			[[ "$output" == *"data race"*"in canary"* ]]
		done
	done
}
