#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# What mmstorm prints when it is asked to look: lists, layouts, recordings compared.

load common

@test "list: one a line, its name first; each name is taken where it belongs" {
	local what
	for what in storms jobs bugs checks counters windows ops archs cases; do
		run --separate-stderr "$MMSTORM" list "$what"
		[ "$status" -eq 0 ] && [ -z "$stderr" ] && [ "${#lines[@]}" -gt 0 ]
		# No name twice, and none with a blank in it.
		[ "$(awk '{ print $1 }' <<<"$output" | sort | uniq -d)" = "" ]
	done
	"$MMSTORM" list counters | grep -qx pgfault
	"$MMSTORM" list windows | grep -q "^COW_RACE_LOST  *a COW fault"
	"$MMSTORM" list archs | grep -q "^x86_64 *4-level page tables"
	local checks
	checks=$("$MMSTORM" list checks | awk '{ printf "%s%s", n++ ? "," : "", $1 }')
	run --separate-stderr "$MMSTORM" run fork-fault-munmap --checks "$checks" --dry-run
	[ "$status" -eq 0 ]
	refuses "usage: mmstorm list storms|jobs|" list
	refuses "usage: mmstorm list storms|jobs|" list storm
	run --separate-stderr "$MMSTORM" list --help
	[ "$status" -eq 0 ] && [[ "$output" == "usage: mmstorm list "* ]]
}

@test "show smaps: what is resident, and whose it is" {
	cat >two.ops <<-'OPS'
	# mmstorm-ops 1 cpus=1 tasks=1 pages=64 files=1
	t0 mmap(p0, 4, RW, PRIVATE|ANON|FIXED)
	t0 store(p0, 8, 1)
	t0 store(p1, 8, 1)
	t0 mmap(p8, 2, R, SHARED|FIXED, F0, 0)
	t0 load(p8, 8)
	t0 fork(t1)
	t1 store(p0, 8, 2)
	OPS
	run --separate-stderr "$MMSTORM" show smaps two.ops
	[ "$status" -eq 0 ] || { echo "$stderr"; return 1; }
	[ "$(grep -c '^# t[01]$' <<<"$output")" -eq 2 ]
	python3 - "$output" <<-'PY'
	import re, sys
	tasks = re.split(r"^# t\d\n", sys.argv[1], flags=re.M)[1:]
	def kb(task, perms):
	    """The fields of the range with these rights, in kB."""
	    for block in re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", task, flags=re.M):
	        if re.match(r"\S+ " + perms, block):
	            return dict((k, int(v)) for k, v in re.findall(r"^(\w+): +(\d+) kB", block, re.M))
	for task in tasks:
	    anon = kb(task, "rw-p")
	    assert anon["Size"] == 16 and anon["Rss"] == 8 and anon["Anonymous"] == 8, anon
	    # Page 0 was copied by the child's store, page 1 is both's.
	    assert anon["Private_Dirty"] == 4 and anon["Shared_Dirty"] == 4 and anon["Pss"] == 6, anon
	    assert kb(task, "r--s")["Size"] == 8, task
	PY
	refuses "usage: mmstorm show maps|smaps FILE" show smap two.ops
	refuses "usage: mmstorm show maps|smaps FILE" show smaps
}

write_cases() {
	cat >cases.trc <<-'TRC'
	@case right | as the kernel did
	P 1 init
	D 1 n=2 400-401:r-xp:0:exe 7ffffffde-7ffffffff:rw-p:0:[stack]
	S 1 mmap 0x10000 0x1000 0x3 0x32 -1 0 = 0x10000
	D 1 n=3 10-11:rw-p:0:- 400-401:r-xp:0:exe 7ffffffde-7ffffffff:rw-p:0:[stack]
	T 1 w 0x10000 0x5 = ok
	@case wrong | not as the kernel did
	P 1 init
	D 1 n=2 400-401:r-xp:0:exe 7ffffffde-7ffffffff:rw-p:0:[stack]
	S 1 munmap 0x10000 0x1000 = ENOMEM
	@case lacking | a call that is not there
	P 1 init
	D 1 n=2 400-401:r-xp:0:exe 7ffffffde-7ffffffff:rw-p:0:[stack]
	S 1 nosuchcall 0 = 0
	TRC
}

@test "program: a comparison for people" {
	write_cases
	run --separate-stderr "$MMSTORM" program cases.trc --cases
	[ "$status" -eq 2 ] || { echo "exit $status: $stderr"; return 1; }
	[[ "${lines[0]}" == "cases.trc: 60.00% of S, D and T lines equal (mm)" ]]
	grep -q "^  S  *1  *1  *1$" <<<"$output"
	grep -q "^line 10: P1 munmap is 0, the kernel said ENOMEM$" <<<"$output"
	grep -q "^  not supported: nosuchcall (1)$" <<<"$output"
	grep -q "^  case right  *equal$" <<<"$output"
	grep -q "^  case wrong  *UNEQUAL: 1 unequal, 0 unsupported, from line 10$" <<<"$output"
	grep -q "^  case lacking  *unsupported: 0 unequal, 1 unsupported, from line 14$" <<<"$output"
	grep -q "^  cases: 3, equal 1, unequal 1, with unsupported calls 1$" <<<"$output"
	[[ "${lines[-1]}" == "mmstorm: FINDINGS "*" findings=0 unequal=2 equal=60.00%" ]]
}

@test "program: goals, backends and differences" {
	write_cases
	run --separate-stderr "$MMSTORM" program cases.trc --min-equal 60 --diffs 0
	[ "$status" -eq 0 ] || { echo "exit $status: $output"; return 1; }
	[[ "$output" != *"the kernel said"* ]]
	run --separate-stderr "$MMSTORM" program cases.trc --min-equal 61
	[ "$status" -eq 2 ]
	run --separate-stderr "$MMSTORM" program cases.trc --backend model
	[ "$status" -eq 2 ]
	[[ "${lines[0]}" == *" equal (model)" ]]
	run --separate-stderr "$MMSTORM" program --help
	[ "$status" -eq 0 ] && [[ "$output" == *"--min-equal N"* ]]
}

@test "program: JSON lines" {
	write_cases
	run --separate-stderr "$MMSTORM" program cases.trc --json --cases
	[ "$status" -eq 2 ]
	python3 - "$output" <<-'PY'
	import json, sys
	lines = [json.loads(line) for line in sys.argv[1].splitlines()]
	assert all(line["schema"] == "mmstorm/1" for line in lines)
	assert [line["type"] for line in lines] == ["program"] + 3 * ["program-case"] + ["program-summary"]
	program, right, wrong, lacking, summary = lines
	assert program["backend"] == "mm" and program["cases"] == 3, program
	assert program["S"] == {"equal": 1, "unequal": 1, "unsupported": 1}, program
	assert program["not_supported"] == {"nosuchcall": 1}, program
	assert (right["unequal"], wrong["unequal"], wrong["line"]) == (0, 1, 10), lines
	assert (lacking["unexplained"], lacking["unsupported"]) == (0, 1), lacking
	assert summary["verdict"] == "FINDINGS" and summary["unequal"] == 2, summary
	PY
}

@test "program: recordings of real programs" {
	local programs=$MM_SOURCE/tests/recordings/programs
	run --separate-stderr "$MMSTORM" program "$programs/true.trc.gz" "$programs/ls.trc.gz"
	[ "$status" -eq 0 ] || { echo "exit $status: $output"; return 1; }
	[ "$(grep -c ": 100.00% of S, D and T lines equal (mm)$" <<<"$output")" -eq 2 ]
	grep -q "^  final layouts: [1-9][0-9]* equal, 0 unequal$" <<<"$output"
	[[ "${lines[-1]}" == "mmstorm: SUCCESS "*" findings=0 unequal=0 equal=100.00%" ]]
}
