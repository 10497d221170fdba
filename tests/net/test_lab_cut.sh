#!/bin/sh
# An ISP that cuts flows: a transfer dies without hops, and completes with hops
# before that, or with hops that learn.
exec sh "$(dirname "$0")/../../examples/lab.sh" cut --size 60
