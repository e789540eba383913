#!/bin/sh
# Runs each fuzz target under AFL++ for FUZZ_SECONDS (60), or those whose name
# holds $T. Findings lie in $OBJ/out; add them to tests/fuzz/corpus/NAME/.
set -u
cd "$(dirname "$0")/../.." || exit 2
: "${OBJ:=build/fuzz}" "${FUZZ_SECONDS:=60}" "${T:=}"
out=$OBJ/out
# AFL++ handles crashes itself; a container may not let it choose a core
# pattern or a CPU governor.
export AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1
export AFL_NO_UI=1 AFL_NO_AFFINITY=1
export ASAN_OPTIONS=abort_on_error=1:symbolize=0:detect_leaks=0:\
allocator_may_return_null=1
export UBSAN_OPTIONS=abort_on_error=1:symbolize=0

bad=0 good=0
for source in tests/fuzz/fuzz_*.c; do
	name=$(basename "$source" .c)
	name=${name#fuzz_}
	case $name in *"$T"*) ;; *) continue ;; esac
	rm -rf "$out/$name"
	mkdir -p "$out"
	echo "fuzzing $name for $FUZZ_SECONDS seconds"
	if ! afl-fuzz -V "$FUZZ_SECONDS" -i "tests/fuzz/corpus/$name" \
	    -o "$out/$name" -- "$OBJ/tests/fuzz/fuzz_$name" \
	    >"$out/$name.log" 2>&1 </dev/null; then
		tail -n 20 "$out/$name.log"
		echo "not ok $name"
		bad=$((bad + 1))
		continue
	fi
	stats=$out/$name/default/fuzzer_stats
	grep -E '^(execs_done|execs_per_sec|corpus_count|bitmap_cvg)' "$stats"
	found=$(ls "$out/$name"/default/crashes/id* \
	    "$out/$name"/default/hangs/id* 2>/dev/null)
	if [ -n "$found" ]; then
		printf '%s\n' "$found"
		echo "not ok $name"
		bad=$((bad + 1))
	else
		echo "ok $name"
		good=$((good + 1))
	fi
done
echo "$good passed, $bad failed"
[ $bad -eq 0 ]
