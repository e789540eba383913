; A tensor outside of DRAM is refused.
; RUN: not waveas %s -o %t.wo
; CHECK: outside.ws: error: binding 'x': 64 bytes at 500 lie outside 512 bytes of DRAM
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

.bind "x" { kind=input dtype=f32 address=500 dim=16 stride=4 }
.entry "main" groups=1 sems=0
	.queue ld
		HALT
