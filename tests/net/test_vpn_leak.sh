#!/bin/sh
# What is routed into the tunnel of tun_vpn never goes in clear, while another
# program takes away its rules, its routes and its device, or kills it.  Packets
# to two addresses out in the world are sent all the time, 300 a second; the NAT
# counts those that it sees in clear.  What was taken away is put back, and the
# log tells.
cd "$(dirname "$0")" || exit
. ./lab.sh
. ./certs.sh
lab_up
tun_vpn=$QUICMIG_BUILD/examples/tun_vpn
[ -x "$tun_vpn" ] || skip "$tun_vpn is not built"
[ -c /dev/net/tun ] || skip 'no /dev/net/tun'
need ping
make_certs "$tmp" || skip 'no certtool and no openssl'
world4=198.51.100.7 world6=2001:db8:7::7 mark=29037

cat >"$tmp/server.conf" <<-END
	Mode = server
	Port = 4400
	Certificate = $tmp/server.pem
	PrivateKey = $tmp/server.key
	CA = $tmp/ca.pem
	Address = 10.9.0.1/24
	Address = fd09::1/64
	Client = client 10.9.0.2 fd09::2
END
cat >"$tmp/client.conf" <<-END
	Mode = client
	Server = $server4
	ServerName = good.test
	Port = 4400
	Certificate = $tmp/client.pem
	PrivateKey = $tmp/client.key
	CA = $tmp/ca.pem
	Address = 10.9.0.2/24
	Address = fd09::2/64
	Route = 0.0.0.0/0
	Route = ::/0
	QuicHopInterval = 0
END

start_vpn_client() {
  start vpn_client 60 "$client_ns" "$tun_vpn" "$tmp/client.conf"
  wait_for 5 'the client connects' grep -q '^connected to' \
    "$tmp/vpn_client.out"
}

# send_for SECONDS: to the world, IPv4 and IPv6.
send_for() {
  for world in $world4 $world6; do
    in_client timeout "$1" ping -q -i 0.003 "$world" >/dev/null 2>&1 &
  done
}

# in_clear: packets that the NAT has seen on their way into the world.
in_clear() {
  in_nat nft list chain inet watch seen |
    awk '/counter/ { for (i = 1; i < NF; i++) if ($i == "packets") n += $(i + 1)
      } END { print n + 0 }'
}

# state: rules and routes of the client.
state() {
  for family in -4 -6; do
    in_client ip "$family" rule | grep -v 'lookup default'
    in_client ip "$family" route show table $mark
  done
}

is_restored() { [ "$(state)" = "$complete" ]; }

# carries: the tunnel does.
carries() {
  in_client ping -c 1 -W 1 10.9.0.1 >/dev/null 2>&1 &&
    in_client ping -c 1 -W 1 fd09::1 >/dev/null 2>&1
}

# take_away NAME COMMAND...: of ip, for both families, then looks.
take_away() {
  what=$1
  shift
  send_for 0.6
  senders=$!
  sleep 0.1
  for family in -4 -6; do
    # The client may be faster: some are gone already.
    in_client ip -force "$family" -batch "$tmp/$what" >"$tmp/batch" 2>&1 ||
      echo "$what: $(head -n 1 "$tmp/batch")"
  done
  wait "$senders" || true
  check "$what: in clear" "$(in_clear)" -eq 0
  [ "${1:-}" = gone ] || wait_for 3 "$what: put back" is_restored
  [ "${1:-}" = gone ] || wait_for 3 "$what: the tunnel carries" carries
}

in_nat nft -f - <<-END
	table inet watch {
	  chain seen {
	    type filter hook prerouting priority -10;
	    iifname "in" ip daddr $world4 counter
	    iifname "in" ip6 daddr $world6 counter
	  }
	}
END
cat >"$tmp/lookup" <<-END
	rule del pref 28075
END
cat >"$tmp/both" <<-END
	rule del pref 28075
	rule del pref 28074
END
cat >"$tmp/guard" <<-END
	rule del pref 30075
END
cat >"$tmp/switch" <<-END
	rule del pref 1
	rule del pref 0 goto 1
END
cat >"$tmp/flush" <<-END
	rule flush
	rule add pref 32766 lookup main
END
cat >"$tmp/table" <<-END
	route flush table $mark
END

start vpn_server 60 "$server_ns" "$tun_vpn" "$tmp/server.conf"
wait_for 5 'the server listens' grep -q '^listening on' "$tmp/vpn_server.out"
start_vpn_client
wait_for 3 'the tunnel carries' carries
complete=$(state)
for what in lookup both guard switch flush table; do
  take_away "$what"
done
check 'told' "$(count 'put back' "$tmp/vpn_client.err")" -ge 3

# Down and up again: the device's routes go and come.
echo 'link set qmig0 down' >"$tmp/down"
take_away down gone
in_client ip link set qmig0 up
in_client ip -6 addr add fd09::2/64 dev qmig0 nodad 2>/dev/null || true
wait_for 3 'up: put back' is_restored
wait_for 3 'up: the tunnel carries' carries

# Killed: unreachable until the next one, which takes over.
send_for 3
sleep 0.2
kill -KILL "$(pid_of vpn_client)"
join vpn_client
echo 'route flush cache' >"$tmp/killed"
take_away killed gone
start_vpn_client
wait_for 3 'taken over: put back' is_restored
wait_for 3 'taken over: the tunnel carries' carries

# Its device is taken away: it ends, and leaves it unreachable.
in_client ip link del qmig0
join vpn_client
check 'exit status without a device' "$status" -eq 1
take_away killed gone
in_client "$tun_vpn" --clean "$tmp/client.conf" 2>"$tmp/clean.err" ||
  bad "--clean: $(cat "$tmp/clean.err")"
check 'rules left' "$(in_client ip rule | wc -l)" -eq 2

# Now everything is in clear, and the NAT sees it.
send_for 0.5
sleep 0.7
check 'in clear after --clean' "$(in_clear)" -gt 0
verdict
