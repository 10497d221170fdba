#!/bin/sh
# Runs the network tests, or those named (test_x.sh or x); one line each:
#
#   ok NAME (SECONDS s)     skip NAME: REASON     FAIL NAME: WHY, then its log
#
# and as the last line `N passed, N failed, N skipped`.  Tests that mostly wait
# run two at a time, all others alone.  A test that fails while the host takes more than a fifth of this machine's time (steal time) is run
# again after half a minute; the second result counts.
# QUICMIG_BUILD: the folder with the examples, [build/dev, else build/release].
# Needs root, ip, nft, tshark; without them tests are skipped, all of them for
# one reason where no network namespaces can be made.
# Exit status: 0 all well, 1 a test failed.
set -eu
cd "$(dirname "$0")"

. ../../examples/lab/namespaces.sh

# They send little and have bounds that a busy machine keeps; longest first.
beside='port_hop unreachable renumber vpn_config refusals emfile vpn_leak
  forward_shares full_disk fwmark nat_rebind port_range connect
  plain_chroot'

pid=''
dir=$(mktemp -d) # what came of each test, by name; of each lane, its log
log=$dir/log
trap 'rm -rf "$dir"' EXIT
trap 'stop_running; exit 1' HUP INT TERM

stop_running() {
  trap '' HUP INT TERM
  for p in $pid; do
    kill "$p" 2>/dev/null || true
  done
  wait
}

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
  0) echo "ok $name ($seconds s)" ;;
  77) echo "skip $name: $(tail -n 1 "$log")" ;;
  *) tell_failure FAIL ;;
  esac >"$dir/said.$name"
  echo "$status" >"$dir/status.$name"
  cat "$dir/said.$name" # in one piece
}

# lane N FILE...: those that no other lane has begun.
lane() {
  trap - EXIT
  trap 'stop_running; exit 1' HUP INT TERM
  pid='' log=$dir/log.$1
  shift
  for file in "$@"; do
    ! mkdir "$dir/begun.$file" 2>/dev/null || run "$file"
  done
}

# two_lanes FILE...
two_lanes() {
  lane 1 "$@" &
  pid=$!
  lane 2 "$@" &
  pid="$pid $!"
  wait
  pid=''
}

# is_beside NAME: may it run beside another one?
is_beside() {
  case " $(echo $beside) " in
  *" $1 "*) ;;
  *) return 1 ;;
  esac
}

# count STATUS...: how many tests ended so.
count() { cat "$dir"/status.* 2>/dev/null | grep -cxE "$1" || true; }

[ $# -gt 0 ] || set -- test_*.sh
reason=$(why_no_network)
if [ -n "$reason" ]; then
  echo "skip all: $reason"
  echo "0 passed, 0 failed, $# skipped"
  exit 0
fi
alone='' together=''
for test in "$@"; do
  test=$(basename "$test" .sh)
  test=${test#test_}
  if [ ! -f "test_$test.sh" ]; then
    echo "FAIL $test: no such test"
    echo 1 >"$dir/status.$test"
  elif ! is_beside "$test"; then
    alone="$alone $test"
  fi
done
for test in $beside; do
  case " $* " in
  *" $test "* | *" test_$test "* | *" test_$test.sh "* | *"/test_$test.sh "*)
    together="$together test_$test.sh"
    ;;
  esac
done
# shellcheck disable=SC2086
two_lanes $together
for test in $alone; do
  run "test_$test.sh"
done
passed=$(count 0) skipped=$(count 77)
failed=$(($(count '.*') - passed - skipped))
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
