#!/bin/sh
# An unprivileged server behind 1,000 ports, or behind one to which a firewall
# redirects them, IPv4 and IPv6: nothing is lost.
exec sh "$(dirname "$0")/../../examples/lab.sh" port-range --hops 40
