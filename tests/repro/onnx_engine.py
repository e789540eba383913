#!/usr/bin/python3
"""Runs an exported classifier on PyTorch over the test pictures of a folder.

    onnx_engine.py MODEL.onnx DIR [SAMPLES]

DIR holds MNIST or CIFAR-10 as `wavetrain --data` takes them, normalised as it
does without --augment. Prints `right/total loss`. Shares no code with Wave: the
model is read by the onnx package, each node is one PyTorch function. What is
not in the table below is an error. Needs Debian's python3-onnx and
python3-torch.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper

import pictures


def sided(x, pads, value=0.0):
    """x with ONNX's pads (all begins, then all ends) over its last axes."""
    n = len(pads) // 2
    if not any(pads):
        return x
    flat = [p for i in reversed(range(n)) for p in (pads[i], pads[n + i])]
    return F.pad(x, flat, value=value)


def conv(a, x, w, b=None):
    n = w.dim() - 2
    f = (F.conv1d, F.conv2d, F.conv3d)[n - 1]
    return f(sided(x, a.get("pads", [0] * 2 * n)), w, b,
             a.get("strides", [1] * n), 0, a.get("dilations", [1] * n),
             a.get("group", 1))


def max_pool(a, x):
    n = len(a["kernel_shape"])
    f = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[n - 1]
    return f(sided(x, a.get("pads", [0] * 2 * n), -float("inf")),
             a["kernel_shape"], a.get("strides", [1] * n), 0,
             a.get("dilations", [1] * n))


def average_pool(a, x):
    n = len(a["kernel_shape"])
    f = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[n - 1]
    pads, strides = a.get("pads", [0] * 2 * n), a.get("strides", [1] * n)
    y = f(sided(x, pads), a["kernel_shape"], strides)
    if a.get("count_include_pad", 0) or not any(pads):
        return y
    return y / f(sided(torch.ones_like(x), pads), a["kernel_shape"], strides)


def gemm(a, x, y, c=None):
    x = x.t() if a.get("transA", 0) else x
    y = y.t() if a.get("transB", 0) else y
    r = a.get("alpha", 1.0) * (x @ y)
    return r if c is None else r + a.get("beta", 1.0) * c


def flatten(a, x):
    axis = a.get("axis", 1)
    return x.reshape(int(np.prod(x.shape[:axis])), -1)


def reshape(a, x, shape):
    shape = shape.tolist()
    if not a.get("allowzero", 0):
        shape = [x.shape[i] if d == 0 else d for i, d in enumerate(shape)]
    return x.reshape(shape)


def layer_norm(a, x, scale, bias=None):
    axis = a.get("axis", -1) % x.dim()
    return F.layer_norm(x, x.shape[axis:], scale, bias,
                        a.get("epsilon", 1e-5))


def slice_(a, x, start, end, axes=None, steps=None):
    index = [slice(None)] * x.dim()
    axes = range(len(start)) if axes is None else axes.tolist()
    steps = [1] * len(start) if steps is None else steps.tolist()
    for s, e, k, step in zip(start.tolist(), end.tolist(), axes, steps):
        index[k] = slice(s, e, step)
    return x[tuple(index)]


def reduce_mean(a, x):
    return x.mean(a.get("axes", list(range(x.dim()))),
                  bool(a.get("keepdims", 1)))


def clip(a, x, low=None, high=None):
    return torch.clamp(x, low, high)


TYPES = {1: torch.float32, 10: torch.float16, 16: torch.bfloat16,
         11: torch.float64, 6: torch.int32, 7: torch.int64, 9: torch.bool}

OPS = {
    "Add": lambda a, x, y: x + y,
    "AveragePool": average_pool,
    "BatchNormalization": lambda a, x, s, b, m, v: F.batch_norm(
        x, m, v, s, b, False, 0.0, a.get("epsilon", 1e-5)),
    "Cast": lambda a, x: x.to(TYPES[a["to"]]),
    "Clip": clip,
    "Concat": lambda a, *x: torch.cat(x, a["axis"]),
    "Conv": conv,
    "Div": lambda a, x, y: x / y,
    "Dropout": lambda a, x, *rest: x,
    "Flatten": flatten,
    "Gemm": gemm,
    "GlobalAveragePool": lambda a, x: x.mean(list(range(2, x.dim())), True),
    "HardSigmoid": lambda a, x: torch.clamp(
        a.get("alpha", 0.2) * x + a.get("beta", 0.5), 0, 1),
    "HardSwish": lambda a, x: F.hardswish(x),
    "Identity": lambda a, x: x,
    "InstanceNormalization": lambda a, x, s, b: F.instance_norm(
        x, None, None, s, b, True, 0.0, a.get("epsilon", 1e-5)),
    "LayerNormalization": layer_norm,
    "LeakyRelu": lambda a, x: F.leaky_relu(x, a.get("alpha", 0.01)),
    "LogSoftmax": lambda a, x: F.log_softmax(x, a.get("axis", -1)),
    "MatMul": lambda a, x, y: x @ y,
    "MaxPool": max_pool,
    "Mul": lambda a, x, y: x * y,
    "ReduceMean": reduce_mean,
    "Relu": lambda a, x: F.relu(x),
    "Reshape": reshape,
    "Sigmoid": lambda a, x: torch.sigmoid(x),
    "Slice": slice_,
    "Softmax": lambda a, x: F.softmax(x, a.get("axis", -1)),
    "Sub": lambda a, x, y: x - y,
    "Tanh": lambda a, x: torch.tanh(x),
    "Transpose": lambda a, x: x.permute(a["perm"]),
}


class Model:
    def __init__(self, path):
        g = onnx.load(path).graph
        self.known = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy())
                      for t in g.initializer}
        given = [i for i in g.input if i.name not in self.known]
        if len(given) != 1:
            raise SystemExit("%s: %d inputs, not 1" % (path, len(given)))
        self.input = given[0].name
        self.shape = [d.dim_value for d in
                      given[0].type.tensor_type.shape.dim]
        self.output = g.output[0].name
        self.nodes = []
        for n in g.node:
            if n.op_type not in OPS:
                raise SystemExit("%s: no %s here" % (path, n.op_type))
            attributes = {a.name: onnx.helper.get_attribute_value(a)
                          for a in n.attribute}
            self.nodes.append((OPS[n.op_type], attributes, n))

    def __call__(self, x):
        values = dict(self.known)
        values[self.input] = x
        for f, attributes, n in self.nodes:
            args = [values[i] if i else None for i in n.input]
            values[n.output[0]] = f(attributes, *args)
        return values[self.output]


def main():
    if len(sys.argv) not in (3, 4):
        raise SystemExit(__doc__)
    torch.set_num_threads(int(os.environ.get("THREADS", "1")))
    model = Model(sys.argv[1])
    x, y = pictures.read(sys.argv[2], "test")
    if len(sys.argv) == 4:
        x, y = x[:int(sys.argv[3])], y[:int(sys.argv[3])]
    batch, right, loss = model.shape[0], 0, 0.0
    with torch.no_grad():
        for at in range(0, len(x), batch):
            part = torch.from_numpy(x[at:at + batch])
            labels = torch.from_numpy(y[at:at + batch])
            missing = batch - len(part)
            if missing:
                part = torch.cat([part, part[-1:].expand(
                    missing, -1, -1, -1)])
            scores = model(part)[:len(labels)].float()
            right += int((scores.argmax(1) == labels).sum())
            loss += float(F.cross_entropy(scores, labels, reduction="sum"))
    print("%d/%d %.6f" % (right, len(x), loss / len(x)))


main()
