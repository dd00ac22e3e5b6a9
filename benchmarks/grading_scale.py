"""How grading scales: a class graded by one process and by two, and thousands of submissions in flat memory.

python benchmarks/grading_scale.py [--students 50] [--lesson 01_matmul] [--jobs 1 --jobs 2]
python benchmarks/grading_scale.py --simulated 10000

The first grades copies of a right notebook, each with a comment of its own so that no result is shared, with `handmade
grade`'s own function: seconds a submission for executing and for writing, and the memory of every process. The second cuts
the lesson down to its first exercise and puts a stand-in that executes nothing into the runners' place: what is measured is
all the rest, report and export with it. Both write build/benchmarks/grading_scale.json.
"""

import contextlib
import json
import os
import resource
import tempfile
import time
from pathlib import Path

import click
import nbformat
from nbgrader.converters import GenerateAssignment

from handmade.grading.demo import Lesson
from handmade.grading.desk import Desk
from handmade.grading.grade import grade
from handmade.grading.lms import export
from handmade.grading.report import write_report
from handmade.grading.runner import EXECUTE
from handmade.grading.table import read_table

ROOT = Path(__file__).parents[1]
CONFIG = """
from pathlib import Path
from handmade.grading.config import configure
c = get_config()
configure(c, root=Path(__file__).resolve().parent, solutions=Path({solutions!r}))
"""


def simulate(notebook, options):
    """Return the result of a notebook whose every check passes, without executing anything."""
    cells = [
        {"index": i, "id": cell["id"], "grade_id": "", "role": "learner", "outputs": [], "seconds": 0.0}
        for i, cell in enumerate(notebook["cells"])
        if cell["cell_type"] == "code"
    ]
    return {
        "cells": cells,
        "checks": [],
        "limits": [],
        "notes": [],
        "isolation": {},
        "seconds": 0.0,
        "memory": 0,
    }


def make_desk(folder, lesson, n, short=False):
    """Return a desk on which n students handed in a right notebook, each one's own; `short`: of the first exercise alone."""
    solutions = ROOT / "solutions"
    if short:
        notebook = nbformat.read(solutions / lesson / f"{lesson}.ipynb", as_version=4)
        graded = [i for i, c in enumerate(notebook.cells) if c.metadata.get("nbgrader", {}).get("grade")]
        notebook.cells = notebook.cells[: graded[0] + 1]
        solutions = folder / "solutions"
        (solutions / lesson).mkdir(parents=True)
        nbformat.write(notebook, solutions / lesson / f"{lesson}.ipynb")
    (folder / "nbgrader_config.py").write_text(CONFIG.format(solutions=str(solutions)))
    desk = Desk(folder)
    assert desk.run(desk.application("GenerateAssignmentApp"), GenerateAssignment, lesson, ".") == []
    release = nbformat.read(folder / "release" / lesson / f"{lesson}.ipynb", as_version=4)
    made = Lesson(lesson, release)
    for i in range(n):
        notebook = made.perfect()
        make_its_own(notebook, i)
        path = folder / "submitted" / f"s{i:05}" / lesson / f"{lesson}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook))
    return desk


def make_its_own(notebook, i):
    """Give a notebook a comment that no other has: of equal submissions one is executed."""
    next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("solution")).source += f"\n# {i}"


def megabytes(pid="self"):
    """Return the memory of a process's own that it holds now (its resident set), in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def children(pid):
    """Return the processes below a process, itself left out."""
    below = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                below += [int(child), *children(int(child))]
    return below


def of_children():
    """Return the seconds of work of all processes that were started and have ended, with theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Watch:
    """Notes time and memory as `grade` makes progress."""

    def __init__(self):
        self.phases = {}

    @contextlib.contextmanager
    def progress(self, label, length):
        """Stand in for the bar."""
        at, done, start, work = [], 0, time.perf_counter(), time.process_time()

        def tick():
            nonlocal done
            done += 1
            if done % max(1, length // 10) == 0:
                others = []
                for pid in children(os.getpid()):
                    with contextlib.suppress(OSError):
                        others.append(round(megabytes(pid)))
                at.append({"done": done, "own_mb": round(megabytes()), "others_mb": sorted(others)})

        yield tick
        seconds = time.perf_counter() - start
        self.phases[label.lower()] = {
            "seconds": round(seconds, 2),
            "ms_each": round(1000 * seconds / length, 1),
            "own_cpu_ms_each": round(1000 * (time.process_time() - work) / length, 1),
            "at": at,
        }


def measure(lesson, n, jobs, work=EXECUTE):
    """Grade n students anew, and return what was noted."""
    with tempfile.TemporaryDirectory() as folder:
        desk = make_desk(Path(folder), lesson, n, short=work != EXECUTE)
        watch = Watch()
        start, before = time.perf_counter(), of_children()
        did = grade(desk, lesson, jobs=jobs, progress=watch.progress, work=work)
        seconds = time.perf_counter() - start
        assert (did.executed, len(did.written), did.failed, did.errors) == (n, n, {}, []), did
        with watch.progress("Reporting", 1) as tick:
            found, _ = write_report(desk.root, lesson, desk.db_url)
            export(read_table(desk.root, lesson, desk.db_url), "canvas").write(desk.root / "canvas.csv")
            assert len(found.graded) == n
            tick()
        worked = of_children() - before
        size = sum(p.stat().st_size for p in (Path(folder) / "executed").rglob("*.json"))
        row = {"lesson": lesson, "students": n, "jobs": jobs, "seconds": round(seconds, 2), **watch.phases}
        return row | {
            "other_cpu_ms_each": round(1000 * worked / n, 1),
            "kb_each_in_cache": round(size / n / 1000, 1),
        }


def show(row):
    """Print one measurement."""
    ms = 1000 * row["seconds"] / row["students"]
    print(
        f"{row['students']} students, {row['jobs']} jobs: {row['seconds']:.1f} s in all, {ms:.0f} ms each; "
        f"work of the executing processes {row['other_cpu_ms_each']} ms each, their start included"
    )
    for phase in ("executing", "writing", "reporting"):
        found = row[phase]
        own = [at["own_mb"] for at in found["at"]]
        others = max((at["others_mb"] for at in found["at"]), key=sum, default=[])
        print(
            f"  {phase:<10}{found['ms_each']:>8} ms each, own work {found['own_cpu_ms_each']} ms; own memory {own[0]} → {own[-1]} MB; other processes {others} MB"
        )


@click.command()
@click.option("--lesson", default="01_matmul")
@click.option("--students", default=50)
@click.option("--jobs", multiple=True, type=int, default=(1, 2))
@click.option("--simulated", default=0, help="So many submissions, with nothing executed.")
def main(lesson, students, jobs, simulated):
    """Measure, print, and write JSON."""
    if simulated:
        os.environ["PYTHONPATH"] = os.pathsep.join(
            [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
        )
        rows = [measure(lesson, simulated, 2, "grading_scale:simulate")]
    else:
        rows = [measure(lesson, students, n) for n in jobs]
    for row in rows:
        show(row)
    print(f"load average at the end: {os.getloadavg()[0]:.1f}, on {os.cpu_count()} cores")
    path = ROOT / "build/benchmarks/grading_scale.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
