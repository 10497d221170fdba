#!/bin/sh
# New ports are blackholed, upwards, downwards or both ways, and open up later.
# MIGRATE: the attempt fails, nothing is lost because the data never left the
# old path, and the next attempt after the backoff succeeds (RFC 9000 section
# 9.1).  REBIND: data was sent into the dead port, but the client goes back to
# the old one by itself, and hops once it can.
cd "$(dirname "$0")" || exit
. ./lab.sh
lab_up

# Name of the client, its local ports, what the NAT drops of them.
rows='migrate_up 20000-20999 sport
migrate_down 21000-21999 dport
migrate_both 22000-22999 sport,dport
rebind_up 23000-23999 sport
rebind_down 24000-24999 dport
rebind_both 25000-25999 sport,dport'

# hole NAME RANGE WHAT: drops all ports of the range but the one in use.
hole() {
  used=$(client_ports 4433 | awk -v lo="${2%-*}" -v hi="${2#*-}" \
    '$1 >= lo && $1 <= hi')
  check "$1: sockets before the first hop" "$(echo "$used" | wc -w)" -eq 1
  for end in $(echo "$3" | tr , ' '); do
    block udp "$end" "$2" udp "$end" != "$used" drop
  done
}

all_connected() { [ "$(client_ports 4433 | wc -l)" -eq 6 ]; }

# every_client RESULT N: has everyone so many hop records with this result?
every_client() {
  for c in $(echo "$rows" | cut -d ' ' -f 1); do
    has_records "$c" "$1" "$2" || return 1
  done
}

# proven NAME: how many hops succeeded that had to prove the path first.  On a
# busy machine an alarm may be false: it moves at once, into the hole, and back.
proven() {
  awk '/"result":"ok"/ && !/"reason":"degraded"/ { n++ } END { print n + 0 }' \
    "$tmp/$1.hops"
}

every_client_hops() {
  for c in $(echo "$rows" | cut -d ' ' -f 1); do
    [ "$(proven "$c")" -ge 1 ] || return 1
  done
}

alarms() { count '"reason":"degraded"' "$tmp/$1.hops"; }

start_server server --address "$server4" --port 4433
while read -r name ports _; do
  start_client "$name" 40 --hop-mode "${name%_*}" --local-ports "$ports" \
    --hop-interval 3s --hop-jitter 0 --rate 100 --duration 13s \
    --stream-bytes 2000000 "$server4" 4433
done <<END
$rows
END
wait_for 3 'all clients connect' all_connected
while read -r name ports what; do
  hole "$name" "$ports" "$what"
done <<END
$rows
END
wait_for 10 'every client fails to hop' every_client validation-failed 1
for c in $(echo "$rows" | cut -d ' ' -f 1); do
  check "$c: hops into the hole" "$(proven "$c")" -eq 0
done
unblock
wait_for 8 'every client hops' every_client_hops
for c in $(echo "$rows" | cut -d ' ' -f 1); do
  end_client "$c"
  check_value "$c" datagrams_sent -ge 1290
  check_value "$c" stream_ok = true
  check_value "$c" hops -ge 1
  check_value "$c" hops_failed -ge 1
  check "$c: retried" "$(count '"reason":"retry".*"ok"' "$tmp/$c.hops")" -ge 1
  case $c in
  migrate*)
    check_value "$c" datagrams_lost -le "$((100 * $(alarms "$c")))" ;;
  # It waits 3 PTO, at most 3 s, before it goes back: on an idle machine 0.1 s
  # and some 20 datagrams, but PTO grows with the delays of a busy one.
  rebind*)
    check_value "$c" datagrams_lost -le 600
    check_value "$c" gap_ms_max -le 5000
    ;;
  esac
done
verdict
