#!/bin/sh
# Runs the network tests, or those named (test_x.sh or x); one line each:
#
#   ok NAME (SECONDS s)     skip NAME: REASON     FAIL NAME: WHY, then its log
#
# and as the last line `N passed, N failed, N skipped`.  A test that fails while
# the host takes more than a fifth of this machine's time (steal time) is run
# again after half a minute; the second result counts.
# QUICMIG_BUILD: the folder with the examples, [build/dev, else build/release].
# Needs root, ip, nft, tshark; without them tests are skipped, all of them for
# one reason where no network namespaces can be made.
# Exit status: 0 all well, 1 a test failed.
set -eu
cd "$(dirname "$0")"

. ../../examples/lab/namespaces.sh

passed=0 failed=0 skipped=0 pid=''
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap '[ -z "$pid" ] || kill "$pid"; wait; exit 1' HUP INT TERM

# stolen: ms that the host has taken from all processors of this machine.
stolen() { awk '/^cpu / { printf "%.0f", $9 * 10 }' /proc/stat; }

# attempt FILE: runs it.  $share: per cent of the machine's time that the host
# took meanwhile.
attempt() {
  begin=$(date +%s) stolen=$(stolen) status=0
  # In the background, so that a signal to this script gets to the test at once.
  timeout -k 10 180 sh "$1" >"$log" 2>&1 </dev/null &
  pid=$!
  wait "$pid" || status=$?
  pid=''
  seconds=$(($(date +%s) - begin))
  share=$((($(stolen) - stolen) / 10 / (seconds + 1) / $(nproc)))
}

tell_failure() {
  why=$(sed -n 's/^bad: //p' "$log" | head -n 1)
  [ "$status" != 124 ] || why="still running after 180 s; $why"
  echo "$1 $name: ${why:-exit status $status}" \
    "($seconds s, the host took $share % of the machine's time)"
  sed 's/^/    /' "$log"
}

# run FILE
run() {
  name=$(basename "$1" .sh)
  name=${name#test_}
  attempt "$1"
  if [ "$status" != 0 ] && [ "$status" != 77 ] && [ "$share" -gt 20 ]; then
    tell_failure again
    sleep 30
    attempt "$1"
  fi
  case $status in
  0)
    passed=$((passed + 1))
    echo "ok $name ($seconds s)"
    ;;
  77)
    skipped=$((skipped + 1))
    echo "skip $name: $(tail -n 1 "$log")"
    ;;
  *)
    failed=$((failed + 1))
    tell_failure FAIL
    ;;
  esac
}

[ $# -gt 0 ] || set -- test_*.sh
reason=$(why_no_network)
if [ -n "$reason" ]; then
  echo "skip all: $reason"
  echo "0 passed, 0 failed, $# skipped"
  exit 0
fi
for test in "$@"; do
  test=$(basename "$test" .sh)
  if [ -f "test_${test#test_}.sh" ]; then
    run "test_${test#test_}.sh"
  else
    failed=$((failed + 1))
    echo "FAIL $test: no such test"
  fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
