#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# `mmstorm bench': cases, sides, what it refuses.  No figure is judged here.

load common

quick=(--time 50ms --rounds 1)

@test "an unknown case, before any other is run" {
	refuses "there is no case 'page_fault9'; 'mmstorm list cases' names them" bench page_fault9
	refuses "there is no case 'page_fault9'" bench page_fault1 page_fault9
}

@test "options it cannot use" {
	refuses "--against: only 'host' is known, not 'foo'" bench page_fault1 --against foo
	refuses "--threads: 0 is out of range" bench page_fault1 --threads 0
	refuses "--rounds: 0 is out of range" bench page_fault1 --rounds 0
	refuses "--frame-bytes: '128' is none of both, 64, 4096" bench page_fault1 --frame-bytes 128
	refuses "--time: 'soon' is not a time" bench page_fault1 --time soon
}

@test "the cases that list names" {
	run --separate-stderr "$MMSTORM" list cases
	[ "$status" -eq 0 ]
	[[ "$output" == *page_fault1* ]]
}

@test "both sides, ratios, and the kernel's steps of an operation" {
	run --separate-stderr "$MMSTORM" bench page_fault1 --against host "${quick[@]}"
	[ "$status" -eq 0 ]
	[[ "$output" == *"page_fault1: "* ]]
	[[ "$output" =~ host\ +[1-9][0-9]*\ fault/s ]]
	[[ "$output" =~ "tagged frames (64)"\ +[1-9][0-9]*\ fault/s.*ratio\ [0-9.]+ ]]
	[[ "$output" =~ "whole frames (4096)"\ +[1-9][0-9]*\ fault/s.*ratio\ [0-9.]+ ]]
	[[ "$output" =~ "steps per fault: 1 faults, "(0.999|1)" under the VMA lock, 1 page allocations" ]]
	[[ "$output" =~ "1 rmap adds, 1 rmap removes" ]]
}

@test "JSON lines: one a side, ratio where there is something to compare with" {
	run --separate-stderr "$MMSTORM" bench page_fault1 --against host --json "${quick[@]}"
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 3 ]
	[[ "${lines[0]}" == '{"schema":"mmstorm/1","type":"bench","case":"page_fault1","side":"host",'* ]]
	[[ "${lines[0]}" != *'"ratio":'* ]]
	[[ "${lines[1]}" == *'"side":"tagged","frame_bytes":64,'*'"ratio":'*'"pgfault":1,'* ]]
	[[ "${lines[2]}" == *'"side":"whole","frame_bytes":4096,'*'"ratio":'* ]]
}

@test "one kind of frames, alone: no ratio" {
	run --separate-stderr "$MMSTORM" bench page_fault1 --frame-bytes 64 --json "${quick[@]}"
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ "$output" != *'"ratio'* ]]
}

@test "two threads" {
	run --separate-stderr "$MMSTORM" bench page_fault1 --frame-bytes 64 --threads 2 "${quick[@]}"
	[ "$status" -eq 0 ]
	[[ "$output" == *"2 threads"* ]]
}
