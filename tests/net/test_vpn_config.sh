#!/bin/sh
# The example VPN: every mistake in its configuration or its surroundings ends
# it with one readable line; with everything right it carries packets while it
# hops, obeys its signals, and leaves nothing behind.
cd "$(dirname "$0")" || exit
. ./lab.sh
. ./certs.sh
lab_up
tun_vpn=$QUICMIG_BUILD/examples/tun_vpn
[ -x "$tun_vpn" ] || skip "$tun_vpn is not built"
[ -c /dev/net/tun ] || skip 'no /dev/net/tun'
need ping
mkdir "$tmp/certs"
make_certs "$tmp/certs" || skip 'no certtool and no openssl'

# config SIDE: the lines that are right.
config() {
  cat <<-END
	Mode = $1
	Port = 4400-4403
	Certificate = $tmp/certs/$1.pem
	PrivateKey = $tmp/certs/$1.key
	CA = $tmp/certs/ca.pem
	END
  case $1 in
  client)
    cat <<-END
	Server = $server4
	ServerName = good.test
	Address = 10.9.0.2/24
	Address = fd09::2/64
	Route = 0.0.0.0/0
	Route = ::/0
	QuicHopInterval = 1
	QuicHopJitter = 0
	QuicNatBudget = 500
	END
    ;;
  server)
    cat <<-END
	Address = 10.9.0.1/24
	Address = fd09::1/64
	Client = client 10.9.0.2 fd09::2
	END
    ;;
  esac
}

# refuse STATUS WORDS COMMAND...: exits so, and WORDS are in its only line.
refuse() {
  expected=$1 words=$2 status=0
  shift 2
  in_client timeout -k 1 5 "$@" >"$tmp/refused" 2>&1 </dev/null || status=$?
  rows=$((rows + 1))
  echo "$words: $(cat "$tmp/refused")"
  [ "$status" = "$expected" ] || bad "$words: exit status $status"
  [ "$(wc -l <"$tmp/refused")" = 1 ] && grep -q "$words" "$tmp/refused" ||
    bad "not one line with '$words': $(tail -n 1 "$tmp/refused")"
}

# Each line after a configuration that is right.
files() {
  while read -r side line; do
    {
      config "$side"
      echo "$line"
    } >"$tmp/bad.conf"
    key=${line%%[ =]*}
    refuse 2 "bad.conf:[0-9]*: .*$key" "$tun_vpn" --check "$tmp/bad.conf"
  done <<-END
	client Colour = red
	client Mode = client
	client QuicHopInterval = 5
	client QuicHopBytes = 5X
	client QuicHopBytes = 1
	client QuicDrainTime = 3601
	client QuicHopMode = teleport
	client QuicAdaptive = maybe
	client QuicDegradePtos = 17
	client Port = 4400
	client Address = 10.9.0.300
	client Route = 10.9.0.1/8
	client MTU = 100
	client Route = 0.0.0.0/0
	client Address = 10.9.0.2/16
	client FwMark = 254
	client KeepAlive = 60
	client Device = a/b
	client Uplinks = a234567890123456
	client Client = a 10.0.0.1
	server Route = 10.0.0.0/8
	server Listen = here
	server Client = client 10.9.0.3
	server Client = other 10.9.0.2
	END
  grep -v '^CA' "$tmp/client.conf" >"$tmp/bad.conf"
  refuse 2 'bad.conf: CA is missing' "$tun_vpn" --check "$tmp/bad.conf"
  refuse 2 'nowhere: No such file' "$tun_vpn" "$tmp/nowhere"
  refuse 2 'unknown option --no-such' "$tun_vpn" --no-such
}

# What is around it.
surroundings() {
  for file in Certificate PrivateKey CA; do
    sed "s|^$file = .*|$file = /nowhere.pem|" "$tmp/client.conf" \
      >"$tmp/bad.conf"
    grep -v '^QuicHop' "$tmp/bad.conf" >"$tmp/bad2.conf"
    refuse 1 /nowhere.pem "$tun_vpn" "$tmp/bad2.conf"
  done
  ! command -v setpriv >/dev/null ||
    refuse 1 'CAP_NET_ADMIN is needed' setpriv --bounding-set=-net_admin \
      --inh-caps=-net_admin "$tun_vpn" "$tmp/client.conf"
}

# pings NAME COMMAND...: with what they need to be answered.
pings() {
  name=$1
  shift
  "$@" >"$tmp/$name.out" 2>"$tmp/$name.err" || bad "$name: no answer"
}

carries() {
  start vpn_server 60 "$server_ns" "$tun_vpn" "$tmp/server.conf"
  wait_for 5 'the server listens' grep -q \
    '^listening on 0.0.0.0 port 4400-4403' "$tmp/vpn_server.out"
  start vpn_client 60 "$client_ns" "$tun_vpn" "$tmp/client.conf"
  wait_for 5 'the client connects' grep -q '^connected to' \
    "$tmp/vpn_client.out"
  pings ping4 in_client ping -c 10 -i 0.3 -W 2 10.9.0.1
  pings ping6 in_client ping -c 3 -i 0.2 -W 2 fd09::1
  pings large in_client ping -c 1 -s 3000 -W 2 10.9.0.1
  pings down in_server ping -c 1 -s 3000 -W 2 fd09::2
  ! in_client ping -c 1 -W 1 -I 10.9.0.9 10.9.0.1 >/dev/null 2>&1 ||
    bad 'an address that is not the client'\''s was answered'
  check 'hops' "$(count '^hop [0-9]*: port' "$tmp/vpn_client.err")" -ge 2
  kill -USR1 "$(pid_of vpn_client)"
  wait_for 5 'statistics' grep -q '"hops":' "$tmp/vpn_client.out"
  sed -i 's/^QuicHopInterval.*/QuicHopInterval = 300/' "$tmp/client.conf"
  kill -HUP "$(pid_of vpn_client)"
  wait_for 5 'a new interval' grep -q 'QuicHopInterval changed' \
    "$tmp/vpn_client.err"
  sed -i '/^QuicNatBudget/d' "$tmp/client.conf"
  kill -HUP "$(pid_of vpn_client)"
  wait_for 5 'a budget that is gone' grep -q \
    "^$tmp/client.conf: QuicNatBudget was removed" "$tmp/vpn_client.err"
}

# rules_left WHEN OPERATOR N: of the client, IPv4 and IPv6.
rules_left() {
  check "$1: IPv4 rules" "$(in_client ip -4 rule | wc -l)" -eq "$2"
  check "$1: IPv6 rules" "$(in_client ip -6 rule | wc -l)" -eq "$3"
}

# A second client with the same table is refused, and the first one's stays.
has_its_table() {
  rules_left 'one client' 11 10
  {
    cat "$tmp/client.conf"
    echo 'Device = qmig9'
  } >"$tmp/second.conf"
  refuse 1 'FwMark of its own' "$tun_vpn" "$tmp/second.conf"
  echo 'FwMark = 39037' >>"$tmp/second.conf" # the same numbers of rules
  refuse 1 'choose another one' "$tun_vpn" "$tmp/second.conf"
  rules_left 'after the second' 11 10
  pings first in_client ping -c 1 -W 2 10.9.0.1
}

# What a client that was killed leaves is taken over, also if its server has a
# name that cannot be asked for meanwhile; one whose device goes ends, and what
# was routed stays unreachable.
loses_its_device() {
  kill -KILL "$(pid_of vpn_client)"
  join vpn_client
  rules_left 'killed' 11 10
  start vpn_client 60 "$client_ns" "$tun_vpn" "$tmp/client.conf"
  wait_for 5 'a client after one that was killed' grep -q '^connected to' \
    "$tmp/vpn_client.out"
  rules_left 'taken over' 11 10
  in_client ip link del qmig0
  join vpn_client
  check 'exit status without a device' "$status" -eq 1
  check 'the device is gone' "$(count '^qmig0 is gone: ' \
    "$tmp/vpn_client.err")" -eq 1
  rules_left 'without a device' 11 10
  ! in_client ping -c 1 -W 1 198.51.100.7 >"$tmp/out" 2>&1 || bad 'it went out'
  check 'unreachable' "$(in_client ping -c 1 -W 1 198.51.100.7 2>&1 |
    grep -c 'unreachable')" -ge 1
}

# A name is asked for again when what a killed client has left is gone.
asks_for_a_name() {
  sed 's/^Server = .*/Server = nobody.invalid/' "$tmp/client.conf" \
    >"$tmp/named.conf"
  start named 20 "$client_ns" "$tun_vpn" "$tmp/named.conf"
  wait_for 15 'the way is cleared' grep -q 'rules of a client that was killed' \
    "$tmp/named.err"
  rules_left 'cleared' 3 2
  stop named
}

# The server goes and comes: the client finds it again.
comes_back() {
  stop vpn_server
  wait_for 5 'the client notices' grep -q 'connection lost' \
    "$tmp/vpn_client.err"
  start vpn_server 60 "$server_ns" "$tun_vpn" "$tmp/server.conf"
  wait_for 20 'the client is back' eval \
    '[ "$(count "^connected to" "$tmp/vpn_client.out")" -ge 2 ]'
  pings again in_client ping -c 1 -W 2 10.9.0.1
}

rows=0
config client >"$tmp/client.conf"
config server >"$tmp/server.conf"
files
surroundings
check 'rows' "$rows" -ge 31
carries
has_its_table
comes_back
stop vpn_client
rules_left 'stopped' 3 2
start vpn_client 60 "$client_ns" "$tun_vpn" "$tmp/client.conf"
wait_for 5 'the client connects again' grep -q '^connected to' \
  "$tmp/vpn_client.out"
loses_its_device
asks_for_a_name
stop vpn_server
refuse 0 '^0 rules were left' "$tun_vpn" --clean "$tmp/client.conf"
check 'devices left' "$(in_client ip -o link | grep -c qmig)" -eq 0
verdict
