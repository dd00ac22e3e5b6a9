"""Lesson 11: the whole model."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from handmade.checks.case import Case, case, literal, play, rejects
from handmade.checks.compare import Unfit, describe
from handmade.checks.draw import floats
from handmade.checks.exercise import ATTENTION, exercise
from handmade.reference import gpt as reference

tensor = torch.tensor
FINE = 1e-7  # float64: fine enough to tell GPT-2's GELU from the exact one


# ---- What a right model computes: the formulas once more, from a dict of weights and torch's own functions.

Weights = Mapping[str, Tensor]


def _shapes_of_block(config: Any, before: str = "") -> dict[str, tuple[int, ...]]:
    d, m = config.d_model, config.d_mlp
    linears = {f"attention.{part}": (d, d) for part in ("query", "key", "value", "output")}
    linears |= {"mlp.up": (m, d), "mlp.down": (d, m)}
    shapes: dict[str, tuple[int, ...]] = {}
    for norm in ("attention_norm", "mlp_norm"):
        shapes |= {f"{before}{norm}.weight": (d,), f"{before}{norm}.bias": (d,)}
    for name, shape in linears.items():
        shapes |= {f"{before}{name}.weight": shape, f"{before}{name}.bias": shape[:1]}
    return shapes


def _shapes_of_gpt(config: Any) -> dict[str, tuple[int, ...]]:
    d = config.d_model
    shapes: dict[str, tuple[int, ...]] = {
        "token_embedding.weight": (config.vocab_size, d),
        "position_embedding.weight": (config.context_length, d),
        "final_norm.weight": (d,),
        "final_norm.bias": (d,),
        "unembedding.weight": (config.vocab_size, d),
    }
    for layer in range(config.n_layers):
        shapes |= _shapes_of_block(config, f"blocks.{layer}.")
    return shapes


def _drawn(shapes: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, Tensor]:
    """Return weights as the lines of `_draw_text` draw them: in the order of their names."""
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.empty(shapes[name]).normal_(0, 0.5, generator=generator) for name in sorted(shapes)}


def _draw_text(what: str, seed: int) -> str:
    return (
        f"g = torch.Generator().manual_seed({seed})\n"
        f"for _, numbers in sorted({what}.state_dict().items()): numbers.normal_(0, 0.5, generator=g)"
    )


def _norm(x: Tensor, w: Weights, name: str) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"])


def _linear(x: Tensor, w: Weights, name: str) -> Tensor:
    return F.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])


def _attention(x: Tensor, w: Weights, name: str, n_heads: int) -> Tensor:
    heads = [
        _linear(x, w, f"{name}.{part}").unflatten(-1, (n_heads, -1)).transpose(-3, -2)
        for part in ("query", "key", "value")
    ]
    mixed = F.scaled_dot_product_attention(heads[0], heads[1], heads[2], is_causal=True)
    return _linear(mixed.transpose(-3, -2).flatten(-2), w, f"{name}.output")


def _mlp(x: Tensor, w: Weights, name: str) -> Tensor:
    return _linear(F.gelu(_linear(x, w, f"{name}.up"), approximate="tanh"), w, f"{name}.down")


def _block(x: Tensor, w: Weights, n_heads: int, before: str = "") -> Tensor:
    x = x + _attention(_norm(x, w, f"{before}attention_norm"), w, f"{before}attention", n_heads)
    return x + _mlp(_norm(x, w, f"{before}mlp_norm"), w, f"{before}mlp")


def _logits(ids: Tensor, w: Weights, config: Any) -> Tensor:
    x = w["token_embedding.weight"][ids] + w["position_embedding.weight"][: ids.shape[-1]]
    for layer in range(config.n_layers):
        x = _block(x, w, config.n_heads, f"blocks.{layer}.")
    return _norm(x, w, "final_norm") @ w["unembedding.weight"].T


# ---- How a module is asked. Only plain data comes back: names, shapes, numbers.


def _state(module: Any) -> Any:
    """Return the shapes of all that a module's state dict holds, by name; of something else what it is, in words."""
    if not hasattr(module, "state_dict") or isinstance(module, type):
        return describe(module)
    return {name: tuple(numbers.shape) for name, numbers in module.state_dict().items()}


def _only(expected: Mapping[str, tuple[int, ...]]) -> Callable[[Any], Any]:
    """Return the view of a `_state` that says in words which names are missing, or too many."""

    def view(found: Any) -> Any:
        if not isinstance(found, dict):
            raise Unfit(f"Expected a module, got {found}. Does the line `class …` end in `(nn.Module):`?")
        if not found:
            raise Unfit(
                "It has no parameters. Is each part made in `__init__` and put into an attribute of `self`?"
            )
        missing = [name for name in expected if name not in found]
        if missing:
            raise Unfit(
                f"The parameter `{missing[0]}` is missing{_and_more(missing)}. There are: {_some(list(found))}."
            )
        extra = [name for name in found if name not in expected]
        if extra:
            raise Unfit(
                f"The state dict holds `{extra[0]}`, for which published weights have no values. (What is no parameter, "
                "such as a mask, stays out with `register_buffer(…, persistent=False)`.)"
            )
        return {name: np.array(shape) for name, shape in found.items()}

    return view


def _and_more(names: list[str]) -> str:
    return f", and {len(names) - 1} more" if len(names) > 1 else ""


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _names_case(
    make: Callable[[Any], Any], text: str, expected: dict[str, tuple[int, ...]], note: str
) -> Case:
    return play(
        lambda candidate: _state(make(candidate)),
        f"module = {text}\n{{name: tuple(numbers.shape) for name, numbers in module.state_dict().items()}}",
        expect=_only(expected)(expected),
        view=_only(expected),
        note=note,
    )


def _size_case(make: Callable[[Any], Any], text: str, expected: int, note: str) -> Case:
    return play(
        lambda candidate: sum(p.numel() for p in make(candidate).parameters()),
        f"module = {text}\nsum(p.numel() for p in module.parameters())",
        expect=expected,
        tolerance=0.0,
        note=note,
    )


def _slopes_case(
    make: Callable[[Any], Any],
    text: str,
    weights: Weights,
    given: Tensor,
    right: Callable[[Tensor, Weights], Tensor],
    draw: str,
    note: str = "the slopes along all parameters, and along what came in: without them nothing learns",
) -> Case:
    """Return the case that asks how steep a loss is along every parameter, and along the input where it holds floats.

    A step that torch cannot follow back (`detach`, `.data`, `no_grad`, numpy) leaves the output right and the slope wrong.
    """
    float_input = given.is_floating_point()

    def slopes(
        module: Callable[[Tensor], Tensor], parameters: Mapping[str, Tensor]
    ) -> dict[str, float | None]:
        x = given.clone().requires_grad_(float_input)
        (module(x) ** 2).sum().backward()
        asked = {**parameters, "x": x} if float_input else parameters
        return {name: None if t.grad is None else float(t.grad.norm()) for name, t in asked.items()}

    def ask(candidate: Any) -> dict[str, float | None]:
        module = make(candidate)
        module.load_state_dict(dict(weights))
        return slopes(module, dict(module.named_parameters(remove_duplicate=False)))

    leaves = {
        id(numbers): numbers.clone().requires_grad_() for numbers in weights.values()
    }  # tied ones are one leaf
    held = {name: leaves[id(numbers)] for name, numbers in weights.items()}
    expected = slopes(lambda x: right(x, held), held)

    def view(found: dict[str, float | None]) -> bool:
        unreached = [name for name in expected if found.get(name) is None]
        if unreached:
            raise Unfit(
                f"No slope reaches {_some(unreached)}: nothing {'before it' if unreached == ['x'] else 'there'} could learn."
            )
        for name, slope in expected.items():
            if not math.isclose(found[name] or 0.0, slope or 0.0, rel_tol=1e-3, abs_tol=1e-3):
                raise Unfit(
                    f"The output is right, but not its slope along {_some([name])}: its length is {found[name]:.4g}, where {slope:.4g} is right. "
                    "Does a part of the way to the output not count (`detach`, `.data`, `torch.no_grad()`, numpy)?"
                )
        return True

    x = "ids" if not float_input else "x"
    return play(
        ask,
        f"module = {text}\n{draw}\n{x} = {literal(given)}{'.requires_grad_()' if float_input else ''}\n"
        f"(module({x}) ** 2).sum().backward()\n"
        "{name: p.grad.norm() for name, p in module.named_parameters(remove_duplicate=False)}"
        + (", x.grad.norm()" if float_input else ""),
        expect=True,
        view=view,
        note=note,
    )


def _value_case(
    make: Callable[[Any], Any],
    text: str,
    weights: Weights,
    x: Tensor,
    expect: Tensor,
    *,
    draw: str,
    note: str,
    name: str = "x",
    **more: Any,
) -> Case:
    """Return the case that gives a module these weights, and asks for its output; the input must stay as it was."""
    double = x.dtype == torch.float64 or expect.dtype == torch.float64

    def ask(candidate: Any) -> Any:
        module = make(candidate)
        module.load_state_dict(dict(weights))
        module = module.double() if double else module
        given = copy.deepcopy(x)
        with torch.no_grad():
            answer = module(given)
        return answer if torch.equal(given, x) else {"answer": answer, f"{name}, afterwards": given}

    def view(answer: Any) -> Any:
        if isinstance(answer, dict) and f"{name}, afterwards" in answer:
            raise Unfit(
                f"The module changed the {name} that it was given. Something works in place: `+=`, or a method that ends in `_`?"
            )
        return answer

    called = f"module{'.double()' if double else ''}({literal(x)})"
    return play(ask, f"module = {text}\n{draw}\n{called}", expect=expect, view=view, note=note, **more)


# ---- layer_norm


@exercise(points=2, level=2, minutes=8, by_hand=("layer_norm", "LayerNorm", "native_layer_norm"))
def layer_norm(rng: np.random.Generator) -> Iterator[Case]:
    yield case(tensor([[1.0, 5.0]]), tensor([1.0, 1.0]), tensor([0.0, 0.0]), expect=tensor([[-1.0, 1.0]]))
    yield case(
        tensor([[0.0, 0.0, 4.0, 4.0], [7.0, -1.0, 7.0, -1.0]]),
        tensor([1.0, 2.0, 3.0, 4.0]),
        tensor([10.0, 20.0, 30.0, 40.0]),
        expect=tensor([[9.0, 18.0, 33.0, 44.0], [11.0, 18.0, 33.0, 36.0]]),
        note="two vectors of four numbers, a gain and a bias",
    )
    yield case(
        tensor([0.0, 4.0, 8.0, 4.0]),
        tensor([1.0, 1.0, 1.0, 1.0]),
        tensor([0.0, 0.0, 0.0, 0.0]),
        1.0,
        expect=tensor([-4 / 3, 0.0, 4 / 3, 0.0]),
        note="one vector, its variance is 8, and eps is 1",
    )
    yield case(
        tensor([[3.0, 3.0, 3.0], [0.0, 0.0, 0.0]]),
        tensor([2.0, 2.0, 2.0]),
        tensor([1.0, -1.0, 0.5]),
        expect=tensor([[1.0, -1.0, 0.5]] * 2),
        note="all numbers of a vector are equal: its variance is 0",
    )
    yield case(
        tensor([[0.001, 0.003]]),
        tensor([1.0, 1.0]),
        tensor([0.0, 0.0]),
        expect=tensor([[-1.0, 1.0]]) / math.sqrt(11),
        note="a variance of 0.000001, smaller than the usual eps of 0.00001",
    )
    yield case(
        tensor([[8.0]]), tensor([3.0]), tensor([-2.0]), expect=tensor([[-2.0]]), note="vectors of one number"
    )
    for shape, note in (
        ((3, 5), "3 vectors of 5 numbers"),
        ((4, 4), "as many vectors as numbers in each"),
        ((2, 3, 4), "a batch of 2"),
        ((1, 1, 6), "a batch of one text of one token"),
        ((2, 3, 4, 5), "two axes in front of the tokens"),
    ):
        x, gain, bias = floats(rng, *shape, largest=20.0), floats(rng, shape[-1]), floats(rng, shape[-1])
        yield case(x, gain, bias, expect=F.layer_norm(x, shape[-1:], gain, bias), note=note)
    x, gain, bias = (floats(rng, *shape).double() for shape in ((2, 3), (3,), (3,)))
    yield case(
        x,
        gain,
        bias,
        0.5,
        expect=F.layer_norm(x, (3,), gain, bias, 0.5),
        note="float64, eps 0.5",
        tolerance=FINE,
    )
    x, gain, bias = floats(rng, 4, 3, 2).permute(2, 0, 1), floats(rng, 3), floats(rng, 3)
    yield case(
        x, gain, bias, expect=F.layer_norm(x, (3,), gain, bias), note="x is a transpose of another tensor"
    )


def _moments(x: Any, dim: int = -1, correction: int = 0) -> tuple[Any, Any]:
    mean = x.mean(dim, keepdim=True)
    return mean, ((x - mean) ** 2).sum(dim, keepdim=True) / (x.shape[dim] - correction)


@layer_norm.misconception(
    "Your variance divides by d − 1. That is the estimate of a sample's variance; here the d numbers are all there are.",
    "What does the `var` that you use divide by, unless you tell it otherwise?",
)
def divided_by_one_less(x: Any, gain: Any, bias: Any, eps: float = 1e-5) -> Any:
    mean, variance = _moments(x, correction=1)
    return gain * (x - mean) / torch.sqrt(variance + eps) + bias


@layer_norm.misconception(
    "You took mean and variance over the vectors, number by number: that is a batch norm, and each vector's result depends on the others.",
    "Along which axis do the d numbers of one vector lie?",
)
def over_the_vectors(x: Any, gain: Any, bias: Any, eps: float = 1e-5) -> Any:
    mean, variance = _moments(x, 0)
    return gain * (x - mean) / torch.sqrt(variance + eps) + bias


@layer_norm.misconception(
    "You took one mean and one variance for the whole tensor.",
    "How many means does a tensor of 3 vectors need?",
)
def over_everything(x: Any, gain: Any, bias: Any, eps: float = 1e-5) -> Any:
    return gain * (x - x.mean()) / torch.sqrt(x.var(correction=0) + eps) + bias


@layer_norm.misconception(
    "Your eps stands outside the root, added to the standard deviation.",
    "Read the formula again: to what is eps added, the variance or its root?",
)
def eps_outside_the_root(x: Any, gain: Any, bias: Any, eps: float = 1e-5) -> Any:
    mean, variance = _moments(x)
    return gain * (x - mean) / (torch.sqrt(variance) + eps) + bias


@layer_norm.misconception(
    "You divide by the variance and not by its root, so the result has the variance 1 / variance instead of 1.",
    "If all numbers of x are doubled, by how much grows the variance, and by how much should you divide?",
)
def no_root(x: Any, gain: Any, bias: Any, eps: float = 1e-5) -> Any:
    mean, variance = _moments(x)
    return gain * (x - mean) / (variance + eps) + bias


@layer_norm.misconception(
    "The mean was not taken away: you divide by the root of the mean square. (That is another norm, RMSNorm, which newer models use.)",
    "What should the mean of each result be, before gain and bias?",
)
def mean_stays(x: Any, gain: Any, bias: Any, eps: float = 1e-5) -> Any:
    return gain * x / torch.sqrt((x**2).mean(-1, keepdim=True) + eps) + bias


@layer_norm.misconception(
    "The variance is that of the vector, and the mean is still in the result.",
    "From what do you take the mean away: from the numbers that you divide, too?",
)
def mean_in_the_numerator(x: Any, gain: Any, bias: Any, eps: float = 1e-5) -> Any:
    return gain * x / torch.sqrt(_moments(x)[1] + eps) + bias


@layer_norm.misconception(
    "Gain and bias were not used.",
    "After the vector has mean 0 and variance 1, what do its numbers get multiplied by, and what is added?",
)
def no_gain_and_bias(x: Any, gain: Any, bias: Any, eps: float = 1e-5) -> Any:
    mean, variance = _moments(x)
    return (x - mean) / torch.sqrt(variance + eps)


@layer_norm.misconception(
    "The bias was added first and then multiplied by the gain.",
    "Which comes last in the sentence that says what is returned?",
)
def bias_before_gain(x: Any, gain: Any, bias: Any, eps: float = 1e-5) -> Any:
    mean, variance = _moments(x)
    return gain * ((x - mean) / torch.sqrt(variance + eps) + bias)


@layer_norm.misconception(
    "Gain and bias were applied to x before it was normalised.",
    "What becomes of a bias when the mean is taken away after it?",
)
def gain_before_the_norm(x: Any, gain: Any, bias: Any, eps: float = 1e-5) -> Any:
    return no_gain_and_bias(x * gain + bias, gain, bias, eps)


@layer_norm.misconception(
    "eps is not used. A vector whose numbers are all equal has the variance 0, and 0 / 0 is nan.",
    "Where in the formula does eps keep the divisor away from 0?",
)
def no_eps(x: Any, gain: Any, bias: Any, eps: float = 1e-5) -> Any:
    mean, variance = _moments(x)
    return gain * (x - mean) / torch.sqrt(variance) + bias


@layer_norm.misconception(
    "You use 1e-5 whatever eps is given.",
    "Where does the argument `eps` come in?",
)
def eps_fixed(x: Any, gain: Any, bias: Any, eps: float = 1e-5) -> Any:
    mean, variance = _moments(x)
    return gain * (x - mean) / torch.sqrt(variance + 1e-5) + bias


# ---- LayerNorm


def _norm_case(d: int, weights: Weights, x: Tensor, draw: str, note: str, **more: Any) -> Case:
    w = {name: numbers.to(x.dtype) for name, numbers in weights.items()}
    expect = F.layer_norm(x, (d,), w["weight"], w["bias"])
    return _value_case(lambda C: C(d), f"LayerNorm({d})", weights, x, expect, draw=draw, note=note, **more)


@exercise(points=1, level=1, minutes=3, by_hand=("layer_norm", "LayerNorm", "native_layer_norm"))
def LayerNorm(rng: np.random.Generator) -> Iterator[Case]:
    shapes: dict[str, tuple[int, ...]] = {"weight": (3,), "bias": (3,)}
    yield _names_case(lambda C: C(3), "LayerNorm(3)", shapes, "the names and shapes of its parameters")
    yield play(
        lambda C: {name: p.detach() for name, p in C(3).named_parameters()},
        "dict(LayerNorm(3).named_parameters())",
        expect={"weight": torch.ones(3), "bias": torch.zeros(3)},
        note="as new, the gain is 1 and the bias 0",
    )
    yield play(
        lambda C: C(2)(tensor([[1.0, 5.0], [8.0, 2.0]])),
        "LayerNorm(2)(torch.tensor([[1.0, 5.0], [8.0, 2.0]]))",
        expect=tensor([[-1.0, 1.0], [1.0, -1.0]]),
    )
    seed = int(rng.integers(1000))
    w = _drawn(shapes, seed)
    draw = _draw_text("module", seed)
    yield _norm_case(3, w, floats(rng, 2, 3), draw, "a gain and a bias that are not 1 and 0")
    yield _norm_case(3, w, floats(rng, 2, 5, 3), draw, "a batch of 2")
    yield _norm_case(3, w, floats(rng, 3), draw, "one vector")
    yield _norm_case(3, w, floats(rng, 4, 3).double(), draw, "float64", tolerance=FINE)
    yield _norm_case(3, w, tensor([[0.001, 0.003, 0.005]]), draw, "a variance as small as eps")
    yield _slopes_case(
        lambda C: C(3),
        "LayerNorm(3)",
        w,
        tensor([[1.0, 2.0, 6.0]]),
        lambda x, held: F.layer_norm(x, (3,), held["weight"], held["bias"]),
        draw,
    )


class _Norm(nn.Module):
    """A right one, for the wrong ones to be made of."""

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(d_model)), nn.Parameter(torch.zeros(d_model))

    def forward(self, x: Any) -> Any:
        return F.layer_norm(x, x.shape[-1:], self.weight, self.bias)


@LayerNorm.misconception(
    "The result does not depend on the module's own gain and bias.",
    "Which two attributes of `self` does `layer_norm` want?",
)
class own_numbers_unused(_Norm):
    def forward(self, x: Any) -> Any:
        return F.layer_norm(x, x.shape[-1:])


@LayerNorm.misconception(
    "Gain and bias have changed places.",
    "In which order does `layer_norm` take its arguments, and which of the two starts at 1?",
)
class changed_places(_Norm):
    def forward(self, x: Any) -> Any:
        return F.layer_norm(x, x.shape[-1:], self.bias, self.weight)


@LayerNorm.misconception(
    "The update is added to x: a residual. A norm returns the normalised vectors alone.",
    "Where does x itself go on, around the norm or through it?",
)
class adds_x(_Norm):
    def forward(self, x: Any) -> Any:
        return x + super().forward(x)


@LayerNorm.misconception(
    "The bias is left out.",
    "`layer_norm` takes three tensors. Which is the third?",
)
class no_bias(_Norm):
    def forward(self, x: Any) -> Any:
        return F.layer_norm(x, x.shape[-1:], self.weight)


# ---- MLPLayer


def _mlp_case(d: int, m: int, weights: Weights, x: Tensor, draw: str, note: str, **more: Any) -> Case:
    w = {f"mlp.{name}": numbers.to(x.dtype) for name, numbers in weights.items()}
    return _value_case(
        lambda C: C(d, m), f"MLPLayer({d}, {m})", weights, x, _mlp(x, w, "mlp"), draw=draw, note=note, **more
    )


@exercise(points=1, level=1, minutes=5)
def MLPLayer(rng: np.random.Generator) -> Iterator[Case]:
    shapes = {"up.weight": (5, 3), "up.bias": (5,), "down.weight": (3, 5), "down.bias": (3,)}
    yield _names_case(lambda C: C(3, 5), "MLPLayer(3, 5)", shapes, "the names and shapes of its parameters")
    ones = {"up.weight": tensor([[1.0], [-1.0]]), "up.bias": tensor([0.0, 0.0])}
    ones |= {"down.weight": tensor([[1.0, 100.0]]), "down.bias": tensor([5.0])}
    by_hand = "\n".join(f'module.state_dict()["{name}"].copy_({literal(w)})' for name, w in ones.items())
    yield _mlp_case(
        1,
        2,
        ones,
        tensor([[10.0], [-10.0]]),
        by_hand,
        "one neuron passes what is positive, one what is negative",
    )
    seed = int(rng.integers(1000))
    w = _drawn(shapes, seed)
    draw = _draw_text("module", seed)
    yield _mlp_case(3, 5, w, floats(rng, 2, 3), draw, "2 positions")
    yield _mlp_case(3, 5, w, floats(rng, 3), draw, "one vector")
    yield _mlp_case(3, 5, w, floats(rng, 2, 4, 3, largest=20.0), draw, "a batch of 2")
    yield _mlp_case(
        3, 5, w, floats(rng, 4, 3).double(), draw, "float64, in which small differences show", tolerance=FINE
    )
    narrow = _drawn({"up.weight": (2, 4), "up.bias": (2,), "down.weight": (4, 2), "down.bias": (4,)}, seed)
    yield _mlp_case(4, 2, narrow, floats(rng, 3, 4), draw, "fewer neurons than numbers in a vector")
    yield _slopes_case(
        lambda C: C(3, 5),
        "MLPLayer(3, 5)",
        w,
        tensor([[1.0, 2.0, -3.0]]),
        lambda x, held: _mlp(x, {f"mlp.{name}": numbers for name, numbers in held.items()}, "mlp"),
        draw,
    )


class _MLP(nn.Module):
    """A right one, for the wrong ones to be made of."""

    def __init__(self, d_model: int, d_mlp: int) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(d_model, d_mlp), nn.Linear(d_mlp, d_model)

    def forward(self, x: Any) -> Any:
        return self.down(F.gelu(self.up(x), approximate="tanh"))


@MLPLayer.misconception(
    "Your bend is ReLU. GPT-2's is its GELU.",
    "Which of your three functions of lesson 10 is GPT-2's?",
)
class relu_instead(_MLP):
    def forward(self, x: Any) -> Any:
        return self.down(self.up(x).relu())


@MLPLayer.misconception(
    "Your bend is the exact GELU. It differs from GPT-2's by less than 0.0005, and published weights expect GPT-2's.",
    "Which of your functions has a tanh in it?",
)
class exact_gelu(_MLP):
    def forward(self, x: Any) -> Any:
        return self.down(F.gelu(self.up(x)))


@MLPLayer.misconception(
    "There is no bend between up and down, so the two are one linear map.",
    "What did lesson 01 say about a stack of linear layers?",
)
class no_bend(_MLP):
    def forward(self, x: Any) -> Any:
        return self.down(self.up(x))


@MLPLayer.misconception(
    "The bend comes after the way down. It belongs to the neurons.",
    "At which point of the way do you hold d_mlp numbers?",
)
class bend_after_down(_MLP):
    def forward(self, x: Any) -> Any:
        return F.gelu(self.down(self.up(x)), approximate="tanh")


@MLPLayer.misconception(
    "x is added here. The block will add it, and then it would count twice.",
    "Is asked for the update, or for x with the update?",
)
class adds_the_residual(_MLP):
    def forward(self, x: Any) -> Any:
        return x + super().forward(x)


@MLPLayer.misconception(
    "The two linear layers have no bias.",
    "What does `nn.Linear` do about a bias when you say nothing about it?",
)
class without_bias(_MLP):
    def __init__(self, d_model: int, d_mlp: int) -> None:
        super().__init__(d_model, d_mlp)
        self.up, self.down = nn.Linear(d_model, d_mlp, bias=False), nn.Linear(d_mlp, d_model, bias=False)


# ---- GPTConfig

_NONE = "no number"  # None itself would be taken for a missing `return`
_SIZES = ("vocab_size", "context_length", "d_model", "n_layers", "n_heads")


def _config_case(sizes: dict[str, Any], read: str, expect: Any, note: str = "") -> Case:
    text = (
        f"config = GPTConfig({', '.join(f'{name}={value}' for name, value in sizes.items())})\nconfig.{read}"
    )

    def view(value: Any) -> Any:
        if callable(value) or value == _NONE:
            raise Unfit(f"Expected a number, got {describe(None if value == _NONE else value)}.")
        return value

    def ask(C: Any) -> Any:
        value = getattr(C(**sizes), read)
        return _NONE if value is None else value

    return play(ask, text, expect=expect, view=view, note=note)


@exercise(points=2, level=2, minutes=8)
def GPTConfig(rng: np.random.Generator) -> Iterator[Case]:
    sizes = {"vocab_size": 11, "context_length": 7, "d_model": 6, "n_layers": 2, "n_heads": 3}
    yield play(
        lambda C: [getattr(C(**sizes), name) for name in _SIZES],
        f"config = GPTConfig(11, 7, 6, 2, 3)\n[config.{', config.'.join(_SIZES)}]",
        expect=[11, 7, 6, 2, 3],
    )
    yield _config_case(sizes, "d_mlp", 24, "d_mlp is left out")
    yield _config_case(sizes | {"d_mlp": 10}, "d_mlp", 10, "d_mlp is given")
    yield _config_case(sizes | {"d_mlp": None}, "d_mlp", 24, "d_mlp is None")
    yield _config_case(sizes, "d_head", 2, "3 heads share 6 numbers")
    yield _config_case(sizes | {"n_heads": 1}, "d_head", 6, "one head has all of them")
    yield _config_case(sizes, "tied", True)
    yield _config_case(sizes | {"tied": False}, "tied", False)
    yield _config_case(dict.fromkeys(_SIZES, 1), "d_head", 1, "every size is 1")

    def changed(C: Any) -> Any:
        config = C(**sizes)
        config.n_layers = 3
        return config.n_layers

    yield Case(
        changed,
        expected=None,
        rejected=AttributeError,
        text="config = GPTConfig(11, 7, 6, 2, 3)\nconfig.n_layers = 3",
        note="frozen: no field can be set afterwards (Python's own FrozenInstanceError)",
    )
    yield play(
        lambda C: C(11, 7, 6, 2, 3) == C(11, 7, 6, 2, 3, d_mlp=24),
        "GPTConfig(11, 7, 6, 2, 3) == GPTConfig(11, 7, 6, 2, 3, d_mlp=24)",
        expect=True,
        note="two configs with the same sizes are equal",
    )
    yield play(
        lambda C: dataclasses.replace(C(11, 7, 6, 2, 3), n_heads=2).d_head,
        "dataclasses.replace(GPTConfig(11, 7, 6, 2, 3), n_heads=2).d_head",
        expect=3,
        note="a copy with another number of heads",
    )
    for i, name in enumerate(_SIZES):
        wrong = [11, 7, 6, 2, 3]
        wrong[i] = 0
        yield rejects(*wrong, note=f"{name} is 0")
    yield rejects(11, 7, 6, 2, 3, 0, note="d_mlp is 0")
    yield rejects(11, 7, 6, -2, 3, note="a negative number of layers")
    yield rejects(11, 7, 6, 2, 4, note="4 heads can't share 6 numbers evenly")
    yield rejects(11, 7, 6, 2, 12, note="12 heads can't share 6 numbers either")
    big = {"vocab_size": 50257, "context_length": 2048, "d_model": 12288, "n_layers": 96, "n_heads": 96}
    yield _config_case(big, "d_head", 128, "GPT-3")
    yield _config_case(big, "d_mlp", 49152, "GPT-3")


def _filled(config: Any) -> None:
    if config.d_mlp is None:
        object.__setattr__(config, "d_mlp", 4 * config.d_model)


def _checked(config: Any, names: tuple[str, ...] = (*_SIZES, "d_mlp")) -> None:
    if any(getattr(config, name) < 1 for name in names):
        raise ValueError
    if config.d_model % config.n_heads:
        raise ValueError


@dataclass(frozen=True)
class _Config:
    """A right one, for the wrong ones to be made of."""

    vocab_size: int
    context_length: int
    d_model: int
    n_layers: int
    n_heads: int
    d_mlp: Any = None
    tied: bool = True

    def __post_init__(self) -> None:
        _filled(self)
        _checked(self)

    @property
    def d_head(self) -> Any:
        return self.d_model // self.n_heads


@GPTConfig.misconception(
    "d_mlp stays None where it is left out.",
    "`config.d_mlp` is to read as a number. How does one set a field of a frozen dataclass in `__post_init__`?",
)
@dataclass(frozen=True)
class d_mlp_stays_none(_Config):
    def __post_init__(self) -> None:
        _checked(self, _SIZES)
        if self.d_mlp is not None and self.d_mlp < 1:
            raise ValueError


@GPTConfig.misconception(
    "d_mlp is 4 · d_model even where another size is given.",
    "What should happen to a d_mlp that is not None?",
)
@dataclass(frozen=True)
class d_mlp_overwritten(_Config):
    def __post_init__(self) -> None:
        if self.d_mlp is None or self.d_mlp >= 1:
            object.__setattr__(self, "d_mlp", 4 * self.d_model)
        _checked(self)


@GPTConfig.misconception(
    "Nothing is refused.",
    "What should become of a model with 0 layers, or of 4 heads that share 6 numbers?",
)
@dataclass(frozen=True)
class nothing_refused(_Config):
    def __post_init__(self) -> None:
        _filled(self)

    @property
    def d_head(self) -> Any:
        return self.d_model // self.n_heads if self.n_heads else 0


@GPTConfig.misconception(
    "Heads that do not share d_model evenly are let through.",
    "What is left over when 4 heads share 6 numbers? `%` tells.",
)
@dataclass(frozen=True)
class uneven_heads(_Config):
    def __post_init__(self) -> None:
        _filled(self)
        if any(getattr(self, name) < 1 for name in (*_SIZES, "d_mlp")):
            raise ValueError


@GPTConfig.misconception(
    "Sizes below 1 are let through; 0 heads then end in a division by zero.",
    "Which of the two checks must come first?",
)
@dataclass(frozen=True)
class sizes_not_checked(_Config):
    def __post_init__(self) -> None:
        _filled(self)
        if self.d_model % self.n_heads:
            raise ValueError


@GPTConfig.misconception(
    "The division is the wrong way round: you ask whether d_model divides n_heads.",
    "12 heads, 6 numbers: how many numbers would each head get?",
)
@dataclass(frozen=True)
class divides_the_wrong_way(_Config):
    def __post_init__(self) -> None:
        _filled(self)
        if any(getattr(self, name) < 1 for name in (*_SIZES, "d_mlp")) or (
            self.n_heads % self.d_model and self.d_model % self.n_heads
        ):
            raise ValueError


@GPTConfig.misconception(
    "A size of 1 is refused. A model with one layer or one head is small, and a model.",
    "Below which size is it that no model can be made?",
)
@dataclass(frozen=True)
class one_is_refused(_Config):
    def __post_init__(self) -> None:
        _filled(self)
        _checked(self)
        if any(getattr(self, name) <= 1 for name in _SIZES):
            raise ValueError


@GPTConfig.misconception(
    "The fields can be set afterwards: the dataclass is not frozen.",
    "What stands in the brackets of `@dataclass(…)`?",
)
@dataclass
class not_frozen:
    vocab_size: int
    context_length: int
    d_model: int
    n_layers: int
    n_heads: int
    d_mlp: Any = None
    tied: bool = True

    def __post_init__(self) -> None:
        _filled(self)
        _checked(self)

    @property
    def d_head(self) -> Any:
        return self.d_model // self.n_heads


@GPTConfig.misconception(
    "`config.d_head` is a function here, and not yet a number.",
    "Which line above `def d_head` lets you leave out the brackets when you read it?",
)
@dataclass(frozen=True)
class d_head_is_a_method(_Config):
    def d_head(self) -> Any:
        return self.d_model // self.n_heads


@GPTConfig.misconception(
    "d_head is d_model: as if each head had all the numbers to itself.",
    "All heads together have d_model numbers. How many has one of them?",
)
@dataclass(frozen=True)
class heads_do_not_share(_Config):
    @property
    def d_head(self) -> Any:
        return self.d_model


# ---- Block

_CONFIG = reference.GPTConfig(8, 7, d_model=6, n_layers=2, n_heads=3, d_mlp=10)
_CONFIG_TEXT = "GPTConfig(8, 7, d_model=6, n_layers=2, n_heads=3, d_mlp=10)"
_SILENT_ATTENTION, _SILENT_MLP = "attention.output", "mlp.down"


def _block_case(seed: int, x: Tensor, note: str, silent: tuple[str, ...] = (), **more: Any) -> Case:
    """Return the case that asks a block with known weights; the weights whose names begin as in `silent` are 0."""
    weights = _drawn(_shapes_of_block(_CONFIG), seed)
    draw = _draw_text("module", seed)
    if silent:
        for name in weights:
            weights[name] *= not name.startswith(silent)
        draw += f"\nfor name, p in module.named_parameters(): p.data *= not name.startswith({silent})"
    expect = _block(x, {name: numbers.to(x.dtype) for name, numbers in weights.items()}, _CONFIG.n_heads)
    return _value_case(
        lambda C: C(_CONFIG), f"Block({_CONFIG_TEXT})", weights, x, expect, draw=draw, note=note, **more
    )


@exercise(
    points=3, level=3, minutes=10, by_hand=("TransformerEncoderLayer", "TransformerDecoderLayer", *ATTENTION)
)
def Block(rng: np.random.Generator) -> Iterator[Case]:
    made = f"Block({_CONFIG_TEXT})"
    shapes = _shapes_of_block(_CONFIG)
    size = sum(math.prod(shape) for shape in shapes.values())
    yield _names_case(lambda C: C(_CONFIG), made, shapes, "the names and shapes of its parameters")
    yield _size_case(lambda C: C(_CONFIG), made, size, "how many numbers it learns")
    seed = int(rng.integers(1000))
    yield _block_case(
        seed,
        floats(rng, 2, 6, largest=9.0),
        "attention and MLP have nothing to say, so the block changes nothing",
        (_SILENT_ATTENTION, _SILENT_MLP),
    )
    yield _block_case(seed, floats(rng, 2, 6), "the MLP has nothing to say", (_SILENT_MLP,))
    yield _block_case(seed, floats(rng, 2, 6), "attention has nothing to say", (_SILENT_ATTENTION,))
    yield _block_case(seed, floats(rng, 1, 6), "one token")
    yield _block_case(seed + 1, floats(rng, 3, 6), "attention and MLP")
    yield _block_case(seed + 1, floats(rng, 7, 6, largest=20.0), "large numbers")
    yield _block_case(seed + 2, floats(rng, 2, 4, 6), "a batch of 2")
    yield _block_case(seed + 2, floats(rng, 2, 3, 5, 6), "two axes in front")
    yield _block_case(
        seed + 3, floats(rng, 4, 6).double(), "float64, in which small differences show", tolerance=FINE
    )
    yield _block_case(seed + 3, floats(rng, 5, 6, 2).permute(2, 0, 1), "the axes of x were exchanged")
    other = reference.GPTConfig(8, 7, d_model=4, n_layers=3, n_heads=1)
    text = "Block(GPTConfig(8, 7, d_model=4, n_layers=3, n_heads=1))"
    yield _names_case(lambda C: C(other), text, _shapes_of_block(other), "another config; d_mlp is 16")
    yield _slopes_case(
        lambda C: C(_CONFIG),
        made,
        _drawn(shapes, seed),
        floats(rng, 3, 6),
        lambda x, held: _block(x, held, _CONFIG.n_heads),
        _draw_text("module", seed),
    )


class _Heads(nn.Module):
    """A right layer of attention, for wrong blocks to be made of; `causal` and `n_heads` can be made wrong."""

    def __init__(self, d_model: int, n_heads: int, bias: bool = True, causal: bool = True) -> None:
        super().__init__()
        self.query, self.key, self.value, self.output = (
            nn.Linear(d_model, d_model, bias=bias) for _ in range(4)
        )
        self.n_heads, self.causal = n_heads, causal

    def forward(self, x: Any) -> Any:
        heads = [
            part(x).unflatten(-1, (self.n_heads, -1)).transpose(-3, -2)
            for part in (self.query, self.key, self.value)
        ]
        mixed = F.scaled_dot_product_attention(heads[0], heads[1], heads[2], is_causal=self.causal)
        return self.output(mixed.transpose(-3, -2).flatten(-2))


class _Block(nn.Module):
    """A right block, for the wrong ones to be made of."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.attention_norm, self.mlp_norm = nn.LayerNorm(config.d_model), nn.LayerNorm(config.d_model)
        self.attention: nn.Module = _Heads(config.d_model, config.n_heads)
        self.mlp: nn.Module = _MLP(config.d_model, config.d_mlp)

    def forward(self, x: Any) -> Any:
        x = x + self.attention(self.attention_norm(x))
        return x + self.mlp(self.mlp_norm(x))


@Block.misconception(
    "Your norms come after the addition, as in the first transformer of 2017. In GPT-2 they come before attention and before the MLP, and x itself is never normalised.",
    "With updates of zero, what should come out of a block: x, or x normalised?",
)
class post_norm(_Block):
    def forward(self, x: Any) -> Any:
        x = self.attention_norm(x + self.attention(x))
        return self.mlp_norm(x + self.mlp(x))


@Block.misconception(
    "x is lost on the way: your block passes on the updates instead of adding them to x.",
    "When attention and MLP have nothing to add, what should come out?",
)
class no_residual(_Block):
    def forward(self, x: Any) -> Any:
        return self.mlp(self.mlp_norm(self.attention(self.attention_norm(x))))


@Block.misconception(
    "The attention's update takes the place of x instead of being added to it.",
    "There are two sums in a block. Which of them is missing?",
)
class no_residual_around_attention(_Block):
    def forward(self, x: Any) -> Any:
        x = self.attention(self.attention_norm(x))
        return x + self.mlp(self.mlp_norm(x))


@Block.misconception(
    "The MLP's update takes the place of x instead of being added to it.",
    "There are two sums in a block. Have you written both?",
)
class no_residual_around_mlp(_Block):
    def forward(self, x: Any) -> Any:
        x = x + self.attention(self.attention_norm(x))
        return self.mlp(self.mlp_norm(x))


@Block.misconception(
    "The updates are added to the normalised x. What is added to must be x itself.",
    "How many times does x itself pass through a norm in `x + attention(norm(x))`?",
)
class added_to_the_normalised(_Block):
    def forward(self, x: Any) -> Any:
        x = self.attention_norm(x)
        x = x + self.attention(x)
        x = self.mlp_norm(x)
        return x + self.mlp(x)


@Block.misconception(
    "Attention and MLP read through the same norm: `mlp_norm` is not used.",
    "Which norm stands in front of the MLP?",
)
class one_norm_for_both(_Block):
    def forward(self, x: Any) -> Any:
        x = x + self.attention(self.attention_norm(x))
        return x + self.mlp(self.attention_norm(x))


@Block.misconception(
    "`attention_norm` and `mlp_norm` are one and the same module under two names, so they cannot learn different things.",
    "How many norms are made, if the name on the right is the same both times?",
)
class one_norm_under_two_names(_Block):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.mlp_norm = self.attention_norm


@Block.misconception(
    "Attention and MLP read x as it is: nothing goes through the norms.",
    "What should attention be given: x, or x normalised?",
)
class no_norms(_Block):
    def forward(self, x: Any) -> Any:
        x = x + self.attention(x)
        return x + self.mlp(x)


@Block.misconception(
    "The MLP reads x from before attention. (Some models do work side by side like this; GPT-2's works one after the other.)",
    "Which x does the MLP's norm get: the old one, or the one with the attention's update in it?",
)
class side_by_side(_Block):
    def forward(self, x: Any) -> Any:
        return x + self.attention(self.attention_norm(x)) + self.mlp(self.mlp_norm(x))


@Block.misconception(
    "The MLP comes first and attention second.",
    "What would the MLP of the first block have to work on, before any token has looked at another?",
)
class mlp_first(_Block):
    def forward(self, x: Any) -> Any:
        x = x + self.mlp(self.mlp_norm(x))
        return x + self.attention(self.attention_norm(x))


@Block.misconception(
    "Only the sum of the updates comes out, without x.",
    "What does the next block need: what was added, or all there is?",
)
class only_the_updates(_Block):
    def forward(self, x: Any) -> Any:
        return super().forward(x) - x


@Block.misconception(
    "Tokens look at later tokens: the attention is not causal.",
    "What does your attention layer do when nothing is said about `causal`?",
)
class looks_ahead(_Block):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.attention = _Heads(config.d_model, config.n_heads, causal=False)


@Block.misconception(
    "The attention has one head, whatever the config says.",
    "Which field of the config says how many heads there are?",
)
class always_one_head(_Block):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.attention = _Heads(config.d_model, 1)


@Block.misconception(
    "The MLP has 4 · d_model neurons, whatever the config says.",
    "Which field of the config says how many neurons there are?",
)
class always_four_times(_Block):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.mlp = _MLP(config.d_model, 4 * config.d_model)


@Block.misconception(
    "The linear layers of attention have no bias. GPT-2's have one.",
    "What does your attention layer do when nothing is said about `bias`?",
)
class attention_without_bias(_Block):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.attention = _Heads(config.d_model, config.n_heads, bias=False)


class _ExactMLP(_MLP):
    def forward(self, x: Any) -> Any:
        return self.down(F.gelu(self.up(x)))


@Block.misconception(
    "The bend in the MLP is the exact GELU; GPT-2's differs a little, and published weights expect it.",
    "Which GELU has a tanh in it?",
)
class another_gelu(_Block):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.mlp = _ExactMLP(config.d_model, config.d_mlp)


# ---- init_weights

_START = reference.GPTConfig(101, 67, d_model=32, n_layers=8, n_heads=2)
_START_TEXT = "GPT(GPTConfig(101, 67, d_model=32, n_layers=8, n_heads=2{}))"
_FROM_SCRATCH = "model = {}\nfor p in model.parameters(): p.data.fill_(7.0)\n"


def _filled_with_sevens(config: Any) -> nn.Module:
    """Return a model whose numbers are all 7; its norms are torch's own, so that one may know them by their class, too."""
    model = reference.GPT(config)
    for block in model.blocks:
        block.attention_norm, block.mlp_norm = nn.LayerNorm(config.d_model), nn.LayerNorm(config.d_model)
    model.final_norm = nn.LayerNorm(config.d_model)  # type: ignore[assignment]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(7.0)
    return model


_WRITES = ("attention.output.weight", "mlp.down.weight")


def _kind(name: str) -> str:
    """Return a parameter's name without its layer: blocks.3.mlp.up.weight is of the kind mlp.up.weight."""
    return name.split(".", 2)[2] if name.startswith("blocks.") else name


def _by_kind(model: Any, wanted: Callable[[str], bool]) -> dict[str, Tensor]:
    """Return all numbers of each kind of parameter that is wanted, of all layers together."""
    found: dict[str, list[Tensor]] = {}
    for name, parameter in model.named_parameters():
        if wanted(name):
            found.setdefault(_kind(name), []).append(parameter.detach().flatten())
    return {kind: torch.cat(parts) for kind, parts in found.items()}


def _start_case(
    config: Any,
    what: str,
    measure: Callable[[Any], Any],
    expect: Any,
    seed: int | None,
    **more: Any,
) -> Case:
    """Return the case that starts a model anew and measures it; `what` is the measure as text."""

    def ask(candidate: Callable[..., Any]) -> Any:
        model = _filled_with_sevens(config)
        with torch.random.fork_rng([]):
            if seed is None:
                candidate(model)
            else:
                candidate(model, torch.Generator().manual_seed(seed))
        return measure(model)

    changes = "" if config.tied else ", tied=False"
    made = _START_TEXT.replace("n_layers=8", f"n_layers={config.n_layers}").format(changes)
    given = "model" if seed is None else f"model, torch.Generator().manual_seed({seed})"
    return play(ask, f"{_FROM_SCRATCH.format(made)}init_weights({given})\n{what}", expect=expect, **more)


def _stds(config: Any, writes: bool, std: float, seed: int | None, note: str) -> Case:
    """Return the case on the standard deviation of each kind of matrix; 10 % is at least six standard errors."""

    def wanted(name: str) -> bool:
        return name.endswith("weight") and "norm" not in name and name.endswith(_WRITES) == writes

    kinds = dict.fromkeys(_kind(name) for name in _shapes_of_gpt(config) if wanted(name))
    if config.tied:
        kinds.pop("unembedding.weight", None)
    return _start_case(
        config,
        "the standard deviation of all numbers of a kind",
        lambda model: {kind: numbers.std() for kind, numbers in _by_kind(model, wanted).items()},
        {kind: tensor(std) for kind in kinds},
        seed,
        tolerance=0.1 * std,
        note=note,
    )


def _like_before(tied: bool) -> Case:
    """Return the case that asks whether the model still has the parameters that it had."""
    config = dataclasses.replace(_START, n_layers=2, tied=tied)

    def ask(candidate: Callable[..., Any]) -> Any:
        model = _filled_with_sevens(config)
        before = dict(model.named_parameters(remove_duplicate=False))
        candidate(model, torch.Generator().manual_seed(0))
        after = dict(model.named_parameters(remove_duplicate=False))
        kept = before.keys() == after.keys() and all(after[name] is p for name, p in before.items())
        return {"kept": kept, "can learn": all(p.requires_grad for p in model.parameters())}

    tie = "" if tied else ", tied=False"
    return play(
        ask,
        f"model = {_START_TEXT.replace('n_layers=8', 'n_layers=2').format(tie)}\nbefore = list(model.parameters())\n"
        "init_weights(model)\n{'kept': all(a is b for a, b in zip(model.parameters(), before)),\n"
        " 'can learn': all(p.requires_grad for p in model.parameters())}",
        expect={"kept": True, "can learn": True},
        note="in place: the model keeps its parameters, with new numbers in them"
        + ("; tied" if tied else ""),
    )


def _twice(first: int, second: int, expect: bool, note: str) -> Case:
    """Return the case that asks whether two seeds give the same model."""
    config = dataclasses.replace(_START, n_layers=2)

    def ask(candidate: Callable[..., Any]) -> Any:
        models = []
        for other, seed in enumerate((first, second)):
            models.append(_filled_with_sevens(config))
            with torch.random.fork_rng([]):
                torch.manual_seed(other)  # torch's own generator must have no say
                candidate(models[-1], torch.Generator().manual_seed(seed))
        pairs = zip(models[0].parameters(), models[1].parameters(), strict=True)
        return all(torch.equal(a, b) for a, b in pairs)

    return play(
        ask,
        "torch.manual_seed(0)\n"
        f"init_weights(model, torch.Generator().manual_seed({first}))\ntorch.manual_seed(1)\n"
        f"init_weights(other, torch.Generator().manual_seed({second}))\n"
        "all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters()))",
        expect=expect,
        note=note,
    )


@exercise(points=3, level=3, minutes=12, seconds=10)
def init_weights(rng: np.random.Generator) -> Iterator[Case]:
    seed = int(rng.integers(1000))
    small = dataclasses.replace(_START, n_layers=2)
    untied = dataclasses.replace(_START, n_layers=2, tied=False)

    def extremes(model: Any, ending: str, norms: bool) -> dict[str, Any]:
        chosen = _by_kind(model, lambda name: name.endswith(ending) and (not norms or "norm" in name))
        return {kind: torch.stack([numbers.min(), numbers.max()]) for kind, numbers in chosen.items()}

    shapes = _shapes_of_gpt(small)
    gains = {_kind(name) for name in shapes if name.endswith("norm.weight")}
    biases = {_kind(name) for name in shapes if name.endswith("bias")}
    what = "the smallest and the largest number of a kind"
    yield _start_case(
        small, what, lambda model: extremes(model, "bias", False),
        {kind: tensor([0.0, 0.0]) for kind in sorted(biases)}, seed, note="biases are 0", tolerance=0.0,
    )  # fmt: skip
    yield _start_case(
        small, what, lambda model: extremes(model, "weight", True),
        {kind: tensor([1.0, 1.0]) for kind in sorted(gains)}, seed, note="gains are 1", tolerance=0.0,
    )  # fmt: skip
    yield _stds(_START, False, 0.02, seed, "matrices that do not write into the residual stream")
    yield _stds(
        _START, True, 0.02 / 4, seed, "what writes into the residual stream: 8 layers, so the divisor is 4"
    )
    yield _stds(
        small, True, 0.02 / 2, seed, "what writes into the residual stream: 2 layers, so the divisor is 2"
    )
    yield _stds(untied, False, 0.02, seed, "an unembedding of its own")
    yield _stds(small, False, 0.02, None, "no generator is given")

    def all_numbers(model: Any) -> Tensor:
        chosen = _by_kind(
            model, lambda n: n.endswith("weight") and "norm" not in n and not n.endswith(_WRITES)
        )
        return torch.cat(list(chosen.values())) / 0.02

    yield _start_case(
        _START, "mean of all numbers / 0.02, and share of those beyond 0.04",
        lambda model: {"mean": all_numbers(model).mean(), "share": (all_numbers(model).abs() > 2).float().mean()},
        {"mean": tensor(0.0), "share": tensor(0.0455)}, seed, tolerance=0.02,
        note="normal numbers: mean 0, and about 4.6 of 100 beyond two standard deviations",
    )  # fmt: skip
    yield _like_before(tied=True)
    yield _like_before(tied=False)
    yield _twice(seed, seed, True, "the same state of the generator gives the same numbers")
    yield _twice(seed, seed + 1, False, "another state gives others")
    yield _start_case(
        small,
        "torch.equal(model.blocks[0].attention.query.weight, model.blocks[0].attention.key.weight)",
        lambda model: torch.equal(model.blocks[0].attention.query.weight, model.blocks[0].attention.key.weight),
        False, seed, note="two matrices get different numbers",
    )  # fmt: skip


def _started(
    model: Any,
    generator: Any,
    *,
    std: float = 0.02,
    divisor: Callable[[int], float] = lambda n_layers: math.sqrt(2 * n_layers),
    writes: tuple[str, ...] = _WRITES,
    bias: Callable[[Tensor], Any] = nn.init.zeros_,
    gain: Callable[[Tensor], Any] = nn.init.ones_,
) -> None:
    """Do it right, but for what the arguments make wrong."""
    for name, p in model.named_parameters():
        if name.endswith("bias"):
            bias(p)
        elif "norm" in name:
            gain(p)
        else:
            own = std / divisor(model.config.n_layers) if name.endswith(writes) else std
            nn.init.normal_(p, std=own, generator=generator)


@init_weights.misconception(
    "`attention.output` and `mlp.down` are not scaled down: they have a standard deviation of 0.02, like all others.",
    "Which two matrices of a block write into the residual stream, and how many such writers has the whole model?",
)
def residual_not_scaled(model: Any, generator: Any = None) -> None:
    _started(model, generator, writes=())


@init_weights.misconception(
    "You divide by √n_layers. Each layer writes into the stream twice.",
    "How many updates are added up on the way through n_layers blocks?",
)
def one_writer_a_layer(model: Any, generator: Any = None) -> None:
    _started(model, generator, divisor=math.sqrt)


@init_weights.misconception(
    "You divide by 2 · n_layers, without the root.",
    "The sum of N independent numbers has N times the variance. By how much has its standard deviation grown?",
)
def no_root_in_the_scale(model: Any, generator: Any = None) -> None:
    _started(model, generator, divisor=lambda n_layers: 2 * n_layers)


@init_weights.misconception(
    "Only `attention.output` is scaled down. The MLP writes into the stream too.",
    "What is the last matrix in the MLP?",
)
def only_attention_scaled(model: Any, generator: Any = None) -> None:
    _started(model, generator, writes=_WRITES[:1])


@init_weights.misconception(
    "Only `mlp.down` is scaled down. Attention writes into the stream too.",
    "What is the last matrix in an attention layer?",
)
def only_mlp_scaled(model: Any, generator: Any = None) -> None:
    _started(model, generator, writes=_WRITES[1:])


@init_weights.misconception(
    "The biases are not 0.",
    "Which names of parameters end in `bias`? `nn.init.zeros_` fills one with zeros.",
)
def biases_random(model: Any, generator: Any = None) -> None:
    _started(model, generator, bias=lambda p: nn.init.normal_(p, std=0.02, generator=generator))


@init_weights.misconception(
    "The gains of the norms are not 1 afterwards. They are random numbers of 0.02, so each norm makes its vectors fifty times too small.",
    "Which weights are no matrices?",
)
def gains_random(model: Any, generator: Any = None) -> None:
    _started(model, generator, gain=lambda p: nn.init.normal_(p, std=0.02, generator=generator))


@init_weights.misconception(
    "The gains of the norms are what they were before. This model was not new: all its numbers were 7.",
    "A norm is known by its name: how do the names of all gains end? (The model's norms may be of another class than yours.)",
)
def gains_left(model: Any, generator: Any = None) -> None:
    _started(model, generator, gain=lambda p: None)


@init_weights.misconception(
    "The biases are what they were before. This model was not new: all its numbers were 7.",
    "Which function of `nn.init` fills a parameter with zeros?",
)
def biases_left(model: Any, generator: Any = None) -> None:
    _started(model, generator, bias=lambda p: None)


@init_weights.misconception(
    "The embeddings are what they were before.",
    "Which parameters of the model lie outside the blocks?",
)
def embeddings_left(model: Any, generator: Any = None) -> None:
    kept = {name: p.clone() for name, p in model.named_parameters() if "embedding" in name}
    _started(model, generator)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name in kept:
                p.copy_(kept[name])


@init_weights.misconception(
    "0.02 is taken as the variance: your standard deviation is √0.02 = 0.14.",
    "What does the second number mean that the normal distribution's function takes?",
)
def variance_of_002(model: Any, generator: Any = None) -> None:
    _started(model, generator, std=math.sqrt(0.02))


@init_weights.misconception(
    "All numbers are standard normal: 0.02 is missing.",
    "By what do you multiply a number with standard deviation 1 to get one with 0.02?",
)
def standard_normal(model: Any, generator: Any = None) -> None:
    _started(model, generator, std=1.0)


@init_weights.misconception(
    "These are uniform numbers; normal ones are asked.",
    "Which method of a tensor fills it with normal numbers?",
)
def uniform_numbers(model: Any, generator: Any = None) -> None:
    _started(model, generator)
    for name, p in model.named_parameters():
        if p.ndim == 2:
            std = 0.02 / math.sqrt(2 * model.config.n_layers) if name.endswith(_WRITES) else 0.02
            nn.init.uniform_(p, -math.sqrt(3) * std, math.sqrt(3) * std, generator=generator)


@init_weights.misconception(
    "Your numbers do not come from the generator that was given.",
    "Which argument of the function that draws takes the generator?",
)
def generator_unused(model: Any, generator: Any = None) -> None:
    _started(model, None)


@init_weights.misconception(
    "Every call gives the same numbers, whatever the generator's state: a seed is fixed inside.",
    "Who should decide where the generator starts?",
)
def seed_fixed(model: Any, generator: Any = None) -> None:
    _started(model, torch.Generator().manual_seed(0))


@init_weights.misconception(
    "The model has new parameters in place of its old ones. An optimizer that knows the old ones would train what nobody uses.",
    "How do you change the numbers *inside* a parameter?",
)
def new_parameters(model: Any, generator: Any = None) -> None:
    _started(model, generator)
    for module in model.modules():
        for name, p in list(module.named_parameters(recurse=False)):
            setattr(module, name, nn.Parameter(p.detach().clone()))


# ---- GPT

_LONG = reference.GPTConfig(11, 6, d_model=4, n_layers=3, n_heads=1, tied=False)
_LONG_TEXT = "GPTConfig(11, 6, d_model=4, n_layers=3, n_heads=1, tied=False)"
_UNTIED = dataclasses.replace(_CONFIG, tied=False)
_UNTIED_TEXT = _CONFIG_TEXT[:-1] + ", tied=False)"


def _gpt_case(
    config: Any, text: str, seed: int, ids: Tensor, note: str, double: bool = False, **more: Any
) -> Case:
    weights = _drawn(_shapes_of_gpt(config), seed)
    if config.tied:  # drawn last under this name, and seen under both
        weights["token_embedding.weight"] = weights["unembedding.weight"]
    held = {name: numbers.double() if double else numbers for name, numbers in weights.items()}
    return _value_case(
        lambda C: C(config), f"GPT({text})", weights, ids, _logits(ids, held, config),
        draw=_draw_text("module", seed), note=note, name="ids", **more,
    )  # fmt: skip


def _gpt_rejects(ids: Tensor, note: str) -> Case:
    weights = _drawn(_shapes_of_gpt(_CONFIG), 0)
    weights["token_embedding.weight"] = weights["unembedding.weight"]

    def ask(C: Any) -> Any:
        model = C(_CONFIG)
        model.load_state_dict(weights)
        return model(ids.clone())

    text = f"model = GPT({_CONFIG_TEXT})\nmodel({literal(ids)})"
    return Case(ask, expected=None, rejected=ValueError, text=text, note=note)


@exercise(
    points=5,
    level=4,
    minutes=15,
    by_hand=("TransformerEncoder", "TransformerDecoder", "Transformer", "GPT2Model", "GPT2LMHeadModel"),
)
def GPT(rng: np.random.Generator) -> Iterator[Case]:
    def ids(*shape: int, vocab_size: int = 8) -> Tensor:
        return torch.from_numpy(rng.integers(vocab_size, size=shape))

    tied, untied = _shapes_of_gpt(_CONFIG), _shapes_of_gpt(_UNTIED)
    numbers = sum(math.prod(shape) for shape in untied.values())
    made, made_untied = f"GPT({_CONFIG_TEXT})", f"GPT({_UNTIED_TEXT})"
    yield _names_case(lambda C: C(_CONFIG), made, tied, "the names and shapes of its parameters")
    yield _size_case(
        lambda C: C(_CONFIG), made, numbers - 8 * 6, "how many numbers it learns; the tied matrix counts once"
    )
    yield _size_case(lambda C: C(_UNTIED), made_untied, numbers, "how many numbers it learns; not tied")

    def is_tied(C: Any) -> bool:
        model = C(_CONFIG)
        return model.unembedding.weight is model.token_embedding.weight

    yield play(
        is_tied,
        f"model = {made}\nmodel.unembedding.weight is model.token_embedding.weight",
        expect=True,
        note="tied: one parameter under two names",
    )
    yield play(
        lambda C: C(_CONFIG).config == _CONFIG,
        f"config = {_CONFIG_TEXT}\nGPT(config).config == config",
        expect=True,
        note="the model keeps its config",
    )
    seed = int(rng.integers(1000))
    yield _gpt_case(_CONFIG, _CONFIG_TEXT, seed, ids(1, 7), "as many tokens as the context holds")
    yield _gpt_case(_CONFIG, _CONFIG_TEXT, seed, tensor([[2]]), "one token")
    yield _gpt_case(_CONFIG, _CONFIG_TEXT, seed, tensor([[4, 4, 4]]), "the same token three times")
    yield _gpt_case(_CONFIG, _CONFIG_TEXT, seed + 1, ids(2, 3), "a batch of 2")
    yield _gpt_case(
        _CONFIG, _CONFIG_TEXT, seed + 1, ids(9, 2), "a batch of 9 texts: more than the context holds tokens"
    )
    yield _gpt_case(_UNTIED, _UNTIED_TEXT, seed + 2, ids(1, 3), "an unembedding of its own")
    yield _gpt_case(
        _LONG,
        _LONG_TEXT,
        seed + 2,
        ids(3, 6, vocab_size=11),
        "another config: 3 layers, one head, d_mlp left out",
    )
    one = dataclasses.replace(_CONFIG, n_layers=1)
    yield _gpt_case(one, _CONFIG_TEXT.replace("n_layers=2", "n_layers=1"), seed, ids(2, 5), "one layer")
    yield _gpt_case(
        _CONFIG,
        _CONFIG_TEXT,
        seed + 3,
        ids(2, 4),
        "float64, in which small differences show",
        True,
        tolerance=FINE,
    )
    turned = ids(3, 2).T
    yield _gpt_case(_CONFIG, _CONFIG_TEXT, seed + 4, turned, "the ids are a transpose of another tensor")
    yield _gpt_rejects(ids(1, 8), "8 tokens, and the context holds 7")
    yield _gpt_rejects(ids(2, 9), "9 tokens in each of 2 texts, and the context holds 7")
    yield _gpt_rejects(tensor([[0, 8, 1]]), "the id 8 in a vocabulary of 8")
    yield _gpt_rejects(tensor([[0, 1], [-1, 2]]), "a negative id")
    weights = _drawn(tied, seed)
    weights["token_embedding.weight"] = weights["unembedding.weight"]
    yield _slopes_case(
        lambda C: C(_CONFIG),
        made,
        weights,
        ids(2, 7),
        lambda x, held: _logits(x, held, _CONFIG),
        _draw_text("module", seed),
    )


class _GPT(nn.Module):
    """A right model, for the wrong ones to be made of."""

    block: Any = _Block

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.position_embedding = nn.Embedding(config.context_length, config.d_model)
        self.blocks: Any = nn.ModuleList(self.block(config) for _ in range(config.n_layers))
        self.final_norm = nn.LayerNorm(config.d_model)
        self.unembedding = nn.Linear(config.d_model, config.vocab_size, bias=False)
        if config.tied:
            self.unembedding.weight = self.token_embedding.weight

    def refuse(self, ids: Any) -> None:
        if ids.shape[-1] > self.config.context_length or ids.min() < 0 or ids.max() >= self.config.vocab_size:
            raise ValueError

    def embedded(self, ids: Any) -> Any:
        return self.token_embedding(ids) + self.position_embedding.weight[: ids.shape[-1]]

    def through(self, x: Any) -> Any:
        for block in self.blocks:
            x = block(x)
        return x

    def forward(self, ids: Any) -> Any:
        self.refuse(ids)
        return self.unembedding(self.final_norm(self.through(self.embedded(ids))))


@GPT.misconception(
    "Positions are missing: the model would read a text and its words in another order alike, as far as its mask lets it.",
    "What is added to the token's vector, before the first block?",
)
class no_positions(_GPT):
    def embedded(self, ids: Any) -> Any:
        return self.token_embedding(ids) + 0 * self.position_embedding.weight.sum()


@GPT.misconception(
    "Positions are counted from the end of the text.",
    "Which position has the first token?",
)
class positions_from_the_end(_GPT):
    def embedded(self, ids: Any) -> Any:
        return self.token_embedding(ids) + self.position_embedding.weight[-ids.shape[-1] :]


@GPT.misconception(
    "Only texts as long as the context work: the whole table of positions is added, whatever the text's length.",
    "Which rows of the table does a text of three tokens need?",
)
class one_length_only(_GPT):
    def embedded(self, ids: Any) -> Any:
        return self.token_embedding(ids) + self.position_embedding.weight


@GPT.misconception(
    "The last norm is missing, between the last block and the unembedding.",
    "What does `final_norm` wait for?",
)
class no_final_norm(_GPT):
    def forward(self, ids: Any) -> Any:
        self.refuse(ids)
        return self.unembedding(self.through(self.embedded(ids))) + 0 * self.final_norm.weight.sum()


@GPT.misconception(
    "The vectors are normalised before the first block as well.",
    "Does a block take care of its own norms?",
)
class norm_before_the_blocks(_GPT):
    def embedded(self, ids: Any) -> Any:
        return self.final_norm(super().embedded(ids))


@GPT.misconception(
    "Not all of the blocks are used.",
    "The loop over the blocks hands x from one to the next. Does it?",
)
class only_one_block(_GPT):
    def through(self, x: Any) -> Any:
        return self.blocks[-1](x)


@GPT.misconception(
    "The blocks stand in a Python list. torch looks for parameters in modules only and does not find those in a list.",
    "Which class of `torch.nn` is a list that torch can see into?",
)
class blocks_in_a_list(_GPT):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        blocks = list(self.blocks)
        del self.blocks
        self.blocks = blocks


@GPT.misconception(
    "All layers are one and the same block, so that they learn the same numbers.",
    "How often is `Block(config)` called in what you wrote? `[a] * 3` holds one thing three times.",
)
class one_block_repeated(_GPT):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.blocks = nn.ModuleList([self.blocks[0]] * config.n_layers)


@GPT.misconception(
    "The config says tied, and the model has two matrices: the unembedding is no longer the embedding after the first step of training. (To copy the values is not enough.)",
    "A module's attribute can be set. Which parameter should `self.unembedding.weight` be?",
)
class never_tied(_GPT):
    def __init__(self, config: Any) -> None:
        super().__init__(dataclasses.replace(config, tied=False))
        self.config = config


@GPT.misconception(
    "The unembedding is tied even where the config says that it is not.",
    "Which field of the config decides?",
)
class always_tied(_GPT):
    def __init__(self, config: Any) -> None:
        super().__init__(dataclasses.replace(config, tied=True))
        self.config = config


@GPT.misconception(
    "The unembedding has a bias. GPT-2's has none.",
    "`nn.Linear` adds a bias unless you tell it otherwise. How do you?",
)
class bias_in_the_unembedding(_GPT):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.unembedding.bias = nn.Parameter(torch.zeros(config.vocab_size))


@GPT.misconception(
    "These are probabilities: a softmax has run already. Logits are asked, which the loss and the sampling turn into probabilities by themselves.",
    "What comes straight out of the unembedding?",
)
class softmax_already(_GPT):
    def forward(self, ids: Any) -> Any:
        return super().forward(ids).softmax(-1)


@GPT.misconception(
    "Only the last position's logits come out. In training each position predicts the token after it.",
    "How many predictions does a text of n tokens give?",
)
class last_position_only(_GPT):
    def forward(self, ids: Any) -> Any:
        return super().forward(ids)[:, -1]


@GPT.misconception(
    "The token's vector is multiplied by √d_model, as in the first transformer of 2017. GPT-2 leaves it as it is.",
    "What are the two things that are added, and is one of them scaled?",
)
class embedding_scaled(_GPT):
    def embedded(self, ids: Any) -> Any:
        scale = math.sqrt(self.config.d_model)
        return scale * self.token_embedding(ids) + self.position_embedding.weight[: ids.shape[-1]]


class _Ahead(_Block):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.attention = _Heads(config.d_model, config.n_heads, causal=False)


@GPT.misconception(
    "Tokens look at later tokens: a change of the last token changes the logits before it.",
    "Which argument of your attention layer keeps the future out, and what is it when nothing is said?",
)
class not_causal(_GPT):
    block = _Ahead


class _PostNorm(_Block):
    def forward(self, x: Any) -> Any:
        x = self.attention_norm(x + self.attention(x))
        return self.mlp_norm(x + self.mlp(x))


@GPT.misconception(
    "The norms in your blocks come after the additions.",
    "`check.Block(Block)` is about this. What does it say?",
)
class blocks_with_post_norm(_GPT):
    block = _PostNorm


@GPT.misconception(
    "A text that is too long is cut without a word. It is to be refused.",
    "How would somebody notice that the model did not read the beginning?",
)
class cuts_long_texts(_GPT):
    def refuse(self, ids: Any) -> None:
        super().refuse(ids[..., -self.config.context_length :])

    def forward(self, ids: Any) -> Any:
        self.refuse(ids)
        return super().forward(ids[..., -self.config.context_length :])


@GPT.misconception(
    "You count the texts of the batch instead of the tokens of a text.",
    "Which axis of `ids` holds the tokens? `len(ids)` is the length of the first.",
)
class counts_the_texts(_GPT):
    def refuse(self, ids: Any) -> None:
        if len(ids) > self.config.context_length:
            raise ValueError
        if ids.shape[-1] <= self.config.context_length:
            super().refuse(ids)

    def embedded(self, ids: Any) -> Any:
        positions = torch.arange(ids.shape[-1]).clamp(max=self.config.context_length - 1)
        return self.token_embedding(ids) + self.position_embedding(positions)


@GPT.misconception(
    "An id outside the vocabulary is left to torch, which raises an IndexError. A ValueError is asked, whose words name the ids that are allowed.",
    "Which two comparisons tell whether an id lies outside?",
)
class ids_not_checked(_GPT):
    def refuse(self, ids: Any) -> None:
        if ids.shape[-1] > self.config.context_length:
            raise ValueError


@GPT.misconception(
    "A negative id is let through. Rows are counted from the end then: −1 becomes the last token.",
    "Are ids below 0 in your test?",
)
class negative_ids(_GPT):
    def refuse(self, ids: Any) -> None:
        super().refuse(ids.clamp(min=0))

    def embedded(self, ids: Any) -> Any:
        return self.token_embedding.weight[ids] + self.position_embedding.weight[: ids.shape[-1]]


# ---- count_parameters


def _counted(config: Any) -> dict[str, int]:
    """Return the right numbers, counted from the shapes of a model rather than by formulas."""
    keys = {
        "token_embedding.weight": "embedding", "attention.query.weight": "query", "attention.key.weight": "key",
        "attention.value.weight": "value_down", "attention.output.weight": "value_up", "mlp.up.weight": "mlp_up",
        "mlp.down.weight": "mlp_down", "unembedding.weight": "unembedding", "position_embedding.weight": "positions",
    }  # fmt: skip
    counts = dict.fromkeys([*keys.values(), "biases", "norms"], 0)
    one = dataclasses.replace(config, n_layers=1)
    for name, shape in _shapes_of_gpt(one).items():
        kind = _kind(name)
        key = "norms" if "norm" in kind else keys.get(kind, "biases")
        counts[key] += math.prod(shape) * (config.n_layers if name.startswith("blocks") else 1)
    if config.tied:
        counts["unembedding"] = 0
    matrices = sum(list(counts.values())[:8])
    return counts | {"matrices": matrices, "total": sum(counts.values())}


def _whole(answer: Any) -> Any:
    """Return the counts as arrays of no axis: of these a message shows the one that differs."""
    if not isinstance(answer, dict):
        raise Unfit(f"Expected a dict, got {describe(answer)}.")
    return {key: np.asarray(value) for key, value in answer.items()}


def _count_case(config: Any, note: str, expect: dict[str, int] | None = None) -> Case:
    given = ", ".join(f"{name}={value}" for name, value in dataclasses.asdict(config).items())
    right = _whole(_counted(config) if expect is None else expect)
    keys = ", ".join(expect) if expect else ""
    return play(
        lambda candidate: candidate(config),
        f"count_parameters(GPTConfig({given}))",
        expect=right,
        view=_whole,
        tolerance=0.0,
        note=note + (f" ({keys} of it)" if expect and len(expect) < 3 else ""),
    )


@exercise(points=3, level=3, minutes=10, seconds=20)
def count_parameters(rng: np.random.Generator) -> Iterator[Case]:
    Config = reference.GPTConfig
    by_hand = {
        "embedding": 20,
        "query": 4,
        "key": 4,
        "value_down": 4,
        "value_up": 4,
        "mlp_up": 10,
        "mlp_down": 10,
    }
    by_hand |= {"unembedding": 20, "positions": 6, "biases": 15, "norms": 12, "matrices": 76, "total": 109}
    yield _count_case(Config(10, 3, 2, 1, 1, 5, tied=False), "one layer, one head", by_hand)
    yield _count_case(
        Config(10, 3, 2, 1, 1, 5), "the same, tied", by_hand | {"unembedding": 0, "matrices": 56, "total": 89}
    )
    yield _count_case(Config(11, 7, 6, 3, 2, 10, tied=False), "3 layers of 2 heads; d_mlp is not 4 · d_model")
    yield _count_case(
        Config(50257, 1024, 768, 12, 12), "GPT-2 small, tied", {"matrices": 123532032, "total": 124439808}
    )
    yield _count_case(Config(50257, 1024, 1600, 48, 25), "GPT-2 XL, tied", {"total": 1557611200})
    yield _count_case(Config(50257, 1024, 768, 12, 12), "GPT-2 small, all of it")
    gpt3 = Config(50257, 2048, 12288, 96, 96, tied=False)
    yield _count_case(gpt3, "GPT-3, not tied", {"matrices": 175181291520})
    yield _count_case(gpt3, "GPT-3, all of it")
    drawn = [int(rng.integers(2, 9)) for _ in range(5)]
    config = Config(
        drawn[0], drawn[1], drawn[2] * drawn[4], drawn[3], drawn[4], int(rng.integers(10, 99)), tied=False
    )
    yield _count_case(config, "random sizes")
    yield _count_case(dataclasses.replace(config, tied=True), "random sizes, tied")


def _recounted(counts: dict[str, int], **changed: int) -> dict[str, int]:
    """Return counts with some of them made wrong, and the sums made anew."""
    counts = counts | changed
    values = list(counts.values())
    return counts | {"matrices": sum(values[:8]), "total": sum(values[:11])}


@count_parameters.misconception(
    "The unembedding is counted although it is tied: it is the embedding's own matrix.",
    "How many numbers does training have to learn for a matrix that exists already?",
)
def tied_counted_twice(config: Any) -> Any:
    return _counted(dataclasses.replace(config, tied=False))


@count_parameters.misconception(
    "The unembedding is not counted although it is a matrix of its own here.",
    "What does `config.tied` say in this case?",
)
def never_counted(config: Any) -> Any:
    return _counted(dataclasses.replace(config, tied=True))


@count_parameters.misconception(
    "The MLP is counted as 4 · d_model wide, whatever the config says.",
    "Which field of the config holds the number of neurons?",
)
def four_times_always(config: Any) -> Any:
    return _counted(dataclasses.replace(config, d_mlp=4 * config.d_model))


@count_parameters.misconception(
    "You counted the attention matrices of one head instead of all heads.",
    "How many heads has a layer, and how wide are all of them together?",
)
def one_head_counted(config: Any) -> Any:
    counts = _counted(config)
    four = ("query", "key", "value_down", "value_up")
    return _recounted(counts, **{key: counts[key] // config.n_heads for key in four})


@count_parameters.misconception(
    "Each head is counted with d_model × d_model numbers. All heads of a layer together have that many.",
    "What is the shape of one head's query matrix?",
)
def every_head_full(config: Any) -> Any:
    counts = _counted(config)
    four = ("query", "key", "value_down", "value_up")
    return _recounted(counts, **{key: counts[key] * config.n_heads for key in four})


@count_parameters.misconception(
    "One layer is counted; the model has more.",
    "Which of the counts must be multiplied by n_layers?",
)
def one_layer(config: Any) -> Any:
    return _counted(dataclasses.replace(config, n_layers=1))


@count_parameters.misconception(
    "The last norm, after the blocks, is not counted.",
    "How many norms has a model of n_layers blocks?",
)
def final_norm_forgotten(config: Any) -> Any:
    counts = _counted(config)
    return _recounted(counts, norms=counts["norms"] - 2 * config.d_model)


@count_parameters.misconception(
    "Each norm is counted with d_model numbers. It has a gain and a bias.",
    "Which two parameters has a `LayerNorm`?",
)
def norms_without_bias(config: Any) -> Any:
    counts = _counted(config)
    return _recounted(counts, norms=counts["norms"] // 2)


@count_parameters.misconception(
    "The biases of attention are not counted, or not all of them.",
    "Query, key, value and output: how long is the bias of each?",
)
def attention_biases_forgotten(config: Any) -> Any:
    counts = _counted(config)
    return _recounted(counts, biases=config.n_layers * (config.d_mlp + config.d_model))


@count_parameters.misconception(
    "The biases of the MLP are not counted.",
    "How long is the bias of the way up, and how long that of the way down?",
)
def mlp_biases_forgotten(config: Any) -> Any:
    return _recounted(_counted(config), biases=config.n_layers * 4 * config.d_model)


@count_parameters.misconception(
    "The total adds the sum of the matrices to the matrices themselves: they count twice.",
    "When `matrices` is in the dict already, what does the sum of all its values hold?",
)
def matrices_counted_twice(config: Any) -> Any:
    counts = _counted(config)
    return counts | {"total": counts["total"] + counts["matrices"]}


@count_parameters.misconception(
    "The positions are counted among the matrices.",
    "Which eight keys are added up for `matrices`?",
)
def positions_among_matrices(config: Any) -> Any:
    counts = _counted(config)
    return counts | {"matrices": counts["matrices"] + counts["positions"]}


# ---- from_gpt2_state_dict


def _published(config: Any, seed: int, prefix: str = "", old: bool = False) -> dict[str, Tensor]:
    """Return random weights under GPT-2's names. `old`: with the buffers of the mask, as older files have them."""
    d, m = config.d_model, config.d_mlp
    shapes: dict[str, tuple[int, ...]] = {
        "wte.weight": (config.vocab_size, d),
        "wpe.weight": (config.context_length, d),
    }
    for layer in range(config.n_layers):
        h = f"h.{layer}."
        shapes |= {f"{h}ln_1.weight": (d,), f"{h}ln_1.bias": (d,)}
        shapes |= {f"{h}attn.c_attn.weight": (d, 3 * d), f"{h}attn.c_attn.bias": (3 * d,)}
        shapes |= {f"{h}attn.c_proj.weight": (d, d), f"{h}attn.c_proj.bias": (d,)}
        shapes |= {f"{h}ln_2.weight": (d,), f"{h}ln_2.bias": (d,)}
        shapes |= {f"{h}mlp.c_fc.weight": (d, m), f"{h}mlp.c_fc.bias": (m,)}
        shapes |= {f"{h}mlp.c_proj.weight": (m, d), f"{h}mlp.c_proj.bias": (d,)}
    shapes |= {"ln_f.weight": (d,), "ln_f.bias": (d,)}
    generator = torch.Generator().manual_seed(seed)
    state = {
        prefix + name: torch.empty(shape).normal_(0, 0.5, generator=generator)
        for name, shape in shapes.items()
    }
    if prefix:
        state["lm_head.weight"] = state[f"{prefix}wte.weight"]
    if old:
        n = config.context_length
        for layer in range(config.n_layers):
            state[f"{prefix}h.{layer}.attn.bias"] = torch.ones(n, n).tril().view(1, 1, n, n)
            state[f"{prefix}h.{layer}.attn.masked_bias"] = tensor(-1e4)
    return state


def _turned(numbers: Any) -> Any:
    """Return a matrix transposed, and a bias as it is."""
    return numbers.T if numbers.ndim == 2 else numbers


def _translated(published: Weights, config: Any) -> dict[str, Tensor]:
    """Return the right answer, name by name."""
    p = {name.removeprefix("transformer."): numbers for name, numbers in published.items()}
    ours = {"token_embedding.weight": p["wte.weight"], "unembedding.weight": p["wte.weight"]}
    ours["position_embedding.weight"] = p["wpe.weight"]
    d = config.d_model
    for kind in ("weight", "bias"):
        ours[f"final_norm.{kind}"] = p[f"ln_f.{kind}"]
        for layer in range(config.n_layers):
            h, b = f"h.{layer}", f"blocks.{layer}"
            ours[f"{b}.attention_norm.{kind}"] = p[f"{h}.ln_1.{kind}"]
            ours[f"{b}.mlp_norm.{kind}"] = p[f"{h}.ln_2.{kind}"]
            for i, part in enumerate(("query", "key", "value")):
                third = p[f"{h}.attn.c_attn.{kind}"][..., i * d : (i + 1) * d]
                ours[f"{b}.attention.{part}.{kind}"] = _turned(third)
            ours[f"{b}.attention.output.{kind}"] = _turned(p[f"{h}.attn.c_proj.{kind}"])
            ours[f"{b}.mlp.up.{kind}"] = _turned(p[f"{h}.mlp.c_fc.{kind}"])
            ours[f"{b}.mlp.down.{kind}"] = _turned(p[f"{h}.mlp.c_proj.{kind}"])
    return ours


def _gpt2_logits(ids: Tensor, published: Weights, config: Any) -> Tensor:
    """Return GPT-2's logits from weights under its own names, by its own convention: x @ W + b."""
    p = {name.removeprefix("transformer."): numbers for name, numbers in published.items()}
    x = p["wte.weight"][ids] + p["wpe.weight"][: ids.shape[-1]]
    for layer in range(config.n_layers):
        h = f"h.{layer}"
        fused = _norm(x, p, f"{h}.ln_1") @ p[f"{h}.attn.c_attn.weight"] + p[f"{h}.attn.c_attn.bias"]
        heads = [
            part.unflatten(-1, (config.n_heads, -1)).transpose(-3, -2) for part in fused.chunk(3, dim=-1)
        ]
        q, k, v = heads
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(-3, -2).flatten(-2)
        x = x + mixed @ p[f"{h}.attn.c_proj.weight"] + p[f"{h}.attn.c_proj.bias"]
        hidden = _norm(x, p, f"{h}.ln_2") @ p[f"{h}.mlp.c_fc.weight"] + p[f"{h}.mlp.c_fc.bias"]
        x = x + F.gelu(hidden, approximate="tanh") @ p[f"{h}.mlp.c_proj.weight"] + p[f"{h}.mlp.c_proj.bias"]
    return _norm(x, p, "ln_f") @ p["wte.weight"].T


def _translation_case(published: dict[str, Tensor], config: Any, text: str, note: str) -> Case:
    right = _translated(published, config)

    def view(answer: Any) -> Any:
        if not isinstance(answer, Mapping):
            raise Unfit(f"Expected a dict, got {describe(answer)}.")
        extra = [name for name in answer if name not in right]
        if extra:
            raise Unfit(f"A GPT has no parameter of the name `{extra[0]}`.")
        missing = [name for name in right if name not in answer]
        if missing:
            raise Unfit(f"The name `{missing[0]}` is missing{_and_more(missing)}.")
        return dict(answer)

    return case(published, expect=right, view=view, text=text, note=note, tolerance=0.0)


@exercise(points=4, level=4, minutes=15, by_hand=("from_pretrained",))
def from_gpt2_state_dict(rng: np.random.Generator) -> Iterator[Case]:
    Config = reference.GPTConfig
    one, two = Config(5, 3, 2, 1, 1, 3), Config(7, 6, 4, 2, 2, 5)
    deep = Config(3, 2, 2, 12, 1, 3)
    seed = int(rng.integers(1000))
    told = "from_gpt2_state_dict(state_dict)  # a random GPT-2 of {} layer{}, d_model {}"
    small = told.format(1, "", 2)
    more = told.format(2, "s", 4)
    yield _translation_case(_published(one, seed), one, small, "one layer; names without the prefix")
    yield _translation_case(
        _published(one, seed, "transformer."), one, small, "names with the prefix `transformer.`, and lm_head"
    )
    yield _translation_case(
        _published(two, seed, old=True),
        two,
        more,
        "with the buffers of the mask: attn.bias, attn.masked_bias",
    )
    yield _translation_case(
        _published(two, seed + 1, "transformer.", old=True),
        two,
        more,
        "with all of it: prefix, lm_head, buffers",
    )
    backwards = dict(reversed(_published(two, seed + 2, "transformer.").items()))
    yield _translation_case(backwards, two, more, "the same names in another order")
    yield _translation_case(
        _published(deep, seed), deep, told.format(12, "s", 2), "12 layers: h.1 is not h.10"
    )
    double = {name: numbers.double() for name, numbers in _published(one, seed + 3).items()}
    yield _translation_case(double, one, small, "float64")
    ids = torch.from_numpy(rng.integers(7, size=(2, 6)))
    for tied in (True, False):
        config = dataclasses.replace(two, tied=tied)
        published = _published(two, seed + 4, "transformer.")

        def ask(candidate: Callable[..., Any], config: Any = config, published: Any = published) -> Any:
            model = reference.GPT(config)
            model.load_state_dict(candidate(dict(published)))
            with torch.no_grad():
                return model(ids)

        yield play(
            ask,
            "model = GPT(config)\nmodel.load_state_dict(from_gpt2_state_dict(state_dict))\nmodel(ids)",
            expect=_gpt2_logits(ids, published, two),
            tolerance=5e-5,
            note=f"the logits are GPT-2's; {'tied' if tied else 'not tied'}",
        )


def _translated_with(published: Any, **changed: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the right answer, but for what is done to the kinds of parameters that are named (dots as double underscores)."""
    p = {name.removeprefix("transformer."): numbers for name, numbers in published.items()}
    n_layers = 1 + max(int(name.split(".")[1]) for name in p if name.startswith("h."))
    d = p["wte.weight"].shape[1]
    config = reference.GPTConfig(len(p["wte.weight"]), len(p["wpe.weight"]), d, n_layers, 1)
    ours = _translated(published, config)
    for kind, change in changed.items():
        for name in [n for n in ours if _kind(n) == kind.replace("__", ".")]:
            ours[name] = change(ours[name])
    return ours


@from_gpt2_state_dict.misconception(
    "The matrices of the linear layers are not transposed. GPT-2 keeps W for `x @ W`; `nn.Linear` keeps the transpose.",
    "`mlp.c_fc.weight` has the shape (d_model, d_mlp). Which shape has the weight of your `up`?",
)
def not_transposed(state_dict: Any) -> Any:
    linear = {f"attention__{part}__weight": _turned for part in ("query", "key", "value", "output")}
    return _translated_with(state_dict, **linear, mlp__up__weight=_turned, mlp__down__weight=_turned)


@from_gpt2_state_dict.misconception(
    "`attention.output` is not transposed. Its matrix is square, so its shape does not give it away.",
    "Which of the published matrices belong to linear layers?",
)
def output_not_transposed(state_dict: Any) -> Any:
    return _translated_with(state_dict, attention__output__weight=_turned)


@from_gpt2_state_dict.misconception(
    "Query, key and value are cut out of `c_attn` and not transposed. They are square, so their shape does not give it away.",
    "What do you do to the other matrices, and in which order: cut, then transpose?",
)
def query_key_value_not_transposed(state_dict: Any) -> Any:
    return _translated_with(
        state_dict, **{f"attention__{part}__weight": _turned for part in ("query", "key", "value")}
    )


def _exchanged(ours: dict[str, Any], one: str, other: str) -> dict[str, Any]:
    swap = {one: other, other: one}
    kinds = {name: next((part for part in swap if f".{part}." in name), None) for name in ours}
    return {n: ours[n.replace(f".{k}.", f".{swap[k]}.")] if k else ours[n] for n, k in kinds.items()}


@from_gpt2_state_dict.misconception(
    "Query and key have changed places.",
    "In which order do query, key and value stand in `c_attn`?",
)
def query_and_key_exchanged(state_dict: Any) -> Any:
    return _exchanged(_translated_with(state_dict), "query", "key")


@from_gpt2_state_dict.misconception(
    "Query and value have changed places.",
    "What comes first in `c_attn`, and what last?",
)
def query_and_value_exchanged(state_dict: Any) -> Any:
    return _exchanged(_translated_with(state_dict), "query", "value")


@from_gpt2_state_dict.misconception(
    "The two norms of a block have changed places.",
    "Which is used first in a block, `ln_1` or `ln_2`, and what does it stand in front of?",
)
def norms_exchanged(state_dict: Any) -> Any:
    return _exchanged(_translated_with(state_dict), "attention_norm", "mlp_norm")


@from_gpt2_state_dict.misconception(
    "The embeddings are transposed. They are tables, no linear layers: one row a token, in both models.",
    "Which shape has `wte.weight`, and which your `token_embedding.weight`?",
)
def embeddings_transposed(state_dict: Any) -> Any:
    return _translated_with(
        state_dict,
        token_embedding__weight=_turned,
        unembedding__weight=_turned,
        position_embedding__weight=_turned,
    )


@from_gpt2_state_dict.misconception(
    "`unembedding.weight` is missing. In GPT-2 it is tied, so its values are those of the token embedding; a tied model has both names in its state dict.",
    "Under which names does your own `GPT` list its parameters? `GPT(config).state_dict().keys()` shows them.",
)
def unembedding_missing(state_dict: Any) -> Any:
    ours = _translated_with(state_dict)
    del ours["unembedding.weight"]
    return ours


@from_gpt2_state_dict.misconception(
    "The prefix `transformer.` is still there.",
    "What should become of `transformer.wte.weight`, and what of `wte.weight`?",
)
def prefix_stays(state_dict: Any) -> Any:
    ours = _translated_with(state_dict)
    prefix = "transformer." if any(name.startswith("transformer.") for name in state_dict) else ""
    return {prefix + name: numbers for name, numbers in ours.items()}


@from_gpt2_state_dict.misconception(
    "The mask's buffers are still there. They hold no weights: `attn.bias` is the mask itself.",
    "Which names of the published weights end in `attn.bias` or `attn.masked_bias`?",
)
def buffers_stay(state_dict: Any) -> Any:
    ours = _translated_with(state_dict)
    for name, numbers in state_dict.items():
        name = name.removeprefix("transformer.")
        if name.endswith(("attn.bias", "attn.masked_bias")):
            ours[name.replace("h.", "blocks.", 1).replace("attn", "attention")] = numbers
    return ours


@from_gpt2_state_dict.misconception(
    "`c_attn` is read as if each head had its query, key and value side by side. It holds all queries, then all keys, then all values.",
    "Which columns of `c_attn.weight` belong to the queries?",
)
def every_third(state_dict: Any) -> Any:
    ours = _translated_with(state_dict)
    for name, numbers in state_dict.items():
        if ".c_attn." in name:
            layer, kind = name.removeprefix("transformer.").split(".")[1], name.rpartition(".")[2]
            for i, part in enumerate(("query", "key", "value")):
                ours[f"blocks.{layer}.attention.{part}.{kind}"] = _turned(numbers[..., i::3])
    return ours
