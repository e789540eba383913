"""Test and training pictures for the outside witnesses: MNIST and CIFAR-10
folders as wavetrain reads them, normalised as runtime/DATA.md says."""
import gzip
import os

import numpy as np

MNIST = ([0.1307], [0.3081])
CIFAR10 = ([0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616])


def _idx(folder, name):
    for tail in (name, name.replace("-idx", ".idx")):
        path = os.path.join(folder, tail)
        if os.path.exists(path):
            data = open(path, "rb").read()
        elif os.path.exists(path + ".gz"):
            data = gzip.open(path + ".gz").read()
        else:
            continue
        rank = data[3]
        shape = np.frombuffer(data, ">u4", rank, 4)
        return np.frombuffer(data, np.uint8, -1, 4 + 4 * rank).reshape(shape)
    raise SystemExit("%s: no %s" % (folder, name))


def _cifar(folder, names):
    parts = [np.fromfile(os.path.join(folder, n), np.uint8).reshape(-1, 3073)
             for n in names if os.path.exists(os.path.join(folder, n))]
    if not parts:
        raise SystemExit("%s: no %s" % (folder, names[0]))
    a = np.concatenate(parts)
    return a[:, 1:].reshape(-1, 3, 32, 32), a[:, 0]


def read(folder, part):
    """Pictures (float32, normalised) and labels of part "train" or "test"."""
    if os.path.exists(os.path.join(folder, "test_batch.bin")):
        names = ["test_batch.bin"] if part == "test" else \
            ["data_batch_%d.bin" % i for i in range(1, 6)]
        x, y = _cifar(folder, names)
        mean, deviation = CIFAR10
    else:
        stem = "t10k" if part == "test" else "train"
        x = _idx(folder, stem + "-images-idx3-ubyte")[:, None]
        y = _idx(folder, stem + "-labels-idx1-ubyte")
        mean, deviation = MNIST
    mean, deviation = (np.array(v, np.float32)[None, :, None, None]
                       for v in (mean, deviation))
    return ((x.astype(np.float32) / 255 - mean) / deviation,
            y.astype(np.int64))
