; Several errors in one run, each at its place.
; RUN: not waveas %s -o %t.wo
; RUN: test ! -e %t.wo
; CHECK: bad.ws:13:3: error: unknown instruction 'DLOD'
; CHECK: bad.ws:14:7: error: LOOP has no field k, or it is given twice
; CHECK: bad.ws:15:12: error: '4' is not an index 'dN'
; CHECK: bad.ws:16:9: error: unexpected character 0x40
wave.asm 1
.isa 1
.accumulation "ascending-k"
.entry "main" groups=1 sems=2
.queue ld
  DLOD dma=d1
 LOOP k=1
 DLOAD dma=4
  DLOAD @
