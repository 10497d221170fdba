# Read by lab.sh with `.`: the network.
#
#   client ns           NAT ns              ISP ns               server ns
#  +---------+      +-------------+      +-----------+         +-----------+
#  |      c0 |------| n0       n1 |------| i0     i2 |---------| s0        |
#  |10.1.0.2 |      |.1   10.2.0.2|      |.1       .1|         | 10.3.0.2  |
#  |         |      +-------------+      |           |         |           |
#  |      c1 |---------------------------| i1        |         |           |
#  |10.4.0.2 |       second uplink       |.1         |         |           |
#  +---------+                           +-----------+         +-----------+
#
# The same with IPv6: fd01::2, fd02::2, fd03::2, fd04::2; .1 is ::1.  The NAT
# masquerades both on random ports.  i2 - s0 is a veth pair, or with --delay the
# program of tests/net/cable.c between two TUN devices.
#
# `up` makes it under the name qmlab; a scenario takes that if it is there and
# no other scenario uses it, else it makes its own, named after its process.

state=/run/qmlab
server4=10.3.0.2 server6=fd03::2
public4=10.2.0.2 public6=fd02::2

# name_network NAME
name_network() {
  lab=$1
  client_ns=$1-client nat_ns=$1-nat isp_ns=$1-isp server_ns=$1-server
  namespaces="$client_ns $nat_ns $isp_ns $server_ns"
}

# cable NS NAME NS NAME: a veth pair between two namespaces.
cable() {
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

# gateway NS INTERFACE METRIC NETWORK: the default route through its .1.
gateway() {
  ip -n "$1" route replace default via "10.$4.0.1" dev "$2" metric "$3"
  ip -n "$1" route replace default via "fd0$4::1" dev "$2" metric "$3"
}

client_routes() {
  gateway "$client_ns" c0 100 1
  gateway "$client_ns" c1 200 4
}

make_namespaces() {
  for ns in $namespaces; do
    ip netns add "$ns"
    made_namespaces="$made_namespaces $ns"
    ip netns exec "$ns" sysctl -qw net.ipv6.conf.all.accept_dad=0 \
      net.ipv6.conf.default.accept_dad=0
    ip -n "$ns" link set lo up
  done
}

# The long way of --delay: from when this returns until the cable's end.
long_cable() {
  own_program cable
  : >"$tmp/cable.out"
  hold_signals
  "$program" "/run/netns/$isp_ns" i2 "/run/netns/$server_ns" s0 "$delay" \
    >"$tmp/cable.out" 2>"$tmp/cable.err" </dev/null &
  cable_pid=$!
  let_signals
  wait_for 5 'the delaying cable' grep -q ready "$tmp/cable.out"
  ip -n "$isp_ns" link set i2 up
  ip -n "$server_ns" link set s0 up
}

make_nat() {
  in_nat nft -f - 2>"$tmp/nft" <<-END || skip "nft: $(head -n 1 "$tmp/nft")"
	table inet nat {
	  chain post {
	    type nat hook postrouting priority 100;
	    oifname "n1" masquerade random,fully-random
	  }
	}
	END
}

make_network() {
  cable "$client_ns" c0 "$nat_ns" n0
  cable "$nat_ns" n1 "$isp_ns" i0
  cable "$client_ns" c1 "$isp_ns" i1
  if [ "$delay" != 0 ]; then
    long_cable
  else
    cable "$isp_ns" i2 "$server_ns" s0
  fi
  address "$client_ns" c0 10.1.0.2/24 fd01::2/64
  address "$nat_ns" n0 10.1.0.1/24 fd01::1/64
  address "$nat_ns" n1 $public4/24 $public6/64
  address "$isp_ns" i0 10.2.0.1/24 fd02::1/64
  address "$client_ns" c1 10.4.0.2/24 fd04::2/64
  address "$isp_ns" i1 10.4.0.1/24 fd04::1/64
  address "$isp_ns" i2 10.3.0.1/24 fd03::1/64
  address "$server_ns" s0 $server4/24 $server6/64
  for ns in "$nat_ns" "$isp_ns"; do
    ip netns exec "$ns" sysctl -qw net.ipv4.ip_forward=1 \
      net.ipv6.conf.all.forwarding=1
  done
  client_routes
  gateway "$nat_ns" n1 100 2
  gateway "$server_ns" s0 100 3
  make_nat
  isp_begin
}

# The `up` network, unless another scenario is in it; --delay makes a new one.
borrow_network() {
  [ "$delay" = 0 ] && [ -e /run/netns/qmlab-server ] || return 1
  mkdir "$state/busy" 2>/dev/null || return 1
  borrowed=1
  name_network qmlab
  isp_begin
}

need_network() {
  reason=$(why_no_network)
  [ -z "$reason" ] || skip "$reason"
}

open_lab() {
  need_network
  need nft timeout awk
  if ! borrow_network; then
    name_network "qm$$"
    make_namespaces
    make_network
  fi
}

remove_network() {
  for ns in $made_namespaces; do
    [ ! -e "/run/netns/$ns" ] || ip netns del "$ns" || true
  done
}

# What a scenario leaves of a borrowed network is as `up` made it.
return_network() {
  isp_end
  ip -n qmlab-client link set c0 up
  ip -n qmlab-client link set c1 up
  client_routes
  whole_packets
  in_server nft delete table inet range 2>/dev/null || true
  rmdir "$state/busy"
}

# The EXIT trap.
close_lab() {
  trap '' HUP INT TERM
  [ "$decided" = 1 ] || echo "FAIL $scenario: broken off"
  stop_all
  [ -z "$cable_pid" ] || kill "$cable_pid" 2>/dev/null || true
  [ "$borrowed" = 0 ] || return_network || true
  remove_network
  rm -rf "$tmp"
}

lab_up() {
  need_network
  need nft
  [ ! -e /run/netns/qmlab-server ] || give_up 'it is up already'
  name_network qmlab
  mkdir -p "$state"
  trap '' HUP # the cable stays when the terminal goes
  signals='INT TERM'
  make_namespaces
  make_network
  echo "$cable_pid" >"$state/cable"
  made_namespaces='' cable_pid=''
  cat <<END
up: qmlab-client - qmlab-nat - qmlab-isp - qmlab-server
enter one:       ip netns exec qmlab-client sh
the server:      $server4, $server6
shape, block:    in qmlab-isp; i0 towards the NAT, i1 second uplink, i2 server
PASS up: four namespaces
END
  decided=1
}

lab_down() {
  [ "$(id -u)" = 0 ] || skip 'needs root'
  removed=0
  pid=$(cat "$state/cable" 2>/dev/null || true)
  [ "$(cat "/proc/${pid:-none}/comm" 2>/dev/null)" != cable ] || kill "$pid"
  for ns in qmlab-client qmlab-nat qmlab-isp qmlab-server; do
    [ -e "/run/netns/$ns" ] || continue
    ip netns del "$ns"
    removed=$((removed + 1))
  done
  rm -rf "$state"
  decided=1
  echo "PASS down: $removed namespaces removed"
}
