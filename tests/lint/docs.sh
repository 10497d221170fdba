#!/bin/sh
# Gate: the documents agree with the code.  In README.md and docs/*.md each C
# block after a line `<!-- compile -->` compiles, relative links lead to a file,
# and docs/configuration.md has every field of quicmig_options in backquotes.
# Needs: gcc, pkg-config.  Exit status: 0 clean, 1 complaints.
. "$(dirname "$0")/common"

for file in README.md docs/configuration.md; do
  [ -f "$file" ] || complain "$file is missing"
done
files README.md 'docs/*.md' >"$tmp/documents"
make_version_h "$tmp/include"
flags="-std=c11 -D_DEFAULT_SOURCE -fsyntax-only -Wall -Werror -Iinclude
  -I$tmp/include $(pkg-config --cflags libngtcp2 gnutls)"

# Each block becomes a file of its own that knows where it came from.
while read -r document; do
  awk -v prefix="$tmp/$(echo "$document" | tr / :)" '
    /^```/ && out { close(out); out = ""; next }
    /^```c$/ && marked {
      out = prefix ":" FNR ".c"
      print "#line " FNR + 1 " \"" FILENAME "\"" >out
    }
    out && !/^```c$/ { print >out }
    { marked = /^<!-- compile -->$/ }' "$document"

  grep -no '](\([^)]*\))' "$document" | sed 's/](\([^)# ]*\).*/\1/' |
    while IFS=: read -r line link; do
      case $link in
      '' | http:* | https:* | mailto:*) ;;
      *)
        [ -e "$(dirname "$document")/$link" ] ||
          complain "$document:$line: the link to $link leads nowhere"
        ;;
      esac
    done
done <"$tmp/documents"

for block in "$tmp"/*.c; do
  [ ! -f "$block" ] ||
    gcc $flags "$block" 2>>"$tmp/complaints" || true
done

sed -n '/^typedef struct quicmig_options {/,/^}/p' include/quicmig/model.h |
  sed 's,/\*.*\*/,,; s,/\*.*,,' |
  sed -n 's/^  [a-z].* \**\([a-z_0-9]*\)\(\[[^]]*\]\)\{0,1\};.*/\1/p' |
  grep -vxE 'size|reserved' >"$tmp/fields"
while read -r field; do
  [ -f docs/configuration.md ] || break
  grep -qF "\`$field\`" docs/configuration.md ||
    complain "docs/configuration.md: does not name the option $field"
done <"$tmp/fields"
[ -s "$tmp/fields" ] || complain 'docs.sh finds no options in model.h'
verdict
