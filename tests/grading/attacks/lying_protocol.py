# Speak the protocol, and lie in it: call what was not handed over, release what was never held, change modules that do not exist.
import gc

[worker] = [o for o in gc.get_objects() if type(o).__name__ == "Worker"]


def dot(a, b):
    for op, args in (
        ("call", (print, ["hello"], {})), ("call", (int, ["7"], {})), ("getattr", (a, "__class__")), ("get", ("exercise",)),
        ("run", ("<cell 1>", "1", 1.0)), ("copy", (a,)), ("slopes", (99, [None])), ("parts", (["dot"],)), ("__class__", ()), (None, ()),
    ):  # fmt: skip
        try:
            print("ANSWERED", op, worker.ask(op, *args))
        except Exception:
            pass
    return 0


def cosine_similarity(a, b):
    worker.forgotten = [[n, 10**9] for n in range(-5, 100)]
    worker.forgotten_graphs = ["x", None, 5]
    return 0


def matvec_by_rows(A, x):
    worker.modules.collect = lambda encoder: [
        [1, [["", 1, "__init__", "Linear", True, {}]], [], [], [[0, ["T"]]]]
    ]
    worker.modules.roots[5] = lambda: None
    return A


def column_pieces(A, x):
    worker._export = lambda encoder, value: ["M", 1]
    return object()


def outer_pieces(A, B):
    worker.describe_error = lambda error, encoder: {"kinds": ["builtins.KeyboardInterrupt"], "text": 1}
    raise ValueError
