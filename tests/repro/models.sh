#!/bin/bash
# Every model of ../shared/assets/models on tiny (fp32) and wavecore (fp32,
# fp16, bf16) through wavecc and wavesim, against the stored references or the
# evaluator: the complete table. MODELS="tiny fp32 PATTERN" restricts it to a
# target, a precision and the models that match.
set -u
cd "$(dirname "$0")/../.." || exit 2
: "${BIN:=build/bin}" "${OBJ:=build/opt}" "${SHARED:=../shared}"
: "${MODELS:=}"
TESTS=$OBJ/tests
SCRATCH=$OBJ/repro/models
. tests/conformance/models.sh
[ -d "$models" ] || {
	echo "models: no $models here"
	exit 1
}
mkdir -p "$SCRATCH"
read -r only_target only_precision pattern <<<"$MODELS"

bad=0 total=0
for model in $(list_models | grep -e "${pattern:-.}"); do
	make_data "$model"
	for how in 'wavecore fp32' 'tiny fp32' 'wavecore fp16' 'wavecore bf16'
	do
		read -r t p <<<"$how"
		[ "${only_target:-$t}" = "$t" ] || continue
		[ "${only_precision:-$p}" = "$p" ] || continue
		check_model "$model" "$t" "$p"
		total=$((total + 1))
		[ "$result" = wrong ] && bad=$((bad + 1))
		printf '%-7s %-52s %-8s %s  %s\n' "$result" "$model" "$t" "$p" \
		    "$detail"
		[ "$result" = refused ] && break
	done
done
echo "$total runs, $bad wrong"
[ $bad -eq 0 ]
