# SPDX-License-Identifier: MIT
#
# What the files here share: `load common'.

bats_require_minimum_version 1.5.0

setup() {
	# a folder of its own: bats keeps files in the one above
	mkdir "$BATS_TEST_TMPDIR/cwd"
	cd "$BATS_TEST_TMPDIR/cwd"
}

# ends_with CODE "MESSAGE" ARGUMENTS...: that exit code, the message on stderr, nothing on
# stdout, no file more than before.
ends_with() {
	local code=$1 message=$2 before
	shift 2
	before=$(ls -A)
	run --separate-stderr "$MMSTORM" "$@"
	[ "$status" -eq "$code" ] || { echo "exit $status"; return 1; }
	[ -z "$output" ] || { echo "stdout: $output"; return 1; }
	[[ "$stderr" == *"$message"* ]] || { echo "stderr: $stderr"; return 1; }
	[ "$(ls -A)" = "$before" ] || { ls -A; return 1; }
}

# refuses "MESSAGE" ARGUMENTS...: input that cannot be used.
refuses() {
	ends_with 1 "$@"
}

# ends_by SIGNAL ARGUMENTS...: a run, sent the signal when it has said of itself that it
# is under way, ends with exit code 130, INTERRUPTED, and the summary so far in `out'.
ends_by() {
	local signal=$1 pid status=0
	shift
	"$MMSTORM" run "$@" --progress always >out 2>err 3>&- &
	pid=$!
	until grep -q "ops [1-9]" err || ! kill -0 "$pid"; do sleep 0.1; done
	kill "-$signal" "$pid"
	wait "$pid" || status=$?
	[ "$status" -eq 130 ] || { echo "exit $status"; cat err; return 1; }
	grep -q "^ops " out
	tail -n 1 out | grep -q "^mmstorm: INTERRUPTED seed=0x"
}
