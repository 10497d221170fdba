#!/bin/sh
# Hops through an IPv6 NAT: nothing is lost; see hops.sh.
cd "$(dirname "$0")" || exit
host=fd02::2
. ./hops.sh
