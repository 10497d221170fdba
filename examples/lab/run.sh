# Read by lab.sh with `.`: processes that are started and ended, and a verdict.
# $tmp is the run's folder, $scenario its name.

in_client() { ip netns exec "$client_ns" "$@"; }
in_nat() { ip netns exec "$nat_ns" "$@"; }
in_isp() { ip netns exec "$isp_ns" "$@"; }
in_server() { ip netns exec "$server_ns" "$@"; }

say() { echo "$scenario: $*"; }

skip() {
  decided=1
  echo "SKIP $scenario: $*"
  exit 77
}

# give_up TEXT: nothing more can be measured.
give_up() {
  for file in "$tmp"/*.err; do
    [ ! -s "$file" ] || tail -n 5 "$file" | cut -c 1-300 |
      sed "s|^|$(basename "$file"): |"
  done >&2
  decided=1
  echo "FAIL $scenario: $*"
  exit 1
}

need() {
  for command in "$@"; do
    command -v "$command" >/dev/null || skip "no $command"
  done
}

need_program() {
  for program in "$@"; do
    [ -x "$build/examples/$program" ] ||
      skip "$build/examples/$program is not built"
  done
}

# own_program NAME: $program is it, from tests/net; a build without the tests
# has none, then it is compiled here.
own_program() {
  program=$build/tests/net/$1
  [ ! -x "$program" ] || return 0
  program=$tmp/$1
  [ ! -x "$program" ] || return 0
  need cc
  cc -std=c11 -O2 -D_DEFAULT_SOURCE -o "$program" "$root/tests/net/$1.c" ||
    give_up "tests/net/$1.c does not compile"
}

# hold_signals ... let_signals: a signal between the two waits.  Not ignored, or
# the programs that are started would ignore it too.
hold_signals() { trap 'held=1' $signals; }

let_signals() {
  trap 'exit 1' $signals
  [ "$held" = 0 ] || exit 1
}

# start NAME SECONDS NS COMMAND...: in the background, ended after so long.
# Prints to $tmp/NAME.out and $tmp/NAME.err.
start() {
  started=$tmp/$1 start_bound=$2 start_ns=$3
  shift 3
  : >"$started.out"
  : >"$started.err"
  hold_signals
  ip netns exec "$start_ns" timeout -k 2 "$start_bound" "$@" \
    >"$started.out" 2>"$started.err" </dev/null &
  echo $! >"$started.pid"
  let_signals
}

# runs NAME: not once it has ended, whether the shell has noticed or not.
runs() {
  [ -e "$tmp/$1.pid" ] || return 1
  case $(cut -d ' ' -f 3 "/proc/$(cat "$tmp/$1.pid")/stat" 2>/dev/null) in
  '' | Z) return 1 ;;
  esac
}

# join NAME: waits until it ends; its exit status is then in $status.
join() {
  status=0
  wait "$(cat "$tmp/$1.pid")" 2>/dev/null || status=$?
  rm -f "$tmp/$1.pid"
}

# stop NAME...: ends what start() started; timeout(1) hands the signal on, and
# kills what does not heed it within 2 s.
stop() {
  for stopped in "$@"; do
    [ -e "$tmp/$stopped.pid" ] || continue
    ! runs "$stopped" ||
      kill -TERM "$(cat "$tmp/$stopped.pid")" 2>/dev/null || true
    join "$stopped"
  done
}

stop_all() {
  for pid_file in "$tmp"/*.pid; do
    [ ! -e "$pid_file" ] || stop "$(basename "$pid_file" .pid)"
  done
}

# pid_of NAME: of the program itself, below timeout(1); empty once it has ended.
pid_of() {
  awk '{ print $1 }' \
    "/proc/$(cat "$tmp/$1.pid")/task/$(cat "$tmp/$1.pid")/children" \
    2>/dev/null || true
}

# until_true SECONDS COMMAND...: waits; its status tells whether it came true.
until_true() {
  tries=$(($1 * 20))
  shift
  until "$@"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.05
  done
}

# wait_for SECONDS WHAT COMMAND...: gives up if it does not come true.
wait_for() {
  awaited=$2 wait_seconds=$1
  shift 2
  until_true "$wait_seconds" "$@" || give_up "waited in vain: $awaited"
}

now() { date +%s.%N; }

# calc EXPRESSION [FORMAT]: decimals.
calc() { awk "BEGIN { printf \"${2:-%.3f}\", $1 }"; }

# is EXPRESSION: a comparison of decimals.
is() { awk "BEGIN { exit !($1) }"; }

# rank SHARE: that quantile of the numbers on standard input; 0.5: the median.
rank() {
  sort -g | awk -v share="$1" '{ v[NR] = $1 }
    END {
      i = int(share * NR)
      if (i < share * NR || i == 0) i++
      if (NR > 0) print v[i]
    }'
}

median() {
  sort -g | awk '{ v[NR] = $1 }
    END { if (NR) print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

count() { grep -c -e "$1" "$2" || true; }

# want WHAT VALUE OPERATOR LIMIT: OPERATOR as in awk.  What is missed is told
# on the last line.
want() {
  if [ -n "$2" ] && is "$2 $3 $4"; then
    return
  fi
  echo "$1 ${2:-unknown}, wanted $3 $4" >>"$tmp/missed"
}

# finish FIGURES: the last line and the exit status.
finish() {
  stop_all
  decided=1
  if [ -s "$tmp/missed" ]; then
    echo "FAIL $scenario: $*;" \
      "$(awk '{ printf "%s%s", sep, $0; sep = ", " }' "$tmp/missed")"
    exit 1
  fi
  echo "PASS $scenario: $*"
  exit 0
}
