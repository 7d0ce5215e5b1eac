#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# `mmstorm run --job': what a job may hold, what is refused and where, and that what
# it says and what the command line says come to the same runs.

load common

# bad "MESSAGE" LINE...: a job of these lines is refused with that message; nothing runs.
bad() {
	local message=$1
	shift
	printf '%s\n' "$@" >bad.job
	refuses "$message" run --job bad.job
	refuses "$message" run --job bad.job --dry-run
}

# plan ARGUMENTS...: the commands of a job, seeds cut.
plan() {
	run --separate-stderr "$MMSTORM" run "$@" --dry-run
	[ "$status" -eq 0 ] || { echo "exit $status: $stderr"; return 1; }
	[ -z "$stderr" ]
}

@test "a job that is not there or no file" {
	refuses "--job: none.job: No such file or directory" run --job none.job
	mkdir folder
	refuses "--job: folder: Is a directory" run --job folder
	refuses "--job needs a value" run --job
}

@test "what is no job" {
	: >bad.job
	refuses "bad.job:1: no run is described: write a section, [NAME]" run --job bad.job
	bad "bad.job:1: 'hello world' is no option: write NAME = VALUE, or [SECTION]" "hello world"
	bad "bad.job:1: 'cpus' stands before any section: write [global] or [NAME] above it" "cpus = 8" "[a]"
	bad "bad.job:2: no run is described" "[global]" "storm = fork-fault-munmap"
	bad "bad.job:1: a section is written [NAME], a line of its own" "[a] cpus = 8"
	bad "bad.job:1: a section is written [NAME]" "[a"
	bad "bad.job:1: a section's name is 1 to 63 letters" "[]"
	bad "bad.job:1: a section's name is 1 to 63 letters" "[a b]"
	bad "bad.job:1: a section's name is 1 to 63 letters" "[$(printf 'a%.0s' {1..64})]"
	bad "bad.job:2: [global] comes first, before [a]" "[a]" "[global]"
	bad "bad.job:3: [global] was in line 1 already: write it once" "[global]" "cpus = 2" "[global]"
	bad "bad.job:3: section [a] was in line 1 already: give each its own name" "[a]" "" "[a]"
	printf '[a]\nstorm = fork\0fault\n' >bad.job
	refuses "bad.job:2: byte 0x00: a job is plain text" run --job bad.job
	head -c 300 "$MM_SOURCE/tests/recordings/programs/true.trc.gz" >bad.job
	refuses "bad.job:1: byte 0x" run --job bad.job
	for i in {1..257}; do echo "[s$i]"; done >bad.job
	refuses "bad.job:257: too many sections: at most 256" run --job bad.job
}

@test "options that are none, or not for jobs" {
	bad "bad.job:2: there is no option cpu; 'mmstorm run --help' names them" "[a]" "cpu = 8"
	bad "bad.job:2: there is no option no-cpus" "[a]" "no-cpus"
	bad "bad.job:2: cpus needs a value: cpus = VALUE" "[a]" "cpus"
	bad "bad.job:2: cpus needs a value: cpus = VALUE" "[a]" "cpus ="
	bad "bad.job:2: trace takes no value: trace or no-trace will do" "[a]" "trace = 1"
	bad "bad.job:3: cpus was in line 2 already: give it once in a section" "[a]" "cpus = 2" "cpus = 4"
	bad "bad.job:3: no-trace was in line 2 already" "[a]" "trace" "no-trace"
	local option
	for option in job section json progress; do
		bad "bad.job:2: $option belongs on the command line: --$option" "[a]" "$option = x"
	done
	for option in quiet help dry-run; do
		bad "bad.job:2: $option belongs on the command line: --$option" "[a]" "$option"
	done
}

@test "values that cannot be used" {
	bad "bad.job:2: cpus: 0 is out of range, 1 to 256 will do" "[a]" "cpus = 0"
	bad "bad.job:2: cpus: 'eight' is not a number" "[a]" "cpus = eight"
	bad "bad.job:3: timeout: 'soon' is not a time" "[global]" "; a remark" "timeout = soon" "[a]"
	bad "bad.job:2: fail-prob: '2' is not a probability" "[a]" "fail-prob = 2"
	bad "bad.job:2: sched: 'fifo' is none of free, jitter" "[a]" "sched = fifo"
	bad "bad.job:2: storm: there is no storm 'frok'" "[a]" "storm = frok"
	bad "bad.job:2: checks: there is no oracle 'luck'" "[a]" "checks = stale,luck"
	bad "bad.job:2: without: there is no op 'mnmap'" "[a]" "without = mnmap"
	bad "bad.job:2: weight: there is no op 'mnmap'" "[a]" "weight = load=1,mnmap=2"
	bad "bad.job:2: weight: 'load' is no weight: write load=N" "[a]" "weight = load"
	bad "bad.job:2: weight: 'load=9x': a weight is 0 to 65535" "[a]" "weight = load=9x"
	bad "bad.job:2: weight: 'load=65536': a weight is 0 to 65535" "[a]" "weight = load=65536"
	bad "bad.job:2: weight: barrier has no meaning in a storm" "[a]" "weight = barrier=1"
	if [[ "$("$MMSTORM" --version)" == *" zoo=1 "* ]]; then
		bad "bad.job:2: bug: there is no bug 'heisen'" "[a]" "bug = heisen"
	else
		bad "bad.job:2: bug: this build has no zoo" "[a]" "bug = heisen"
	fi
}

@test "sections that make no run" {
	bad "bad.job:3: [b]: name one storm" "[a]" "storm = fork-fault-munmap" "[b]" "cpus = 2"
	bad "bad.job:2: [b]: name one storm" "[global]" "[b]"
	bad "bad.job:1: [a]: frames: 3 are too few, 16 or more will do" "[a]" "storm = fork-fault-munmap" "frames = 3"
	bad "bad.job:1: [a]: no op is left" "[a]" "storm = fork-fault-munmap" \
		"without = $("$MMSTORM" list ops | awk '{ printf "%s%s", n++ ? "," : "", $1 }')"
}

@test "a bad section keeps the good ones before it from running, asked for or not" {
	printf '[good]\nstorm = fork-fault-munmap\nops = 1k\n[bad]\nstorm = frok\n' >two.job
	refuses "two.job:5: storm: there is no storm 'frok'" run --job two.job --json two.json
	refuses "two.job:5: storm: there is no storm 'frok'" run --job two.job --section good
}

@test "--section" {
	refuses "--section picks runs of a job: give --job too" run fork-fault-munmap --section a
	printf '[a]\nstorm = fork-fault-munmap\n[b]\nstorm = fork-fault-munmap\n[ab]\nstorm = fork-fault-munmap\n' >abc.job
	refuses "--section: there is no section 'c' in abc.job; it has a, b, ab" run --job abc.job --section a,c
	refuses "--section: there is no section '' in abc.job" run --job abc.job --section a,
	plan --job abc.job --section ab,a
	[[ "${lines[0]}" == "# [a]" && "${lines[2]}" == "# [ab]" && ${#lines[@]} -eq 4 ]]
}

@test "defaults, then [global], then the section, then the command line" {
	cat >layers.job <<-'JOB'
	# for everyone
	[global]
	storm = fork-fault-munmap
	cpus = 2
	tasks=5
	seed = 0x2a
	no-trace

	  ; a section that says nothing
	[global-only]
	[own]
	  cpus	=	3
	trace
	weight = mmap=50,fork=2
	timeout = 250ms
	JOB
	plan --job layers.job
	[ "${lines[0]}" = "# [global-only]" ]
	[[ "${lines[1]}" == "mmstorm run fork-fault-munmap --cpus 2 --timeout 20s --seed 0x2a "*" --tasks 5 "*" --no-trace"* ]]
	[ "${lines[2]}" = "# [own]" ]
	[[ "${lines[3]}" == "mmstorm run fork-fault-munmap --cpus 3 --timeout 0.25s --seed 0x2a "*" --tasks 5 "* ]]
	[[ "${lines[3]}" == *" --weight mmap=50,fork=2 "* && "${lines[3]}" != *trace* ]]
	plan --cpus 7 --job layers.job --no-trace --ops 10
	[[ "${lines[1]}" == *" --cpus 7 --ops 10 --seed 0x2a "*" --no-trace "* ]]
	[[ "${lines[3]}" == *" --cpus 7 --timeout 0.25s --ops 10 "*" --no-trace "* ]]
	printf '[a]\nstorm = fork-fault-munmap\ncpus = 2\r\n' >crlf.job
	plan --job crlf.job
	[[ "${lines[1]}" == *" --cpus 2 "* ]]
}

@test "a command that a job prints plans itself" {
	cat >odd.job <<-'JOB'
	[odd]
	storm = fork-fault-munmap
	seed = 12345
	timeout = 1234567.25s
	fail-prob = 0.1234567
	checks = stale,value
	files = 2
	file-pages = 3
	frame-bytes = 4096
	no-trace
	any-windows
	JOB
	plan --job odd.job --json "it's here.json"
	local command=${lines[1]}
	eval "set -- ${command#mmstorm run }"
	plan "$@"
	[ "$output" = "$command" ]
	[[ "$command" == *" --timeout 1234567.25s "*" --fail-prob 0.1234567 "* ]]
}

@test "the ready jobs can be run, under their names and as files" {
	local name
	for name in smoke quick soak tsan; do
		"$MMSTORM" list jobs | grep -q "^$name  *[a-z]"
		plan --job "$name" --seed 1
		local ready=$output
		plan --job "$MM_SOURCE/stress/jobs/$name.job" --seed 1
		[ "$output" = "$ready" ]
		# every storm, in each of them
		[ "$(awk '/^mmstorm run / { print $3 }' <<<"$output" | sort -u)" = \
		  "$("$MMSTORM" list storms | awk '{ print $1 }' | sort)" ]
	done
	[ "$("$MMSTORM" list jobs | wc -l)" -eq "$(ls "$MM_SOURCE/stress/jobs" | wc -l)" ]
}

@test "a section of several storms is a run each" {
	cat >some.job <<-'JOB'
	[global]
	storm = cow
	[own]
	storm = fault,mixed
	seed = 5
	[as-all]
	JOB
	plan --job some.job
	[ "${#lines[@]}" -eq 6 ]
	[ "${lines[0]}" = "# [own]" ]
	[[ "${lines[1]}" == "mmstorm run fault "*" --seed 0x5 "* ]]
	[[ "${lines[2]}" == "mmstorm run mixed "*" --seed 0x5 "* ]]
	[[ "${lines[3]}" == "# mix mmap "*"load "* ]]
	[[ "${lines[4]}" == "# [as-all]" && "${lines[5]}" == "mmstorm run cow "* ]]
	plan --job some.job --section own --storm shootdown
	[[ "${#lines[@]}" -eq 2 && "${lines[1]}" == "mmstorm run shootdown "* ]]
	bad "bad.job:2: storm: there is no storm 'frok'" "[a]" "storm = fault,frok"
	bad "bad.job:2: storm: there is no storm ''" "[a]" "storm = fault,,cow"
	run --separate-stderr "$MMSTORM" run --job some.job --cpus 2 --ops 500 --any-windows --quiet --json some.json
	[ "$status" -eq 0 ] || { echo "exit $status: $stderr"; return 1; }
	[ "${lines[0]}" = "run       own/fault (1 of 3)" ]
	[ "${lines[-5]}" = "runs      some.job" ]
	[[ "${lines[-4]}" == "  own/fault  "* && "${lines[-3]}" == "  own/mixed  "* && "${lines[-2]}" == "  as-all  "* ]]
	python3 - <<-'PY'
	import json
	lines = [json.loads(line) for line in open("some.json")]
	assert [(line.get("section"), line.get("storm")) for line in lines] == [
		("own", "fault"), ("own", "mixed"), ("as-all", "cow"), (None, None)], lines
	PY
}

@test "runs follow each other; the last line is the worst of them" {
	cat >worst.job <<-'JOB'
	[global]
	storm = fork-fault-munmap
	cpus = 2
	ops = 2k
	[well]
	any-windows
	[too-short]
	ops = 10
	[well-too]
	any-windows
	JOB
	run --separate-stderr "$MMSTORM" run --job worst.job --quiet --json worst.json
	[ "$status" -eq 7 ] || { echo "exit $status: $stderr"; return 1; }
	[ -z "$stderr" ]
	[[ "${lines[0]}" == "run       well (1 of 3)" ]]
	[[ "${lines[-1]}" == "mmstorm: NOT-EXERCISED seed=0x"*" findings=0" ]]
	[[ "${lines[-3]}" == "  too-short "*" NOT-EXERCISED "*" ops  0 findings  window "* ]]
	[[ "${lines[-2]}" == "  well-too "*" SUCCESS "* ]]
	python3 - <<-'PY'
	import json
	lines = [json.loads(line) for line in open("worst.json")]
	assert [line.get("section") for line in lines] == ["well", "too-short", "well-too", None], lines
	last = lines[-1]
	assert last["type"] == "runs" and last["runs"] == 3 and last["job"] == "worst.job" and last["verdict"] == "NOT-EXERCISED", last
	assert last["worst"] == "too-short" and last["seed"] == lines[1]["seed"], last
	assert last["ops"] == sum(line["ops"] for line in lines[:-1]), last
	PY
}

@test "a report of ThreadSanitizer in one run is not one of the next" {
	[[ "$("$MMSTORM" --version)" == *" sanitizer=tsan "*" zoo=1 "* ]] || skip "not the sanitizer that goes on"
	cat >found.job <<-'JOB'
	[global]
	storm = fork-fault-munmap
	cpus = 8
	any-windows
	[bug]
	bug = canary-mm
	timeout = 240s
	[none]
	ops = 2k
	JOB
	run --separate-stderr "$MMSTORM" run --job found.job --quiet
	[ "$status" -eq 2 ] || { echo "exit $status: $stderr"; return 1; }
	[[ "${lines[-3]}" == "  bug "*" FINDINGS "* ]]
	[[ "${lines[-2]}" == "  none "*" SUCCESS "*" 0 findings" ]]
	[[ "${lines[-1]}" == "mmstorm: FINDINGS seed=0x"* ]]
}

@test "Ctrl-C ends the run and those that were to follow" {
	printf '[a]\nstorm = fork-fault-munmap\ncpus = 2\ntimeout = 240s\n[b]\nstorm = fork-fault-munmap\ncpus = 2\ntimeout = 240s\n' >long.job
	ends_by INT --job long.job
	grep -q "^  a  *INTERRUPTED " out
	grep -q "^  b  *not run " out
}
