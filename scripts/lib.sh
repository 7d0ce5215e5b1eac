# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# For the commands beside this file: find the project, and install what Debian
# packages are missing, said first.  Everything said here goes to stderr.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# What the program takes to build and run under ThreadSanitizer, and the rest for the tests.
# shellcheck disable=SC2034 # who sources this file chooses
packages_program=(clang libclang-rt-14-dev llvm cmake ninja-build pkg-config
	libc6-dev liburcu-dev zlib1g-dev)
packages_tests=("${packages_program[@]}" gcc libjemalloc-dev libcmocka-dev clang-format
	python3 bats)

say() {
	echo "mmstorm: $*" >&2
}

# need PACKAGE...: sees to it that all are installed, or says what to do and exits 1.
need() {
	local package missing=()

	if ! command -v dpkg-query >/dev/null; then
		say "this is not a Debian system: I take it that you have what these provide: $*"
		return
	fi
	for package in "$@"; do
		dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null |
			grep -qx installed || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		say "these Debian packages are missing: ${missing[*]}"
		say "install them, then try again:  sudo apt-get install ${missing[*]}"
		exit 1
	fi
	say "installing these Debian packages: ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	if ! { apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } \
		>"${TMPDIR:-/tmp}/mmstorm-apt.log" 2>&1; then
		tail -n 20 "${TMPDIR:-/tmp}/mmstorm-apt.log" >&2
		say "the packages could not be installed (above: the end of apt-get's words)"
		exit 1
	fi
}

# build PRESET [TARGET...]: configures and builds build/PRESET; silent unless it fails.
# With targets named, nothing that only tests need is asked for.
build() {
	local preset=$1 log tests=ON
	shift

	log=$root/build/$preset.log
	mkdir -p "$root/build"
	say "building $preset ${*:+($*) }..."
	[ $# -eq 0 ] || tests=OFF
	if ! { (cd "$root" && cmake --preset "$preset" -DMM_TESTS="$tests") &&
		cmake --build "$root/build/$preset" "${@/#/--target=}"; } >"$log" 2>&1; then
		grep -E -A 12 'error|FAILED|CMake Error' "$log" | head -n 80 >&2
		say "build of $preset failed; all of it is in $log"
		exit 1
	fi
}
