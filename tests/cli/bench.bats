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
	for name in page_fault1 mmap1 map_touch_unmap munmap_512 fork_only_1024 cow_copy cow_reuse \
		    mprotect_1 mremap_1 dontneed_1 shoot_mprotect storm vma_lookup_10 vma_lookup_1k \
		    vma_lookup_100k vma_update_10 vma_update_1k vma_update_100k switch; do
		[[ "$output" =~ (^|$'\n')"$name "\ *[a-z] ]] || { echo "no $name"; return 1; }
	done
}

# case_says CASE SUBSTRING...: its JSON line of the tagged side, with a ratio, holds each.
case_says() {
	local name=$1 line
	shift
	run --separate-stderr "$MMSTORM" bench "$name" --against host --frame-bytes 64 --json "${quick[@]}"
	[ "$status" -eq 0 ] || { echo "$name: exit $status: $stderr"; return 1; }
	[ "${#lines[@]}" -eq 2 ]
	[[ "${lines[0]}" == *'"side":"host"'*'"per_s":'[1-9]* ]] || { echo "${lines[0]}"; return 1; }
	line=${lines[1]}
	for want in '"side":"tagged"' '"ratio":' '"ratio_cpu":' "$@"; do
		[[ "$line" == *"$want"* ]] || { echo "$name: no $want in $line"; return 1; }
	done
}

@test "what each case does to a page, by the kernel's counters" {
	case_says mmap1 '"unit":"map"' '"pgfault":0,'
	case_says map_touch_unmap '"pgfault":1,' '"pgfree":' '"mms_rmap_add":1,' '"mms_rmap_remove":1,'
	# page tables of earlier rounds may be freed in a later one
	case_says munmap_512 '"pgfault":0,' '"pgfree":1' '"mms_rmap_add":0,' '"mms_rmap_remove":1,'
	case_says cow_copy '"pgfault":1,' '"mms_cow_copy":1,' '"pgreuse":0,'
	case_says cow_reuse '"pgfault":1,' '"mms_cow_copy":0,' '"pgreuse":1,'
	case_says mprotect_1 '"pgfault":0,' '"nr_tlb_local_flush_one":1,'
	case_says mremap_1 '"pgfault":0,' '"nr_tlb_local_flush_one":1,'
	case_says dontneed_1 '"pgfault":1,' '"pgfree":1,' '"nr_tlb_local_flush_one":1,'
	case_says switch '"mms_switch_task":1,"mms_switch_mm":1}'
}

@test "fork, with and without its fixed cost" {
	case_says fork_only_1024 '"unit":"fork"' '"mms_rmap_add":1024,' '"mms_rmap_remove":0,' '"mms_fork":1,'
	case_says fork_only_25600 '"unit":"page"' '"mms_rmap_add":1,' '"mms_rmap_remove":0,'
}

@test "the storm, alone and with forks" {
	case_says storm '"mms_fork":0,'
	case_says storm_fork '"unit":"op"'
}

@test "a shootdown needs two: who took the interrupts, and how long a round took" {
	case_says shoot_mprotect '"unit":"flush round"' '"threads":2,' '"median_ns":' '"p99_ns":' \
		'"nr_tlb_remote_flush":' '"mms_ipi_self":' '"mms_ipi_taken_for_parked":' '"mms_ipi_skipped":'
	run --separate-stderr "$MMSTORM" bench shoot_mprotect --threads 6 "${quick[@]}"
	[ "$status" -eq 0 ]
	[[ "$output" == *"; 6 threads"* ]]
	[[ "$output" =~ "a flush round takes "[0-9]+" ns on average, median "[0-9]+", p99 "[0-9]+ ]]
}

@test "the VMA tree stands beside a stated time, not the host" {
	run --separate-stderr "$MMSTORM" bench vma_lookup_1k vma_update_10 --against host "${quick[@]}"
	[ "$status" -eq 0 ]
	[[ "$output" == *"stated, not measured here: Linux's maple tree in user space, 36 ns a lookup"* ]]
	[[ "$output" =~ [1-9][0-9]*\ lookup/s.*\ of\ the\ stated\ time ]]
	[[ "$output" =~ [1-9][0-9]*\ pair/s.*\ of\ the\ stated\ time ]]
	[[ "$output" != *"  host "* ]]
	[[ "$output" != *ratio* ]]
	run --separate-stderr "$MMSTORM" bench vma_lookup_10 --json "${quick[@]}"
	[ "$status" -eq 0 ]
	[[ "$output" == *'"reference_ns":13,"to_reference":'* ]]
	[[ "$output" != *'"ratio"'* ]]
}

@test "whole frames only where contents move, unless asked for" {
	run --separate-stderr "$MMSTORM" bench mprotect_1 "${quick[@]}"
	[ "$status" -eq 0 ]
	[[ "$output" == *"tagged frames"* && "$output" != *"whole frames"* ]]
	run --separate-stderr "$MMSTORM" bench mprotect_1 --frame-bytes 4096 "${quick[@]}"
	[ "$status" -eq 0 ]
	[[ "$output" != *"tagged frames"* && "$output" == *"whole frames"* ]]
}

@test "no case is all of them, briefly" {
	run --separate-stderr "$MMSTORM" bench --frame-bytes 64 --json --time 1ms --rounds 1
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq "$("$MMSTORM" list cases | wc -l)" ]
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
	[[ "${lines[0]}" == '{"schema":"mmstorm/1","type":"bench","case":"page_fault1","unit":"fault","side":"host",'* ]]
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
