#!/bin/sh
# An adaptive client beside a competing TCP flow makes no needless hops.
exec sh "$(dirname "$0")/../../examples/lab.sh" congestion --duration 12
