# Read by lab.sh with `.`: a server behind a thousand ports, unprivileged.

range_lo=20000 range_hi=20999

# range_run KIND SECONDS SERVER-PORTS...: an IPv4 and an IPv6 client at once;
# --port N or --port-range LO-HI is what the server listens on.
range_run() {
  kind=$1 seconds=$2
  shift 2
  for f in 4 6; do
    eval "host=\$server$f"
    # As nobody, with few more descriptors than it needs.
    start "range_s$f" "$((seconds + 30))" "$server_ns" setpriv \
      --reuid nobody --regid nogroup --clear-groups --no-new-privs \
      sh -c 'ulimit -n 1100 && exec "$@"' sh \
      "$public_server" --address "$host" "$@"
    wait_for 10 "echo_server on $host" says "range_s$f" 'listening on'
    start "range_c$f" "$((seconds + 20))" "$client_ns" \
      "$build/examples/echo_client" --insecure --json \
      --port-range $range_lo-$range_hi --hop-interval "$(ms "$hop_interval")" \
      --hop-log "$tmp/range_$kind$f.hops" --rate 200 --duration "${seconds}s" \
      --stream-bytes 1000000 "$host" $range_lo
  done
  for f in 4 6; do
    join "range_c$f"
    want "$kind IPv$f: exit status" "$status" '==' 0
    stop "range_s$f"
    range_judge "$kind" "$f"
  done
}

# json FILE FIELD: of its last line.
json() { tail -n 1 "$1" | sed -n 's/.*"'"$2"'":"\{0,1\}\([^",}]*\).*/\1/p'; }

range_judge() {
  out=$tmp/range_c$2.out log=$tmp/range_$1$2.hops
  jumps=$(json "$out" hops) lost=$(json "$out" datagrams_lost)
  remote=$(sed -n 's/.*"to_remote_port":\([1-9][0-9]*\).*/\1/p' "$log" |
    sort -u | wc -l)
  local=$(sed -n 's/.*"to_port":\([1-9][0-9]*\).*/\1/p' "$log" |
    sort -u | wc -l)
  want "$1 IPv$2: hops" "$jumps" '>=' "$hops"
  want "$1 IPv$2: lost" "$lost" '==' 0
  # By chance some server ports come twice: of 200 in 1,000 about 19.
  want "$1 IPv$2: server ports" "$remote" '>=' "$(calc "$hops * 0.8" %d)"
  figures="$figures${figures:+; }$1 IPv$2: $jumps hops over $remote server and"
  figures="$figures $local client ports, $lost of"
  figures="$figures $(json "$out" datagrams_sent) lost"
}

scenario_port_range() {
  : "${hops:=200}" "${hop_interval:=0.2}"
  need setpriv
  need_program echo_client echo_server
  "$build/examples/echo_client" --help | grep -q -e --port-range ||
    skip 'this echo_client has no --port-range'
  figures=
  # Whoever may run it, the tree may be where only root may go.
  chmod 711 "$tmp"
  public_server=$(sh "$here/public.sh" "$build/examples/echo_server" "$tmp/public")
  seconds=$(calc "$hops * $hop_interval * 1.05 + 3" %d)
  range_run sockets "$seconds" --port-range $range_lo-$range_hi
  in_server nft -f - <<-END
	table inet range {
	  chain pre {
	    type nat hook prerouting priority -100;
	    udp dport $range_lo-$range_hi redirect to :$port
	  }
	}
	END
  range_run redirect "$seconds" --port $port
  in_server nft delete table inet range
  finish "$figures"
}
