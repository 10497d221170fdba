#!/bin/sh
# What an observer on the wire sees, before and behind the NAT (the numbers are
# those of docs/rfc9000.md):
#   12  no connection ID is ever seen on two 4-tuples, in either direction; in
#       REBIND mode it is, which proves that this check can fail
#    6  the first packet on a new 4-tuple fills 1200 bytes
#   19  DF is set, nothing is a fragment
#   20  IPv6 flow labels differ from hop to hop
# Ports are neither reflection-prone nor used again within 16 hops.
cd "$(dirname "$0")" || exit
. ./lab.sh
need tshark dumpcap
lab_up

# One server each, so that its port tells the connections apart.
clients='migrate4 migrate6 rebind4'
port_of() {
  case $1 in migrate4) echo 4431 ;; migrate6) echo 4432 ;; *) echo 4433 ;; esac
}

capture() {
  start before 40 "$nat_ns" dumpcap -q -i in -f udp -w "$tmp/before.pcap"
  start behind 40 "$server_ns" dumpcap -q -i s0 -f udp -w "$tmp/behind.pcap"
  wait_for 10 'dumpcap before the NAT' test -s "$tmp/before.pcap"
  wait_for 10 'dumpcap behind the NAT' test -s "$tmp/behind.pcap"
  for c in $clients; do
    host=$server4
    [ "$c" != migrate6 ] || host=$server6
    start_server "server_$c" --address "$host" --port "$(port_of "$c")"
    start_client "$c" 30 --hop-mode "${c%[46]}" --hop-interval 200ms \
      --rate 100 --duration 6s --stream-bytes 500000 "$host" "$(port_of "$c")"
  done
  for c in $clients; do
    end_client "$c"
  done
  # dumpcap gathers packets before it writes: this one is known to be the last.
  in_client bash -c "echo that-is-all >/dev/udp/$server4/9"
  for place in before behind; do
    wait_for 10 "the end of the capture $place" \
      grep -qa that-is-all "$tmp/$place.pcap"
    stop "$place"
  done
}

# packets PLACE OPTION...: what tshark tells of a capture.
packets() {
  place=$1
  shift
  tshark -n -o ip.defragment:FALSE -r "$tmp/$place.pcap" "$@" \
    2>"$tmp/tshark.err"
}

# The columns of capture.awk, and tshark's own reading of long headers.
read_capture() {
  packets "$1" --disable-protocol quic -Y udp -T fields \
    -e ip.src -e ipv6.src -e ip.dst -e ipv6.dst -e udp.srcport -e udp.dstport \
    -e ip.flags.df -e ipv6.flow -e udp.payload >"$tmp/$1.packets"
  packets "$1" -Y 'quic.header_form == 1' -d 'udp.port==4431-4433,quic' \
    -T fields -E occurrence=f -e udp.srcport -e udp.dstport -e quic.dcid \
    >"$tmp/$1.long"
}

# look PLACE CLIENT: the observer's findings go to $tmp/seen.
look() {
  awk -v server="$(port_of "$2")" -v long_ids="$tmp/ids" -f capture.awk \
    "$tmp/$1.packets" >"$tmp/seen"
  awk -v p="$(port_of "$2")" '$1 == p || $2 == p { print $3 }' \
    "$tmp/$1.long" >"$tmp/theirs"
  check "$1 $2: IDs of long headers as tshark reads them" \
    "$(cmp "$tmp/ids" "$tmp/theirs" && echo equal)" = equal
}

# seen WHAT OPERATOR EXPECTED
seen() {
  check "$at: $1" "$(sed -n "s/^$1 //p" "$tmp/seen")" "$2" "$3"
}

capture
for place in before behind; do
  read_capture "$place"
  check "$place: fragments" "$(packets "$place" -Y \
    'ip.flags.mf == 1 || ip.frag_offset > 0 || ipv6.fraghdr' | wc -l)" -eq 0
  for c in $clients; do
    at="$place $c"
    hops=$(value "$c" hops)
    look "$place" "$c"
    seen odd_ids -eq 0
    seen long_headers -ge 3
    seen packets_up -ge 500
    seen packets_down -ge 500
    check "$at: hops" "$hops" -ge 20
    # An attempt may be under way at the end.
    seen paths -ge $((hops + 1))
    seen paths -le $((hops + 2))
    seen no_df -eq 0
    seen shared_labels -eq 0
    if [ "$place" = before ]; then
      seen forbidden_ports -eq 0
      seen repeated_ports -eq 0
    fi
    case $c in
    migrate*)
      seen ids_up -ge $((hops + 1))
      seen ids_down -ge $((hops + 1))
      seen shared_up -eq 0
      seen shared_down -eq 0
      seen small_first -eq 0
      ;;
    rebind*)
      seen shared_up -ge "$hops"
      ;;
    esac
    labels=$(sed -n 's/^zero_labels //p' "$tmp/seen")
    [ "$c" != migrate6 ] || [ "$labels" = 0 ] ||
      echo "$at: flow labels not checked, this kernel sends $labels zeros"
  done
done
verdict
