# Read by lab.sh with `.`: other VPNs between the same two ends, one at a time.
#
#   NAME_up, NAME_down   for tun_vpn, wireguard, openvpn and tinc; after NAME_up
#                        $target is the server inside the tunnel.

# --- WireGuard ---------------------------------------------------------------

# The control socket of an interface is found by its name alone, on the whole
# machine, hence the process number.
wgc=wc$$ wgs=ws$$

wg_keys() (
  umask 077
  for end in c s; do
    wg genkey >"$tmp/wg$end.key"
    wg pubkey <"$tmp/wg$end.key" >"$tmp/wg$end.pub"
  done
)

wg_listens() { [ -S "/var/run/wireguard/$1.sock" ]; }

# wg_end NAME NS INTERFACE END ADDRESS PEER-END PEER-ADDRESS SETTING...
wg_end() {
  start "$1" "$seconds" "$2" wireguard-go -f "$3"
  wait_for 5 "wireguard-go $3" wg_listens "$3"
  ns=$2 interface=$3 key=$tmp/wg$4.key own=$5 peer=$(cat "$tmp/wg$6.pub") far=$7
  shift 7
  ip netns exec "$ns" wg set "$interface" private-key "$key" "$@" peer "$peer" \
    allowed-ips "$far/32" ${endpoint:+endpoint "$endpoint"}
  ip -n "$ns" addr add "$own/24" dev "$interface"
  ip -n "$ns" link set "$interface" up mtu "$wg_mtu"
}

# wireguard_to SECONDS ENDPOINT MTU: with the server end on port 51820.
wireguard_to() {
  seconds=$1 wg_mtu=$3
  wg_keys
  endpoint=
  wg_end wgs "$server_ns" "$wgs" s 10.78.0.1 c 10.78.0.2 listen-port 51820
  endpoint=$2
  wg_end wgc "$client_ns" "$wgc" c 10.78.0.2 s 10.78.0.1
  target=10.78.0.1
  wait_for 10 'an answer through WireGuard' ping_ok "$target"
}

wireguard_up() {
  case $server in
  *:*) wireguard_to "$1" "[$server]:51820" 1420 ;;
  *) wireguard_to "$1" "$server:51820" 1420 ;;
  esac
}

wireguard_down() { stop wgc wgs; }

# --- WireGuard through udp_forward -------------------------------------------

# forward_up SECONDS HOP-INTERVAL
forward_up() {
  need_program udp_forward
  certificates
  host=$server
  [ "$family" = 4 ] || host="[$server]"
  start fwds "$1" "$server_ns" "$build/examples/udp_forward" server \
    --listen "$host:$port" --cert "$tmp/certs/server.pem" \
    --key "$tmp/certs/server.key" --to 127.0.0.1:51820
  wait_for 10 'udp_forward listens' says fwds 'listening on'
  start fwdc "$1" "$client_ns" "$build/examples/udp_forward" client \
    --ca "$tmp/certs/ca.pem" --server-name good.test \
    --hop-interval "$(ms "$2")" --hop-log "$tmp/hops" \
    --listen 127.0.0.1:51821 "$server" "$port"
  wait_for 10 'udp_forward connects' says fwdc 'connected to'
  wireguard_to "$1" 127.0.0.1:51821 1280
}

forward_down() {
  stop wgc wgs fwdc fwds
  rm -f "$tmp/hops"
}

# --- OpenVPN -----------------------------------------------------------------

# openvpn_end NAME SECONDS NS CERTIFICATE OWN FAR OPTION...
openvpn_end() {
  name=$1 seconds=$2 ns=$3 certificate=$tmp/certs/$4 own=$5 far=$6
  shift 6
  start "$name" "$seconds" "$ns" openvpn --dev-type tun --dev "$name" \
    --proto "udp$family" --ca "$tmp/certs/ca.pem" --cert "$certificate.pem" \
    --key "$certificate.key" --data-ciphers AES-128-GCM --cipher AES-128-GCM \
    --auth SHA256 --ifconfig "$own" "$far" --sndbuf 1048576 --rcvbuf 1048576 \
    --verb 3 "$@"
}

openvpn_up() {
  certificates
  openvpn_end ovs "$1" "$server_ns" server 10.79.0.1 10.79.0.2 \
    --tls-server --dh none --port 1194
  openvpn_end ovc "$1" "$client_ns" client 10.79.0.2 10.79.0.1 \
    --tls-client --remote "$server" --port 1194 --nobind
  target=10.79.0.1
  wait_for 15 'OpenVPN connects' says ovc 'Initialization Sequence Completed'
  wait_for 10 'an answer through OpenVPN' ping_ok "$target"
}

openvpn_down() { stop ovc ovs; }

# --- tinc --------------------------------------------------------------------

# tinc_config END PEER ADDRESS LINE...
tinc_config() {
  folder=$tmp/tinc$1
  mkdir -p "$folder/hosts"
  printf '%s\n' "Name = $1" "Interface = tinc$1" 'ProcessPriority = normal' \
    >"$folder/tinc.conf"
  printf '#!/bin/sh\nip addr add %s/24 dev tinc%s\nip link set tinc%s up\n' \
    "$3" "$1" "$1" >"$folder/tinc-up"
  chmod +x "$folder/tinc-up"
  printf '%s\n' "Subnet = $3/32" >"$folder/hosts/$1"
  tincd -c "$folder" -K 2048 >"$tmp/log" 2>&1 </dev/null
}

tinc_files() {
  [ ! -d "$tmp/tincc" ] || return 0
  tinc_config s c 10.80.0.1
  tinc_config c s 10.80.0.2
  echo 'ConnectTo = s' >>"$tmp/tincc/tinc.conf"
  { echo "Address = $server"; cat "$tmp/tincs/hosts/s"; } \
    >"$tmp/tincc/hosts/s"
  cp "$tmp/tincc/hosts/c" "$tmp/tincs/hosts/c"
}

tinc_up() {
  tinc_files
  for end in s c; do
    eval "ns=\$$([ $end = s ] && echo server_ns || echo client_ns)"
    start "tinc$end" "$1" "$ns" tincd -c "$tmp/tinc$end" -D \
      --pidfile="$tmp/tinc$end.tincpid"
  done
  target=10.80.0.1
  wait_for 15 'an answer through tinc' ping_ok "$target"
  sleep 2 # until it knows the path's MTU and uses UDP
}

tinc_down() { stop tincc tincs; }

# --- the scenario ------------------------------------------------------------

tun_vpn_up() {
  vpn_up "$1" "$(hopping "$hop_interval")"
  target=$inner
}

tun_vpn_down() { vpn_down; }

result() { median <"$tmp/speed_$1"; }

version() { sed 's/,.*//; q' "$tmp/version"; }

# The machine's CPUs are what limits all of them, unless --rate does; old
# releases of the others do without segmentation offload.
print_versions() {
  for command in wireguard-go openvpn tincd; do
    "$command" --version >"$tmp/version" 2>&1 || true
    say "$(version | cut -c 1-60)"
  done
}

table() {
  for vpn in tun_vpn wireguard openvpn tinc; do
    say "$(printf '%-10s median %8.1f  from %8.1f to %8.1f Mbit/s' "$vpn" \
      "$(result $vpn)" "$(rank 0 <"$tmp/speed_$vpn")" \
      "$(rank 1 <"$tmp/speed_$vpn")")"
  done
}

scenario_compare() {
  : "${hop_interval:=5}" "${duration:=8}" "${rounds:=5}"
  need wireguard-go wg openvpn tincd
  [ -z "$rate" ] || shape "$rate"
  print_versions
  for round in $(seq "$rounds"); do
    for vpn in tun_vpn wireguard openvpn tinc; do
      ${vpn}_up "$((duration + 60))"
      iperf "$duration" "$target" $direction
      ${vpn}_down
      is "$mbit > 0" || give_up "nothing arrives through $vpn"
      echo "$mbit" >>"$tmp/speed_$vpn"
      say "round $round, $vpn: $mbit Mbit/s"
    done
  done
  table
  ours=$(result tun_vpn) theirs=$(result wireguard)
  want 'tun_vpn against OpenVPN, Mbit/s' "$ours" '>' "$(result openvpn)"
  want 'tun_vpn against tinc, Mbit/s' "$ours" '>' "$(result tinc)"
  finish "Mbit/s, medians of $rounds: tun_vpn (hops every $hop_interval s)" \
    "$ours, OpenVPN $(result openvpn), tinc $(result tinc), wireguard-go" \
    "$theirs; tun_vpn is $(calc "$ours / ($theirs > 0 ? $theirs : 1)") of it"
}
