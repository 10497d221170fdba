#!/bin/sh
# The only route to the server is for packets with mark 7, as a VPN client keeps
# its own packets out of its tunnel: with --fwmark 7 every socket, also that of
# each hop, has the mark; without it there is no way to the server.  --interface
# binds every socket to the interface it names.
cd "$(dirname "$0")" || exit
. ./lab.sh
lab_up

# A second interface, which leads nowhere.
link "$client_ns" c1 "$nat_ns" in2
address "$client_ns" c1 10.3.0.2/24 fd03::2/64
start_server server4 --address "$server4" --port 4433
start_server server6 --address "$server6" --port 4433

# try ROW OPTION...: with both families, at once.
try() {
  row=$1
  shift
  start_client "${row}4" 20 --rate 100 --duration 2s --hop-interval 200ms "$@" \
    "$server4" 4433
  start_client "${row}6" 20 --rate 100 --duration 2s --hop-interval 200ms "$@" \
    "$server6" 4433
}

# works ROW
works() {
  for c in "${1}4" "${1}6"; do
    end_client "$c"
    check_value "$c" datagrams_sent -ge 190
    check_value "$c" datagrams_lost -eq 0
    check_value "$c" hops -ge 8
    check_value "$c" hops_failed -eq 0
  done
}

# fails ROW
fails() {
  for c in "${1}4" "${1}6"; do
    join "$c"
    check "$c: exit status" "$status" -eq 1
    check "$c: message" "$(cat "$tmp/$c.err")" != ''
    cat "$tmp/$c.err"
  done
}

try wrong_interface --interface c1
try right_interface --interface c0
works right_interface

for family in -4 -6; do
  gateway=10.1.0.1
  [ "$family" = -4 ] || gateway=fd01::1
  ip "$family" -n "$client_ns" route del default
  ip "$family" -n "$client_ns" route add default via "$gateway" table 7
  ip "$family" -n "$client_ns" rule add fwmark 7 table 7
done
try no_mark
fails no_mark
try other_mark --fwmark 8
fails other_mark
try mark --fwmark 7
works mark
fails wrong_interface
verdict
