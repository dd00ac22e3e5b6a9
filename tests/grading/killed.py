"""Grade a small class, killed with -9 at random moments, until a run comes to its end: for test_resume.

python killed.py DESK KILLS SEED SECONDS     DESK is killed so often, each time within SECONDS of its start

The imports are done once, and each run is forked, so that the moments fall into the grading.
"""

import os
import random
import signal
import sys
import time
import warnings
from pathlib import Path

from grading import small_desk

from handmade.grading.desk import Desk


def main(folder, kills, seed, seconds):
    rng = random.Random(seed)
    for _ in range(kills):
        child = os.fork()
        if child == 0:
            run(folder)
        time.sleep(rng.uniform(0, seconds))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        print("ended" if os.WIFEXITED(status) else "killed", flush=True)
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        run(folder)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    print(f"{time.monotonic() - started:.2f}")


def run(folder):
    """Grade, and end this process."""
    try:
        did = small_desk.run(Desk(Path(folder)), jobs=2)
        os._exit(len(did.errors))
    except BaseException as error:
        print(repr(error), file=sys.stderr)
        os._exit(99)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
