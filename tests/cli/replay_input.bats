#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Inputs of fuzz_sched: replay runs them as the fuzzer did, each time alike.

load common

setup() {
	"$MMSTORM" --version | grep -q 'points=1' || skip "not in this build"
	INPUT=$BATS_TEST_TMPDIR/input
}

@test "replay: an input is one run, and its token is that run" {
	for seed in 1 2 3 4 5 6; do
		# 24 ops and a schedule, of which any bytes are some.
		{
			printf 'mms1\030'
			python3 -c 'import random, sys
random.seed(int(sys.argv[1]))
sys.stdout.buffer.write(bytes(random.randrange(256) for i in range(400)))' $seed
		} >"$INPUT"
		run "$MMSTORM" replay "$INPUT" --repeat 20
		[ "$status" -eq 0 ] || { echo "$output"; false; }
		hash=$(printf '%s\n' "$output" | grep -o 'trace_hash=0x[0-9a-f]*')
		token=$(printf '%s\n' "$output" | sed -n 's/^repeat: mmstorm replay //p')
		run "$MMSTORM" replay "$token"
		[ "$status" -eq 0 ]
		[[ "$output" == *"$hash"* ]]
	done
}

@test "replay: cut short, an input is still one; without its first word it is none" {
	printf 'mms1\003' >"$INPUT"
	run "$MMSTORM" replay "$INPUT"
	[ "$status" -eq 0 ]
	printf 'mms2\003' >"$INPUT"
	run "$MMSTORM" replay "$INPUT"
	[ "$status" -eq 1 ]
}
