#!/bin/sh
# The public libraries export nothing but wave_*, and each of them, and all
# together, link into a C program.
set -u
: "${LIB:=build/lib}" "${CC:=gcc}" "${SAN:=}" "${SCRATCH:?}"
libs='-lprotobuf-c -lelf -linih -lz -lcjson -lm -lpthread'
san=
[ "$SAN" = 1 ] && san=-fsanitize=address,undefined
echo 'int main(void) { return 0; }' >"$SCRATCH/main.c"

# links NAME ARCHIVE...: with all their members, whether needed or not
links() {
	name=$1
	shift
	# shellcheck disable=SC2086
	if $CC $san -o "$SCRATCH/main" "$SCRATCH/main.c" \
	    -Wl,--whole-archive "$@" -Wl,--no-whole-archive $libs 2>&1 |
	    sed 's/^/  /' && [ -x "$SCRATCH/main" ] && "$SCRATCH/main"; then
		echo "ok library links: $name"
	else
		echo "not ok library links: $name"
	fi
	rm -f "$SCRATCH/main"
}

for l in libwave libwaverun libwavesim; do
	other=$(nm -g --defined-only "$LIB/$l.a" |
	    awk 'NF == 3 && $3 !~ /^wave_/ { print "  " $3 }')
	if [ -z "$other" ]; then
		echo "ok library exports: $l"
	else
		printf '%s\n' "$other" | head -n 20
		echo "not ok library exports: $l"
	fi
	links $l "$LIB/$l.a"
done
links all "$LIB/libwave.a" "$LIB/libwavesim.a" "$LIB/libwaverun.a"
