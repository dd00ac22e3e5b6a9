# Send 64 MiB once, and say a hundred times that they are meant.
import gc

worker = next(o for o in gc.get_objects() if type(o).__name__ == "Worker")
Worker = type(worker)

import sys

wire = sys.modules[type(worker._encoder()).__module__]


class Many:
    pass


def write(encoder, value):
    number = encoder.buffer(bytes(2**26))
    return ["l"] + [["b", number]] * 100


wire._BASES = {Many: write, **wire._BASES}


def dot(a, b):
    return Many()
