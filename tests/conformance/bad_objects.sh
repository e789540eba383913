# Rows of tests/suites/bad_input.sh: corrupt objects.

# object DIAGNOSTIC WHERE BYTES: demo.wo with these bytes there, in wavesim;
# and in waveobjdump where a header is damaged
object() {
	cp demo.wo hurt.wo
	"$poke" hurt.wo "$2" "$3" || echo "not ok poke $2"
	bad 1 "hurt.wo: $1" wavesim hurt.wo --timing-only
	case $2 in
	cut | [0-9]*) bad 1 "hurt.wo: $1" waveobjdump -h hurt.wo ;;
	esac
	rm hurt.wo
}
object "error: not an object file: 0 bytes hold no ELF header" cut 0
object "error: not an object file: 63 bytes hold no ELF header" cut 63
object "error: truncated: section headers lie at byte *" cut 5000
object "error: truncated: * section headers, room for *" cut -1
object "error: not an object file: no ELF magic" 0 00
object "error: not a 64-bit ELF file" 4 01
object "error: not a little-endian ELF file" 5 02
object "error: an ELF file, but not a wave object" 18 3e00
object "error: truncated: * section headers, room for *" 60 ffff
object "error: the section of section names is missing" 62 ffff
object "error: section 2 overlaps section 1 or a header" \
    .text.ld@32 f102000000000000
object "error: truncated: section 1 ends at byte *" .text.ld@24 ffffffff
object "error: section .text.ld has type 7" .text.ld@4 07000000
object "error: section .wave.bind: 153 bytes are no whole number of records of *" \
    .wave.bind@32 9900000000000000
object "error: section .wave.bind: a name lies outside .wave.str" \
    .wave.bind+0 ffffffff
object "error: binding 'image': dtype 4294967295" .wave.bind+8 ffffffff
object "error: section .wave.entry: a name lies outside .wave.str" \
    .wave.entry+0 ffffffff
object "error: entry 'main' has 4294967295 semaphores; *" \
    .wave.entry+8 ffffffff
object "error: code for ISA version 4294967295; this is version *" \
    .note.wave+20 ffffffff
object "error: .note.wave: unknown format" .note.wave+24 ffffffff
object "error: view 0 is reserved and must be zero" \
    .wave.view+0 ffffffffffffffff
object "error: section .wave.str does not end in NUL" \
    .wave.str@32 0000000000000000
object "error: .data and .bss are not the * bytes of DRAM" \
    .bss@32 ffffffffffffff0f
object "error: .wave.srcmap: a range lies outside the code" \
    .wave.srcmap+0 ffffffff
object "entry 'main', queue ld, instruction 0: error: unknown opcode" \
    .text.ld+0 ff
object "entry 'main', queue mx, instruction 1: error: unknown opcode" \
    .text.mx+16 ffffffffffffffffffffffffffffffff

# Sweeps: any damage is refused, traps, or does no harm; it never crashes and
# always ends.
sweep_object() {
	local got
	timeout 60 wavesim hurt.wo -i image=one.npy --instructions 2000000 \
	    -o class=out.npy >"$SCRATCH/out" 2>"$SCRATCH/err" </dev/null
	got=$?
	case $got in
	0) ;;
	1)
		grep -q 'error: ' "$SCRATCH/err" ||
		    echo "not ok $1: no diagnostic"
		[ ! -e out.npy ] || echo "not ok $1: leaves out.npy" ;;
	*) echo "not ok $1: exit status $got" ;;
	esac
	rm -f out.npy
}
size=$(stat -c %s demo.wo)
for i in $(seq 1 20); do
	cp demo.wo hurt.wo
	"$poke" hurt.wo cut $((size * i / 21))
	sweep_object "demo.wo cut to $i/21"
done
echo "ok objects cut anywhere"
for i in $(seq 1 60); do
	cp demo.wo hurt.wo
	at=$((i * 104729 % size))
	"$poke" hurt.wo $at "$(printf %02x $((i * 37 % 256)))"
	sweep_object "demo.wo with byte $at changed"
done
echo "ok objects with any byte changed"
rm hurt.wo
