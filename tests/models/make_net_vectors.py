#!/usr/bin/env python3
"""What tests/unit/frontend/test_net*.c compare networks of the .net language
with: parameter and multiplication counts of torchvision's models (printed), and
outputs of PyTorch's LeNet-5 and ResNet-20 with the same weights (written to
tests/unit/frontend/data). Needs python3-torch, python3-torchvision and numpy;
run it from the root of the repository."""
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

M32 = 0xffffffff


def fnv1a(name):
    h = 14695981039346656037
    for b in name.encode():
        h = ((h ^ b) * 1099511628211) & (2**64 - 1)
    return h


def philox(seed, name, n):
    """n words as frontend/init.h describes them, in numpy."""
    key = (fnv1a(name) + seed * 0x9e3779b97f4a7c15) & (2**64 - 1)
    k0, k1 = key & M32, key >> 32
    c = [np.zeros((n + 3) // 4, np.uint64) for _ in range(4)]
    c[0] = np.arange((n + 3) // 4, dtype=np.uint64)
    for _ in range(10):
        p0 = c[0] * np.uint64(0xd2511f53)
        p1 = c[2] * np.uint64(0xcd9e8d57)
        c = [(p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(k0),
             p1 & np.uint64(M32),
             (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k1),
             p0 & np.uint64(M32)]
        k0, k1 = (k0 + 0x9e3779b9) & M32, (k1 + 0xbb67ae85) & M32
    return np.stack(c, 1).reshape(-1)[:n]


def uniform(seed, name, n):
    return (philox(seed, name, n).astype(np.float64) + 0.5) / 2.0**32


def normal(seed, name, n):
    u = uniform(seed, name, (n + 3) // 4 * 4).reshape(-1, 2)
    r = np.sqrt(-2 * np.log(u[:, 0]))
    t = 2 * np.pi * u[:, 1]
    return np.stack([r * np.cos(t), r * np.sin(t)], 1).reshape(-1)[:n]


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), \
            nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2 = nn.Linear(400, 120), nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc2(F.relu(self.fc1(torch.flatten(x, 1)))))
        return self.fc3(x)


class Basic(nn.Module):
    def __init__(self, i, o, s):
        super().__init__()
        self.conv1 = nn.Conv2d(i, o, 3, s, 1, bias=False)
        self.conv2 = nn.Conv2d(o, o, 3, 1, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(o), nn.BatchNorm2d(o)
        self.proj = nn.Sequential(nn.Conv2d(i, o, 1, s, bias=False),
                                  nn.BatchNorm2d(o)) if i != o else None

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.proj is None else self.proj(x)))


class ResNetCifar(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        c = 16
        for k, o in enumerate((16, 32, 64)):
            blocks = []
            for j in range((depth - 2) // 6):
                blocks.append(Basic(c, o, 2 if k and not j else 1))
                c = o
            setattr(self, "layer%d" % (k + 1), nn.Sequential(*blocks))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


def macs(net, shape):
    total = [0]

    def count(m, x, y):
        k = m.weight[0].numel()
        total[0] += y.numel() * k
    for m in net.modules():
        if isinstance(m, (nn.Conv2d, nn.Linear)):
            m.register_forward_hook(count)
    net.eval()
    with torch.no_grad():
        net(torch.zeros(1, *shape))
    return total[0]


def counts():
    import torchvision.models as tv
    nets = [("lenet5", LeNet5(), (1, 28, 28))]
    nets += [("resnet%d" % d, ResNetCifar(d), (3, 32, 32)) for d in (20, 32)]
    for name in ("resnet50", "resnet101", "resnet152", "inception_v3",
                 "alexnet", "mobilenet_v2", "densenet121"):
        extra = dict(aux_logits=False, transform_input=False,
                     init_weights=False) if name == "inception_v3" else {}
        side = 299 if name == "inception_v3" else 224
        nets.append((name, getattr(tv, name)(weights=None, **extra),
                     (3, side, side)))
    for name, net, shape in nets:
        print(name, sum(p.numel() for p in net.parameters()),
              macs(net, shape))


def start(net, prefix, he):
    """The initial weights of examples/*.net, seed 7; statistics that are not
    trivial, so that they are tested, too: the C test sets the same ones."""
    with torch.no_grad():
        for name, p in net.state_dict().items():
            full, n = prefix + name, p.numel()
            if name.endswith("num_batches_tracked"):
                continue
            if name.endswith("running_mean"):
                v = uniform(1, full, n) - 0.5
            elif name.endswith("running_var"):
                v = uniform(1, full, n) + 0.5
            elif p.dim() == 1 and he and not name.startswith("linear"):
                v = uniform(1, full, n) + 0.5 if name.endswith("weight") \
                    else uniform(1, full, n) - 0.5
            else:
                w = net.get_parameter(name[:-4] + "weight"
                                      if name.endswith("bias") else name)
                fan = w[0].numel()
                if he and p.dim() == 4:
                    v = normal(7, full, n) * np.sqrt(2 / fan)
                else:
                    v = (uniform(7, full, n) * 2 - 1) / np.sqrt(fan)
            p.copy_(torch.from_numpy(v).reshape(p.shape).float())


def outputs():
    folder = "tests/unit/frontend/data/"
    for name, net, shape, prefix, he in (
            ("lenet5", LeNet5(), (2, 1, 28, 28), "", False),
            ("resnet20", ResNetCifar(20), (2, 3, 32, 32), "net.", True)):
        start(net, prefix, he)
        net.eval()
        x = uniform(1, "image", int(np.prod(shape))) * 2 - 1
        x = torch.from_numpy(x.astype(np.float32)).reshape(shape)
        with torch.no_grad():
            y = net.double()(x.double())
        np.save(folder + name + ".npy", y.numpy().astype(np.float32))
    np.save(folder + "normal.npy", normal(7, "n", 4097))


if __name__ == "__main__":
    torch.set_num_threads(1)
    outputs()
    if len(sys.argv) == 1:
        counts()
