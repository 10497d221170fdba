#!/bin/sh
# Gate: no function is longer than 60 lines, no file of src and include longer
# than 600.  With LINT_VERBOSE=1 notes on those over 40 and 350.
# Needs: git; the code to be formatted (format.sh).
# Exit status: 0 clean, 1 complaints.
. "$(dirname "$0")/common"

# A function starts at the last line that begins at the left margin before a
# line that ends with `{`, and ends with a line that is `}`.  Types and tables
# end with `};` or `} name;`.
files '*.c' '*.h' | xargs -r awk '
  function check(what, lines, note, limit, at) {
    if (lines > limit)
      print at ": " what " of " lines " lines, the limit is " limit
    else if (lines > note && verbose == 1)
      print "note: " at ": " what " of " lines " lines"
  }
  function end_file() {
    if (file ~ /^(src|include)\//) check("file", total, 350, 600, file ":1")
  }
  FNR == 1 { end_file(); file = FILENAME; inside = 0 }
  { total = FNR }
  /^extern "C" \{$/ { next }
  !inside && /^[A-Za-z_]/ { start = FNR }
  !inside && /\{$/ { inside = 1 }
  inside && /^\}$/ {
    check("function", FNR - start + 1, 40, 60, file ":" start)
  }
  /^\}/ { inside = 0 }
  END { end_file() }' verbose="${LINT_VERBOSE:-0}" >"$tmp/log"

grep '^note: ' "$tmp/log" || true
grep -v '^note: ' "$tmp/log" >>"$tmp/complaints" || true
verdict
