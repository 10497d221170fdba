# Read by lab.sh with `.`: how much TCP gets through.

# speed_run KIND ROUND: with or without hops.
speed_run() {
  interval=0
  [ "$1" = without ] || interval=$hop_interval
  vpn_up "$((duration + 40))" "$(hopping "$interval")"
  iperf "$duration" "$inner" $direction
  is "$mbit > 0" || give_up "nothing arrives $1 hops"
  [ "$1" = without ] || made=$((made + $(hop_total)))
  vpn_down
  eval "last_$1=\$mbit"
  echo "$mbit" >>"$tmp/$1"
  say "round $2, $1 hops: $mbit Mbit/s"
}

# Which of the two comes first changes from round to round, and each is held
# against its neighbour: the speed of a busy machine drifts.
scenario_iperf() {
  : "${hop_interval:=5}" "${duration:=12}" "${rounds:=7}"
  [ -z "$rate" ] || shape "$rate"
  made=0 order='without with'
  for round in $(seq "$rounds"); do
    for kind in $order; do
      speed_run "$kind" "$round"
    done
    calc "$last_with / ($last_without > 0 ? $last_without : 1)" '%.3f\n' \
      >>"$tmp/ratios"
    if [ "$order" = 'without with' ]; then
      order='with without'
    else
      order='without with'
    fi
  done
  ratio=$(median <"$tmp/ratios")
  want 'hops' "$made" '>=' 1
  want 'ratio' "$ratio" '>=' 0.97
  finish "$(median <"$tmp/with") Mbit/s with hops every $hop_interval s," \
    "$(median <"$tmp/without") without, ratio $ratio" \
    "($(rank 0 <"$tmp/ratios") to $(rank 1 <"$tmp/ratios"));" \
    "medians of $rounds pairs of $duration s, $made hops"
}
