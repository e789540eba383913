#!/bin/sh
# Compiles the small network beside this script (make_demo_model.py trained
# it: 99.0 % of 2000 new pictures), runs it on eight pictures and shows what it
# saw, what it said, and where cycles, bytes and joules went.
set -eu
cd "$(dirname "$0")/.."
: "${BIN:=build/bin}"
out=${DEMO_OUT:-build/demo}
mkdir -p "$out"
model=examples/demo.onnx images=examples/demo_images.npy

# The numbers of a float32 .npy file, one per line.
numbers() {
	head=$(od -An -tu2 -j8 -N2 "$1")
	od -An -v -tf4 -w4 -j$((10 + head)) "$1"
}

# Four pictures side by side, and under each the answer.
show() {
	numbers "$1" >"$out/pixels"
	numbers "$2" >"$out/scores"
	awk '
	FILENAME ~ /pixels$/ { pixel[np++] = $1; next }
	FILENAME ~ /scores$/ { score[ns++] = $1; next }
	FILENAME ~ /classes/ { name[classes++] = $1; next }
	{ label[pictures++] = $1 }

	# The mean of the pixels under a character cell.
	function cell(p, r, c,    y, x, sum, n) {
		for (y = int(r * 28 / 10); y < (r + 1) * 28 / 10; y++)
			for (x = int(c * 28 / 18); x < (c + 1) * 28 / 18; x++) {
				sum += pixel[p * 784 + y * 28 + x]
				n++
			}
		return substr(" .:-=+*#%@", 1 + int(9.99 * sum / n), 1)
	}

	function answer(p,    k, best, text) {
		best = p * classes
		for (k = best; k < (p + 1) * classes; k++)
			if (score[k] > score[best])
				best = k
		k = name[best - p * classes]
		right += k == label[p]
		text = sprintf("%s %.0f %%", k, 100 * score[best])
		return k == label[p] ? text : text " (" label[p] "!)"
	}

	END {
		for (first = 0; first < pictures; first += 4) {
			for (r = 0; r < 10; r++) {
				line = " "
				for (p = first; p < first + 4; p++) {
					line = line " "
					for (c = 0; c < 18; c++)
						line = line cell(p, r, c)
				}
				print line
			}
			line = " "
			for (p = first; p < first + 4; p++)
				line = line sprintf(" %-18s", answer(p))
			print line "\n"
		}
		printf "%d of %d right\n", right, pictures
	}' "$out/pixels" "$out/scores" \
	    examples/demo_classes.txt examples/demo_labels.txt
}

# The first number behind a key of the statistics, after a line with the
# second key if there is one.
key() {
	sed -n "/\"${2:-$1}\"/,\$s/.*\"$1\":[[:space:]]*\([0-9.e+-]*\).*/\1/p" \
	    "$out/stats.json" | head -n 1
}

# say COMMAND...: shows and runs it
say() {
	echo "\$ $*"
	tool=$1
	shift
	"$BIN/$tool" "$@"
}

cat <<'END'
A residual network for pictures of ten shapes: disc ring square triangle
cross star heart moon arrow wave. 9 layers of weights, 18,000 numbers.

END
say wavecc $model -fbatch=8 -o "$out/demo.wo" 2>"$out/remarks"
say wavesim "$out/demo.wo" -i image=$images -o class="$out/class.npy" \
    >"$out/table"
head -n 1 "$out/table"
echo
show $images "$out/class.npy"
echo
sed 1d "$out/table"

echo
echo "The same network in each precision, and on a 4x4 array:"
echo
printf '  %-9s %-9s %10s %10s %10s %10s   %s\n' target precision cycles time \
    'DRAM read' energy answers
for how in 'wavecore fp32' 'wavecore bf16' 'wavecore fp16' 'tiny fp32'; do
	target=${how% *} precision=${how#* }
	"$BIN/wavecc" $model -fbatch=8 -march="$target" \
	    -mprecision="$precision" -o "$out/$target.wo" 2>"$out/remarks"
	"$BIN/wavesim" "$out/$target.wo" -i image=$images \
	    -o class="$out/other.npy" --stats "$out/stats.json"
	right=$(show $images "$out/other.npy" | tail -n 1)
	echo "$(key time_s) $(key dram_read_bytes) $(key total energy_j)" |
	awk -v t="$target" -v p="$precision" -v c="$(key cycles)" \
	    -v right="$right" '{
		printf "  %-9s %-9s %10d %7.1f us %6.1f KiB %7.1f uJ   %s\n",
		    t, p, c, $1 * 1e6, $2 / 1024, $3 * 1e6, right }'
done
echo
echo "Look further: wavecc --help, wavesim --help; $out keeps the files."
