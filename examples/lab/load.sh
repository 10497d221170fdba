# Read by lab.sh with `.`: traffic, and what became of it.

# ping_start NAME SECONDS INTERVAL DESTINATION: at most that many requests.
ping_start() {
  start "$1" "$(calc "$2 + 5" %d)" "$client_ns" stdbuf -oL ping -n -D -W 2 \
    -i "$3" -c "$(calc "$2 / $3" %d)" "$4"
}

# beat_start NAME SECONDS MS DESTINATION: a UDP packet each so many ms, whether
# there are answers or not; else as ping_start.
beat_start() {
  own_program beat
  start "$1_echo" "$2" "$server_ns" "$program" echo 5400
  wait_for 5 'the echo' says "$1_echo" listening
  start "$1" "$2" "$client_ns" "$program" "$4" 5400 "$3"
}

# ping_stop NAME: ends it as Ctrl-C does, so that it prints its counts.
ping_stop() {
  [ -e "$tmp/$1.pid" ] || return 0
  kill -INT "$(pid_of "$1")" 2>/dev/null || true
  join "$1"
}

# replies NAME: `TIME MS` of each reply.
replies() {
  sed -n 's/^\[\([0-9.]*\)\].* time=\([0-9.]*\) ms.*/\1 \2/p' "$tmp/$1.out"
}

ping_sent() {
  sed -n 's/^\([0-9]*\) packets transmitted.*/\1/p' "$tmp/$1.out"
}

# ping_lost NAME: of the requests, those without a reply.
ping_lost() {
  sed -n 's/^\([0-9]*\) packets transmitted, \([0-9]*\) received.*/\1 \2/p' \
    "$tmp/$1.out" | awk '{ print $1 - $2 }'
}

# ping_rank SHARE NAME...: that quantile of the round trips in ms.
ping_rank() {
  share=$1
  shift
  for name in "$@"; do
    replies "$name" | cut -d ' ' -f 2
  done | rank "$share"
}

# ping_gap NAME FROM TO: longest time in ms between two replies, from FROM on;
# a silence that lasts beyond TO counts until then.
ping_gap() { gap_and_pause "$@" | cut -d ' ' -f 1; }

# gap_and_pause NAME FROM TO: the same, and for how long of it the machine did
# not run the beat.
gap_and_pause() {
  tr -d '[]' <"$tmp/$1.out" | awk -v from="$2" -v to="$3" '
    function note(gap) {
      if (gap > longest) { longest = gap; longest_pause = pause }
      pause = 0
    }
    / paused=/ { pause += substr($2, 8) }
    / time=/ {
      if (last && $1 >= from && last <= to) note($1 - last)
      last = $1
      pause = 0
    }
    END {
      note(to - last)
      printf "%.1f %.1f\n", 1000 * longest, longest_pause
    }'
}

# ping_ok DESTINATION: does one come back, within two seconds?
ping_ok() { in_client ping -n -c 1 -W 2 "$1" >/dev/null 2>&1; }

# iperf_server NAME SECONDS [OPTION...]: for one client.
iperf_server() {
  need iperf3
  iperf_name=$1 iperf_bound=$2
  shift 2
  start "$iperf_name" "$iperf_bound" "$server_ns" iperf3 -s -1 \
    -p "$iperf_port" -f k --forceflush "$@"
  wait_for 5 'iperf3 listens' says "$iperf_name" 'listening'
}

# iperf SECONDS DESTINATION [OPTION...]: Mbit/s that arrived are in $mbit.
iperf() {
  seconds=$1 destination=$2
  shift 2
  iperf_server iperfs "$((seconds + 15))" -i 0
  start iperfc "$((seconds + 10))" "$client_ns" iperf3 -c "$destination" \
    -p "$iperf_port" -t "$seconds" -f k -i 0 "$@"
  join iperfc
  stop iperfs
  mbit=$(sed -n 's/.* \([0-9.]*\) Kbits.*receiver.*/\1/p' "$tmp/iperfc.out" |
    awk '{ printf "%.1f", $1 / 1000 }')
  [ -n "$mbit" ] || give_up "iperf3 has measured nothing to $destination"
}

# transfer_start BOUND MB DESTINATION: through TCP; for so many seconds at most.
transfer_start() {
  iperf_server iperfs "$1" -i 0.2
  transfer_size=$2 transfer_begin=$(now)
  start iperfc "$1" "$client_ns" iperf3 -c "$3" -p "$iperf_port" \
    -n "${2}000000" -f k -i 0.2 --forceflush $direction
}

# iperf_intervals: `END-TIME MBIT` of each interval, as the receiver tells.
iperf_intervals() {
  receiver=iperfs
  [ -z "$direction" ] || receiver=iperfc
  sed -n 's/^\[.*[0-9.]*-\([0-9.]*\) *sec .* \([0-9.]*\) Kbits.*/\1 \2/p' \
    "$tmp/$receiver.out" | awk '$1 > last { print $1, $2 / 1000; last = $1 }'
}

transfer_ended() { ! runs iperfc; }

# transfer_end SECONDS: waits so long.  $complete is 1 if all of it arrived,
# $moved are the MB that did, $took the seconds; see also $tmp/intervals.
transfer_end() {
  until_true "$1" transfer_ended || true
  took=$(calc "$(now) - $transfer_begin" %.1f)
  stop iperfc
  complete=0
  [ "$status" != 0 ] || complete=1
  stop iperfs
  iperf_intervals >"$tmp/intervals"
  moved=$(awk '{ mb += ($1 - t) * $2 / 8; t = $1 } END { print int(mb) }' \
    "$tmp/intervals")
}

# goodput FROM TO: mean Mbit/s of the last transfer between these seconds after
# its start.
goodput() {
  awk -v from="$1" -v to="$2" '
    last >= from && $1 <= to { sum += ($1 - last) * $2; time += $1 - last }
    { last = $1 }
    END { if (time > 0) printf "%.1f\n", sum / time }' "$tmp/intervals"
}
