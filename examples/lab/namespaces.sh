# Read with `.` by lab.sh and by tests/net: can networks be made here?

# why_no_network: the reason why they cannot, else nothing.  Makes a namespace
# and uses it as the scenarios and tests do, and removes it: in a plain chroot
# `ip netns add` succeeds and `ip netns exec` does not.
why_no_network() (
  [ "$(id -u)" = 0 ] || {
    echo 'needs root'
    return
  }
  command -v ip >/dev/null || {
    echo 'no ip'
    return
  }
  probe=qmp$$
  trap 'ip netns del "$probe" 2>/dev/null || :' EXIT
  for step in 'netns add' 'netns exec' 'link add'; do
    case $step in
    'netns add') set -- ip netns add "$probe" ;;
    'netns exec')
      set -- ip netns exec "$probe" sysctl -qw net.ipv4.ip_forward=1
      ;;
    'link add')
      set -- ip -n "$probe" link add qmp0 type veth peer name qmp1
      ;;
    esac
    said=$("$@" 2>&1) || {
      echo "ip $step: $(echo "$said" | head -n 1)"
      return
    }
  done
)
