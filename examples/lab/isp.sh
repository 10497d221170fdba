# Read by lab.sh with `.`: what the ISP does to flows, and what it sees of them.
# A flow is a client port at i0, that is, behind the NAT.

isp_begin() {
  isp_end
  in_isp nft -f - 2>"$tmp/nft" <<-END || skip "nft: $(head -n 1 "$tmp/nft")"
	table inet isp {
	  set slow {
	    type inet_service; flags dynamic; timeout 5m; size 65535;
	  }
	  set young {
	    type inet_service; flags dynamic; timeout 1h; size 65535;
	  }
	  chain forward { type filter hook forward priority 0; }
	}
	END
  in_isp sysctl -qw net.netfilter.nf_conntrack_acct=1
}

isp_end() {
  in_isp nft delete table inet isp 2>/dev/null || true
  for interface in i0 i1 i2; do
    in_isp tc qdisc del dev "$interface" root 2>/dev/null || true
  done
}

# rule WHAT...: for packets it forwards.
rule() { in_isp nft add rule inet isp forward "$@"; }

# block_port PORT: both ways at once.
block_port() {
  in_isp nft -f - <<-END
	add rule inet isp forward iifname != "i2" udp sport $1 counter drop
	add rule inet isp forward iifname "i2" udp dport $1 counter drop
	END
}

# blocked_packets PORT: how many it has dropped.
blocked_packets() {
  in_isp nft list chain inet isp forward | awk -v port="$1" '
    {
      for (i = 2; i < NF; i++) {
        if ($(i - 1) ~ /^[sd]port$/ && $i == port) hit = NR
        if ($i == "packets" && hit == NR) n += $(i + 1)
      }
    }
    END { print n + 0 }'
}

# Every uplink and downlink carries so many Mbit/s, behind a queue of 20 ms.
shape() {
  for interface in i0 i1 i2; do
    in_isp tc qdisc replace dev "$interface" root tbf rate "$1mbit" \
      burst 32kb latency 20ms
  done
}

# The ISP counts and drops packets, not what segmentation offload makes of many.
single_packets() { segments 1; }

whole_packets() { segments 65535; }

segments() {
  ip -n "$client_ns" link set c0 gso_max_segs "$1"
  ip -n "$client_ns" link set c1 gso_max_segs "$1"
  # A delaying cable takes single packets anyway.
  ip -n "$server_ns" link set s0 gso_max_segs "$1" 2>/dev/null || true
}

# old_flows STATEMENT-UP STATEMENT-DOWN: does so to each UDP flow after --after:
# MB in both directions together, or seconds.
old_flows() {
  case $after in
  *s)
    rule iifname != i2 meta l4proto udp ct state new \
      add @young "{ udp sport timeout $after }"
    rule iifname != i2 meta l4proto udp udp sport != @young $1
    rule iifname i2 meta l4proto udp udp dport != @young $2
    ;;
  *)
    over="ct bytes > $(calc "$after * 1000000" %d)"
    rule iifname != i2 meta l4proto udp $over $1
    rule iifname i2 meta l4proto udp $over $2
    ;;
  esac
}

cut_flows() { old_flows drop drop; }

# slow_flows MBIT: each flow gets that much in each direction, by a policer.
slow_flows() {
  limit="limit rate over $(calc "$1 * 125" %d) kbytes/second burst 32 kbytes"
  old_flows "update @slow { udp sport $limit } drop" \
    "update @slow { udp dport $limit } drop"
}

# lose PERCENT: at random, in each direction.
lose() {
  rule meta l4proto udp numgen random mod 1000 \
    "< $(calc "$1 * 10" %d)" drop
}

# watch_nat: each new mapping goes to $tmp/nat.out.
watch_nat() {
  need conntrack
  start nat "$1" "$nat_ns" stdbuf -oL conntrack -E -e NEW -p udp \
    -f "ipv$family"
  sleep 0.3 # until it listens; it does not tell
}

# nat_ports: `PORT-AT-THE-CLIENT PORT-AT-THE-ISP` of every mapping, in order.
nat_ports() {
  awk '/\[NEW\] .* src=(10\.1\.0\.2|fd01:[^ ]*2) / {
    own = ""
    for (i = 1; i <= NF; i++) {
      split($i, part, "=")
      if (part[1] == "sport" && own == "") own = part[2]
      if (part[1] == "dport") far = part[2]
    }
    print own, far
  }' "$tmp/nat.out"
}

# public_port PORT: what the NAT made of this client port.
public_port() {
  nat_ports | awk -v port="$1" '$1 == port { seen = $2 } END { print seen }'
}

# client_ports PID: the UDP ports that this process has open, the newest last.
client_ports() {
  in_client ss -Hunap state all | grep "pid=$1," |
    sed 's/.*fd=\([0-9]*\).*/\1 &/' |
    awk '{ n = split($4, part, ":"); print $1, part[n] }'
}

# capture NAME SECONDS NS INTERFACE HOST: `TIME SOURCE-PORT DEST-PORT` of each
# packet that comes from there goes to $tmp/NAME.out.
capture() {
  need tshark
  start "$1" "$2" "$3" tshark -l -n -i "$4" -f "udp and src host $5" \
    -T fields -e frame.time_epoch -e udp.srcport -e udp.dstport
  wait_for 20 "tshark on $4" grep -q -i 'capturing on' "$tmp/$1.err"
  sleep 1 # until it does what it says
}

# seen_ports NAME: each source port in the order of its first packet, with that
# packet's time and how many there were.
seen_ports() {
  awk '!($2 in n) { order[++ports] = $2; first[$2] = $1 } { n[$2]++ }
    END { for (i = 1; i <= ports; i++)
      print order[i], first[order[i]], n[order[i]] }' "$tmp/$1.out"
}
