# Rows of tests/suites/bad_input.sh: models and options of wavecc.

model "error: not a valid ONNX file: it is empty" empty
model "error: not a valid ONNX file: unknown kind of field at byte 1" text
model "error: not a valid ONNX file: truncated number at byte 97" truncated
model "error: not a valid ONNX file: field of the wrong kind at byte 0" flipped
model "error: not a valid ONNX file: messages nested too deeply at byte *" \
    nested
model "error: the model has no graph" no_graph
model "error: the graph has no outputs" no_outputs
model "node 'two' (Relu): error: lies on a cycle: input 0 'b' depends on the node's own result" \
    cycle
model "node 'sum' (Add): error: input 1 'w' is not defined: no node, input or initializer has this name" \
    missing_tensor
model "output 'z': error: 'z' is not defined: *" missing_output
model "node 'b' (Neg): error: result 'y' is already defined by node 'a' (Relu)" \
    twice_defined
model "initializer 'w': error: tensor: dimension 1 is -1" negative_dim
model "input 'x': error: dimension 1 is -7" negative_input
model "node 'sum' (Conv): error: the kernel is empty" zero_kernel
model "node 'conv1' (Conv): error: attribute 'strides' holds 0" stride0
model "initializer 'w': error: tensor: dimension 0 is 4611686018427387904" \
    huge_dim
model "initializer 'w': error: tensor: the dimensions multiply to more than 2^40 elements" \
    overflow_dims
model "node 'fill' (ConstantOfShape): error: makes a constant f32[1048576,1048576] of more than 1 GiB" \
    huge_constant
model "node 'sum' (Add): error: add: rule broadcast: the shapes do not broadcast; *" \
    broadcast
model "node 'conv1' (Conv): error: conv: rule conv: the weight has 3 input channels per group, operand 0 gives 5; *" \
    channels
model "node 'fc' (Gemm): error: gemm: rule gemm: the inner extents 4 and 5 differ; *" \
    gemm
model "node 'r' (Reshape): error: f32[1,3,8,8] cannot take the shape [1,100]" \
    reshape_count
model "initializer 'w': error: tensor: 8 bytes of data where f32[1,3,8,8] needs 768" \
    short_data
model "initializer 'w': error: tensor: external data '../empty.onnx': may not leave the model's folder" \
    external_dotdot
model "initializer 'w': error: tensor: external data 'sub/../../x.bin': may not leave the model's folder" \
    external_inner_dotdot
model "initializer 'w': error: tensor: external data '/etc/passwd': absolute paths are refused" \
    external_absolute
model "initializer 'w': error: tensor: external data 'nowhere.bin': No such file or directory" \
    external_missing
model "node #0 (Frobnicate): error: operator Frobnicate (domain ai.onnx, opset 13) is not known: *" \
    unknown_op

# Options
compile() {
	local status=$1 text=$2
	shift 2
	bad "$status" "$text" wavecc demo.onnx -fbatch=1 -o out.wo "$@"
}
compile 2 "wavecc: error: unknown option '--wibble'" --wibble
compile 2 "wavecc: error: unknown option '-fwibble'*" -fwibble
compile 2 "wavecc: error: one model at a time: 'b.onnx' is the second" b.onnx
compile 2 "wavecc: error: -o wants a file name" -o
compile 2 "wavecc: error: -O wants 0 to 3, not '9'" -O9
compile 2 "wavecc: error: -mprecision wants *" -mprecision=fp8
compile 2 "wavecc: error: -fbatch wants a positive number, not '0'" -fbatch=0
compile 2 "wavecc: error: -fbatch wants a positive number, not '-3'" -fbatch=-3
compile 2 "wavecc: error: -fbatch wants a positive number, not '99999999999999999999'" \
    -fbatch=99999999999999999999
compile 2 "wavecc: error: -finput wants NAME:DxDx..., not 'image:1xq'" \
    -finput=image:1xq
compile 2 "wavecc: error: no pass is called 'nope'; *" -print-after=nope
compile 2 "wavecc: error: an object cannot go to standard output" -o -
compile 1 "wavecc: error: dram is too small: constants and bound tensors need *" \
    -fbatch=100000000
compile 1 "demo.onnx: error: -finput: 'nope' is not a run-time input of the model" \
    -finput=nope:1x1x28x28
compile 1 "demo.onnx: node '/stem/Conv' (Conv): error: conv: rule conv: the weight has 1 input channels per group, operand 0 gives 2; *" \
    -finput=image:1x2x28x28
compile 1 "none.npy: error: cannot open: No such file or directory" \
    -fconst=image=none.npy
compile 1 "demo.onnx: error: -fconst: 'nope' is not an input of the model" \
    -fconst=nope=demo_images.npy
compile 1 "wavecc: error: -Rpass=[: Invalid regular expression*" '-Rpass=['
compile 1 "wavecc: error: unknown target 'nosuch'; *" -march=nosuch
compile 1 "none.ini: error: cannot open: No such file or directory" \
    -march=none.ini
compile 1 "wavecc: error: -mnosuch=3: unknown key" -mnosuch=3
compile 1 "wavecc: error: -mrows=many: not an integer" -mrows=many
compile 1 "wavecc: error: target 'wavecore': rows must be 1 to 65535" -mrows=0
compile 1 "demo.onnx: node '/stem/Conv' (Conv): error: 'conv' does not fit: *" \
    -mgbuf_bytes=64
compile 1 "none/deep: error: cannot make this folder: No such file or directory" \
    -dump-dir=none/deep
bad 2 "wavecc: error: no model" wavecc -o out.wo

# Sweeps: whatever is cut off or flipped, the model compiles or is refused with
# one line, and nothing is left of a refused one.
sweep_model() {
	local why= got
	wavecc hurt.onnx -fbatch=1 -march=tiny -o out.wo >"$SCRATCH/out" \
	    2>"$SCRATCH/err" </dev/null
	got=$?
	case $got in
	0) [ -e out.wo ] || why="no object" ;;
	1)
		grep -q ' error: ' "$SCRATCH/err" || why="no diagnostic"
		[ ! -e out.wo ] || why="leaves out.wo" ;;
	*) why="exit status $got" ;;
	esac
	rm -f out.wo
	[ -z "$why" ] || echo "not ok $1: $why"
}
size=$(stat -c %s demo.onnx)
for i in $(seq 0 23); do
	cp demo.onnx hurt.onnx
	"$poke" hurt.onnx cut $((size * i / 24))
	sweep_model "demo.onnx cut to $i/24"
done
echo "ok models cut anywhere"
# The graph lies behind the weights: half of the flips go there.
for i in $(seq 1 60); do
	cp demo.onnx hurt.onnx
	at=$((i % 2 ? i * 104729 % size : i * 7919 % 5000))
	"$poke" hurt.onnx $at "$(printf %02x $((i * 37 % 256)))"
	sweep_model "demo.onnx with byte $at changed"
done
echo "ok models with any byte changed"
rm -f hurt.onnx
