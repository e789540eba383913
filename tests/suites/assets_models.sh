#!/bin/bash
# Real models through wavecc and wavesim --check, against stored references:
# wavecore in fp32, fp16 and bf16, tiny in fp32. Those that take long on tiny
# are left to `make repro REPRO=models`, which runs everything.
set -u
. tests/conformance/models.sh
if [ ! -d "$models" ]; then
	echo "skip models: no $models"
	exit
fi

# More than 2 s on tiny.
slow='light/light_\(bvlc_alexnet\|densenet121\|inception_v2\|resnet50\)
light/light_\(vgg19\|zfnet512\)
super_resolution_10/
three_layer_bn_pytorch/'

# check MODEL TARGET PRECISION
check() {
	check_model "$@"
	if [ "$result" = wrong ]; then
		echo "not ok $*: $detail"
	else
		echo "ok $*: $result $detail"
	fi
}

seen=0
for model in $(list_models); do
	make_data "$model"
	seen=$((seen + 1))
	check "$model" wavecore fp32
	[ "$result" = refused ] && continue
	check "$model" wavecore fp16
	check "$model" wavecore bf16
	printf '%s\n' "$model" | grep -q -e "$slow" ||
	    check "$model" tiny fp32
done

# No model may go missing unseen, and each refusal must be of a model.
[ $seen -ge 62 ] && echo "ok models: $seen" || echo "not ok models: only $seen"
grep -v '^#' tests/conformance/refused.txt | sed 's/: .*//' |
while read -r model; do
	[ -e "$models/$model" ] || echo "not ok $model: refused, but not there"
done
