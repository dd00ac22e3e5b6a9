# Send an array of texts in which one is long, so that each takes the room of the longest.
import gc

worker = next(o for o in gc.get_objects() if type(o).__name__ == "Worker")
Worker = type(worker)

import sys

wire = sys.modules[type(worker._encoder()).__module__]


class Wide:
    pass


def write(encoder, value):
    encoder.number(value)
    return ["A", "U", [20_001], ["x" * 100_000] + [""] * 20_000]


wire._BASES = {Wide: write, **wire._BASES}


def dot(a, b):
    return Wide()
