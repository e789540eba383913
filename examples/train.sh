#!/bin/sh
# Trains the small CNN beside this script on the drawn images that come with
# Wave, step by step on the simulated accelerator, and a linear classifier to
# compare with.
set -eu
cd "$(dirname "$0")/.."
: "${BIN:=build/bin}"
out=${DEMO_OUT:-build/demo}
mkdir -p "$out"

# say COMMAND...: shows and runs it
say() {
	echo "\$ $*"
	tool=$1
	shift
	"$BIN/$tool" "$@"
}

cat <<'END'
A CNN of two convolutions learns to tell ten drawn shapes: circle square
triangle cross plus zigzag arrow house spiral waves. Every number below comes
out of compiled instructions on the simulated accelerator.

END
say wavetrain examples/shapes.net --data shapes --checkpoint "$out/shapes.ckpt" \
    --export "$out/shapes.onnx" --log "$out/shapes.jsonl"
echo
echo "A linear classifier on the same pictures:"
"$BIN/wavetrain" examples/shapes-linear.net --data shapes >"$out/linear"
sed -n 's/^accuracy/  accuracy/p' "$out/linear"
cat <<END

Next:
  build/bin/wavesim $out/shapes.wo --entry step --timing-only
      where the time of one training step goes
  build/bin/wavetrain examples/lenet5.net --data DIR --epochs 3
      LeNet-5 on MNIST; DIR holds its four IDX files, plain or gzip
  build/bin/wavetrain examples/shapes.net --data shapes -mprecision=bf16
      the same in bfloat16
  make demo-inference
      a network trained elsewhere, and its cost in each precision
END
"$BIN/wavecc" examples/shapes.net -ftrain -o "$out/shapes.wo"
