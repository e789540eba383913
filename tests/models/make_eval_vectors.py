#!/usr/bin/python3
"""Makes tests/unit/ir/data/eval.bin.gz: one record per case, an op with its
attributes, operands and the expected result.

The expected results come from outside frameworks: PyTorch, NumPy and the
reference code of the onnx package, computed in float64 from operands that are
exact in their dtype, then rounded once to the result's dtype.

Needs python3-numpy, python3-torch, python3-onnx. Deterministic.

File, inside gzip: "WEV1", u32 number of cases. Case: str op, str label, u8 number of
attributes, attributes, u8 number of operands, tensors, tensor (the result).
str: u8 length, bytes. Attribute: str name, u8 kind (0 int, 1 float, 2 ints,
3 floats), u16 count, count values of 8 bytes. Tensor: u8 dtype (0: left out,
ends there), u8 rank, u32 extents, data in row-major order. All little-endian.
"""
import gzip
import os
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F
from onnx.backend.test.case.node import resize as onnx_resize

DTYPES = ["none", "f32", "f16", "bf16", "f64", "i8", "u8", "i16", "u16",
          "i32", "u32", "i64", "u64", "bool"]
NUMPY = {"f32": np.float32, "f16": np.float16, "f64": np.float64,
         "i8": np.int8, "u8": np.uint8, "i16": np.int16, "u16": np.uint16,
         "i32": np.int32, "u32": np.uint32, "i64": np.int64,
         "u64": np.uint64, "bool": np.bool_}
FLOATS = ("f32", "f16", "bf16", "f64")
rng = np.random.RandomState(20240611)
cases = []


class T:
    """A tensor: an array of float64 (floats) or of its own dtype."""

    def __init__(self, a, dtype="f32"):
        self.dtype = dtype
        if dtype in FLOATS:
            self.bytes = pack(np.asarray(a, np.float64), dtype)
            self.a = unpack(self.bytes, dtype, np.shape(a))
        else:
            self.a = np.asarray(a).astype(NUMPY[dtype])
            self.bytes = self.a.tobytes()

    @property
    def t(self):
        return torch.from_numpy(np.ascontiguousarray(self.a)).reshape(
            self.a.shape)


def pack(a, dtype):
    if dtype == "bf16":
        # torch rounds double to bf16 through float, so go by integers
        with np.errstate(over="ignore"):
            f = a.astype(np.float32)
        # sticky: push inexact conversions off ties
        exact = f.astype(np.float64)
        bits = f.view(np.uint32).astype(np.int64)
        tie = (bits & 0xffff) == 0x8000
        up = np.where(tie & (np.abs(a) > np.abs(exact)), 1, 0)
        down = np.where(tie & (np.abs(a) < np.abs(exact)), 1, 0)
        bits = bits + up - down
        r = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16
        r = np.where(np.isnan(a), 0x7fc0, r)
        return r.astype(np.uint16).tobytes()
    with np.errstate(over="ignore"):
        return a.astype(NUMPY[dtype]).tobytes()


def unpack(b, dtype, shape):
    if dtype == "bf16":
        u = np.frombuffer(b, np.uint16).astype(np.uint32) << 16
        return u.view(np.float32).astype(np.float64).reshape(shape)
    return np.frombuffer(b, NUMPY[dtype]).astype(np.float64).reshape(shape)


def rand(*shape, dtype="f32", scale=1.0, shift=0.0):
    return T(rng.standard_normal(shape) * scale + shift, dtype)


def uniform(*shape, lo, hi, dtype="f32"):
    return T(rng.uniform(lo, hi, shape), dtype)


def ints(*shape, dtype="i32", lo=-100, hi=100):
    return T(rng.randint(lo, hi, shape), dtype)


def text(s):
    s = s.encode()
    return struct.pack("B", len(s)) + s


def attribute(name, v):
    if isinstance(v, (list, tuple)):
        floats = any(isinstance(x, float) for x in v)
        return (text(name) + struct.pack("<BH", 3 if floats else 2, len(v))
                + struct.pack("<%d%s" % (len(v), "d" if floats else "q"), *v))
    if isinstance(v, float):
        return text(name) + struct.pack("<BHd", 1, 1, v)
    return text(name) + struct.pack("<BHq", 0, 1, int(v))


def tensor(t):
    if t is None:
        return struct.pack("B", 0)
    return (struct.pack("BB", DTYPES.index(t.dtype), t.a.ndim)
            + struct.pack("<%dI" % t.a.ndim, *t.a.shape) + t.bytes)


def case(op, label, ins, out, dtype=None, **attrs):
    """out: array or torch tensor; dtype defaults to operand 0's."""
    if isinstance(out, torch.Tensor):
        out = out.detach().numpy()
    out = T(out, dtype or ins[0].dtype)
    cases.append(text(op) + text(label) + struct.pack("B", len(attrs))
                 + b"".join(attribute(k, v) for k, v in attrs.items())
                 + struct.pack("B", len(ins))
                 + b"".join(tensor(t) for t in ins) + tensor(out))


# --- contractions ----------------------------------------------------------

ACTS = {"relu": (1, 0.0, 0.0, F.relu),
        "leaky": (2, 0.125, 0.0, lambda x: F.leaky_relu(x, 0.125)),
        "clip": (3, 0.0, 6.0, lambda x: x.clamp(0, 6)),
        "sigmoid": (4, 0.0, 0.0, torch.sigmoid),
        "tanh": (5, 0.0, 0.0, torch.tanh),
        "hsig": (6, 0.25, 0.5, lambda x: (0.25 * x + 0.5).clamp(0, 1)),
        "hswish": (7, 0.0, 0.0, F.hardswish)}


def conv(label, n, ci, size, co, kernel, stride=1, pad=0, dil=1, groups=1,
         bias=True, res=False, act=None, dtype="f32", pads=None):
    nd = len(size)
    x = rand(n, ci, *size, dtype=dtype)
    w = rand(co, ci // groups, *kernel, dtype=dtype, scale=0.5)
    b = rand(co) if bias else None
    begin = [pad] * nd if pads is None else pads[0]
    end = [pad] * nd if pads is None else pads[1]
    flat = []
    for d in reversed(range(nd)):
        flat += [begin[d], end[d]]
    f = (F.conv1d, F.conv2d, F.conv3d)[nd - 1]
    y = f(F.pad(x.t, flat), w.t, b.t if bias else None, stride=stride,
          dilation=dil, groups=groups)
    ins, at = [x, w], {}
    if bias or res:
        ins.append(b)
    if res:
        ins.append(rand(*y.shape, dtype=dtype))
        y = y + ins[3].t
    if act:
        k, a, c, fn = ACTS[act]
        at = {"act": k, "act_alpha": a, "act_beta": c}
        y = fn(y)
    s = stride if isinstance(stride, (list, tuple)) else [stride] * nd
    d = dil if isinstance(dil, (list, tuple)) else [dil] * nd
    # bias is f32, so the result is f32 where there is one
    out = dtype if dtype == "f64" or not bias else "f32"
    case("conv", label, ins, y, out, strides=list(s), dilations=list(d),
         pads_begin=begin, pads_end=end, groups=groups, **at)


def convs():
    conv("1d", 2, 3, [17], 4, [5], 2, 2)
    conv("1d causal", 1, 4, [9], 4, [3], dil=2, pads=([4], [0]))
    conv("2d 3x3", 2, 3, [7, 6], 5, [3, 3], 1, 1)
    conv("2d stem", 1, 3, [11, 13], 5, [7, 7], 2, 3, act="relu")
    conv("2d 1x1", 1, 16, [5, 5], 7, [1, 1], act="clip", res=True)
    conv("2d stride", 1, 2, [9, 11], 3, [3, 2], [2, 3], bias=False)
    conv("2d uneven pads", 1, 2, [6, 6], 3, [3, 3], 2, pads=([0, 1], [1, 2]))
    conv("2d dilated", 1, 2, [11, 12], 3, [3, 3], 1, 2, [2, 3], act="leaky")
    conv("2d groups", 2, 6, [5, 5], 4, [3, 3], 1, 1, groups=2, act="tanh")
    conv("2d depthwise", 1, 8, [8, 7], 8, [3, 3], 2, 1, groups=8,
         act="hswish")
    conv("2d multiplier", 1, 3, [6, 6], 6, [3, 3], 1, 1, groups=3,
         act="sigmoid", res=True)
    conv("2d f16", 1, 5, [6, 6], 4, [3, 3], 1, 1, bias=False, dtype="f16")
    conv("2d bf16", 1, 5, [6, 6], 4, [3, 3], 1, 1, bias=False, dtype="bf16",
         act="hsig")
    conv("2d f16 bias f32", 1, 5, [4, 4], 4, [3, 3], 1, 1, dtype="f16")
    conv("2d f64", 1, 3, [5, 5], 4, [3, 3], 1, 1, bias=False, dtype="f64")
    conv("2d window is all", 1, 4, [5, 4], 3, [5, 4])
    conv("3d", 1, 2, [5, 6, 7], 3, [3, 2, 3], [1, 2, 2], 1)
    conv("3d groups", 1, 4, [4, 4, 4], 4, [2, 2, 2], groups=4, act="relu")


def conv_t(label, ci, size, co, kernel, stride=1, pad=0, outpad=0, dil=1,
           groups=1, bias=True, dtype="f32"):
    nd = len(size)
    x = rand(2, ci, *size, dtype=dtype)
    w = rand(ci, co // groups, *kernel, dtype=dtype, scale=0.5)
    b = rand(co, dtype=dtype) if bias else None
    f = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[nd - 1]
    y = f(x.t, w.t, b.t if bias else None, stride=stride, padding=pad,
          output_padding=outpad, groups=groups, dilation=dil)
    def full(v):
        return list(v) if isinstance(v, (list, tuple)) else [v] * nd
    case("conv_transpose", label, [x, w] + ([b] if bias else []), y,
         strides=full(stride), dilations=full(dil), pads_begin=full(pad),
         pads_end=full(pad), output_pads=full(outpad), groups=groups)


def conv_transposes():
    conv_t("1d", 3, [6], 4, [4], 2, 1)
    conv_t("2d", 3, [4, 5], 4, [3, 3])
    conv_t("2d stride", 3, [4, 5], 2, [4, 4], 2, 1, bias=False)
    conv_t("2d output pads", 2, [4, 3], 3, [3, 3], [2, 3], 1, [1, 2])
    conv_t("2d dilated", 2, [5, 4], 3, [3, 3], 2, 2, 1, [2, 3])
    conv_t("2d groups", 4, [3, 4], 6, [3, 2], 2, 0, groups=2)
    conv_t("2d f16", 3, [3, 3], 2, [2, 2], 2, dtype="f16")
    conv_t("2d kernel below stride", 2, [3, 3], 2, [2, 2], 3)
    conv_t("3d", 2, [3, 3, 2], 3, [3, 3, 3], 2, 1, 1)


def matmul(label, a, b, ta=0, tb=0, bias=False, res=False, act=None,
           dtype="f32"):
    a, b = rand(*a, dtype=dtype), rand(*b, dtype=dtype)
    p = a.t.transpose(-1, -2) if ta else a.t
    q = b.t.transpose(-1, -2) if tb else b.t
    y, ins, at = p @ q, [a, b], {}
    if bias or res:
        ins.append(rand(y.shape[-1], dtype=dtype) if bias else None)
        y = y + ins[2].t if bias else y
    if res:
        ins.append(rand(*y.shape, dtype=dtype))
        y = y + ins[3].t
    if act:
        k, al, be, fn = ACTS[act]
        at = {"act": k, "act_alpha": al, "act_beta": be}
        y = fn(y)
    case("matmul", label, ins, y, trans_a=ta, trans_b=tb, **at)


def matmuls():
    matmul("plain", (5, 7), (7, 11))
    matmul("row", (1, 33), (33, 10), bias=True)
    matmul("trans a", (7, 5), (7, 9), ta=1)
    matmul("trans b", (5, 7), (9, 7), tb=1, bias=True, act="relu")
    matmul("trans both", (7, 5), (9, 7), 1, 1, res=True)
    matmul("batch", (3, 4, 5), (3, 5, 6))
    matmul("broadcast", (2, 1, 4, 5), (3, 5, 6), res=True, act="tanh")
    matmul("broadcast left", (4, 5), (2, 3, 5, 2))
    matmul("f16", (6, 40), (40, 6), dtype="f16", act="sigmoid")
    matmul("bf16", (6, 40), (40, 9), dtype="bf16", bias=True)
    matmul("f64", (3, 10), (10, 3), dtype="f64")
    matmul("no inner extent", (3, 0), (0, 4), bias=True)
    for i, (ta, tb, c) in enumerate([(0, 0, (5, 6)), (1, 0, (6,)),
                                     (0, 1, (5, 1)), (1, 1, ())]):
        a = rand(*((4, 5) if ta else (5, 4)))
        b = rand(*((6, 4) if tb else (4, 6)))
        c = rand(*c)
        y = 0.25 * ((a.t.T if ta else a.t) @ (b.t.T if tb else b.t))
        case("gemm", "%d" % i, [a, b, c], y + 1.5 * c.t, trans_a=ta,
             trans_b=tb, alpha=0.25, beta=1.5)
    a, b = rand(3, 4), rand(4, 2)
    case("gemm", "no C", [a, b], a.t @ b.t)


# --- maps ------------------------------------------------------------------

SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5,
           -2.5, 3.0, -3.0]


def unary(op, fn, lo=-6, hi=6, special=True, dtypes=("f32", "f16", "bf16"),
          **attrs):
    for d in dtypes:
        x = rng.uniform(lo, hi, 20)
        if special:
            x = np.concatenate([x, SPECIAL])
        x = T(x, d)
        case(op, d, [x], fn(x.t), **attrs)


def unaries():
    unary("identity", lambda x: x, dtypes=("f32", "f64"))
    unary("neg", torch.neg)
    unary("abs", torch.abs)
    unary("sign", lambda x: np.sign(x.numpy()))
    unary("floor", torch.floor)
    unary("ceil", torch.ceil)
    unary("round", torch.round)
    unary("reciprocal", torch.reciprocal)
    unary("sqrt", torch.sqrt, -1, 50)
    unary("rsqrt", torch.rsqrt, -1, 50)
    unary("exp", torch.exp, -12, 11, dtypes=("f32", "f16", "bf16", "f64"))
    unary("exp", torch.exp, -110, 92, dtypes=("f32", "bf16"))
    unary("log", torch.log, -1, 50)
    unary("sin", torch.sin, -40, 40)
    unary("cos", torch.cos, -40, 40)
    unary("erf", torch.erf)
    unary("tanh", torch.tanh)
    unary("sigmoid", torch.sigmoid, -100, 100)
    unary("sigmoid", torch.sigmoid)
    unary("relu", torch.relu)
    unary("leaky_relu", lambda x: F.leaky_relu(x, 0.0625), alpha=0.0625)
    unary("leaky_relu", lambda x: F.leaky_relu(x, 0.01), alpha=0.01)
    unary("clip", lambda x: x.clamp(-1.5, 2), min=-1.5, max=2.0)
    unary("clip", lambda x: x.clamp(min=0), min=0.0)
    unary("hard_sigmoid", lambda x: (x * 0.2 + 0.5).clamp(0, 1), alpha=0.2,
          beta=0.5)
    unary("hard_swish", F.hardswish, special=False)
    unary("elu", lambda x: F.elu(x, 0.75), alpha=0.75)
    a, b = 1.6732632423543772, 1.0507009873554805
    unary("selu", lambda x: b * torch.where(x > 0, x, a * torch.expm1(x)),
          alpha=a, beta=b)
    unary("celu", lambda x: F.celu(x, 1.5), alpha=1.5)
    unary("thresholded_relu", lambda x: F.threshold(x, 1.0, 0.0), alpha=1.0)
    unary("softplus", lambda x: torch.logaddexp(x, torch.zeros_like(x)), -60,
          60)
    unary("softsign", F.softsign, special=False)
    unary("gelu", F.gelu, special=False, approximate=0)
    unary("gelu", lambda x: 0.5 * x * (1 + torch.tanh(
        np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3))), special=False,
        approximate=1)
    unary("mish", F.mish, special=False)
    for d in ("i8", "i16", "i32", "i64"):
        lo = np.iinfo(NUMPY[d]).min
        x = T(np.concatenate([rng.randint(-100, 100, 20), [0, 1, -1]]
                             ).astype(np.int64).tolist()
              + [lo, np.iinfo(NUMPY[d]).max], d)
        with np.errstate(all="ignore"):
            case("neg", d, [x], -x.a)
            case("abs", d, [x], np.abs(x.a))
            case("sign", d, [x], np.sign(x.a))
            case("relu", d, [x], np.maximum(x.a, 0))
            case("clip", d, [x], np.clip(x.a, -7, 50), min=-7.0, max=50.0)
            case("clip", d + " open", [x], np.maximum(x.a, -7), min=-7.5)
            case("identity", d, [x], x.a)
    x = T([0, 5, 200, 255], "u8")
    case("clip", "u8", [x], np.clip(x.a, 0, 200), min=-3.0, max=200.9)
    x = T([True, False], "bool")
    case("not", "bool", [x], ~x.a)


def casts():
    kinds = list(NUMPY) + ["bf16"]
    index = {d: i for i, d in enumerate(DTYPES)}
    for f in kinds:
        for t in kinds:
            if f in FLOATS:
                a = [0, 1.5, 2.5, 99.99, 1, 0.999, 100.0, 126.75]
                if t not in FLOATS and t[0] == "i" or t in FLOATS:
                    a += [-1.5, -2.5, -99.9, -0.5]
                if t in FLOATS:
                    a += [np.nan, np.inf, -np.inf, 1e-6, 3e4, 65519, 65520]
                x = T(a, f)
                y = x.a if t in FLOATS else np.trunc(x.a)
                y = x.a != 0 if t == "bool" else y
            elif f == "bool":
                x = T([0, 1], f)
                y = x.a
            else:
                i = np.iinfo(NUMPY[f])
                x = T(np.array([0, 1, 100, i.min, i.max, i.max // 3,
                                i.max // 2 + 1, i.min // 2 + 3],
                               dtype=NUMPY[f]), f)
                y = x.a
                if t == "bool":
                    y = x.a != 0
                elif t in FLOATS and f in ("i64", "u64"):
                    # float64 would round twice
                    y = np.array([once(int(v), t) for v in x.a])
            case("cast", f + " to " + t, [x], y, t, to=index[t])


def once(v, t):
    """The integer v rounded once to the float dtype t, as a float64."""
    bits = {"f32": 24, "f16": 11, "bf16": 8, "f64": 53}[t]
    n, sign = abs(v), -1 if v < 0 else 1
    drop = max(0, n.bit_length() - bits)
    q, r = n >> drop, n & ((1 << drop) - 1)
    half = (1 << drop) >> 1
    if drop and (r > half or (r == half and q & 1)):
        q += 1
    return float(sign * (q << drop))


def pairs(dtype):
    big = dtype in FLOATS
    a = rng.standard_normal((3, 4, 5)) * 3 if big else rng.randint(
        0, 100, (3, 4, 5))
    b = rng.standard_normal((4, 1)) * 3 if big else rng.randint(
        1, 100, (4, 1))
    return T(a, dtype), T(b, dtype)


def binaries():
    ops = {"add": np.add, "sub": np.subtract, "mul": np.multiply,
           "min": np.minimum, "max": np.maximum, "equal": np.equal,
           "less": np.less, "less_equal": np.less_equal}
    special = np.array(SPECIAL)
    grid = np.meshgrid(special, special)
    for d in ("f32", "f16", "bf16", "f64"):
        x, y = pairs(d)
        sx, sy = T(grid[0].ravel(), d), T(grid[1].ravel(), d)
        with np.errstate(all="ignore"):
            for op, f in {**ops, "div": np.divide, "mod": np.mod}.items():
                out = "bool" if op in ("equal", "less", "less_equal") else d
                case(op, d, [x, y], f(x.a, y.a), out)
                if op != "mod" and d != "f64":
                    case(op, d + " special", [sx, sy], f(sx.a, sy.a), out)
            p = T(np.abs(x.a), d)
            case("pow", d, [p, y], np.power(p.a, y.a))
            case("pow", d + " square", [x, T(2.0, d)], x.a ** 2)
            case("pow", d + " i32", [x, T([3], "i32")], x.a ** 3)
            case("pow", d + " special", [sx, sy], np.power(sx.a, sy.a))
        s = rand(4, 1, dtype=d)
        case("prelu", d, [x, s], np.where(x.a >= 0, x.a, x.a * s.a))
        z = rand(5, dtype=d)
        case("fma", d, [x, y, z], x.a * y.a + z.a)
    x, y = rand(3, 4), rand(4, dtype="f16")
    case("add", "f32 f16", [x, y], x.a + y.a, "f32")
    z = rand(4, dtype="bf16")
    case("mul", "f16 bf16", [y, z], y.a * z.a, "f32")
    for d in ("i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64"):
        i = np.iinfo(NUMPY[d])
        edge = np.array([i.min, i.max, i.max - 1, 1, 2, 3, 7], NUMPY[d])
        if i.min < 0:
            edge = np.concatenate([edge, np.array([-1, -2, -7], NUMPY[d])])
        gx, gy = np.meshgrid(edge, edge)
        x, y = T(gx, d), T(gy, d)
        with np.errstate(all="ignore"):
            for op, f in ops.items():
                out = "bool" if op in ("equal", "less", "less_equal") else d
                case(op, d, [x, y], f(x.a, y.a), out)
            q = [truncated(int(a), int(b)) for a, b in
                 zip(gx.ravel(), gy.ravel())]
            q = np.array([wrapped(v, d) for v in q], NUMPY[d])
            case("div", d, [x, y], q.reshape(gx.shape))
            m = [int(a) % int(b) if b else 0 for a, b in zip(gx.ravel(), gy.ravel())]
            case("mod", d, [x, y], np.array(m, NUMPY[d]).reshape(gx.shape))
            e = T([[0], [1], [2], [3], [5], [7]], d)
            b = T(edge, d)
            p = [[wrapped(int(v) ** int(k), d) for v in edge]
                 for k in e.a.ravel()]
            case("pow", d, [b, e], np.array(p, NUMPY[d]))
    x = T([0, 1, 2, 9], "i32")
    case("pow", "i32 f32", [x, T(0.5)], [0, 1, 1, 3])
    zero = T([0, 0, 0, 0], "i32")
    case("div", "by zero", [x, zero], [0, 0, 0, 0])
    case("mod", "by zero", [x, zero], [0, 0, 0, 0])
    a, b = T([[True], [False]], "bool"), T([True, False], "bool")
    case("and", "bool", [a, b], a.a & b.a)
    case("or", "bool", [a, b], a.a | b.a)
    case("xor", "bool", [a, b], a.a ^ b.a)
    case("equal", "bool", [a, b], a.a == b.a)
    c = T(rng.rand(3, 1, 5) > 0.5, "bool")
    for d in ("f32", "f16", "i64", "bool"):
        x = ints(4, 1, dtype=d, lo=0) if d not in FLOATS else rand(
            4, 1, dtype=d)
        y = ints(3, 1, 5, dtype=d, lo=0) if d not in FLOATS else rand(
            3, 1, 5, dtype=d)
        case("select", d, [c, x, y], np.where(c.a, x.a, y.a), d)


def truncated(a, b):
    q = abs(a) // abs(b) if b != 0 else 0  # ours: n / 0 is 0
    return -q if (a < 0) != (b < 0) else q


def wrapped(v, d):
    i = np.iinfo(NUMPY[d])
    v &= (1 << i.bits) - 1
    return v - (1 << i.bits) if v > i.max else v


# --- reductions and windows ------------------------------------------------

def reductions():
    fns = {"reduce_sum": np.sum, "reduce_mean": np.mean,
           "reduce_max": np.max, "reduce_min": np.min,
           "reduce_prod": np.prod,
           "reduce_l1": lambda a, **k: np.sum(np.abs(a), **k),
           "reduce_l2": lambda a, **k: np.sqrt(np.sum(a * a, **k)),
           "reduce_sum_square": lambda a, **k: np.sum(a * a, **k),
           "reduce_log_sum": lambda a, **k: np.log(np.sum(a, **k)),
           "reduce_log_sum_exp": lambda a, **k: np.log(np.sum(
               np.exp(a), **k))}
    for op, f in fns.items():
        for d in ("f32", "f16", "bf16"):
            for axes, keep in (((1,), 1), ((0, 2), 0), ((), 0), ((), 1),
                               ((2,), 0)):
                x = rand(2, 3, 4, dtype=d)
                if op == "reduce_log_sum":
                    x = T(np.abs(x.a), d)
                y = f(x.a, axis=axes or None, keepdims=bool(keep))
                case(op, "%s %s %d" % (d, axes, keep), [x], y,
                     axes=list(axes), keepdims=keep)
    for op in ("reduce_sum", "reduce_prod", "reduce_max", "reduce_min"):
        for d in ("i8", "u8", "i32", "i64", "u64"):
            x = ints(3, 4, 2, dtype=d, lo=0 if d[0] == "u" else -100)
            with np.errstate(all="ignore"):
                y = fns[op](x.a, axis=1)
            if op in ("reduce_sum", "reduce_prod"):
                y = fns[op](x.a, axis=1, dtype=NUMPY[d])
            case(op, d, [x], y, axes=[1], keepdims=0)
    x = T(np.zeros((2, 0, 3)))
    case("reduce_sum", "empty", [x], np.zeros((2, 1, 3)), axes=[1])
    case("reduce_prod", "empty", [x], np.ones((2, 3)), axes=[1], keepdims=0)
    x = T([[1, np.nan, 3], [4, 5, -np.inf]])
    case("reduce_max", "nan", [x], np.max(x.a, axis=1), axes=[1], keepdims=0)
    case("reduce_min", "nan", [x], np.min(x.a, axis=1), axes=[1], keepdims=0)
    for op, f in (("argmax", np.argmax), ("argmin", np.argmin)):
        for d in ("f32", "f16", "i32", "u64"):
            for axis in range(3):
                x = T(rng.randint(0, 3, (2, 3, 4)), d)
                last = np.flip(x.a, axis)
                for keep in (0, 1):
                    y = f(x.a, axis)
                    z = x.a.shape[axis] - 1 - f(last, axis)
                    if keep:
                        y, z = (np.expand_dims(v, axis) for v in (y, z))
                    case(op, "%s %d" % (d, axis), [x], y, "i64", axis=axis,
                         keepdims=keep)
                    case(op, "%s %d last" % (d, axis), [x], z, "i64",
                         axis=axis, keepdims=keep, select_last=1)
    x = T([1, np.nan, 3, np.nan])
    case("argmax", "nan", [x], np.argmax(x.a), "i64", keepdims=0)
    case("argmin", "nan", [x], np.argmin(x.a), "i64", keepdims=0)


def pools():
    def unfold(x, k, s, d, begin, end, fill):
        nd = len(k)
        p = np.pad(x, [(0, 0), (0, 0)] + list(zip(begin, end)),
                   constant_values=fill)
        t = torch.from_numpy(p)
        # dilated windows through strided views
        out = [(p.shape[2 + i] - d[i] * (k[i] - 1) - 1) // s[i] + 1
               for i in range(nd)]
        st = t.stride()
        return t.as_strided(
            list(x.shape[:2]) + out + list(k),
            list(st[:2]) + [st[2 + i] * s[i] for i in range(nd)]
            + [st[2 + i] * d[i] for i in range(nd)]).numpy()

    shapes = [([9], [3], [2], [1], [1], [1]),
              ([8, 7], [2, 2], [2, 2], [1, 1], [0, 0], [0, 0]),
              ([8, 7], [3, 3], [2, 2], [1, 1], [1, 1], [1, 0]),
              ([9, 9], [3, 2], [1, 2], [2, 3], [1, 0], [2, 1]),
              ([5, 5], [5, 5], [1, 1], [1, 1], [0, 0], [0, 0]),
              ([4, 5, 6], [2, 3, 2], [2, 1, 2], [1, 2, 1], [1, 1, 0],
               [0, 1, 1])]
    for size, k, s, d, b, e in shapes:
        nd = len(size)
        axes = tuple(range(-nd, 0))
        at = dict(kernel=k, strides=s, dilations=d, pads_begin=b, pads_end=e)
        label = "%s %s" % (size, k)
        for t in ("f32", "f16", "bf16"):
            x = rand(1, 2, *size, dtype=t)
            case("max_pool", label + t, [x],
                 unfold(x.a, k, s, d, b, e, -np.inf).max(axis=axes), **at)
            v = unfold(x.a, k, s, d, b, e, 0).sum(axis=axes)
            case("sum_pool", label + t, [x], v, **at)
            n = unfold(np.ones_like(x.a), k, s, d, b, e, 0).sum(axis=axes)
            case("avg_pool", label + t, [x], v / n, **at)
            case("avg_pool", label + t + " pads", [x], v / np.prod(k),
                 count_include_pad=1, **at)
    # and against torch's own where both can
    x = rand(1, 2, 9, 8)
    case("avg_pool", "torch", [x], F.avg_pool2d(x.t, 3, 2, 1, False, False),
         kernel=[3, 3], strides=[2, 2], pads_begin=[1, 1], pads_end=[1, 1])
    case("avg_pool", "torch pads", [x], F.avg_pool2d(x.t, 3, 2, 1, False,
                                                     True),
         kernel=[3, 3], strides=[2, 2], pads_begin=[1, 1], pads_end=[1, 1],
         count_include_pad=1)
    case("max_pool", "torch", [x], F.max_pool2d(x.t, 3, 2, 1, 2),
         kernel=[3, 3], strides=[2, 2], dilations=[2, 2],
         pads_begin=[1, 1], pads_end=[1, 1])
    x = ints(1, 2, 6, 6, dtype="i8")
    case("max_pool", "i8", [x], x.a.reshape(1, 2, 3, 2, 3, 2).max(
        axis=(3, 5)), kernel=[2, 2], strides=[2, 2])
    for size in (1, 2, 3, 5):
        for t in ("f32", "f16"):
            x = rand(2, 7, 2, 3, dtype=t)
            s = np.zeros_like(x.a)
            q = np.zeros_like(x.a)
            for c in range(7):
                lo = max(0, c - (size - 1) // 2)
                hi = min(7, c + -(-(size - 1) // 2) + 1)
                s[:, c] = x.a[:, lo:hi].sum(axis=1)
                q[:, c] = (x.a[:, lo:hi] ** 2).sum(axis=1)
            case("channel_sum", "%s %d" % (t, size), [x], s, size=size)
            case("lrn", "%s %d" % (t, size), [x],
                 x.a / (1.5 + 0.3 / size * q) ** 0.75, size=size, alpha=0.3,
                 beta=0.75, bias=1.5)
    x = rand(1, 7, 3, 3)
    case("lrn", "torch", [x], F.local_response_norm(x.t, 5, 0.01, 0.75, 2.0),
         size=5, alpha=0.01, beta=0.75, bias=2.0)


# --- movement --------------------------------------------------------------

def moves():
    for d in ("f32", "f16", "i64", "bool", "u8"):
        def some(*shape):
            if d in FLOATS:
                return rand(*shape, dtype=d)
            return ints(*shape, dtype=d, lo=0, hi=2 if d == "bool" else 100)
        x = some(2, 3, 4)
        case("reshape", d, [x], x.a.reshape(4, 1, 6), shape=[4, 1, 6])
        case("transpose", d, [x], x.a.transpose(2, 0, 1), perm=[2, 0, 1])
        case("transpose", d + " 2", [x], x.a.transpose(1, 0, 2),
             perm=[1, 0, 2])
        case("slice", d, [x], x.a[1:, ::2, 3:0:-1], starts=[1, 0, 3],
             steps=[1, 2, -1], sizes=[1, 2, 3])
        case("slice", d + " empty", [x], x.a[:, 1:1, :], starts=[0, 1, 0],
             steps=[1, 1, 1], sizes=[2, 0, 4])
        y, z = some(2, 1, 4), some(2, 0, 4)
        case("concat", d, [x, y, z, x], np.concatenate(
            [x.a, y.a, z.a, x.a], 1), axis=1)
        y = some(2, 3, 2)
        case("concat", d + " last", [y, x], np.concatenate([y.a, x.a], 2),
             axis=2)
        case("concat", d + " first", [x], x.a, axis=0)
        fill = 3.0 if d != "bool" else 1.0
        case("pad", d, [x], np.pad(x.a, ((1, 0), (0, 2), (3, 1)),
             constant_values=x.a.dtype.type(fill)), pads_begin=[1, 0, 3],
             pads_end=[0, 2, 1], value=fill)
        case("pad", d + " crop", [x], np.pad(x.a[:, 1:], ((0, 0), (0, 2),
             (0, 0)))[:, :, :3], pads_begin=[0, -1, 0], pads_end=[0, 2, -1])
        case("pad", d + " reflect", [x], np.pad(x.a, ((1, 0), (2, 1),
             (3, 2)), mode="reflect"), pads_begin=[1, 2, 3],
             pads_end=[0, 1, 2], mode=1)
        case("pad", d + " edge", [x], np.pad(x.a, ((1, 0), (2, 1), (5, 2)),
             mode="edge"), pads_begin=[1, 2, 5], pads_end=[0, 1, 2], mode=2)
        y = some(3, 1)
        case("expand", d, [y], np.broadcast_to(y.a, (2, 3, 4)),
             shape=[2, 3, 4])
        case("expand", d + " scalar", [T(y.a[0, 0], d)],
             np.broadcast_to(y.a[0, 0], (2, 2)), shape=[2, 2])
        case("tile", d, [x, T([2, 1, 3], "i64")], np.tile(x.a, (2, 1, 3)))
        case("tile", d + " none", [x, T([2, 0, 3], "i64")],
             np.tile(x.a, (2, 0, 3)))
        i = T([[0, -1], [2, 1]], "i64")
        case("gather", d, [x, i], np.take(x.a, i.a, 1), axis=1)
        case("gather", d + " scalar", [x, T(-4, "i32")],
             np.take(x.a, -4, 2), axis=2)
        case("gather", d + " 0", [x, T([1, 1, 0], "i32")],
             np.take(x.a, [1, 1, 0], 0), axis=0)
        x = some(1, 12, 2, 2)
        n, c, h, w = x.a.shape
        r = x.a.reshape(n, 2, 2, 3, h, w).transpose(0, 3, 4, 1, 5, 2)
        case("depth_to_space", d + " DCR", [x], r.reshape(n, 3, 2 * h, 2 * w),
             blocksize=2, dcr=1)
        r = x.a.reshape(n, 3, 2, 2, h, w).transpose(0, 1, 4, 2, 5, 3)
        case("depth_to_space", d + " CRD", [x], r.reshape(n, 3, 2 * h, 2 * w),
             blocksize=2, dcr=0)
        x = some(1, 3, 4, 6)
        n, c, h, w = x.a.shape
        r = x.a.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 3, 5, 1, 2,
                                                              4)
        case("space_to_depth", d, [x], r.reshape(n, 4 * c, h // 2, w // 2),
             blocksize=2)
    x = rand(1, 9, 2, 2)
    case("depth_to_space", "torch", [x], F.pixel_shuffle(x.t, 3),
         blocksize=3, dcr=0)


# --- resize ----------------------------------------------------------------

COORD = ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]
ROUND = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]


def resize(label, x, mode, coord, rounding=0, scales=None, sizes=None,
           cubic=-0.75):
    if mode == 0:
        fn = lambda r: onnx_resize.nearest_coeffs(r, ROUND[rounding])
    elif mode == 1:
        fn = onnx_resize.linear_coeffs
    else:
        fn = lambda r: onnx_resize.cubic_coeffs(r, A=cubic)
    y = onnx_resize.interpolate_nd(
        x.a, fn, output_size=sizes,
        scale_factors=None if scales is None else np.array(scales),
        coordinate_transformation_mode=COORD[coord]).astype(np.float64)
    at = {} if scales is None else {"scales": [float(s) for s in scales]}
    case("resize", label, [x], y, shape=list(y.shape), mode=mode,
         coord=coord, rounding=rounding, cubic_coeff=cubic, **at)


def resizes():
    for mode in (0, 1, 2):
        for coord in range(4):
            for rounding in range(4 if mode == 0 else 1):
                x = rand(1, 1, 5, 4)
                tag = "%d %d %d" % (mode, coord, rounding)
                resize(tag + " up", x, mode, coord, rounding,
                       sizes=[1, 1, 9, 8])
                resize(tag + " down", x, mode, coord, rounding,
                       sizes=[1, 1, 3, 3])
                resize(tag + " scales", x, mode, coord, rounding,
                       scales=[1, 1, 1.7, 0.6])
                resize(tag + " x2", x, mode, coord, rounding,
                       scales=[1, 1, 2.0, 2.0])
    resize("1d", rand(1, 3, 7), 1, 0, sizes=[1, 3, 11])
    resize("3d", rand(1, 1, 3, 2, 4), 1, 0, sizes=[1, 1, 5, 4, 3])
    resize("coeff", rand(1, 1, 4, 4), 2, 0, scales=[1, 1, 2.5, 2.5],
           cubic=-0.5)
    for mode in (0, 1, 2):
        resize("to 1", rand(1, 1, 3, 4), mode, 2, sizes=[1, 1, 1, 2])
    resize("f16", rand(1, 2, 4, 4, dtype="f16"), 1, 2, sizes=[1, 2, 7, 7])
    resize("u8", T(rng.randint(0, 255, (1, 2, 3, 3)), "u8"), 0, 1, 2,
           scales=[1, 1, 2, 3])
    for mode in ("nearest", "bilinear", "bicubic"):
        x = rand(1, 2, 5, 6)
        kind = {"nearest": 0, "bilinear": 1, "bicubic": 2}[mode]
        y = F.interpolate(x.t, size=(8, 11), mode=mode)
        case("resize", "torch " + mode, [x], y, shape=[1, 2, 8, 11],
             mode=kind, coord=1 if kind == 0 else 3, rounding=2)
        if kind:
            y = F.interpolate(x.t, size=(8, 11), mode=mode,
                              align_corners=True)
            case("resize", "torch aligned " + mode, [x], y,
                 shape=[1, 2, 8, 11], mode=kind, coord=2)


# --- norms -----------------------------------------------------------------

def norms():
    for d in ("f32", "f16", "bf16"):
        x = rand(3, 5, 4, 2, dtype=d, scale=2, shift=1)
        s, b, m = (rand(5) for _ in range(3))
        v = uniform(5, lo=0.1, hi=3)
        out = "f32"
        case("batch_norm", d, [x, s, b, m, v], F.batch_norm(
            x.t, m.t, v.t, s.t, b.t, eps=1e-3), out, epsilon=1e-3)
        case("instance_norm", d, [x, s, b], F.instance_norm(
            x.t, weight=s.t, bias=b.t, eps=1e-5), out, epsilon=1e-5)
        x = rand(2, 6, 3, 3, dtype=d, scale=2, shift=1)
        s, b = rand(6), rand(6)
        case("group_norm", d, [x, s, b], F.group_norm(
            x.t, 3, s.t, b.t, 1e-5), out, channel_starts=[0, 2, 4],
            channel_ends=[2, 4, 6], epsilon=1e-5)
        y = torch.cat([F.group_norm(x.t[:, lo:hi], 1, s.t[lo:hi],
                                    b.t[lo:hi], 1e-5)
                       for lo, hi in ((0, 1), (1, 5), (5, 6))], 1)
        case("group_norm", d + " ragged", [x, s, b], y, out,
             channel_starts=[0, 1, 5], channel_ends=[1, 5, 6])
        x = rand(3, 4, 6, dtype=d, scale=3)
        s, b = rand(4, 6), rand(4, 6)
        case("layer_norm", d, [x, s, b], F.layer_norm(
            x.t, (4, 6), s.t, b.t, 1e-5), out, axis=1, epsilon=1e-5)
        s, b = rand(6), rand(6)
        case("layer_norm", d + " last", [x, s], F.layer_norm(
            x.t, (6,), s.t, None, 1e-6), out, axis=2, epsilon=1e-6)
        for axis in range(3):
            x = rand(3, 4, 5, dtype=d, scale=4)
            case("softmax", "%s %d" % (d, axis), [x], F.softmax(x.t, axis),
                 axis=axis)
            case("log_softmax", "%s %d" % (d, axis), [x],
                 F.log_softmax(x.t, axis), axis=axis)
    x = T([[1000.0, 1000, -1000], [-np.inf, 0, 0]])
    case("softmax", "far", [x], F.softmax(x.t, 1), axis=1)
    case("log_softmax", "far", [x], F.log_softmax(x.t, 1), axis=1)
    x = rand(4, 7)
    s, b, m = (rand(7) for _ in range(3))
    v = uniform(7, lo=0.1, hi=3)
    case("batch_norm", "rank 2", [x, s, b, m, v], F.batch_norm(
        x.t, m.t, v.t, s.t, b.t), epsilon=1e-5)


def adjoint(f, x, dy):
    """The vector dy through the derivative of f at x, by autograd."""
    v = torch.from_numpy(np.ascontiguousarray(x)).requires_grad_()
    y = f(v)
    y.backward(dy.t.reshape(y.shape))
    return v.grad


def philox(counter, key):
    """Random123's philox4x32-10 in Python integers."""
    m = 0xffffffff
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & m, (a >> 32) ^ c[3] ^ k[1], a & m]
        k = [(k[0] + 0x9E3779B9) & m, (k[1] + 0xBB67AE85) & m]
    return c


def bits(shape, seed, stream, step):
    n, s, out = int(np.prod(shape)), step & (2 ** 64 - 1), []
    for block in range((n + 3) // 4):
        out += philox([block & 0xffffffff, block >> 32, s & 0xffffffff,
                       s >> 32], [seed, stream])
    return np.array(out[:n], np.uint32).reshape(shape)


def wgrads():
    for n, ci, co, size, k, s, d, b, e, g in (
            (2, 3, 4, [9], [3], [2], [1], [1], [1], 1),
            (2, 4, 6, [7, 8], [3, 2], [2, 1], [1, 2], [1, 0], [0, 2], 2),
            (1, 5, 5, [6, 5], [3, 3], [1, 1], [1, 1], [1, 1], [1, 1], 5),
            (3, 2, 3, [8, 8], [1, 1], [2, 2], [1, 1], [0, 0], [0, 0], 1),
            (1, 2, 2, [4, 5, 6], [2, 3, 2], [1, 2, 2], [1, 1, 1], [1, 0, 1],
             [0, 1, 0], 1)):
        nd = len(size)
        f = (F.conv1d, F.conv2d, F.conv3d)[nd - 1]
        flat = []
        for i in reversed(range(nd)):
            flat += [b[i], e[i]]
        for t in ("f32", "f16"):
            x = rand(n, ci, *size, dtype=t)
            padded = F.pad(x.t, flat)

            def run(w):
                return f(padded, w, stride=s, dilation=d, groups=g)
            w0 = np.zeros([co, ci // g] + k)
            dy = rand(*run(torch.from_numpy(w0)).shape, dtype=t)
            case("conv_wgrad", "%s %s" % (size, t), [x, dy],
                 adjoint(run, w0, dy), kernel=k, strides=s, dilations=d,
                 pads_begin=b, pads_end=e, groups=g)


def pool_grads():
    for size, k, s, p in (([9], [3], [2], [1]), ([8, 7], [3, 2], [2, 2],
                                                 [1, 0]),
                          ([7, 7], [3, 3], [2, 2], [1, 1]),
                          ([5, 4, 6], [2, 2, 3], [1, 2, 2], [0, 1, 1])):
        nd = len(size)
        x = rand(2, 3, *size)
        pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[nd - 1]
        mean = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[nd - 1]
        y, at = pool(x.t, k, s, p, return_indices=True)
        at, index = at.numpy(), np.zeros(y.shape, np.uint8)
        for i in np.ndindex(*y.shape):
            place, rest = [], at[i]
            for extent in reversed(size):
                place.insert(0, rest % extent)
                rest //= extent
            tap = 0
            for a in range(nd):
                tap = tap * k[a] + place[a] - (i[2 + a] * s[a] - p[a])
            index[i] = tap
        where = dict(kernel=k, strides=s, pads_begin=p, pads_end=p)
        label, dy = "%s %s" % (size, k), rand(*y.shape)
        shape = [2, 3] + size
        case("max_pool_index", label, [x], index, dtype="u8", **where)
        case("max_pool_grad", label, [dy, T(index, "u8")],
             adjoint(lambda v: pool(v, k, s, p), x.a, dy), shape=shape,
             **where)
        case("sum_pool_grad", label, [dy],
             adjoint(lambda v: mean(v, k, s, p) * int(np.prod(k)), x.a, dy),
             shape=shape, **where)
    x = np.zeros((1, 1, 4, 4))
    x[0, 0, 1, 1] = np.nan
    case("max_pool_index", "ties and NaN", [T(x)],
         np.array([[[[3, 0], [0, 0]]]]), dtype="u8", kernel=[2, 2],
         strides=[2, 2])


def move_grads():
    x = rand(3, 4)
    want = np.zeros((5, 6))
    want[4::-2, 1:5] = x.a
    case("slice_grad", "", [x], want, starts=[4, 1], steps=[-2, 1],
         shape=[5, 6])
    i = ints(3, 2, lo=-4, hi=4)
    dy = rand(2, 3, 2, 3)
    case("scatter_add", "", [dy, i], adjoint(
        lambda v: v[:, i.t.long()], np.zeros((2, 4, 3)), dy), axis=1, size=4)
    x = rand(2, 11, 3)
    mask = np.packbits(x.a > 0, axis=1, bitorder="little")
    case("mask_pack", "", [x], mask, dtype="u8", axis=1)
    y = rand(2, 11, 3)
    case("mask_select", "", [T(mask, "u8"), y],
         np.where(x.a > 0, y.a, 0), dtype="f32", axis=1)


def training():
    for seed, stream, step in ((0, 0, 0), (7, 3, 1),
                               (2 ** 32 - 1, 2 ** 32 - 1, -1),
                               (1, 2, 2 ** 40 + 5)):
        at = dict(seed=seed, stream=stream)
        t = T(np.array(step), "i64")
        case("random_bits", str(step), [t], bits((3, 7), seed, stream, step),
             dtype="u32", shape=[3, 7], **at)
        x = rand(3, 7)
        keep = bits((3, 7), seed, stream, step) >= int(0.25 * 2 ** 32)
        case("dropout", str(step), [x, t], np.where(keep, x.a / 0.75, 0),
             ratio=0.25, **at)
    for shape in ((4, 3), (3, 5, 2, 2)):
        x, s, b = rand(*shape, shift=1), rand(shape[1]), rand(shape[1])
        case("batch_norm_train", str(shape), [x, s, b], F.batch_norm(
            x.t, None, None, s.t, b.t, True), epsilon=1e-5)
        half = (shape[1] + 1) // 2
        y = torch.cat([F.group_norm(x.t[:, lo:hi], 1, s.t[lo:hi],
                                    b.t[lo:hi], 1e-5)
                       for lo, hi in ((0, half), (half, shape[1]))], 1)
        case("group_norm_train", str(shape), [x, s, b], y,
             channel_starts=[0, half], channel_ends=[half, shape[1]],
             epsilon=1e-5)
        x, k = rand(*shape, scale=3), ints(
            shape[0], *shape[2:], dtype="i64", lo=0, hi=shape[1])
        for e in (0.0, 0.1):
            case("softmax_cross_entropy", "%s %g" % (shape, e), [x, k],
                 F.cross_entropy(x.t, k.t, label_smoothing=e), smoothing=e)


def groups():
    for shape in ((2, 3), (1,), ()):
        x = rand(*shape)
        case("group_gather", str(shape), [x], np.stack([x.a] * 3), size=3)
    x = rand(6, 2, 3)
    case("group_part", "", [x], x.a[:2], size=3)


def main():
    convs()
    conv_transposes()
    matmuls()
    unaries()
    casts()
    binaries()
    reductions()
    pools()
    moves()
    resizes()
    norms()
    wgrads()
    pool_grads()
    move_grads()
    training()
    groups()
    here = os.path.dirname(os.path.abspath(__file__))
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(
        here, "..", "unit", "ir", "data", "eval.bin.gz")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    data = b"WEV1" + struct.pack("<I", len(cases)) + b"".join(cases)
    with open(path, "wb") as f:
        f.write(gzip.compress(data, 9, mtime=0))
    print("%d cases, %d bytes" % (len(cases), os.path.getsize(path)))


if __name__ == "__main__":
    main()
