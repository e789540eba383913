#!/bin/bash
# Training on real pictures: LeNet-5 on MNIST in fp32, bf16 and fp16 over some
# seeds, and ResNet-20 on CIFAR-10's JPEG pictures beside PyTorch trained by
# the same settings. What was exported also runs on PyTorch. Writes
# build/repro/training.txt and training.html with the curves; fails when a bound
# is missed.
#
# SEEDS='1 2 3' EPOCHS=3 PRECISIONS='fp32 bf16 fp16' NETS='lenet5 resnet20'
# THREADS=N. LeNet-5 takes about two minutes a seed and precision, ResNet-20 a
# quarter of an hour and PyTorch ten minutes a seed. Logs lie in
# build/repro/training/ and are used again by the next run; remove them to train
# anew.
set -u
cd "$(dirname "$0")/../.." || exit 2
: "${BIN:=build/bin}" "${OBJ:=build/opt}" "${SHARED:=../shared}"
: "${SEEDS:=1 2 3}" "${EPOCHS:=3}" "${PRECISIONS:=fp32 bf16 fp16}"
: "${NETS:=lenet5 resnet20}"
assets=$SHARED/assets
cifar=$OBJ/repro/accuracy/cifar
out=build/repro
dir=$out/training
[ -d "$assets/data" ] || {
	echo "skip training: no $assets/data"
	exit
}
mkdir -p "$dir"
wants() { case " $NETS " in *" $1 "*) ;; *) return 1 ;; esac; }
torch=
/usr/bin/python3 -c 'import onnx, torch' 2>/dev/null && torch=1
if wants resnet20 && [ ! -e "$cifar/test_batch.bin" ]; then
	/usr/bin/python3 "$assets/tools/cifar_bin.py" "$cifar" >/dev/null ||
	    NETS=${NETS/resnet20/}
fi
[ -n "$torch" ] || echo "training: no python3-torch and python3-onnx here," \
    "nothing is compared with PyTorch"

# Epochs that a log has.
epochs_of() { grep -c '"type":"epoch"' "$dir/$1.jsonl" 2>/dev/null; }

# wave NAME NET DATA OPTION...
wave() {
	local to=$dir/$1 net=$2 data=$3
	shift 3
	[ "$(epochs_of "$(basename "$to")")" = "$EPOCHS" ] &&
	    [ -e "$to.onnx" ] && return
	"$BIN/wavetrain" "examples/$net.net" --data "$data" \
	    --epochs "$EPOCHS" ${THREADS:+--threads "$THREADS"} "$@" \
	    --log "$to.jsonl" --log-every 10 --export "$to.onnx" \
	    >"$to.out" 2>&1 </dev/null || {
		tail -n 3 "$to.out"
		exit 1
	}
}

# value NAME KEY: of the last epoch
value() {
	sed -n "s/.*\"epoch\".*\"$2\":\([^,}]*\).*/\1/p" "$dir/$1.jsonl" |
	    tail -n 1
}

missed=0
bound() { # TEXT VALUE LOW HIGH
	awk -v v="$2" -v lo="$3" -v hi="$4" -v t="$1" 'BEGIN {
		ok = v >= lo && v <= hi
		word = ok ? "holds " : "MISSED"
		printf "%s %s: %.4f, wanted %g to %g\n", word, t, v, lo, hi
		exit !ok }' >>"$dir/bounds" || missed=1
}

# elsewhere NAME DATA SLACK: the exported model in the other engine
elsewhere() {
	local here there
	[ -n "$torch" ] || return
	here=$(value "$1" test_accuracy)
	there=$(tests/repro/onnx_engine.py "$dir/$1.onnx" "$2") || exit 1
	printf '%-22s %7.4f here, %s there\n' "$1" "$here" "$there" \
	    >>"$dir/exported"
	bound "$1: accuracy of the export elsewhere less that here" \
	    "$(awk -v a="$here" -v b="${there%% *}" 'BEGIN {
		split(b, f, "/"); print f[1] / f[2] - a }')" "-$3" "$3"
}

# mean and spread of the last test accuracy over the seeds
spread() { # PRECISION
	for seed in $SEEDS; do
		value "lenet5-$1-$seed" test_accuracy
	done | awk '{ s += $1; lo = NR == 1 || $1 < lo ? $1 : lo
		hi = $1 > hi ? $1 : hi } END { printf "%.5f %.5f\n", s / NR,
		hi - lo }'
}

# table NAME...: epochs of logs
table() {
	for name; do
		sed -n '/"type":"epoch"/s/[{}"]//gp' "$dir/$name.jsonl" |
		    tr , '\n' | awk -F: -v name="$name" '
		$1 == "epoch" && NF == 2 { e = $2 }
		{ v[$1] = $2 }
		$1 == "test_accuracy" {
			printf "%-22s %3d  %8.4f %8.4f  %7.2f %% %7.2f %%\n",
			    name, e, v["train_loss"], v["test_loss"],
			    100 * v["train_accuracy"], 100 * $2 }'
	done
}

: >"$dir/bounds"
: >"$dir/exported"
lenets= resnets=
if wants lenet5; then
	mnist=$assets/data/mnist
	for p in $PRECISIONS; do
		for seed in $SEEDS; do
			wave "lenet5-$p-$seed" lenet5 "mnist:$mnist" \
			    --seed "$seed" -mprecision="$p"
			lenets+=" lenet5-$p-$seed"
			slack=0.0001
			[ "$p" = fp32 ] || slack=0.003 # not the same arithmetic
			elsewhere "lenet5-$p-$seed" "$mnist" $slack
		done
	done
	for p in $PRECISIONS; do
		read -r mean range <<<"$(spread "$p")"
		if [ "$p" = fp32 ]; then
			fp32=$mean
			bound 'LeNet-5 fp32, mean accuracy' "$mean" 0.989 1
		elif [ -n "${fp32:-}" ]; then
			bound "LeNet-5 $p, mean accuracy less that of fp32" \
			    "$(awk -v a="$mean" -v b="$fp32" 'BEGIN {
				print a - b }')" -0.003 0.003
		fi
		echo "LeNet-5 $p: mean $mean, spread $range" >>"$dir/exported"
	done
fi
if wants resnet20; then
	wave resnet20-wave resnet20 "cifar10:$cifar" --augment crop=4,flip \
	    --batch 128 --lr cosine:0.1
	resnets=resnet20-wave
	elsewhere resnet20-wave "$cifar" 0.0003
	for seed in $SEEDS; do
		[ -n "$torch" ] || break
		name=resnet20-torch-$seed
		[ "$(epochs_of "$name")" = "$EPOCHS" ] ||
		    tests/repro/torch_train.py "$cifar" "$EPOCHS" "$seed" \
			"$dir/$name.jsonl" || exit 1
		resnets+=" $name"
	done
	# the nearest seed of PyTorch
	nearest() {
		for seed in $SEEDS; do
			value "resnet20-torch-$seed" "$1"
		done | awk -v v="$(value resnet20-wave "$1")" '{
			d = $1 < v ? v - $1 : $1 - v
			if (NR == 1 || d < best) best = d
		} END { print best }'
	}
	if [ -n "$torch" ]; then
		bound 'ResNet-20, training loss less that of the nearest seed' \
		    "$(nearest train_loss)" 0 0.05
		bound 'ResNet-20, accuracy less that of the nearest seed' \
		    "$(nearest test_accuracy)" 0 0.03
	fi
fi

# ---- the text ----

{
	echo "Training on real pictures, test accuracy after each epoch"
	echo
	printf '%-22s %5s %8s %8s  %9s %9s\n' run epoch 'train' 'test loss' \
	    'train acc' 'test acc'
	# shellcheck disable=SC2086 # names
	table $lenets $resnets
	echo
	cat "$dir/exported" "$dir/bounds"
} >"$out/training.txt"

# ---- the page ----

# points KEY SCALE: of the logs NAME:LEGEND:COLOR...
points() {
	local key=$1 scale=$2 name legend color
	shift 2
	for series; do
		IFS=: read -r name legend color <<<"$series"
		echo "$legend"
		sed -n '/"type":"epoch"/s/[{}"]//gp' "$dir/$name.jsonl" |
		    awk -v key="$key" -v s="$scale" -v l="$legend" \
			-v c="$color" '{
			n = split($0, f, ",")
			for (i = 1; i <= n; i++) {
				split(f[i], kv, ":")
				v[kv[1]] = kv[2]
			}
			printf "%s\t%s\t%d\t%.6f\n", l, c, v["epoch"],
			    s * v[key] }'
	done
}

chart() { # TITLE KEY SCALE FORMAT SERIES...
	points "$2" "$3" "${@:5}" | awk -v title="$1" -v format="$4" \
	    -v xlabel=epoch -f tests/repro/chart.awk
}

charts() { # NAME SERIES...
	chart "$1: test accuracy" test_accuracy 100 '%.4g %%' "${@:2}"
	chart "$1: training loss" train_loss 1 '%.3g' "${@:2}"
	chart "$1: test loss" test_loss 1 '%.3g' "${@:2}"
}

{
	cat <<'END'
<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<title>Training on real pictures</title><style>
body { font: 15px sans-serif; max-width: 60em; margin: 2em auto;
    padding: 0 1em }
pre { font-size: 12px; background: #f4f4f4; padding: 1em; overflow: auto }
svg text { font: 11px sans-serif } svg .t { font: bold 13px sans-serif }
</style></head><body><h1>Training on real pictures</h1>
END
	if [ -n "$resnets" ]; then
		echo "<h2>ResNet-20 on CIFAR-10 (JPEG pictures)</h2>" \
		    "<p>Batch 128, SGD with momentum 0.9 and weight decay" \
		    "1e-4, a cosine from 0.1, shifts by 4 and mirroring, fp32." \
		    "PyTorch by the same settings, other random numbers.</p>"
		series=(resnet20-wave:Wave:#1650b0)
		for name in $resnets; do
			[ "$name" = resnet20-wave ] ||
			    series+=("$name:PyTorch, seed ${name##*-}:#d$((
				8 - ${name##*-} % 8))6020")
		done
		charts ResNet-20 "${series[@]}"
	fi
	if [ -n "$lenets" ]; then
		echo "<h2>LeNet-5 on MNIST</h2><p>Batch 64, SGD with momentum" \
		    "0.9, a cosine from 0.05; one line for each seed.</p>"
		series=()
		for name in $lenets; do
			case $name in
			*fp32*) series+=("$name:fp32:#1650b0") ;;
			*bf16*) series+=("$name:bf16:#d86020") ;;
			*fp16*) series+=("$name:fp16:#208040") ;;
			esac
		done
		charts LeNet-5 "${series[@]}"
	fi
	echo '<h2>Numbers</h2><pre>'
	sed 's/&/\&amp;/g; s/</\&lt;/g' "$out/training.txt"
	echo '</pre></body></html>'
} >"$out/training.html"
cat "$out/training.txt"
echo "$out/training.html $out/training.txt"
exit $missed
