#!/bin/sh
# An uplink that is unplugged, and one that comes and goes.
exec sh "$(dirname "$0")/../../examples/lab.sh" uplinks --hops 3 --duration 6
