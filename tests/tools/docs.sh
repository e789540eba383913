#!/bin/sh
# Rewrites the documents that programs print: a program tests/tools/x.c with
# a line "/* doc: PATH */" prints PATH. With --check it only compares.
set -u
cd "$(dirname "$0")/../.." || exit 2
: "${OBJ:=build/opt}"
mkdir -p "$OBJ/doc"
for source in tests/tools/*.c; do
	[ -e "$source" ] || continue
	doc=$(sed -n 's|^/\* doc: \(.*\) \*/$|\1|p' "$source")
	[ -n "$doc" ] || continue
	new=$OBJ/doc/$(basename "$doc")
	"$OBJ/${source%.c}" >"$new" || exit 1
	if [ "${1:-}" != --check ]; then
		cmp -s "$new" "$doc" || { cp "$new" "$doc" && echo "$doc"; }
	elif diff -u "$doc" "$new" | head -n 40 | sed 's/^/  /' &&
	    cmp -s "$doc" "$new"; then
		echo "ok document $doc"
	else
		echo "not ok document $doc: run make docs"
	fi
done
