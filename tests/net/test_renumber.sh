#!/bin/sh
# The client loses its addresses and gets others 2 s later, as when it changes
# from one network to another: it hops to the new address, and the connection
# goes on.
#
# This may take a while: the congestion window is full of packets that never
# left, and ngtcp2 sends a PATH_CHALLENGE only when the window has room or a PTO
# has come, which is 4 to 13 s away by then.
cd "$(dirname "$0")" || exit
. ./lab.sh
lab_up

start_pair --hop-interval 500ms --rate 100 --duration 22s --stream-bytes 2000000
wait_for 10 'both clients hop' pair_has_hopped 3 3
drop_addresses
sleep 2
address "$client_ns" c0 10.1.0.3/24 fd01::3/64
client_routes
begin=$(date +%s%N)
wait_for 18 'hops from the new addresses' pair_has_hopped \
  $(($(records client4 ok) + 3)) $(($(records client6 ok) + 3))
echo "three hops after $((($(date +%s%N) - begin) / 1000000)) ms"
for c in client4 client6; do
  end_client "$c"
  check_value "$c" stream_ok = true
  check_value "$c" gap_ms_max -le 16000
  check_value "$c" datagrams_echoed -ge 700 # of 2200
done
verdict
