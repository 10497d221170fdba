#!/bin/sh
# Builds libquicmig and runs all its tests; the last line it prints is
#
#   N passed, N failed, N skipped
#
# In order: every test under gcc's sanitizers (preset dev), the unit tests under
# clang's (preset clang), the unit tests and a short simulation under valgrind
# (preset release), each fuzzer for some seconds (preset fuzz), and the real
# sockets of tests/net, which need root.  A build or a stage that breaks counts
# as one failed test; its log is shown.  Meanwhile it prints a line a stage, with
# what came of it and how long it took; on a terminal also how far it is.
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

passed=0 failed=0 skipped=0 status=0
log=$(mktemp)
trap 'rm -f "$log" "$log.status"' EXIT
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

# follow STAGE: standard input goes to the log; on a terminal the stage's line
# tells how far it is, by ninja's [3/7], ctest's 3/7 and the fuzzers' names.
follow() {
  if [ ! -t 1 ]; then
    cat >"$log"
    return
  fi
  while IFS= read -r line; do
    printf '%s\n' "$line" >&3
    case $line in
    '['*/*']'*) at=${line#\[} at=${at%%\]*} ;;
    *[0-9]/[0-9]*' Test '*) at=${line%% Test *} ;;
    'fuzz '*) at=${line#fuzz } ;;
    *) continue ;;
    esac
    printf '\r%s: %s\033[K' "$1" "$(echo $at)"
  done 3>"$log"
  printf '\r%s: \033[K' "$1"
}

# stage NAME COMMAND...: its output is in the log then, its exit status in
# $status.  The caller ends the line with ended().
stage() {
  stage=$1 begin=$(date +%s)
  shift
  printf '%s: ' "$stage"
  # Kept in a file: a pipe's status is that of its last command.
  { "$@" 2>&1 && echo 0 >"$log.status" || echo $? >"$log.status"; } |
    follow "$stage"
  status=$(cat "$log.status")
}

# ended WHAT: what came of the stage.
ended() { echo "$1, $(($(date +%s) - begin)) s"; }

configure_and_build() {
  cmake --preset "$1" && cmake --build --preset "$1" -j 2
}

# build PRESET
build() {
  stage "build $1" configure_and_build "$1"
  if [ "$status" = 0 ]; then
    ended done
    return 0
  fi
  ended failed
  broken "the build of preset $1 failed"
  return 1
}

# run_ctest PRESET [OPTION...]: builds, runs ctest, counts its tests.
run_ctest() {
  build "$1" || return 0
  stage "tests $1" ctest --preset "$@" -j 2 --no-tests=error
  set -- "$1" $(awk '
    !/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / { next }
    / Passed / { p++; next }
    /\*\*\*Skipped|\(Disabled\)/ { s++; next }
    { f++ }
    END { print p + 0, f + 0, s + 0 }' "$log")
  ended "$2 passed, $3 failed, $4 skipped"
  if [ "$status" = 0 ] || [ "$3" -gt 0 ]; then
    count "$2" "$3" "$4"
    [ "$status" = 0 ] || sed '/ Passed  /d; /^ *Start /d' "$log"
  else
    broken "ctest of preset $1 failed"
  fi
}

# valgrind_all FOLDER PROGRAM...: two at a time; each one's output and exit
# status go to files there.
valgrind_all() {
  results=$1
  shift
  printf '%s\n' "$@" | xargs -P 2 -I '{}' sh -c '
    out=$1/$(basename "$3") status=0
    timeout 300 valgrind -q --leak-check=full \
      --errors-for-leak-kinds=definite,indirect --error-exitcode=99 "$3" \
      >"$out" 2>&1 || status=$?
    echo "$status" >"$out.status"
    echo "[$(ls "$1" | grep -c "\.status$")/$2] $3"' sh "$results" $# '{}'
}

run_valgrind() {
  build release || return 0
  results=$(mktemp -d)
  stage valgrind valgrind_all "$results" build/release/tests/test_* \
    $valgrind_sim
  ended "$(cat "$results"/*.status | grep -cx 0) passed"
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
  stage 'build and run fuzz' sh tests/fuzz/run.sh "$fuzz_seconds"
  if [ "$status" = 77 ]; then
    ended skipped
    cat "$log"
    count 0 0 1
    return
  fi
  set -- "$(grep -cE '^fuzz [a-z]+: ok' "$log" || true)"
  ended "$1 passed"
  count "$1" 0 0
  [ "$status" = 0 ] || broken 'tests/fuzz/run.sh failed'
}

# tests/net/run.sh tells each of its tests, and ends with the same line as this
# script.
run_net() {
  [ -f tests/net/run.sh ] || return 0
  begin=$(date +%s)
  { sh tests/net/run.sh 2>&1 || echo "exit status $?"; } | tee "$log"
  sum=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" |
    tail -n 1 | tr -cd '0-9 ')
  set -- ${sum:-0 0 0}
  printf 'net: '
  ended "$1 passed, $2 failed, $3 skipped"
  if grep -q '^skip all: ' "$log"; then
    set -- 0 0 1
  fi
  count "$1" "$2" "$3"
  if [ -z "$sum" ] || { [ "$2" = 0 ] && grep -q '^exit status ' "$log"; }; then
    : >"$log"
    broken 'tests/net/run.sh failed'
  fi
}

stage 'what is needed' sh examples/install-deps.sh --test
if [ "$status" != 0 ]; then
  ended missing
  broken 'examples/install-deps.sh --test failed'
  finish
fi
ended there
run_ctest dev
if [ "${QUICMIG_QUICK:-0}" != 1 ]; then
  run_ctest clang -L unit
  run_valgrind
  run_fuzz
  run_net
fi
finish
