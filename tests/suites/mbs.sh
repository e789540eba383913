#!/bin/bash
# Mini-batch serialization changes no bit: after 20 steps of three small
# networks with group norms - residual, inception, dense - every schedule ends
# in the same checkpoint as the conventional one, with f32 values as with 16
# bits, whatever each of them fuses.
set -u
work=$SCRATCH/mbs
mkdir -p "$work" && cd "$work" || exit 2
cat >net.net <<'END'
block unit(x, channels, kernel = 1) {
	return x -> conv(channels, kernel, pad=kernel // 2, bias=false)
	    -> group_norm(groups=2) -> relu
}

block residual(x) {
	y = x -> unit(8, 3) -> conv(8, 3, pad=1, bias=false)
	    -> group_norm(groups=2)
	return add(x, y) -> relu
}

block inception(x) {
	return concat(x -> unit(4), x -> unit(4) -> unit(8, 3),
	    x -> max_pool(3, stride=1, pad=1) -> unit(4),
	    x -> avg_pool(3, stride=1, pad=1) -> unit(4))
}

block dense(x) {
	return concat(x, x -> unit(8) -> unit(4, 3))
}

network small(kind = "residual") {
	input image : f32[N, 1, 20, 20] where N = 7

	x = image -> unit(8, 3) -> max_pool(2)
	if kind == "residual" {
		x = x -> residual -> max_pool(2) -> residual
	} else if kind == "inception" {
		x = x -> inception -> max_pool(2) -> inception
	} else {
		x = x -> dense -> dense -> avg_pool(2) -> dense
	}
	output logits = x -> global_avg_pool -> linear(10)
}
END
groups=1 threads=1 batch=7 on="" little=""
# 20 batches of 7 pictures on a buffer of 28 KiB; half of it for groups of
# layers with 16-bit values, whose masters are f32
train() {
	local buffer=28672
	case $1,$4 in
	*16,*fs | *16,*mbs? | *16,*optimal*) buffer=14336 ;;
	esac
	[ -z "$little" ] || buffer=$little
	timeout 300 wavetrain net.net -Dkind="$2" --data data \
	    --batch $batch --epochs 1 --lr 0.05 --seed 3 \
	    --threads $threads -mgroups=$groups \
	    -mprecision="$1" -fstate=mixed -mgbuf_bytes=$buffer \
	    --checkpoint "$3" $4 >"$3.out" 2>&1
}
mkdir -p data && "$TESTS/conformance/small_data" mnist data 20 140 14 || exit 2
# A checkpoint says how it was made; what follows that must agree.
states() {
	tail -c +$(($(LC_ALL=C grep -abo 'conv1.weight' "$1" | head -n 1 |
	    cut -d: -f1) + 1)) "$1"
}
compare() { # PRECISION KIND VARIANT...
	local p=$1 kind=$2 base=$1.$2.$groups how name flags
	shift 2
	if ! train "$p" "$kind" "$base.none" ""; then
		echo "not ok $kind $p: $(tail -n 1 "$base.none.out")"
		return
	fi
	states "$base.none" >want
	for how; do
		name="$kind $p $how$on: the same states after all steps"
		flags="-fmbs=$how"
		# a slow memory makes it compute convolutions again
		[ "$how" != again ] || flags="-fmbs=optimal -mdram_bw=1e9"
		if ! train "$p" "$kind" "$base.$how" "$flags"; then
			echo "  $(tail -n 2 "$base.$how.out")"
			echo "not ok $name"
		elif states "$base.$how" | cmp -s - want; then
			echo "ok $name"
		else
			echo "not ok $name"
		fi
	done
}
all="baseline baseline,fused archopt il fs mbs1 mbs2 optimal again"
for kind in residual inception dense; do
	for precision in fp32 bf16 fp16; do
		compare $precision $kind $all
	done
done
# two groups of the chip, each with half of the pictures
groups=2 threads=2 batch=10 on=" on two groups"
for kind in residual inception dense; do
	compare fp32 $kind il mbs1 mbs2 optimal
done
# not even the pictures of a sub-batch stay on chip
groups=1 threads=1 batch=7 on=" in 16 KiB" little=16384
for kind in residual inception dense; do
	compare fp32 $kind fs mbs2 optimal
done
