# Runs real models through wavecc and wavesim; sourced by tests/suites/
# assets_models.sh and tests/repro/models.sh with BIN, TESTS, SCRATCH and
# SHARED set.
models=${SHARED:?}/assets/models
tools=${TESTS:?}/conformance

# limit_of MODEL PRECISION, for tensor_cmp: fp32 by the largest magnitude of
# the output, the 16-bit types by relative Euclidean distance.
limit_of() {
	special=$(sed -n "s,^$1 $2 ,,p" tests/conformance/limits16.txt)
	case ${special:-$2} in
	fp32) echo "-m 1e-4" ;;
	fp16) echo "-l 1e-2" ;;
	bf16) echo "-l 5e-2" ;;
	*) echo "-l $special" ;;
	esac
}

list_models() {
	(cd "$models" && find . -name '*.onnx' | sed 's,^\./,,' | sort)
}

# The line of refused.txt that says why a model is refused, or nothing.
refusal_of() {
	sed -n "s,^$1: ,,p" tests/conformance/refused.txt
}

# make_data MODEL: inputs and references in $data, listed in $data/list
make_data() {
	data=$SCRATCH/data
	rm -rf "$data"
	mkdir -p "$data"
	"$tools/model_data" "$models/$1" "$data" >"$data/list" \
	    2>"$data/errors"
}

# The words of one kind of line of the list, that of a set if given.
words() {
	awk -F '\t' -v kind="$1" -v set="$2" -v text="$3" '
	$1 == kind && (set == "" || $2 == set) {
		if (kind == "option")
			print $2
		else
			printf "%s\n%s=%s\n", text, $3,
			    (text == "-i" ? $4 : out "/" $2 "_" n++ ".npy")
	}' out="$data/got" "$data/list"
}

# compile MODEL TARGET PRECISION: $data/model.wo; the diagnostics of a failure
# in $data/errors. The model's own precision counts as fp32.
compile() {
	option=
	[ "$3" = fp32 ] || option=-mprecision=$3
	words option '' '' >"$data/options"
	xargs -d '\n' -a "$data/options" "$BIN/wavecc" "$models/$1" \
	    -march="$2" $option -o "$data/model.wo" 2>"$data/errors"
}

# run_set SET [options of wavesim]
run_set() {
	set=$1
	shift
	mkdir -p "$data/got"
	{
		words in "$set" -i
		words out "$set" -o
	} >"$data/args"
	xargs -d '\n' -a "$data/args" "$BIN/wavesim" "$data/model.wo" \
	    --stats "$data/stats.json" "$@" >"$data/errors" 2>&1
}

# compare_set MODEL SET PRECISION: the worst distance of the outputs in
# $distance
compare_set() {
	distance=
	same=0
	limit=$(limit_of "$1" "$3")
	[ "$limit" != '-l infinite' ] || limit='-l inf'
	awk -F '\t' -v set="$2" '$1 == "out" && $2 == set {
		print $2 "_" n++ ".npy", $4 }' "$data/list" >"$data/pairs"
	while read -r got want; do
		# shellcheck disable=SC2086 # two words
		line=$("$tools/tensor_cmp" $limit "$data/got/$got" \
		    "$want") || same=1
		distance=$(worse_of "$line" "$distance")
	done <"$data/pairs"
	# What must overflow must not come out right either.
	case "$limit $distance" in
	'-l inf '*inf) ;;
	'-l inf '*) same=1 ;;
	esac
	return $same
}

# Of two lines "max N l2 N" the one with the larger distance.
worse_of() {
	printf '%s\n%s\n' "$1" "$2" | sort -k 2,2gr | head -n 1
}

seconds_since() {
	awk -v a="$1" -v b="$(date +%s.%N)" 'BEGIN { printf "%.1f", b - a }'
}

# check_model MODEL TARGET PRECISION: compiles, runs under the checker, sets
# $result to ok, refused or wrong and $detail to what there is to say about it.
# The data of the model must have been made.
check_model() {
	model=$1 target=$2 precision=$3
	detail=
	start=$(date +%s.%N)
	want=$(refusal_of "$model")
	if ! compile "$model" "$target" "$precision"; then
		detail=$(sed -n 's/ error: / /; s,^.*\.onnx: ,,p' \
		    "$data/errors" | head -n 1)
		result=wrong
		[ -n "$want" ] && [ "$detail" = "$want" ] && result=refused
		return
	fi
	if [ -n "$want" ]; then
		result=wrong detail="compiled, but is on the list of refusals"
		return
	fi
	compiled=$(seconds_since "$start")
	if ! grep -q '^out' "$data/list"; then
		result=wrong detail="model_data made no data"
		return
	fi
	result=ok worst=
	for s in $(cut -f 1,2 "$data/list" | sed -n 's/^out\t//p' |
	    sort -u); do
		start=$(date +%s.%N)
		if ! run_set "$s" --check; then
			result=wrong
			detail=$(head -n 1 "$data/errors")
			return
		fi
		ran=$(seconds_since "$start")
		compare_set "$model" "$s" "$precision" || result=wrong
		worst=$(worse_of "$distance" "$worst")
	done
	from=$(sed -n '/^out/{s/.*\t//p;q}' "$data/list")
	cycles=$(sed -n 's/^[[:space:]]*"cycles":[[:space:]]*\([0-9]*\).*/\1/p' \
	    "$data/stats.json" | head -n 1)
	detail="$worst against $from, $cycles cycles, $compiled s + $ran s"
}
