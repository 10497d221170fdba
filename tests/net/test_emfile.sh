#!/bin/sh
# The client runs out of file descriptors: a hop that cannot open its socket is
# postponed, and the connection goes on.  With one more than it needs, the socket
# that drains gives way to the next hop's.
cd "$(dirname "$0")" || exit
. ./lab.sh
need prlimit
lab_up

# The lowest number that is free: with this limit nothing more can be opened.
lowest_free() {
  free=0
  while [ -e "/proc/$pid/fd/$free" ]; do
    free=$((free + 1))
  done
  echo "$free"
}

start_server server --address "$server4" --port 4433
start_client client 30 --hop-interval 1s --hop-jitter 0 --drain 60s \
  --rate 200 --duration 11s --stream-bytes 1000000 "$server4" 4433
wait_for 5 'the client connects' is_connected 4433
pid=$(pid_of client)
full=$(lowest_free)

prlimit --pid "$pid" --nofile="$full":
wait_for 6 'two hops meet the limit' has_records client system 2
check "limit $full, hops" "$(records client ok)" -eq 0

# One to spare: a hop succeeds, the next one takes it from the draining socket.
prlimit --pid "$pid" --nofile=$((full + 1)):
wait_for 8 'hops go on' has_records client ok 3
check "limit $((full + 1)), refusals" "$(records client system)" -le 3

prlimit --pid "$pid" --nofile=1024:
end_client client
check 'errno EMFILE' "$(count '"result":"system","errno":24' \
  "$tmp/client.hops")" -eq "$(records client system)"
check 'other records' "$(grep -vc '"ok"\|"system"' "$tmp/client.hops")" -eq 0
check_value client datagrams_sent -ge 2190
check_value client datagrams_lost -eq 0
check_value client stream_ok = true
check_value client hops -ge 4
verdict
