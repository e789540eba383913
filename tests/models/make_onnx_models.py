#!/usr/bin/python3
"""Makes the small ONNX models under tests/models/onnx and tests/models/bad.

onnx/NAME holds model.onnx, in_INPUT.npy and out_OUTPUT.npy; the expected
values come from NumPy and PyTorch. They cover what ONNX's own node vectors
leave out: old and new forms of operators, storage of initializers, names,
order, folding. bad/NAME.onnx are broken models; tests/unit/frontend/
test_onnx_bad.c holds the diagnostic that each must give.

Needs python3-numpy, python3-torch, python3-onnx (1.12). Deterministic.
"""
import os
import shutil

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto as TP
from onnx import helper as H
from onnx import numpy_helper as NH

HERE = os.path.dirname(os.path.abspath(__file__))
rng = np.random.RandomState(20240612)
NPY = {np.dtype("float32"): TP.FLOAT, np.dtype("float16"): TP.FLOAT16,
       np.dtype("float64"): TP.DOUBLE, np.dtype("int64"): TP.INT64,
       np.dtype("int32"): TP.INT32, np.dtype("bool"): TP.BOOL,
       np.dtype("uint8"): TP.UINT8, np.dtype("int8"): TP.INT8}


def randn(*shape):
    return rng.randn(*shape).astype(np.float32)


def t(a):
    return torch.from_numpy(np.ascontiguousarray(a))


def ints(*v):
    return np.array(v, np.int64)


def info(name, a, shape=None):
    dtype = NPY[a.dtype] if isinstance(a, np.ndarray) else a
    return H.make_tensor_value_info(
        name, dtype, a.shape if shape is None else shape)


def init(name, a):
    """An initializer of an array, or a TensorProto under its own name."""
    if isinstance(a, np.ndarray):
        return NH.from_array(a, name)
    return a


def model(nodes, inputs, outputs, inits=(), opset=13, ir=7, domains=()):
    graph = H.make_graph(nodes, "g", inputs, outputs, list(inits))
    imports = [H.make_opsetid("", opset)]
    imports += [H.make_opsetid(d, 1) for d in domains]
    m = H.make_model(graph, opset_imports=imports, producer_name="wave-test")
    m.ir_version = ir
    return m


def case(name, nodes, feeds, expect, inits=None, opset=13, shapes=None,
         ir=7, edit=None):
    """feeds, expect, inits: name -> array."""
    folder = os.path.join(HERE, "onnx", name)
    os.makedirs(folder)
    shapes = shapes or {}
    m = model(nodes, [info(k, v, shapes.get(k)) for k, v in feeds.items()],
              [info(k, v, shapes.get(k)) for k, v in expect.items()],
              [init(k, v) for k, v in (inits or {}).items()], opset, ir)
    if edit:
        edit(m, folder)
    with open(os.path.join(folder, "model.onnx"), "wb") as f:
        f.write(m.SerializeToString())
    for k, v in feeds.items():
        np.save(os.path.join(folder, "in_%s.npy" % k), v)
    for k, v in expect.items():
        np.save(os.path.join(folder, "out_%s.npy" % k), v)


def node(op, ins, outs, **kw):
    return H.make_node(op, ins.split(",") if ins else [], outs.split(","),
                       **kw)


# --- old forms ---------------------------------------------------------------

def old_forms():
    x, b = randn(2, 3, 4, 5), randn(3, 4)
    case("add6_axis", [node("Add", "x,b", "y", broadcast=1, axis=1)],
         {"x": x}, {"y": x + b[:, :, None]}, {"b": b}, opset=6)
    s = randn(5)
    case("mul6_suffix", [node("Mul", "x,s", "y", broadcast=1)],
         {"x": x}, {"y": x * s}, {"s": s}, opset=6)
    case("prelu6", [node("PRelu", "x,p", "y")], {"x": x},
         {"y": F.prelu(t(x), t(b[:, 0].copy())).numpy()},
         {"p": b[:, 0].copy()}, opset=6)
    m = x.reshape(6, 20)
    case("softmax11_flat", [node("Softmax", "x", "y", axis=2)], {"x": x},
         {"y": torch.softmax(t(m), 1).numpy().reshape(x.shape)}, opset=11)
    case("logsoftmax11_default", [node("LogSoftmax", "x", "y")], {"x": x},
         {"y": torch.log_softmax(t(x.reshape(2, 60)), 1)
             .numpy().reshape(x.shape)}, opset=11)
    case("slice9", [node("Slice", "x", "y", starts=[1, -3], ends=[9, -1],
                         axes=[1, 3])], {"x": x}, {"y": x[:, 1:, :, -3:-1]},
         opset=9)
    case("pad9", [node("Pad", "x", "y", pads=[0, 0, 1, -1, 0, 0, 2, 3],
                       value=0.5)], {"x": x},
         {"y": F.pad(t(x), (-1, 3, 1, 2), value=0.5).numpy()}, opset=9)
    case("clip6", [node("Clip", "x", "y", min=-0.5, max=0.25)], {"x": x},
         {"y": np.clip(x, np.float32(-0.5), np.float32(0.25))}, opset=6)
    case("reshape1", [node("Reshape", "x", "y", shape=[0, -1, 10])],
         {"x": x}, {"y": x.reshape(2, 6, 10)}, opset=1)
    case("squeeze11", [node("Unsqueeze", "x", "u", axes=[0, -1]),
                       node("Squeeze", "u", "v", axes=[-1]),
                       node("Squeeze", "v", "y")],
         {"x": x}, {"y": x}, opset=11)
    case("cast1", [node("Cast", "x", "y", to="INT32")], {"x": x * 3},
         {"y": (x * 3).astype(np.int32)}, opset=1)
    case("sum11_axes", [node("ReduceSum", "x", "y", axes=[-1, 1],
                             keepdims=0)],
         {"x": x}, {"y": x.sum((1, 3))}, opset=11)
    case("split11", [node("Split", "x", "a,b", axis=3, split=[2, 3])],
         {"x": x}, {"a": x[..., :2].copy(), "b": x[..., 2:].copy()},
         opset=11)
    up = x.repeat(2, 2).repeat(3, 3)
    case("upsample7", [node("Upsample", "x", "y", scales=[1., 1., 2., 3.])],
         {"x": x}, {"y": up}, opset=7)
    case("upsample9", [node("Upsample", "x,s", "y", mode="nearest")],
         {"x": x}, {"y": up}, {"s": np.array([1, 1, 2, 3], np.float32)},
         opset=9)
    case("resize10", [node("Resize", "x,s", "y", mode="nearest")],
         {"x": x}, {"y": up}, {"s": np.array([1, 1, 2, 3], np.float32)},
         opset=10)
    sc, bi, mean, var = randn(3), randn(3), randn(3), randn(3) ** 2 + 0.5
    want = F.batch_norm(t(x), t(mean), t(var), t(sc), t(bi)).numpy()
    inits = {"s": sc, "b": bi, "m": mean, "v": var}
    case("batchnorm6", [node("BatchNormalization", "x,s,b,m,v", "y",
                             is_test=1, spatial=1, momentum=0.5)],
         {"x": x}, {"y": want}, inits, opset=6)
    case("batchnorm14_train", [
        node("BatchNormalization", "x,s,b,m,v", "y,rm,rv", training_mode=1)],
        {"x": x}, {"y": want}, inits, opset=14)
    case("dropout6", [node("Dropout", "x", "y,mask", is_test=1, ratio=0.3)],
         {"x": x}, {"y": x}, opset=6)


# --- forms of opset 18 to 20 --------------------------------------------------

def new_forms():
    x = randn(2, 6, 4, 5)
    case("mean18_axes", [node("ReduceMean", "x,a", "y", keepdims=0)],
         {"x": x}, {"y": x.mean((1, 3), dtype=np.float64)
                    .astype(np.float32)}, {"a": ints(-1, 1)}, opset=18)
    case("max18_noop", [node("ReduceMax", "x", "y",
                             noop_with_empty_axes=1)],
         {"x": x}, {"y": x}, opset=18)
    case("split18_uneven", [node("Split", "x", "a,b,c", axis=3,
                                 num_outputs=3)],
         {"x": x}, {"a": x[..., :2].copy(), "b": x[..., 2:4].copy(),
                    "c": x[..., 4:].copy()}, opset=18)
    case("pad18_axes", [node("Pad", "x,p,,a", "y", mode="edge")],
         {"x": x}, {"y": np.pad(x, ((0, 0), (0, 0), (2, 1), (0, 3)),
                                mode="edge")},
         {"p": ints(0, 2, 3, 1), "a": ints(3, -2)}, opset=18)
    sc, bi = randn(3), randn(3)
    gn = F.group_norm(t(x), 3, t(sc.repeat(2)), t(bi.repeat(2)), 1e-3)
    case("groupnorm18", [node("GroupNormalization", "x,s,b", "y",
                              num_groups=3, epsilon=1e-3)],
         {"x": x}, {"y": gn.numpy()}, {"s": sc, "b": bi}, opset=18)
    case("mish18", [node("Mish", "x", "y")], {"x": x},
         {"y": F.mish(t(x)).numpy()}, opset=18)
    case("gelu20", [node("Gelu", "x", "a"),
                    node("Gelu", "x", "b", approximate="tanh")], {"x": x},
         {"a": F.gelu(t(x)).numpy(),
          "b": (0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (
              x + 0.044715 * x ** 3)))).astype(np.float32)}, opset=20)
    y = F.interpolate(t(x), scale_factor=(2, 3), mode="bilinear",
                      align_corners=False).numpy()
    case("resize18_axes", [node("Resize", "x,,,s", "y", mode="linear",
                                axes=[2, 3])], {"x": x}, {"y": y},
         {"s": ints(8, 15)}, opset=18)
    case("avgpool19_dilated", [
        node("AveragePool", "x", "y", kernel_shape=[2, 2],
             dilations=[2, 3])], {"x": x},
        {"y": (x[:, :, :2, :2] + x[:, :, 2:, :2] + x[:, :, :2, 3:] +
               x[:, :, 2:, 3:]) / 4}, opset=19)


# --- windows -------------------------------------------------------------------

def windows():
    x = randn(1, 2, 8, 9)

    def pool(name, want, op="AveragePool", opset=11, **kw):
        case(name, [node(op, "x", "y", **kw)], {"x": x},
             {"y": want.numpy()}, opset=opset)

    for inc in (0, 1):
        want = F.avg_pool2d(t(x), 3, 2, 1, ceil_mode=True,
                            count_include_pad=bool(inc))
        pool("avgpool_ceil_%d" % inc, want, kernel_shape=[3, 3],
             strides=[2, 2], pads=[1] * 4, ceil_mode=1,
             count_include_pad=inc)
    pool("maxpool_ceil", F.max_pool2d(t(x), 3, 3, 1, ceil_mode=True),
         op="MaxPool", kernel_shape=[3, 3], strides=[3, 3], pads=[1] * 4,
         ceil_mode=1)
    pool("maxpool_dilated", F.max_pool2d(t(x), 2, 2, 0, 3), op="MaxPool",
         kernel_shape=[2, 2], strides=[2, 2], dilations=[3, 3])
    # ceil_mode whose last window would start in the padding: dropped
    pool("maxpool_ceil_drop", F.max_pool2d(t(x), 2, 2, 1, ceil_mode=True),
         op="MaxPool", kernel_shape=[2, 2], strides=[2, 2], pads=[1] * 4,
         ceil_mode=1)
    w = randn(4, 1, 3, 2)
    for low in (0, 1):
        # 8x9, stride 2: pads in total 1 and 1
        p = (1, 0, 1, 0) if low else (0, 1, 0, 1)
        want = F.conv2d(F.pad(t(x), p), t(w), stride=2, groups=2)
        case("conv_same_%s" % ("lower" if low else "upper"), [
            node("Conv", "x,w", "y", strides=[2, 2], group=2, auto_pad=(
                "SAME_LOWER" if low else "SAME_UPPER"))],
            {"x": x}, {"y": want.numpy()}, {"w": w})
    wt = randn(2, 3, 3, 3)
    want = F.conv_transpose2d(t(x), t(wt), stride=2)
    case("convtranspose_same", [
        node("ConvTranspose", "x,w", "y", strides=[2, 2],
             auto_pad="SAME_UPPER")],
        {"x": x}, {"y": want[:, :, :16, :18].numpy()}, {"w": wt})
    x1, w1 = randn(2, 4, 11), randn(6, 2, 3)
    case("conv1d", [node("Conv", "x,w", "y", dilations=[2], pads=[1, 2],
                         group=2)], {"x": x1},
         {"y": F.conv1d(F.pad(t(x1), (1, 2)), t(w1), dilation=2, groups=2)
             .numpy()}, {"w": w1})


# --- storage, names, order, folding -------------------------------------------

def storage():
    x, w = randn(2, 3), randn(3, 4)
    dot = (x.astype(np.float64) @ w).astype(np.float32)
    mm = [node("MatMul", "x,w", "y")]
    case("typed_float", mm, {"x": x}, {"y": dot},
         {"w": H.make_tensor("w", TP.FLOAT, w.shape, w.flatten())})
    h = w.astype(np.float16)
    half = [node("Cast", "w", "c", to=TP.FLOAT), node("MatMul", "x,c", "y")]
    want = (x.astype(np.float64) @ h).astype(np.float32)
    case("typed_half", half, {"x": x}, {"y": want},
         {"w": H.make_tensor("w", TP.FLOAT16, w.shape, h.flatten())})
    bits = (w.view(np.uint32) >> 16).astype(np.uint16)
    b16 = (bits.astype(np.uint32) << 16).view(np.float32)
    raw = onnx.TensorProto(name="w", data_type=TP.BFLOAT16, dims=w.shape,
                           raw_data=bits.tobytes())
    case("raw_bf16", half, {"x": x},
         {"y": (x.astype(np.float64) @ b16).astype(np.float32)}, {"w": raw})
    mask = onnx.TensorProto(name="m", data_type=TP.BOOL, dims=[2, 3],
                            raw_data=bytes([0, 1, 2, 255, 0, 1]))
    keep = np.array([[0, 1, 1], [1, 0, 1]], bool)
    case("raw_bool", [node("Where", "m,x,z", "y")], {"x": x},
         {"y": np.where(keep, x, np.float32(0))},
         {"m": mask, "z": np.zeros((), np.float32)})
    small = H.make_tensor("k", TP.INT8, [3], [-128, 5, 127])
    case("typed_int8", [node("Cast", "k", "f", to=TP.FLOAT),
                        node("Mul", "x,f", "y")], {"x": x},
         {"y": x * np.array([-128, 5, 127], np.float32)}, {"k": small})

    def external(m, folder):
        pad = 16
        with open(os.path.join(folder, "weights.bin"), "wb") as f:
            f.write(b"\0" * pad + w.tobytes() + b"\0" * 4)
        p = m.graph.initializer[0]
        p.ClearField("raw_data")
        p.data_location = TP.EXTERNAL
        for k, v in (("location", "./weights.bin"), ("offset", str(pad)),
                     ("length", str(w.nbytes))):
            p.external_data.add(key=k, value=v)

    case("external", mm, {"x": x}, {"y": dot}, {"w": w}, edit=external)

    def defaults(m, _):
        m.graph.input.append(info("w", w))

    case("init_as_input", mm, {"x": x}, {"y": dot}, {"w": w}, ir=3,
         edit=defaults)
    case("unsorted", [node("Relu", "c", "y"), node("Add", "b,x", "c"),
                      node("Neg", "a", "b"), node("Exp", "x", "a")],
         {"x": x}, {"y": np.maximum(x - np.exp(x), 0)})
    case("dead_nodes", [node("Relu", "x", "y"),
                        node("NonZero", "x", "unused")],
         {"x": x}, {"y": np.maximum(x, 0)})
    case("output_is_input", [node("Identity", "x", "y"),
                             node("Relu", "x", "r")],
         {"x": x}, {"y": x, "r": np.maximum(x, 0), "x": x})
    # [N, 3, 4] -> [N, 12] by shape arithmetic, all of which folds
    z = randn(2, 3, 4)
    case("shape_arithmetic", [
        node("Shape", "x", "s"),
        node("Gather", "s,zero", "n", axis=0),
        node("Unsqueeze", "n,axis0", "n1"),
        node("Slice", "s,one,big", "rest"),
        node("ReduceProd", "rest", "p", keepdims=1),
        node("Concat", "n1,p", "to", axis=0),
        node("Reshape", "x,to", "y")],
        {"x": z}, {"y": z.reshape(2, 12)},
        {"zero": np.array(0, np.int64), "axis0": ints(0), "one": ints(1),
         "big": ints(2 ** 63 - 1)}, shapes={"x": ["N", 3, 4], "y": ["N", 12]})
    # constants that reach the output
    case("all_constant", [
        node("ConstantOfShape", "s", "a",
             value=H.make_tensor("v", TP.FLOAT, [1], [2.5])),
        node("Constant", "", "b", value_floats=[1., 2., 3.]),
        node("Add", "a,b", "y"), node("Relu", "x", "r")],
        {"x": x}, {"y": np.full((2, 3), 2.5, np.float32) +
                   np.array([1, 2, 3], np.float32),
                   "r": np.maximum(x, 0)}, {"s": ints(2, 3)})


def batches():
    """Exported with batch 1, run with the batch of the .npy files."""
    x = randn(3, 2, 4, 4)
    case("batch_reshape", [
        node("Reshape", "x,a", "u"), node("Reshape", "u,b", "v"),
        node("Relu", "v", "y")],
        {"x": x}, {"y": np.maximum(x.reshape(3, 32), 0)},
        {"a": ints(1, 2, 16), "b": ints(1, -1)},
        shapes={"x": [1, 2, 4, 4], "y": [1, 32]})
    # The weight's target spells 1 as well and must stay.
    b = randn(2)
    case("batch_weight", [
        node("Add", "x,x", "d"), node("Reshape", "b,s", "c"),
        node("Mul", "d,c", "y")],
        {"x": x}, {"y": (x + x) * b.reshape(1, 2, 1, 1)},
        {"b": b, "s": ints(1, -1, 1, 1)},
        shapes={"x": [1, 2, 4, 4], "y": [1, 2, 4, 4]})
    case("batch_symbolic", [node("Flatten", "x", "y")],
         {"x": x}, {"y": x.reshape(3, 32)},
         shapes={"x": ["N", 2, 4, 4], "y": ["N", 32]})


# --- broken models --------------------------------------------------------------

def bad(name, m):
    data = m if isinstance(m, bytes) else m.SerializeToString()
    with open(os.path.join(HERE, "bad", name + ".onnx"), "wb") as f:
        f.write(data)


def vi(name, shape=(1, 3, 8, 8), dtype=TP.FLOAT):
    return H.make_tensor_value_info(name, dtype, shape)


def bad_graph(name, nodes, inits=None, x=(1, 3, 8, 8), opset=13, edit=None,
              domains=(), outputs=None):
    m = model(nodes, [vi("x", x)], outputs or [vi("y", None)],
              [init(k, v) for k, v in (inits or {}).items()], opset,
              domains=domains)
    if edit:
        edit(m)
    bad(name, m)


def tensor(name, dims, raw=b"", dtype=TP.FLOAT, **kw):
    return onnx.TensorProto(name=name, data_type=dtype, dims=dims,
                            raw_data=raw, **kw)


def broken_files():
    good = model([node("Relu", "x", "y", name="relu")], [vi("x")],
                 [vi("y")]).SerializeToString()
    bad("empty", b"")
    bad("truncated", good[:-5])
    bad("flipped", bytes([good[0] ^ 0x07]) + good[1:])
    bad("text", b"not a model at all\n")
    bad("no_graph", onnx.ModelProto(ir_version=7))
    bad("no_outputs", model([], [vi("x")], []))
    nested = b""
    for _ in range(200):  # graph in attribute in node in graph ...
        for tag in (0x32, 0x2a, 0x0a):
            n, size = len(nested), b""
            while True:
                size += bytes([n & 0x7f | (0x80 if n > 0x7f else 0)])
                n >>= 7
                if not n:
                    break
            nested = bytes([tag]) + size + nested
    n, size = len(nested), b""
    while True:
        size += bytes([n & 0x7f | (0x80 if n > 0x7f else 0)])
        n >>= 7
        if not n:
            break
    bad("nested", b"\x3a" + size + nested)
    bad("no_opset", onnx.ModelProto(ir_version=7, graph=H.make_graph(
        [node("Relu", "x", "y")], "g", [vi("x")], [vi("y")])))


def broken_graphs():
    relu = [node("Relu", "x", "y", name="relu")]
    bad_graph("cycle", [node("Add", "x,c", "b", name="one"),
                        node("Relu", "b", "c", name="two"),
                        node("Relu", "c", "y")])
    bad_graph("missing_tensor", [node("Add", "x,w", "y", name="sum")])
    bad_graph("missing_output", relu, outputs=[vi("z", None)])
    bad_graph("twice_defined", [node("Relu", "x", "y", name="a"),
                                node("Neg", "x", "y", name="b")])
    bad_graph("two_initializers", relu,
              edit=lambda m: m.graph.initializer.extend(
                  [tensor("w", [1], b"1234"), tensor("w", [1], b"1234")]))
    bad_graph("unknown_op", [node("Frobnicate", "x", "y")])
    bad_graph("future_op", relu, opset=21)
    bad_graph("early_op", [node("HardSwish", "x", "y")], opset=11)
    bad_graph("quantized", [node("QuantizeLinear", "x,s", "y", name="quant")],
              {"s": np.array(0.1, np.float32)})
    bad_graph("custom_domain", [
        H.make_node("Quant", ["x"], ["y"], name="q0", domain="my.ops")],
        domains=["my.ops"])
    body = H.make_graph([node("Relu", "x", "b")], "body", [], [vi("b")])
    bad_graph("control_flow", [
        H.make_node("If", ["c"], ["y"], then_branch=body, else_branch=body)],
        {"c": np.array(True)})
    bad_graph("missing_input", [node("Conv", "x", "y", name="conv1")])
    bad_graph("empty_input", [node("Conv", "x,", "y", name="conv1")])
    bad_graph("unknown_attribute", [node("Relu", "x", "y", slope=1.0)])
    bad_graph("attribute_kind", [
        node("Flatten", "x", "y", axis="one")])
    bad_graph("training_output", [
        node("BatchNormalization", "x,s,s,s,s", "h,m,v", training_mode=1,
             name="bn"), node("Relu", "m", "y", name="use")],
        {"s": np.ones(3, np.float32)}, opset=14)
    bad_graph("pool_indices", [
        node("MaxPool", "x", "p,i", kernel_shape=[2, 2], name="pool"),
        node("Cast", "i", "y", to=1)])


def broken_tensors():
    def with_w(name, *tensors, op="Add", **kw):
        bad_graph(name, [node(op, "x,w", "y", name="sum")],
                  edit=lambda m: m.graph.initializer.extend(tensors), **kw)

    with_w("negative_dim", tensor("w", [3, -1], b""))
    with_w("zero_kernel", tensor("w", [4, 3, 0, 3], b""), op="Conv")
    with_w("overflow_dims", tensor("w", [2 ** 31 - 1] * 4, b"1234"))
    with_w("huge_dim", tensor("w", [2 ** 62], b"1234"))
    with_w("rank9", tensor("w", [1] * 9, b"1234"))
    with_w("short_data", tensor("w", [1, 3, 8, 8], b"12345678"))
    with_w("short_typed", onnx.TensorProto(
        name="w", data_type=TP.FLOAT, dims=[4], float_data=[1, 2, 3]))
    with_w("string_tensor", tensor("w", [1], b"1234", TP.STRING))
    with_w("no_dtype", tensor("w", [1], b"1234", TP.UNDEFINED))

    def ext(**kw):
        w = onnx.TensorProto(name="w", data_type=TP.FLOAT, dims=[1],
                             data_location=TP.EXTERNAL)
        for k, v in kw.items():
            w.external_data.add(key=k, value=v)
        return w

    with_w("external_dotdot", ext(location="../empty.onnx"))
    with_w("external_inner_dotdot", ext(location="sub/../../x.bin"))
    with_w("external_absolute", ext(location="/etc/passwd"))
    with_w("external_missing", ext(location="nowhere.bin"))
    with_w("external_none", ext(offset="0"))
    with_w("external_range", ext(location="text.onnx", offset="100"))
    with_w("external_offset", ext(location="text.onnx", offset="-4"))
    with_w("external_length", ext(location="text.onnx", length="8"))
    with_w("external_folder", ext(location="."))


def broken_shapes():
    one = {"w": np.ones((4, 3, 3, 3), np.float32)}
    conv = dict(name="conv1")
    bad_graph("dtype_input", [node("Relu", "x", "y")],
              edit=lambda m: m.graph.input[0].CopyFrom(
                  vi("x", (1, 3), TP.STRING)))
    bad_graph("negative_input", [node("Relu", "x", "y")], x=(1, -7))
    bad_graph("rank9_input", [node("Relu", "x", "y")], x=(1,) * 9)
    bad_graph("dynamic_input", [node("Relu", "x", "y")],
              x=("N", 3, "H", 8))
    bad_graph("no_shape", [node("Relu", "x", "y")], x=None)
    bad_graph("group0", [node("Conv", "x,w", "y", group=0, **conv)], one)
    bad_graph("group2", [node("Conv", "x,w", "y", group=2, **conv)], one)
    bad_graph("channels", [node("Conv", "x,w", "y", **conv)], one,
              x=(1, 5, 8, 8))
    bad_graph("stride0", [node("Conv", "x,w", "y", strides=[0, 1], **conv)],
              one)
    bad_graph("pads3", [node("Conv", "x,w", "y", pads=[1, 1, 1], **conv)],
              one)
    bad_graph("negative_pad", [
        node("Conv", "x,w", "y", pads=[-1, 0, 0, 0], **conv)], one)
    bad_graph("kernel_shape", [
        node("Conv", "x,w", "y", kernel_shape=[5, 5], **conv)], one)
    bad_graph("kernel_too_big", [
        node("MaxPool", "x", "y", kernel_shape=[9, 9], name="pool")])
    bad_graph("kernel0", [
        node("MaxPool", "x", "y", kernel_shape=[0, 1], name="pool")])
    bad_graph("conv_rank", [node("Conv", "x,w", "y", **conv)], one,
              x=(1, 3, 8))
    bad_graph("broadcast", [node("Add", "x,w", "y", name="sum")], one)
    bad_graph("gemm", [node("Gemm", "x,w", "y", name="fc")],
              {"w": np.ones((5, 2), np.float32)}, x=(1, 4))
    bad_graph("reshape_count", [node("Reshape", "x,s", "y", name="r")],
              {"s": ints(1, 100)})
    bad_graph("reshape_twice", [node("Reshape", "x,s", "y", name="r")],
              {"s": ints(-1, -1)})
    bad_graph("reshape_runtime", [
        node("Cast", "x", "s", to=TP.INT64),
        node("Reshape", "x,s", "y", name="r")], x=(4,))
    bad_graph("axis_range", [node("Concat", "x,x", "y", axis=4)])
    bad_graph("gather_range", [node("Gather", "x,i", "y", name="g")],
              {"i": ints(7)})
    bad_graph("slice_step0", [node("Slice", "x,o,o,o,z", "y")],
              {"o": ints(1), "z": ints(0)})
    bad_graph("huge_constant", [node("ConstantOfShape", "s", "y",
                                     name="fill")],
              {"s": ints(2 ** 20, 2 ** 20)})
    bad_graph("huge_expand", [node("Expand", "o,s", "y", name="grow")],
              {"o": np.ones(1, np.float32), "s": ints(2 ** 20, 2 ** 10)})
    bad_graph("transpose_perm", [node("Transpose", "x", "y",
                                      perm=[0, 1, 1, 2])])


if __name__ == "__main__":
    for d in ("onnx", "bad"):
        shutil.rmtree(os.path.join(HERE, d), ignore_errors=True)
        os.makedirs(os.path.join(HERE, d))
    for make in (old_forms, new_forms, windows, storage, batches,
                 broken_files, broken_graphs, broken_tensors, broken_shapes):
        make()
