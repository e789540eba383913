#!/bin/sh
# Files of at most 800 lines, and lines of at most 80 columns in C sources.
# Tables (.def) are left out.
set -u

find support include frontend ir passes backend runtime tools tests examples \
    -name '*.[chly]' -print -o -name '*.sh' -print -o -name '*.awk' -print \
    2>/dev/null | sort >"${SCRATCH:?}/files"

# shellcheck disable=SC2046
if awk '
function finish() {
	if (lines > 800) {
		print "  " file ": " lines " lines"
		bad = 1
	}
}
FNR == 1 { finish(); file = FILENAME }
{ lines = FNR }
END { finish(); exit bad }' $(cat "$SCRATCH/files"); then
	echo "ok file length"
else
	echo "not ok file length"
fi

# shellcheck disable=SC2046
if grep '\.[ch]$' "$SCRATCH/files" | xargs expand | awk '
length > 80 { wide = 1 } END { exit wide }'; then
	echo "ok line width"
else
	grep '\.[ch]$' "$SCRATCH/files" | while IFS= read -r f; do
		expand "$f" | awk -v f="$f" '
		    length > 80 { print "  " f ":" NR ": " length " columns" }'
	done
	echo "not ok line width"
fi
