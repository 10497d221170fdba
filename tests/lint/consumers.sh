#!/bin/sh
# Gate: the installed libraries serve others.  Each public header compiles alone
# in C and C++, and tests/lint/consumer builds and runs in C and C++ against
# each library: shared and static by pkg-config, and by find_package(quicmig).
# Needs: cmake, pkg-config, gcc, g++, binutils.
# Exit status: 0 clean, 1 complaints.
. "$(dirname "$0")/common"

build_release
prefix=$tmp/usr
must 'cmake --install' cmake --install build/release --prefix "$prefix" ||
  verdict
pc=$(find "$prefix" -name libquicmig.pc)
libdir=$(dirname "$(dirname "${pc:-$prefix/lib/pkgconfig/none}")")
export PKG_CONFIG_PATH="$libdir/pkgconfig" LD_LIBRARY_PATH="$libdir"
consumer=tests/lint/consumer

# compile WHAT COMPILER [ARGUMENT...]
compile() {
  name=$1
  shift
  must "$name" "$@" -Wall -Wextra -Wpedantic -Werror
}

# try WHAT COMPILER SOURCE: builds $tmp/program with $cflags and $libs, runs it.
try() {
  rm -f "$tmp/program"
  compile "$1 does not build" "$2" "$3" $cflags -o "$tmp/program" $libs &&
    must "$1 does not run" "$tmp/program"
}

by_pkg_config() {
  with=$2
  must "$1.pc" pkg-config --exists --print-errors "$1" || return 0
  cflags="$with $(pkg-config --cflags "$1")"
  libs=$(pkg-config --libs "$1")
  try "C with $1.so" gcc $consumer/main.c || true
  try "C++ with $1.so" g++ $consumer/main.cc || true
  # The archives by name, or the linker takes the shared ones beside them.
  libs=$(pkg-config --static --libs "$1" |
    sed 's/-l\(quicmig[a-z-]*\)/-l:lib\1.a/g')
  if try "C with $1.a" gcc $consumer/main.c &&
    readelf -d "$tmp/program" | grep -q 'NEEDED.*libquicmig'; then
    complain "C with $1.a: needs a shared library of ours"
  fi
}

by_cmake() {
  build=$tmp/build
  must 'find_package(quicmig)' cmake -S $consumer -B "$build" \
    -DCMAKE_PREFIX_PATH="$prefix" || return 0
  must 'find_package(quicmig), linking' cmake --build "$build" || return 0
  for target in quicmig endpoint ev; do
    for kind in '' _cxx _static _static_cxx; do
      must "quicmig::$target$kind does not run" "$build/$target$kind" || true
    done
  done
}

cflags="-I$prefix/include $(pkg-config --cflags libngtcp2 gnutls)"
for header in "$prefix"/include/quicmig/*.h; do
  name=include/quicmig/$(basename "$header")
  printf "#include <%s>\ntypedef int alone;\n" "${name#include/}" >"$tmp/alone.c"
  cp "$tmp/alone.c" "$tmp/alone.cc"
  compile "$name as C" gcc -std=c11 -fsyntax-only $cflags "$tmp/alone.c" || true
  compile "$name as C++" g++ -std=c++11 -fsyntax-only $cflags "$tmp/alone.cc" ||
    true
done

if [ "$(realpath -m "$(pkg-config --variable=includedir libquicmig)")" = \
  "$prefix/include" ]; then
  by_pkg_config libquicmig ''
  by_pkg_config libquicmig-endpoint -DWITH_ENDPOINT
  by_pkg_config libquicmig-ev -DWITH_EV
else
  complain 'src/pkg/lib.pc.in:1: does not follow cmake --install --prefix'
fi
by_cmake
verdict
