#!/bin/sh
# Hops over source and destination ports at once: both are drawn anew each time.
#   own       an ordinary user's server with a socket for each of 1,000 ports,
#             IPv4 and IPv6
#   redirect  a server with one port behind a firewall that redirects 1,000
# Nothing is lost, and the server sees plain moves from port to port.
cd "$(dirname "$0")" || exit
. ./lab.sh
lab_up
need setpriv

lo=6000 hi=6999
# nobody may write there, and that is all it may.
chmod 711 "$tmp"
as_nobody='setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all'
echo_server=$(sh ../../examples/lab/public.sh "$echo_server" "$tmp/public")
$as_nobody test -x "$echo_server" || skip "nobody cannot run $echo_server"

# serve NAME OPTION...: as nobody; its migrations go to $tmp/NAME.moves.
serve() {
  server=$1
  shift
  : >"$tmp/$server.moves"
  chmod 666 "$tmp/$server.moves"
  start "$server" 80 "$server_ns" $as_nobody "$echo_server" \
    --migration-log "$tmp/$server.moves" \
    "$@"
  wait_for 10 "$server listens" grep -q '^listening on' "$tmp/$server.out"
}

# ports NAME FIELD: how many different ones there are in the client's records.
ports() {
  json "$2" <"$tmp/$1.hops" | sort -u | wc -l
}

# outside NAME: hops to a port of the server that is not in the range.
outside() {
  json to_remote_port <"$tmp/$1.hops" |
    awk -v lo=$lo -v hi=$hi '$1 < lo || $1 > hi' | wc -l
}

# More sockets than the system allows, or a port that is taken: said, and none
# is left open.
refuse() {
  words=$1
  shift
  status=0
  in_server timeout -k 1 5 "$@" >"$tmp/refused" 2>&1 </dev/null || status=$?
  check "refused: $(cat "$tmp/refused")" "$status" -eq 1
  grep -q "$words" "$tmp/refused" || bad "not said: $words"
}

serve own --address "$server4" --address2 "$server6" --port-range $lo-$hi
check 'own: uid' "$(awk '/^Uid:/ { print $2 $3 $4 }' \
  "/proc/$(pid_of own)/status")" = 655346553465534
check 'own: capabilities' "$(awk '/^CapEff:/ { print $2 }' \
  "/proc/$(pid_of own)/status")" = 0000000000000000
check 'own: sockets' "$(in_server ss -Hun state all sport ge :$lo \
  sport le :$hi | wc -l)" -eq 2000
refuse "port $hi: .*in use" "$echo_server" --address "$server4" \
  --port-range $hi-7999
refuse 'Too many open files' sh -c "ulimit -n 300; exec '$echo_server' \
  --address $server4 --port-range 8000-8999"

# In the server's namespace, as on a server's own firewall; on other addresses,
# so that both servers can be asked for the same ports.
address "$server_ns" s0 10.2.0.3/24 fd02::3/64
in_server nft -f - <<END || skip 'no nft redirect'
table inet range {
  chain pre {
    type nat hook prerouting priority -100;
    ip daddr 10.2.0.3 udp dport $lo-$hi redirect to :5999
    ip6 daddr fd02::3 udp dport $lo-$hi redirect to :5999
  }
}
END
# Redirected packets are for whichever address the kernel likes.
serve redirect --address 0.0.0.0 --address2 :: --port 5999

while read -r name host; do
  start_client "$name" 70 --port-range $lo-$hi --hop-interval 180ms \
    --hop-jitter 20 --rate 200 --duration 45s --stream-bytes 2000000 \
    "$host" $lo
done <<END
own4 $server4
own6 $server6
redirect4 10.2.0.3
redirect6 fd02::3
END
for name in own4 own6 redirect4 redirect6; do
  end_client "$name"
  check_value "$name" datagrams_sent -ge 8850
  check_value "$name" datagrams_lost -eq 0
  check_value "$name" stream_ok = true
  check_value "$name" hops -ge 200
  check_value "$name" hops_failed -eq 0
  check_value "$name" sockets_peak -le 4
  check "$name: its own ports" "$(ports "$name" to_port)" -ge 190
  check "$name: the server's ports" "$(ports "$name" to_remote_port)" -ge 160
  check "$name: ports outside" "$(outside "$name")" -eq 0
done
for server in own redirect; do
  check "$server: other moves" "$(grep -vc '"kind":"port","id":"fresh"' \
    "$tmp/$server.moves")" -eq 0
  moves=$(count . "$tmp/$server.moves")
  hops=$(($(value ${server}4 hops) + $(value ${server}6 hops)))
  # A hop after which the machine paused until the next one shows no packet.
  check "$server: moves off by" $((moves - hops)) -ge $((-hops / 20))
  check "$server: moves off by" $((moves - hops)) -le 2
done
verdict
