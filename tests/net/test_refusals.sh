#!/bin/sh
# Servers that do not let the client hop as it wants: the client obeys, says so
# once, and nothing is lost.
#   forbids  disable_active_migration: no socket is opened, for good (2)
#   rebind   the same server, but the socket is swapped beneath the connection
#   two_ids  active_connection_id_limit 2: one hop every 4 s instead of 0.2 s
cd "$(dirname "$0")" || exit
. ./lab.sh
lab_up

start_server no_migration --address "$server4" --port 4433 --no-migration
start_server cid_limit --address "$server4" --port 4434 --cid-limit 2
# Name, port, hop mode, seconds.
while read -r name port mode seconds; do
  start_client "$name" 40 --hop-mode "$mode" --hop-interval 200ms --rate 100 \
    --duration "${seconds}s" --stream-bytes 1000000 "$server4" "$port"
done <<END
forbids 4433 migrate 6
rebind 4433 rebind 8
two_ids 4434 migrate 13
END
for c in forbids rebind two_ids; do
  end_client "$c"
  check_value "$c" datagrams_sent -ge 590
  check_value "$c" datagrams_lost -eq 0
  check_value "$c" stream_ok = true
done

check_value forbids hops -eq 0
check_value forbids sockets_peak -eq 1
check 'forbids: records' "$(count . "$tmp/forbids.hops")" -eq 1
check 'forbids: refusals' "$(records forbids peer-forbids)" -eq 1

check_value rebind hops -ge 20
check_value rebind hops_failed -eq 0
check 'rebind: moves with the same ID' \
  "$(count '"id":"same"' "$tmp/no_migration.moves")" -ge 20

# At 0.2, 4.3, 8.4, 12.4 and perhaps 16 s, the last ones while it lingers.
check_value two_ids hops -ge 3
check_value two_ids hops -le 5
check 'two_ids: too soon' "$(records two_ids too-soon)" -eq 1
check 'two_ids: records' "$(count . "$tmp/two_ids.hops")" -eq \
  $(($(value two_ids hops) + 1))
check 'two_ids: least time between hops in ms' "$(sed -n \
  's/{"time":\([0-9]*\).*"result":"ok".*/\1/p' "$tmp/two_ids.hops" | awk '
    NR > 1 && (!least || $1 - last < least) { least = $1 - last }
    { last = $1 }
    END { print least }')" -ge 4000
verdict
