#!/bin/bash -eu
# SPDX-License-Identifier: MIT
#
# Builds the fuzz targets the way OSS-Fuzz and ClusterFuzzLite ask for: with their
# $CC, $CFLAGS and $LIB_FUZZING_ENGINE, into $OUT, each target with its seed
# corpus, dictionary and options.  Without those variables: clang, libFuzzer,
# ASan+UBSan, ./out.  With SANITIZER=thread: fuzz_race under TSan.

src=$(cd "$(dirname "$0")/.." && pwd)
: "${OUT:=$PWD/out}" "${WORK:=$PWD/work}" "${CC:=clang}" "${SANITIZER:=address}"
mkdir -p "$OUT" "$WORK"

case $SANITIZER in
thread) sanitizer=thread ;;
*)	sanitizer=address,undefined ;;
esac
# OSS-Fuzz gives all instrumentation in CFLAGS; then ours must not be added.
if [ -n "${LIB_FUZZING_ENGINE:-}" ]; then
	sanitizer=
fi

cmake -S "$src" -B "$WORK" -G Ninja -DCMAKE_C_COMPILER="$CC" \
	-DCMAKE_BUILD_TYPE=RelWithDebInfo -DMM_FLAVOUR=fuzz -DMM_FUZZ=ON \
	-DMM_SANITIZER="$sanitizer" -DMM_JEMALLOC=OFF -DMM_TESTS=OFF -DMM_WERROR=OFF \
	-DMMSTORM_FUZZING_ENGINE="${LIB_FUZZING_ENGINE:-}"
targets=$(cd "$src/fuzz" && ls fuzz_*.c | sed 's/\.c$//')
# shellcheck disable=SC2086
ninja -C "$WORK" $targets

cd "$src"
for target in $targets; do
	cp "$WORK/fuzz/$target" "$OUT/"
	seeds=(fuzz/seeds/*.ops)
	if [ "$target" = fuzz_text ]; then
		seeds+=(fuzz/seeds_text/* stress/jobs/*.job)
	fi
	if [ "$target" = fuzz_sched ]; then
		seeds+=(stress/scenarios/*.ops)
	fi
	python3 -m zipfile -c "$OUT/${target}_seed_corpus.zip" "${seeds[@]}"
	if [ -f "$src/fuzz/dict/$target.dict" ]; then
		cp "$src/fuzz/dict/$target.dict" "$OUT/$target.dict"
	fi
	cp "$src/fuzz/options/$target.options" "$OUT/" 2>/dev/null || true
done
