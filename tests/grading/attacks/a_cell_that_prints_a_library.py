# Tell of a cell that it printed a hundred times as much as a cell may.
import gc

worker = next(o for o in gc.get_objects() if type(o).__name__ == "Worker")
Worker = type(worker)


def lie(self, *args):
    return {
        "result": "x" * 10**6,
        "error": None,
        "time": False,
        "cut": False,
        "output": [["stdout", "x" * 60_000]] * 100,
    }


Worker.do_run = lie
