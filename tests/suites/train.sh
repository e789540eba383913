#!/bin/bash
# wavetrain on small data: it learns; same seed, same bits, whatever breaks in;
# what goes wrong is said and harms nothing.
set -u
REPO=$PWD
cd "$SCRATCH" || exit 2
mkdir -p data npy big
"$TESTS/conformance/small_data" mnist data 12 320 50 &&
    "$TESTS/conformance/small_data" mnist big 14 32 32 &&
    "$TESTS/conformance/small_data" npy npy 256 40 || exit 2

cat >net.net <<'END'
network small(classes = 10) {
	input image : f32[N, 1, 12, 12] where N = 16
	x = image -> conv(8, 5, name="conv1") -> relu -> max_pool(2)
	    -> conv(12, 3, name="conv2") -> relu -> flatten
	output logits = x -> linear(classes, name="fc")
}

train {
	loss cross_entropy
	optimizer sgd(momentum=0.9)
	schedule cosine(lr=0.05)
	batch 16
	epochs 2
}
END
# With states beside the weights: running statistics, the count of steps.
sed 's/-> relu -> max_pool(2)/-> batch_norm -> relu -> dropout(0.2) -> max_pool(2)/' \
    net.net >states.net
cat >line.net <<'END'
network line() {
	input x : f32[N, 6] where N = 8
	output y = x -> linear(2, name="fc")
}
END

ok() { echo "ok $1"; }
bad() {
	sed 's/^/  /' out err 2>/dev/null | tail -n 30
	echo "not ok $*"
}

# run STATUS ARGUMENTS...: whether wavetrain ends with it
run() {
	local want=$1
	shift
	timeout 300 wavetrain "$@" >out 2>err </dev/null
	status=$?
	[ $status -eq "$want" ] || {
		echo "  exit status $status, not $want: wavetrain $*"
		return 1
	}
}

# says TEXT: on standard error, with nothing else but source lines
says() {
	grep -q -F -e "$1" err || {
		echo "  no '$1' in:"
		sed 's/^/  /' err
		return 1
	}
	[ "$(grep -c 'error:' err)" -eq "${2:-1}" ] || {
		echo "  not ${2:-1} error:"
		sed 's/^/  /' err
		return 1
	}
}

# The value of a key in the last record of a type in log.
value() {
	grep "\"type\":\"$1\"" log.jsonl | tail -n 1 |
	    sed -n "s/.*\"$2\":\"\{0,1\}\([^,\"}]*\).*/\1/p"
}

small=(net.net --data data)
full=(net.net --data data --epochs 3 --seed 5 --checkpoint)

# ---- it learns ----
# 60 steps of 16; chance is 10 %.
if run 0 "${small[@]}" --epochs 3 --log log.jsonl --checkpoint a.ckpt &&
    [ ! -s err ] && grep -q '^accuracy .*: [0-9]* of 50 right$' out &&
    grep -q '^The accelerator (wavecore), for each step of 16 samples' out &&
    awk -v first="$(grep '"epoch":1,.*train_loss' log.jsonl |
        sed 's/.*train_loss":\([^,]*\).*/\1/')" \
	-v last="$(value epoch train_loss)" -v right="$(value end test_accuracy)" \
	'BEGIN { exit !(last < first / 2 && right > 0.6) }'; then
	ok "learns"
else
	bad "learns: $(value epoch train_loss), $(value end test_accuracy)"
fi
if [ "$(grep -c '"type":"step"' log.jsonl)" -eq 60 ] &&
    [ "$(grep -c '"type":"epoch"' log.jsonl)" -eq 3 ] &&
    [ "$(value run parameters)" = 1574 ] && [ "$(value end status)" = "done" ] &&
    [ "$(value end cycles_per_step)" -gt 0 ]; then
	ok "log"
else
	bad "log"
fi
# Predictions are shown with their pictures.
if [ "$(grep -c -e '[0-9] [0-9]* %' out)" -ge 2 ]; then
	ok "pictures"
else
	bad "pictures"
fi
if run 0 line.net --data npy:npy -floss=mse --lr 0.2 --epochs 8 \
    --log log.jsonl && grep -q '^mean squared error' out &&
    awk -v l="$(value end test_loss)" 'BEGIN { exit !(l < 0.01) }' &&
    ! grep -q accuracy log.jsonl; then
	ok "targets"
else
	bad "targets: $(value end test_loss)"
fi
if run 0 "${small[@]}" --epochs 1 -mprecision=bf16 --check; then
	ok "bf16 --check"
else
	bad "bf16 --check"
fi

# An imported model, whose softmax the loss takes off.
mkdir -p images
"$TESTS/conformance/small_data" mnist images 28 256 32
if run 0 "$REPO/examples/demo.onnx" --data images --lr 0.01 --batch 16 \
    --epochs 2 --log log.jsonl && awk -v l="$(value end test_loss)" \
    -v t="$(value epoch train_loss)" 'BEGIN { exit !(l < 1 && t < 2) }'; then
	ok "ONNX"
else
	bad "ONNX: $(value epoch train_loss), $(value end test_loss)"
fi

# The exported model is the trained one: as good, and named as it was.
if run 0 "${small[@]}" --epochs 2 --export out.onnx --log log.jsonl; then
	loss=$(value end test_loss)
	if run 0 out.onnx --data data --batch 16 --lr 1e-30 \
	    --log log.jsonl &&
	    awk -v a="$loss" -v b="$(value end test_loss)" \
	    'BEGIN { exit !(a < 1.5 && (a - b) ^ 2 < 1e-12) }' &&
	    wavecc out.onnx -ftrain -fbatch=2 -o out.wo 2>err &&
	    wavesim --list out.wo | grep -q 'state    conv2.weight f32'; then
		ok "export"
	else
		bad "export: $loss, $(value end test_loss)"
	fi
else
	bad "export"
fi

# ---- same seed, same bits: 60 steps ----
run 0 "${full[@]}" full.ckpt --threads 1 --log full.jsonl || bad "full"
for how in "--threads 2" -fserialize "--save-every 7 --log-every 9"; do
	# shellcheck disable=SC2086
	if run 0 "${full[@]}" same.ckpt $how && cmp full.ckpt same.ckpt; then
		ok "same bits $how"
	else
		bad "same bits $how"
	fi
done
if run 0 net.net --data data --epochs 3 --seed 6 --checkpoint other.ckpt &&
    ! cmp -s full.ckpt other.ckpt; then
	ok "other seed"
else
	bad "other seed"
fi

# ---- killed at any moment, and going on ----
# Records of the log but those of runs, without times.
steps() { grep -v -e '"type":"run"' -e '"type":"end"' "$1" |
    sed 's/,"seconds".*//'; }

long=(states.net --data data --epochs 40 --seed 5 --save-every 7)
rm -f cut.ckpt cut.jsonl
killed=0
run 0 "${long[@]}" --checkpoint long.ckpt --log long.jsonl || bad "long"
for _ in 1 2 3 4 5; do
	wavetrain "${long[@]}" --checkpoint cut.ckpt --resume \
	    --log cut.jsonl >out 2>err </dev/null &
	pid=$!
	for _ in {1..200}; do
		[ -e cut.ckpt ] && break
		sleep 0.05
	done
	sleep "0.0$((RANDOM % 10))"
	kill -9 $pid 2>/dev/null && killed=$((killed + 1))
	wait $pid 2>/dev/null
	[ -s err ] && break
done
if [ ! -s err ] && [ $killed -gt 0 ] && run 0 "${long[@]}" \
    --checkpoint cut.ckpt --resume --log cut.jsonl &&
    cmp long.ckpt cut.ckpt && steps long.jsonl >want && steps cut.jsonl |
    cmp - want; then
	ok "kill -9 and --resume"
else
	bad "kill -9 and --resume ($killed times)"
fi
# Nothing is left to do: the result is shown, the file stays.
if run 0 "${full[@]}" full.ckpt --resume && grep -q '^accuracy' out &&
    ! grep -q '^epoch' out && cmp full.ckpt same.ckpt; then
	ok "--resume at the end"
else
	bad "--resume at the end"
fi
rm -f cut.ckpt
if run 0 "${full[@]}" cut.ckpt --resume &&
    grep -q '^no checkpoint cut.ckpt yet' out && cmp full.ckpt cut.ckpt; then
	ok "--resume of nothing"
else
	bad "--resume of nothing"
fi

# interrupt SIGNAL ARGUMENTS...: sends it once a step was logged in cut.jsonl
interrupt() {
	local signal=$1
	shift
	wavetrain "${full[@]}" cut.ckpt --epochs 1000000 \
	    --lr 0.01 --log cut.jsonl "$@" >out 2>err </dev/null &
	pid=$!
	for _ in {1..400}; do
		grep -s -q '"type":"step"' cut.jsonl && break
		sleep 0.05
	done
	kill -s "$signal" $pid
	wait $pid
	status=$?
}

rm -f cut.ckpt cut.jsonl
interrupt INT
if [ $status -eq 130 ] && [ ! -s err ] &&
    grep -q '^interrupted after step [0-9]*, epoch [0-9]*: saved' out &&
    tail -n 1 cut.jsonl | grep -q '"status":"interrupted"'; then
	ok "SIGINT"
else
	bad "SIGINT: exit status $status"
fi
rm -f cut.jsonl
interrupt TERM --resume
if [ $status -eq 143 ] && grep -q '^going on after step' out; then
	ok "SIGTERM"
else
	bad "SIGTERM: exit status $status"
fi

# ---- what goes wrong ----
cp full.ckpt keep.ckpt
sed 's/conv(8,/conv(9,/' net.net >other.net
if run 1 other.net --data data --checkpoint keep.ckpt --resume &&
    says "keep.ckpt: error: a checkpoint of another model: tensor 'conv1.weight' is f32[8,1,5,5], the model has f32[9,1,5,5]" &&
    run 1 net.net --data data --checkpoint keep.ckpt --resume --batch 32 &&
    says "is of epochs of 20 batches, not 10" &&
    run 1 net.net --data data --checkpoint keep.ckpt --resume --seed 4 &&
    says "is of seed 5, not 4" && cmp full.ckpt keep.ckpt; then
	ok "another model's checkpoint"
else
	bad "another model's checkpoint"
fi
head -c 5000 full.ckpt >keep.ckpt
if run 1 "${full[@]}" keep.ckpt --resume &&
    says "keep.ckpt: error: the checkpoint is truncated"; then
	ok "truncated checkpoint"
else
	bad "truncated checkpoint"
fi
# The disk is full after the first epoch: the file of before stays.
cp full.ckpt keep.ckpt
if (
	ulimit -f 8
	run 1 "${full[@]}" keep.ckpt
) && says "keep.ckpt: error: cannot write: File too large" 3 &&
    cmp full.ckpt keep.ckpt && [ "$(echo keep*)" = keep.ckpt ]; then
	ok "disk full"
else
	bad "disk full"
fi
if run 1 "${small[@]}" --epochs 1 --log /dev/full && grep -q '^accuracy' out &&
    says "/dev/full: error: cannot write the log: No space left on device"; then
	ok "log on a full disk"
else
	bad "log on a full disk"
fi
# The first step sends the weights away, the second sees it.
cp full.ckpt keep.ckpt
if run 1 "${small[@]}" --lr 1e30 --checkpoint keep.ckpt --log log.jsonl &&
    says "net.net:4:" &&
    says "layer 'conv2' (conv): error: the loss of step 2 is NaN; it begins in the forward phase with conv " &&
    says "(learning rate 1e30)" && cmp full.ckpt keep.ckpt &&
    [ "$(value end status)" = "not finite" ]; then
	ok "a loss that is NaN"
else
	bad "a loss that is NaN"
fi
if run 1 net.net --data big && says "big/train-images-idx3-ubyte: error: the images have the shape [1,14,14], the model's 'image' takes [1,12,12]"; then
	ok "wrong image size"
else
	bad "wrong image size"
fi
if run 1 net.net --data data -Dclasses=7 && says "data/train-images-idx3-ubyte: error: the data have 10 classes, the model's 'logits' tells 7 apart"; then
	ok "too few classes"
else
	bad "too few classes"
fi
if run 1 line.net --data npy:npy --lr 0.1 && says "the data have targets, but the loss wants classes"; then
	ok "targets for classes"
else
	bad "targets for classes"
fi
if run 1 line.net --data npy:npy -floss=mse && says "no learning rate: say --lr"; then
	ok "no learning rate"
else
	bad "no learning rate"
fi
if run 1 net.net --data data --batch 321 && says "error:"; then
	ok "a batch larger than the data"
else
	bad "a batch larger than the data"
fi
misuse() {
	local text=$1
	shift
	if run 2 "$@" && says "wavetrain: error: $text"; then
		ok "misuse: $*"
	else
		bad "misuse: $*"
	fi
}
misuse "no data: say --data" net.net
misuse "missing argument of --data" net.net --data
misuse "unknown option --dat" net.net --dat data
misuse "not a positive number: 0" net.net --data data --epochs 0
misuse "--resume wants --checkpoint" net.net --data data --resume
misuse "say --batch instead of -fbatch=3" net.net --data data -fbatch=3
misuse "this is wavecc's: -S" net.net --data data -S
misuse "no model" --data data

# ---- updates of states that do not fit on chip ----

cat >wide.net <<'END'
network wide() {
	input image : f32[N, 1, 14, 14] where N = 8
	output logits = image -> flatten -> linear(512) -> relu -> linear(10)
}
END
# update BUFFER ARGUMENTS...: the states after four steps into states.BUFFER
update() {
	local buffer=$1
	shift
	run 0 wide.net --data big --batch 8 --epochs 1 --lr 0.05 --seed 3 \
	    -mgbuf_bytes="$buffer" --checkpoint "wide.$buffer" "$@" || return
	tail -c +"$(LC_ALL=C grep -abo 'linear1.weight' "wide.$buffer" |
	    head -n 1 | cut -d: -f1)" "wide.$buffer" >"states.$buffer"
}
for how in "-mprecision=fp32 -mgroups=1" "-mprecision=fp32 -mgroups=2" \
    "-mprecision=fp16 -floss-scale=1 -fstate=paper -mgroups=2"; do
	for optimizer in sgd,momentum=0.9,nesterov adam; do
		case $how$optimizer in *paper*adam) continue ;; esac
		name="states do not depend on the buffer: $how $optimizer"
		# shellcheck disable=SC2086
		if update 32768 $how -foptimizer=$optimizer &&
		    update 8388608 $how -foptimizer=$optimizer &&
		    [ -s states.32768 ] && cmp -s states.32768 states.8388608
		then
			ok "$name"
		else
			bad "$name"
		fi
	done
done

# A momentum is loaded once and stored once: the update of the weight does not
# load it again.
moved() {
	sed -n "/\"optimizer\"/,\$s/.*\"$1\":[[:space:]]*\([0-9]*\).*/\1/p" \
	    stats.json | head -n 1
}
if wavecc wide.net -ftrain -fbatch=8 -mprecision=fp32 -mgbuf_bytes=65536 \
    -march=wavecore -foptimizer=sgd,momentum=0.9 -o wide.wo >out 2>err &&
    wavesim wide.wo --entry step --timing-only --stats stats.json \
	>out 2>err && [ "$(moved write)" -gt 0 ] &&
    [ "$(moved read)" -eq "$(moved write)" ]; then
	ok "a momentum is loaded once"
else
	bad "a momentum is loaded once: $(moved read), $(moved write)"
fi

# ---- groups of the chip drop what one group would ----

cat >drop.net <<'END'
network drop() {
	input image : f32[N, 1, 14, 14] where N = 8
	x = image -> conv(4, 3) -> relu -> dropout(0.4) -> flatten
	output logits = x -> linear(64) -> relu -> dropout(0.5) -> linear(10)
}
END
# loss ARGUMENTS...: of the epoch, to five digits; sums differ in their order
loss() {
	run 0 drop.net --data big --batch 8 --epochs 1 --lr 0.05 --seed 3 \
	    --log log.jsonl "$@" && printf '%.4f\n' "$(value epoch train_loss)"
}
one=$(loss -mgroups=1)
for how in -mgroups=2 -mgroups=4 "-mgroups=2 -fmbs=mbs2"; do
	# shellcheck disable=SC2086
	if [ -n "$one" ] && [ "$(loss $how)" = "$one" ]; then
		ok "dropout $how"
	else
		bad "dropout $how: not $one"
	fi
done
