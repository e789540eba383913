#!/usr/bin/python3
"""Makes tests/unit/passes/data/train_NAME.wgr.gz: small networks as graph
text, each with data and with PyTorch's gradients and losses as constants.

    state PARAM trainable     initial values
    const "in.x" "in.labels"  one batch
    const "want.loss", "want.grad.PARAM"   of the first step, float64
    const "want.sgd", "want.nesterov", "want.adam"   ten losses in float32,
                              of the optimizer settings in OPTIMIZERS

Needs python3-numpy, python3-torch. Deterministic on one machine.
"""
import gzip
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, 0.05, momentum=0.9,
                                     weight_decay=0.01),
    "nesterov": lambda p: torch.optim.SGD(p, 0.02, momentum=0.9,
                                          nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, 0.003, weight_decay=0.02),
}


class Net:
    """Records graph text and computes with torch at the same time."""

    def __init__(self, params=None, dtype=torch.float64, text=False):
        self.params, self.dtype = params, dtype
        self.made = {} if params is None else None
        self.lines, self.n, self.emit = [], 0, text
        self.running = []

    def param(self, name, shape, scale=None, shift=0.0):
        if self.made is not None:
            fan = int(np.prod(shape[1:])) if len(shape) > 1 else 100
            scale = scale or (2.0 / fan) ** 0.5
            v = (rng.standard_normal(shape) * scale + shift)
            self.made[name] = v.astype(np.float32)
            return torch.from_numpy(self.made[name]).to(self.dtype)
        return self.params[name]

    def op(self, op, ins, value, attrs="", extra=""):
        self.n += 1
        out = "%%v%d" % self.n
        more = "".join(", %%v%d_%s" % (self.n, e) for e in extra.split())
        self.lines.append("%s%s = %s %s%s" % (
            out, more, op, ", ".join(ins), " {%s}" % attrs if attrs else ""))
        return out, value

    def conv(self, x, name, co, k, s=1, p=0, g=1, bias=True):
        w = self.param(name + ".w", (co, x[1].shape[1] // g, k, k))
        b = self.param(name + ".b", (co,)) if bias else None
        ins = [x[0], "%" + name + ".w"] + (["%" + name + ".b"] if bias
                                           else [])
        return self.op("conv", ins, F.conv2d(x[1], w, b, s, p, 1, g),
                       "strides = [%d,%d], pads_begin = [%d,%d], "
                       "pads_end = [%d,%d], groups = %d" % (s, s, p, p, p, p,
                                                            g))

    def fc(self, x, name, n):
        w = self.param(name + ".w", (n, x[1].shape[1]))
        b = self.param(name + ".b", (n,))
        return self.op("gemm", [x[0], "%" + name + ".w", "%" + name + ".b"],
                       F.linear(x[1], w, b), "trans_b = 1")

    def gn(self, x, name, groups):
        c = x[1].shape[1]
        s = self.param(name + ".s", (c,), 0.2, 1)
        b = self.param(name + ".b", (c,), 0.2)
        at = [c // groups * i for i in range(groups + 1)]
        return self.op("group_norm", [x[0], "%" + name + ".s",
                                      "%" + name + ".b"],
                       F.group_norm(x[1], groups, s, b),
                       "channel_starts = %s, channel_ends = %s" % (
                           str(at[:-1]).replace(" ", ""),
                           str(at[1:]).replace(" ", "")))

    def bn(self, x, name):
        c = x[1].shape[1]
        s = self.param(name + ".s", (c,), 0.2, 1)
        b = self.param(name + ".b", (c,), 0.2)
        return self.op("batch_norm_train", [
            x[0], "%" + name + ".s", "%" + name + ".b"],
            F.batch_norm(x[1], None, None, s, b, True), extra="m v")

    def relu(self, x):
        return self.op("relu", [x[0]], F.relu(x[1]))

    def relu6(self, x):
        return self.op("clip", [x[0]], F.relu6(x[1]), "min = 0, max = 6")

    def hswish(self, x):
        return self.op("hard_swish", [x[0]], F.hardswish(x[1]))

    def sigmoid(self, x):
        return self.op("sigmoid", [x[0]], torch.sigmoid(x[1]))

    def add(self, x, y):
        return self.op("add", [x[0], y[0]], x[1] + y[1])

    def mul(self, x, y):
        return self.op("mul", [x[0], y[0]], x[1] * y[1])

    def concat(self, *xs):
        return self.op("concat", [x[0] for x in xs],
                       torch.cat([x[1] for x in xs], 1), "axis = 1")

    def pool(self, x, k, s, p=0, kind="max"):
        f = F.max_pool2d if kind == "max" else (
            lambda v, k, s, p: F.avg_pool2d(v, k, s, p,
                                            count_include_pad=False))
        return self.op(kind + "_pool", [x[0]], f(x[1], k, s, p),
                       "kernel = [%d,%d], strides = [%d,%d], "
                       "pads_begin = [%d,%d], pads_end = [%d,%d]" % (
                           k, k, s, s, p, p, p, p))

    def mean(self, x):
        return self.op("reduce_mean", [x[0]], x[1].mean((2, 3), True),
                       "axes = [2,3]")

    def flatten(self, x):
        v = x[1].flatten(1)
        return self.op("reshape", [x[0]], v,
                       "shape = [%d,%d]" % tuple(v.shape))


def lenet5(n, x):
    x = n.pool(n.relu(n.conv(x, "c1", 6, 5)), 2, 2)
    x = n.pool(n.relu(n.conv(x, "c2", 16, 5)), 2, 2)
    x = n.relu(n.fc(n.flatten(x), "f1", 120))
    x = n.relu(n.fc(x, "f2", 84))
    return n.fc(x, "f3", 10)


def groupnorm_resnet(n, x):
    x = n.relu(n.gn(n.conv(x, "stem", 8, 3, 1, 1, bias=False), "n0", 2))
    y = n.relu(n.gn(n.conv(x, "a1", 8, 3, 1, 1, bias=False), "n1", 4))
    y = n.gn(n.conv(y, "a2", 8, 3, 1, 1, bias=False), "n2", 2)
    x = n.relu(n.add(x, y))
    y = n.relu(n.gn(n.conv(x, "b1", 12, 3, 2, 1, bias=False), "n3", 3))
    y = n.gn(n.conv(y, "b2", 12, 3, 1, 1, bias=False), "n4", 4)
    x = n.gn(n.conv(x, "b3", 12, 1, 2, bias=False), "n5", 4)
    x = n.relu(n.add(x, y))
    return n.fc(n.flatten(n.mean(x)), "fc", 10)


def inception(n, x):
    a = n.relu(n.conv(x, "a", 4, 1))
    b = n.relu(n.conv(n.relu(n.conv(x, "b1", 3, 1)), "b2", 5, 3, 1, 1))
    c = n.relu(n.conv(n.relu(n.conv(x, "c1", 2, 1)), "c2", 3, 5, 1, 2))
    d = n.relu(n.conv(n.pool(x, 3, 1, 1), "d", 3, 1))
    e = n.conv(n.pool(x, 3, 1, 1, "avg"), "e", 2, 1)
    x = n.pool(n.concat(a, b, c, d, e), 3, 2, 1)
    return n.fc(n.flatten(n.mean(x)), "fc", 10)


def inverted_residual(n, x):
    x = n.conv(x, "stem", 6, 3, 2, 1)
    y = n.relu6(n.conv(x, "expand", 18, 1))
    y = n.relu6(n.conv(y, "depth", 18, 3, 1, 1, 18))
    x = n.add(x, n.conv(y, "project", 6, 1))
    y = n.relu6(n.conv(x, "expand2", 18, 1))
    y = n.hswish(n.conv(y, "depth2", 18, 3, 2, 1, 18))
    x = n.conv(y, "project2", 8, 1)
    return n.fc(n.flatten(n.mean(x)), "fc", 10)


def dense_block(n, x):
    x = n.conv(x, "stem", 6, 3, 1, 1)
    for i in range(3):
        y = n.relu(n.gn(x, "n%d" % i, 2))
        y = n.conv(y, "c%d" % i, 4, 3, 1, 1, bias=False)
        x = n.concat(x, y)
    x = n.pool(n.conv(n.relu(x), "t", 8, 1), 2, 2, 0, "avg")
    return n.fc(n.flatten(n.mean(x)), "fc", 10)


def squeeze_excite(n, x):
    x = n.relu(n.conv(x, "stem", 8, 3, 1, 1))
    s = n.relu(n.conv(n.mean(x), "squeeze", 4, 1))
    s = n.sigmoid(n.conv(s, "excite", 8, 1))
    x = n.relu(n.conv(n.mul(x, s), "out", 8, 3, 2, 1))
    return n.fc(n.flatten(n.mean(x)), "fc", 10)


def batchnorm_net(n, x):
    x = n.relu(n.bn(n.conv(x, "c1", 6, 3, 1, 1, bias=False), "n1"))
    x = n.hswish(n.bn(n.conv(x, "c2", 8, 3, 2, 1, bias=False), "n2"))
    return n.fc(n.flatten(n.mean(x)), "fc", 10)


NETS = [("lenet5", lenet5, (8, 1, 16, 16), 0.0),
        ("groupnorm_resnet", groupnorm_resnet, (4, 3, 9, 9), 0.0),
        ("inception", inception, (4, 3, 8, 8), 0.1),
        ("inverted_residual", inverted_residual, (4, 3, 9, 8), 0.0),
        ("dense_block", dense_block, (4, 3, 8, 8), 0.0),
        ("squeeze_excite", squeeze_excite, (4, 3, 8, 8), 0.1),
        ("batchnorm", batchnorm_net, (6, 3, 7, 7), 0.0)]


def tensor(kind, name, a, after=""):
    dt = {"float32": "f32", "int64": "i64"}[str(a.dtype)]
    return '%s %%%s "%s" %s: %s[%s] = hex "%s"' % (
        kind, name, name, after, dt, ",".join(map(str, a.shape)),
        a.tobytes().hex())


def run(net, made, x, labels, smoothing, dtype):
    p = {k: torch.from_numpy(v.copy()).to(dtype).requires_grad_()
         for k, v in made.items()}

    def loss():
        y = net(Net(p, dtype), ("%in", torch.from_numpy(x).to(dtype)))[1]
        return F.cross_entropy(y, torch.from_numpy(labels),
                               label_smoothing=smoothing)
    return p, loss


def make(name, net, shape, smoothing):
    x = rng.standard_normal(shape).astype(np.float32)
    labels = rng.randint(0, 10, shape[0]).astype(np.int64)
    first = Net()
    out = net(first, ("%in", torch.from_numpy(x).double()))[0]
    made, lines = first.made, ["wave.graph 1", 'graph "%s" {' % name]
    lines.append('input %%in "x" : f32[%s]' % ",".join(map(str, shape)))
    lines += [tensor("state", k, v, "trainable ") for k, v in made.items()]
    lines += [tensor("const", "in.x", x), tensor("const", "in.labels",
                                                 labels)]
    p, loss = run(net, made, x, labels, smoothing, torch.float64)
    v = loss()
    v.backward()
    f = np.float32
    lines.append(tensor("const", "want.loss", np.array(v.item(), f)))
    lines.append(tensor("const", "want.smoothing", np.array(smoothing, f)))
    lines += [tensor("const", "want.grad." + k, t.grad.numpy().astype(f))
              for k, t in p.items()]
    for opt, make_optimizer in OPTIMIZERS.items():
        p, loss = run(net, made, x, labels, smoothing, torch.float32)
        o, losses = make_optimizer(p.values()), []
        for _ in range(10):
            o.zero_grad()
            v = loss()
            v.backward()
            o.step()
            losses.append(v.item())
        lines.append(tensor("const", "want." + opt, np.array(losses, f)))
    lines += first.lines + ['output %s "y"' % out, "}", ""]
    return "\n".join(lines).encode()


def main():
    global rng
    torch.set_num_threads(1)
    here = os.path.dirname(os.path.abspath(__file__))
    to = sys.argv[1] if len(sys.argv) > 1 else os.path.join(
        here, "..", "unit", "passes", "data")
    os.makedirs(to, exist_ok=True)
    for i, n in enumerate(NETS):
        rng = np.random.RandomState(100 + i)
        path = os.path.join(to, "train_%s.wgr.gz" % n[0])
        with open(path, "wb") as f:
            f.write(gzip.compress(make(*n), 9, mtime=0))
        print("%s: %d bytes" % (path, os.path.getsize(path)))


if __name__ == "__main__":
    main()
