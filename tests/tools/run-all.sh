#!/bin/sh
# Runs the tests and counts. Environment:
#   BIN LIB OBJ CC  as the Makefile has them
#   T               only the jobs whose name holds this basic regular expression
#   JOBS            how many at once (2)
#   TIMEOUT         seconds for one job (900)
# A job is one unit test executable, one filetest or one suite; its name is
# its path below tests/. Each prints "ok NAME", "not ok NAME" or "skip NAME"
# lines, and anything else as detail. The last line is the sum.
set -u
cd "$(dirname "$0")/../.." || exit 2
root=$PWD
: "${BIN:=build/bin}" "${LIB:=build/lib}" "${OBJ:=build/opt}"
: "${T:=}" "${JOBS:=2}" "${CC:=gcc}"
: "${TIMEOUT:=900}"
case $BIN in /*) ;; *) BIN=$root/$BIN ;; esac
case $LIB in /*) ;; *) LIB=$root/$LIB ;; esac
case $OBJ in /*) ;; *) OBJ=$root/$OBJ ;; esac
TESTS=$OBJ/tests
SHARED=$root/../shared
export BIN LIB OBJ CC TESTS SHARED TIMEOUT
export PATH="$BIN:$PATH"
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1:strict_string_checks=1:\
detect_stack_use_after_return=1:allocator_may_return_null=1}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"

logs=$TESTS/log
rm -rf "$logs"
mkdir -p "$logs" || exit 2

jobs() {
	# Suites first: they take longest.
	for f in tests/suites/*.sh; do
		[ -x "$f" ] && echo "$f"
	done
	for f in tests/unit/*/test_*.c; do
		[ -e "$f" ] && echo "${f%.c}"
	done
	tests/tools/filetest.sh --list
}

jobs | sed 's,^tests/,,' >"$logs/all"
grep -e "$T" "$logs/all" >"$logs/jobs"
total=$(wc -l <"$logs/jobs" | tr -d ' ')
if [ "$total" -eq 0 ]; then
	echo "no test matches '$T'" >&2
	echo "0 passed, 1 failed"
	exit 1
fi

# Progress is a line that overwrites itself, so only for a terminal.
progress() {
	if [ -t 1 ]; then
		awk -v total="$total" '{
			printf "\r\033[K[%d/%d] %s", NR, total, $0
			fflush()
		}
		END { printf "\r\033[K" }'
	else
		cat >/dev/null
	fi
}

# -d: job names are lines, whatever they hold
xargs -d '\n' -n 1 -P "$JOBS" tests/tools/run-one.sh <"$logs/jobs" | progress

find "$logs" -name '*.log' | sort | xargs -d '\n' cat |
    awk '/^not ok / { bad = 1 }
	{ text = text "  " $0 "\n" }
	/^end / { if (bad) printf "%s", text; text = ""; bad = 0 }' \
	>"$logs/failures"
if [ -s "$logs/failures" ]; then
	echo "failures:"
	head -n 400 "$logs/failures"
	echo
	grep -h '^  not ok ' "$logs/failures" | sed 's/^  /  /'
fi

find "$logs" -name '*.log' | sort | xargs -d '\n' cat | awk '
	/^ok / { ok++ }
	/^not ok / { bad++ }
	/^skip / { skip++ }
	END {
		printf "%d passed, %d failed", ok, bad
		if (skip)
			printf ", %d skipped", skip
		printf "\n"
		exit bad != 0 || ok == 0
	}'
