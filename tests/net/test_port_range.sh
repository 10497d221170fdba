#!/bin/sh
# Only four local ports, and none of the last 16 may be used again: after three
# hops there is none left.  The client says ports-exhausted, backs off, and the
# connection goes on, on a port of the range.
cd "$(dirname "$0")" || exit
. ./lab.sh
lab_up

start_server server --address "$server4" --port 4433
start_client client 30 --hop-interval 200ms --local-ports 30000-30003 \
  --rate 200 --duration 6s --stream-bytes 1000000 "$server4" 4433
end_client client
check_value client datagrams_sent -ge 1190
check_value client datagrams_lost -eq 0
check_value client stream_ok = true
check_value client hops -eq 3
# At 0.8, 1.8, 3.8 and 7.8 s or a little later.
check 'ports-exhausted' "$(records client ports-exhausted)" -ge 3
check 'ports-exhausted' "$(records client ports-exhausted)" -le 5
check 'other records' "$(grep -vc '"ok"\|"ports-exhausted"' \
  "$tmp/client.hops")" -eq 0
check 'ports used' "$(sed -n 's/.*"from_port":\([0-9]*\).*/\1/p
  s/.*"to_port":\([1-9][0-9]*\).*/\1/p' "$tmp/client.hops" | sort -u |
  tr '\n' ' ')" = '30000 30001 30002 30003 '
verdict
