#!/bin/bash
# Accuracy on real pictures: the networks with exact pictures in all three
# precisions, one MNIST net on its full test set. `make repro REPRO=accuracy`
# runs every net.
set -u
tests/repro/accuracy.sh -q '^(cifar_resnet20|cifar_resnet32)$'
tests/repro/accuracy.sh -q '^(resnet20_onnc|mlperf_|mobilenet_)'
tests/repro/accuracy.sh -q '^mnist_8$' fp32
