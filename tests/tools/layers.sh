#!/bin/sh
# Runs layers.awk over all sources.
set -u
cd "$(dirname "$0")/../.." || exit 2
find support include frontend ir passes backend runtime tools tests examples \
    \( -name '*.[chly]' -o -name '*.def' \) -print 2>/dev/null | sort |
    xargs awk -f tests/tools/layers.awk tests/layers.txt
