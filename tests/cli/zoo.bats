#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# `mmstorm zoo': bugs x detectors.  Each build is its own detector's here; the bug is one
# that is found in a fraction of a second, the other one that this detector cannot see.

load common

bug=vma-freed-without-grace

# mine OPTIONS...: zoo with this build alone, as what it is.
mine() {
	case $("$MMSTORM" --version) in
	*" zoo=0 "*) skip "no zoo in this build" ;;
	*sanitizer=tsan*) detector=tsan build=--tsan ;;
	*sanitizer=asan*) detector=asan build=--dev ;;
	*) detector=oracles build=--release ;;
	esac
	run --separate-stderr "$MMSTORM" zoo --detector $detector $build "$MMSTORM" "$@"
}

@test "what it cannot use" {
	refuses "say which bugs: --bug SLUG[,SLUG], or --all" zoo
	refuses "there is no bug 'heisen'; 'mmstorm list bugs' names them" zoo --bug heisen
	refuses "there is no bug 'heisen'" zoo --bug $bug,heisen
	refuses "--bug and --all: one of them" zoo --all --bug $bug
	refuses "'$bug' is no option; a bug is --bug SLUG" zoo $bug
	refuses "--detector: 'msan' is none of tsan, oracles, both, asan" zoo --all --detector tsan,msan
	refuses "--detector: name one of" zoo --all --detector ,
	refuses "there is no storm 'frok'; 'mmstorm list storms' names them" zoo --all --storm frok
	refuses "--seeds: 0 is out of range" zoo --all --seeds 0
	refuses "--seeds: 'ten' is not a number" zoo --all --seeds ten
	refuses "--budget: no time at all" zoo --all --budget 0s
	refuses "--budget: 'soon' is not a time" zoo --all --budget soon
	refuses "--logs: 'nowhere' is no folder" zoo --all --logs nowhere
	refuses "there is no option --build" zoo --all --build release
}

@test "builds that are not there are named; with none left nothing can run" {
	ends_with 4 "no detector tsan: none/tsan/stress/mmstorm: No such file or directory" \
		zoo --bug $bug --builds none
	ends_with 4 "nothing can run" zoo --bug $bug --builds none
	ends_with 4 "no detector asan: /bin/true is not a build with sanitizer=asan+ubsan" \
		zoo --bug $bug --detector asan --dev /bin/true
}

@test "a build of the wrong kind is not taken for the right one" {
	local wrong=--release
	[[ "$("$MMSTORM" --version)" == *sanitizer=none* ]] && wrong=--tsan
	ends_with 4 "$MMSTORM is not a build with sanitizer=" zoo --bug $bug \
		--detector tsan,oracles $wrong "$MMSTORM" --builds none
}

@test "a bug is found: the matrix, JSON lines, a picture, the reports themselves" {
	mkdir logs
	mine --bug $bug --seeds 2 --json zoo.json --svg zoo.svg --logs logs
	[ "$status" -eq 0 ] || { echo "exit $status: $stderr"; return 1; }
	[[ "${lines[-1]}" == "mmstorm: SUCCESS seed=0x1 bugs=1 found=1 seeds=2" ]]
	[[ "$output" =~ $bug\ +2/2\ [0-9.]+\ \([0-9.]+\ to\ [0-9.]+\) ]]
	[[ "$stderr" == *"seed 2: found in "*" s by "* ]]
	[ "$(ls -A)" = $'logs\nzoo.json\nzoo.svg' ]
	python3 - "$detector" <<-'PY'
	import json, os, subprocess, sys
	import xml.etree.ElementTree as tree
	cell, last = [json.loads(line) for line in open("zoo.json")]
	assert (cell["type"], cell["bug"], cell["detector"]) == ("zoo", "vma-freed-without-grace", sys.argv[1])
	assert cell["found"] == cell["seeds"] == len(cell["seconds"]) == 2, cell
	assert cell["min_s"] <= cell["median_s"] <= cell["max_s"], cell
	assert (last["type"], last["verdict"], last["found"]) == ("zoo-summary", "SUCCESS", 1), last
	# what scripts/triage calls the reports of the same runs
	triage = os.path.join(os.environ["MM_SOURCE"], "scripts", "triage")
	told = subprocess.run([triage, "--format", "titles", "logs"], capture_output=True, text=True)
	assert told.stdout.splitlines() == sorted(cell["titles"]), (told, cell["titles"])
	dots = [e for e in tree.parse("zoo.svg").iter() if e.tag.endswith("circle")]
	assert len(dots) == 2, dots
	PY
}

@test "reports of every kind are called what scripts/triage calls them" {
	cat >fake <<-'SH'
	#!/bin/sh
	[ "$1" != --version ] || { echo "mmstorm sanitizer=none points=1 zoo=1 checks=1 "; exit 0; }
	cat "$REPORT"
	exit 2
	SH
	chmod +x fake
	for REPORT in "$MM_SOURCE"/tests/triage/reports/*.txt; do
		export REPORT
		"$MMSTORM" zoo --bug $bug --storm fork-fault-munmap --detector oracles --release ./fake \
			--seeds 1 --quiet --json - >"$(basename "$REPORT").json" 2>talk 3>&-
	done
	python3 - <<-'PY'
	import glob, json, os
	wanted, found = {}, {}
	for line in open(os.path.join(os.environ["MM_SOURCE"], "tests", "triage", "expect")):
	    name, _, title = line.strip().partition(": ")
	    if name.endswith(".txt"):
	        wanted.setdefault(name, set()).add(title)
	for name in glob.glob("*.json"):
	    found[name[:-5]] = set(json.loads(open(name).readline())["titles"])
	assert found == wanted, [(n, wanted[n], found.get(n)) for n in wanted if wanted[n] != found.get(n)]
	PY
}

@test "a bug that the detector cannot see is missed" {
	if [[ "$("$MMSTORM" --version)" == *sanitizer=tsan* ]]; then
		skip "ThreadSanitizer sees all that can be planted"
	fi
	mine --bug canary-hw --seeds 2 --budget 100ms
	[ "$status" -eq 2 ]
	[[ "${lines[-1]}" == "mmstorm: MISSED seed=0x1 bugs=1 found=0 seeds=2" ]]
	[[ "$output" =~ canary-hw\ +0/2 ]]
}

@test "a column without a build is a dash" {
	mine --bug $bug --seeds 1 --detector tsan,oracles,asan --builds none --quiet
	[ "$status" -eq 0 ]
	[[ "$stderr" == *"no detector "*": none/"* ]]
	[[ "$output" =~ $bug.*\ -( |$) ]]
}

@test "searches by strategies instead of storms: schedules are counted" {
	refuses "--strategy: name one of random" zoo --bug $bug --strategy ,
	refuses "--strategy: 'pct:9' is one too many" zoo --bug $bug \
		--strategy pct:1,pct:2,pct:3,pct:4,pct:5,pct:6,pct:7,pct:8,pct:9
	# What the runs would refuse is refused before the first of them.
	refuses "--strategy: there is no 'randm'; random, sticky" zoo --bug $bug --strategy pos,randm
	refuses "--strategy: there is no 'pct:17'" zoo --bug $bug --strategy pct:17
	refuses "--strategy: there is no 'dfs:2'" zoo --bug $bug --strategy dfs:2
	refuses "there is no scenario 'zap-zip'" zoo --bug $bug --strategy pos --scenario zap-zap,zap-zip
	refuses "--memory: there is no 'arm'; sc, tso or pso" zoo --bug $bug --strategy pos --memory arm
	refuses "--runs: 0 is out of range" zoo --bug $bug --strategy random --runs 0
	# AddressSanitizer alone sees other bugs.
	local bug=pte-table-publish-before-init
	[[ "$("$MMSTORM" --version)" == *sanitizer=asan* ]] && bug=table-freed-before-flush
	mine --bug $bug,canary-hw --strategy random,pct:2 --scenario fault-munmap,table-birth \
		--seeds 2 --runs 3000 --json zoo.json --svg zoo.svg
	[[ "$output" == *"3000 schedules for a seed, memory sc, scenarios in turn: fault-munmap,table-birth"* ]]
	[[ "$output" =~ $bug\ +2/2\ [0-9]+\ \([0-9]+\ to\ [0-9]+\) ]]
	[[ "$stderr" == *"seed 2: found in "*" schedules, in "*": "* ]]
	python3 - <<-'PY'
	import json
	import xml.etree.ElementTree as tree
	*cells, last = [json.loads(line) for line in open("zoo.json")]
	assert [c["strategy"] for c in cells] == ["random", "pct:2"] * 2, cells
	cell = cells[0]
	assert cell["found"] == cell["seeds"] == len(cell["schedules"]) == 2, cell
	assert 1 <= cell["min"] <= cell["median"] <= cell["max"] <= 3000, cell
	assert sum(cell["scenarios"].values()) == 2, cell
	assert set(cell["scenarios"]) <= {"fault-munmap", "table-birth"}, cell
	# n k for each of two scenarios
	assert 2 * 3 * 50 < cell["pct_bound"] < 2 * 12 * 2000, cell
	assert last["budget_schedules"] == 3000, last
	found = sum(c["found"] for c in cells)
	dots = [e for e in tree.parse("zoo.svg").iter() if e.tag.endswith("circle")]
	assert len(dots) == found, (dots, found)
	PY
}

@test "JSON on standard output is all there is on it" {
	mine --bug $bug --seeds 1 --json - --quiet
	[ "$status" -eq 0 ]
	echo "$output" | python3 -c 'import json, sys; [json.loads(line) for line in sys.stdin]'
}

@test "results that cannot be written" {
	mine --bug canary-hw --seeds 1 --budget 20ms --quiet --svg missing/zoo.svg
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"missing/zoo.svg: could not be written: No such file or directory"* ]]
	mine --bug canary-hw --seeds 1 --budget 20ms --quiet --json /dev/full
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"/dev/full: could not be written: No space left on device"* ]]
	[ -z "$(ls -A)" ]
}

# ends_by SIGNAL: exit 130, the matrix so far, and no run is left behind.
ends_by() {
	mine --help
	"$MMSTORM" zoo --bug canary-hw --storm fork-fault-munmap --detector $detector \
		$build "$MMSTORM" --seeds 1 --budget 240s --cpus 1 >out 2>err 3>&- &
	local pid=$! status=0 child=
	# from then on its one child is the run
	until grep -q "looked for by" err || ! kill -0 "$pid"; do sleep 0.1; done
	until [ -n "$child" ] || ! kill -0 "$pid"; do child=$(tr -d " " <"/proc/$pid/task/$pid/children"); done
	kill "-$1" "$pid"
	wait "$pid" || status=$?
	[ "$status" -eq 130 ] || { echo "exit $status"; cat err; return 1; }
	tail -n 1 out | grep -q "^mmstorm: INTERRUPTED seed=0x1 bugs=1 found=0 seeds=1"
	! kill -0 "$child" 2>kill || { echo "$child is left"; return 1; }
}

@test "Ctrl-C" {
	ends_by INT
}

@test "SIGTERM" {
	ends_by TERM
}

@test "help" {
	run --separate-stderr "$MMSTORM" zoo --help
	[ "$status" -eq 0 ] && [[ "$output" == "usage: mmstorm zoo "*"--budget TIME"* ]]
}
