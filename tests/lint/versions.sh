#!/bin/sh
# Gate: shared libraries of different versions do not run together.  The private
# interface between them has a version node with the exact version in its name, so
# the loader refuses.
# Needs: cmake, binutils.  Exit status: 0 clean, 1 complaints.
. "$(dirname "$0")/common"

build_release

node=$(grep -o 'LIBQUICMIG_PRIVATE_[0-9.]*' src/pkg/libquicmig.map)
lib=$(basename "$(readlink -f build/release/src/libquicmig.so)")
soname=$(objdump -p build/release/src/libquicmig.so | awk '/SONAME/ { print $2 }')

# A libquicmig that differs in nothing but its version.
other=$(echo "$node" | tr 0-9 1-90)
sed "s/$node/$other/g" "build/release/src/$lib" >"$tmp/$soname"
if LD_LIBRARY_PATH=$tmp LD_PRELOAD=$tmp/$soname \
  build/release/examples/echo_client --help >"$tmp/out" 2>&1; then
  complain "src/pkg/libquicmig.map: an endpoint of $node ran with $other"
elif ! grep -q "$node. not found" "$tmp/out"; then
  complain "src/pkg/libquicmig.map: refused for another reason: $(cat "$tmp/out")"
fi

verdict
