#!/bin/bash
# Training on real pictures by layer groups reaches what the conventional
# schedule reaches, to the bit: ResNet-20 with group norm on CIFAR-10's JPEG
# pictures, bf16 with fp32 masters, each -fmbs= against none. The global buffer
# is made so small that groups take several sub-batches. Compares the loss of
# every step, test loss and accuracy, and the exported models byte by byte; what
# was exported also goes through PyTorch.
#
#   mbs-accuracy.sh [VARIANT...]       mbs2 optimal
#
# EPOCHS=1 of PARTS=1 fifths of the training pictures, about three minutes a
# variant; BATCH=32, PRECISION=bf16, BUFFER=256KiB, LR=cosine:0.05.
set -u
cd "$(dirname "$0")/../.." || exit 2
: "${BIN:=build/bin}" "${OBJ:=build/opt}" "${SHARED:=../shared}"
: "${EPOCHS:=1}" "${PARTS:=1}" "${BATCH:=32}" "${PRECISION:=bf16}"
: "${BUFFER:=256KiB}" "${LR:=cosine:0.05}"
assets=$SHARED/assets
all=$OBJ/repro/accuracy/cifar
dir=$OBJ/repro/mbs-accuracy
[ -d "$assets/data/cifar10" ] || {
	echo "skip mbs-accuracy: no $assets/data/cifar10"
	exit
}
[ -e "$all/test_batch.bin" ] ||
    /usr/bin/python3 "$assets/tools/cifar_bin.py" "$all" >/dev/null || {
	echo "skip mbs-accuracy: the pictures cannot be unpacked"
	exit
}
rm -rf "$dir"
mkdir -p "$dir/data"
for ((i = 1; i <= PARTS; i++)); do
	cp "$all/data_batch_$i.bin" "$dir/data" || exit 2
done
cp "$all/test_batch.bin" "$dir/data" || exit 2

# train NAME OPTION...
train() {
	local to=$dir/$1
	shift
	"$BIN/wavetrain" examples/resnet20.net -Dnorm=group \
	    --data cifar10:"$dir/data" --batch "$BATCH" --epochs "$EPOCHS" \
	    --lr "$LR" -mprecision="$PRECISION" -fstate=mixed \
	    -mgbuf_bytes="$BUFFER" "$@" ${THREADS:+--threads "$THREADS"} \
	    --log "$to.jsonl" --checkpoint "$to.ckpt" --export "$to.onnx" \
	    >"$to.out" 2>"$to.err" </dev/null || {
		tail -n 3 "$to.err"
		echo "not ok $to: training failed"
		return 1
	}
	# what was computed: without times, cycles and traffic
	sed -n 's/,"cycles_per_step".*//; /"type":"\(step\|epoch\)"/p' \
	    "$to.jsonl" >"$to.numbers"
}

value() { # NAME KEY: of the last epoch
	sed -n "s/.*\"epoch\".*\"$2\":\([^,}]*\).*/\1/p" "$dir/$1.jsonl" |
	    tail -n 1
}

line() { # NAME GROUPS WORD
	local end
	end=$(grep '"type":"end"' "$dir/$1.jsonl" | tr , '\n' |
	    sed -n 's/"dram_[a-z]*_bytes_per_step"://p' | paste -sd+)
	awk -v n="$1" -v a="$(value "$1" test_accuracy)" \
	    -v l="$(value "$1" test_loss)" -v t="$(value "$1" train_loss)" \
	    -v d=$((end)) -v g="$2" -v w="$3" 'BEGIN {
		printf "%-9s %8.2f %% %10.6f %10.6f %9.1f  %s  %s\n", n,
		    100 * a, l, t, d / 1e6, g, w }'
}

printf '%-9s %10s %10s %10s %9s  %s\n' schedule accuracy 'test loss' \
    'train loss' 'MB/step' 'sub-batches of the groups; against none'
train none || exit 1
line none - ''
bad=0
for how in ${*:-mbs2 optimal}; do
	train "$how" -fmbs="$how" -Rpass=mbs || exit 1
	groups=$(sed -n 's/.*mbs: group [0-9]*: .*, \([0-9]* x [0-9]*\) .*/\1/p' \
	    "$dir/$how.err" | sed 's/ //g' | paste -sd' ')
	word=
	case " $groups" in
	*' '[2-9]x* | *' '[1-9][0-9]x*) ;;
	*) word+=' no sub-batches;' ;;
	esac
	cmp -s "$dir/none.numbers" "$dir/$how.numbers" ||
	    word+=' other losses;'
	cmp -s "$dir/none.onnx" "$dir/$how.onnx" || word+=' other weights;'
	[ -n "$word" ] && bad=1
	line "$how" "${groups:--}" "${word:-same losses and weights}"
done
[ "$(wc -l <"$dir/none.numbers")" -gt "$EPOCHS" ] || bad=1

/usr/bin/python3 -c 'import torch' 2>/dev/null || {
	echo "skip PyTorch on what was exported: it is not installed" \
	    "(Debian: python3-torch)"
	exit $bad
}
right=$(tests/repro/onnx_engine.py "$dir/none.onnx" "$dir/data") || exit 1
echo "exported, on PyTorch, in fp32: $right (right, mean loss)"
exit $bad
