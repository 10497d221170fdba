# Read by lab.sh with `.`: tun_vpn and udp_forward between client and server.
#
# Inside the tunnel the server is 10.77.0.1 and fd77::1, the client .2 and ::2.

port=4433 inner4=10.77.0.1 inner6=fd77::1

certificates() {
  [ ! -e "$tmp/certs/ca.pem" ] || return 0
  mkdir -p "$tmp/certs"
  . "$root/tests/net/certs.sh"
  make_certs "$tmp/certs" || skip 'no certtool or openssl'
}

# ms SECONDS: as the programs want it on their command line.
ms() { echo "$(calc "$1 * 1000" %d)ms"; }

write_server_config() {
  cat >"$tmp/vpns.conf" <<-END
	Mode = server
	Listen = $server
	Port = ${server_ports:-$port}
	Device = qms
	Address = $inner4/24
	Address = $inner6/64
	Client = client 10.77.0.2 fd77::2
	Certificate = $tmp/certs/server.pem
	PrivateKey = $tmp/certs/server.key
	CA = $tmp/certs/ca.pem
	END
}

# write_client_config LINE...
write_client_config() {
  cat >"$tmp/vpnc.conf" <<-END
	Mode = client
	Server = $server
	Port = ${server_ports:-$port}
	ServerName = good.test
	Device = qmc
	Address = 10.77.0.2/24
	Address = fd77::2/64
	Certificate = $tmp/certs/client.pem
	PrivateKey = $tmp/certs/client.key
	CA = $tmp/certs/ca.pem
	END
  printf '%s\n' "$@" >>"$tmp/vpnc.conf"
  [ "$adaptive" = 0 ] || echo 'QuicAdaptive = yes' >>"$tmp/vpnc.conf"
}

# vpn_up SECONDS LINE...: the lines are of the client's configuration.
vpn_up() {
  seconds=$1
  shift
  need_program tun_vpn
  certificates
  write_server_config
  write_client_config "$@"
  start vpns "$seconds" "$server_ns" "$build/examples/tun_vpn" "$tmp/vpns.conf"
  wait_for 10 'the VPN server listens' says vpns 'listening on'
  start vpnc "$seconds" "$client_ns" "$build/examples/tun_vpn" "$tmp/vpnc.conf"
  wait_for 10 'the VPN client connects' says vpnc 'connected to'
}

vpn_down() { stop vpnc vpns; }

# hopping SECONDS: the lines for vpn_up; 0: none.
hopping() {
  if is "$1 == 0"; then
    echo 'QuicMigrationEnabled = no'
  else
    echo "QuicHopInterval = $1"
  fi
}

# says NAME TEXT: has it printed that?
says() { cat "$tmp/$1.out" "$tmp/$1.err" 2>/dev/null | grep -q -e "$2"; }

# hop_total: hops so far, of tun_vpn or, while that has a log, of udp_forward.
hop_total() {
  if [ -e "$tmp/hops" ]; then
    count '"result":"ok"' "$tmp/hops"
  else
    count '^hop [0-9]*: port' "$tmp/vpnc.err"
  fi
}

# ports_in_log: the client's ports in order, from its hop lines.
ports_in_log() {
  sed -n 's/^hop [0-9]*: port \([0-9]*\) -> \([0-9]*\) .*/\1 \2/p' \
    "$tmp/vpnc.err" | awk 'NR == 1 { print $1 } { print $2 }'
}

# statistic NAME: of the client, now; it prints them as JSON when asked to.
statistic() {
  asked=$(wc -l <"$tmp/vpnc.out")
  kill -USR1 "$(pid_of vpnc)"
  until_true 2 has_answered || true
  tail -n 1 "$tmp/vpnc.out" | sed -n 's/.*"'"$1"'":"\{0,1\}\([^",}]*\).*/\1/p'
}

has_answered() { [ "$(wc -l <"$tmp/vpnc.out")" -gt "$asked" ]; }

# connections: how often the client has connected.
connections() { cat "$tmp/vpnc.out" "$tmp/vpnc.err" | grep -c 'connected to'; }
