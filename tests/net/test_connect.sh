#!/bin/sh
# Connecting where not everything is in place: packets over IPv6 vanish; at boot
# neither the server's name nor the route is there; the server moves, and its
# name follows.
cd "$(dirname "$0")" || exit
. ./lab.sh
. ./certs.sh
lab_up
udp_forward=$QUICMIG_BUILD/examples/udp_forward
tun_vpn=$QUICMIG_BUILD/examples/tun_vpn
[ -x "$udp_forward" ] || skip "$udp_forward is not built"
etc=/etc/netns/$client_ns
[ ! -e "$etc" ] || skip "$etc is there already"
mkdir -p "$etc"
trap 'rm -rf "$etc"; rmdir /etc/netns 2>/dev/null || :; cleanup' EXIT
host=server.test

# names [ADDRESS...]: what the name leads to from now on.
names() {
  echo '127.0.0.1 localhost' >"$tmp/hosts"
  for a in "$@"; do
    echo "$a $host" >>"$tmp/hosts"
  done
  cat "$tmp/hosts" >"$etc/hosts"
}
names
: >"$etc/resolv.conf"
in_client cat /etc/hosts | grep -q localhost || skip 'ip netns binds no files'

ip -n "$server_ns" addr add 10.2.0.3/24 dev s0
start server4 60 "$server_ns" "$echo_server" --address 0.0.0.0 \
  --address2 :: --port 4433
start forward_server 60 "$server_ns" "$udp_forward" server \
  --listen 0.0.0.0:4434 --to 127.0.0.1:9
wait_for 5 'the servers listen' grep -q listening "$tmp/server4.out"

# Boot: no name, then no route.
ip -n "$client_ns" route del default
start forward 60 "$client_ns" "$udp_forward" client --insecure \
  --listen 127.0.0.1:5000 "$host" 4434
if [ -c /dev/net/tun ] && [ -x "$tun_vpn" ] && make_certs "$tmp"; then
  # config MODE ADDRESS LINE...
  config() {
    cat <<-END
	Mode = $1
	Port = 4435
	Certificate = $tmp/$1.pem
	PrivateKey = $tmp/$1.key
	CA = $tmp/ca.pem
	Address = $2
	END
    shift 2
    printf '%s\n' "$@"
  }
  config server 10.9.0.1/24 'Client = client 10.9.0.2' >"$tmp/vpn_server.conf"
  config client 10.9.0.2/24 "Server = $host" 'ServerName = good.test' \
    >"$tmp/vpn.conf"
  start vpn_server 60 "$server_ns" "$tun_vpn" "$tmp/vpn_server.conf"
  start vpn 60 "$client_ns" "$tun_vpn" "$tmp/vpn.conf"
  wait_for 5 'no name: tun_vpn tries again' grep -q 'next try in' \
    "$tmp/vpn.err"
fi
wait_for 5 'no name: udp_forward tries again' grep -q 'next attempt in' \
  "$tmp/forward.err"
names $server4
sleep 1
client_routes
wait_for 10 'udp_forward connects' grep -q 'connected to 10.2.0.2' \
  "$tmp/forward.out"
[ ! -e "$tmp/vpn.out" ] ||
  wait_for 10 'tun_vpn connects' grep -q '^connected to 10.2.0.2' "$tmp/vpn.out"

# IPv6 is swallowed.
names $server6 $server4
block meta nfproto ipv6 drop
begin=$(date +%s%N)
in_client timeout 20 "$echo_client" --insecure --json --duration 200ms \
  "$host" 4433 >"$tmp/swallowed" || bad 'IPv6 is swallowed: not connected'
check 'IPv6 is swallowed: ms, until all is done' \
  "$((($(date +%s%N) - begin) / 1000000))" -le 5000
verdict
