#!/bin/sh
# Gate: what a shared library exports, what its version map names and what the
# public headers declare is the same.  Names under a node *_PRIVATE_x.y.z are
# for our own libraries and in no public header.
# Needs: cmake, binutils.  Exit status: 0 clean, 1 complaints.
. "$(dirname "$0")/common"

build_release

# only_in A B TEXT: complains of each line of file A that is not in B.
only_in() {
  comm -23 "$1" "$2" | while read -r name; do
    at=$(grep -nw "$name" include/quicmig/*.h src/pkg/*.map | head -n 1 |
      cut -d: -f1,2)
    complain "${at:-src/pkg}: $name $3"
  done
}

# The lines `NODE NAME` of a map's global names.
map_names() {
  sed 's,/\*.*\*/,,' "$1" | awk '
    /\{/ { node = $1; global = 0 }
    /global:/ { global = 1 }
    /local:/ { global = 0 }
    global && /;/ && $NF ~ /^[a-z]/ { sub(";", "", $NF); print node, $NF }'
}

for map in src/pkg/*.map; do
  lib=$(basename "$map" .map)
  map_names "$map" >"$tmp/$lib.names"
  awk '{ print $2 }' "$tmp/$lib.names" | sort >"$tmp/mapped"
  if [ ! -f "build/release/src/$lib.so" ]; then
    complain "$map:1: $lib.so is not built"
    continue
  fi
  nm -D --defined-only "build/release/src/$lib.so" |
    awk '$2 != "A" { sub("@.*", "", $3); print $3 }' | sort >"$tmp/exported"
  only_in "$tmp/exported" "$tmp/mapped" "is exported by $lib.so, not in its map"
  only_in "$tmp/mapped" "$tmp/exported" "is in $map, not exported by $lib.so"
done

for lib in libquicmig libquicmig-endpoint libquicmig-ev; do
  [ -f "src/pkg/$lib.map" ] || complain "src/pkg/$lib.map is missing"
done

grep -hv '_PRIVATE_[0-9.]* ' "$tmp"/*.names | awk '{ print $2 }' | sort >"$tmp/public"
uniq -d "$tmp/public" | while read -r name; do
  complain "src/pkg: $name is in more than one map"
done
sort -u -o "$tmp/public" "$tmp/public"

# Declarations on one line each, without comments and preprocessor lines.
for header in include/quicmig/*.h; do
  sed '/^ *#/d' "$header" | tr '\n' ' ' | sed 's,/\*,\n&,g' |
    sed 's,^/\*.*\*/,,' | tr '\n' ' ' | grep -o 'QUICMIG_EXTERN [^;]*;' |
    sed 's/[(;].*//; s/ *$//; s/.*[ *]//'
done | sort >"$tmp/declared"
uniq -d "$tmp/declared" | while read -r name; do
  complain "include/quicmig: $name is declared twice"
done
only_in "$tmp/declared" "$tmp/public" 'is declared public, but in no map'
only_in "$tmp/public" "$tmp/declared" 'is in a map, but in no public header'
verdict
