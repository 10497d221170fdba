#!/bin/sh
# One party takes all it can get of a udp_forward server: four connections with
# one certificate, each with as many flows as it may have, which are all flows
# that there are.  Another party gets its three flows all the same, and its
# second connection, and loses no packet while the first one goes on.
#
#   greedy1..4 (client.pem) >\
#                             udp_forward server > echo_server
#   other1..2  (other.pem)  >/
cd "$(dirname "$0")" || exit
. ./lab.sh
. ./certs.sh
need bash
lab_up
udp_forward=$QUICMIG_BUILD/examples/udp_forward
[ -x "$udp_forward" ] || give_up "$udp_forward is not built"
make_certs "$tmp" || skip 'neither certtool nor openssl'

# forward_client NAME PORT CERTIFICATE
forward_client() {
  start "$1" 40 "$client_ns" "$udp_forward" client --listen "127.0.0.1:$2" \
    --server-name good.test --ca "$tmp/ca.pem" --cert "$tmp/$3.pem" \
    --key "$tmp/$3.key" --hop-interval 0 --json "$server4" 4433
  wait_for 5 "$1 connects" grep -q '^connected to' "$tmp/$1.out"
}

# flood: forty flows of each greedy connection.
flood() {
  # shellcheck disable=SC2016
  in_client bash -c 'for ((i = 0; i < 160; i++)); do
    echo flood >/dev/udp/127.0.0.1/$((51801 + i % 4)); done'
}

# all_flows_are_taken: as the server counts them.
all_flows_are_taken() {
  kill -USR1 "$(pid_of fserver)"
  [ "$(value fserver flows)" = 64 ]
}

start echo 45 "$server_ns" "$echo_server" --port 7000
wait_for 5 'echo listens' grep -q '^listening on' "$tmp/echo.out"
start fserver 45 "$server_ns" "$udp_forward" server --listen "$server4:4433" \
  --to 127.0.0.1:7000 --cert "$tmp/server.pem" --key "$tmp/server.key" \
  --ca "$tmp/ca.pem" --max-flows 16 --max-flows-total 64 \
  --max-client-flows 64 --max-connections 5 --json
wait_for 5 'fserver listens' grep -q '^listening on' "$tmp/fserver.out"

for i in 1 2 3 4; do
  forward_client "greedy$i" "5180$i" client
done
forward_client other1 51811 other
flood
wait_for 5 'the greedy party has all flows' all_flows_are_taken

for i in 1 2 3; do
  start "echo$i" 30 "$client_ns" "$echo_client" --insecure --json \
    --hop-interval 0 --rate 100 --size 800 --duration 2s 127.0.0.1 51811
done
for i in 1 2 3; do
  flood
  sleep 0.3
done
for i in 1 2 3; do
  end_client "echo$i"
  check_value "echo$i" datagrams_sent -ge 180
  check_value "echo$i" datagrams_lost -eq 0
done

# All five places of connections are taken, four of them by the greedy party.
forward_client other2 51812 other
flood
stop fserver
check_value fserver flows_peak -eq 64
check_value fserver flows_evicted -eq 3
check_value fserver clients_evicted -ge 1
check 'other1 connected' "$(count "^connected to" "$tmp/other1.out")" -eq 1
check 'other2 connected' "$(count "^connected to" "$tmp/other2.out")" -eq 1
check 'who gave way' \
  "$(count 'client [0-9]* (certificate client) gives way' "$tmp/fserver.err")" \
  -ge 1
check 'who else gave way' \
  "$(count '(certificate other) gives way' "$tmp/fserver.err")" -eq 0
verdict
