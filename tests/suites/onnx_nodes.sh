#!/bin/sh
# The importer and the reference evaluator against ONNX's vectors (Debian's
# libonnx-testdata), our own small models and, where they are at hand, real
# networks, whose refusals are listed in tests/conformance/refused.txt.
set -u
: "${OBJ:=build/opt}" "${SHARED:=../shared}" "${SCRATCH:=/tmp}"
: "${ONNX_TESTDATA:=/usr/share/libonnx-testdata/data}"
eval=$OBJ/tests/conformance/onnx_eval

# check NAME FOLDER SUMMARY [options]
check() {
	name=$1 folder=$2 want=$3
	shift 3
	if [ ! -d "$folder" ]; then
		echo "skip $name: no $folder"
		return
	fi
	"$eval" "$@" "$folder" >"$SCRATCH/onnx.out" 2>&1
	status=$?
	got=$(tail -n 1 "$SCRATCH/onnx.out")
	if [ "$status" -eq 0 ] && [ "$got" = "$want" ]; then
		echo "ok $name: $got"
	else
		grep '^WRONG' "$SCRATCH/onnx.out"
		echo "  status $status, summary: $got"
		echo "not ok $name: expected $want"
	fi
}

check models tests/models/onnx \
    "pass 52, import 0, refused 0, inference 0, WRONG 0"
check node "$ONNX_TESTDATA/node" \
    "pass 622, import 0, refused 308, inference 2, WRONG 0"
check pytorch-converted "$ONNX_TESTDATA/pytorch-converted" \
    "pass 82, import 0, refused 0, inference 0, WRONG 0"
check pytorch-operator "$ONNX_TESTDATA/pytorch-operator" \
    "pass 35, import 0, refused 0, inference 0, WRONG 0"
check simple "$ONNX_TESTDATA/simple" \
    "pass 7, import 0, refused 16, inference 0, WRONG 0"
check networks "$SHARED/assets/models" \
    "pass 29, import 32, refused 3, inference 0, WRONG 0" -m 1e-4

if [ -d "$SHARED/assets/models" ]; then
	sed -n 's/^refused *//p' "$SCRATCH/onnx.out" |
	    sed "s,^$SHARED/assets/models/,," >"$SCRATCH/refused"
	grep -v '^#' tests/conformance/refused.txt >"$SCRATCH/want"
	if diff "$SCRATCH/want" "$SCRATCH/refused"; then
		echo "ok refused networks are listed"
	else
		echo "not ok refused networks differ from refused.txt"
	fi
else
	echo "skip refused networks: no $SHARED"
fi
