#!/bin/sh
# An adaptive client that has nothing to send makes no needless hops.
exec sh "$(dirname "$0")/../../examples/lab.sh" idle --duration 8
