#!/bin/sh
# A program that could not write all of its output does not end with 0, and says
# what it could not write.  /dev/full is as a full disk.
cd "$(dirname "$0")" || exit
. ./lab.sh
lab_up
[ -c /dev/full ] || skip 'no /dev/full'
examples=$QUICMIG_BUILD/examples

# full FILE WORDS COMMAND...: with its stdout in FILE.  Exits with 1 and says
# WORDS once.
full() {
  file=$1 words=$2 status=0
  shift 2
  in_client timeout -k 1 10 "$@" >"$file" 2>"$tmp/full" </dev/null || status=$?
  check "$(basename "$*"): exit status" "$status" -eq 1
  check "said: $(tail -n 1 "$tmp/full")" "$(count "$words" "$tmp/full")" -eq 1
}

start_server server --address "$server4" --port 4433
start full_log 60 "$server_ns" "$echo_server" --address "$server4" --port 4434 \
  --migration-log /dev/full
wait_for 5 'the second server' grep -q listening "$tmp/full_log.out"
set -- --insecure --hop-interval 200ms --duration 700ms "$server4"

for program in echo_client echo_server udp_forward poll_loop own_conn tun_vpn; do
  full /dev/full "^$program: stdout: " "$examples/$program" --help
done
full /dev/full '^echo_client: stdout: ' "$echo_client" --json "$@" 4433
full /dev/full '^poll_loop: stdout: ' "$examples/poll_loop" "$@" 4433
full /dev/full '^own_conn: stdout: ' "$examples/own_conn" "$@" 4433
full "$tmp/run.out" '^echo_client: /dev/full: ' "$echo_client" \
  --hop-log /dev/full --json "$@" 4434
check 'the result' "$(value run datagrams_lost)" -eq 0
full "$tmp/run.out" '^udp_forward: /dev/full: ' "$examples/udp_forward" client \
  --hop-log /dev/full --insecure --hop-interval 200ms --duration 2s \
  "$server4" 4435 &
forward=$!
start forward_server 60 "$server_ns" "$examples/udp_forward" server \
  --listen "$server4:4435" --to 127.0.0.1:9
wait "$forward"

kill -TERM "$(pid_of full_log)"
join full_log
check 'echo_server: exit status' "$status" -eq 1
check 'echo_server: said' "$(count '^echo_server: /dev/full: ' \
  "$tmp/full_log.err")" -eq 1
verdict
