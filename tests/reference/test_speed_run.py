"""The speed-run's parts do what their papers say, each alone; the model made of them sees no future; the benchmark runs."""

import doctest
import json
import math
import subprocess
import sys
from dataclasses import fields, replace
from functools import partial

import pytest
import torch
from torch import nn

from handmade.reference import muon as muon_module
from handmade.reference import speed_run
from handmade.reference.gpt import GPTConfig
from handmade.reference.muon import Muon, orthogonalise
from handmade.reference.speed_run import FAST, PLAIN, FastGPT, RMSNorm, RotaryPositions, adamw, training

CONFIG = GPTConfig(vocab_size=11, context_length=9, d_model=24, n_layers=2, n_heads=3)
IDS = torch.randint(11, (400,), generator=torch.Generator().manual_seed(5))


def normal(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("module", [speed_run, muon_module])
def test_doctests(module):
    assert doctest.testmod(module).failed == 0


def test_rotary_scores_depend_on_the_distance_only():
    rotary = RotaryPositions(CONFIG)
    query, key = normal(8), normal(8, seed=1)
    Q, K = rotary.turn(query.expand(9, 8)), rotary.turn(key.expand(9, 8))
    scores = Q @ K.T
    for distance in range(-8, 9):
        along = scores.diagonal(distance)
        torch.testing.assert_close(along, along[:1].expand_as(along), rtol=1e-4, atol=1e-5)
    assert scores[0].std() > 0.1, "the distance changes nothing"
    torch.testing.assert_close(Q.norm(dim=-1), query.norm().expand(9))
    assert torch.equal(Q[0], query)  # position 0 is not turned


def test_rotary_turns_its_first_pair_by_one_radian_a_position():
    turned = RotaryPositions(CONFIG).turn(torch.tensor([1.0, 0, 0, 0, 0, 0, 0, 0]).expand(9, 8))
    places = torch.arange(9.0)
    torch.testing.assert_close(turned[:, 0], places.cos())
    torch.testing.assert_close(turned[:, 4], places.sin())


def test_rms_norm_equals_that_of_torch():
    x = 30 * normal(2, 5, 24)
    torch.testing.assert_close(RMSNorm(24)(x), nn.functional.rms_norm(x, (24,), eps=1e-6))
    assert not list(RMSNorm(24).parameters())


@pytest.mark.parametrize(("rows", "columns"), [(16, 16), (16, 48), (48, 16)])
def test_orthogonalised_matrices_are_near_the_ones_of_the_svd(rows, columns):
    # Singular values from 1 down to 0.1: smaller ones are lifted less than all the way.
    U, _, Vh = torch.linalg.svd(normal(3, rows, columns), full_matrices=False)
    S = torch.logspace(0, -1, 16)
    found = orthogonalise(40 * (U * S) @ Vh)
    lengths = torch.linalg.svdvals(found)
    assert lengths.min() > 0.65
    assert lengths.max() < 1.25
    # The directions are those of the SVD: what is left between them is diagonal.
    between = U.mT @ found @ Vh.mT
    torch.testing.assert_close(between, torch.diag_embed(between.diagonal(dim1=1, dim2=2)), rtol=0, atol=1e-3)
    exact = U @ Vh
    assert (found - exact).norm() / exact.norm() < 0.35


def test_muon_steps_like_a_plain_version_with_the_svd():
    """Matrices of two shapes, one at a time and by the SVD, beside the optimiser; three steps, with different gradients."""
    start = [normal(6, 6), normal(12, 6, seed=1), normal(6, 6, seed=2)]
    matrices = [nn.Parameter(matrix.clone()) for matrix in start]
    optimiser = Muon(matrices, lr=0.1, momentum=0.9)
    plain = [matrix.clone() for matrix in start]
    means = [torch.zeros_like(matrix) for matrix in start]
    for step in range(3):
        for i, matrix in enumerate(matrices):
            gradient = normal(*matrix.shape, seed=10 * step + i)
            matrix.grad = gradient.clone()
            means[i] = 0.9 * means[i] + 0.1 * gradient
            U, _, Vh = torch.linalg.svd(0.1 * gradient + 0.9 * means[i], full_matrices=False)
            plain[i] = plain[i] - 0.1 * math.sqrt(max(1, matrix.shape[0] / matrix.shape[1])) * U @ Vh
        optimiser.step()
    for ours, exact, first in zip(matrices, plain, start, strict=True):
        moved, wanted = (ours - first).flatten(), (exact - first).flatten()
        assert torch.cosine_similarity(moved, wanted, dim=0) > 0.95
        assert 0.7 < moved.norm() / wanted.norm() < 1.2


def test_muon_leaves_a_matrix_without_a_gradient():
    still, moving = nn.Parameter(torch.eye(3)), nn.Parameter(torch.eye(3))
    moving.grad = torch.eye(3)
    Muon([still, moving], lr=0.1).step()
    assert torch.equal(still, torch.eye(3))
    assert not torch.equal(moving, torch.eye(3))


@pytest.mark.parametrize("recipe", [PLAIN, FAST], ids=["plain", "fast"])
def test_the_model_sees_no_future_and_all_of_the_past(recipe):
    # Projections that start at zero would hide what attention sees.
    model = FastGPT(CONFIG, replace(recipe, initialise=PLAIN.initialise), torch.Generator().manual_seed(0))
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3, generator=torch.Generator().manual_seed(len(parameter)))
    ids = IDS[:9]
    before = model(ids)
    for place in range(9):
        changed = ids.clone()
        changed[place] = (changed[place] + 1) % 11
        differs = (model(changed) - before).abs().amax(dim=-1) > 1e-6
        assert differs.tolist() == [False] * place + [True] * (9 - place)


def test_the_model_has_lesson_11s_interface():
    for recipe in (PLAIN, FAST):
        model = FastGPT(CONFIG, recipe)
        assert model.config == replace(CONFIG, tied=recipe.tied)
        assert model(IDS[:12].reshape(2, 2, 3)).shape == (2, 2, 3, 11)
        assert (model.unembedding.weight is model.token_embedding.weight) == recipe.tied


def test_blocks_that_start_at_zero_pass_on_what_they_get():
    model = FastGPT(CONFIG, FAST, torch.Generator().manual_seed(0))
    x = normal(2, 9, 24)
    for block in model.blocks:
        assert torch.equal(block(x), x)
    assert not model(IDS[:9]).any(), "a new model has an opinion"


@pytest.mark.parametrize("change", [f.name for f in fields(PLAIN) if f.name != "precision"])
def test_every_choice_of_the_fast_recipe_can_be_made_alone_and_learns(change):
    recipe = replace(PLAIN, **{change: getattr(FAST, change)})
    recipe = replace(
        recipe, steps=40, optimisers=recipe.optimisers if change == "optimisers" else partial(adamw, lr=1e-2)
    )
    losses = list(
        training(
            FastGPT(CONFIG, recipe, torch.Generator().manual_seed(0)), IDS[:10], recipe, torch.Generator()
        )
    )
    assert len(losses) == 40
    assert losses[0] == pytest.approx(math.log(11), abs=0.2)
    assert losses[-1] < 0.5 * losses[0]


def test_training_is_the_same_for_the_same_generator():
    def losses(seed):
        recipe, generator = replace(FAST, steps=5), torch.Generator().manual_seed(seed)
        return list(training(FastGPT(CONFIG, recipe, generator), IDS, recipe, generator))

    assert losses(3) == losses(3)
    assert losses(3) != losses(4)


def test_bfloat16_trains_where_it_is_asked_for():
    recipe = replace(FAST, steps=40, precision=torch.bfloat16)
    model = FastGPT(CONFIG, recipe, torch.Generator().manual_seed(0))
    losses = list(training(model, IDS[:10], recipe, torch.Generator()))
    assert losses[-1] < 0.5 * losses[0]
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())


@pytest.mark.parametrize(
    ("capability", "precision"), [("avx512_bf16", torch.bfloat16), ("avx2", torch.float32)]
)
def test_the_precision_is_the_processors(capability, precision, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {capability: True}, raising=False)
    assert speed_run.fast_precision() == precision


def test_the_benchmark_runs(root, tmp_path):
    command = [sys.executable, "benchmarks/training.py", "--quick", "--json", str(tmp_path / "training.json")]
    shown = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    result = json.loads((tmp_path / "training.json").read_text())
    assert {row["who"] for row in result["speed"]} >= {"peer", "lessons 11 and 12", "plain recipe"}
    assert all(row["tokens_per_s"] > 0 for row in result["speed"])
    assert result["race"][0]["target"] < math.log(83)
    assert {"plain", "fast", "plain + muon", "fast − RotaryPositions"} <= {
        row["recipe"] for row in result["choices"]
    }
    assert "lessons 11 and 12" in shown
