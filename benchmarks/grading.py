"""How long grading a class takes: stock nbgrader, isolated execution in nbgrader, and the floor.

python benchmarks/grading.py [--lesson 01_matmul] [--submissions 50] [--stock 50] [--json FILE]

One run measures all three on the same submissions, in turns of ten, so that a busy machine slows all; then `handmade grade`'s own
function executes the class with one job and with two. The floor is a fork of a warmed interpreter that runs the same cells and checks,
without isolation and without nbgrader.
"""

import copy
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import nbformat
from grading_scale import Watch, make_its_own

from handmade.grading import demo
from handmade.grading.desk import Desk
from handmade.grading.grade import grade
from handmade.grading.table import read_table

ROOT = Path(__file__).resolve().parents[1]
STOCK = (
    "\nsteps = c.Autograde.autograde_preprocessors\n"
    "steps[steps.index('handmade.grading.executor.IsolatedExecute')] = 'nbgrader.preprocessors.Execute'\n"
)
JOBS = (1, 2)
PROBE = """
import resource, sys, time, json
start = time.perf_counter()
import {module} as module
from nbgrader.apps import AutogradeApp
clock, work, warm = [], [], [0.0]

def used():
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(r.ru_utime + r.ru_stime for r in both)

old = module.{cls}.preprocess
def timed(self, nb, resources):
    before, processor = time.perf_counter(), used()
    done = old(self, nb, resources)
    clock.append(time.perf_counter() - before)
    work.append(used() - processor)
    return done
module.{cls}.preprocess = timed
if {cls!r} == "IsolatedExecute":
    from handmade.grading.zygote import Zygote
    make = Zygote.__init__
    def made(self, *args, **named):
        make(self, *args, **named)
        warm.append(time.clock_gettime(~self._process.pid << 3 | 2))
    Zygote.__init__ = made
app = AutogradeApp()
app.initialize([{lesson!r}, "--student={students}", "--log-level=ERROR"])
ready = time.perf_counter()
app.start()
done = time.perf_counter()
if {cls!r} == "IsolatedExecute":
    own = sum(work)
    before = used()
    module.IsolatedExecute._zygote.close()
    work = [(own + used() - before - max(warm)) / len(work)] * len(work)  # with the workers', without the zygote's start
memory = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
result = {{"start": ready - start, "grading": done - ready, "clock": clock, "work": work, "memory": memory}}
print("RESULT", json.dumps(result))
"""


def make_desk(folder, lesson, n, stock):
    """Return the names of n students, who handed in by turns what is perfect, in another idiom, half done, or has one mistake."""
    folder.mkdir(parents=True)
    config = demo._CONFIG.format(solutions=str(ROOT / "solutions"), seconds=30)
    (folder / "nbgrader_config.py").write_text(config + (STOCK if stock else ""))
    (folder / "secret_seed").write_text("2718")
    subprocess.run(
        [sys.executable, "-m", "nbgrader", "generate_assignment", lesson],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    made = demo.Lesson(lesson, nbformat.read(folder / "release" / lesson / f"{lesson}.ipynb", as_version=4))
    half = made.names[: len(made.names) // 2]
    kinds = [
        made.perfect(),
        made.notebook({name: made.other(name) for name in made.names}),
        made.notebook({name: made.right(name) for name in half}),
        made.all_but(*made.wrong()),
    ]
    names = []
    for i in range(n):
        names.append(f"s{i:03}")
        place = folder / "submitted" / names[-1] / lesson
        place.mkdir(parents=True)
        notebook = copy.deepcopy(kinds[i % len(kinds)])
        make_its_own(notebook, i)
        nbformat.write(notebook, place / f"{lesson}.ipynb")
    return names


def side_by_side(folder, lesson, jobs):
    """Return the mean ms on the clock in which `handmade grade` executes a submission, once its processes have started."""
    watch = Watch()
    did = grade(Desk(folder), lesson, jobs=jobs, progress=watch.progress)
    assert (did.failed, did.errors) == ({}, []), did
    return watch.phases["executing"]["ms_each"]


def autograde(folder, lesson, students, stock):
    """Grade these students in one process of nbgrader's; return its times and memory."""
    module, cls = (
        ("nbgrader.preprocessors", "Execute") if stock else ("handmade.grading.executor", "IsolatedExecute")
    )
    pattern = students[0][:-1] + "[" + "".join(s[-1] for s in students) + "]"
    code = PROBE.format(lesson=lesson, students=pattern, module=module, cls=cls)
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    if not lines:
        raise SystemExit(done.stdout + done.stderr)
    return json.loads(lines[0].removeprefix("RESULT"))


class Floor:
    """A warmed process that forks a child for each notebook, which runs cells and checks itself."""

    def __init__(self, folder, lesson):
        import torch

        torch.set_num_threads(1)
        from handmade.grading.execution import graded_cells, handed_out_cells
        from handmade.grading.selection import that_run

        self.folder, self.lesson = folder, lesson
        self.graded = graded_cells(
            nbformat.read(ROOT / "solutions" / lesson / f"{lesson}.ipynb", as_version=4)
        )
        release = nbformat.read(folder / "release" / lesson / f"{lesson}.ipynb", as_version=4)
        self.handed_out, self.that_run = handed_out_cells(release), that_run
        os.environ["HANDMADE_SEED"] = "2718"
        self.one(self._cells("s000"))  # warm: what the checks import at their first use

    def _cells(self, student):
        notebook = nbformat.read(
            self.folder / "submitted" / student / self.lesson / f"{self.lesson}.ipynb", as_version=4
        )
        cells = [c for c in notebook.cells if c.cell_type == "code"]
        ids = [c.metadata.get("nbgrader", {}).get("grade_id") for c in cells]
        texts = [self.graded.get(i, c.source) for i, c in zip(ids, cells, strict=True)]
        chosen = self.that_run([(t, i is not None) for t, i in zip(texts, ids, strict=True)], self.handed_out)
        return [t for n, t in enumerate(texts) if n in chosen]

    def one(self, texts):
        names = {"__name__": "__main__"}
        flags = 0
        for text in texts:
            try:
                code = compile(text, "<cell>", "exec", flags)
                flags |= code.co_flags & 0x1000000  # annotations
                exec(code, names)
            except Exception:
                pass

    def run(self, student):
        """Return the seconds that a fork, all cells and all checks take, on the clock and of work; reading the notebook is not counted."""
        texts = self._cells(student)
        start = time.perf_counter()
        pid = os.fork()
        if not pid:
            try:
                self.one(texts)
            finally:
                os._exit(0)
        _, _, usage = os.wait4(pid, 0)
        return time.perf_counter() - start, usage.ru_utime + usage.ru_stime


@click.command()
@click.option("--lesson", default="01_matmul")
@click.option("--submissions", default=50)
@click.option("--stock", default=50, help="How many of them stock nbgrader grades, too.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Where to write the numbers.")
def main(lesson, submissions, stock, file):
    """Measure, and print ratios."""
    place = Path(tempfile.mkdtemp(prefix="handmade-benchmark-"))
    try:
        names = make_desk(place / "isolated", lesson, submissions, stock=False)
        make_desk(place / "stock", lesson, submissions, stock=True)
        for jobs in JOBS:
            make_desk(place / f"{jobs} jobs", lesson, submissions, stock=False)
        floor = Floor(place / "isolated", lesson)
        kinds = ("floor", "isolated", "stock")
        clock: dict[str, list[float]] = {kind: [] for kind in kinds}
        work: dict[str, list[float]] = {kind: [] for kind in kinds}
        whole: dict[str, list[float]] = {kind: [] for kind in kinds[1:]}
        memory = {kind: [0.0, 0.0] for kind in kinds[1:]}
        for i in range(0, submissions, 10):
            turn = names[i : i + 10]
            for seconds, processor in map(floor.run, turn):
                clock["floor"].append(seconds)
                work["floor"].append(processor)
            for kind in kinds[1:] if i < stock else kinds[1:2]:
                done = autograde(place / kind, lesson, turn, kind == "stock")
                clock[kind] += done["clock"]
                work[kind] += done["work"]
                whole[kind].append(done["grading"] / len(turn))
                memory[kind] = [max(a, b) for a, b in zip(memory[kind], done["memory"], strict=True)]
        tables = {
            kind: {row.student: row.points for row in read_table(place / kind, lesson).rows}
            for kind in kinds[1:]
        }
        same = sum(tables["isolated"][s] == tables["stock"][s] for s in names[:stock])
        # After the floor, whose process has no threads of its own before it forks.
        graded = {jobs: side_by_side(place / f"{jobs} jobs", lesson, jobs) for jobs in JOBS}
        report(lesson, submissions, stock, clock, work, whole, graded, memory, same, file)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def report(lesson, submissions, stock, clock, work, whole, graded, memory, same, file):
    print(
        f"{lesson}: {submissions} submissions, {stock} of them by stock nbgrader too; {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}. Medians in ms a submission:"
    )
    median = {
        name: {k: 1000 * statistics.median(v) for k, v in part.items() if v}
        for name, part in (("clock", clock), ("work", work), ("whole", whole))
    }
    print(f"  {'':<10}{'execution':>12}{'processor':>12}{'all of it':>12}")
    for kind in clock:
        cells = [median[name].get(kind) for name in ("clock", "work", "whole")]
        print(f"  {kind:<10}" + "".join(f"{c:12.1f}" if c is not None else f"{'':>12}" for c in cells))
    for name, words in (("clock", "on the clock"), ("work", "of processor time")):
        floor, ours, theirs = (
            median[name].get(kind, float("nan")) for kind in ("floor", "isolated", "stock")
        )
        print(
            f"  beyond the floor, {words}: {ours - floor:.0f} ms, stock {theirs - floor:.0f} ms, which is {(theirs - floor) / (ours - floor):.0f} times as much"
        )
    mean = 1000 * statistics.mean(clock["floor"])
    for jobs, ms in graded.items():
        print(
            f"  handmade grade --jobs {jobs}: {ms:.0f} ms a submission, {ms - mean:+.0f} beyond the floor's mean of {mean:.0f}"
        )
    print(
        f"  all of it: {median['whole'].get('stock', float('nan')) / median['whole']['isolated']:.1f} times faster than stock"
    )
    for kind, (own, child) in memory.items():
        print(f"  {kind}: nbgrader's process {own:.0f} MB, its largest child {child:.0f} MB")
    print(f"  points equal to stock's: {same} of {stock}")
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        numbers = {"lesson": lesson, "median_ms": median, "memory_mb": memory, "equal": same, "stock": stock}
        numbers |= {"graded_ms": graded, "seconds": {"clock": clock, "work": work, "whole": whole}}
        file.write_text(json.dumps(numbers, indent=1) + "\n")


if __name__ == "__main__":
    main()
