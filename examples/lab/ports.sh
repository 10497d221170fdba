# Read by lab.sh with `.`: hops that nobody but an observer should notice.

# in_order FILE FILE: do both hold the same words in the same order?
in_order() { [ "$(tr '\n' ' ' <"$1")" = "$(tr '\n' ' ' <"$2")" ]; }

# mean_gap: of the times in the second column of standard input.
mean_gap() {
  awk 'NR == 1 { first = $2 } { last = $2 }
    END { if (NR > 1) printf "%.3f\n", (last - first) / (NR - 1) }'
}

scenario_ports() {
  : "${hops:=20}" "${hop_interval:=1}"
  span=$(calc "$hops * $hop_interval + 2" %d)
  total=$((span + 40))
  watch_nat "$total"
  capture isp "$total" "$isp_ns" i0 "$public"
  capture wire "$total" "$server_ns" s0 "$public"
  vpn_up "$total" "$(hopping "$hop_interval")"
  ping_start ping "$span" 0.05 "$inner"
  join ping
  ports_in_log >"$tmp/logged"
  stop vpnc vpns
  sleep 1
  stop isp wire nat
  # The hop log knows the client's own ports, the NAT what became of them.
  while read -r own; do
    public_port "$own"
  done <"$tmp/logged" >"$tmp/expected"
  for place in isp wire; do
    seen_ports "$place" >"$tmp/$place.ports"
    cut -d ' ' -f 1 "$tmp/$place.ports" >"$tmp/$place.order"
    want "$place: ports as in the hop log" \
      "$(in_order "$tmp/expected" "$tmp/$place.order" && echo 1 || echo 0)" \
      '==' 1
  done
  logged=$(wc -l <"$tmp/logged") seen=$(wc -l <"$tmp/isp.ports")
  once=$(sort -u "$tmp/isp.order" | wc -l)
  own_once=$(sort -u "$tmp/logged" | wc -l)
  gap=$(mean_gap <"$tmp/isp.ports")
  want 'client ports used once' "$own_once" '==' "$logged"
  want 'returns to a port' "$(returns)" '==' 0
  want 'hops' "$((logged - 1))" '>=' "$(calc "$hops * 0.8" %d)"
  want 'mean gap, s' "$gap" '>=' "$(calc "$hop_interval * 0.8")"
  want 'mean gap, s' "$gap" '<=' "$(calc "$hop_interval * 1.2")"
  want 'lost pings' "$(ping_lost ping)" '==' 0
  finish "$((logged - 1)) hops in the log; $seen ports at the ISP, $once" \
    "different, $(wc -l <"$tmp/wire.ports") at the server, in the log's" \
    "order; mean gap $gap s of $hop_interval s; $(ping_lost ping) of" \
    "$(ping_sent ping) pings lost"
}

# returns: how often the ISP sees a port that was given up for two others.
returns() {
  awk '!($2 in number) { number[$2] = ++ports }
    ports - number[$2] > 1 { n++ }
    END { print n + 0 }' "$tmp/isp.out"
}

# ping_pair: four runs, without hops and with, twice; the commands in
# $start_without, $start_with and $stop_pair make and end a tunnel to $target.
ping_pair() {
  part=$(calc "$hops * $hop_interval / 2 + 1")
  for n in 1 2; do
    for kind in without with; do
      eval "command=\$start_$kind"
      eval "$command"
      sleep 1
      ping_start "ping_$kind$n" "$part" 0.05 "$target"
      join "ping_$kind$n"
      [ "$kind" = without ] || made=$((made + $(hop_total)))
      $stop_pair
    done
  done
}

ping_pair_verdict() {
  lost=0 sent=0
  for n in 1 2; do
    lost=$((lost + $(ping_lost ping_with$n)))
    sent=$((sent + $(ping_sent ping_with$n)))
  done
  with=$(ping_rank 0.99 ping_with1 ping_with2)
  without=$(ping_rank 0.99 ping_without1 ping_without2)
  want 'hops' "$made" '>=' "$hops"
  want 'lost pings' "$lost" '==' 0
  want 'p99 later by, ms' "$(calc "$with - $without")" '<=' 2
  finish "$made hops, $lost of $sent pings lost, p99 $with ms," \
    "without hops $without ms"
}

scenario_ping() {
  : "${hops:=30}" "${hop_interval:=1}"
  made=0 target=$inner stop_pair=vpn_down
  total=$(calc "$hops * $hop_interval + 60" %d)
  start_without='vpn_up "$total" "QuicMigrationEnabled = no"'
  start_with='vpn_up "$total" "$(hopping "$hop_interval")"'
  ping_pair
  ping_pair_verdict
}

scenario_forward_ping() {
  : "${hops:=30}" "${hop_interval:=1}"
  need wireguard-go wg
  made=0 target=10.78.0.1 stop_pair=forward_down
  total=$(calc "$hops * $hop_interval + 60" %d)
  start_without='forward_up "$total" 0'
  start_with='forward_up "$total" "$hop_interval"'
  ping_pair
  ping_pair_verdict
}
