#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# `mmstorm run': what it refuses, how it ends, what it leaves.

load common

@test "no command, an unknown command" {
	refuses "usage: mmstorm COMMAND"
	refuses "there is no command 'rnu'" rnu
}

@test "no storm, two words, storms that do not exist" {
	refuses "name one storm" run
	refuses "name one storm" run fork-fault-munmap fork-fault-munmap
	refuses "there is no storm 'frok'; 'mmstorm list storms' names them" run frok
	refuses "there is no storm 'frok'; 'mmstorm list storms' names them" run fault,frok
	refuses "there is no storm ''" run fault,,cow
	refuses "no storm is named" run ''
	refuses "at most 16 storms in one go" run "$(printf 'cow,%.0s' {1..17})"
}

@test "several storms in one go" {
	run --separate-stderr "$MMSTORM" run fault,cow --cpus 2 --ops 5k --seed 9 --any-windows --progress never --json both.json
	[ "$status" -eq 0 ]
	[ "$(grep -c '^mmstorm: SUCCESS seed=0x9' <<<"$output")" -eq 3 ]
	[ "${lines[0]}" = "run       fault (1 of 2)" ]
	[ "${lines[-4]}" = "runs      fault,cow" ]
	[[ "${lines[-3]}" == "  fault  "*" SUCCESS "*" ops  0 findings" ]]
	[[ "${lines[-2]}" == "  cow  "*" SUCCESS "*" ops  0 findings" ]]
	[[ "$stderr" == *"mmstorm run fault --cpus 2 "*"mmstorm run cow --cpus 2 "* ]]
	python3 - <<-'PY'
	import json
	lines = [json.loads(line) for line in open("both.json")]
	assert [line.get("storm") for line in lines] == ["fault", "cow", None], lines
	assert [line["type"] for line in lines] == ["summary", "summary", "runs"], lines
	last = lines[-1]
	assert last["runs"] == 2 and last["verdict"] == "SUCCESS" and "job" not in last, last
	assert last["ops"] == sum(line["ops"] for line in lines[:-1]), last
	PY
}

@test "of several storms the gravest verdict counts" {
	run --separate-stderr "$MMSTORM" run fork-fault-munmap,shootdown --cpus 2 --ops 10 --quiet
	[ "$status" -eq 7 ]
	[[ "${lines[-3]}" == "  fork-fault-munmap  "*" NOT-EXERCISED "*" ops  0 findings  window "* ]]
	[[ "${lines[-2]}" == "  shootdown  "*" NOT-EXERCISED "*" ops  0 findings  window "* ]]
	[[ "${lines[-1]}" == "mmstorm: NOT-EXERCISED seed="* ]]
}

@test "all storms by one word" {
	run --separate-stderr "$MMSTORM" run all --seed 7 --dry-run
	[ "$status" -eq 0 ]
	[ "$(awk '/^mmstorm run / { print $3 }' <<<"$output")" = "$("$MMSTORM" list storms | awk '{ print $1 }')" ]
	[[ "$output" == *"mmstorm run mixed "*$'\n'"# mix mmap "* ]]
	refuses "there is no storm 'all'" run all,cow
}

@test "Ctrl-C ends the storm and those that were to follow" {
	ends_by INT fault,cow --cpus 4 --timeout 240s
	grep -q "^  fault  *INTERRUPTED " out
	grep -q "^  cow  *not run " out
}

@test "a swarm says what it was dealt, and is dealt it again" {
	mix() { "$MMSTORM" run mixed --cpus 2 --ops 1k --any-windows --quiet --seed "$1" | grep '^mix '; }
	first=$(mix 1)
	[[ "$first" == "mix       mmap "*"load "* ]]
	[ "$(mix 1)" = "$first" ]
	[ "$(mix 2)" != "$first" ]
}

@test "every storm is listed, first its name" {
	run "$MMSTORM" list storms
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq "$((1 + $(ls "$MM_SOURCE"/stress/storms/*.c | wc -l)))" ]
	local file
	for file in "$MM_SOURCE"/stress/storms/*.c; do
		grep -q "^$(basename "$file" .c) " <<<"$output"
	done
}

@test "numbers out of range and not numbers" {
	refuses "--cpus: 0 is out of range, 1 to 256 will do" run fork-fault-munmap --cpus 0
	refuses "--cpus: 100000 is out of range" run fork-fault-munmap --cpus 100000
	refuses "--cpus: 'eight' is not a number" run fork-fault-munmap --cpus eight
	refuses "--cpus: '8x' is not a number" run fork-fault-munmap --cpus=8x
	refuses "--cpus: '-1' is not a number" run fork-fault-munmap --cpus -1
	refuses "--ops: '99999999999999999999999' is not a number" run fork-fault-munmap --ops 99999999999999999999999
	refuses "--timeout: 'soon' is not a time" run fork-fault-munmap --timeout soon
	refuses "--fail-prob: '2' is not a probability" run fork-fault-munmap --fail-prob 2
	refuses "--pages: 1000000 is out of range" run fork-fault-munmap --pages 1000000
}

@test "options that do not exist, or lack a value" {
	refuses "there is no option --cpu" run fork-fault-munmap --cpu 8
	refuses "there is no option -Z" run fork-fault-munmap -Z
	refuses "--cpus needs a value" run fork-fault-munmap --cpus
	refuses "--trace takes no value" run fork-fault-munmap --trace=yes
	refuses "--sched: 'fifo' is none of free, jitter" run fork-fault-munmap --sched fifo
	refuses "--frame-bytes: '128' is none of 64, 4096" run fork-fault-munmap --frame-bytes 128
}

@test "oracles and bugs that do not exist" {
	refuses "there is no oracle 'luck'" run fork-fault-munmap --checks luck
	refuses "there is no oracle 'luck'" run fork-fault-munmap --checks stale,luck
	if [[ "$("$MMSTORM" --version)" == *" zoo=1 "* ]]; then
		refuses "there is no bug 'heisen'" run fork-fault-munmap --bug heisen
	else
		refuses "this build has no zoo" run fork-fault-munmap --bug heisen
	fi
}

@test "a timeout ends a run, with a verdict as its last line" {
	run --separate-stderr "$MMSTORM" run fork-fault-munmap --cpus 2 --timeout 1s --any-windows --progress never
	[ "$status" -eq 0 ]
	[[ "${lines[-1]}" =~ ^"mmstorm: SUCCESS seed=0x"[0-9a-f]+" ops="[0-9]+" findings=0"$ ]]
	[[ "$stderr" == "mmstorm run fork-fault-munmap "*"--seed 0x"* ]]
}

@test "a number of ops ends a run" {
	run --separate-stderr "$MMSTORM" run fork-fault-munmap --cpus 2 --ops 60k --any-windows --quiet
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
}

@test "refused allocations begin with the run, not with the machine" {
	local seed
	for seed in 1 2 3; do
		run --separate-stderr "$MMSTORM" run fork-fault-munmap --cpus 2 --ops 2k --seed $seed --fail-prob 1 --any-windows --quiet
		[ "$status" -eq 0 ] || { echo "exit $status: $stderr"; return 1; }
		[[ "${lines[-1]}" == "mmstorm: SUCCESS "* ]]
	done
}

@test "Ctrl-C" {
	ends_by INT fork-fault-munmap --cpus 4 --timeout 240s
}

@test "SIGTERM" {
	ends_by TERM fork-fault-munmap --cpus 4 --timeout 240s
}

@test "JSON lines, whole and valid" {
	run --separate-stderr "$MMSTORM" run fork-fault-munmap --cpus 2 --ops 60k --any-windows --quiet --json result.json
	[ "$status" -eq 0 ]
	[ "$(ls -A)" = result.json ]
	python3 - <<-'PY'
	import json
	lines = [json.loads(line) for line in open("result.json")]
	last = lines[-1]
	assert last["schema"] == "mmstorm/1" and last["type"] == "summary", last
	assert last["verdict"] == "SUCCESS" and last["findings"] == 0, last
	assert last["ops"] >= 5000, last["ops"]
	met = sum(n for kind in last.get("ages", {}).values() for n in kind.values())
	assert met == last["oracles"].get("age", {"conclusive": 0})["conclusive"], last
	PY
}

@test "JSON on standard output is all there is on it" {
	run --separate-stderr "$MMSTORM" run fork-fault-munmap --cpus 2 --ops 60k --any-windows --json -
	[ "$status" -eq 0 ]
	echo "$output" | python3 -c 'import json, sys; [json.loads(line) for line in sys.stdin]'
}

@test "a result that cannot be written" {
	run --separate-stderr "$MMSTORM" run fork-fault-munmap --cpus 2 --ops 2k --any-windows --quiet --json /dev/full
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"/dev/full: could not be written: No space left on device"* ]]
	[ -c /dev/full ]
	run --separate-stderr "$MMSTORM" run fork-fault-munmap --cpus 2 --ops 2k --any-windows --quiet --json missing/result.json
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"missing/result.json: could not be written: No such file or directory"* ]]
	[ -z "$(ls -A)" ]
}

@test "a full standard output is an error" {
	status=0
	"$MMSTORM" list ops >/dev/full 2>err || status=$?
	[ "$status" -eq 3 ]
	grep -q "standard output could not be written" err
}

@test "one vCPU with one task hits no window" {
	run --separate-stderr "$MMSTORM" run fork-fault-munmap --cpus 1 --tasks 1 --without fork,clone --ops 50k --quiet --json one.json
	[ "$status" -eq 0 ]
	python3 - <<-'PY'
	import json
	last = [json.loads(line) for line in open("one.json")][-1]
	hit = {name: hits for name, hits in last["windows"].items() if hits}
	assert not hit, hit
	PY
}

@test "a run too short to meet its windows is not a success" {
	run --separate-stderr "$MMSTORM" run fork-fault-munmap --cpus 2 --ops 10 --quiet
	[ "$status" -eq 7 ]
	[[ "${lines[-1]}" == "mmstorm: NOT-EXERCISED seed="* ]]
}

@test "help and version" {
	run --separate-stderr "$MMSTORM" --help
	[ "$status" -eq 0 ] && [[ "$output" == "usage: mmstorm COMMAND"* ]] && [ -z "$stderr" ]
	run --separate-stderr "$MMSTORM" run --help
	[ "$status" -eq 0 ] && [[ "$output" == *"--cpus N"* ]]
	run "$MMSTORM" --version
	[ "$status" -eq 0 ] && [[ "$output" == "mmstorm 0."* ]]
}

@test "a crash of the program says how to repeat the run" {
	local pid status=0
	"$MMSTORM" run fault --cpus 2 --timeout 5m --progress always >out 2>err 3>&- &
	pid=$!
	until grep -q "ops [1-9]" err || ! kill -0 "$pid"; do sleep 0.1; done
	kill -SEGV "$pid"
	wait "$pid" || status=$?
	[ "$status" -ne 0 ]
	# first and last; but ThreadSanitizer has the last word where it is
	grep -q '^ThreadSanitizer:' err || [ "$(grep -c '^mmstorm run fault --cpus 2 ' err)" -eq 2 ]
}
