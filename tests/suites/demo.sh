#!/bin/bash
# make demo: the shipped network says what it said when it was trained (7 of 8
# right, a wave taken for an arrow at 53 %), in all precisions.
set -u
DEMO_OUT=$SCRATCH examples/demo.sh >"$SCRATCH/out" 2>"$SCRATCH/err"
status=$?
failed=
[ $status -eq 0 ] || failed="exit status $status"
for text in 'triangle 100 % *star 100 % *heart 100 % *ring 100 %' \
    'cross 100 % *moon 100 % *arrow 100 % *arrow 53 % (wave!)' \
    '^7 of 8 right' 'wavecore  fp32 .* 7 of 8 right' \
    'wavecore  bf16 .* 7 of 8 right' 'wavecore  fp16 .* 7 of 8 right' \
    'tiny      fp32 .* 7 of 8 right' 'layer (slowest first)' \
    'DRAM bytes' '^  energy$'; do
	grep -q -e "$text" "$SCRATCH/out" || failed="no line like '$text'"
done
[ ! -s "$SCRATCH/err" ] || failed="standard error is not empty"
if [ -z "$failed" ]; then
	echo "ok demo"
else
	sed 's/^/  /' "$SCRATCH/out" "$SCRATCH/err"
	echo "not ok demo: $failed"
fi
if wavesim "$SCRATCH/demo.wo" --check -i image=examples/demo_images.npy \
    >/dev/null 2>"$SCRATCH/err"; then
	echo "ok demo --check"
else
	sed 's/^/  /' "$SCRATCH/err"
	echo "not ok demo --check"
fi
