#!/bin/sh
# Each header compiles alone, and the public ones as C++ too.
set -u
: "${OBJ:=build/opt}" "${CC:=gcc}"

flags="-fsyntax-only -I. -Iinclude -I$OBJ/gen -I$OBJ/gen/onnx
	-D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Werror"

# check NAME COMMAND...
check() {
	name=$1
	shift
	if out=$("$@" 2>&1); then
		echo "ok $name"
	else
		printf '%s\n' "$out" | sed 's/^/  /'
		echo "not ok $name"
	fi
}

cxx=$(command -v g++ || command -v clang++)
find support include frontend ir passes backend runtime tools tests \
    -name '*.h' -print 2>/dev/null | sort | while IFS= read -r h; do
	# shellcheck disable=SC2086
	check "header $h" $CC -std=c11 $flags -x c "$h"
	case $h in
	include/wave/*)
		if [ -z "$cxx" ]; then
			echo "skip header $h as C++"
			continue
		fi
		# shellcheck disable=SC2086
		check "header $h as C++" "$cxx" -std=c++11 $flags -x c++ "$h" ;;
	esac
done
