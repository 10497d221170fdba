# Read by lab.sh with `.`: ways to lose the path all at once.

# random FROM TO: seconds.
random() {
  awk -v seed="$(od -An -N4 -tu4 /dev/urandom)" -v from="$1" -v to="$2" \
    'BEGIN { srand(seed); printf "%.3f", from + (to - from) * rand() }'
}

# used_public_port: what the ISP sees of the flow in use, the newest mapping.
used_public_port() { nat_ports | awk 'END { print $2 }'; }

# alarms: PTOs in ms, one a line, of the paths that the client found silent.
alarms() {
  sed -n 's/.*went silent, its PTO is \(.*\) ms.*/\1/p' "$tmp/vpnc.err"
}

# pto_since N: the PTO at the first alarm after N; without one, the least that a
# path has (RFC 9002 section 6.2.1), with 25 ms for late acknowledgements.
pto_since() {
  first=$(alarms | sed -n "$(($1 + 1))p")
  echo "${first:-$(calc "$rtt + 1 + 25" %.1f)}"
}

# What is silent for too long goes to $tmp/missed, each silence to $tmp/gaps.
block_once() {
  sleep "$(random 0.5 1.5)"
  rtt=$(statistic srtt_ms)
  before=$(alarms | wc -l)
  [ -n "$rtt" ] || give_up 'the client tells no RTT'
  blocked_at=$(now)
  blocked=$(used_public_port)
  [ -n "$blocked" ] || give_up 'the NAT has no mapping'
  block_port "$blocked"
  sleep 1.5
  gap=$(gap_and_pause ping "$blocked_at" "$(calc "$blocked_at + 1.5" %.6f)")
  pause=${gap#* }
  gap=${gap% *}
  pto=$(pto_since "$before")
  allowed=$(calc "3 * $pto + $rtt + $pause" %.1f)
  say "port $blocked blocked: $gap ms, allowed $allowed ms: 3 * $pto + $rtt," \
    "and the machine paused for $pause ms"
  want "packets to or from $blocked dropped" "$(blocked_packets "$blocked")" \
    '>' 0
  want 'PTO, ms' "$pto" '<=' "$(calc "4 * $rtt + 200")"
  want 'silence, ms' "$gap" '<=' "$allowed"
  echo "$gap" >>"$tmp/gaps"
  echo "$allowed" >>"$tmp/allowed"
}

scenario_blocked_port() {
  : "${hops:=10}" "${hop_interval:=10}"
  total=$(calc "$hops * 4 + 20" %d)
  watch_nat "$total"
  vpn_up "$total" "$(hopping "$hop_interval")"
  beat_start ping "$total" 1 "$inner"
  sleep 2
  for _ in $(seq "$hops"); do
    block_once
  done
  ping_stop ping
  finish "$hops blocks, silence median $(median <"$tmp/gaps") ms, longest" \
    "$(rank 1 <"$tmp/gaps") ms; the last time PTO $pto ms, RTT $rtt ms;" \
    "3 PTO + RTT, and pauses of the machine: median" \
    "$(median <"$tmp/allowed") ms"
}

# own_ports: how many ports of the client the NAT has met.
own_ports() { nat_ports | cut -d ' ' -f 1 | sort -u | wc -l; }

has_new_port() { [ "$(own_ports)" -gt "$met" ]; }

# With --delay the mapping of the new path and of the old one go while the
# PATH_CHALLENGE is under way; what is under way to the client then is lost.
scenario_nat_rebind() {
  : "${hops:=10}" "${hop_interval:=1}"
  total=$(calc "$hops * ($hop_interval * 2 + 8) + 20" %d)
  watch_nat "$total"
  vpn_up "$total" "$(hopping "$hop_interval")"
  ping_start ping "$total" 0.05 "$inner"
  for _ in $(seq "$hops"); do
    met=$(own_ports)
    until_true "$(calc "$hop_interval * 2 + 6" %d)" has_new_port ||
      want 'hops go on' 0 '==' 1
    in_nat conntrack -F >/dev/null 2>&1
    sleep 1
  done
  sleep 2
  ping_stop ping
  lost=$(ping_lost ping) jumps=$(hop_total)
  few=$(calc "$hops * (1 + $(ping_rank 0.5 ping) / 50)" %d)
  want 'lost pings' "$lost" '<=' "$few"
  want 'hops' "$jumps" '>=' "$hops"
  want 'connections' "$(connections)" '==' 1
  ping_ok "$inner" || want 'answers at the end' 0 '==' 1
  finish "$hops times forgotten during $jumps hops," \
    "$lost of $(ping_sent ping) pings lost (at most $few were under way)," \
    "$(connections) connection"
}

# sockets: UDP sockets that the client has open.
sockets() { client_ports "$(pid_of vpnc)" | wc -l; }

unplug() { ip -n "$client_ns" link set c0 down; }

plug() {
  ip -n "$client_ns" link set c0 up
  client_routes
}

# A link that comes and goes each second.
flap() {
  most=0
  for _ in $(seq "$1"); do
    unplug
    sleep 0.5
    open=$(sockets)
    [ "$open" -le "$most" ] || most=$open
    plug
    sleep 0.5
  done
}

scenario_uplinks() {
  : "${hops:=5}" "${duration:=20}" "${hop_interval:=30}"
  need ss
  total=$(calc "$hops * 6 + $duration * 2 + 30" %d)
  in_client sysctl -qw net.ipv6.conf.c0.keep_addr_on_down=1
  vpn_up "$total" "$(hopping "$hop_interval")" 'Uplinks = c0,c1'
  beat_start ping "$total" 1 "$inner"
  sleep 1
  : >"$tmp/gaps"
  for _ in $(seq "$hops"); do
    at=$(now)
    unplug
    sleep 2
    gap=$(ping_gap ping "$at" "$(calc "$at + 2" %.6f)")
    say "c0 unplugged: $gap ms"
    echo "$gap" >>"$tmp/gaps"
    plug
    sleep 3
  done
  flap "$duration"
  sleep 1
  ping_stop ping
  longest=$(rank 1 <"$tmp/gaps")
  want 'longest silence, ms' "$longest" '<=' 1000
  want 'open sockets' "$most" '>=' 1
  want 'open sockets' "$most" '<=' 4
  want 'connections' "$(connections)" '==' 1
  ping_ok "$inner" || want 'answers at the end' 0 '==' 1
  finish "$hops times unplugged, silence median $(median <"$tmp/gaps") ms," \
    "longest $longest ms; $duration s of flapping: $(ping_lost ping) of" \
    "$(ping_sent ping) packets lost in all, at most $most sockets"
}
