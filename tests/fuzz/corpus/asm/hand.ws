wave.asm 1

.isa 1
.accumulation "ascending-k"
.memory dram=512 gbuf=128 wbuf=0

.target "by hand" {
	rows = 4
	cols = 4
	block_m = 16
	groups = 1
}

.sem s0 "x.loaded"
.sem s1 "x.free"

.op o0 {
	name="copy" op="identity" phase="forward"
	loc="hand.ws"
	macs=0 macs_paper=0
}

.group {
	ops="copy"
	entry=0 sub_batch=1 iterations=4
}

.bind "x" {
	kind=input dtype=f32 address=0
	dim=4,16
	stride=64,4
}
.bind "y" {
	kind=output dtype=f32 address=256
	dim=4,16
	stride=64,4
}

.sym "x" {
	space=dram dtype=f32 address=0 size=256
	shape="f32[4,16]"
}
.sym "tile" {
	space=gbuf dtype=f32 address=0 size=128
	shape="f32[2,16]"
}

.aff a1 = i0*64
.aff a2 = ((i0) % 2)*64
.aff a3 = 256 + i0*64
.aff a4 = i0

.dma d1 {
	space=gbuf dram_dtype=f32 chip_dtype=f32 traffic=activation rank=1 dram_base=a1 chip_base=a2
	dim0: size=16 dram=4 chip=4
}
.dma d2 {
	space=gbuf dram_dtype=f32 chip_dtype=f32 traffic=activation rank=1 dram_base=a3 chip_base=a2
	dim0: size=16 dram=4 chip=4
}

.entry "main" groups=1 sems=2
	.exit s0=4 s1=4
	.queue ld
		.source o0
		LOOP count=4
			WAIT sem=s1 value=-1 vaff=a4
			DLOAD dma=d1
			SIGNAL sem=s0 by=1
		ENDLOOP
		.source none
		HALT
	.queue st
		.source o0
		LOOP count=4
			WAIT sem=s0 value=1 vaff=a4
			DSTORE dma=d2
			SIGNAL sem=s1 by=1
		ENDLOOP
		.source none
		HALT

.data
	.hex 0000803f00000040000040400000804000000000000000000000000000000000
	.zero 32
