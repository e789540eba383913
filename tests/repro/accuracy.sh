#!/bin/bash
# Accuracy of the real networks on real pictures, compiled for wavecore in
# fp32, fp16 and bf16: beside the table of ../shared/assets/README.md (on its
# first pictures) and an independent interpreter on all of them. Within one
# picture in fp32; within one point, but at least one picture, in 16 bits.
#
#   accuracy.sh [-q] [NETWORK [PRECISION]]    patterns; -q: result lines of a
#                                             suite instead of the table
set -u
cd "$(dirname "$0")/../.." || exit 2
: "${BIN:=build/bin}" "${OBJ:=build/opt}" "${SHARED:=../shared}"
: "${SCRATCH:=$OBJ/repro/accuracy}"
assets=$SHARED/assets
tool=$OBJ/tests/repro/accuracy
quiet=
[ "${1:-}" = -q ] && quiet=1 && shift
[ -d "$assets/data" ] || {
	echo "skip accuracy: no $assets/data"
	exit
}
mkdir -p "$SCRATCH"

# The pictures and the labels of a data set; CIFAR's JPEG files are unpacked
# by the assets' own script.
files_of() {
	case $1 in
	mnist)
		echo "$assets/data/mnist/t10k-images-idx3-ubyte.gz" \
		    "$assets/data/mnist/t10k-labels-idx1-ubyte.gz" ;;
	cifar-exact)
		echo "$assets/data/cifar10/cifar10_exact_test100.csv" - ;;
	cifar-jpeg)
		[ -e "$SCRATCH/cifar/test_batch.bin" ] ||
		    /usr/bin/python3 "$assets/tools/cifar_bin.py" \
			"$SCRATCH/cifar" >/dev/null || return 1
		echo "$SCRATCH/cifar/test_batch.bin" - ;;
	imagenet)
		echo "$assets/data/imagenet/images_50x3x224x224_uint8.npy" \
		    "$assets/data/imagenet/labels.npy" ;;
	esac
}

# near RIGHT EXPECTED COUNT PRECISION: 1 when near enough
near() {
	awk -v a="$1" -v b="$2" -v n="$3" -v p="$4" 'BEGIN {
		d = a < b ? b - a : a - b
		limit = p == "fp32" || n < 100 ? 1 : n / 100
		print d <= limit ? 1 : 0
	}'
}

[ -n "$quiet" ] || printf '%-38s %-11s %-4s %14s %16s %14s\n' network data \
    type 'of=README' 'of=interpreter' 'cycles/picture'
bad=0
while read -r name set batch first readme count reference; do
	[[ $name =~ ${1:-.} ]] || continue
	if ! files=$(files_of "$set"); then
		echo "skip $name: no data set $set"
		continue
	fi
	for precision in fp32 fp16 bf16; do
		[[ $precision =~ ${2:-.} ]] || continue
		word=ok
		# shellcheck disable=SC2086 # two words
		result=$("$BIN/wavecc" "$assets/models/$name/model.onnx" \
		    -fbatch="$batch" -mprecision=$precision \
		    -o "$SCRATCH/net.wo" 2>"$SCRATCH/errors" &&
		    "$tool" "$name" "$SCRATCH/net.wo" $files \
			2>>"$SCRATCH/errors") || word='not ok'
		read -r right_first right total cycles <<<"$result"
		[ "$word$(near "${right_first:-0}" "$readme" "$first" \
		    $precision)$(near "${right:-0}" "$reference" "$count" \
		    $precision)" = ok11 ] || {
			word='not ok'
			bad=$((bad + 1))
			grep ' error: ' "$SCRATCH/errors"
		}
		if [ -n "$quiet" ]; then
			echo "$word $name $precision: ${right:-0} of $count," \
			    "interpreter $reference"
			continue
		fi
		claim=-
		[ "$first" -eq 0 ] || claim=$right_first/$first=$readme
		printf '%-38s %-11s %-4s %14s %16s %14s %s\n' "$name" \
		    "$set" $precision "$claim" "$right/$total=$reference" \
		    $((cycles / total)) "${word/#ok/}"
	done
done < <("$tool" --list)
[ $bad -eq 0 ]
