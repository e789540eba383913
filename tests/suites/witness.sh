#!/bin/sh
# Random networks on the simulator against independent witnesses, and the
# program checker against programs with one wait or signal left out. The
# coverage table and the figures are in the log.
set -u
: "${OBJ:=build/opt}" "${SCRATCH:=/tmp}"

# report NAME COMMAND...: its last line says what was done
report() {
	name=$1
	shift
	if "$@" >"$SCRATCH/$name.out" 2>&1; then
		sed 's/^/  /' "$SCRATCH/$name.out"
		echo "ok $name: $(tail -n 1 "$SCRATCH/$name.out")"
	else
		tail -n 100 "$SCRATCH/$name.out" | sed 's/^/  /'
		echo "not ok $name: $(tail -n 1 "$SCRATCH/$name.out")"
	fi
}

set -- tests/unit/backend/data/*.wgr
[ -e "$1" ] || shift
report witness "$OBJ/tests/conformance/witness" -n 4000 "$@"
report mutants "$OBJ/tests/conformance/mutants" -n 150 \
    examples/demo.onnx "$@"
