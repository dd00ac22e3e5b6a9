"""A passed part is kept as text that runs alone, a worse one never replaces it, and later lessons use it."""

import json
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from handmade import check
from handmade.learner import parts
from handmade.learner.source import Unkept, part_of

SETUP = "from __future__ import annotations\nimport numpy as np\nfrom handmade import check\n"
DOT = "def dot(a, b):\n    if len(a) != len(b):\n        raise ValueError('lengths differ')\n    return float((a * b).sum())\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A learner's folder, and the working directory."""
    (tmp_path / ".handmade").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HANDMADE_SEED", raising=False)
    return tmp_path


def run_as_file(folder, text):
    """Run a learner's code from a file, as a notebook's cell would be."""
    path = folder / f"cell_{len(list(folder.glob('cell_*.py')))}.py"
    path.write_text(text)
    space = {"__name__": "__main__"}
    exec(compile(text, str(path), "exec"), space)
    return space


def my_gpt(folder, code):
    """Run code in a clean process that sees the learner's folder and not the course."""
    program = f"import sys; sys.modules['handmade'] = None\n{code}"
    return subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True)


def test_a_passed_part_runs_without_the_course(folder):
    text = SETUP + (
        "import math as m\nLIMIT = 0\n"
        "def length(v):\n    return m.sqrt(dot(v, v))\n"
        + DOT
        + "def cosine_similarity(a: Num[ndarray, 'n'], b) -> float:\n"
        "    'how alike'\n    both = length(a) * length(b)   # lengths   \n"
        "    return 0.0 if both == LIMIT else dot(a, b) / both\n"
    )
    space = run_as_file(folder, text)
    shown = repr(check.cosine_similarity(space["cosine_similarity"]))
    assert shown.endswith("Kept in `my_gpt/matmul.py`.")
    module = (folder / "my_gpt/matmul.py").read_text()
    assert "# dot: borrowed from the course" in module
    assert "# cosine_similarity: yours\nLIMIT = 0\n\n\ndef length(v):" in module
    assert "\nimport math as m\n" in module
    assert "both = length(a) * length(b)   # lengths\n" in module
    done = my_gpt(
        folder,
        "from my_gpt.matmul import cosine_similarity as c; import numpy as np; print(c(np.array([3., 4]), np.array([1., 0])))",
    )
    assert done.stdout == "0.6\n", done.stderr

    check.dot(space["dot"])
    module = (folder / "my_gpt/matmul.py").read_text()
    assert "borrowed" not in module
    assert module.index("def dot") < module.index("def cosine_similarity"), (
        "parts stand in the lesson's order"
    )
    states = {name: state for _, name, state in parts.table()}
    assert (states["dot"], states["cosine_similarity"], states["outer_pieces"]) == (
        "yours",
        "yours",
        "not yet",
    )


def test_a_worse_answer_never_replaces_a_good_one(folder):
    check.dot(run_as_file(folder, SETUP + DOT)["dot"])
    good = (folder / "my_gpt/matmul.py").read_text()
    with pytest.raises(check.CheckFailed):
        check.dot(run_as_file(folder, "def dot(a, b):\n    return a * b\n")["dot"])
    with pytest.raises(check.NotWritten):
        check.dot(
            run_as_file(folder, "def dot(a, b):\n    raise NotImplementedError('not written yet')\n")["dot"]
        )
    assert (folder / "my_gpt/matmul.py").read_text() == good
    better = DOT.replace("(a * b).sum()", "a @ b")
    check.dot(run_as_file(folder, SETUP + better)["dot"])
    assert "a @ b" in (folder / "my_gpt/matmul.py").read_text()


def test_what_does_not_run_alone_is_not_kept_and_the_reason_is_said(folder):
    hidden = SETUP + "globals()['secret'] = 0\n" + DOT.replace("return float(", "return float(secret + ")
    shown = repr(check.dot(run_as_file(folder, hidden)["dot"]))
    assert "✓ dot" in shown
    assert "not kept in `my_gpt`: it uses `secret`, and no cell that ran here defines it." in shown
    changed = SETUP + "n = 1\n" + DOT.replace("(a * b)", "(n * a * b)")
    space = run_as_file(folder, changed + "n = 2\nn = n - 1\n")
    assert "no longer passes" in repr(check.dot(space["dot"])) or "raised" in repr(check.dot(space["dot"]))
    assert not (folder / "my_gpt").exists()


def test_two_helpers_of_one_name(folder):
    check.dot(
        run_as_file(folder, SETUP + "def aid(x):\n    return float(x)\n" + DOT.replace("float(", "aid("))[
            "dot"
        ]
    )
    other = (
        SETUP
        + "def aid(x):\n    return list(x)\ndef matvec_by_rows(A, x):\n    return np.array([row @ x for row in aid(A)])\n"
    )
    shown = repr(check.matvec_by_rows(run_as_file(folder, other)["matvec_by_rows"]))
    assert "its helper `aid` differs" in shown
    assert "matvec_by_rows" not in (folder / "my_gpt/matmul.py").read_text()


def test_other_ways_to_write_a_definition(folder):
    for text in (
        "dot = lambda a, b: float(a @ b)\n",
        "import functools\ndef plain(f):\n    @functools.wraps(f)\n    def inner(*args):\n        return f(*args)\n    return inner\n@plain\ndef dot(a, b):\n    return float(np.dot(a, b))\n",
        "def my_dot(a, b):\n    return float(a @ b)\n",
    ):
        space = run_as_file(folder, SETUP + text)
        assert "Kept" in repr(check.dot(space.get("dot") or space["my_dot"])), text
        assert "Traceback" not in my_gpt(folder, "from my_gpt.matmul import dot").stderr
    assert "dot = my_dot" in (folder / "my_gpt/matmul.py").read_text()


CLASSES = """
import dataclasses as dc
import torch
import torch.nn.functional as F
from collections import OrderedDict
from torch import nn
from handmade.reference.multi_head import MultiHeadAttention

SIZES = ["vocab_size", "context_length", "d_model", "n_layers", "n_heads", "d_mlp"]


def at_least_one(config):
    return all(getattr(config, name) >= 1 for name in SIZES)


@dc.dataclass(frozen=True)
class GPTConfig:
    vocab_size: int
    context_length: int
    d_model: int
    n_layers: int
    n_heads: int
    d_mlp: int | None = None
    tied: bool = dc.field(default=True)

    def __post_init__(self):
        if self.d_mlp is None:
            object.__setattr__(self, "d_mlp", 4 * self.d_model)
        if not at_least_one(self) or self.d_model % self.n_heads:
            raise ValueError("no such model")

    @property
    def d_head(self):
        return self.d_model // self.n_heads


class Named(nn.Module):
    def __init__(self, config: GPTConfig):
        super().__init__()
        self.sizes = config


class Norm(nn.LayerNorm):
    pass


def make_mlp(config):
    up, down = nn.Linear(config.d_model, config.d_mlp), nn.Linear(config.d_mlp, config.d_model)
    return nn.Sequential(OrderedDict(up=up, bend=nn.GELU(approximate="tanh"), down=down))


class Block(Named):
    def __init__(self, config):
        super().__init__(config)
        self.attention_norm, self.mlp_norm = Norm(config.d_model), Norm(config.d_model)
        self.attention = MultiHeadAttention(config.d_model, config.n_heads)
        self.mlp = make_mlp(config)

    def forward(self, x):
        x = x + self.attention(self.attention_norm(x))
        return x + self.mlp(self.mlp_norm(x))
"""


def test_classes_are_kept_with_their_bases_and_helpers(folder):
    space = run_as_file(folder, SETUP + CLASSES)
    for name in ("GPTConfig", "Block"):
        assert repr(getattr(check, name)(space[name])).endswith("Kept in `my_gpt/gpt.py`.")
    module = (folder / "my_gpt/gpt.py").read_text()
    assert "# GPTConfig: yours\nSIZES = [" in module
    assert "@dc.dataclass(frozen=True)\nclass GPTConfig:" in module
    assert "from .multi_head import MultiHeadAttention\n" in module
    code = "import torch; from my_gpt.gpt import Block, GPTConfig; print(Block(GPTConfig(5, 4, 6, 1, 3))(torch.ones(2, 4, 6)).shape)"
    done = my_gpt(folder, code)
    assert done.stdout.strip() == "torch.Size([2, 4, 6])", done.stderr


def test_a_module_that_was_edited_by_hand_is_set_aside(folder):
    check.dot(run_as_file(folder, SETUP + DOT)["dot"])
    path = folder / "my_gpt/matmul.py"
    path.write_text("# my own notes\n")
    check.dot(run_as_file(folder, SETUP + DOT.replace("lengths differ", "no"))["dot"])
    assert (folder / "my_gpt/matmul.edited.txt").read_text() == "# my own notes\n"
    assert "def dot" in path.read_text()


def test_damaged_records_are_passed_over(folder):
    check.dot(run_as_file(folder, SETUP + DOT)["dot"])
    record = folder / ".handmade/parts/dot.json"
    for damaged in (
        "",
        "[]",
        "{}",
        '{"name": 3}',
        json.dumps({"name": "gone", "definitions": [], "imports": [], "needs": []}),
    ):
        record.write_text(damaged)
        assert ("01_matmul", "dot", "not yet") in parts.table()
    assert "Kept" in repr(check.dot(run_as_file(folder, SETUP + DOT)["dot"]))


def test_nothing_is_kept_or_used_where_a_submission_is_graded(folder, monkeypatch):
    space = run_as_file(folder, SETUP + DOT)
    monkeypatch.setenv("HANDMADE_SEED", "5")
    assert "Kept" not in repr(check.dot(space["dot"]))
    assert not (folder / "my_gpt").exists()


def test_nothing_is_kept_without_a_learners_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "Kept" not in repr(check.dot(run_as_file(tmp_path, SETUP + DOT)["dot"]))


def test_names_in_annotations_need_not_exist():
    text = "def f(a: Nowhere, *b: Nowhere, c: Nowhere = 1) -> Nowhere:\n    x: Nowhere = c\n    return [y for y in b] + [x]\n"
    assert part_of("f", None, [text]).definitions == (("f", text.rstrip()),)
    with pytest.raises(Unkept, match="uses `missing`"):
        part_of("f", None, ["def f(a=missing):\n    return a\n"])


@pytest.mark.slow
def test_in_a_notebook(folder):
    """Classes defined in a cell, a newer cell of the same name, a syntax error between, and the next notebook."""
    value = (parts.checks.reference_text("learning")).split("class Value:")[1].split("\ndef ")[0]
    first = [
        SETUP + "import math",
        "class Value:" + value,
        "check.Value(Value)",
        "def helper(x):\n    return x",
        "def helper(x)\n",
        "def helper(x):\n    return float(x)",
        "def mse(prediction, target):\n    return helper(((prediction - target) ** 2).mean())",
        "check.mse(mse)",
    ]
    second = [
        "from handmade.learner import parts\nmse, dot = parts.use('mse', 'dot')",
        "print(mse.__module__, dot.__module__, parts.use('Value').__module__)",
        "parts.use('mce')",
    ]
    outputs = []
    for cells in (first, second):
        notebook = new_notebook(cells=[new_code_cell(source) for source in cells])
        NotebookClient(
            notebook, timeout=60, allow_errors=True, resources={"metadata": {"path": str(folder)}}
        ).execute()
        outputs.append(
            [nbformat.writes(nbformat.from_dict(new_notebook(cells=[cell]))) for cell in notebook.cells]
        )
    assert "Kept in `my_gpt/learning.py`" in outputs[0][2]
    assert "Kept in `my_gpt/learning.py`" in outputs[0][7]
    assert "return float(x)" in (folder / "my_gpt/learning.py").read_text()
    assert "`mse` (lesson 04): your own" in outputs[1][0]
    assert "`dot` (lesson 01): the course's" in outputs[1][0]
    assert "my_gpt.learning handmade.reference.matmul my_gpt.learning" in outputs[1][1]
    assert "there is no part 'mce'" in outputs[1][2]


def test_a_class_that_stands_in_a_signature_comes_along():
    text = "class Options:\n    size: Size\nclass Size:\n    pass\nX = 3\ndef dot(a: Options, b: X) -> Unknown:\n    return a\n"
    part = part_of("dot", None, [text])
    assert [name for name, _ in part.definitions] == ["Size", "Options", "dot"]
