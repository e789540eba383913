wave.asm 1

.isa 1
.accumulation "ascending-k"
.memory dram=5696 gbuf=896 wbuf=5120

.target "tiny" {
	groups = 1
	arrays = 1
	rows = 4
	cols = 4
	flexsa = 0
	weight_double_buffer = 1
	shift_full = 0
	clock_hz = 700000000
	block_m = 16
	lbuf_banks = 2
	obuf_banks = 2
	lbuf_v_bytes = 128
	lbuf_h_bytes = 512
	obuf_bytes = 512
	lbuf_v_bw = 16
	lbuf_h_bw = 16
	drain_bw = 16
	gbuf_bytes = 262144
	wbuf_bytes = 32768
	sram_align = 64
	vector_lanes = 8
	vector_lanes_16 = 16
	vector_lanes_64 = 4
	vector_bw = 64
	vector_startup = 4
	dram_bw = 11200000000
	dram_latency = 20
	dma_startup = 4
	dram_bytes = 0
	issue_cycles = 1
	semaphores = 4096
	code_words = 0
	link_bw = 0
	link_latency = 0
	pj_mac_f32 = 4.6
	pj_mac_16 = 2
	pj_mac_i8 = 0.3
	pj_lbuf_byte = 2.5
	pj_gbuf_byte = 12.5
	pj_wbuf_byte = 12.5
	pj_dram_byte = 31.2
	pj_vector_op = 4.6
	pj_link_byte = 8
	static_w = 0.01
	area_mm2 = 0
}

.sem s0 "main:ld"
.sem s1 "main:mx"
.sem s2 "main:ve"

.op o0 {
	name="adjusted_input" op="reshape" phase="forward"
	loc="model.onnx: node 'Transpose' (Transpose)"
	macs=0 macs_paper=0
}
.op o1 {
	name="activation_output" op="conv" phase="forward"
	loc="model.onnx: node 'Conv2D__' (Conv)"
	macs=1152 macs_paper=1152
}
.op o2 {
	name="conv2d_1_Relu_0" op="transpose" phase="forward"
	loc="model.onnx: node 'Transpose1' (Transpose)"
	macs=0 macs_paper=0
}
.op o3 {
	name="flatten_1_Reshape_0" op="reshape" phase="forward"
	loc="model.onnx: node '_class__keras_layers_core_Flatten__' (Flatten)"
	macs=0 macs_paper=0
}
.op o4 {
	name="biased_tensor_name" op="matmul" phase="forward"
	loc="model.onnx: node #6 (Gemm)"
	macs=1280 macs_paper=1280
}
.op o5 {
	name="reduce_max.9" op="reduce_max" phase="forward"
	loc="model.onnx: node 'Softmax' (Softmax)"
	macs=0 macs_paper=0
}
.op o6 {
	name="sub.10" op="sub" phase="forward"
	loc="model.onnx: node 'Softmax' (Softmax)"
	macs=0 macs_paper=0
}
.op o7 {
	name="exp.11" op="exp" phase="forward"
	loc="model.onnx: node 'Softmax' (Softmax)"
	macs=0 macs_paper=0
}
.op o8 {
	name="reduce_sum.12" op="reduce_sum" phase="forward"
	loc="model.onnx: node 'Softmax' (Softmax)"
	macs=0 macs_paper=0
}
.op o9 {
	name="reciprocal.13" op="reciprocal" phase="forward"
	loc="model.onnx: node 'Softmax' (Softmax)"
	macs=0 macs_paper=0
}
.op o10 {
	name="dense_1_Softmax_01" op="mul" phase="forward"
	loc="model.onnx: node 'Softmax' (Softmax)"
	macs=0 macs_paper=0
}

.group {
	ops="adjusted_input,activation_output,conv2d_1_Relu_0,flatten_1_Reshape_0,biased_tensor_name,reduce_max.9,sub.10,exp.11,reduce_sum.12,reciprocal.13,dense_1_Softmax_01"
	entry=0 sub_batch=1 iterations=1
}

.bind "conv2d_1_input_0" {
	kind=input dtype=f32 address=5376
	dim=1,8,8,1
	stride=256,32,4,4
}
.bind "dense_1_Softmax_01" {
	kind=output dtype=f32 address=5632
	dim=1,10
	stride=40,4
}

.sym "conv2d_1_input_0" {
	space=dram dtype=f32 address=5376 size=256
	shape="f32[1,8,8,1]"
}
.sym "dense_1_Softmax_01" {
	space=dram dtype=f32 address=5632 size=40
	shape="f32[1,10]"
}
.sym "activation_output" {
	space=gbuf dtype=f32 address=0 size=512
	shape="f32[1,8,8,2]"
}
.sym "B" {
	space=dram dtype=f32 address=0 size=8
	shape="f32[2]"
}
.sym "W" {
	space=dram dtype=f32 address=64 size=72
	shape="f32[9,2]"
}
.sym "activation_output.bias" {
	space=gbuf dtype=none address=768 size=8
	shape="u8[8]"
}
.sym "activation_output.w" {
	space=wbuf dtype=none address=0 size=72
	shape="u8[72]"
}
.sym "activation_output.in" {
	space=gbuf dtype=none address=512 size=256
	shape="u8[256]"
}
.sym "biased_tensor_name" {
	space=gbuf dtype=f32 address=0 size=40
	shape="f32[1,10]"
}
.sym "B1" {
	space=dram dtype=f32 address=192 size=40
	shape="f32[10]"
}
.sym "W1" {
	space=dram dtype=f32 address=256 size=5120
	shape="f32[128,10]"
}
.sym "biased_tensor_name.bias" {
	space=gbuf dtype=none address=832 size=40
	shape="u8[40]"
}
.sym "biased_tensor_name.w" {
	space=wbuf dtype=none address=0 size=5120
	shape="u8[5120]"
}
.sym "v14" {
	space=gbuf dtype=f32 address=64 size=4
	shape="f32[1,1]"
}
.sym "v15" {
	space=gbuf dtype=f32 address=128 size=40
	shape="f32[1,10]"
}
.sym "v16" {
	space=gbuf dtype=f32 address=0 size=40
	shape="f32[1,10]"
}
.sym "v17" {
	space=gbuf dtype=f32 address=64 size=4
	shape="f32[1,1]"
}
.sym "v18" {
	space=gbuf dtype=f32 address=128 size=4
	shape="f32[1,1]"
}
.sym "dense_1_Softmax_01" {
	space=gbuf dtype=f32 address=64 size=40
	shape="f32[1,10]"
}

.aff a1 = 768
.aff a2 = 64
.aff a3 = 5376
.aff a4 = 512
.aff a5 = 192
.aff a6 = 832
.aff a7 = 256
.aff a8 = 5632
.aff a9 = ((i1) % 2)
.aff a10 = i0*4
.aff a11 = i1*4
.aff a12 = ((i0) % 2)
.aff a13 = 8
.aff a14 = 128

.view v1 {
	space=gbuf dtype=f32 base=a4 outer0=a10 k0=a11 n=1 c=1 n_addr=256 c_addr=4
	d: out=1 kernel=1 stride=1 dil=1 up=1 extent=1 addr=256
	h: out=8 kernel=3 stride=1 dil=1 pad=1 up=1 extent=8 addr=32
	w: out=8 kernel=3 stride=1 dil=1 pad=1 up=1 extent=8 addr=4
}
.view v2 {
	space=wbuf dtype=f32 k0=a11 n=2 c=1 n_addr=4 c_addr=8
	d: out=1 kernel=1 stride=1 dil=1 up=1 extent=1 addr=72
	h: out=1 kernel=3 stride=1 dil=1 up=1 extent=3 addr=24
	w: out=1 kernel=3 stride=1 dil=1 up=1 extent=3 addr=8
}
.view v3 {
	space=gbuf dtype=f32 base=a4 outer0=a10 k0=a13 n=1 c=1 n_addr=256 c_addr=4
	d: out=1 kernel=1 stride=1 dil=1 up=1 extent=1 addr=256
	h: out=8 kernel=3 stride=1 dil=1 pad=1 up=1 extent=8 addr=32
	w: out=8 kernel=3 stride=1 dil=1 pad=1 up=1 extent=8 addr=4
}
.view v4 {
	space=wbuf dtype=f32 k0=a13 n=2 c=1 n_addr=4 c_addr=8
	d: out=1 kernel=1 stride=1 dil=1 up=1 extent=1 addr=72
	h: out=1 kernel=3 stride=1 dil=1 up=1 extent=3 addr=24
	w: out=1 kernel=3 stride=1 dil=1 up=1 extent=3 addr=8
}
.view v5 {
	space=gbuf dtype=f32 flags=transposed k0=a10 n=1 c=2 n_addr=512 c_addr=4
	d: out=1 kernel=1 stride=1 dil=1 up=1 extent=1
	h: out=8 kernel=1 stride=1 dil=1 up=1 extent=8 addr=64
	w: out=8 kernel=1 stride=1 dil=1 up=1 extent=8 addr=8
}
.view v6 {
	space=gbuf dtype=f32 k0=a10 n=1 c=128 n_addr=4 c_addr=4
	d: out=1 kernel=1 stride=1 dil=1 up=1 extent=1
	h: out=1 kernel=1 stride=1 dil=1 up=1 extent=1
	w: out=1 kernel=1 stride=1 dil=1 up=1 extent=1
}
.view v7 {
	space=wbuf dtype=f32 k0=a10 n=10 c=128 n_addr=4 c_addr=40
	d: out=1 kernel=1 stride=1 dil=1 up=1 extent=1 addr=5120
	h: out=1 kernel=1 stride=1 dil=1 up=1 extent=1 addr=5120
	w: out=1 kernel=1 stride=1 dil=1 up=1 extent=1 addr=5120
}
.view v8 {
	space=gbuf dtype=f32 flags=transposed n=1 c=10 n_addr=40 c_addr=4
	d: out=1 kernel=1 stride=1 dil=1 up=1 extent=1
	h: out=1 kernel=1 stride=1 dil=1 up=1 extent=1
	w: out=1 kernel=1 stride=1 dil=1 up=1 extent=1
}

.epi e1 {
	act=relu
	bias: space=gbuf dtype=f32 base=a1
}
.epi e2 {
	bias: space=gbuf dtype=f32 base=a6
}

.dma d1 {
	space=gbuf dram_dtype=f32 chip_dtype=f32 rank=1 chip_base=a1
	dim0: size=2 dram=4 chip=4
}
.dma d2 {
	space=wbuf dram_dtype=f32 chip_dtype=f32 rank=1 dram_base=a2
	dim0: size=18 dram=4 chip=4
}
.dma d3 {
	space=gbuf dram_dtype=f32 chip_dtype=f32 traffic=activation rank=1 dram_base=a3 chip_base=a4
	dim0: size=64 dram=4 chip=4
}
.dma d4 {
	space=gbuf dram_dtype=f32 chip_dtype=f32 rank=1 dram_base=a5 chip_base=a6
	dim0: size=10 dram=4 chip=4
}
.dma d5 {
	space=wbuf dram_dtype=f32 chip_dtype=f32 rank=1 dram_base=a7
	dim0: size=1280 dram=4 chip=4
}
.dma d6 {
	space=gbuf dram_dtype=f32 chip_dtype=f32 traffic=activation rank=1 dram_base=a8 chip_base=a2
	dim0: size=10 dram=4 chip=4
}

.vec f1 {
	func=rmax rank=1 nred=1 size=10
	dst: space=gbuf dtype=f32 base=a2
	x: space=gbuf dtype=f32 stride=4
}
.vec f2 {
	func=sub rank=1 size=10
	dst: space=gbuf dtype=f32 base=a14 stride=4
	x: space=gbuf dtype=f32 stride=4
	y: space=gbuf dtype=f32 base=a2
}
.vec f3 {
	func=exp rank=1 size=10
	dst: space=gbuf dtype=f32 stride=4
	x: space=gbuf dtype=f32 base=a14 stride=4
}
.vec f4 {
	func=rsum rank=1 nred=1 size=10
	dst: space=gbuf dtype=f32 base=a2
	x: space=gbuf dtype=f32 stride=4
}
.vec f5 {
	func=reciprocal rank=1 size=1
	dst: space=gbuf dtype=f32 base=a14
	x: space=gbuf dtype=f32 base=a2
}
.vec f6 {
	func=mul rank=1 size=10
	dst: space=gbuf dtype=f32 base=a2 stride=4
	x: space=gbuf dtype=f32 stride=4
	y: space=gbuf dtype=f32 base=a14
}

.entry "main" groups=1 sems=3
	.exit s0=2 s1=2 s2=1
	.queue ld
		.source o1
		DLOAD dma=d1
		DLOAD dma=d2
		DLOAD dma=d3
		SIGNAL sem=s0 by=1
		.source o4
		DLOAD dma=d4
		WAIT sem=s1 value=1
		DLOAD dma=d5
		SIGNAL sem=s0 by=1
		.source none
		HALT
	.queue st
		.source o10
		WAIT sem=s2 value=1
		DSTORE dma=d6
		.source none
		HALT
	.queue mx
		.source o1
		WAIT sem=s0 value=1
		LOOP count=16
			LOOP count=2
				LdLBUF_V k=4 outer=4 bank=a9 view=v1
				LdLBUF_H k=4 outer=2 bank=a9 view=v2
				ShiftV k=4 n=4 bank=a9
				ExecGEMM first=i1 k=4 n=4 m=2 bank=a9 obuf=a12
			ENDLOOP
			LdLBUF_V k=1 outer=4 bank=a12 view=v3
			LdLBUF_H k=1 outer=2 bank=a12 view=v4
			ShiftV k=1 n=4 bank=a12
			ExecGEMM k=1 n=4 m=2 bank=a12 obuf=a12
			StLBUF stview=v5 m=2 epi=e1 obuf=a12 stn=4
		ENDLOOP
		SIGNAL sem=s1 by=1
		.source o4
		WAIT sem=s0 value=2
		LOOP count=32
			LdLBUF_V k=4 outer=1 bank=a12 view=v6
			LdLBUF_H k=4 outer=10 bank=a12 view=v7
			ShiftV k=4 n=1 bank=a12
			ExecGEMM first=i0 k=4 n=1 m=10 bank=a12
		ENDLOOP
		StLBUF stview=v8 m=10 epi=e2 stn=1
		SIGNAL sem=s1 by=1
		.source none
		HALT
	.queue ml
		HALT
	.queue ve
		.source o5
		WAIT sem=s1 value=2
		VRED vec=f1
		.source o6
		VMAP vec=f2
		.source o7
		VMAP vec=f3
		.source o8
		VRED vec=f4
		.source o9
		VMAP vec=f5
		.source o10
		VMAP vec=f6
		SIGNAL sem=s2 by=1
		.source none
		HALT
	.queue co
		HALT

.data
	.zero 5376
