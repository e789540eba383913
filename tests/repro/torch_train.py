#!/usr/bin/python3
"""Trains examples/resnet20.net's network on PyTorch as wavetrain does it.

    torch_train.py DIR EPOCHS SEED LOG.jsonl

CIFAR-10 of DIR, batch 128, a cosine from 0.1 step by step, SGD with momentum
0.9 and weight decay 1e-4 of all parameters, shifts by up to 4 and mirroring,
the same initialisation by other random numbers. Writes the `epoch` records of
runtime/TRAINING.md. Needs Debian's python3-torch.
"""
import json
import math
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import torch
import torch.nn.functional as F
from torch import nn

import pictures

BATCH, RATE = 128, 0.1


def conv(i, o, kernel, stride):
    c = nn.Conv2d(i, o, kernel, stride, kernel // 2, bias=False)
    nn.init.kaiming_normal_(c.weight)
    return c


class Basic(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(i, o, 3, stride), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = conv(o, o, 3, 1), nn.BatchNorm2d(o)
        self.proj = nn.Sequential()
        if stride != 1 or i != o:
            self.proj = nn.Sequential(conv(i, o, 1, stride),
                                      nn.BatchNorm2d(o))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.proj(x))


def resnet20():
    layers, i = [conv(3, 16, 3, 1), nn.BatchNorm2d(16), nn.ReLU()], 16
    for k in range(3):
        for j in range(3):
            o = 16 << k
            layers.append(Basic(i, o, 2 if k and not j else 1))
            i = o
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(64, 10))


def changed(x):
    """Windows of the padded pictures, half of them mirrored."""
    x = F.pad(x, (4, 4, 4, 4))
    at = torch.randint(0, 9, (len(x), 2))
    x = torch.stack([p[:, r:r + 32, c:c + 32]
                     for p, (r, c) in zip(x, at.tolist())])
    flip = torch.rand(len(x)) < 0.5
    x[flip] = x[flip].flip(3)
    return x


def evaluate(net, x, y):
    net.eval()
    right, loss = 0, 0.0
    with torch.no_grad():
        for at in range(0, len(x), 500):
            s, labels = net(x[at:at + 500]), y[at:at + 500]
            right += int((s.argmax(1) == labels).sum())
            loss += float(F.cross_entropy(s, labels, reduction="sum"))
    net.train()
    return right / len(x), loss / len(x)


def main():
    if len(sys.argv) != 5:
        raise SystemExit(__doc__)
    folder, epochs, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(int(os.environ.get("THREADS", "1")))
    torch.manual_seed(seed)
    x, y = map(torch.from_numpy, pictures.read(folder, "train"))
    test = list(map(torch.from_numpy, pictures.read(folder, "test")))
    net = resnet20()
    sgd = torch.optim.SGD(net.parameters(), RATE, 0.9, weight_decay=1e-4)
    steps, done, begin = len(x) // BATCH, 0, time.time()
    with open(sys.argv[4], "w") as log:
        for epoch in range(1, epochs + 1):
            order, sum_loss, right = torch.randperm(len(x)), 0.0, 0
            for i in range(steps):
                take = order[i * BATCH:(i + 1) * BATCH]
                rate = RATE / 2 * (1 + math.cos(
                    math.pi * done / (epochs * steps)))
                for group in sgd.param_groups:
                    group["lr"] = rate
                sgd.zero_grad()
                scores = net(changed(x[take]))
                loss = F.cross_entropy(scores, y[take])
                loss.backward()
                sgd.step()
                sum_loss += float(loss)
                right += int((scores.argmax(1) == y[take]).sum())
                done += 1
            accuracy, test_loss = evaluate(net, *test)
            record = {"type": "epoch", "epoch": epoch, "step": done,
                      "train_loss": sum_loss / steps,
                      "train_accuracy": right / (steps * BATCH),
                      "test_loss": test_loss, "test_accuracy": accuracy,
                      "lr": rate, "seconds": time.time() - begin}
            print(json.dumps(record, separators=(",", ":")), file=log,
                  flush=True)


main()
