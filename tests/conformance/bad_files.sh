# Rows of tests/suites/bad_input.sh: files that are not there, folders, full
# disks; for all commands.

wavecc demo.onnx -fbatch=1 -march=tiny -o demo.wo
wavecc demo.onnx -fbatch=1 -march=tiny -S -o demo.ws
wavecc demo.onnx -fbatch=1 -march=tiny -emit-graph -o demo.wgr
wavecc demo.onnx -fbatch=1 -march=tiny -emit-tile -o demo.wtl
{
	head -c 128 demo_images.npy | sed 's/(8, 1, 28, 28)/(1, 1, 28, 28)/'
	tail -c +129 demo_images.npy | head -c 3136
} >one.npy

bad 1 "none.onnx: error: cannot open: No such file or directory" \
    wavecc none.onnx -o out.wo
bad 1 "wavecc: error: folder: unknown kind of input; *" wavecc folder -o out.wo
bad 1 "wavecc: error: demo.wo: unknown kind of input; *" wavecc demo.wo -o o.wo
mkdir folder.onnx
bad 1 "folder.onnx: error: cannot read: Is a directory" \
    wavecc folder.onnx -o out.wo
bad 1 "none.ws: error: cannot open: No such file or directory" \
    waveas none.ws -o out.wo
bad 1 "none.wo: error: cannot open: No such file or directory" \
    wavesim none.wo --timing-only
bad 1 "none.wo: error: cannot open: No such file or directory" \
    waveobjdump -h none.wo

# unwritable OUT ERROR: for each command and kind of output
unwritable() {
	for option in '' -S -emit-graph -emit-tile -emit-dot; do
		# shellcheck disable=SC2086 # one word or none
		bad 1 "$1: error: cannot write: $2" \
		    wavecc demo.onnx -fbatch=1 $option -o "$1"
	done
	bad 1 "$1: error: cannot write: $2" waveas demo.ws -o "$1"
	for option in --stats --trace --report; do
		bad 1 "$1: error: cannot write: $2" \
		    wavesim demo.wo --timing-only $option "$1"
	done
	bad 1 "$1: error: cannot write: $2" \
	    wavesim demo.wo -i image=one.npy -o "class=$1"
	bad 1 "$1: error: cannot write: $2" \
	    wavesim demo.wo -i image=one.npy -o class=out.npy -o "class=$1"
	bad 1 "$1: error: cannot be written" \
	    wavesim demo.wo --timing-only --log "$1"
}
unwritable folder "Is a directory"
unwritable none/out "No such file or directory"
[ -c /dev/full ] && unwritable /dev/full "No space left on device"

# A full disk, where we may make one; the room left holds no object.
if mkdir full && mount -t tmpfs -o size=16k none full 2>/dev/null; then
	bad 1 "full/out.wo: error: cannot write: No space left on device" \
	    wavecc demo.onnx -fbatch=1 -o full/out.wo
	[ -z "$(ls -A full)" ] || echo "not ok full disk: leaves a file"
	umount full
else
	echo "skip full disk: may not mount one"
fi

# Misuse of the other commands
bad 2 "wavesim: no program" wavesim
bad 2 "wavesim: unknown option --wibble" wavesim demo.wo --wibble
bad 2 "wavesim: more than one program: b.wo" wavesim demo.wo b.wo
bad 2 "wavesim: missing argument of -i" wavesim demo.wo -i
bad 2 "wavesim: expected NAME=FILE.npy, not image" wavesim demo.wo -i image
bad 2 "wavesim: not a possible number: 0" wavesim demo.wo --threads 0
bad 2 "waveobjdump: unknown option -q" waveobjdump -q demo.wo
bad 2 "waveobjdump: one of -d -h -t -s -x -S is needed" waveobjdump demo.wo
bad 2 "waveas: no input" waveas
bad 2 "waveas: unknown option --wibble" waveas --wibble demo.ws

# Broken texts. text NAME SCRIPT DIAGNOSTIC: the file through sed
text() {
	sed "$2" "demo.$1" >"hurt.$1"
	bad 1 "hurt.$1$3" wavecc "hurt.$1" -o out.wo
	[ "$1" != ws ] || bad 1 "hurt.$1$3" waveas "hurt.$1" -o out.wo
	rm "hurt.$1"
}
text wgr '1s/1/9/' ":1:12: error: version 9 is not known, this is 1"
text wgr 1d ":1:1: error: unexpected 'graph', expected 'wave.graph'"
text wgr '0,/ = conv /s// = konv /' ":*: error: there is no op 'konv'"
text wgr '0,/f32\[1,1,28,28\]/s//f32[1,1,28,29]/' \
    ":*: error: result 0 is f32[1,12,28,29], not f32[1,12,28,28]"
text wtl '1s/1/9/' ":1:1: error: this reads version 1"
text wtl '1s/.*/hello/' \
    ":1:1: error: the text does not start with 'wave.tile 1'"
text ws '1s/1/9/' ":1:10: error: assembly version 9; this is version 1"
text ws 's/^\.isa 1/.isa 7/' ": error: code for ISA version 7; this is version 1"
text ws '0,/LdLBUF_V/s//LdLBUF_Q/' ":*: error: unknown instruction 'LdLBUF_Q'"
text ws 's/rows = 4/rows = banana/' \
    ":*: error: rows: 'banana' is no value for it"
printf 'rows\n' >hurt.ini
bad 1 "hurt.ini:1: error: expected 'key = value'" \
    wavecc demo.onnx -march=hurt.ini -o out.wo
rm hurt.ini
