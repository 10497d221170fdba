# Read by every test of this folder with `.`: a small network, processes in it,
# and checks on what they printed.
#
#    client ns               NAT ns                    server ns
#   +-----------+  veth  +--------------------+  veth  +-----------+
#   |        c0 |--------| in             out |--------| s0        |
#   | 10.1.0.2  |        | 10.1.0.1  10.2.0.1 |        | 10.2.0.2  |
#   | fd01::2   |        | fd01::1    fd02::1 |        | fd02::2   |
#   +-----------+        +--------------------+        +-----------+
#
# The NAT masquerades IPv4 and IPv6, every mapping on a random port; the server
# has no route past it.  Names carry the test's process number, so that runs do
# not meet; nothing is made outside the three namespaces and $tmp, and the EXIT
# trap removes all of it.
#
# Exit status of a test: 0 passed, 1 failed, 77 skipped (last line: the reason).
set -eu
export LC_ALL=C UBSAN_OPTIONS=print_stacktrace=1

root=$(cd ../.. && pwd) # tests go to this folder first
. "$root/examples/lab/namespaces.sh"
if [ -z "${QUICMIG_BUILD:-}" ]; then
  QUICMIG_BUILD=build/release
  [ ! -x "$root/build/dev/examples/echo_client" ] || QUICMIG_BUILD=build/dev
fi
case $QUICMIG_BUILD in
/*) ;;
*) QUICMIG_BUILD=$root/$QUICMIG_BUILD ;;
esac
echo_client=$QUICMIG_BUILD/examples/echo_client
echo_server=$QUICMIG_BUILD/examples/echo_server

client_ns=qm$$c nat_ns=qm$$n server_ns=qm$$s
client4=10.1.0.2 nat4=10.2.0.1 server4=10.2.0.2
client6=fd01::2 server6=fd02::2
tmp=$(mktemp -d)
: >"$tmp/bad"

# --- the end of a test -------------------------------------------------------

cleanup() {
  trap - EXIT HUP INT TERM
  for ns in "$client_ns" "$nat_ns" "$server_ns"; do
    [ -e "/run/netns/$ns" ] || continue
    for pid in $(ip netns pids "$ns"); do
      # Only what this test started can be there.
      kill -KILL "$pid" 2>/dev/null || true
    done
    ip netns del "$ns" || true
  done
  rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

skip() {
  echo "$*"
  exit 77
}

# bad TEXT: notes a failure; the test goes on.
bad() {
  echo "bad: $*"
  echo "$*" >>"$tmp/bad"
}

# give_up TEXT: a failure after which nothing else makes sense.
give_up() {
  bad "$*"
  verdict
}

# The last line of every test: stops what still runs and decides.
verdict() {
  for pid_file in "$tmp"/*.pid; do
    [ ! -e "$pid_file" ] || stop "$(basename "$pid_file" .pid)"
  done
  if grep -l 'Sanitizer\|runtime error\|Assertion' "$tmp"/*.err \
    >"$tmp/reports" 2>/dev/null; then
    for file in $(cat "$tmp/reports"); do
      bad "$(basename "$file" .err): a sanitizer or an assertion complained"
    done
  fi
  [ -s "$tmp/bad" ] || exit 0
  # NoPorts: came to a closed socket.  RcvbufErrors: came faster than read.
  for ns in "$client_ns" "$server_ns"; do
    [ ! -e "/run/netns/$ns" ] || ip netns exec "$ns" awk -v ns="$ns" '/^Udp6?(NoPorts|RcvbufErrors)|^Udp:/ {
      print ns, $0 }' /proc/net/snmp /proc/net/snmp6 || true
  done
  for file in "$tmp"/*.err "$tmp"/*.out "$tmp"/*.hops "$tmp"/*.moves; do
    [ -s "$file" ] || continue
    echo "--- $(basename "$file")"
    grep '"result":"[^o]' "$file" | head -n 5 | cut -c 1-300
    tail -n 12 "$file" | cut -c 1-300
  done
  exit 1
}

# check WHAT VALUE OPERATOR EXPECTED: OPERATOR is one of test(1).
check() {
  echo "$1: $2"
  [ -n "$2" ] && test "$2" "$3" "$4" || bad "$1 is '$2', expected $3 $4"
}

# --- the network -------------------------------------------------------------

# need COMMAND...: skips the test where one is missing.
need() {
  for command in "$@"; do
    command -v "$command" >/dev/null || skip "no $command"
  done
}

in_client() { ip netns exec "$client_ns" "$@"; }
in_nat() { ip netns exec "$nat_ns" "$@"; }
in_server() { ip netns exec "$server_ns" "$@"; }

# link NS NAME NS NAME: a cable between two namespaces.
link() {
  ip link add "$2" netns "$1" type veth peer name "$4" netns "$3"
  ip -n "$1" link set "$2" up
  ip -n "$3" link set "$4" up
}

# address NS INTERFACE ADDRESS...
address() {
  ns=$1 interface=$2
  shift 2
  for a in "$@"; do
    case $a in
    # Without duplicate address detection, which would take a second.
    *:*) ip -n "$ns" addr add "$a" dev "$interface" nodad ;;
    *) ip -n "$ns" addr add "$a" dev "$interface" ;;
    esac
  done
}

drop_addresses() {
  ip -n "$client_ns" addr del $client4/24 dev c0
  ip -n "$client_ns" addr del $client6/64 dev c0
}

client_routes() {
  ip -n "$client_ns" route replace default via 10.1.0.1
  ip -n "$client_ns" route replace default via fd01::1
}

lab_up() {
  reason=$(why_no_network)
  [ -z "$reason" ] || skip "$reason"
  need nft timeout awk
  for program in "$echo_client" "$echo_server"; do
    [ -x "$program" ] || give_up "$program is not built"
  done
  for ns in "$client_ns" "$nat_ns" "$server_ns"; do
    ip netns add "$ns"
    ip -n "$ns" link set lo up
  done
  link "$client_ns" c0 "$nat_ns" in
  link "$nat_ns" out "$server_ns" s0
  address "$client_ns" c0 $client4/24 $client6/64
  address "$nat_ns" in 10.1.0.1/24 fd01::1/64
  address "$nat_ns" out $nat4/24 fd02::1/64
  address "$server_ns" s0 $server4/24 $server6/64
  in_nat sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
  in_nat nft -f - 2>"$tmp/nft" <<-END || skip "nft: $(head -n 1 "$tmp/nft")"
	table inet nat {
	  chain post {
	    type nat hook postrouting priority 100;
	    oifname "out" masquerade random,fully-random
	  }
	}
	table inet block {
	  chain forward {
	    type filter hook forward priority 0;
	  }
	}
	END
  client_routes
}

# block WHAT...: the NAT does so to packets it forwards.  On the way up they
# still have the client's own port as source, on the way down they have it again
# as destination: "udp sport" and "udp dport" mean that port.
block() {
  in_nat nft add rule inet block forward "$@"
}

unblock() {
  in_nat nft flush chain inet block forward
}

# The NAT forgets its mappings: masquerading drops those of an address that
# leaves the interface.
forget_mappings() {
  ip -n "$nat_ns" addr del $nat4/24 dev out
  ip -n "$nat_ns" addr del fd02::1/64 dev out
  address "$nat_ns" out $nat4/24 fd02::1/64
}

# --- processes ---------------------------------------------------------------

# start NAME SECONDS NS COMMAND...: in the background, ended after so long.
# Prints to $tmp/NAME.out and $tmp/NAME.err.
start() {
  name=$1 bound=$2 ns=$3
  shift 3
  : >"$tmp/$name.out"
  ip netns exec "$ns" timeout -k 2 "$bound" "$@" \
    >"$tmp/$name.out" 2>"$tmp/$name.err" </dev/null &
  echo $! >"$tmp/$name.pid"
}

# join NAME: waits until it ends; its exit status is then in $status.
join() {
  status=0
  wait "$(cat "$tmp/$1.pid")" || status=$?
  rm "$tmp/$1.pid"
}

# stop NAME: ends it; it must then exit with 0.  The signal goes to the program
# itself: timeout(1) would add a SIGCONT, and a program that is just looking for
# its leaks hangs on that (LeakSanitizer waits for a SIGSTOP that it cancels).
stop() {
  kill -TERM "$(pid_of "$1")" 2>/dev/null || true
  join "$1"
  [ "$status" = 0 ] || bad "$1: exit status $status"
}

# pid_of NAME: of the program itself, below timeout(1); empty once it has ended.
pid_of() {
  awk '{ print $1 }' \
    "/proc/$(cat "$tmp/$1.pid")/task/$(cat "$tmp/$1.pid")/children" \
    2>/dev/null || true
}

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for() {
  tries=$(($1 * 20)) awaited=$2
  shift 2
  until "$@"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || give_up "waited in vain: $awaited"
    sleep 0.05
  done
}

# start_server NAME [OPTION...]: its migrations go to $tmp/NAME.moves.
start_server() {
  server=$1
  shift
  start "$server" 80 "$server_ns" "$echo_server" \
    --migration-log "$tmp/$server.moves" "$@"
  wait_for 10 "$server listens" grep -q '^listening on' "$tmp/$server.out"
}

# start_client NAME SECONDS [OPTION...] HOST PORT: its hops go to
# $tmp/NAME.hops.
start_client() {
  client=$1 bound=$2
  shift 2
  start "$client" "$bound" "$client_ns" "$echo_client" --insecure --json \
    --hop-log "$tmp/$client.hops" "$@"
}

# end_client NAME: waits for it; it must exit with 0.
end_client() {
  join "$1"
  [ "$status" = 0 ] ||
    bad "$1: exit status $status: $(tail -n 1 "$tmp/$1.err")"
}

# start_pair OPTION...: client4 and client6, each with a server of its own.
start_pair() {
  for family in 4 6; do
    eval "host=\$server$family"
    start_server "server$family" --address "$host" --port "443$family"
    start_client "client$family" 60 "$@" "$host" "443$family"
  done
  wait_for 5 'client4 connects' is_connected 4434
  wait_for 5 'client6 connects' is_connected 4436
}

# --- what they printed -------------------------------------------------------

# json FIELD: of each line of standard input; empty where it is missing.
json() {
  sed -n 's/.*"'"$1"'":"\{0,1\}\([^",}]*\).*/\1/p'
}

# value NAME FIELD: of the client's result; fractions are cut off, for test(1).
value() {
  tail -n 1 "$tmp/$1.out" | json "$2" | sed 's/\..*//'
}

# check_value NAME FIELD OPERATOR EXPECTED
check_value() {
  check "$1: $2" "$(value "$1" "$2")" "$3" "$4"
}

# count PATTERN FILE: how many lines match.
count() {
  grep -c "$1" "$2" || true
}

# records NAME RESULT: how many hop records with this result ("ok": success).
records() {
  count "\"result\":\"$2\"" "$tmp/$1.hops"
}

# has_records NAME RESULT N: at least so many?
has_records() {
  [ -e "$tmp/$1.hops" ] && [ "$(records "$1" "$2")" -ge "$3" ]
}

# pair_has_hopped N4 N6: both clients of start_pair, at least so often?
pair_has_hopped() {
  has_records client4 ok "$1" && has_records client6 ok "$2"
}

# client_ports PORT: the client's open UDP ports towards that port.
client_ports() {
  in_client ss -Hun state all dport = ":$1" |
    sed 's/.*:\([0-9]*\) .*:'"$1"' *$/\1/'
}

is_connected() {
  [ -n "$(client_ports "$1")" ]
}
