#!/bin/sh
# An ISP that slows flows: hops that learn recover from it.
exec sh "$(dirname "$0")/../../examples/lab.sh" slow --size 80
