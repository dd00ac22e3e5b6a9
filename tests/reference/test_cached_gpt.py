"""A GPT with caches gives the logits of the whole pass, computes nothing twice, and writes what `generate` writes without it."""

import copy
import doctest

import pytest
import torch
import torch.nn.functional as F

from handmade.reference import cached_gpt
from handmade.reference.cached_gpt import CachedGPT, Product
from handmade.reference.generation import generate
from handmade.reference.gpt import GPT, GPTConfig

LIMIT = 9


@pytest.fixture
def model():
    """A model whose gains and biases count too; all sizes differ."""
    model = GPT(GPTConfig(vocab_size=70, context_length=LIMIT, d_model=12, n_layers=2, n_heads=3, d_mlp=20))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.4)
    return model.eval()


@pytest.fixture
def ids():
    return torch.randint(70, (3, LIMIT), generator=torch.Generator().manual_seed(1))


def last(model, ids):
    with torch.no_grad():
        return model(ids)[:, -1:]


def test_doctests():
    assert doctest.testmod(cached_gpt).failed == 0


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("sizes", [[LIMIT], [1] * LIMIT, [4, 1, 3, 1], [1, 2, 6], [8, 1]])
def test_logits_are_those_of_the_whole_pass_in_any_pieces(model, ids, batch, sizes):
    cached, n = CachedGPT(model), 0
    for size in sizes:
        n += size
        found, expected = cached(ids[:batch, :n]), last(model, ids[:batch, :n])
        assert found.shape == (batch, 1, 70)
        assert expected.std() > 0.5
        assert (found - expected).abs().max() < 1e-4
    assert cached.n_computed == batch * LIMIT, "something was computed twice"


@pytest.mark.parametrize(("kind", "room"), [(torch.float64, 1e-5), (torch.bfloat16, 0.5)])
def test_other_types_of_weights(model, ids, kind, room):
    other = copy.deepcopy(model).to(kind)
    cached = CachedGPT(other)
    for n in (3, 4, 5, 9):
        found = cached(ids[:1, :n])
        assert found.dtype == torch.float32
        assert (found - last(model, ids[:1, :n])).abs().max() < room
        assert (found - last(other, ids[:1, :n]).float()).abs().max() < room


def test_a_text_that_does_not_go_on_is_read_anew(model, ids):
    cached = CachedGPT(model)
    changed = ids.clone()
    changed[:, 0] = (changed[:, 0] + 1) % 70
    for text in (
        ids[:, :5],
        ids[:, :6],
        changed[:, :7],
        ids[:, :3],
        ids[:, :3],
        ids[:1, :4],
        ids[1:2, :5],
        ids,
    ):
        assert (cached(text) - last(model, text)).abs().max() < 1e-4


def test_ids_that_are_changed_in_place_are_noticed(model, ids):
    cached = CachedGPT(model)
    text = ids[:, :5].clone()
    cached(text)
    text[:, 0] = (text[:, 0] + 1) % 70
    longer = torch.cat([text, ids[:, 5:6]], dim=1)
    assert (cached(longer) - last(model, longer)).abs().max() < 1e-4


@pytest.mark.parametrize("shape", [(4,), (1, 4), (3, 4)])
@pytest.mark.parametrize("settings", [{"temperature": 0.0}, {"temperature": 1.3, "top_k": 20, "top_p": 0.95}])
def test_the_same_text_is_written_also_past_the_context_limit(model, shape, settings):
    prompt = torch.randint(70, shape, generator=torch.Generator().manual_seed(2))
    whole, by_cache = (
        generate(m, prompt, 14, generator=torch.Generator().manual_seed(3), **settings)
        for m in (model, CachedGPT(model))
    )
    assert whole.shape[-1] == 18 > LIMIT
    assert torch.equal(whole, by_cache)


def test_work_grows_with_the_text_only_past_the_limit(model):
    cached = CachedGPT(model)
    generate(cached, torch.tensor([1, 2, 3, 4]), 6, temperature=0.0)
    assert cached.n_computed == LIMIT  # 4 of the prompt, and one for each further token that was read
    generate(cached, torch.tensor([1, 2, 3, 4]), 8, temperature=0.0)
    assert (
        cached.n_computed == LIMIT + LIMIT + 2 * LIMIT
    )  # two more tokens, each with the whole window read anew


def test_mistakes_are_refused_and_leave_nothing_half_done(model, ids):
    cached = CachedGPT(model)
    cached(ids[:, :4])
    with pytest.raises(ValueError, match="expected ids from 0 to 69"):
        cached(torch.cat([ids[:, :4], torch.full((3, 1), 70)], dim=1))
    with pytest.raises(ValueError, match="expected at most 9 tokens, got 10"):
        cached(torch.cat([ids, ids[:, :1]], dim=1))
    assert (cached(ids[:, :5]) - last(model, ids[:, :5])).abs().max() < 1e-4


def test_what_comes_back_may_be_changed(model, ids):
    cached = CachedGPT(model)
    cached(ids[:, :4]).zero_()
    assert (cached(ids[:, :5]) - last(model, ids[:, :5])).abs().max() < 1e-4


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("d_out", "d_in"), [(5, 3), (3, 5), (64, 7), (130, 16), (200, 1)])
@pytest.mark.parametrize("with_bias", [True, False])
def test_a_product_is_a_linear_layer(kind, d_out, d_in, with_bias):
    generator = torch.Generator().manual_seed(0)
    weight, x = torch.randn(d_out, d_in, generator=generator), torch.randn(4, d_in, generator=generator)
    bias = torch.randn(d_out, generator=generator) if with_bias else None
    product = Product(weight.to(kind), None if bias is None else bias.to(kind))
    expected = F.linear(x, weight, bias)
    room = 1e-5 if kind == torch.float32 else 0.1
    assert (product(x.to(kind)).float() - expected).abs().max() < room
    assert (product(x[0].to(kind)).float() - expected[0]).abs().max() < room
