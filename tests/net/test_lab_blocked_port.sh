#!/bin/sh
# An ISP that blocks the port in use: how soon traffic resumes.
exec sh "$(dirname "$0")/../../examples/lab.sh" blocked-port --hops 6
