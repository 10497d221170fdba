#!/bin/sh
# Gate: includes go down the layers only.
#
#                  endpoint                 ev, examples: <quicmig/...> only
#                     |
#                    quic
#                   /    \
#                core    io
#                   \    /
#                    base
#
# Needs: git.  Exit status: 0 clean, 1 complaints.
. "$(dirname "$0")/common"

# is_allowed LAYER HEADER, the header with its quotes or brackets.
is_allowed() {
  case "$1 $2" in
  'base "base/'* | 'base <quicmig/types.h>') ;;
  'core "base/'* | 'core "core/'*) ;;
  'core <quicmig/types.h>' | 'core <quicmig/model.h>') ;;
  'io "base/'* | 'io "io/'* | 'io <quicmig/types.h>') ;;
  'quic <ngtcp2/ngtcp2_crypto'*) return 1 ;;
  'quic "base/'* | 'quic "core/'* | 'quic "io/'* | 'quic "quic/'*) ;;
  'quic <quicmig/'* | 'quic <ngtcp2/'*) ;;
  'endpoint "base/'* | 'endpoint "io/'* | 'endpoint "endpoint/'*) ;;
  'endpoint "quic/private.h"' | 'endpoint "quic/evidence.h"' | \
    'endpoint "quic/pacing.h"' | 'endpoint "core/pace.h"') ;;
  'endpoint <quicmig/'* | 'endpoint <ngtcp2/'* | 'endpoint <gnutls/'*) ;;
  'ev <quicmig/'* | 'ev <ev.h>') ;;
  'examples <quicmig/'* | 'examples <ev.h>') ;;
  'examples <ngtcp2/'* | 'examples <gnutls/'*) ;;
  # An example's own headers, and what all of them share.
  'examples "cli.h"' | 'examples "../cli.h"') ;;
  'examples "remotes.h"' | 'examples "../remotes.h"') ;;
  'examples "printable.h"' | 'examples "../printable.h"') ;;
  'examples "goodbye.h"' | 'examples "../goodbye.h"') ;;
  'examples "'*'/'*) return 1 ;;
  'examples "'*) [ -f "$folder/$(echo "$2" | tr -d '"')" ] ;;
  'types.h <quicmig/version.h>' | 'model.h <quicmig/types.h>') ;;
  'quicmig.h <quicmig/'* | 'quicmig.h <ngtcp2/ngtcp2.h>') ;;
  'endpoint.h <quicmig/'* | 'endpoint.h <ngtcp2/ngtcp2.h>') ;;
  'ev.h <quicmig/'* | 'ev.h <ev.h>') ;;
  *' "'* | *' <quicmig/'* | *' <ngtcp2/'*) return 1 ;;
  *' <gnutls/'* | *' <ev.h>' | *' <ev++.h>') return 1 ;;
  esac
}

files 'src/*.[ch]' 'examples/*.[ch]' 'include/*.h' >"$tmp/files"
xargs grep -Hn '^ *# *include' <"$tmp/files" |
  sed 's/: *# *include */ /; s/[[:space:]]*\/[*].*//' |
  while read -r at header; do
    case $at in
    src/*) layer=${at#src/} && layer=${layer%%/*} ;;
    include/*) layer=${at##*/} && layer=${layer%%:*} ;;
    *) layer=examples ;;
    esac
    folder=$(dirname "${at%%:*}")
    is_allowed "$layer" "$header" || complain "$at: $layer includes $header"
  done
verdict
