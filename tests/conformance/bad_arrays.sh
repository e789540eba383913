# Rows of tests/suites/bad_input.sh: .npy files and names given to wavesim.

# header TEXT: the start of a .npy file with this dictionary
header() {
	printf '\223NUMPY\001\000'
	# shellcheck disable=SC2059 # the format is the text
	printf "\\$(printf %03o $((${#1} % 256)))\\$(printf %03o $((${#1} / 256)))"
	printf %s "$1"
}

# array DIAGNOSTIC DESCR SHAPE [BYTES]
array() {
	header "{'descr': $2, 'fortran_order': False, 'shape': $3, }" >x.npy
	head -c "${4:-3136}" /dev/zero >>x.npy
	bad 1 "x.npy: error: $1" wavesim demo.wo -i image=x.npy -o class=out.npy
}
array "the array is f32[1,28,28], input 'image' is f32[1,1,28,28]" \
    "'<f4'" "(1, 28, 28)"
array "the array is f32[8,1,28,28], input 'image' is f32[1,1,28,28]" \
    "'<f4'" "(8, 1, 28, 28)" 25088
array "the array is i32[1,1,28,28], input 'image' is f32[1,1,28,28]" \
    "'<i4'" "(1, 1, 28, 28)"
array "the array is i64[1,1,28,28], input 'image' is f32[1,1,28,28]" \
    "'<i8'" "(1, 1, 28, 28)" 6272
array "the array is bool[1,1,28,28], input 'image' is f32[1,1,28,28]" \
    "'|b1'" "(1, 1, 28, 28)" 784
array "arrays of Python objects ('|O') are not supported" \
    "'|O'" "(1, 1, 28, 28)"
array "big-endian data ('>f4') is not supported: *" "'>f4'" "(1, 1, 28, 28)"
array "unsupported element type '<U4'" "'<U4'" "(1, 1, 28, 28)"
array "unsupported element type '<c8'" "'<c8'" "(1, 1, 28, 28)"
array "structured arrays are not supported" "[('a', '<f4')]" "(1, 1, 28, 28)"
array "negative dimension in the .npy header" "'<f4'" "(1, 1, -28, 28)"
array "dimension too large" "'<f4'" "(1, 1, 99999999999999999999, 28)"
array "shape too large" "'<f4'" "(4294967296, 4294967296)"
array "truncated: the shape needs 3136 bytes of data, the file has 3000" \
    "'<f4'" "(1, 1, 28, 28)" 3000
array "64 bytes too many: the shape needs 3136 bytes of data" \
    "'<f4'" "(1, 1, 28, 28)" 3200

# broken DIAGNOSTIC: x.npy as it is
broken() {
	bad 1 "x.npy: error: $1" wavesim demo.wo -i image=x.npy -o class=out.npy
}
header hello >x.npy
broken "malformed .npy header: expected '{'"
header "{'descr': '<f4', 'fortran_order': False, }" >x.npy
broken "malformed .npy header: no 'shape'"
head -c 60 one.npy >x.npy
broken "truncated: .npy header of 118 bytes, 50 there"
: >x.npy
broken "truncated: no .npy header"
cp demo.onnx x.npy
broken "not a .npy file"
rm x.npy
broken "cannot open: No such file or directory"

# A Fortran-order file is no error: it is turned, and means the same.
header "{'descr': '<f4', 'fortran_order': True, 'shape': (1, 28, 28, 1), }" \
    >x.npy
tail -c +129 one.npy >>x.npy
bad 1 "x.npy: error: the array is f32[1,28,28,1], input 'image' is f32[1,1,28,28]" \
    wavesim demo.wo -i image=x.npy -o class=out.npy
rm x.npy

# Names
simulate() {
	local text=$1
	shift
	bad 1 "$text" wavesim demo.wo "$@"
}
simulate "demo.wo: error: missing input: -i image=FILE.npy f32[1,1,28,28] *" \
    -o class=out.npy
simulate "demo.wo: error: no input or state 'nope'; there are: input 'image' f32[1,1,28,28]" \
    -i nope=one.npy -o class=out.npy
simulate "demo.wo: error: no input or state 'class'; *" -i class=one.npy
simulate "demo.wo: error: no output or state 'nope'; *" -i image=one.npy \
    -o class=out.npy -o nope=out.npy
simulate "demo.wo: error: no entry 'train'; there are: main" --entry train
simulate "wavesim: error: --timing-only computes no values to write to 'out.npy'" \
    --timing-only -o class=out.npy
simulate "wavesim: error: entry 'main': trap in *: the limit of instructions is reached" \
    -i image=one.npy -o class=out.npy --instructions 5
