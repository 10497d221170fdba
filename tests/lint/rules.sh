#!/bin/sh
# Gate: docs/rfc9000.md tells the truth about its tests.  Each row of its tables
# that is done names a test; each test that is named exists, its functions are
# called, ctest knows it, and it passed when preset dev was tested last (where
# it was not, or only in part, that is not looked at).
# Needs: git, cmake.  Exit status: 0 clean, 1 complaints.
. "$(dirname "$0")/common"

page=docs/rfc9000.md
costs=build/dev/Testing/Temporary/CTestCostData.txt

# What ctest knows, `unit/test_addr` a line, and what it made of it last: the
# part of CTestCostData.txt after --- names what failed.
if [ ! -f build/dev/CTestTestfile.cmake ]; then
  must 'cmake --preset dev' cmake --preset dev || verdict
fi
ctest --test-dir build/dev -N | sed -n 's/^ *Test *#[0-9]*: //p' >"$tmp/known"
touch "$tmp/ran" "$tmp/failed"
if [ -f "$costs" ]; then
  sed '/^---/,$d' "$costs" | awk '$2 > 0 { print $1 }' >"$tmp/ran"
  sed '1,/^---/d' "$costs" >"$tmp/failed"
fi

# check ROW SOURCE NAME: the test program NAME, whose text is SOURCE.
check() {
  if [ ! -f "$2" ]; then
    complain "$page: rule $1: $3: there is no $2"
    return
  fi
  case $2 in
  tests/net/*) return ;;
  tests/sim/*) id=sim/$3 ;;
  *) id=unit/$3 ;;
  esac
  grep -qx "$id" "$tmp/known" || complain "$page: rule $1: ctest has no $id"
  ! grep -qx "$id" "$tmp/failed" || complain "$page: rule $1: $id failed"
  # One alone may have been run: only a whole run says that one is missing.
  [ "$(wc -l <"$tmp/ran")" -lt "$(wc -l <"$tmp/known")" ] ||
    grep -qx "$id" "$tmp/ran" || complain "$page: rule $1: $id did not run"
}

# check_function ROW SOURCE FUNCTION: a test of cmocka's that is called.
check_function() {
  if ! grep -qE "^static void $3\(void \*\*" "$2" ||
    ! grep -qE "cmocka_unit_test[a-z_]*\( *$3\b" "$2"; then
    complain "$page: rule $1: $2 calls no test $3"
  fi
}

# check_cell ROW CELL: parts are separated by semicolons, and begin with `sim:`
# or `net:` unless they are of tests/unit; functions stand in backquotes after
# their file.
check_cell() {
  echo "$2" | sed 's/([^()]*)//g' | tr ';' '\n' | while read -r part; do
    case $part in
    net:*) folder=tests/net suffix=sh ;;
    sim:*) folder=tests/sim suffix=c ;;
    *) folder=tests/unit suffix=c ;;
    esac
    echo "$part" | grep -oE '`[a-z0-9_]+`|test_[a-z0-9_]+' |
      while read -r word; do
        case $word in
        '`'*) check_function "$1" "$source" "$(echo "$word" | tr -d '`')" ;;
        *)
          source=$folder/$word.$suffix
          check "$1" "$source" "$word"
          ;;
        esac
      done
  done
}

# NUMBER, who keeps it, and the tests, of each row, separated by bars.
grep -E '^\| [0-9]+ \|' "$page" | awk -F ' *[|] *' '
  NF != 8 { print $2 "|" "?" "|" "not six cells" ; next }
  { print $2 "|" $5 "|" $7 }' >"$tmp/rows"
[ "$(wc -l <"$tmp/rows")" -ge 35 ] || complain "$page: rows are missing"

while IFS='|' read -r number keeper cell; do
  case $keeper-$cell in
  'not done'*'-not done') continue ;;
  *test_*) ;;
  *) complain "$page: rule $number names no test" ;;
  esac
  case $cell in
  *'not tested'* | *'not six cells'*) complain "$page: rule $number: $cell" ;;
  esac
  check_cell "$number" "$cell"
done <"$tmp/rows"
verdict
