#!/bin/sh
# Builds libquicmig and runs all its tests; the last line it prints is
#
#   N passed, N failed, N skipped
#
# In order: every test under gcc's sanitizers (preset dev), the unit tests under
# clang's (preset clang), the unit tests and a short simulation under valgrind
# (preset release), each fuzzer for some seconds (preset fuzz), and the real
# sockets of tests/net, which need root.  A build or a stage that breaks counts
# as one failed test; its log is shown.
#
# Needs: what examples/install-deps.sh --test installs; it is called first.
# QUICMIG_QUICK=1 in the environment: only the preset dev.
# Exit status: 0 all well, 1 a test failed or none ran.
set -eu
cd "$(dirname "$0")/.."
export CMAKE_GENERATOR="${CMAKE_GENERATOR:-Ninja}"
export UBSAN_OPTIONS=print_stacktrace=1

# The simulations that are short enough for valgrind.
valgrind_sim=build/release/tests/sim/test_sim_refusal

# Of each fuzzer; two at a time, less than a minute in all.
fuzz_seconds=10

passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 1' HUP INT TERM

count() {
  passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

finish() {
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
  exit
}

# broken WHAT: shows the log and counts one failure.
broken() {
  cat "$log"
  echo "tests/run.sh: $1"
  count 0 1 0
}

# build PRESET
build() {
  if cmake --preset "$1" >"$log" 2>&1 &&
    cmake --build --preset "$1" -j 2 >"$log" 2>&1; then
    return 0
  fi
  broken "the build of preset $1 failed"
  return 1
}

# run_ctest PRESET [OPTION...]: builds, runs ctest, counts its tests.
run_ctest() {
  build "$1" || return 0
  status=0
  ctest --preset "$@" -j 2 --no-tests=error >"$log" 2>&1 || status=$?
  set -- "$1" $(awk '
    !/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / { next }
    / Passed / { p++; next }
    /\*\*\*Skipped|\(Disabled\)/ { s++; next }
    { f++ }
    END { print p + 0, f + 0, s + 0 }' "$log")
  if [ "$status" = 0 ] || [ "$3" -gt 0 ]; then
    count "$2" "$3" "$4"
    [ "$status" = 0 ] || sed '/ Passed  /d; /^ *Start /d' "$log"
  else
    broken "ctest of preset $1 failed"
  fi
}

# Two at a time; each one's output and exit status go to a file of its own.
run_valgrind() {
  build release || return 0
  results=$(mktemp -d)
  ls -d build/release/tests/test_* $valgrind_sim | xargs -P 2 -I '{}' sh -c '
    out=$1/$(basename "$2") status=0
    timeout 300 valgrind -q --leak-check=full \
      --errors-for-leak-kinds=definite,indirect --error-exitcode=99 "$2" \
      >"$out" 2>&1 || status=$?
    echo "$status" >"$out.status"' sh "$results" '{}'
  for program in build/release/tests/test_* $valgrind_sim; do
    cp "$results/$(basename "$program")" "$log"
    status=$(cat "$results/$(basename "$program").status")
    case $status in
    0) count 1 0 0 ;;
    77) count 0 0 1 ;;
    *) broken "valgrind $program: exit status $status" ;;
    esac
  done
  rm -r "$results"
}

# A short run of each fuzzer, a test each.
run_fuzz() {
  status=0
  sh tests/fuzz/run.sh "$fuzz_seconds" >"$log" 2>&1 || status=$?
  if [ "$status" = 77 ]; then
    cat "$log"
    count 0 0 1
    return
  fi
  count "$(grep -cE '^fuzz [a-z]+: ok' "$log" || true)" 0 0
  [ "$status" = 0 ] || broken 'tests/fuzz/run.sh failed'
}

# tests/net/run.sh ends with the same line as this script.
run_net() {
  [ -f tests/net/run.sh ] || return 0
  { sh tests/net/run.sh 2>&1 || echo "exit status $?"; } | tee "$log"
  sum=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" |
    tail -n 1 | tr -cd '0-9 ')
  set -- ${sum:-0 0 0}
  if grep -q '^skip all: ' "$log"; then
    set -- 0 0 1
  fi
  count "$1" "$2" "$3"
  if [ -z "$sum" ] || { [ "$2" = 0 ] && grep -q '^exit status ' "$log"; }; then
    : >"$log"
    broken 'tests/net/run.sh failed'
  fi
}

if ! sh examples/install-deps.sh --test >"$log" 2>&1; then
  broken 'examples/install-deps.sh --test failed'
  finish
fi
run_ctest dev
if [ "${QUICMIG_QUICK:-0}" != 1 ]; then
  run_ctest clang -L unit
  run_valgrind
  run_fuzz
  run_net
fi
finish
