#!/usr/bin/python3
"""Numbers behind runtime/sim/vecmath.[ch], with mpmath.

  make_vecmath.py constants   polynomials and 2/pi as they stand in the code
  make_vecmath.py table       data/vecmath.txt: function, arguments, result
                              as the sum of two doubles

Polynomials are minimax in the sense of mpmath's chebyfit (Chebyshev nodes).
"""
import random
import struct
import sys

from mpmath import (atanh, chebyfit, cos, erf, erfc, exp, floor, log, mp, mpf,
                    pi, sin, sqrt, tanh)

mp.prec = 1400


def hexes(name, values):
    print(f"{name}: highest power first")
    for v in values:
        print(f"  {float(v).hex()}")


def fit(name, f, lo, hi, degree):
    mp.prec = 400
    poly, err = chebyfit(f, [lo, hi], degree + 1, error=True)
    hexes(f"{name} on [{float(lo):.4f}, {float(hi):.4f}], error "
          f"{float(err):.2g}", poly)
    mp.prec = 1400


def ratio(f, x, limit):
    """f(x), or its limit where it is 0 / 0."""
    return limit if abs(x) < mpf(10) ** -40 else f(x)


def constants():
    r = log(2) / 2 * mpf("1.0001")
    fit("(e^r - 1 - r) / r^2",
        lambda x: ratio(lambda y: (exp(y) - 1 - y) / y**2, x, mpf(1) / 2),
        -r, r, 11)
    q = mpf("0.7855") ** 2
    fit("(sin r / r - 1) / s, s = r^2",
        lambda s: ratio(lambda y: (sin(sqrt(y)) / sqrt(y) - 1) / y, s,
                        mpf(-1) / 6), 0, q, 6)
    fit("(cos r - 1 + s / 2) / s^2, s = r^2",
        lambda s: ratio(lambda y: (cos(sqrt(y)) - 1 + y / 2) / y**2, s,
                        mpf(1) / 24), 0, q, 6)
    fit("erf(x) / x, s = x^2",
        lambda s: ratio(lambda y: erf(sqrt(y)) / sqrt(y), s, 2 / sqrt(pi)),
        0, mpf("0.25"), 10)
    a, b = mpf("0.4999"), mpf("6.0001")
    fit("erfc(x) e^(x^2) (x + 2), t = (x - 2) / (x + 2)",
        lambda t: (lambda x: erfc(x) * exp(x * x) * (x + 2))(
            2 * (1 + t) / (1 - t)), (a - 2) / (a + 2), (b - 2) / (b + 2), 19)
    f = ((sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1)) ** 2 * mpf("1.0001")
    fit("(atanh(f) / f - 1 - s / 3) / s^2, s = f^2",
        lambda s: ratio(lambda y: (atanh(sqrt(y)) / sqrt(y) - 1 - y / 3)
                        / y**2, s, mpf(1) / 5), 0, f, 7)
    print("1/3:", [float(v).hex() for v in split(mpf(1) / 3)])
    print("ln 2, 42 bits and the rest:")
    hi = floor(log(2) * 2**42) / 2**42
    print(" ", float(hi).hex(), float(log(2) - hi).hex())
    print("pi / 2 in two doubles, and as 33 + 33 + 53 bits:")
    print(" ", [float(v).hex() for v in split(pi / 2)])
    c1 = floor(pi / 2 * 2**32) / 2**32
    c2 = floor((pi / 2 - c1) * 2**66) / 2**66
    print(" ", [float(v).hex() for v in (c1, c2, pi / 2 - c1 - c2)])
    print("2 / pi, 32 bits a word:")
    v = 2 / pi
    for i in range(42):
        v *= 2**32
        word = int(floor(v))
        v -= word
        print(f"0x{word:08x},", end="\n" if i % 6 == 5 else " ")


def split(v):
    hi = float(v)
    if hi == 0 or hi in (float("inf"), float("-inf")):
        return hi, 0.0
    return hi, float(v - mpf(hi))


def any_double(rng, lo, hi):
    """Random sign and significand, exponent in lo..hi."""
    v = (1 + rng.random()) * 2.0 ** rng.randint(lo, hi)
    return -v if rng.random() < 0.5 else v


def near_multiple(rng, bits):
    """A double close to a multiple of pi / 2."""
    n = rng.getrandbits(bits) | 1 << (bits - 1)
    return float(n * pi / 2)


def row(name, x, y, value):
    hi, lo = split(value)
    cells = [float(v).hex() for v in (x, y, hi, lo)]
    print(name, *cells)


def table():
    rng = random.Random(20240501)
    print("# function x y high low; made by make_vecmath.py")
    one = {
        "exp": (exp, lambda: rng.uniform(-745, 709.7)),
        "log": (lambda x: log(abs(x)), lambda: abs(any_double(rng, -1022,
                                                              1022))),
        "tanh": (tanh, lambda: any_double(rng, -30, 4)),
        "erf": (erf, lambda: any_double(rng, -30, 2)),
        "sin": (sin, lambda: any_double(rng, -30, 1000)),
        "cos": (cos, lambda: any_double(rng, -30, 1000)),
        "sigmoid": (lambda x: 1 / (1 + exp(-x)),
                    lambda: any_double(rng, -20, 9)),
        "rsqrt": (lambda x: 1 / sqrt(abs(x)),
                  lambda: abs(any_double(rng, -1022, 1022))),
    }
    for name, (f, arg) in one.items():
        for _ in range(60):
            x = arg()
            row(name, x, 0.0, f(mpf(x)))
    for bits in (1, 2, 5, 10, 15, 19, 20, 21, 22, 30, 60, 200, 900):
        for _ in range(4):
            x = near_multiple(rng, bits)
            row("sin", x, 0.0, sin(mpf(x)))
            row("cos", x, 0.0, cos(mpf(x)))
    # the double closest to a multiple of pi / 2 relative to its size, and the
    # largest one
    for x in (6381956970095103.0 * 2.0**797, float.fromhex(
            "0x1.fffffffffffffp+1023"), 2.0**1000):
        row("sin", x, 0.0, sin(mpf(x)))
        row("cos", x, 0.0, cos(mpf(x)))
    for _ in range(20): # close to 1
        x = 1 + any_double(rng, -50, -2)
        row("log", x, 0.0, log(mpf(x)))
    n = 0
    while n < 200:
        x = abs(any_double(rng, *rng.choice(((-3, 3), (-60, 60),
                                             (-1022, 1022), (0, 0)))))
        y = any_double(rng, *rng.choice(((-3, 3), (0, 8), (-20, 10))))
        v = y * log(mpf(x))
        if abs(v) < 708:
            row("pow", x, y, exp(v))
            n += 1


if sys.argv[1:] == ["constants"]:
    constants()
elif sys.argv[1:] == ["table"]:
    table()
else:
    sys.exit(__doc__)
