#!/bin/sh
# Real VPNs as they are, through udp_forward that hops once a second: WireGuard
# (wireguard-go) with its default MTU of 1420, and OpenVPN.  ping goes through
# each tunnel for 20 hops, small and as large as the tunnel takes; nothing is
# lost.  Neither program knows of it: its peer's address is a local port.
cd "$(dirname "$0")" || exit
. ./lab.sh
need ping
lab_up
[ -c /dev/net/tun ] || skip 'no /dev/net/tun'
# wireguard-go leaves its control socket behind when it is killed.
trap 'cleanup; rm -f "/var/run/wireguard/qmwg$$"?.sock' EXIT
udp_forward=$QUICMIG_BUILD/examples/udp_forward
[ -x "$udp_forward" ] || give_up "$udp_forward is not built"
seconds=22

# forward NAME PORT QUIC_PORT: from 127.0.0.1:PORT of the client to the same of
# the server.
forward() {
  start "$1_server" 90 "$server_ns" "$udp_forward" server --json \
    --listen "$server4:$3" --to "127.0.0.1:$2"
  wait_for 5 "$1_server listens" grep -q '^listening on' "$tmp/$1_server.out"
  start "$1_client" 90 "$client_ns" "$udp_forward" client --json --insecure \
    --listen "127.0.0.1:$2" --hop-interval 1s --drain 3s "$server4" "$3"
  wait_for 5 "$1_client connects" grep -q '^connected to' "$tmp/$1_client.out"
}

# --- WireGuard ---------------------------------------------------------------

# peer NS INTERFACE KEY OTHERS_KEY ADDRESS OTHERS_ADDRESS PORT OPTION...
peer() {
  ns=$1 interface=$2 key=$3 other=$4 own=$5 peer=$6 port=$7
  shift 7
  # Its control socket, of the interface's name, is where all namespaces see it.
  start "$interface" 95 "$ns" env WG_PROCESS_FOREGROUND=1 LOG_LEVEL=error \
    wireguard-go -f "$interface"
  wait_for 5 "$interface is up" wg show "$interface" >/dev/null 2>&1
  wg pubkey <"$tmp/$other" >"$tmp/$other.pub"
  wg set "$interface" private-key "$tmp/$key" listen-port "$port" \
    peer "$(cat "$tmp/$other.pub")" allowed-ips "$peer/32" "$@"
  ip -n "$ns" addr add "$own" peer "$peer" dev "$interface"
  ip -n "$ns" link set "$interface" up mtu 1420
}

wireguard() {
  forward wg 51820 4433
  for key in wgkey_c wgkey_s; do
    wg genkey >"$tmp/$key" 2>/dev/null
  done
  peer "$server_ns" "qmwg$$s" wgkey_s wgkey_c 10.8.0.1 10.8.0.2 51820
  peer "$client_ns" "qmwg$$c" wgkey_c wgkey_s 10.8.0.2 10.8.0.1 0 \
    endpoint 127.0.0.1:51820
}

# --- OpenVPN -----------------------------------------------------------------

# openvpn_peer NAME NS ADDRESS OTHERS_ADDRESS OPTION...
openvpn_peer() {
  name=$1 ns=$2 own=$3 peer=$4
  shift 4
  start "$name" 95 "$ns" openvpn --dev "ovpn$$" --dev-type tun --proto udp4 \
    --ifconfig "$own" "$peer" --disable-dco --cert "$tmp/$name.pem" \
    --key "$tmp/$name.key" --ca "$tmp/ca.pem" --verb 3 "$@"
}

openvpn_up() {
  forward ovpn 1194 4434
  openvpn_peer server "$server_ns" 10.7.0.1 10.7.0.2 --local 127.0.0.1 \
    --port 1194 --tls-server --dh none
  openvpn_peer client "$client_ns" 10.7.0.2 10.7.0.1 --nobind \
    --remote 127.0.0.1 1194 --tls-client
}

# --- both --------------------------------------------------------------------

# answers ADDRESS
answers() {
  in_client ping -c 1 -W 1 -q "$1" >/dev/null 2>&1
}

# pings NAME ADDRESS SIZE: 20 a second.
pings() {
  start "ping_$1_$3" 60 "$client_ns" ping -i 0.05 -w "$seconds" -q -s "$3" "$2"
}

# lost NAME SIZE: the last one may still be on its way when ping ends.
lost() {
  join "ping_$1_$2"
  line=$(grep transmitted "$tmp/ping_$1_$2.out")
  sent=$(echo "$line" | sed 's/ .*//')
  back=$(echo "$line" | sed 's/.* \([0-9]*\) received.*/\1/')
  check "$1, $2 bytes: sent" "$sent" -ge $((seconds * 15))
  check "$1, $2 bytes: lost" "$((sent - back))" -le 0
}

# hopped NAME
hopped() {
  for end in client server; do
    kill -USR1 "$(pid_of "$1_$end")"
    wait_for 5 "$1_$end tells" grep -q '^{' "$tmp/$1_$end.out"
  done
  check_value "$1_client" hops -ge 18
  check_value "$1_client" hops_failed -eq 0
  check_value "$1_client" fragmented -ge "$2"
  check_value "$1_server" migrations -ge 18
}

vpns=''
if command -v wireguard-go >/dev/null && command -v wg >/dev/null; then
  wireguard
  vpns='wg'
fi
. ./certs.sh
if command -v openvpn >/dev/null && make_certs "$tmp"; then
  openvpn_up
  vpns="$vpns ovpn"
fi
[ -n "$vpns" ] || skip 'neither wireguard-go and wg nor openvpn'
echo "through: $vpns"
for vpn in $vpns; do
  to=10.8.0.1 large=1392 # 1420 bytes with IP and ICMP
  [ "$vpn" = wg ] || { to=10.7.0.1 large=1400; }
  wait_for 20 "$vpn answers" answers "$to"
  pings "$vpn" "$to" 56
  pings "$vpn" "$to" "$large"
done
for vpn in $vpns; do
  large=1392
  [ "$vpn" = wg ] || large=1400
  lost "$vpn" 56
  lost "$vpn" "$large"
  hopped "$vpn" 300
done
verdict
