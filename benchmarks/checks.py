"""How long a check takes, against the floor: the bare calls of the same function on the same cases.

python benchmarks/checks.py [LESSON …]     a table; and build/benchmarks/checks.json

Both are timed in turns in one run, so that a busy machine slows both. The ratio is what copying, guarding and judging cost.
torch has one thread, as in the lessons' notebooks: on a busy machine several wait for each other, up to ten times as long.
"""

import json
import statistics
import sys
import time
from pathlib import Path

import torch

from handmade import checks
from handmade.checks import guard
from handmade.checks.case import fresh
from handmade.checks.run import judge

ROUNDS = 15


def bare(exercise):
    """Call the reference on every case, with nothing around it but the case's own arguments."""
    for case in exercise.cases():
        try:
            case.ask(exercise.reference, *fresh(case.args))
        except Exception:
            assert case.rejected is not None


def milliseconds(function, *args):
    start = time.perf_counter()
    function(*args)
    return 1000 * (time.perf_counter() - start)


def main(lessons):
    torch.set_num_threads(1)
    rows = []
    print(
        f"{'exercise':<26}{'cases':>6}{'mistakes':>9}{'median ms':>11}{'worst ms':>10}{'floor ms':>10}{'ratio':>8}"
    )
    for lesson in lessons or checks.lessons():
        for exercise in checks.load_lesson(lesson).values():
            judge(exercise, exercise.reference)  # first calls import and warm up
            times = [
                (milliseconds(judge, exercise, exercise.reference), milliseconds(bare, exercise))
                for _ in range(ROUNDS)
            ]
            check, floor = (list(column) for column in zip(*times, strict=True))
            row = {
                "lesson": lesson,
                "exercise": exercise.name,
                "points": exercise.points,
                "cases": len(exercise.cases()),
                "misconceptions": len(exercise.misconceptions),
                "median_ms": statistics.median(check),
                "worst_ms": max(check),
                "floor_ms": statistics.median(floor),
            }
            row["ratio"] = row["median_ms"] / row["floor_ms"]
            rows.append(row)
            print(
                f"{exercise.name:<26}{row['cases']:>6}{row['misconceptions']:>9}{row['median_ms']:>11.2f}"
                f"{row['worst_ms']:>10.2f}{row['floor_ms']:>10.2f}{row['ratio']:>8.1f}"
            )
    empty = statistics.median(milliseconds(guard.call, lambda: None, 1.0) for _ in range(200))
    print(f"one guarded call of a function that does nothing: {empty:.3f} ms")
    target = Path("build/benchmarks/checks.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"guarded_call_ms": empty, "checks": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
