#!/usr/bin/python3
"""One training step of LeNet-5 (batch 64) and of ResNet-20 (batch 32) in
PyTorch: seconds, the median of the given number of steps, one line each.

usage: torch_step.py STEPS THREADS
"""
import sys
import time

import torch
from torch import nn


class Basic(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.a = nn.Sequential(
            nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o),
            nn.ReLU(), nn.Conv2d(o, o, 3, 1, 1, bias=False),
            nn.BatchNorm2d(o))
        self.b = nn.Identity() if i == o else nn.Sequential(
            nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))

    def forward(self, x):
        return torch.relu(self.a(x) + self.b(x))


def lenet5():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(),
        nn.Linear(84, 10))


def resnet20():
    layers = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16),
              nn.ReLU()]
    i = 16
    for o in (16, 32, 64):
        for k in range(3):
            layers.append(Basic(i, o, 2 if k == 0 and o > 16 else 1))
            i = o
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(64, 10))


def median_step(net, x, y, steps):
    update = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    seconds = []
    for _ in range(steps + 2):
        start = time.perf_counter()
        update.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        update.step()
        seconds.append(time.perf_counter() - start)
    return sorted(seconds[2:])[steps // 2]


torch.manual_seed(0)
torch.set_num_threads(int(sys.argv[2]))
print(median_step(lenet5(), torch.rand(64, 1, 28, 28),
                  torch.randint(0, 10, (64,)), int(sys.argv[1])))
print(median_step(resnet20(), torch.rand(32, 3, 32, 32),
                  torch.randint(0, 10, (32,)), int(sys.argv[1])))
