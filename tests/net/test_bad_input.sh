#!/bin/sh
# Every mistake of a user ends the examples soon, with one readable line
# and a failing exit status: 2 for a mistake on the command line, within 3 s 1
# for whatever else is wrong.
cd "$(dirname "$0")" || exit
. ./lab.sh
. ./certs.sh
lab_up

# refuse STATUS WORDS PROGRAM ARGUMENT...: runs client or server; WORDS must
# be in its line.
refuse() {
  expected=$1 words=$2 program=$3 status=0 begin=$(date +%s%N)
  shift 3
  row="$program $*"
  ip netns exec "$(eval echo "\$${program}_ns")" timeout -k 1 5 \
    "$QUICMIG_BUILD/examples/echo_$program" "$@" \
    >"$tmp/refused" 2>&1 </dev/null || status=$?
  rows=$((rows + 1))
  echo "$row: $(cat "$tmp/refused")"
  [ "$status" = "$expected" ] || bad "$row: exit status $status"
  [ "$(wc -l <"$tmp/refused")" = 1 ] &&
    grep -q "^echo_$program: .*$words" "$tmp/refused" ||
    bad "$row: not one line with '$words': $(tail -n 1 "$tmp/refused")"
  ! grep -q '[^ -~]' "$tmp/refused" || bad "$row: unreadable characters"
  took=$((($(date +%s%N) - begin) / 1000000))
  [ "$expected" = 2 ] || [ "$took" -le 3000 ] || bad "$row: took $took ms"
}

# The command line.  Values at and beyond each end, words, and missing units.
command_lines() {
  while read -r option values; do
    for value in $values; do
      refuse 2 "$option\|${option#--}\|$(echo "${option#--}" | tr - _)" \
        client "$option" "$value" "$server4" 4433
    done
  done <<-END
	--hop-interval 1ms 8785h -1s 5 x nans infs
	--hop-jitter -1 91 x
	--hop-bytes 65535 -1 x
	--hop-mode teleport
	--drain 3601s -1s 5
	--max-sockets 1 17 x
	--local-ports 5 5- -5 0-5 5-65536 a-b 5-6-7
	--interface a234567890123456
	--fwmark -1 4294967296 x
	--duration -1s 5 x
	--rate -1 1000001 x
	--size 15 65536 x
	--stream-bytes -1 18446744073709551616 x
	END
  refuse 2 local_port client --local-ports 10-5 "$server4" 4433
  refuse 2 HOST client
  refuse 2 HOST client "$server4"
  refuse 2 HOST client "$server4" 4433 4434
  refuse 2 PORT client "$server4" 0
  refuse 2 PORT client "$server4" 65536
  refuse 2 'unknown option --no-such' client --no-such "$server4" 4433
  refuse 2 'unknown option -x' client -x "$server4" 4433
  refuse 2 'option --size needs a value' client "$server4" 4433 --size
  while read -r option values; do
    for value in $values; do
      refuse 2 "$option" server "$option" "$value"
    done
  done <<-END
	--port -1 65536 x
	--cid-limit 1 9 x
	--idle-timeout -1s 5 x
	END
  refuse 2 'unexpected' server 4433
}

# The network and the system.
system() {
  # Without a route the resolver gives up at once.
  ip -n "$client_ns" route del default
  refuse 1 'no-such-host.invalid' client no-such-host.invalid 4433
  client_routes
  refuse 1 'nobody listens' client --insecure "$server4" 9
  refuse 1 'nobody listens' client --insecure "$server6" 9
  refuse 1 'No such device' client --insecure --interface nope "$server4" 4433
  refuse 1 'cannot be written' client --hop-log /nowhere/log "$server4" 4433
  # A range of one port, which is in use.
  start holder 60 "$client_ns" "$echo_server" --address "$client4" --port 5000
  wait_for 5 'a port is in use' grep -q listening "$tmp/holder.out"
  refuse 1 'port' client --insecure --local-ports 5000-5000 "$server4" 4433
  refuse 1 'in use' server --address "$server4" --port 4433
  refuse 1 'assign' server --address 10.9.9.9
  refuse 1 'no-such-host' server --address no-such-host.invalid
  refuse 1 'cannot be written' server --migration-log /nowhere/log
}

# The handshake, towards a server with a self-signed certificate.
handshake() {
  refuse 1 'protocol' client --insecure --alpn other "$server4" 4433
  refuse 1 'certificate' client "$server4" 4433
  refuse 1 'bytes fit' client --insecure --size 60000 "$server4" 4433
  for side in client server; do
    refuse 1 /nowhere.pem "$side" --ca /nowhere.pem $(target $side)
    refuse 1 /nowhere.pem "$side" --cert /nowhere.pem --key /nowhere.key \
      $(target $side)
  done
}

# Certificates of an own CA.
certificates() {
  mkdir "$tmp/certs"
  make_certs "$tmp/certs" || {
    echo "certificates: not tested, no certtool and no openssl"
    return
  }
  c=$tmp/certs
  for side in client server; do
    refuse 1 'key' "$side" --cert "$c/client.pem" $(target $side)
    refuse 1 'cert' "$side" --key "$c/client.key" $(target $side)
    refuse 1 'key\|certificate' "$side" --cert "$c/client.pem" \
      --key "$c/ca.key" $(target $side)
    refuse 1 "$c/log" "$side" --ca "$c/log" $(target $side)
  done
  start_server good --address "$server4" --port 4434 \
    --cert "$c/server.pem" --key "$c/server.key"
  start_server mutual --address "$server4" --port 4435 \
    --cert "$c/server.pem" --key "$c/server.key" --ca "$c/ca.pem"
  set -- --ca "$c/ca.pem" --server-name
  refuse 1 'certificate' client "$@" bad.test "$server4" 4434
  refuse 1 'certificate' client --server-name good.test "$server4" 4434
  refuse 1 'certificate' client "$@" good.test "$server4" 4435
  # The same with everything right, or the refusals would prove nothing.
  start right_name 20 "$client_ns" "$echo_client" --json --duration 200ms \
    "$@" good.test "$server4" 4434
  start right_cert 20 "$client_ns" "$echo_client" --json --duration 200ms \
    --cert "$c/client.pem" --key "$c/client.key" "$@" good.test "$server4" 4435
  for name in right_name right_cert; do
    end_client "$name"
    check_value "$name" datagrams_lost -eq 0
  done
}

# A server that closes with escape sequences in its reason.
escapes() {
  start closer 60 "$server_ns" "$QUICMIG_BUILD/tests/net/closer" "$server4" \
    4436 quicmig-echo
  wait_for 5 'the closer listens' grep -q ready "$tmp/closer.out"
  said='bye?]0;owned??\[31m?\[2J?????31m????'
  refuse 1 "$said" client --insecure "$server4" 4436
  in_client timeout -k 1 5 "$QUICMIG_BUILD/examples/poll_loop" --insecure \
    "$server4" 4436 >"$tmp/loop" 2>&1 </dev/null || true
  check 'poll_loop: its line' "$(count "$said" "$tmp/loop")" -eq 1
  check 'poll_loop: unreadable' "$(count '[^ -~]' "$tmp/loop")" -eq 0
  start forward_closer 60 "$server_ns" "$QUICMIG_BUILD/tests/net/closer" \
    "$server4" 4437 quicmig-forward
  wait_for 5 'the closer listens' grep -q ready "$tmp/forward_closer.out"
  in_client timeout -k 1 5 "$QUICMIG_BUILD/examples/udp_forward" client \
    --insecure --duration 1s "$server4" 4437 >"$tmp/forward" 2>&1 </dev/null ||
    true
  check 'udp_forward: its lines' "$(count "$said" "$tmp/forward")" -ge 1
  check 'udp_forward: unreadable' "$(count '[^ -~]' "$tmp/forward")" -eq 0
  for name in closer forward_closer; do # a signal is their end
    kill -TERM "$(pid_of "$name")"
    join "$name"
  done
}

# target SIDE: the arguments that a client needs.
target() {
  [ "$1" = server ] || echo "$server4 4433"
}

rows=0
start_server server --address "$server4" --port 4433
command_lines
system
handshake
escapes
certificates
check 'rows' "$rows" -ge 81
for name in server holder good mutual; do
  [ ! -e "$tmp/$name.pid" ] || stop "$name"
done
check 'still running' "$(for ns in "$client_ns" "$server_ns"; do
  ip netns pids "$ns"
done | wc -l)" -eq 0
verdict
