# Read by test_hops_v4.sh and test_hops_v6.sh: many hops through the NAT under
# load.  $host is the server's address.
. ./lab.sh
lab_up
start_server server --address "$host" --port 4433
start_client client 30 --hop-interval 200ms --rate 1000 --duration 10s \
  --stream-bytes 5000000 "$host" 4433
end_client client
check_value client datagrams_sent -ge 9900
check_value client datagrams_lost -eq 0
check_value client stream_bytes -eq 5000000
check_value client stream_ok = true
check_value client hops -ge 40
check_value client hops_failed -eq 0
check_value client sockets_peak -le 4
check_value client gap_ms_max -le 1000

# The server saw every hop as one move to another port with a fresh ID.
moves=$(count '"kind":"port","id":"fresh"' "$tmp/server.moves")
# A hop after which the machine paused until the next one shows no packet.
check 'moves off by' "$((moves - $(value client hops)))" -ge -3
check 'moves off by' "$((moves - $(value client hops)))" -le 1
check 'other moves' "$(grep -vc '"kind":"port","id":"fresh"' \
  "$tmp/server.moves")" -eq 0
verdict
