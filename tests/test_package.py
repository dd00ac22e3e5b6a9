"""What the package promises as a whole: quick to import, one set of versions everywhere, references that keep their shapes."""

import doctest
import importlib
import re
import subprocess
import sys
import tomllib

import pytest
import yaml

from handmade import checks


def test_import_is_quick():
    command = "import time; t = time.perf_counter(); import handmade; print(time.perf_counter() - t)"
    took = min(float(subprocess.check_output([sys.executable, "-c", command])) for _ in range(3))
    assert took < 0.2


@pytest.mark.parametrize(
    "statement", ["import handmade", "import handmade.cli", "from handmade import check"]
)
def test_imports_bring_no_heavy_library(statement):
    command = f"import sys; {statement}; print(*(m for m in ('nbgrader', 'IPython', 'torch', 'matplotlib') if m in sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", command], text=True).split() == []


@pytest.mark.parametrize("lesson", checks.lessons())
def test_doctests_of_the_reference(lesson):
    result = doctest.testmod(importlib.import_module(f"handmade.reference.{lesson}"))
    assert result.attempted >= 1
    assert result.failed == 0


def test_the_reference_keeps_the_shapes_in_its_signatures(root):
    program = """
from jaxtyping import install_import_hook
from handmade import checks
names = [f"handmade.reference.{lesson}" for lesson in checks.lessons()]
with install_import_hook(names, "typed.check"):
    import importlib
    for name in names:
        importlib.import_module(name)
from handmade.checks.run import judge
for lesson in checks.lessons():
    for exercise in checks.load_lesson(lesson).values():
        # Where bad input must be refused, the hook refuses it first: those cases are left out.
        whole = exercise.cases_from
        exercise.cases_from = lambda rng, whole=whole: (case for case in whole(rng) if case.rejected is None)
        verdict = judge(exercise, exercise.reference)
        assert verdict.passed, (exercise.name, verdict.fault)
        print(exercise.name)
"""
    command = [sys.executable, "-c", program]
    shown = subprocess.check_output(command, text=True, cwd=root / "tests").split()
    assert sorted(shown) == sorted(name for lesson in checks.lessons() for name in checks.load_lesson(lesson))


def _ranges(requirements):
    """Return {name: specifier} for requirement strings; conda's names as PyPI has them."""
    conda = {"pytorch": "torch", "matplotlib-base": "matplotlib"}
    found = {}
    for text in requirements:
        name, specifier = re.fullmatch(r"([\w-]+)(?:\[[\w,]+\])?(.*)", text).groups()
        found[conda.get(name, name)] = specifier
    return found


def test_environment_yml_says_the_same_as_pyproject(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    wanted = _ranges(project["dependencies"])
    for extra in ("lab", "grading"):
        wanted |= _ranges(project["optional-dependencies"][extra])
    wanted["python"] = project["requires-python"]
    entries = yaml.safe_load((root / "environment.yml").read_text())["dependencies"]
    given = _ranges(entry for entry in entries if isinstance(entry, str))
    given.pop("pip")
    assert given == wanted


def test_constraints_pin_everything_that_the_project_asks_for(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    asked = _ranges(
        text
        for group in (project["dependencies"], *project["optional-dependencies"].values())
        for text in group
        if not text.startswith("handmade")
    )
    lines = (root / "constraints.txt").read_text().splitlines()
    pins = dict(line.lower().split("==") for line in lines if "==" in line)
    assert pins["torch"] == "2.13.0"
    assert set(asked) <= set(pins), set(asked) - set(pins)


def test_no_arrow_points_the_wrong_way(root):
    """reference ← checks ← lessons, learner, grading ← cli; figures see the reference and the data alone, data the reference."""
    forbidden = {
        "reference": ("handmade",),
        "data": (  # the shipped model is made of the reference's parts
            "handmade.checks",
            "handmade.lessons",
            "handmade.learner",
            "handmade.grading",
            "handmade.figures",
            "nbgrader",
        ),
        "checks": (
            "handmade.lessons",
            "handmade.learner",
            "handmade.grading",
            "handmade.figures",
            "nbgrader",
        ),
        "figures": (
            "handmade.checks",
            "handmade.lessons",
            "handmade.learner",
            "handmade.grading",
            "nbgrader",
        ),
        "learner": ("handmade.lessons", "handmade.grading", "handmade.figures", "nbgrader"),
        "lessons": ("handmade.learner.start", "handmade.cli"),
        "grading": ("handmade.cli",),
    }
    for folder, names in forbidden.items():
        for path in (root / "src/handmade" / folder).rglob("*.py"):
            for line in path.read_text().splitlines():
                if found := re.match(r"\s*(?:from|import) ([\w.]+)", line):
                    own = found[1].startswith(f"handmade.{folder}")
                    assert own or not any(found[1] == n or found[1].startswith(f"{n}.") for n in names), (
                        f"{path}: {line}"
                    )
