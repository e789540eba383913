#!/bin/sh
# Runs the reproductions tests/repro/NAME.sh, all or $REPRO (names with blanks
# between them). Each prints its table and exits 1 when a figure is off.
set -u
cd "$(dirname "$0")/../.." || exit 2
bad=0
for script in tests/repro/*.sh; do
	name=$(basename "$script" .sh)
	[ "$name" != run ] || continue
	case " ${REPRO:-$name} " in
	*" $name "*) ;;
	*) continue ;;
	esac
	echo "== $name"
	"$script" || bad=1
	seen=1
done
[ "${seen:-}" ] || {
	echo "no such reproduction: $REPRO" >&2
	exit 2
}
exit $bad
