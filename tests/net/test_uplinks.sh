#!/bin/sh
# Two uplinks and two address families: whichever goes, traffic goes on within a
# second, or a little more where nothing but the silence tells.
#
#   client ns                  NAT ns (here: a router)          server ns
#   c0 10.1.0.2, fd01::2  ---  in   10.1.0.1, fd01::1  out ---  10.2.0.2
#   d0 10.3.0.2           ---  in2  10.3.0.1                    fd02::2
#
#   list     --interfaces c0,d0, and c0's link goes down and comes back
#   metric   the routing table prefers c0, and it is deleted
#   address  the client loses its IPv4 addresses: IPv6, and back
#   silent   the router drops IPv4 without a word: IPv6
#   flap     c0 goes down and comes back for 15 s
cd "$(dirname "$0")" || exit
. ./lab.sh
lab_up

second_uplink() {
  link "$client_ns" d0 "$nat_ns" in2
  address "$client_ns" d0 10.3.0.2/24
  address "$nat_ns" in2 10.3.0.1/24
}

uplink_routes() {
  ip -n "$client_ns" route replace default via 10.1.0.1 dev c0 metric 10
  ip -n "$client_ns" -6 route replace default via fd01::1 dev c0
}

# What the kernel forgets with a link that goes down.
c0_up() {
  ip -n "$client_ns" link set c0 up
  ip -n "$client_ns" addr replace $client6/64 dev c0 nodad
  uplink_routes
}

# begin SECONDS OPTION...: starts the client and waits for traffic.
begin() {
  row_s=$1
  shift
  start_client "$row" 30 --watch-network --events --rate 200 \
    --duration "${row_s}s" "$@" "$server4" 4433
  wait_for 5 "$row: connected" is_connected 4433
  sleep 1
}

# uses LOCAL: is that the connection's newest socket's address?  The newest hop
# tells its port.
uses() {
  port=$(json to_port <"$tmp/$row.hops" | tail -n 1)
  in_client ss -Hun state all sport = ":$port" | grep -q "$1"
}

# moves SECONDS LOCAL: in so many at most.
moves() {
  began=$(date +%s%N)
  wait_for "$1" "$row: moves to $2" uses "$2"
  echo "$row: at $2 after $((($(date +%s%N) - began) / 1000000)) ms"
}

# finish GAP: the longest silence of the whole, ms.
finish() {
  end_client "$row"
  check_value "$row" gap_ms_max -le "$1"
  check_value "$row" sockets_peak -le 4
  check_value "$row" sockets_open -le 4
  value "$row" datagrams_lost | sed "s/^/$row: lost /"
}

row_list() {
  begin 6 --interfaces c0,d0
  ip -n "$client_ns" link set c0 down
  moves 2 10.3.0.2
  sleep 1
  c0_up
  sleep 1
  uses 10.3.0.2 || bad "$row: back before c0 has proven itself"
  moves 3 10.1.0.2
  finish 1000
}

row_metric() {
  begin 3
  ip -n "$client_ns" link del c0
  moves 2 10.3.0.2
  finish 1000
  link "$client_ns" c0 "$nat_ns" in
  address "$client_ns" c0 $client4/24 $client6/64
  address "$nat_ns" in 10.1.0.1/24 fd01::1/64
  uplink_routes
}

row_address() {
  ip -n "$client_ns" link set d0 down
  begin 6 --address2 "$server6"
  ip -n "$client_ns" addr del $client4/24 dev c0
  moves 2 $client6
  sleep 1
  address "$client_ns" c0 $client4/24
  uplink_routes
  moves 4 $client4
  finish 1000
}

row_silent() {
  begin 4 --address2 "$server6"
  block meta nfproto ipv4 drop
  moves 3 $client6
  # IPv4 again first, from another port; a second without an answer rules it out.
  finish 1500
  unblock
  ip -n "$client_ns" link set d0 up
  ip -n "$client_ns" route replace default via 10.3.0.1 dev d0 metric 20
}

row_flap() {
  begin 19 --interfaces c0,d0
  for i in 1 2 3 4 5 6 7; do
    ip -n "$client_ns" link set c0 down
    sleep 1
    c0_up
    sleep 1
  done
  moves 4 10.1.0.2
  finish 1000
  # Once away, once back: what flaps is not trusted.
  check_value "$row" hops -le 3
}

second_uplink
ip -n "$client_ns" route del default
uplink_routes
ip -n "$client_ns" route replace default via 10.3.0.1 dev d0 metric 20
start_server server --address "$server4" --address2 "$server6" --port 4433
for row in list metric address silent flap; do
  "row_$row"
done
verdict
