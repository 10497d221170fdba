#!/bin/sh
# Gate: every example program answers --help with its usage and exit status 0,
# an unknown option with status 2, and an argument too many or too few with
# status 2 and one readable line.
# Needs: cmake.  Exit status: 0 clean, 1 complaints.
. "$(dirname "$0")/common"

build_release

# try STATUS ARGUMENT...: runs $program, output in $tmp/out.
try() {
  want=$1 got=0
  shift
  timeout 5 "$program" "$@" >"$tmp/out" 2>&1 </dev/null || got=$?
  [ "$got" = "$want" ] ||
    complain "$program $*: exit status $got, should be $want"
}

found=0
for program in build/release/examples/*; do
  [ -f "$program" ] && [ -x "$program" ] || continue
  found=1
  try 0 --help
  grep -qi usage "$tmp/out" || complain "$program --help: prints no usage"
  try 2 --no-such-option
  grep -q -e no-such-option "$tmp/out" ||
    complain "$program --no-such-option: does not name the option"
  try 2 one-argument
  lines=$(wc -l <"$tmp/out")
  [ "$lines" = 1 ] ||
    complain "$program one-argument: prints $lines lines, should be 1"
  ! grep -q '[^ -~]' "$tmp/out" ||
    complain "$program one-argument: its line has unreadable characters"
done
[ "$found" = 1 ] || complain 'build/release/examples: no program was built'
verdict
