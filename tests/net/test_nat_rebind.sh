#!/bin/sh
# The NAT forgets its mappings in the middle of a connection that does not hop:
# to the server the client moves to another port with the same connection ID
# (RFC 9000 section 9.3), and the connection goes on.
cd "$(dirname "$0")" || exit
. ./lab.sh
lab_up

# moved N: did the servers see both clients move so often?
moved() {
  [ "$(count . "$tmp/server4.moves")" -ge "$1" ] &&
    [ "$(count . "$tmp/server6.moves")" -ge "$1" ]
}

start_pair --hop-interval 0 --rate 200 --duration 6s --stream-bytes 2000000
for n in 1 2; do
  sleep 1 # of undisturbed traffic
  forget_mappings
  wait_for 5 "move $n" moved "$n"
done
for family in 4 6; do
  end_client "client$family"
  check_value "client$family" datagrams_sent -ge 1190
  # What was on its way down when the mapping went does not find the client.
  check_value "client$family" datagrams_lost -le 50
  check_value "client$family" stream_ok = true
  check_value "client$family" hops -eq 0
  check_value "client$family" sockets_peak -eq 1
  check "client$family: moves with the same ID" \
    "$(count '"kind":"port","id":"same"' "$tmp/server$family.moves")" -eq 2
  check "client$family: moves" "$(count . "$tmp/server$family.moves")" -eq 2
done
verdict
