#!/bin/sh
# Gate: base and core are pure.  Their objects need nothing but each other and
# the few functions listed below, and hold no writable data.
# Needs: gcc, binutils.  Exit status: 0 clean, 1 complaints.
. "$(dirname "$0")/common"

allowed='
memchr memcmp memcpy memmove memset strcmp strcspn strlen strncmp strnlen
malloc calloc realloc free
snprintf vsnprintf __snprintf_chk __vsnprintf_chk
__assert_fail __stack_chk_fail _GLOBAL_OFFSET_TABLE_
htonl htons ntohl ntohs inet_ntop inet_pton
'

make_version_h "$tmp/include"
for source in src/base/*.c src/core/*.c; do
  object=$(echo "${source%.c}.o" | tr / :)
  must "$source does not compile" gcc -std=c11 -O1 -fno-pic -D_DEFAULT_SOURCE \
    -Isrc -Iinclude -I"$tmp/include" -c "$source" -o "$tmp/$object" || true
done
nm -A "$tmp"/*.o >"$tmp/symbols"

# complain_of SYMBOL OBJECT WHY, at the line that names the symbol first.
complain_of() {
  source=$(basename "$2" .o | tr : /).c
  line=$(grep -nw -m1 -- "${1%.*}" "$source" | cut -d: -f1)
  complain "$source:${line:-1}: $1 $3"
}

# nm prints PATH/src:core:hop.o:VALUE TYPE NAME, without VALUE if undefined.
sed 's/^.*\/\(src:[^.]*\.o\):/\1 /' "$tmp/symbols" |
  awk -v allowed="$allowed" '
    BEGIN { n = split(allowed, a); for (i = 1; i <= n; i++) ok[a[i]] = 1 }
    { name = $NF; type = $(NF - 1) }
    type ~ /[A-TV-Z]/ { ok[name] = 1 }
    type ~ /[bBdDC]/ { print name, $1, "is writable data" }
    type == "U" || type == "w" { used[name " " $1] = name }
    END {
      for (u in used) if (!ok[used[u]]) print u, "is not on the list of purity.sh"
    }' | sort |
  while read -r name object why; do
    complain_of "$name" "$object" "$why"
  done
verdict
