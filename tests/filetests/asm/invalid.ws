; What reads well but cannot run is refused all the same.
; RUN: not waveas %s -o %t.wo
; RUN: test ! -e %t.wo
; CHECK: invalid.ws: entry 'main', queue ld, instruction 0: error: dma is missing
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

.entry "main" groups=1 sems=0
	.queue ld
		DLOAD
		HALT
