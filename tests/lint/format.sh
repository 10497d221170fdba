#!/bin/sh
# Gate: every C file is as clang-format with .clang-format leaves it.
# Needs: git, clang-format.  Exit status: 0 clean, 1 complaints.
. "$(dirname "$0")/common"

for folder in include src examples tests; do
  files "$folder/*.c" "$folder/*.h" "$folder/*.cc"
done | xargs -r clang-format --dry-run -Werror 2>"$tmp/log" || {
  grep -E '(error|warning):' "$tmp/log" || cat "$tmp/log"
} >>"$tmp/complaints"
verdict
