; Headers, symbols and contents; GNU tools read the object as well.
; REQUIRES: readelf
; RUN: waveas %S/../asm/round-trip.ws -o %t.wo
; RUN: waveobjdump -hxs %t.wo
; RUN: readelf -SsW %t.wo
; RUN: nm %t.wo
; CHECK: .text.ld 00000060
; CHECK: .bss 000001c0 00000040
; CHECK: Accumulation: ascending-k
; CHECK: Memory used: DRAM 512, GBUF 128, WBUF 0 bytes
; CHECK: main: 1 groups, 2 semaphores, instructions: ld 6 st 6 mx 0 ml 0 ve 0 co 0
; CHECK-NEXT: exit: s0=4 s1=4
; CHECK: input x f32 [4,16] strides[64,4]
; CHECK: s1 x.free
; CHECK: o0 copy (identity) forward, 0 products; hand.ws
; CHECK: 1 samples x 4: copy
; CHECK: O gbuf 00000080 tile f32[2,16]
; CHECK: Contents of section .data:
; CHECK-NEXT: 0000 0000803f 00000040 00004040 00008040 ...?...@..@@...@
; CHECK: OBJECT GLOBAL DEFAULT 12 x
; CHECK: T main
; CHECK: t main.ld
; CHECK: A tile
