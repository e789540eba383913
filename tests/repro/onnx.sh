#!/bin/bash
# What the ONNX writer writes, before outside witnesses: ONNX's own checker
# (Debian's python3-onnx) and ONNX Runtime, whose npm package is found by
# ORT_DIR=.../node_modules/onnxruntime-node. First samples of every op, random
# graphs and small examples against the reference evaluator; then the models of
# ../shared/assets, each as it is and as -emit-onnx writes it.
set -u
cd "$(dirname "$0")/../.." || exit 2
: "${BIN:=build/bin}" "${OBJ:=build/opt}" "${SHARED:=../shared}"
: "${SCRATCH:=$OBJ/repro/onnx}" "${ORT_DIR:=}"
bad=0
python=/usr/bin/python3
"$python" -c 'import onnx' 2>/dev/null || {
	python=
	echo "onnx: no python3-onnx here, its checker is left out"
}
[ -n "$ORT_DIR" ] ||
	echo "onnx: ORT_DIR is not set, ONNX Runtime is left out"
[ -n "$python$ORT_DIR" ] || exit 1

check() {
	[ -n "$python" ] || return 0
	"$python" - "$@" <<'END' || bad=1
import sys, onnx
for f in sys.argv[1:]:
    onnx.checker.check_model(onnx.load(f), full_check=True)
END
}

run() {
	[ -n "$ORT_DIR" ] || return 0
	node tests/repro/onnx_ort.js "$ORT_DIR" "$@" || bad=1
}

rm -rf "$SCRATCH"
mkdir -p "$SCRATCH/samples"
"$OBJ/tests/repro/onnx_samples" "$SCRATCH/samples" 300 \
    examples/{lenet5,resnet20,resnet32,fm-a,shapes-linear,shapes}.net || bad=1
check "$SCRATCH"/samples/*.onnx
run "$SCRATCH/samples"
for model in "$SHARED"/assets/models/*/*.onnx; do
	case $model in
	*/train/*) continue ;; # batch statistics, which the writer's lack
	esac
	written=$SCRATCH/$(basename "$(dirname "$model")")-$(basename "$model")
	"$BIN/wavecc" "$model" -emit-onnx -o "$written" \
	    2>"$SCRATCH/log" || {
		grep -q 'is not supported' "$SCRATCH/log" && continue
		cat "$SCRATCH/log"
		bad=1
		continue
	}
	check "$written"
	run "$model" "$written"
done
exit $bad
