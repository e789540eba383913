#!/bin/bash
# make bench BENCH=depth: what compiling and timing a training step of a ResNet
# costs over its depth, with optimal layer groups. Processor time (user and
# system), the least of several runs; a chart, and the exponent of a straight
# line through the logarithms: 1 is linear.
# usage: depth.sh BIN SCRATCH RUNS
set -eu -o pipefail
bin=$1 scratch=$2 runs=$3
TIMEFORMAT='%U %S'

# Networks of 3, 8, COUNT and 3 bottlenecks: ResNet-152 has a COUNT of 36.
net() {
	cat <<-END
	include "resnet.net"
	network depth(classes = 1000, norm = "group") {
		input image : f32[N, 3, 224, 224] where N = 32
		output logits = image -> resnet([3, 8, $1, 3], classes, norm,
		    name="net")
	}
	END
}

# Seconds of a command: the least of all runs.
least() {
	local i
	for ((i = 0; i < runs; i++)); do
		{ time "$@" >/dev/null 2>"$scratch/err"; } \
		    2>>"$scratch/times" || {
			cat "$scratch/err" >&2
			return 1
		}
	done
	awk '{ print $1 + $2 }' "$scratch/times" | sort -n | sed -n 1p
	rm "$scratch/times"
}

cp examples/*.net "$scratch"
for count in 6 12 24 36 72; do
	net $count >"$scratch/depth.net"
	compile=$(least "$bin/wavecc" "$scratch/depth.net" -ftrain \
	    -fbatch=64 -mprecision=fp16 -floss-scale=1 -fstate=paper \
	    -fdgrad=zeros -march=wavecore -fmbs=optimal \
	    -o "$scratch/depth.wo")
	run=$(least "$bin/wavesim" "$scratch/depth.wo" --entry step \
	    --timing-only)
	# convolutions and the classifier
	echo "$((3 * (14 + count) + 2)) $compile $run"
done | awk '
{
	layers[NR] = $1
	cost[NR, 1] = $2
	cost[NR, 2] = $3
}
function exponent(k,    i, x, y, sx, sy, sxx, sxy) {
	for (i = 1; i <= NR; i++) {
		x = log(layers[i])
		y = log(cost[i, k])
		sx += x; sy += y; sxx += x * x; sxy += x * y
	}
	return (NR * sxy - sx * sy) / (NR * sxx - sx * sx)
}
function bar(part,    s, i) {
	for (i = 0; i < 40 * part; i++)
		s = s "#"
	return s
}
END {
	split("compile timing-run", name, " ")
	for (k = 1; k <= 2; k++) {
		printf "%s\n%8s %8s %9s\n", name[k], "layers", "s",
		    "ms/layer"
		for (i = 1; i <= NR; i++)
			printf "%8d %8.2f %9.2f  %s\n", layers[i], cost[i, k],
			    1000 * cost[i, k] / layers[i],
			    bar(cost[i, k] / cost[NR, k])
		printf "grows as layers^%.2f\n", exponent(k)
	}
}'
