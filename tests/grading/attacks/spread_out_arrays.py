# Send a small array with a layout that takes two to the power of its axes as much room.
import gc

worker = next(o for o in gc.get_objects() if type(o).__name__ == "Worker")
Worker = type(worker)

import sys

import numpy as np

wire = sys.modules[type(worker._encoder()).__module__]


def write(encoder, value):
    encoder.number(value)
    return ["a", value.dtype.str, list(value.shape), "N", encoder.buffer(value.tobytes())]


wire._WRITERS[np.ndarray] = write


def dot(a, b):
    return np.zeros((300_000,) + (1,) * 12, dtype=np.int8)[:, ::-1]
