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
