#!/bin/sh
# udp_forward carries UDP through a connection that hops every 300 ms: numbered
# packets of all sizes there and back, none lost, over 30 hops and more.  Both
# ends verify each other's certificate.  A flood from 5,000 ports is refused
# beyond --max-flows and harms no flow that was there; idle flows are forgotten.
# One server listens on ports of both families, and each hop draws another port.
# The clients come back when it was started again.
#
#   echo_client > udp_forward client > (NAT) > udp_forward server > echo_server
#
# The traffic is echo_client's, which does not hop itself here: it counts its
# datagrams, which fit the first 1,200 bytes of its path in both directions; the
# packets of its stream grow to 1,452 bytes, which go as two fragments.
cd "$(dirname "$0")" || exit
. ./lab.sh
. ./certs.sh
need bash
lab_up
udp_forward=$QUICMIG_BUILD/examples/udp_forward
[ -x "$udp_forward" ] || give_up "$udp_forward is not built"
make_certs "$tmp" || skip 'neither certtool nor openssl'

# forward_server NAME
forward_server() {
  start "$1" 90 "$server_ns" "$udp_forward" server --listen "$server4:4433" \
    --listen "[$server6]:4433" --port-range 4433-4448 --to 127.0.0.1:7000 \
    --cert "$tmp/server.pem" --key "$tmp/server.key" --ca "$tmp/ca.pem" \
    --max-flows 500 --flow-idle 4s --json
  wait_for 5 "$1 listens" grep -q '^listening on' "$tmp/$1.out"
}

# forward_client NAME LISTEN SERVER OPTION...
forward_client() {
  forwarder=$1 at=$2 to=$3
  shift 3
  start "$forwarder" 90 "$client_ns" "$udp_forward" client --listen "$at" \
    --server-name good.test --ca "$tmp/ca.pem" --flow-idle 4s --drain 1s \
    --hop-interval 300ms --port-range 4433-4448 \
    --hop-log "$tmp/$forwarder.hops" --json "$@" \
    "$to" 4433
  wait_for 5 "$forwarder listens" grep -q '^forwarding' "$tmp/$forwarder.out"
}

# connections NAME N: were there so many?
connections() {
  [ "$(count '^connected to' "$tmp/$1.out")" -ge "$2" ]
}

# traffic NAME SECONDS HOST
traffic() {
  start "$1" 60 "$client_ns" "$echo_client" --insecure --json \
    --hop-interval 0 --rate 200 --size 1000 --duration "$2" \
    --stream-bytes 3000000 "$3" 51821
}

# arrived NAME N: what it sent, and that all of it came back.
arrived() {
  end_client "$1"
  check_value "$1" datagrams_sent -ge "$2"
  check_value "$1" datagrams_lost -eq 0
  check_value "$1" stream_ok = true
}

flood() {
  # shellcheck disable=SC2016
  in_client bash -c 'for ((i = 0; i < 5000; i++)); do
    echo flood >/dev/udp/127.0.0.1/51821; done'
}

status=0
"$udp_forward" client --flow-idle 0 ::1 4433 2>"$tmp/usage" || status=$?
check '--flow-idle 0: exit status' "$status" -eq 2
check '--flow-idle 0' "$(count '^udp_forward: --flow-idle 0: more than' \
  "$tmp/usage")" -eq 1

start echo 95 "$server_ns" "$echo_server" --port 7000
wait_for 5 'echo listens' grep -q '^listening on' "$tmp/echo.out"
forward_server fserver

forward_client stranger 127.0.0.1:51820 "$server4"
forward_client fclient4 127.0.0.1:51821 "$server4" \
  --cert "$tmp/client.pem" --key "$tmp/client.key"
forward_client fclient6 '[::1]:51821' "$server6" \
  --cert "$tmp/client.pem" --key "$tmp/client.key"
wait_for 5 'fclient4 connects' connections fclient4 1
wait_for 5 'fclient6 connects' connections fclient6 1
traffic four 10s 127.0.0.1
traffic six 10s ::1
sleep 4
# More than two fragments hold.
in_client bash -c 'head -c 5000 /dev/zero >/dev/udp/127.0.0.1/51821'
flood
arrived four 1900
arrived six 1900
stop stranger
check 'stranger: its connection ended' \
  "$(count 'connection ended' "$tmp/stranger.err")" -ge 1
check_value stranger packets_out -eq 0

# Meanwhile a file is missing for a while: that ends only a program that starts.
stop fserver
mv "$tmp/ca.pem" "$tmp/ca.away"
wait_for 10 'fclient4 misses its CA' grep -q 'ca\.pem' "$tmp/fclient4.err"
wait_for 10 'fclient6 misses its CA' grep -q 'ca\.pem' "$tmp/fclient6.err"
mv "$tmp/ca.away" "$tmp/ca.pem"
forward_server fserver_again
wait_for 10 'fclient4 comes back' connections fclient4 2
wait_for 10 'fclient6 comes back' connections fclient6 2
traffic again 2s 127.0.0.1
arrived again 390

for c in fclient4 fclient6; do
  stop "$c"
  check_value "$c" hops -ge 30
  check_value "$c" hops_failed -eq 0
  check_value "$c" queue_full -eq 0
  check_value "$c" incomplete -eq 0
  check_value "$c" fragmented -ge 1000
  check_value "$c" reassembled -ge 1000
done
check 'records' "$(records fclient4 ok)" -ge 30
check_value fclient4 too_large -eq 1
check_value fclient4 flows_peak -eq 1024
check_value fclient4 flows_refused -ge 3000
check_value fclient4 flows -le 2
check_value fserver flows_peak -eq 501
check_value fserver flows_refused -ge 500
check_value fserver migrations -ge 60
check "the server's ports in use" "$(json to_remote_port <"$tmp/fclient4.hops" |
  sort -u | wc -l)" -ge 10
check_value fclient6 flows_peak -eq 1
# Once a second at most, not once a packet.
check 'lines about refused flows' \
  "$(count 'refused:' "$tmp/fclient4.err")" -le 10
verdict
