#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Inputs from files: op text and recordings that cannot be used, and some that can.

load common

@test "op text that is not there or no file" {
	refuses "none.ops" replay none.ops
	mkdir folder
	refuses "folder" replay folder
}

@test "op text with a broken line is named by line" {
	printf '# mmstorm-ops 1 cpus=2 pages=64\nt0 mmap(p4, 4, RW, PRIVATE|ANON|FIXED)\nt0 mnmap(p4, 4)\n' >bad.ops
	refuses "bad.ops:3: " replay bad.ops
	refuses "bad.ops:3: " show maps bad.ops
	printf 't0 mmap(p4, 4, RW, PRIVATE|ANON|FIXED)\n' >headless.ops
	refuses "headless.ops:1: " replay headless.ops
	printf '# mmstorm-ops 9 cpus=2\n' >version.ops
	refuses "version.ops:1: " replay version.ops
	printf '# mmstorm-ops 1 cpus=0\n' >cpus.ops
	refuses "cpus.ops:1: " replay cpus.ops
}

@test "op text runs, and shows what it leaves" {
	cat >good.ops <<-'OPS'
	# mmstorm-ops 1 cpus=2 tasks=1 pages=64
	t0 mmap(p0, 4, RW, PRIVATE|ANON|FIXED)
	t0 store(p1, 8, tag)
	t0 mprotect(p2, 1, R)
	t0 load(p1, 8)
	OPS
	run --separate-stderr "$MMSTORM" replay good.ops
	[ "$status" -eq 0 ]
	[[ "${lines[-1]}" == "mmstorm: SUCCESS "* ]]
	run --separate-stderr "$MMSTORM" replay good.ops --sched jitter --repeat 5
	[ "$status" -eq 0 ]
	run --separate-stderr "$MMSTORM" show maps good.ops
	[ "$status" -eq 0 ]
	[[ "$output" == *" rw-p "*" r--p "*" rw-p "* ]]
}

@test "recordings that are not there, or broken" {
	refuses "none.trc" program none.trc
	printf 'P 1 init\nS 1 mmap zero = 0\n' >bad.trc
	refuses "bad.trc:" program bad.trc
	head -c 100 /dev/urandom >noise.trc.gz
	refuses "noise.trc.gz" program noise.trc.gz
	head -c 600 "$MM_SOURCE/tests/recordings/programs/true.trc.gz" >cut.trc.gz
	refuses "cut.trc.gz" program cut.trc.gz
}

@test "recordings without an argument, with an unknown option" {
	refuses "usage: mmstorm program" program
	refuses "there is no option --fast" program --fast
}
