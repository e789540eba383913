#!/usr/bin/python3
"""Makes examples/demo.onnx: draws pictures of ten shapes, trains a small
residual network on them and exports it with its batch norms, so that there is
something to fold. Also writes the pictures that examples/demo.sh shows:
demo_images.npy (8x1x28x28, float32) and demo_labels.txt.

The pictures are drawn by this script: a shape, turned, sheared, bent, scaled
and moved, on an uneven background, with noise. Nobody else's data is used.
Deterministic (one thread, fixed seeds). Takes about five minutes.

Needs python3-numpy, python3-torch, python3-onnx (Debian 12).
"""
import os
import warnings

import numpy as np
import onnx
import torch
import torch.nn as nn
import torch.nn.functional as F

warnings.filterwarnings("ignore")
HERE = os.path.dirname(os.path.abspath(__file__))
SIZE = 28      # pixels a side
OVER = 3       # samples per pixel and direction
NAMES = ["disc", "ring", "square", "triangle", "cross", "star", "heart",
         "moon", "arrow", "wave"]


def polygon(x, y, points):
    """Inside of a closed polygon, by the crossing rule."""
    inside = np.zeros(x.shape, bool)
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1]):
        if y0 != y1:
            crosses = (y0 > y) != (y1 > y)
            inside ^= crosses & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return inside


def corners(n, radii, turn):
    """n corners on circles whose radii alternate; y points down."""
    angle = 2 * np.pi * (np.arange(n) / n + turn)
    r = np.resize(radii, n)
    return list(zip(r * np.sin(angle), -r * np.cos(angle)))


def shape(name, x, y):
    r = np.hypot(x, y)
    if name == "disc":
        return r < .72
    if name == "ring":
        return (r < .78) & (r > .45)
    if name == "square":
        return np.maximum(abs(x), abs(y)) < .66
    if name == "triangle":
        return polygon(x, y, corners(3, [.9], 0))
    if name == "cross":
        return (np.minimum(abs(x), abs(y)) < .22) & \
            (np.maximum(abs(x), abs(y)) < .8)
    if name == "star":
        return polygon(x, y, corners(10, [.95, .38], 0))
    if name == "heart":
        u, v = 1.35 * x, -1.35 * y + .15
        return (u * u + v * v - .6) ** 3 < u * u * v ** 3
    if name == "moon":
        return (r < .78) & (np.hypot(x - .38, y) > .62)
    if name == "arrow":
        head = polygon(x, y, [(.85, 0), (.1, -.6), (.1, .6)])
        return head | ((abs(y) < .2) & (x > -.8) & (x < .2))
    return (abs(y - .35 * np.sin(4.2 * x)) < .17) & (abs(x) < .9)  # wave


def draw(rng, label):
    """One picture, float32 in 0..1."""
    n = SIZE * OVER
    at = (np.arange(n) + .5) / n * 2 - 1
    y, x = np.meshgrid(at, at, indexing="ij")
    x = x - rng.uniform(-.18, .18) + rng.uniform(0, .08) * \
        np.sin(3 * y + rng.uniform(0, 6))
    y = y - rng.uniform(-.18, .18) + rng.uniform(0, .08) * \
        np.sin(3 * x + rng.uniform(0, 6))
    turn = rng.uniform(-.5, .5)
    size = rng.uniform(.62, 1.05)
    shear = rng.uniform(-.25, .25)
    c, s = np.cos(turn) / size, np.sin(turn) / size
    u, v = c * x + s * y, -s * x + c * y
    mask = shape(NAMES[label], u + shear * v, v * rng.uniform(.85, 1.15))
    mask = mask.reshape(SIZE, OVER, SIZE, OVER).mean((1, 3))
    back = rng.uniform(0, .25) + .1 * rng.uniform(-1, 1) * \
        np.linspace(-1, 1, SIZE)[:, None]
    image = back + mask * rng.uniform(.35, .9)
    image = image + rng.normal(0, rng.uniform(.04, .3), image.shape)
    return np.clip(image, 0, 1).astype(np.float32)


def pictures(seed, n):
    rng = np.random.RandomState(seed)
    labels = rng.permutation(np.arange(n) % len(NAMES))
    images = np.stack([draw(rng, l) for l in labels])[:, None]
    return torch.from_numpy(images), torch.from_numpy(labels)


class Block(nn.Module):
    """A residual block of two 3x3 convolutions."""

    def __init__(self, c):
        super().__init__()
        self.conv1 = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.conv2 = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(x + self.bn2(self.conv2(y)))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 12, 5, padding=2, bias=False)
        self.bn1 = nn.BatchNorm2d(12)
        self.block1 = Block(12)
        self.down = nn.Conv2d(12, 24, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(24)
        self.block2 = Block(24)
        self.depthwise = nn.Conv2d(24, 24, 3, padding=1, groups=24,
                                   bias=False)
        self.pointwise = nn.Conv2d(24, 40, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(40)
        self.fc = nn.Linear(40, len(NAMES))

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.stem(x))), 2)
        x = self.block1(x)
        x = F.relu(self.bn2(self.down(x)))
        x = self.block2(x)
        x = F.relu(self.bn3(self.pointwise(self.depthwise(x))))
        x = torch.flatten(F.adaptive_avg_pool2d(x, 1), 1)
        return F.softmax(self.fc(x), 1)


def train(net, images, labels, epochs=16, batch=64, rate=.05):
    n = len(labels) // batch
    optimizer = torch.optim.SGD(net.parameters(), rate, momentum=.9,
                                weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate,
                                                   epochs * n)
    order = torch.Generator().manual_seed(3)
    for epoch in range(epochs):
        net.train()
        total = 0.
        for at in torch.randperm(n * batch, generator=order).view(n, batch):
            loss = F.nll_loss(torch.log(net(images[at]) + 1e-9), labels[at])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1:2}: loss {total / n:.4f}", flush=True)


def rename(model):
    """Tensors after the layers that they end, as reports will name them."""
    names = {"/Relu": "stem", "/MaxPool": "pool", "/block1/Relu": "block1.a",
             "/block1/Relu_1": "block1.b", "/Relu_1": "down",
             "/block2/Relu": "block2.a", "/block2/Relu_1": "block2.b",
             "/depthwise/Conv": "depthwise", "/Relu_2": "pointwise",
             "/GlobalAveragePool": "mean", "/fc/Gemm": "fc"}
    for n in model.graph.node:
        for names_of in (n.input, n.output):
            for i, name in enumerate(names_of):
                names_of[i] = names.get(name.replace("_output_0", ""), name)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(1)
    torch.use_deterministic_algorithms(True)
    net = Net()
    train(net, *pictures(11, 6400))
    net.eval()
    images, labels = pictures(12, 2000)
    with torch.no_grad():
        right = (net(images).argmax(1) == labels)
    print(f"{right.float().mean() * 100:.1f} % of 2000 new pictures")

    images, labels = pictures(13, 10)
    images, labels = images[:8], labels[:8]
    np.save(os.path.join(HERE, "demo_images.npy"), images.numpy())
    with open(os.path.join(HERE, "demo_labels.txt"), "w") as f:
        f.write("".join(NAMES[l] + "\n" for l in labels))
    with open(os.path.join(HERE, "demo_classes.txt"), "w") as f:
        f.write("".join(name + "\n" for name in NAMES))
    path = os.path.join(HERE, "demo.onnx")
    torch.onnx.export(net, images[:1], path, opset_version=14,
                      training=torch.onnx.TrainingMode.PRESERVE,
                      input_names=["image"], output_names=["class"],
                      dynamic_axes={"image": {0: "n"}, "class": {0: "n"}},
                      do_constant_folding=False)
    model = onnx.load(path)
    rename(model)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    print(os.path.getsize(path), "bytes,", len(model.graph.node), "nodes")
    with torch.no_grad():
        for p, l in zip(net(images), labels):
            print(f"{NAMES[l]:9} {NAMES[p.argmax()]:9} {p.max():.4f}")


if __name__ == "__main__":
    main()
