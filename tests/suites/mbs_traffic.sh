#!/bin/bash
# What layer groups move, executed, on a small residual network and buffers that
# are tight for it: the model of -Rpass=mbs is right within 2 %, and `optimal`
# moves no more, takes no longer and needs no more energy than `mbs2`.
set -u
work=$SCRATCH/mbs_traffic
mkdir -p "$work" || exit 2

net=examples/resnet20.net
number() { # KEY [SECTION]: the first behind it
	sed -n "/\"${2:-$1}\"/,\$s/.*\"$1\":[[:space:]]*\([0-9.e+-]*\).*/\1/p" \
	    "$work/stats" | head -n 1
}

bytes_of() { # OP [PHASE]: of its nodes
	awk -v op="\"$1\"" -v phase="\"${2:-}" '
	    { sub(/,$/, "") }
	    $1 == "\"op\":" { is = $2 == op }
	    $1 == "\"phase\":" { is = is && index($2, phase) == 1 }
	    $1 == "\"dram_bytes\":" && is { n += $2 }
	    END { print n + 0 }' "$work/stats"
}

# step BUFFER VARIANT OPTION...: bytes of one of two groups, cycles, joules,
# model's bytes
step() {
	local norm=-Dnorm=group
	[ "$net" = examples/resnet20.net ] || norm=
	"$BIN/wavecc" "$net" $norm -ftrain -fbatch=64 \
	    -mprecision=fp16 -floss-scale=1 -fstate=paper -fdgrad=zeros \
	    -march=wavecore -mgbuf_bytes="$1" -fmbs="$2" "${@:3}" \
	    -Rpass='mbs|lower' -o "$work/net.wo" 2>"$work/log" &&
	    "$BIN/wavesim" "$work/net.wo" --entry step --timing-only \
	    --stats "$work/stats" >/dev/null || return
	echo "$(number dram_read_bytes) $(number dram_write_bytes)" \
	    "$(number cycles) $(number total energy_j)" \
	    "$(sed -n 's/.*update [0-9.]*: \([0-9.]*\)$/\1/p' "$work/log" |
	    tail -n 1)" |
	    awk '{ print ($1 + $2) / 2, $3, $4, $5 * 1e9 }'
}

verdict() { # NAME AWK-CONDITION VALUES...
	local name=$1 condition=$2
	shift 2
	if echo "$*" | awk "{ exit !(NF > 1 && $condition) }"; then
		echo "ok $name"
	else
		echo "not ok $name: $*"
	fi
}

# ops NAME AWK-CONDITION BUFFER VARIANT OP[:PHASE]...: of the bytes of ops in a
# step of $net
ops() {
	local name=$1 condition=$2 op values=
	step "$3" "$4" >"$work/ops" || condition=0
	shift 4
	for op; do
		values+=" $(bytes_of "${op%:*}" "$(case $op in
		    *:*) echo "${op#*:}" ;;
		    esac)")"
	done
	verdict "$name" "$condition" "$values"
}

for buffer in 256KiB 512KiB 1MiB; do
	optimal=$(step $buffer optimal)
	mbs2=$(step $buffer mbs2)
	verdict "optimal at $buffer moves what the model says" \
	    '$1 < 1.02 * $4 && $4 < 1.02 * $1' "$optimal"
	for what in 1:bytes 2:cycles 3:joules; do
		verdict "optimal at $buffer: no more ${what#*:} than mbs2" \
		    "\$${what%:*} <= \$$((${what%:*} + 4))" "$optimal $mbs2"
	done
done
optimal=$(step 1MiB optimal)
if grep -q 'in two halves' "$work/log"; then
	echo "ok convolutions beside norms run in halves"
else
	echo "not ok convolutions beside norms run in halves"
fi
verdict "array and vector unit beside each other take less time" \
    '$2 < 0.97 * $6' "$optimal $(step 1MiB optimal -fno-overlap)"
for how in baseline archopt; do
	verdict "$how moves what the model says" \
	    '$1 < 1.02 * $4 && $4 < 1.02 * $1' "$(step 1MiB $how)"
done

# One group alone, 32 samples: the update reads a weight that decays once, beside
# the passes forward and back; momentum goes out once.
step 1MiB baseline -mgroups=1 -fbatch=32 >"$work/one"
verdict "the update reads weights once" '$1 < 3.05 * $2 && $2 > 5e5' \
    "$(number read weight) $(number write optimizer)"

# Two plans for a layer are as fast; one reads more from the buffers.
net=examples/alexnet.net
verdict "AlexNet takes no more energy with optimal than with mbs2" '$3 <= $7' \
    "$(step 10MiB optimal -fbatch=128) $(step 10MiB mbs2 -fbatch=128)"
# What the sweep of a ReLU keeps, its result and the places of maxima, has room
# in all of its iterations.
step 10MiB baseline -fbatch=128 >"$work/sweeps"
if [ -s "$work/sweeps" ] && ! grep -q 'relu2: .*of the memories' "$work/log"
then
	echo "ok the plan of a sweep has room for what it keeps"
else
	echo "not ok the plan of a sweep has room for what it keeps"
fi

# A layer's bias gradient is summed while the gradient is there.
cat >"$work/bias.net" <<'END'
network biased {
	input image : f32[N, 16, 32, 32] where N = 64
	output logits = image -> conv(32, 3, pad=1) -> relu
	    -> conv(32, 3, pad=1) -> relu -> conv(32, 3, pad=1) -> relu
	    -> global_avg_pool -> linear(10)
}
END
net=$work/bias.net
ops "sums for biases move nothing" '$1 > 1e7 && $2 < 1e4' 512KiB baseline \
    conv_wgrad reduce_sum:backward
# The more samples, the less room for the sums of conv2's weights, and its operand
# of 200 KB a sample, stored for the norm over the batch, would be loaded often.
cat >"$work/transition.net" <<'END'
network transition {
	input image : f32[N, 8, 14, 14] where N = 64
	output logits = image -> conv(512, 1, bias=false) -> batch_norm -> relu
	    -> conv(256, 1, bias=false) -> avg_pool(2, stride=2)
	    -> conv(16, 1) -> global_avg_pool -> linear(10)
}
END
net=$work/transition.net
for buffer in 384KiB 512KiB; do
	verdict "weight gradients leave room for themselves at $buffer" \
	    '$1 <= $5' "$(step $buffer optimal) $(step $buffer mbs2)"
done
# Tiles of the operand of conv2 that find too little room would make the array
# wait for each shift of weights.
verdict "convolutions leave room for what they stream" '$2 < .96 * $6' \
    "$(step 512KiB optimal) $(step 512KiB mbs2)"
# Where the model of the groups is wrong, what the schedules move decides.
for buffer in 320KiB 1280KiB; do
	verdict "optimal at $buffer: groups of mbs2 that move less are taken" \
	    '$1 <= $5' "$(step $buffer optimal) $(step $buffer mbs2)"
done
step 320KiB optimal >"$work/taken"
verdict "what a schedule moves is known beforehand" \
    '$1 > 1e6 && $1 - $5 < 1e6 && $5 - $1 < 1e6' "$(cat "$work/taken")" \
    "$(sed -n 's/.*are taken: \([0-9.]*\) GB.*/\1e9/p' "$work/log")"

# 3 x 3 weights of 256 x 384 channels: 3.5 MB of sums, which find room beside the
# gradient of the result, but not beside that of the operand as well.
cat >"$work/wide.net" <<'END'
network wide {
	input image : f32[N, 8, 13, 13] where N = 128
	output logits = image -> conv(384, 1) -> relu -> conv(256, 3, pad=1)
	    -> relu -> global_avg_pool -> linear(10)
}
END
net=$work/wide.net
step 10MiB mbs2 -fbatch=128 >"$work/wide"
verdict "a weight gradient with many sums comes first" '$1 < $4' \
    "$(cat "$work/wide")"

# Parts of a concatenation that stay on chip until they are stored go where it
# wants them; a maximum pool and the places of its maxima load it once, 2 MB for
# each of two groups, and store a quarter of that and a quarter of a quarter: two
# places take a byte.
cat >"$work/joined.net" <<'END'
block unit(x, channels, kernel) {
	return x -> conv(channels, kernel, pad=kernel // 2, bias=false)
	    -> group_norm(groups=2) -> relu
}
network joined {
	input image : f32[N, 16, 16, 16] where N = 64
	x = image -> unit(16, 3)
	y = concat(x -> unit(64, 1), x -> unit(64, 3))
	output logits = y -> max_pool(2, stride=2) -> unit(16, 1)
	    -> global_avg_pool -> linear(10)
}
END
net=$work/joined.net
ops "il copies no parts of concatenations" '$1 == 0 && $2 > 0' 3MiB il \
    concat conv
ops "a pool and its maxima load their operand once" \
    '$1 + $2 + $3 < 1.32 * 2 * 2097152 && $1 > 0' 3MiB baseline \
    max_pool max_pool_index add:forward
verdict "places of maxima take four bits" '$1 > 0 && $1 == $2 && $2 == $3' \
    "$(number read mask) $(number write mask)" \
    "$((2 * 32 * (128 * 8 * 8 / 2 + (16 * 256 + 128 * 256 + 16 * 64) / 8)))"

# Half of the bytes in, the rest alike: branches on their own wait in DRAM.
for type in f32 f16; do
	cat >"$work/$type.net" <<-END
	block unit(x, kernel) {
		return x -> conv(32, kernel, pad=kernel // 2, bias=false)
		    -> group_norm(groups=2) -> relu
	}
	network typed {
		input image : $type[N, 16, 16, 16] where N = 64
		x = image -> unit(1)
		y = concat(x -> unit(1), x -> avg_pool(3, stride=1, pad=1))
		output logits = y -> unit(3) -> global_avg_pool -> linear(10)
	}
	END
	net=$work/$type.net
	step 256KiB mbs1 >"$work/$type"
done
verdict "images of 16 bits spare no more than their bytes" \
    '$1 > $5 && $1 - $5 < 1.1 * 2 * 32 * 16 * 256 * 2' \
    "$(cat "$work/f32" "$work/f16" | tr '\n' ' ')"
net=examples/resnet20.net

# Modules of three branches, in bytes of a sample: 512 a channel. Branch by
# branch the pool of the last one meets its operand and the results of all, three
# times 64 channels. With the pool first, but its branch's norm after it is gone,
# 64 + 64 + 24 do: so eight samples fit into 640 KiB, not six.
cat >"$work/module.net" <<'END'
block unit(x, channels, kernel = 1) {
	return x -> conv(channels, kernel, pad=kernel // 2, bias=false)
	    -> group_norm(groups=2) -> relu
}

block module(x) {
	return concat(x -> unit(24), x -> unit(12) -> unit(16, 3),
	    x -> avg_pool(3, stride=1, pad=1) -> unit(24))
}

network modules(stem = 64) {
	input image : f32[N, 64, 16, 16] where N = 64
	x = image -> unit(stem) -> module -> module -> module
	output logits = x -> global_avg_pool -> linear(10)
}
END
modules() { # BUFFER VARIANT OPTION...: what -Rpass=lower says
	"$BIN/wavecc" "$work/module.net" -ftrain -fbatch=64 \
	    -mprecision=fp16 -floss-scale=1 -fstate=paper -march=wavecore \
	    -mgbuf_bytes="$1" -fmbs="$2" "${@:3}" -Rpass=lower \
	    -o "$work/module.wo" 2>&1
}
if modules 640KiB optimal -mdram_bw=1e10 |
    grep -q 'group 0, forward: 8 samples .* 622592 of 655360 bytes'; then
	echo "ok a module's nodes are in the order that needs least room"
else
	echo "not ok a module's nodes are in the order that needs least room"
fi
# its mean over windows and the gradient of that: half of the channels at a time
if modules 640KiB optimal -mdram_bw=1e10 | awk '
    /lower: 3 nodes for 32 of 64 channels at a time/ { n++ }
    END { exit n != 12 }'; then # two entries, three modules, both chains
	echo "ok a pool and its convolution by strips of channels"
else
	echo "not ok a pool and its convolution by strips of channels"
fi
# a stem for which one sample takes half of the buffer leaves modules room
if modules 800KiB fs -Dstem=384 |
    grep -q 'group 0, forward: branches run beside each other'; then
	echo "ok branches of a module run beside each other"
else
	echo "not ok branches of a module run beside each other"
fi

# -save-temps joins the initial memory, which is else written in pieces
options="-Dnorm=group -ftrain -fbatch=64 -mprecision=fp16 -fstate=paper"
for name in pieces joined; do
	[ $name = joined ] && options+=' -save-temps'
	# shellcheck disable=SC2086
	"$BIN/wavecc" examples/resnet20.net $options -march=wavecore \
	    -fmbs=optimal -o "$work/$name.wo" || exit 2
done
if cmp "$work/pieces.wo" "$work/joined.wo"; then
	echo "ok an object written in pieces has the bytes of one joined"
else
	echo "not ok an object written in pieces has the bytes of one joined"
fi
