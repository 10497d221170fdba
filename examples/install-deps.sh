#!/bin/sh
# Installs what libquicmig needs and this Debian machine lacks.
#
#   install-deps.sh            to build the libraries and the examples
#   install-deps.sh --runtime  to run programs that are built already
#   install-deps.sh --test     to build, and to run every test and lint
#
# Needs: apt, and root if something is missing; without root it names the
# missing packages.  Debian 12 has too old an ngtcp2, so there it is taken from
# the backports of the mirror that the machine uses already; apt's own list of
# sources stays as it is.  Silent when there is nothing to do.
#
# Exit status: 0 all there, 1 something is missing, 2 wrong usage.
set -eu

runtime='
libngtcp2-16                  so    libngtcp2.so.16
libngtcp2-crypto-gnutls8      so    libngtcp2_crypto_gnutls.so.8
libgnutls30                   so    libgnutls.so.30
libev4                        so    libev.so.4
'
build='
gcc                           cmd   gcc
g++                           cmd   g++
cmake                         cmd   cmake
ninja-build                   cmd   ninja
pkg-config                    cmd   pkg-config
libngtcp2-dev                 pc    libngtcp2 1.11.0
libngtcp2-crypto-gnutls-dev   pc    libngtcp2_crypto_gnutls 1.11.0
libgnutls28-dev               pc    gnutls 3.7.5
libev-dev                     h     ev.h
'
# libunistring-dev: gnutls.pc names it to those who link statically.
test='
git                           cmd   git
libcmocka-dev                 pc    cmocka
clang                         cmd   clang
libclang-rt-dev               clang -fsanitize=address
clang-format                  cmd   clang-format
valgrind                      cmd   valgrind
tshark                        cmd   tshark
nftables                      cmd   nft
iproute2                      cmd   ip
procps                        cmd   pgrep
doxygen                       cmd   doxygen
binutils                      cmd   nm
gnutls-bin                    cmd   certtool
libunistring-dev              h     unistr.h
iptables                      cmd   iptables
iputils-ping                  cmd   ping
conntrack                     cmd   conntrack
iperf3                        cmd   iperf3
tinc                          cmd   tincd
openvpn                       cmd   openvpn
wireguard-go                  cmd   wireguard-go
wireguard-tools               cmd   wg
'

# has KIND NAME [VERSION]: is it there, whatever package it came from?
has() {
  case $1 in
  cmd) command -v "$2" ;;
  so) ldconfig -p | grep -qF "$2 " ;;
  pc) pkg-config --atleast-version="${3:-0}" "$2" ;;
  h) echo "#include <$2>" | gcc -E -xc - ;;
  clang) echo 'int main(void) { return 0; }' | clang "$2" -xc - -o /dev/null ;;
  esac >/dev/null 2>&1
}

missing() {
  echo "$wanted" | while read -r package kind name version; do
    [ -z "$package" ] || has "$kind" "$name" "$version" || echo "$package"
  done
}

# Everything goes to a log that is shown only if the command fails.
apt() {
  apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 \
    -o Acquire::Retries=3 -o Dir::Etc::SourceList="$tmp/sources.list" \
    -o Dir::Etc::SourceParts="$tmp/parts" "$@" >"$tmp/log" 2>&1 || {
    cat "$tmp/log" >&2
    echo "install-deps.sh: apt-get $1 failed" >&2
    exit 1
  }
}

# A copy of apt's sources, to which a line can be added.
copy_sources() {
  mkdir "$tmp/parts"
  touch "$tmp/sources.list"
  [ ! -f /etc/apt/sources.list ] || cp /etc/apt/sources.list "$tmp/"
  for file in /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources
  do
    [ ! -f "$file" ] || cp "$file" "$tmp/parts/"
  done
}

# Adds the backports of the main mirror unless they are there: two entries for
# one suite may disagree on Signed-By, which apt refuses.
add_backports() {
  targets=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' \
    'Identifier: Packages')
  if echo "$targets" | grep -q " $backports\$"; then
    return
  fi
  mirror=$(echo "$targets" |
    awk -v suite="$VERSION_CODENAME" '$2 == suite { print $1; exit }')
  if [ -z "$mirror" ]; then
    echo "install-deps.sh: no mirror of $VERSION_CODENAME is configured" >&2
    exit 1
  fi
  key=/usr/share/keyrings/debian-archive-keyring.gpg
  options=
  [ ! -f "$key" ] || options="[signed-by=$key] "
  echo "deb $options$mirror $backports main" >"$tmp/parts/backports.list"
  apt update
}

case ${1-} in
'') wanted=$build ;;
--runtime) wanted=$runtime ;;
--test) wanted=$build$test ;;
*)
  echo 'usage: install-deps.sh [--runtime | --test]' >&2
  exit 2
  ;;
esac

packages=$(missing)
[ -n "$packages" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo 'install-deps.sh: these Debian packages are missing:' $packages >&2
  exit 1
fi

. /etc/os-release
backports=$VERSION_CODENAME-backports
export DEBIAN_FRONTEND=noninteractive
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

copy_sources
apt update
if [ "${VERSION_ID-}" = 12 ]; then
  case $packages in
  *ngtcp2*)
    add_backports
    packages=$(echo "$packages" | sed "s,^libngtcp2.*,&/$backports,")
    ;;
  esac
fi
apt install $packages

packages=$(missing)
if [ -n "$packages" ]; then
  echo 'install-deps.sh: installed, but still not usable:' $packages >&2
  exit 1
fi
