#!/bin/sh
# Batches and the kernel's offloads: with and without UDP_SEGMENT (GSO) and
# UDP_GRO at both ends, over IPv4 and IPv6, hops under load lose nothing.  The
# NAT sees which messages are larger than a packet: some with GSO, none without.
# A socket with UDP_GRO is given messages as they came over the cable, one
# without every packet of them.  On an interface that does not take segments the
# kernel cuts them before it, which nobody else notices.
cd "$(dirname "$0")" || exit
. ./lab.sh
lab_up

# watch_size PORT: the NAT counts packets, and those larger than the cable's.
watch_size() {
  block udp dport "$1" counter comment "up_$1"
  block udp sport "$1" counter comment "down_$1"
  block udp dport "$1" meta length gt 1500 counter comment "large_up_$1"
  block udp sport "$1" meta length gt 1500 counter comment "large_down_$1"
}

# seen COMMENT: how many packets that rule counted.
seen() {
  in_nat nft list chain inet block forward |
    sed -n 's/.* packets \([0-9]*\) .*comment "'"$1"'".*/\1/p'
}

# received NS FAMILY: messages that programs there took from the kernel.
received() {
  if [ "$2" = 4 ]; then
    ip netns exec "$1" awk '/^Udp: [0-9]/ { print $2 }' /proc/net/snmp
  else
    ip netns exec "$1" awk '/^Udp6InDatagrams/ { print $2 }' /proc/net/snmp6
  fi
}

# pair NAME FAMILY PORT TIME RATE BYTES [OPTION...]: a client and a server of
# its own, both with these options.
pair() {
  who=$1 family=$2 port=$3 time=$4 rate=$5 bytes=$6
  shift 6
  eval "host=\$server$family"
  watch_size "$port"
  start_server "server_$who" --address "$host" --port "$port" "$@"
  start_client "$who" 30 --hop-interval 1s --hop-jitter 10 --rate "$rate" \
    --duration "$time" --stream-bytes "$bytes" "$@" "$host" "$port"
}

# intact NAME HOPS SENT BYTES
intact() {
  end_client "$1"
  check_value "$1" datagrams_sent -ge "$3"
  check_value "$1" datagrams_lost -eq 0
  check_value "$1" stream_bytes -eq "$4"
  check_value "$1" stream_ok = true
  check_value "$1" hops -ge "$2"
  check_value "$1" hops_failed -eq 0
}

# large PORT OPERATOR: than 0, both ways.
large() {
  for way in up down; do
    check "$way $1: large messages" "$(seen "large_${way}_$1")" "$2" 0
  done
}

# --- every combination, both families, at once -------------------------------

rows='0 with
1 no_gso --no-gso
2 no_gro --no-gro
3 neither --no-gso --no-gro'

while read -r n row options; do
  for family in 4 6; do
    pair "$row$family" "$family" "44$family$n" 5s 300 1500000 $options
  done
done <<END
$rows
END
while read -r n row options; do
  for family in 4 6; do
    intact "$row$family" 4 1400 1500000
    case $options in
    *no-gso*) large "44$family$n" -eq ;;
    *) large "44$family$n" -gt ;;
    esac
  done
done <<END
$rows
END

# --- what the receivers are given: IPv4 with UDP_GRO, IPv6 without -----------

before() {
  for family in 4 6; do
    eval "up$family=$(received "$server_ns" "$family")"
    eval "down$family=$(received "$client_ns" "$family")"
  done
}

# given FAMILY OPERATOR: messages taken since before(), against those on the
# cable.
given() {
  eval "up=\$up$1 down=\$down$1"
  check "IPv$1 up: messages taken" \
    "$(($(received "$server_ns" "$1") - up))" "$2" "$(seen "up_44${1}4")"
  check "IPv$1 down: messages taken" \
    "$(($(received "$client_ns" "$1") - down))" "$2" "$(seen "down_44${1}4")"
}

before
pair taken4 4 4444 1s 100 1500000
pair taken6 6 4464 1s 100 1500000 --no-gro
for family in 4 6; do
  intact "taken$family" 0 90 1500000
  large "44${family}4" -gt
done
given 4 -le
given 6 -gt

# --- interfaces that take no segments ----------------------------------------

ip -n "$client_ns" link set c0 gso_max_segs 1
ip -n "$server_ns" link set s0 gso_max_segs 1
if command -v ethtool >/dev/null; then
  # Nor do they compute checksums: older kernels then refuse GSO with EIO.
  in_client ethtool -K c0 tx off >"$tmp/ethtool" 2>&1 || cat "$tmp/ethtool"
  in_server ethtool -K s0 tx off >"$tmp/ethtool" 2>&1 || cat "$tmp/ethtool"
else
  echo 'checksum offload not switched off: no ethtool'
fi
for family in 4 6; do
  pair "plain$family" "$family" "44${family}5" 2s 300 1500000
done
for family in 4 6; do
  intact "plain$family" 1 560 1500000
  large "44${family}5" -eq
done
verdict
