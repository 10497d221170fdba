#!/bin/sh
# Gate: the documents agree with the code.  In README.md and docs/*.md each C
# block after a line `<!-- compile -->` compiles, and so does one after
# `<!-- run NAME -->`, which is then built into tests/lint/programs/NAME.c and
# run: a client beside an echo_server that goes away, after which it has to end
# with 0 (readme, poll, libev); a server beside an echo_client (server); or by
# itself (alone).  Relative links lead to a file, and docs/configuration.md has
# every field of quicmig_options in backquotes.
# Needs: gcc, pkg-config, cmake.  Exit status: 0 clean, 1 complaints.
. "$(dirname "$0")/common"

for file in README.md docs/configuration.md; do
  [ -f "$file" ] || complain "$file is missing"
done
files README.md 'docs/*.md' >"$tmp/documents"
make_version_h "$tmp/include"
flags="-std=c11 -D_DEFAULT_SOURCE -Wall -Werror -Iinclude
  -I$tmp/include $(pkg-config --cflags libngtcp2 gnutls)"
build_release
lib=$PWD/build/release/src
echo_server=build/release/examples/echo_server
echo_client=build/release/examples/echo_client

# wait_for FILE PATTERN: for ten seconds at most.
wait_for() {
  tries=200
  until grep -q "$2" "$1"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.05
  done
}

# port_of FILE: of its line `listening on ADDRESS PORT`.
port_of() { sed -n 's/^listening on [^ ]* //p' "$1"; }

# start NAME SECONDS COMMAND...: in the background, for so long at most.
start() {
  out=$tmp/$1.out bound=$2
  shift 2
  : >"$out"
  timeout -k 1 "$bound" "$@" >"$out" 2>"$out.err" &
}

# A client ends when its server has gone; it would take 30 s to miss it.
run_client() {
  start echo 60 "$echo_server"
  echo_pid=$!
  wait_for "$tmp/echo.out" '^listening' || true
  start client 25 "$program" "$(port_of "$tmp/echo.out")"
  client_pid=$! status=0
  wait_for "$tmp/client.out" . || complain "$block: has not connected:" \
    "$(tail -n 1 "$tmp/client.out.err")"
  kill -TERM "$echo_pid"
  wait "$echo_pid" 2>"$tmp/killed" || true
  wait "$client_pid" || status=$?
  [ "$status" != 124 ] || status='none, it did not end'
  [ "$status" = 0 ] || complain "$block: exit status $status"
}

run_server() {
  start server 60 "$program"
  server_pid=$!
  wait_for "$tmp/server.out" '^listening' &&
    timeout 20 "$echo_client" --insecure --json --duration 500ms \
      --hop-interval 100ms 127.0.0.1 "$(port_of "$tmp/server.out")" \
      >"$tmp/result" 2>&1 && grep -q '"datagrams_lost":0' "$tmp/result" ||
    complain "$block: serves nobody: $(tail -n 1 "$tmp/result")" \
      "$(tail -n 1 "$tmp/server.out.err")"
  kill -TERM "$server_pid" || true
  wait "$server_pid" 2>"$tmp/killed" || true
}

# run_block NAME: $block into tests/lint/programs/NAME.c.
run_block() {
  program=$tmp/program
  gcc $flags -DBLOCK="\"$block\"" -o "$program" "tests/lint/programs/$1.c" \
    -L"$lib" -Wl,-rpath,"$lib" -lquicmig-ev -lquicmig-endpoint -lquicmig -lev \
    2>>"$tmp/complaints" || return 0
  case $1 in
  alone)
    timeout 20 "$program" >"$tmp/out" 2>&1 || complain "$block: exit status $?"
    ;;
  server) run_server ;;
  *) run_client ;;
  esac
}

# Each block becomes a file of its own that knows where it came from; the name of
# its program stands beside it.
while read -r document; do
  awk -v prefix="$tmp/$(echo "$document" | tr / :)" '
    /^```/ && out { close(out); out = ""; next }
    /^```c$/ && (compiles || name) {
      out = prefix ":" FNR ".c"
      if (name)
        print name >(out ".run")
      print "#line " FNR + 1 " \"" FILENAME "\"" >out
    }
    out && !/^```c$/ { print >out }
    { compiles = /^<!-- compile -->$/; name = "" }
    /^<!-- run [a-z]+ -->$/ { name = $3 }' "$document"

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

ran=0
for block in "$tmp"/*.c; do
  [ -f "$block" ] || continue
  gcc $flags -fsyntax-only "$block" 2>>"$tmp/complaints" || continue
  [ -f "$block.run" ] || continue
  run_block "$(cat "$block.run")"
  ran=$((ran + 1))
done
[ "$ran" -ge 5 ] || complain "only $ran blocks of the documents are run"

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
