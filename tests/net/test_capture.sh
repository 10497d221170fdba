#!/bin/sh
# What an observer on the wire sees, before and behind the NAT (the numbers of
# docs/rfc9000.md):
#   12  no connection ID is ever seen on two 4-tuples, in either direction; in
#       REBIND mode it is, which proves that this checker can fail
#    6  the first packet on a new 4-tuple fills 1200 bytes
#   19  DF is set, nothing is a fragment
#   20  IPv6 flow labels differ from hop to hop
# and ports are neither reflection-prone nor used again within 16 hops.
cd "$(dirname "$0")"
. ./lab.sh
need tshark dumpcap
lab_up

start before 30 "$nat_ns" dumpcap -q -i in -f udp -w "$tmp/before.pcap"
start behind 30 "$server_ns" dumpcap -q -i s0 -f udp -w "$tmp/behind.pcap"
for place in before behind; do
  wait_for 10 "dumpcap $place the NAT" test -s "$tmp/$place.pcap"
done

# Client, server port, address.
set -- 'migrate4 4431 10.2.0.2' 'migrate6 4432 fd02::2' 'rebind 4433 10.2.0.2'
for row in "$@"; do
  set -- $row
  start_server "server_$1" --address "$3" --port "$2"
done
for row in "migrate4 4431 $server4" "migrate6 4432 $server6" \
  "rebind 4433 $server4"; do
  set -- $row
  start_client "$1" 30 --hop-mode "${1%[46]}" --hop-interval 200ms \
    --rate 200 --duration 6s --stream-bytes 500000 "$3" "$2"
done
