#!/bin/sh
# Runs the fuzzers, two at a time.
#
#   run.sh [SECONDS [HARNESS...]]    each for so long, 3600 without a number
#
# What they find interesting is kept in build/fuzz/found, and is where the next
# run begins; tests/fuzz/corpus has what every run begins with and stays small.
# An input that crashes, hangs or leaks is left in build/fuzz/crash, and its
# name printed: run the harness with that file as its only argument to see it
# again.
#
# Needs: clang with libFuzzer (libclang-rt-dev).  Exit status: 0 nothing found,
# 1 something, or the build failed, 77 no libFuzzer here.
set -eu
cd "$(dirname "$0")/../.."
export CMAKE_GENERATOR="${CMAKE_GENERATOR:-Ninja}"
export UBSAN_OPTIONS=print_stacktrace=1

seconds=${1:-3600}
[ $# = 0 ] || shift

if ! echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
  clang -fsanitize=fuzzer -xc - -o /dev/null 2>/dev/null; then
  echo 'fuzz: skipped, there is no clang with libFuzzer'
  exit 77
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { cmake --preset fuzz && cmake --build --preset fuzz -j 2; } >"$log" 2>&1
then
  cat "$log"
  exit 1
fi
[ $# != 0 ] || set -- $(cd tests/fuzz && ls fuzz_*.c | sed 's/^fuzz_//; s/\.c$//')

# one HARNESS: a line, and its log if something was found.
one='
name=$1 seconds=$2
found=build/fuzz/found/$name crash=build/fuzz/crash
mkdir -p "$found" "$crash"
if build/fuzz/tests/fuzz/fuzz_$name -max_total_time="$seconds" -timeout=30 \
  -max_len=4096 -len_control=0 -rss_limit_mb=2048 \
  -artifact_prefix="$crash/$name-" "$found" "tests/fuzz/corpus/$name" \
  >"$crash/$name.log" 2>&1; then
  runs=$(sed -n "s/^Done \([0-9]*\) runs.*/\1/p" "$crash/$name.log")
  echo "fuzz $name: ok, $runs runs"
  rm "$crash/$name.log"
else
  grep -v "^seed " "$crash/$name.log" | tail -n 60
  echo "fuzz $name: FAILED, see $crash"
  exit 255
fi'
status=0
printf '%s\n' "$@" |
  xargs -P 2 -I '{}' sh -c "$one" sh '{}' "$seconds" || status=1
exit $status
