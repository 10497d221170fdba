#!/bin/sh
# What ISP and server see of the client's port: another one at each hop,
# in the order of the hop log, none twice, and no ping is lost.
exec sh "$(dirname "$0")/../../examples/lab.sh" ports \
  --hops 12 --hop-interval 0.5
