# Read by lab.sh with `.`: the ISP cuts or slows flows that have carried enough.

flow_defaults() {
  : "${rate:=100}" "${size:=200}" "${after:=10}"
  case $after in
  *s) span=${after%s} ;;
  *) span=$(calc "$after * 8 / $rate") ;;
  esac
  patience=$(calc "$size * 8 / $rate * 3 + 10" %d)
}

# check_flow: a flow must have its share before a transfer is over.
check_flow() {
  flow_defaults
  is "$span < $size * 8 / $rate" ||
    wrong "--after $after is not before the end of --size $size"
}

# scheduled: the client's lines for hops before a flow has had its share.
scheduled() {
  case $after in
  *s) echo "QuicHopInterval = ${hop_interval:-$(calc "$span * 0.7")}" ;;
  *)
    echo 'QuicHopInterval = 0'
    echo "QuicHopBytes = ${hop_bytes:-$(calc "$after * 700000" %d)}"
    ;;
  esac
}

# measure BOUND MB LINE...: one transfer through a VPN of these lines.
measure() {
  limit=$1 mb=$2
  shift 2
  vpn_up "$((limit + 20))" "$@"
  transfer_start "$((limit + 5))" "$mb" "$inner"
  watch_learning &
  watcher=$!
  transfer_end "$limit"
  kill "$watcher" 2>/dev/null || true
  wait "$watcher" 2>/dev/null || true
  vpn_down
}

# Its log has no clock: a line that tells of a learned budget is noted in
# $tmp/learned with the seconds since the transfer began.  Ends with the client.
watch_learning() {
  rm -f "$tmp/learned"
  until says vpnc '^verdict [a-z]*-learned'; do
    [ -e "$tmp/vpnc.pid" ] || return 0
    sleep 0.1
  done
  calc "$(now) - $transfer_begin" '%.1f\n' >"$tmp/learned"
}

# The first second is TCP's and QUIC's slow start.
free_goodput() {
  free_mb=$(calc "$size / 2" %d)
  measure "$patience" "$free_mb" 'QuicMigrationEnabled = no'
  free=$(goodput 1 "$took")
  say "free: $free Mbit/s"
  [ -n "$free" ] && is "$free > 0" || give_up 'nothing arrives without the ISP'
}

# share_of_free WHAT LEAST ROUND: what ROUND brings, as $ratio of the free
# goodput.  If that is too little the machine may have been busy: two more then,
# and the median of the three counts.  Each has to get to its end.
share_of_free() {
  "$3"
  if is "$ratio < $2"; then
    ratios=$ratio
    for _ in 1 2; do
      "$3"
      ratios="$ratios $ratio"
    done
    # shellcheck disable=SC2086
    ratio=$(printf '%s\n' $ratios | median)
    figures="$figures; median of three rounds $ratio"
  fi
  want "$1, of free" "$ratio" '>=' "$2"
}

scheduled_round() {
  measure "$patience" "$size" "$(scheduled)"
  after_start=$(goodput 1 "$took")
  ratio=$(calc "${after_start:-0} / $free")
  figures="$figures; hops before: $moved MB in $took s = $ratio of free"
  say "$figures"
  want 'scheduled hops, complete' "$complete" '==' 1
}

# The goodput once learnt.
adaptive_round() {
  measure "$patience" "$size" 'QuicHopInterval = 0'
  learned=$(cat "$tmp/learned" 2>/dev/null || true)
  after_learning=$(goodput "${learned:-$took}" "$took")
  ratio=$(calc "${after_learning:-0} / $free")
  figures="$figures; adaptive: $moved MB in $took s, learnt after"
  figures="$figures ${learned:-?} s, then ${after_learning:-0} Mbit/s"
  figures="$figures = $ratio of free"
  want 'adaptive, complete' "$complete" '==' 1
  want 'adaptive, learnt after s' "$learned" '>=' 0
}

scenario_cut() {
  flow_defaults
  shape "$rate"
  single_packets
  free_goodput
  cut_flows
  dies=$(calc "$span * 3 + 5" %d)
  measure "$dies" "$size" 'QuicMigrationEnabled = no'
  figures="free $free Mbit/s; no hops: $moved MB of $size in $took s"
  say "$figures"
  want 'without hops, complete' "$complete" '==' 0
  want 'without hops, MB' "$moved" '<' "$(calc "$span * $rate / 8 * 1.5 + 1")"
  share_of_free 'scheduled hops' 0.95 scheduled_round
  adaptive=1
  share_of_free adaptive 0.95 adaptive_round
  finish "$figures"
}

scenario_slow() {
  flow_defaults
  shape "$rate"
  single_packets
  free_goodput
  slow_flows "$(calc "$rate / 10")"
  measure "$(calc "$span * 3 + 10" %d)" "$size" 'QuicMigrationEnabled = no'
  stuck=$(goodput "$(calc "$span + 2")" "$took")
  figures="free $free Mbit/s; no hops: ${stuck:-0} Mbit/s once slowed"
  say "$figures"
  want 'without hops, Mbit/s' "${stuck:-0}" '<' "$(calc "$free * 0.3")"
  adaptive=1
  share_of_free adaptive 0.80 adaptive_round
  finish "$figures"
}

# needless TEXT: the end of a scenario in which no hop is needed, nor tried.
needless() {
  jumps=$(($(hop_total) + $(count '^hop [0-9]* failed' "$tmp/vpnc.err")))
  want 'needless hops' "$jumps" '<=' 1
  ping_ok "$inner" || want 'answers through the tunnel' 0 '==' 1
  finish "$jumps needless hops in $duration s$1"
}

scenario_congestion() {
  : "${rate:=50}" "${duration:=30}"
  shape "$rate"
  adaptive=1
  vpn_up "$((duration + 60))" 'QuicHopInterval = 0'
  start rival_s "$((duration + 20))" "$server_ns" iperf3 -s -1 -p 5301
  iperf_server iperfs "$((duration + 20))" -i 0.2
  start iperfc "$((duration + 15))" "$client_ns" iperf3 -c "$inner" \
    -p "$iperf_port" -t "$duration" -f k -i 0.2 --forceflush $direction
  sleep "$(calc "$duration / 3")" # alone
  start rival_c "$duration" "$client_ns" iperf3 -c "$server" -p 5301 \
    -t "$(calc "$duration / 3" %d)" -P 4 -f k -i 0 $direction
  join iperfc
  stop iperfs
  rival=$(sed -n 's/.*SUM.* \([0-9.]*\) Kbits.*receiver.*/\1/p' \
    "$tmp/rival_c.out")
  stop rival_c rival_s
  iperf_intervals >"$tmp/intervals"
  third=$(calc "$duration / 3")
  want 'Mbit/s of the rival' "${rival:-0}" '>' 0
  needless "; $(goodput 1 "$third") Mbit/s alone, $(goodput "$third" \
    "$(calc "2 * $third")") beside $(calc "${rival:-0} / 1000" %.1f)"
}

scenario_loss() {
  : "${rate:=50}" "${duration:=20}"
  shape "$rate"
  single_packets
  adaptive=1
  vpn_up "$((duration * 2 + 60))" 'QuicHopInterval = 0'
  iperf "$((duration / 2))" "$inner" $direction
  before=$mbit
  lose 1
  iperf "$((duration / 2))" "$inner" $direction
  want 'Mbit/s with loss' "$mbit" '>' 0
  needless "; $before Mbit/s without loss, $mbit with 1 %"
}

scenario_idle() {
  : "${duration:=20}"
  adaptive=1
  vpn_up "$((duration + 60))" 'QuicHopInterval = 0'
  iperf 2 "$inner" $direction
  sleep "$((duration / 2))"
  ping_start ping "$((duration / 2))" 1 "$inner"
  join ping
  want 'lost pings' "$(ping_lost ping)" '==' 0
  needless "; $(ping_lost ping) of $(ping_sent ping) pings lost"
}
