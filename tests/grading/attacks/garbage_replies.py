# Write garbage into the channel.
import os


def dot(a, b):
    os.write(3, os.urandom(5000))
    return 0


def cosine_similarity(a, b):
    os.write(3, b"\x02\x00\x00\x00\x00\x00\x00\x00[]")
    return 0


def matvec_by_rows(A, x):
    os.write(3, b"\x04\x00\x00\x00\x00\x00\x00\x00null")
    return A
