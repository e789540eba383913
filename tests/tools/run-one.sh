#!/bin/sh
# Runs one job of run-all.sh and keeps what it printed in a log. Whatever goes
# wrong without a "not ok" line becomes one.
set -u
job=$1
log=$TESTS/log/$job.log
SCRATCH=$TESTS/scratch/$job
export SCRATCH
rm -rf "$SCRATCH"
mkdir -p "$(dirname "$log")" "$SCRATCH" || exit 2

case $job in
unit/*)
	# TAP lines of cmocka to ours
	timeout "$TIMEOUT" env CMOCKA_MESSAGE_OUTPUT=TAP "$OBJ/tests/$job" \
	    >"$log.raw" 2>&1 </dev/null
	status=$?
	awk -v job="$job" -v status="$status" '
	/^1\.\.[0-9]+/ { plan += substr($0, 4) }
	/^(not )?ok [0-9]+/ {
		seen++
		word = $0 ~ /# *[Ss][Kk][Ii][Pp]/ ? "skip" : \
		    $1 == "ok" ? "ok" : "not ok"
		sub(/^(not )?ok [0-9]+( - )?/, "")
		sub(/ *#.*/, "")
		print word " " job ":" $0
		next
	}
	{ print }
	END {
		if (plan == 0 || seen < plan)
			print "not ok " job ": " seen + 0 " of " plan + 0 \
			    " tests ended, exit status " status
	}' "$log.raw" >"$log"
	rm -f "$log.raw" ;;
suites/*)
	timeout "$TIMEOUT" "tests/$job" >"$log" 2>&1 </dev/null
	status=$?
	if ! grep -q '^\(not \)\{0,1\}ok \|^skip ' "$log"; then
		echo "not ok $job: no result" >>"$log"
	fi ;;
*)
	timeout "$TIMEOUT" tests/tools/filetest.sh "tests/$job" >"$log" 2>&1 \
	    </dev/null
	status=$? ;;
esac

if [ "$status" -ne 0 ] && ! grep -q '^not ok ' "$log"; then
	[ "$status" -eq 124 ] && status="124 (more than $TIMEOUT seconds)"
	echo "not ok $job: exit status $status" >>"$log"
fi
if grep -q '^not ok ' "$log"; then
	echo "FAILED $job"
else
	rm -rf "$SCRATCH"
	echo "$job"
fi
echo "end $job" >>"$log"
