#!/bin/sh
# A NAT that forgets its mappings during hops: the tunnel goes on.
exec sh "$(dirname "$0")/../../examples/lab.sh" nat-rebind --hops 5
