# Close, copy and replace descriptors and streams, read from the input, print into everything.
import os
import sys

sys.stdout = sys.stderr = sys.stdin = None
sys.__stdout__ = sys.__stderr__ = None
for descriptor in (0, 1, 2):
    os.write(2, b"\x1b[2J") if descriptor else None
    os.close(descriptor)
try:
    os.dup2(3, 1)
    os.write(1, b"\0" * 100)
except OSError:
    pass


def dot(a, b):
    os.close(3)
    return input()
