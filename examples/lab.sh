#!/bin/sh
# A network laboratory in four namespaces, client - NAT - ISP - server, and what
# an ISP does to a VPN that hops (examples/tun_vpn) and to one that does not.
# See --help; the network is drawn in lab/net.sh.
#
# QUICMIG_BUILD: the folder with the examples, if there is no --build.
# Needs root, ip, nft, tc; single scenarios also ping, iperf3, tshark, conntrack
# and the other VPNs: install-deps.sh --test installs all of it.
# Exit status: 0 PASS, 1 FAIL, 2 wrong usage, 77 SKIP.
set -eu
export LC_ALL=C
root=$(cd "$(dirname "$0")/.." && pwd)
here=$root/examples/lab

usage() {
  cat <<'END'
usage: lab.sh up | down | list | SCENARIO [options]
up builds the network qmlab and leaves it, down removes it, list names the
scenarios.  A scenario uses that network, or one of its own which it removes.
Its last line is PASS, FAIL or SKIP, its name and the figures.
  --hop-interval S    mean time between hops
  --hop-bytes N       hop after so many bytes
  --hops N            hops, or disturbances, to wait for
  --rate MBIT         what the ISP carries
  --size MB           of a transfer
  --after MB|Ns       the ISP cuts or slows a flow after so many MB, or N s
  --duration S        of a measurement, 6 or more
  --rounds N          of interleaved measurements
  --family 4|6        [4]
  --adaptive          the client learns by itself what the ISP does
  --down              transfers go from the server to the client
  --delay MS          one way, between ISP and server [0; nat-rebind: 20]
  --build DIR         [build/release, else build/dev, else it is built]
Exit status: 0 PASS, 1 FAIL, 2 wrong usage, 77 SKIP.
END
}

wrong() {
  echo "lab.sh: $* (try --help)" >&2
  exit 2
}

scenarios() {
  cat <<'END'
ports         the client's port changes on schedule, also for the ISP and server
ping          30 hops under a ping: none lost, no later than without hops
forward-ping  the same for WireGuard through udp_forward
cut           the ISP cuts flows after 10 MB: hops outrun it, or learn to
slow          the ISP slows flows to a tenth after 10 MB: adaptive hops recover
blocked-port  the ISP blocks the port in use at random: how long is the silence
nat-rebind    the NAT forgets its mappings during hops
uplinks       the active uplink is unplugged; one comes and goes each second
iperf         TCP through the tunnel, with hops every 5 s against without
compare       the same beside tinc, OpenVPN and WireGuard (wireguard-go)
port-range    200 hops over 1,000 ports of an unprivileged server
congestion    adaptive: a competing TCP flow causes no needless hops
loss          adaptive: random loss causes no needless hops
idle          adaptive: nothing to send causes no needless hops
END
}

# number OPTION VALUE PATTERN
number() {
  case $2 in
  *"$newline"*) wrong "$1: there is a line break" ;;
  esac
  printf '%s\n' "$2" | grep -qxE -e "$3" || wrong "$1: '$2' is out of range"
}
newline='
'

options() {
  while [ $# -gt 0 ]; do
    option=$1
    case $option in
    --adaptive) adaptive=1 ;;
    --down) direction=-R ;;
    --help)
      usage
      exit 0
      ;;
    --hop-interval | --hop-bytes | --hops | --rate | --size | --after | \
      --duration | --rounds | --family | --delay | --build)
      [ $# -ge 2 ] || wrong "$option needs a value"
      shift
      one_option "$option" "$1"
      ;;
    *) wrong "unexpected argument $option" ;;
    esac
    shift
  done
}

decimal='[0-9]{1,4}(\.[0-9]{1,3})?'
one_option() {
  case $1 in
  --build) build=$2 ;;
  --family) number "$1" "$2" '[46]' ;;
  --after) number "$1" "$2" '[1-9][0-9]{0,4}s?' ;;
  --duration) number "$1" "$2" '([6-9]|[1-9][0-9]{1,4})' ;;
  --hop-bytes) number "$1" "$2" '[1-9][0-9]{4,11}' ;;
  --hop-interval | --delay) number "$1" "$2" "$decimal" ;;
  *) number "$1" "$2" '[1-9][0-9]{0,4}' ;;
  esac
  eval "$(echo "${1#--}" | tr - _)=\$2"
}

# When nothing is built yet: as the demo does it, with the messages on stderr.
build_all() {
  (cd "$root" && sh examples/install-deps.sh &&
    cmake --preset release -B build/lab -DQUICMIG_TESTS=OFF &&
    cmake --build build/lab) >&2 || wrong 'the examples cannot be built here'
}

# A relative QUICMIG_BUILD is below the root of the tree, as in tests/net.
find_build() {
  case $build in
  /*) ;;
  ?*) build=$PWD/$build ;;
  *)
    build=${QUICMIG_BUILD:-build/release}
    [ -n "${QUICMIG_BUILD:-}" ] || for build in build/release build/dev \
      build/lab; do
      [ ! -x "$root/$build/examples/tun_vpn" ] || break
    done
    case $build in
    /*) ;;
    *) build=$root/$build ;;
    esac
    ;;
  esac
}

hop_interval='' hop_bytes='' hops='' rate='' size='' after='' duration=''
rounds='' family=4 adaptive=0 direction='' delay='' build=''
decided=0 held=0 signals='HUP INT TERM' borrowed=0 made_namespaces='' cable_pid='' iperf_port=5201

[ $# -gt 0 ] || wrong 'no scenario named'
scenario=$1
shift
case $scenario in
--help)
  usage
  exit 0
  ;;
-*) wrong "unexpected argument $scenario" ;;
esac
options "$@"
find_build
for part in run namespaces net isp vpn load flows breaks ports range speed compare; do
  . "$here/$part.sh"
done
eval "server=\$server$family inner=\$inner$family public=\$public$family"

[ -n "$delay" ] || case $scenario in
nat-rebind) delay=20 ;;
*) delay=0 ;;
esac
case $scenario in
list)
  scenarios
  exit 0
  ;;
up | down) ;;
*) scenarios | grep -q "^$scenario " || wrong "no scenario $scenario" ;;
esac
case $scenario in
cut | slow) check_flow ;;
esac
case $scenario in
up | down) ;;
*) [ "$build" != "$root/build/lab" ] || build_all ;;
esac
tmp=$(mktemp -d)
: >"$tmp/missed"
trap close_lab EXIT
let_signals
case $scenario in
up | down) "lab_$scenario" ;;
*)
  open_lab
  "scenario_$(echo "$scenario" | tr - _)"
  ;;
esac
