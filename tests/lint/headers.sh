#!/bin/sh
# Gate: everything in the public headers is documented.  Doxygen makes the
# reference in build/docs/api from docs/Doxyfile, its warnings are complaints.
# Needs: doxygen.  Exit status: 0 clean, 1 complaints.
. "$(dirname "$0")/common"

mkdir -p build/docs
doxygen docs/Doxyfile >"$tmp/log" 2>&1 || {
  grep -E '(warning|error): ' "$tmp/log" || cat "$tmp/log"
} | sed "s,^$PWD/,," >>"$tmp/complaints"
verdict
