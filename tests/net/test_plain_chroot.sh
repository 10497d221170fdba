#!/bin/sh
# In a plain chroot, whose root is no mount, `ip netns add` succeeds and
# `ip netns exec` does not: there tests and scenarios are skipped, all of them
# for one reason, and none fails.
cd "$(dirname "$0")" || exit
. ./lab.sh
need unshare chroot
reason=$(why_no_network)
[ -z "$reason" ] || skip "$reason"
mkdir "$tmp/root" "$tmp/root/run" "$tmp/root/sys" "$tmp/root/tmp"

# in_chroot COMMAND: in the root of this tree.  What is mounted is seen in there
# only, and gone with it.
# shellcheck disable=SC2016
in_chroot() {
  unshare -m --propagation private sh -euc '
    for d in usr etc dev proc bin sbin lib lib64; do
      if [ -L "/$d" ]; then
        cp -a "/$d" "$1/$d"
      elif [ -d "/$d" ]; then
        mkdir -p "$1/$d"
        mount --rbind "/$d" "$1/$d"
      fi
    done
    mkdir -p "$1$2"
    mount --rbind "$2" "$1$2"
    exec chroot "$1" sh -c "cd \"\$1\" && $3" sh "$2"' \
    sh "$tmp/root" "$root" "$1" >"$tmp/said.out" 2>&1
}

in_chroot true || skip "no chroot: $(head -n 1 "$tmp/said.out")"
in_chroot '. examples/lab/namespaces.sh; why_no_network'
[ -s "$tmp/said.out" ] || skip 'ip netns exec works in a plain chroot'
status=0
in_chroot 'sh tests/net/run.sh' || status=$?
check 'tests/net/run.sh: status' "$status" -eq 0
check 'lines' "$(wc -l <"$tmp/said.out")" -eq 2
check 'skipped for a reason' "$(count '^skip all: ip netns exec: ' \
  "$tmp/said.out")" -eq 1
check 'the sum' "$(count '^0 passed, 0 failed, [1-9][0-9]* skipped$' \
  "$tmp/said.out")" -eq 1

status=0
in_chroot 'sh tests/net/test_connect.sh' || status=$?
check 'a test: status' "$status" -eq 77
check 'a test' "$(tail -n 1 "$tmp/said.out" | grep -c '^ip netns exec: ')" -eq 1
status=0
in_chroot 'sh examples/lab.sh idle' || status=$?
check 'a scenario: status' "$status" -eq 77
check 'a scenario' "$(count '^SKIP idle: ip netns exec: ' "$tmp/said.out")" -eq 1
verdict
