#!/bin/bash
# Bad input through the real commands: each row has its one diagnostic, its
# exit status (1 bad input, 2 usage), and leaves no file behind.
set -u
root=$PWD
poke=$TESTS/conformance/poke
rows=0
work=$SCRATCH/work
mkdir -p "$work/folder"
cp tests/models/bad/*.onnx examples/demo.onnx examples/demo_images.npy "$work"
cd "$work" || exit 2

# matches LINE WANTED: a * in WANTED stands for any text, nothing else does
matches() {
	local pattern
	pattern=$(printf '%s\n' "$2" | sed 's/[][\\?]/\\&/g')
	# shellcheck disable=SC2053 # a pattern
	[[ $1 == $pattern ]]
}

# Lines beside the diagnostic: the source line with its caret, or the hint
# after misuse.
others() {
	sed 1d "$SCRATCH/err" | grep -v -e '^  ' -e "^Try '" -e '^usage: '
}

# bad STATUS DIAGNOSTIC COMMAND...
bad() {
	local want=$1 text=$2 why= got first before
	shift 2
	rows=$((rows + 1))
	before=$(ls -A)
	timeout 60 "$@" >"$SCRATCH/out" 2>"$SCRATCH/err" </dev/null
	got=$?
	first=$(head -n 1 "$SCRATCH/err")
	[ $got -eq "$want" ] || why="exit status $got, not $want"
	matches "$first" "$text" || why="diagnostic '$first', not '$text'"
	[ -z "$(others)" ] || why="more than one line: $(others | head -n 1)"
	[ "$(ls -A)" = "$before" ] || why="leaves a file"
	if [ -z "$why" ]; then
		echo "ok $*"
	else
		echo "not ok $*: $why"
		ls -A | grep -v -x -F "$before" | xargs -r rm -rf
	fi
}

# model DIAGNOSTIC NAME: of a model in tests/models/bad (all of them are
# judged by tests/unit/frontend/test_onnx_bad.c)
model() {
	bad 1 "$2.onnx: $1" wavecc "$2.onnx" -fbatch=1 -o out.wo
}

. "$root/tests/conformance/bad_models.sh"
. "$root/tests/conformance/bad_files.sh"
. "$root/tests/conformance/bad_arrays.sh"
. "$root/tests/conformance/bad_objects.sh"
echo "$rows rows"
