#!/bin/sh
# Hops through an IPv4 NAT: nothing is lost; see hops.sh.
cd "$(dirname "$0")" || exit
host=10.2.0.2
. ./hops.sh
