#!/bin/sh
# Builds echo_server and echo_client and lets them talk over loopback for 15 s,
# while the client hops to another UDP port every 2 s or so.  See --help.
set -eu
cd "$(dirname "$0")/.."
export CMAKE_GENERATOR="${CMAKE_GENERATOR:-Ninja}"

case ${1-} in
'') ;;
--help)
  cat <<'END'
usage: demo.sh
Sends 500 datagrams a second and a stream to a server on this machine, hopping
every 2 s or so for 15 s.  Prints each hop, and at last PASS if nothing was
lost, else FAIL and why.  It first installs what is missing to build, which
needs root, and builds in build/demo; that is silent, and may take minutes.
Exit status: 0 PASS, 1 FAIL, 2 wrong usage.
END
  exit
  ;;
*)
  echo "demo.sh: unexpected argument $1 (try --help)" >&2
  exit 2
  ;;
esac

server=
tmp=$(mktemp -d)

# A client that still runs ends by itself when the server says goodbye.
clean_up() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || :
  wait
  rm -rf "$tmp"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

fail() {
  echo "FAIL: $*"
  exit 1
}

# Not in build/release: a cache without the tests would stay without them.
build() {
  sh examples/install-deps.sh &&
    cmake --preset release -B build/demo -DQUICMIG_TESTS=OFF &&
    cmake --build build/demo --target echo_server echo_client
}

start_server() {
  build/demo/examples/echo_server >"$tmp/server" 2>&1 &
  server=$!
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    port=$(sed -n 's/^listening on .* //p' "$tmp/server")
    [ -z "$port" ] || return 0
    sleep 0.2
  done
  fail "echo_server: $(tail -n 1 "$tmp/server")"
}

# client OPTION...: its result goes to $tmp/result, and its exit status, when it
# has ended, to $tmp/status.
client() {
  status=0
  build/demo/examples/echo_client --insecure --json "$@" 127.0.0.1 "$port" \
    >"$tmp/result" 2>"$tmp/errors" || status=$?
  echo "$status" >"$tmp/status"
}

expect_success() {
  [ "$(cat "$tmp/status")" = 0 ] || fail "$(cat "$tmp/errors")"
}

# field NAME: of the result.
field() {
  sed -n "s/.*\"$1\":\([a-z0-9.]*\).*/\1/p" "$tmp/result"
}

# Prints the hops that the log has got since the last call; fd 3 remembers where
# that was.
show_hops() {
  while read -r record; do
    echo "$record" | sed '
      s/.*"seq":\([0-9]*\).*"result":"\([a-z-]*\)".*"from_port":\([0-9]*\),'\
'"to_port":\([0-9]*\).*"validate_ms":\([0-9.]*\),"gap_ms":\([0-9.]*\).*/'\
'hop \1  port \3 > \4  validated in \5 ms  longest silence \6 ms  \2/
      s/  ok$//'
  done <&3
}

build >"$tmp/log" 2>&1 || {
  cat "$tmp/log" >&2
  fail 'the build failed'
}
start_server

# How much does a stream carry here in 2 s?  Four times as much keeps it busy
# for about 8 s, and is done in time also if the machine slows down meanwhile.
client --hop-interval 0 --duration 0 --rate 0 --stream-bytes 1000000000000
expect_success
bytes=$(($(field stream_bytes) * 4))

: >"$tmp/hops"
exec 3<"$tmp/hops"
rm "$tmp/status"
client --hop-interval 2s --duration 15s --rate 500 --stream-bytes "$bytes" \
  --hop-log "$tmp/hops" &
until [ -s "$tmp/status" ]; do
  show_hops
  sleep 0.2
done
show_hops
expect_success

hops=$(field hops) failed=$(field hops_failed)
sent=$(field datagrams_sent) lost=$(field datagrams_lost)
stream=intact
[ "$(field stream_ok)" = true ] || stream=damaged
[ "$(field stream_bytes)" = "$bytes" ] || stream=unfinished
result="$hops hops, $lost of $sent datagrams lost, stream $stream"
[ "$failed" = 0 ] || result="$result, $failed hops failed"

if [ "$hops" -lt 5 ] || [ "$failed" != 0 ] || [ "$sent" -lt 7000 ] ||
  [ "$lost" != 0 ] || [ "$stream" != intact ] || [ "$bytes" = 0 ]; then
  fail "$result"
fi
echo "PASS: $result"
