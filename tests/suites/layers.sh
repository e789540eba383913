#!/bin/sh
# The include rules hold, and the script that says so can say otherwise.
set -u

if tests/tools/layers.sh; then echo "ok layers"; else echo "not ok layers"; fi

scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/ir" "$scratch/runtime/sim" "$scratch/tools"
cp tests/tools/layers.awk tests/layers.txt "$scratch"
cd "$scratch" || exit 2

# judge NAME STATUS FILE INCLUDE
judge() {
	echo "#include $4" >"$3"
	awk -f layers.awk layers.txt "$3" >out
	if [ $? -eq "$2" ]; then
		echo "ok layers-$1"
	else
		sed 's/^/  /' out
		echo "not ok layers-$1"
	fi
}
judge own-folder 0 ir/a.c '"ir/graph.h"'
judge support 0 ir/a.c '"support/arena.h"'
judge public 0 ir/a.c '<wave/dtype.h>'
judge system 0 ir/a.c '<stdio.h>'
judge upwards 1 ir/a.c '"passes/pass.h"'
judge not-from-root 1 ir/a.c '"graph.h"'
judge dotdot 1 ir/a.c '"ir/../passes/pass.h"'
judge unknown-folder 1 ir/a.c '"elsewhere/x.h"'
judge schema 1 ir/a.c '"onnx.pb-c.h"'
judge longest-prefix 0 runtime/sim/a.c '"backend/isa/isa.h"'
judge sim-not-backend 1 runtime/sim/a.c '"backend/tile.h"'
judge sim-not-ir 1 runtime/sim/a.c '"ir/graph.h"'
judge runtime-not-isa 1 runtime/a.c '"backend/isa/isa.h"'
judge tools-all 0 tools/a.c '"passes/pass.h"'
