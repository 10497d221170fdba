#!/bin/sh
# The client's network goes away for 2 s in the middle of a connection: the
# connection lives, and hops again.
#   address  the client loses its addresses
#   link     its interface is down
#   reject   the NAT answers everything with ICMP port unreachable, as anybody
#            could forge it: a hint, never the end
cd "$(dirname "$0")" || exit
. ./lab.sh
lab_up

leave_address() { drop_addresses; }
come_address() {
  address "$client_ns" c0 $client4/24 $client6/64
  client_routes
}

leave_link() { ip -n "$client_ns" link set c0 down; }
come_link() {
  ip -n "$client_ns" link set c0 up
  # IPv4 addresses outlive it, IPv6 ones do not.
  address "$client_ns" c0 $client6/64
  client_routes
}

leave_reject() { block iifname in reject with icmpx type port-unreachable; }
come_reject() { unblock; }

start_pair --hop-interval 500ms --rate 100 --duration 45s \
  --stream-bytes 20000000
wait_for 10 'both clients hop' pair_has_hopped 1 1
for row in address link reject; do
  "leave_$row"
  sleep 2
  "come_$row"
  begin=$(date +%s%N)
  wait_for 20 "$row: hops again" pair_has_hopped \
    $(($(records client4 ok) + 1)) $(($(records client6 ok) + 1))
  echo "$row: hops again after $((($(date +%s%N) - begin) / 1000000)) ms"
done
for c in client4 client6; do
  end_client "$c"
  check_value "$c" stream_ok = true
  # The window is full by then, and the kernel goes on sending from a lost IPv6
  # address without a word: it takes ngtcp2's next probe, ever later ones, to
  # notice that the way is free again.
  check_value "$c" gap_ms_max -le 20000
  # Of 4500; nothing gets through for at least 6 s.
  check_value "$c" datagrams_echoed -ge 900
done
# As the reason, or met by a hop that was due anyway.  Not of IPv6: without its
# address, which takes no route with it, a socket sends from the link-local one.
check "client4: hops with an error from the kernel" \
  "$(count '"reason":"path-error"\|"errno":[1-9]' "$tmp/client4.hops")" -ge 1
verdict
