// Runs the samples of onnx_samples with ONNX Runtime and holds the results
// against those of the reference evaluator within its bounds; or a model and
// what -emit-onnx made of it, which must give nearly the same:
//
//   node onnx_ort.js ORT-FOLDER DIR
//   node onnx_ort.js ORT-FOLDER MODEL.onnx WRITTEN.onnx
//
// Prints what differs or does not load. Exit status 1 when any does for
// another reason than that the engine lacks an operator in that form.
'use strict';
const fs = require('fs');
const path = require('path');
const ort = require(process.argv[2]);
const dir = process.argv[3];
const quiet = {logSeverityLevel: 4, intraOpNumThreads: 1,
    graphOptimizationLevel: 'disabled'};
// Legal ONNX that this engine refuses: operators in some types, local response
// normalisation of even size or not of images, resizing of other dimensions.
const LACKS = /find an implementation|lacks type|ScalesValidation|\/lrn\./;
// ONNX leaves open what floats below 0 give as unsigned integers.
const OPEN = new Set(['cast']);

const TYPES = {
	'<f4': ['float32', Float32Array], '<f8': ['float64', Float64Array],
	'<f2': ['float16', Uint16Array], '|b1': ['bool', Uint8Array],
	'|u1': ['uint8', Uint8Array], '|i1': ['int8', Int8Array],
	'<i4': ['int32', Int32Array], '<i8': ['int64', BigInt64Array],
};

function readNpy(file) {
	const b = fs.readFileSync(file);
	const wide = b[6] > 1;
	const start = wide ? 12 : 10;
	const end = start + (wide ? b.readUInt32LE(8) : b.readUInt16LE(8));
	const head = b.toString('latin1', start, end);
	const descr = /'descr':\s*'([^']+)'/.exec(head)[1];
	const dims = /'shape':\s*\(([^)]*)\)/.exec(head)[1].split(',')
	    .map(s => s.trim()).filter(s => s !== '').map(Number);
	if (!(descr in TYPES))
		throw new Error('lacks type ' + descr);
	const [type, A] = TYPES[descr];
	return {type, dims, data: new A(b.buffer.slice(b.byteOffset + end,
	    b.byteOffset + b.length))};
}

function half(h) {
	const e = h >> 10 & 31, m = h & 1023, s = h >> 15 ? -1 : 1;
	return e === 31 ? m ? NaN : s * Infinity :
	    e ? s * 2 ** (e - 25) * (1024 + m) : s * m * 2 ** -24;
}

function number(t, i) {
	return t.type === 'float16' ? half(t.data[i]) : Number(t.data[i]);
}

// The first element out of its bound, or ''.
function compare(want, got, bound) {
	if (String(want.dims) !== String(got.dims) || want.type !== got.type)
		return `${got.type}[${got.dims}], not ` +
		    `${want.type}[${want.dims}]`;
	// the engine rounds intermediate results of its own choice
	const eps = want.type === 'float16' ? 2 ** -10 : 2 ** -22;
	for (let i = 0; i < want.data.length; i++) {
		const w = number(want, i), g = number(got, i);
		const limit = 2 * bound.data[i] + eps * Math.abs(w);
		if (Object.is(w, g) || Number.isNaN(limit) ||
		    Math.abs(w - g) <= limit || limit === Infinity)
			continue;
		return `element ${i} is ${g}, not ${w} (bound ${limit})`;
	}
	return '';
}

async function check(name) {
	const file = (what, i) => path.join(dir, `${name}.${what}${i}.npy`);
	const s = await ort.InferenceSession.create(path.join(dir,
	    name + '.onnx'), quiet);
	const feeds = {};
	s.inputNames.forEach((n, i) => {
		const t = readNpy(file('in', i));
		feeds[n] = new ort.Tensor(t.type, t.data, t.dims);
	});
	const r = await s.run(feeds);
	return s.outputNames.map((n, i) => compare(readNpy(file('out', i)),
	    r[n], readNpy(file('bound', i)))).filter(e => e).join('; ');
}

async function samples() {
	let same = 0, lacks = 0, bad = 0;
	for (const f of fs.readdirSync(dir).sort()) {
		const name = f.slice(0, -5);
		if (!f.endsWith('.onnx') || OPEN.has(name))
			continue;
		const why = await check(name).catch(e =>
		    String(e.message || e));
		if (why === '') {
			same++;
		} else if (LACKS.test(why)) {
			lacks++;
		} else {
			bad++;
			console.log('differs', name, why.slice(0, 400));
		}
	}
	console.log(`${same} samples the same, ${lacks} that the engine ` +
	    `lacks, ${bad} differ`);
	return bad === 0 && same > 0;
}

// Numbers of a fixed sequence from -0.5 to 0.5; zeros as integers.
function feed(m) {
	const n = m.shape.reduce((a, b) => a * b, 1);
	const A = Object.values(TYPES).find(t => t[0] === m.type)[1];
	const data = new A(n);
	for (let i = 0, x = 1; i < n && m.type === 'float32'; i++) {
		x = (x * 1103515245 + 12345) % 2 ** 31;
		data[i] = x / 2 ** 31 - 0.5;
	}
	return new ort.Tensor(m.type, data, m.shape);
}

async function pair(a, b) {
	const s = await ort.InferenceSession.create(a, quiet);
	const t = await ort.InferenceSession.create(b, quiet);
	const feeds = {};
	for (const m of t.inputMetadata)
		feeds[m.name] = feed(m);
	const x = await s.run(feeds), y = await t.run(feeds);
	let ratio = 0;
	for (const n of s.outputNames) {
		let d = 0, max = 1e-30;
		for (let i = 0; i < x[n].data.length; i++) {
			const v = number(x[n], i);
			d = Math.max(d, Math.abs(v - number(y[n], i)));
			max = Math.max(max, Math.abs(v));
		}
		ratio = Math.max(ratio, d / max);
	}
	console.log(path.basename(b), 'differs by', ratio.toExponential(1),
	    'of the largest');
	return ratio < 1e-5;
}

(process.argv.length > 4 ? pair(dir, process.argv[4]) : samples()).then(
    ok => process.exit(ok ? 0 : 1), e => {
	console.log(path.basename(dir), String(e.message || e).slice(0, 300));
	process.exit(LACKS.test(String(e)) ? 0 : 1);
});
