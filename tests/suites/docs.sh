#!/bin/sh
# Generated documents are up to date, and links between documents lead
# somewhere.
set -u
tests/tools/docs.sh --check

# The targets of [text](target), without web addresses and anchors; code
# between ``` lines holds no links.
broken=$(find . -name '*.md' ! -path './build/*' ! -path './.git/*' |
    sort | while IFS= read -r f; do
	awk '/^ *```/ { code = !code } !code' "$f" |
	    grep -o ']([^)]*)' | sed 's/^](//; s/)$//; s/#.*//; s/ ".*//' |
	    while IFS= read -r target; do
		case $target in
		'' | *://* | mailto:*) ;;
		*) [ -e "$(dirname "$f")/$target" ] || echo "  $f: $target" ;;
		esac
	done
done)
if [ -z "$broken" ]; then
	echo "ok links"
else
	printf '%s\n' "$broken"
	echo "not ok links"
fi
