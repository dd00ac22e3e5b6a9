"""Lesson 12: from noise to language."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from handmade.checks.case import Case, case, literal, play, rejects
from handmade.checks.compare import Unfit, describe, is_array
from handmade.checks.draw import floats
from handmade.checks.exercise import exercise

tensor = torch.tensor


def seeded(seed: int) -> torch.Generator:
    """Return a generator, as `torch.Generator().manual_seed(seed)` makes it."""
    return torch.Generator().manual_seed(seed)


# ---------------------------------------------------------------------------------------------------- get_batch


def _pair(answer: Any) -> tuple[Tensor, Tensor]:
    """Return x and y of an answer, or say what is wrong with its form."""
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise Unfit(f"Expected two tensors, x and y, got {describe(answer)}.")
    for name, part in zip("xy", answer, strict=True):
        if not isinstance(part, Tensor):
            raise Unfit(f"Expected {name} as a tensor, got {describe(part)}.")
        if part.dtype != torch.int64:
            raise Unfit(f"Expected {name} with entries of type int64, as ids have, got {part.dtype}.")
    return answer[0], answer[1]


def _text(n_ids: int) -> Tensor:
    """Return ids that tell their place: 3, 13, 23, …"""
    return 10 * torch.arange(n_ids) + 3


def _rows(answer: Any, batch_size: int, context_length: int) -> Tensor:
    """Return the place at which each row starts, once all rows are found to be pieces of `_text`, and y to follow x."""
    x, y = _pair(answer)
    for name, part in (("x", x), ("y", y)):
        if tuple(part.shape) != (batch_size, context_length):
            raise Unfit(f"Expected {name} of shape {(batch_size, context_length)}, got {describe(part)}.")
    wrong = (x[:, 1:] - x[:, :-1] != 10).any(1).nonzero()
    if len(wrong):
        raise Unfit(f"A row of x should be a piece of the text; this one is not: {x[wrong[0, 0]].tolist()}.")
    wrong = (y - x != 10).any(1).nonzero()
    if len(wrong):
        i = int(wrong[0, 0])
        raise Unfit(
            f"Row {i} of x is {x[i].tolist()}; the tokens that follow are {(x[i] + 10).tolist()}, and row {i} of y is {y[i].tolist()}."
        )
    return (x[:, 0] - 3) // 10


def _starts(n_ids: int, batch_size: int, context_length: int, seed: int) -> Case:
    """A large batch in which every start must appear."""

    def view(answer: Any) -> list[int]:
        found: list[int] = _rows(answer, batch_size, context_length).unique().tolist()
        return found

    call = f"x, y = get_batch(10 * torch.arange({n_ids}) + 3, {batch_size}, {context_length}, torch.Generator().manual_seed({seed}))"
    return play(
        lambda get_batch: get_batch(_text(n_ids), batch_size, context_length, seeded(seed)),
        f"{call}\nsorted({{(row[0].item() - 3) // 10 for row in x}})  # the places at which rows start",
        view=view,
        expect=list(range(n_ids - context_length)),
        note="so many rows that each possible start appears",
    )


@exercise(points=2, level=2, minutes=10)
def get_batch(rng: np.random.Generator) -> Iterator[Case]:
    yield case(
        tensor([5, 6, 7, 8]), 2, 3, seeded(0),
        view=lambda answer: tuple(_pair(answer)),
        expect=(tensor([[5, 6, 7], [5, 6, 7]]), tensor([[6, 7, 8], [6, 7, 8]])),
        text="get_batch(torch.tensor([5, 6, 7, 8]), 2, 3, torch.Generator().manual_seed(0))",
    )  # fmt: skip
    yield case(
        tensor([4, 9]), 3, 1, seeded(0),
        view=lambda answer: tuple(_pair(answer)),
        expect=(tensor([[4], [4], [4]]), tensor([[9], [9], [9]])),
        text="get_batch(torch.tensor([4, 9]), 3, 1, torch.Generator().manual_seed(0))",
        note="rows of one token",
    )  # fmt: skip
    seed = int(rng.integers(1000))
    yield _starts(9, 200, 4, seed)
    yield _starts(5, 200, 1, seed)
    yield _starts(12, 300, 7, seed + 1)

    def shares(answer: Any) -> Tensor:
        return torch.bincount(_rows(answer, 4000, 3), minlength=5)[:5] / 4000

    yield play(
        lambda get_batch: get_batch(_text(8), 4000, 3, seeded(seed)),
        f"x, y = get_batch(10 * torch.arange(8) + 3, 4000, 3, torch.Generator().manual_seed({seed}))\n"
        "torch.bincount((x[:, 0] - 3) // 10) / 4000  # how often each start was drawn",
        view=shares,
        expect=torch.full((5,), 0.2),
        tolerance=0.05,
        note="five starts, equally likely",
    )

    def twice(get_batch: Any) -> list[bool]:
        torch.manual_seed(1)
        first = _rows(get_batch(_text(5000), 20, 3, seeded(seed)), 20, 3)
        torch.manual_seed(2)
        generator = seeded(seed)
        again = _rows(get_batch(_text(5000), 20, 3, generator), 20, 3)
        later = _rows(get_batch(_text(5000), 20, 3, generator), 20, 3)
        several = torch.stack([_rows(get_batch(_text(5000), 2, 3, generator), 2, 3) for _ in range(30)])
        one, two = several.T  # the starts of the first rows, and of the second
        vary = min(len(starts.unique()) for starts in (first, one, two, two - one)) > 10
        return [torch.equal(first, again), torch.equal(again, later), vary]

    yield play(
        twice,
        f"generator = torch.Generator().manual_seed({seed})\n"
        "first, second = get_batch(ids, 20, 3, generator), get_batch(ids, 20, 3, generator)\n"
        "# does the seed give the same first batch again? are first and second alike? is each row drawn by itself?",
        expect=[True, False, True],
        note="all randomness is the generator's, and each call goes on from where the last one stopped",
    )
    yield play(
        lambda get_batch: get_batch(_text(40)[::2], 50, 4, seeded(seed)),
        f"x, y = get_batch(ids[::2], 50, 4, torch.Generator().manual_seed({seed}))\n(y - x).unique()",
        view=lambda answer: (_pair(answer)[1] - _pair(answer)[0]).unique(),
        expect=tensor([20]),
        note="every second id of a text: not contiguous in memory",
    )
    yield rejects(
        tensor([1, 2, 3]), 2, 3, seeded(0),
        text="get_batch(torch.tensor([1, 2, 3]), 2, 3, torch.Generator())",
        note="3 ids are too few for rows of 3 and the token after them",
    )  # fmt: skip
    yield rejects(
        tensor([1, 2]), 1, 5, seeded(0),
        text="get_batch(torch.tensor([1, 2]), 1, 5, torch.Generator())",
        note="2 ids, rows of 5",
    )  # fmt: skip
    yield rejects(
        torch.arange(0), 1, 1, seeded(0),
        text="get_batch(torch.arange(0), 1, 1, torch.Generator())",
        note="no ids at all",
    )  # fmt: skip


def _cut(ids: Any, starts: Any, context_length: int, shift: int = 1) -> Any:
    places = starts.reshape(-1, 1) + torch.arange(context_length)
    return ids[places], ids[(places + shift) % len(ids)]


def _draw(ids: Any, batch_size: int, context_length: int, generator: Any, fewer: int = 0) -> Any:
    """Return random starts; the last `fewer` possible ones are left out."""
    n_starts = len(ids) - context_length
    if n_starts < 1:
        raise ValueError
    return torch.randint(max(1, n_starts - fewer), (batch_size,), generator=generator)


@get_batch.misconception(
    "y is x itself. The model would learn to copy the token that it sees.",
    "Which token should the model predict at the first place of a row?",
)
def y_is_x(ids: Any, batch_size: int, context_length: int, generator: Any) -> Any:
    return _cut(ids, _draw(ids, batch_size, context_length, generator), context_length, shift=0)


@get_batch.misconception(
    "y is two tokens later than x. One token is passed over.",
    "If a row of x starts at place s, at which place does the row of y start?",
)
def y_two_later(ids: Any, batch_size: int, context_length: int, generator: Any) -> Any:
    return _cut(ids, _draw(ids, batch_size, context_length, generator), context_length, shift=2)


@get_batch.misconception(
    "y is one token earlier than x: the model would learn to tell the past.",
    "Which of the two, x or y, reaches further to the end of the text?",
)
def y_one_earlier(ids: Any, batch_size: int, context_length: int, generator: Any) -> Any:
    x, y = _cut(ids, _draw(ids, batch_size, context_length, generator), context_length)
    return y, x


@get_batch.misconception(
    "One possible start never comes, the last one, so that the last token of the text is never learned.",
    "With 4 ids and rows of 3 there is one start. How many are there with n ids? Does `torch.randint` include its upper end?",
)
def last_start_missing(ids: Any, batch_size: int, context_length: int, generator: Any) -> Any:
    return _cut(ids, _draw(ids, batch_size, context_length, generator, fewer=1), context_length)


@get_batch.misconception(
    "All rows of a batch are the same: one start was drawn, and used for each.",
    "How many random numbers does a batch of 20 rows need?",
)
def one_start_for_all(ids: Any, batch_size: int, context_length: int, generator: Any) -> Any:
    return _cut(ids, _draw(ids, 1, context_length, generator).expand(batch_size), context_length)


@get_batch.misconception(
    "The rows follow each other in the text. They should start at places drawn at random, each by itself.",
    "What would a model see that always gets the beginning of the text first?",
)
def in_order(ids: Any, batch_size: int, context_length: int, generator: Any) -> Any:
    if len(ids) <= context_length:
        raise ValueError
    return _cut(ids, torch.arange(batch_size) % (len(ids) - context_length), context_length)


@get_batch.misconception(
    "The numbers are torch's own, not the generator's: the same seed gives another batch each time.",
    "`torch.randint` has an argument `generator`. What happens to a run that is to be repeated if it is left out?",
)
def generator_not_used(ids: Any, batch_size: int, context_length: int, generator: Any) -> Any:
    return _cut(ids, _draw(ids, batch_size, context_length, None), context_length)


@get_batch.misconception(
    "Your rows stand in columns: the shape is (context_length, batch_size).",
    "Which axis comes first everywhere in this course: that of the batch, or that of the positions?",
)
def batch_in_columns(ids: Any, batch_size: int, context_length: int, generator: Any) -> Any:
    x, y = _cut(ids, _draw(ids, batch_size, context_length, generator), context_length)
    return x.T, y.T


@get_batch.misconception(
    "Where there are too few ids, yours does not raise a ValueError.",
    "How many ids does one row of x need, together with the token after it? Look at that first, and raise a ValueError with a sentence.",
)
def short_text_let_pass(ids: Any, batch_size: int, context_length: int, generator: Any) -> Any:
    starts = torch.randint(max(1, len(ids) - context_length), (batch_size,), generator=generator)
    if len(ids) <= context_length:
        return ids[:-1].expand(batch_size, -1), ids[1:].expand(batch_size, -1)
    return _cut(ids, starts, context_length)


# ------------------------------------------------------------------------------------------------ learning_rate


@exercise(points=2, level=2, minutes=10)
def learning_rate(rng: np.random.Generator) -> Iterator[Case]:
    yield case(0, 2, 6, 8.0, 2.0, expect=4.0, note="the first of two steps of warm-up")
    yield case(1, 2, 6, 8.0, 2.0, expect=8.0, note="the second: the peak is reached")
    yield case(2, 2, 6, 8.0, 2.0, expect=8.0, note="the cosine begins, at the peak")
    yield case(4, 2, 6, 8.0, 2.0, expect=5.0, note="half-way down")
    yield case(6, 2, 6, 8.0, 2.0, expect=2.0, note="step = steps: the floor")
    yield case(7, 2, 6, 8.0, 2.0, expect=2.0, note="after the end")
    yield case(100, 2, 6, 8.0, 2.0, expect=2.0, note="long after the end")
    yield case(0, 0, 4, 3.0, 1.0, expect=3.0, note="no warm-up")
    yield case(2, 0, 4, 3.0, 1.0, expect=2.0, note="no warm-up, half-way down")
    yield case(3, 2, 5, 8.0, 2.0, expect=6.5, note="a third of the way down: cos 60° is a half")
    yield case(4, 2, 5, 8.0, 2.0, expect=3.5, note="two thirds of the way down")
    yield case(0, 10, 100, 1.0, 0.25, expect=0.1, note="the first of ten steps of warm-up, below the floor")
    yield case(3, 4, 9, 1.0, 0.5, expect=1.0, note="the last step of warm-up")
    yield case(5, 1, 9, 2.0, 2.0, expect=2.0, note="floor = peak")
    yield case(3, 5, 5, 1.0, 0.0, expect=0.8, note="nothing but warm-up")
    yield case(6, 5, 5, 1.0, 0.25, expect=0.25, note="after the end, and there was nothing but warm-up")
    for i in range(6):
        warmup, length = int(rng.integers(1, 40)), int(rng.integers(50, 200))
        low, high = (0, warmup) if i < 2 else (warmup, warmup + length)
        peak = int(rng.integers(20, 90)) / 10
        floor = int(rng.integers(1, 10)) / 10
        yield case(int(rng.integers(low, high)), warmup, warmup + length, peak, floor)


def _wave(step: Any, warmup: Any, steps: Any, peak: Any, floor: Any, *, until: Any = None) -> Any:
    """Return the right learning rate, or one whose wave ends elsewhere."""
    if step < warmup:
        return peak * (step + 1) / warmup
    length = steps - warmup if until is None else until
    progress = min(1.0, (step - warmup) / length) if length > 0 and step < steps else 1.0
    return floor + (peak - floor) * (1 + math.cos(math.pi * progress)) / 2


@learning_rate.misconception(
    "The first step has a learning rate of 0, so that its batch teaches nothing.",
    "Steps are counted from 0. What should stand in place of `step` in the warm-up, so that the first is a part of the peak?",
)
def nothing_at_step_0(step: Any, warmup: Any, steps: Any, peak: Any, floor: Any) -> Any:
    return peak * step / warmup if step < warmup else _wave(step, warmup, steps, peak, floor)


@learning_rate.misconception(
    "The cosine is measured from step 0 to `steps`, as if there were no warm-up: it begins below the peak.",
    "How far along its way is the cosine at step = warmup?",
)
def wave_from_step_0(step: Any, warmup: Any, steps: Any, peak: Any, floor: Any) -> Any:
    return peak * (step + 1) / warmup if step < warmup else _wave(step, 0, steps, peak, floor)


@learning_rate.misconception(
    "The wave runs for `steps` steps after the warm-up, so that it is not down at the floor when the training ends.",
    "How many steps lie between step = warmup and step = steps?",
)
def wave_too_long(step: Any, warmup: Any, steps: Any, peak: Any, floor: Any) -> Any:
    return _wave(step, warmup, steps, peak, floor, until=steps)


@learning_rate.misconception(
    "The learning rate goes down to 0, and not to the floor.",
    "What should come out where the cosine is -1?",
)
def down_to_zero(step: Any, warmup: Any, steps: Any, peak: Any, floor: Any) -> Any:
    return _wave(step, warmup, steps, peak, 0.0)


@learning_rate.misconception(
    "The floor is added to a wave of the whole height `peak`: the top is peak + floor.",
    "How high is the wave itself, from its floor to its top?",
)
def floor_added(step: Any, warmup: Any, steps: Any, peak: Any, floor: Any) -> Any:
    return _wave(step, warmup, steps, peak, 0.0) + (floor if step >= warmup else 0.0)


@learning_rate.misconception(
    "After the end the cosine goes on, and the learning rate rises again.",
    "What does the cosine do behind π? Say what holds from step = steps on.",
)
def rises_again(step: Any, warmup: Any, steps: Any, peak: Any, floor: Any) -> Any:
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = (step - warmup) / (steps - warmup) if steps > warmup else 1.0
    return floor + (peak - floor) * (1 + math.cos(math.pi * progress)) / 2


@learning_rate.misconception(
    "You go down along a straight line.",
    "Both ways begin at the peak and end at the floor, and meet half-way. Where is the cosine a quarter of the way down?",
)
def straight_down(step: Any, warmup: Any, steps: Any, peak: Any, floor: Any) -> Any:
    if step < warmup:
        return peak * (step + 1) / warmup
    return max(floor, peak + (floor - peak) * min(1.0, (step - warmup) / max(1, steps - warmup)))


@learning_rate.misconception(
    "Yours goes down to the floor, and up to the peak again: a whole wave of the cosine instead of half a one.",
    "Which angle belongs to the end of the way, if the cosine is to be -1 there?",
)
def whole_wave(step: Any, warmup: Any, steps: Any, peak: Any, floor: Any) -> Any:
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, steps - warmup))
    return floor + (peak - floor) * (1 + math.cos(2 * math.pi * progress)) / 2


@learning_rate.misconception(
    "There is no half in your formula: 1 + cos goes from 2 to 0, so that the way down begins above the peak.",
    "What is 1 + cos(0)? What would you like it to be?",
)
def half_forgotten(step: Any, warmup: Any, steps: Any, peak: Any, floor: Any) -> Any:
    right = _wave(step, warmup, steps, peak, floor)
    return right if step < warmup else floor + 2 * (right - floor)


@learning_rate.misconception(
    "Without warm-up yours fails: it divides by 0.",
    "warmup may be 0. In which order do you ask your questions?",
)
def warmup_of_zero(step: Any, warmup: Any, steps: Any, peak: Any, floor: Any) -> Any:
    rising = peak * (step + 1) / warmup
    return rising if step < warmup else _wave(step, warmup, steps, peak, floor)


# --------------------------------------------------------------------------------------------------- adamw_step


def _gradients(rng: np.random.Generator, n_steps: int, *shape: int) -> list[Tensor]:
    return [floats(rng, *shape, largest=3.0) for _ in range(n_steps)]


def _right(start: Tensor, gradients: list[Tensor], lrs: list[float], *settings: Any) -> Tensor:
    """Return the parameter after a right step with each gradient (a test compares this with torch.optim.AdamW).

    torch's own would be found here too, but the first use of torch.optim in a process takes more than a second.
    """
    state: dict[str, Any] = {}
    parameter = start.clone()
    for gradient, lr in zip(gradients, lrs, strict=True):
        _adam(parameter, gradient, state, lr, *settings)
    return parameter


def _as_torch(
    start: Tensor, gradients: list[Tensor], lrs: list[float], betas: tuple[float, float], eps: float,
    weight_decay: float, note: str,
) -> Case:  # fmt: skip
    """The same steps as torch.optim.AdamW."""

    def ask(adamw_step: Any) -> Tensor:
        state: dict[str, Any] = {}
        parameter = start.clone(memory_format=torch.preserve_format)
        for gradient, lr in zip(gradients, lrs, strict=True):
            adamw_step(parameter, gradient.clone(), state, lr, betas, eps, weight_decay)
        return parameter

    if len(gradients) == 1:
        steps = f"adamw_step(w, {literal(gradients[0])}, state, {lrs[0]}, {betas}, {eps}, {weight_decay})"
    else:
        given = f"torch.stack(gradients) of shape {tuple(torch.stack(gradients).shape)}"
        several = lrs[0] if len(set(lrs)) == 1 else "lr"
        steps = f"for gradient in gradients:  # {given}\n    adamw_step(w, gradient, state, {several}, {betas}, {eps}, {weight_decay})"
    return play(
        ask,
        f"w, state = {literal(start)}, {{}}\n{steps}\nw",
        expect=_right(start, gradients, lrs, betas, eps, weight_decay),
        note=note,
    )


@exercise(points=4, level=4, minutes=25)
def adamw_step(rng: np.random.Generator) -> Iterator[Case]:
    def once(adamw_step: Any) -> Tensor:
        w = tensor([1.0, 1.0])
        adamw_step(w, tensor([0.3, -7.0]), {}, 0.5, (0.9, 0.95), 0.0, 0.0)
        return w

    yield play(
        once,
        "w = torch.tensor([1.0, 1.0])\nadamw_step(w, torch.tensor([0.3, -7.0]), {}, 0.5, (0.9, 0.95), 0.0, 0.0)\nw",
        expect=tensor([0.5, 1.5]),
        note="one step, no weight decay, eps 0: each entry moves by lr, whatever the size of its gradient",
    )
    w = tensor([1.0, -2.0, 10.0])
    yield _as_torch(
        w, [tensor([1.0, 1.0, -3.0])], [0.5], (0.9, 0.95), 0.0, 0.1, "one step, with weight decay"
    )
    yield _as_torch(w, [tensor([1.0, -3.0, 2.0])], [0.5], (0.9, 0.95), 1.0, 0.0, "one step, with a large eps")
    yield _as_torch(
        w, [tensor([0.0, 0.0, 0.0])], [0.5], (0.9, 0.95), 1e-8, 0.1, "no gradient at all: only the decay"
    )
    two = [tensor([1.0]), tensor([-3.0])]
    yield _as_torch(
        tensor([0.0]), two, [1.0, 1.0], (0.5, 0.75), 0.0, 0.0, "two steps, with gradients 1 and -3"
    )
    yield _as_torch(
        floats(rng, 3, 2),
        _gradients(rng, 20, 3, 2),
        [0.1] * 20,
        (0.9, 0.95),
        1e-8,
        0.1,
        "20 steps of a matrix",
    )
    yield _as_torch(
        floats(rng, 4), _gradients(rng, 20, 4), [0.3] * 20, (0.6, 0.99), 0.3, 0.5, "20 steps with a large eps and decay"
    )  # fmt: skip
    yield _as_torch(
        floats(rng, 4), _gradients(rng, 8, 4), [0.1 * (i + 1) for i in range(8)], (0.8, 0.9), 1e-8, 0.2,
        "a learning rate that changes from step to step",
    )  # fmt: skip
    yield _as_torch(
        floats(rng, 2, 1, 3).double(), [g.double() for g in _gradients(rng, 20, 2, 1, 3)], [0.1] * 20, (0.9, 0.999),
        1e-8, 0.01, "float64, three axes",
    )  # fmt: skip
    yield _as_torch(
        floats(rng, 4, 3).T, [g.T for g in _gradients(rng, 5, 4, 3)], [0.1] * 5, (0.9, 0.95), 1e-8, 0.1,
        "the parameter is the transpose of another tensor",
    )  # fmt: skip
    yield _as_torch(
        tensor(2.0),
        [tensor(0.5), tensor(-1.5)],
        [0.1] * 2,
        (0.9, 0.95),
        1e-8,
        0.1,
        "a parameter without axes",
    )
    start, gradients = floats(rng, 2, 3), _gradients(rng, 4, 2, 3)
    settings = ((0.9, 0.95), 1e-8, 0.1)

    def as_parameter(adamw_step: Any) -> Tensor:
        state: dict[str, Any] = {}
        parameter = nn.Parameter(start.clone())
        for gradient in gradients:
            parameter.grad = gradient.clone()
            adamw_step(parameter, parameter.grad, state, 0.1, (0.9, 0.95), 1e-8, 0.1)
        if not parameter.is_leaf or not parameter.requires_grad:
            raise Unfit(
                "Afterwards the parameter is a result, not a parameter that requires gradients any more."
            )
        return parameter.detach()

    yield play(
        as_parameter,
        "w, state = nn.Parameter(start), {}  # it requires gradients\n"
        "for gradient in gradients:\n    adamw_step(w, gradient, state, 0.1, (0.9, 0.95), 1e-8, 0.1)\nw.data",
        expect=_right(start, gradients, [0.1] * 4, *settings),
        note="four steps of a parameter that requires gradients",
    )
    other, others = floats(rng, 4), _gradients(rng, 4, 4)

    def in_turn(adamw_step: Any) -> tuple[Tensor, Tensor]:
        one, two = start.clone(), other.clone()
        of_one: dict[str, Any] = {}
        of_two: dict[str, Any] = {}
        for gradient, another in zip(gradients, others, strict=True):
            adamw_step(one, gradient.clone(), of_one, 0.1, (0.9, 0.95), 1e-8, 0.1)
            adamw_step(two, another.clone(), of_two, 0.1, (0.9, 0.95), 1e-8, 0.1)
        return one, two

    yield play(
        in_turn,
        "for gradient, other_gradient in pairs:\n"
        "    adamw_step(w, gradient, state, 0.1, (0.9, 0.95), 1e-8, 0.1)\n"
        "    adamw_step(other_w, other_gradient, other_state, 0.1, (0.9, 0.95), 1e-8, 0.1)",
        expect=(
            _right(start, gradients, [0.1] * 4, *settings),
            _right(other, others, [0.1] * 4, *settings),
        ),
        note="two parameters in turn, each with a state of its own",
    )

    def gradient_after(adamw_step: Any) -> Tensor:
        state: dict[str, Any] = {}
        parameter, gradient = start.clone(), gradients[0].clone()
        adamw_step(parameter, gradient, state, 0.1, (0.9, 0.95), 1e-8, 0.1)
        adamw_step(parameter, gradient, state, 0.1, (0.9, 0.95), 1e-8, 0.1)
        return gradient

    yield play(
        gradient_after,
        "adamw_step(w, gradient, state, 0.1, (0.9, 0.95), 1e-8, 0.1)  # twice\ngradient",
        expect=gradients[0],
        note="the gradient afterwards: it stays as it is",
    )


def _adam(
    parameter: Any, gradient: Any, state: Any, lr: Any, betas: Any, eps: Any, weight_decay: Any, *,
    l2: bool = False, corrected: tuple[bool, bool] = (True, True), root: Callable[..., Any] | None = None,
    decay: Any = None, late: int = 0, averaged: bool = True,
) -> None:  # fmt: skip
    """Make a right step, or one with another part."""
    with torch.no_grad():
        if l2:
            gradient = gradient + weight_decay * parameter
        state["t"] = state.get("t", 0) + 1
        t = state["t"] + late
        m = state.get("m", 0) * betas[0] + gradient * (1 - betas[0])
        v = state.get("v", 0) * betas[1] + gradient**2 * (1 - betas[1])
        state["m"], state["v"] = m, v
        if corrected[0]:
            m = m / (1 - betas[0] ** t)
        if corrected[1]:
            v = v / (1 - betas[1] ** t)
        below = v.sqrt() + eps if root is None else root(v, t)
        if not l2:
            parameter.mul_(1 - (lr * weight_decay if decay is None else decay))
        parameter.sub_(lr * (m if averaged else gradient) / below)


@adamw_step.misconception(
    "The decay went into the gradient (that is Adam with L2). The gradient's size is divided out again, and the decay with it.",
    "What is left of `gradient + weight_decay * parameter` in a first step, if each entry moves by lr whatever its size? Where could the decay act without being divided?",
)
def l2_instead_of_decoupled(
    parameter: Any, gradient: Any, state: Any, lr: Any, betas: Any, eps: Any, weight_decay: Any
) -> None:
    _adam(parameter, gradient, state, lr, betas, eps, weight_decay, l2=True)


@adamw_step.misconception(
    "There is no bias correction: both means start at 0, and in the first steps they are too small.",
    "After one step, which part of the gradient is in the mean? By what do you divide to get all of it?",
)
def no_bias_correction(
    parameter: Any, gradient: Any, state: Any, lr: Any, betas: Any, eps: Any, weight_decay: Any
) -> None:
    _adam(parameter, gradient, state, lr, betas, eps, weight_decay, corrected=(False, False))


@adamw_step.misconception(
    "Only the mean of the gradients is corrected, and the mean of their squares is not.",
    "Both means start at 0. What does the second need, with which of the two betas?",
)
def squares_not_corrected(
    parameter: Any, gradient: Any, state: Any, lr: Any, betas: Any, eps: Any, weight_decay: Any
) -> None:
    _adam(parameter, gradient, state, lr, betas, eps, weight_decay, corrected=(True, False))


@adamw_step.misconception(
    "eps stands inside the root.",
    "Is it √(v + eps), or √v + eps? Read the formula again.",
)
def eps_inside_the_root(
    parameter: Any, gradient: Any, state: Any, lr: Any, betas: Any, eps: Any, weight_decay: Any
) -> None:
    _adam(parameter, gradient, state, lr, betas, eps, weight_decay, root=lambda v, t: (v + eps).sqrt())


@adamw_step.misconception(
    "eps is added before the squares are corrected, so that the correction blows eps up or shrinks it.",
    "In which order come these two: correct the squares, take the root and add eps?",
)
def eps_before_the_correction(
    parameter: Any, gradient: Any, state: Any, lr: Any, betas: Any, eps: Any, weight_decay: Any
) -> None:
    def root(v: Any, t: int) -> Any:
        missing = math.sqrt(1 - betas[1] ** t)
        return (v.sqrt() * missing + eps) / missing

    _adam(parameter, gradient, state, lr, betas, eps, weight_decay, root=root)


@adamw_step.misconception(
    "The root is missing: you divide by the mean of the squares itself.",
    "A gradient twice as large should give the same first step. Does it, if you divide by its square?",
)
def root_missing(
    parameter: Any, gradient: Any, state: Any, lr: Any, betas: Any, eps: Any, weight_decay: Any
) -> None:
    _adam(parameter, gradient, state, lr, betas, eps, weight_decay, root=lambda v, t: v + eps)


@adamw_step.misconception(
    "The decay does not depend on the learning rate: the parameter shrinks by weight_decay in every step.",
    "When lr is small, every change should be small. What does the decay have to be multiplied by?",
)
def decay_without_lr(
    parameter: Any, gradient: Any, state: Any, lr: Any, betas: Any, eps: Any, weight_decay: Any
) -> None:
    _adam(parameter, gradient, state, lr, betas, eps, weight_decay, decay=weight_decay)


@adamw_step.misconception(
    "There is no weight decay in your step: this is Adam.",
    "What should happen to a parameter whose gradient is 0?",
)
def decay_missing(
    parameter: Any, gradient: Any, state: Any, lr: Any, betas: Any, eps: Any, weight_decay: Any
) -> None:
    _adam(parameter, gradient, state, lr, betas, eps, weight_decay, decay=0.0)


@adamw_step.misconception(
    "Nothing is remembered from one step to the next: every step is a first step.",
    "Where do the two means live between two calls? Is `state` the same dict, with something in it?",
)
def nothing_remembered(
    parameter: Any, gradient: Any, state: Any, lr: Any, betas: Any, eps: Any, weight_decay: Any
) -> None:
    _adam(parameter, gradient, {}, lr, betas, eps, weight_decay)


@adamw_step.misconception(
    "You divide the newest gradient, and not the mean of the gradients.",
    "What is the first mean for, if it is never used?",
)
def gradient_instead_of_mean(
    parameter: Any, gradient: Any, state: Any, lr: Any, betas: Any, eps: Any, weight_decay: Any
) -> None:
    _adam(parameter, gradient, state, lr, betas, eps, weight_decay, averaged=False)


@adamw_step.misconception(
    "The step goes uphill: the parameter moves along its gradient.",
    "The gradient points to where the loss grows. Which way do you want to go?",
)
def uphill(
    parameter: Any, gradient: Any, state: Any, lr: Any, betas: Any, eps: Any, weight_decay: Any
) -> None:
    before = parameter.detach().clone()
    _adam(before, -gradient, state, lr, betas, eps, weight_decay)
    with torch.no_grad():
        parameter.copy_(before)


@adamw_step.misconception(
    "The correction counts one step too many: at the first step it divides by 1 - beta².",
    "Is the count 1 at the first step?",
)
def counts_from_two(
    parameter: Any, gradient: Any, state: Any, lr: Any, betas: Any, eps: Any, weight_decay: Any
) -> None:
    _adam(parameter, gradient, state, lr, betas, eps, weight_decay, late=1)


@adamw_step.misconception(
    "The parameter that was handed in has not changed: your function made a new one.",
    "`w = w - …` makes a new tensor and calls it w. Which methods of a tensor change it in place?",
)
def not_in_place(
    parameter: Any, gradient: Any, state: Any, lr: Any, betas: Any, eps: Any, weight_decay: Any
) -> Any:
    changed = parameter.detach().clone()
    _adam(changed, gradient, state, lr, betas, eps, weight_decay)
    return changed


@adamw_step.misconception(
    "It works for a plain tensor. A parameter that requires gradients may not be changed in place while torch keeps record.",
    "You have met `torch.no_grad()`. What does it switch off?",
)
def record_kept(
    parameter: Any, gradient: Any, state: Any, lr: Any, betas: Any, eps: Any, weight_decay: Any
) -> None:
    plain = parameter.detach().clone()
    _adam(plain, gradient, state, lr, betas, eps, weight_decay)
    parameter.mul_(0).add_(plain)


# ----------------------------------------------------------------------------------------------- clip_gradients


def _with_gradients(gradients: list[Any]) -> list[Tensor]:
    """Return parameters with these gradients; where one is None, with none."""
    made = []
    for gradient in gradients:
        parameter = torch.zeros(2 if gradient is None else gradient.shape).to(
            torch.float32 if gradient is None else gradient.dtype
        )
        parameter.requires_grad_()
        parameter.grad = None if gradient is None else gradient.clone(memory_format=torch.preserve_format)
        made.append(parameter)
    return made


def _clipped(gradients: list[Any], max_norm: float, note: str, *, form: str = "a list", **more: Any) -> Case:
    """The norm before, and the gradients after."""

    def ask(clip_gradients: Any) -> list[Any]:
        parameters = _with_gradients(gradients)
        before = [parameter.detach().clone() for parameter in parameters]
        handed: Iterable[Tensor] = parameters if form == "a list" else (p for p in parameters)
        norm = clip_gradients(handed, max_norm)
        if any(not torch.equal(b, p.detach()) for b, p in zip(before, parameters, strict=True)):
            raise Unfit("A parameter itself has changed. Only its gradient, `parameter.grad`, should.")
        return [norm, *(p.grad.detach() for p in parameters if p.grad is not None)]

    known = [g.double() for g in gradients if g is not None]
    norm = math.sqrt(sum(float((g**2).sum()) for g in known))
    factor = min(1.0, max_norm / norm) if norm else 1.0
    shown = ", ".join("None" if g is None else literal(g) for g in gradients)
    handed = "parameters" if form == "a list" else "iter(parameters)"
    return play(
        ask,
        f"# the gradients of the parameters: {shown}\n"
        f"[clip_gradients({handed}, {max_norm}), *(p.grad for p in parameters if p.grad is not None)]",
        expect=[norm, *((g * factor).to(g.dtype) for g in known)],
        note=note,
        **more,
    )


@exercise(points=2, level=3, minutes=10)
def clip_gradients(rng: np.random.Generator) -> Iterator[Case]:
    yield _clipped(
        [tensor([0.0, 3.0]), tensor([4.0])], 1.0, "3 and 4 make 5: together they are five times too long"
    )
    yield _clipped([tensor([0.0, 3.0]), tensor([4.0])], 7.0, "shorter than the limit: nothing changes")
    yield _clipped([tensor([0.0, 3.0]), tensor([4.0])], 5.0, "exactly at the limit: nothing changes")
    yield _clipped([tensor([[0.3, 0.0], [0.0, -0.4]])], 0.25, "one matrix of norm 0.5")
    yield _clipped([tensor([6.0]), None, tensor([-8.0])], 2.0, "the parameter in the middle has no gradient")
    yield _clipped([tensor([3.0]), tensor([4.0])], 1.0, "the parameters come from an iterator, as `model.parameters()` gives them", form="an iterator")  # fmt: skip
    yield _clipped([None, None], 1.0, "no parameter has a gradient")
    yield _clipped([torch.zeros(3), torch.zeros(2, 2)], 1.0, "all gradients are 0")
    yield _clipped([tensor(2.0), tensor([[1.0, 2.0]])], 1.5, "one parameter without axes: 2, and 1, 2 make 3")
    yield _clipped([tensor([1.0, 2.0, 2.0])], 1000.0, "a limit far away")
    yield _clipped([tensor([-5.0, 0.0]), tensor([12.0])], 6.5, "5 and 12 make 13, twice the limit")
    yield _clipped(
        [floats(rng, 3, 2), floats(rng, 4), floats(rng, 2, 1, 3)], 1.0, "three parameters of different shapes"
    )
    yield _clipped([floats(rng, 3, 2), None, floats(rng, 4)], 0.5, "an iterator, and one without gradient", form="an iterator")  # fmt: skip
    yield _clipped([floats(rng, 3, 2, largest=0.3), floats(rng, 4, largest=0.3)], 5.0, "small gradients")
    yield _clipped([floats(rng, 3).double(), floats(rng, 2, 2).double()], 1.0, "float64")
    yield _clipped([floats(rng, 4, 3).T, floats(rng, 2)], 1.0, "a gradient that is not contiguous in memory")
    yield _clipped([1000 * floats(rng, 5), floats(rng, 2)], 1.0, "very large gradients")


def _norm(parameters: Any) -> float:
    return math.sqrt(sum(float((p.grad.double() ** 2).sum()) for p in parameters if p.grad is not None))


def _shrink(parameters: Any, factor: float) -> None:
    for p in parameters:
        if p.grad is not None:
            p.grad.mul_(factor)


@clip_gradients.misconception(
    "You clip each parameter's gradient on its own. That bends the direction: large ones shrink, small ones stay.",
    "All gradients together are one long vector. How long is it, and by what do you multiply all of it?",
)
def each_on_its_own(parameters: Any, max_norm: Any) -> Any:
    parameters = list(parameters)
    norm = _norm(parameters)
    for p in parameters:
        if p.grad is not None:
            _shrink([p], min(1.0, max_norm / (_norm([p]) or 1.0)))
    return norm


@clip_gradients.misconception(
    "Gradients that are shorter than max_norm were stretched to it.",
    "max_norm is a limit. What should happen below it?",
)
def stretches_short_ones(parameters: Any, max_norm: Any) -> Any:
    parameters = list(parameters)
    norm = _norm(parameters)
    if norm:
        _shrink(parameters, max_norm / norm)
    return norm


@clip_gradients.misconception(
    "You return the norm after the clipping.",
    "The number is for a person who watches the training. Which of the two norms tells them something?",
)
def norm_afterwards(parameters: Any, max_norm: Any) -> Any:
    parameters = list(parameters)
    norm = _norm(parameters)
    if norm > max_norm:
        _shrink(parameters, max_norm / norm)
    return min(norm, max_norm)


@clip_gradients.misconception(
    "You added the lengths of the gradients up. The length of the whole is not the sum of the lengths of its parts.",
    "How long is the vector (3, 4)? What is added up under its root?",
)
def sum_of_norms(parameters: Any, max_norm: Any) -> Any:
    parameters = list(parameters)
    norm = sum(_norm([p]) for p in parameters)
    if norm > max_norm:
        _shrink(parameters, max_norm / norm)
    return float(norm)


@clip_gradients.misconception(
    "The root is missing: that is the square of the norm.",
    "How long is the vector (3, 4): 25, or 5?",
)
def norm_squared(parameters: Any, max_norm: Any) -> Any:
    parameters = list(parameters)
    norm = _norm(parameters) ** 2
    if norm > max_norm:
        _shrink(parameters, max_norm / norm)
    return norm


@clip_gradients.misconception(
    "You cut every entry to the range from -max_norm to max_norm.",
    "That changes the direction of the step. What can you do to a vector that leaves its direction as it is?",
)
def each_entry_cut(parameters: Any, max_norm: Any) -> Any:
    parameters = list(parameters)
    norm = _norm(parameters)
    for p in parameters:
        if p.grad is not None:
            p.grad.clamp_(-max_norm, max_norm)
    return norm


@clip_gradients.misconception(
    "With an iterator the norm is right and nothing is clipped: after the first loop the iterator is empty.",
    "An iterator can be gone through once. How can you keep what it gives?",
)
def iterator_used_up(parameters: Any, max_norm: Any) -> Any:
    norm = _norm(parameters)
    if norm > max_norm:
        _shrink(parameters, max_norm / norm)
    return norm


@clip_gradients.misconception(
    "A parameter without a gradient has `None` there, and yours computes with it.",
    "Which parameters do you have to pass over?",
)
def none_not_skipped(parameters: Any, max_norm: Any) -> Any:
    parameters = list(parameters)
    norm = math.sqrt(sum(float((p.grad.double() ** 2).sum()) for p in parameters))
    if norm > max_norm:
        _shrink(parameters, max_norm / norm)
    return norm


@clip_gradients.misconception(
    "The norm is right, and the gradients are what they were: the shrunk ones are lost.",
    "`gradient = gradient * factor` makes a new tensor. Where does it have to go, so that the parameter has it?",
)
def nothing_clipped(parameters: Any, max_norm: Any) -> Any:
    return _norm(list(parameters))


@clip_gradients.misconception(
    "You took the length of the longest gradient for that of all together.",
    "Two gradients of lengths 3 and 4, at right angles in one long vector: how long is that?",
)
def longest_only(parameters: Any, max_norm: Any) -> Any:
    parameters = list(parameters)
    norm = max((_norm([p]) for p in parameters), default=0.0)
    if norm > max_norm:
        _shrink(parameters, max_norm / norm)
    return norm


# ----------------------------------------------------------------------------------------------------- evaluate


class Bigram(nn.Module):
    """The smallest model: a table with one row of logits a token. It keeps a record of how it was called."""

    def __init__(self, table: Tensor, context_length: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.config = SimpleNamespace(context_length=context_length, vocab_size=len(table))
        self.table = nn.Parameter(table.clone())
        self.dropout = nn.Dropout(dropout)
        self.calls: list[SimpleNamespace] = []

    def forward(self, ids: Tensor) -> Tensor:
        """Return each token's row."""
        logits: Tensor = self.dropout(self.table[ids])
        self.calls.append(
            SimpleNamespace(
                ids=ids.detach().clone(),
                training=self.training,
                recording=logits.requires_grad,
                table=self.table.detach().clone(),
            )
        )
        return logits


def _loss(table: Tensor, ids: Tensor) -> float:
    """Return the mean loss of a Bigram over the whole text."""
    return float(F.cross_entropy(table[ids[:-1]], ids[1:]))


BIGRAM = "# model: a table with one row of logits a token, model(ids) = table[ids]"


@exercise(points=2, level=3, minutes=12)
def evaluate(rng: np.random.Generator) -> Iterator[Case]:
    def on(table: Tensor, ids: Tensor, n_batches: int, seed: int = 0) -> Callable[[Any], Any]:
        """Evaluate a model with this table; its rows are as long as the text allows."""
        return lambda evaluate: evaluate(Bigram(table, len(ids) - 1), ids, n_batches, seeded(seed))

    yield play(
        on(torch.zeros(8, 8), tensor([1, 7, 2, 5]), 2),
        f"{BIGRAM}; 8 tokens, all logits 0\nevaluate(model, torch.tensor([1, 7, 2, 5]), 2, generator)",
        expect=math.log(8),
        note="a model that finds all of 8 tokens equally likely: ln 8",
    )
    table = tensor([[0.0, 2.0, 0.0], [0.0, 0.0, 0.0], [4.0, 0.0, 0.0]])
    for n_batches in (1, 5):
        yield play(
            on(table, tensor([0, 1, 2, 0]), n_batches),
            f"{BIGRAM}; table = {literal(table)}, context_length 3\n"
            f"evaluate(model, torch.tensor([0, 1, 2, 0]), {n_batches}, generator)",
            expect=_loss(table, tensor([0, 1, 2, 0])),
            note=f"a text with one start, {'one batch' if n_batches == 1 else f'{n_batches} batches, all alike'}",
        )
    drawn = floats(rng, 5, 5, largest=8.0)
    ids = tensor(rng.integers(5, size=9))
    yield play(
        on(drawn, ids, 3),
        f"{BIGRAM}; table = {literal(drawn)}, context_length 8\nevaluate(model, {literal(ids)}, 3, generator)",
        expect=_loss(drawn, ids),
        note="5 tokens, logits up to ±8",
    )
    ids = tensor(rng.integers(5, size=3000))
    seed = int(rng.integers(1000))
    yield play(
        lambda evaluate: evaluate(Bigram(drawn / 8, 20), ids, 40, seeded(seed)),
        f"{BIGRAM}; 5 tokens, context_length 20\nevaluate(model, ids, 40, generator)  # 3000 random ids",
        expect=_loss(drawn / 8, ids),
        tolerance=0.2,
        note="40 random batches of a long text: close to the loss over all of it",
    )

    large = floats(rng, 40, 40)

    def mean_of_what_was_seen(evaluate: Any) -> list[Any]:
        model = Bigram(large, 3)
        told = float(evaluate(model, torch.arange(40), 5, seeded(seed)))
        losses = [
            float(F.cross_entropy(large[call.ids].flatten(0, -2), call.ids.flatten() + 1))
            for call in model.calls
        ]
        alike = len(model.calls) > 1 and all(
            torch.equal(call.ids, model.calls[0].ids) for call in model.calls
        )
        return [told - sum(losses) / max(1, len(losses)), alike]

    yield play(
        mean_of_what_was_seen,
        f"{BIGRAM}; 40 tokens, context_length 3\n"
        "evaluate(model, torch.arange(40), 5, generator)\n"
        "# the answer minus the mean of the losses of the five batches; are the batches all alike?",
        expect=[0.0, False],
        tolerance=1e-4,
        note="five different batches: the mean of their losses",
    )

    def shapes(evaluate: Any) -> list[int]:
        model = Bigram(drawn, 6)
        evaluate(model, ids, 2, seeded(seed))
        return sorted({call.ids.shape[-1] for call in model.calls})

    yield play(
        shapes,
        f"{BIGRAM}; context_length 6\n# the lengths of the rows that the model got",
        expect=[6],
        note="rows are as long as `model.config.context_length` says",
    )

    def places(evaluate: Any) -> list[int]:
        model = Bigram(torch.zeros(4000, 2), 2)
        evaluate(model, torch.arange(4000) % 2, 1, seeded(seed))
        one = sum(call.ids.shape[:-1].numel() for call in model.calls)
        model.calls.clear()
        evaluate(model, torch.arange(4000) % 2, 7, seeded(seed))
        seven = sum(call.ids.shape[:-1].numel() for call in model.calls)
        return [seven // max(one, 1)]

    yield play(
        places,
        f"{BIGRAM}\n# how many times as many rows does the model see with n_batches=7 as with n_batches=1?",
        expect=[7],
        note="n_batches is the number of batches",
    )

    def modes(evaluate: Any) -> list[bool]:
        found = []
        for mode in (True, False):
            model = Bigram(drawn, 6).train(mode)
            evaluate(model, ids, 2, seeded(seed))
            found += [any(call.training for call in model.calls), model.training, model.dropout.training]
        return found

    yield play(
        modes,
        f"{BIGRAM}\n# for model.train() and for model.eval(): was it in training mode meanwhile? is it afterwards? is its submodule?",
        expect=[False, True, True, False, False, False],
        note="evaluation mode meanwhile, and afterwards the mode it was in",
    )

    def gradients(evaluate: Any) -> list[bool]:
        model = Bigram(drawn, 6)
        model.table.grad = torch.ones(5, 5)
        loss = evaluate(model, ids, 2, seeded(seed))
        kept = model.table.grad is not None and bool((model.table.grad == 1).all())
        recorded = any(call.recording for call in model.calls) or bool(getattr(loss, "requires_grad", False))
        return [recorded, kept, torch.equal(model.table.detach(), drawn), torch.is_grad_enabled()]

    yield play(
        gradients,
        f"{BIGRAM}\n# does torch keep record for gradients meanwhile? are the model's gradients what they were? its table? is the record on again?",
        expect=[False, True, True, True],
        note="no gradients are computed, and those that are there stay",
    )

    def randomness(evaluate: Any) -> list[bool]:
        def run(of_torch: int, of_generator: int) -> float:
            torch.manual_seed(of_torch)
            return float(evaluate(Bigram(drawn, 6), ids, 2, seeded(of_generator)))

        one, same, other = run(1, seed), run(2, seed), run(1, seed + 1)
        torch.manual_seed(3)
        untouched = torch.rand(1)
        torch.manual_seed(3)
        evaluate(Bigram(drawn, 6), ids, 2, seeded(seed))
        return [one == same, one == other, torch.equal(untouched, torch.rand(1))]

    yield play(
        randomness,
        f"{BIGRAM}\n# does the same seed give the same loss? does another seed? are torch's own random numbers left alone?",
        expect=[True, False, True],
        note="all randomness is the generator's",
    )


def _mean_loss(
    model: Any, ids: Any, n_batches: int, generator: Any, *, length: int | None = None, shift: int = 1,
) -> list[float]:  # fmt: skip
    losses = []
    for _ in range(n_batches):
        n = length or model.config.context_length
        x, y = _cut(ids, _draw(ids, 32, n, generator), n, shift)
        losses.append(F.cross_entropy(model(x).flatten(0, 1), y.flatten()).item())
    return losses


def _evaluating(
    model: Any, ids: Any, n_batches: int, generator: Any, end: Callable[[list[float]], Any] | None = None,
    after: bool | None = None, **parts: Any,
) -> Any:  # fmt: skip
    was = model.training
    model.eval()
    with torch.no_grad():
        losses = _mean_loss(model, ids, n_batches, generator, **parts)
    model.train(was if after is None else after)
    return end(losses) if end else sum(losses) / len(losses)


@evaluate.misconception(
    "The losses of the batches are added up, and not divided by their number.",
    "Should the loss grow when you look at more batches?",
)
def losses_added(model: Any, ids: Any, n_batches: Any, generator: Any) -> Any:
    return _evaluating(model, ids, n_batches, generator, end=sum)


@evaluate.misconception(
    "That is the perplexity, e to the loss.",
    "Which number does `cross_entropy` give you? It is the one that is asked for.",
)
def perplexity_instead(model: Any, ids: Any, n_batches: Any, generator: Any) -> Any:
    return _evaluating(
        model, ids, n_batches, generator, end=lambda losses: math.exp(sum(losses) / len(losses))
    )


@evaluate.misconception(
    "The model is asked for the token that it has just seen, and not for the one that follows.",
    "`get_batch` gives x and y. Which of them are the targets?",
)
def targets_are_x(model: Any, ids: Any, n_batches: Any, generator: Any) -> Any:
    return _evaluating(model, ids, n_batches, generator, shift=0)


@evaluate.misconception(
    "Whatever n_batches is, one batch is looked at.",
    "A single batch says little about a whole text. Where does your loop over the batches begin and end?",
)
def one_batch_only(model: Any, ids: Any, n_batches: Any, generator: Any) -> Any:
    return _evaluating(model, ids, 1, generator)


@evaluate.misconception(
    "The rows are shorter than the model's context_length.",
    "Where does the model say how many tokens it may see?",
)
def other_length(model: Any, ids: Any, n_batches: Any, generator: Any) -> Any:
    return _evaluating(model, ids, n_batches, generator, length=2)


@evaluate.misconception(
    "The model stays in training mode while it is judged.",
    "Some layers (dropout) throw numbers away on purpose while a model learns. Should they when it is judged?",
)
def stays_in_training_mode(model: Any, ids: Any, n_batches: Any, generator: Any) -> Any:
    with torch.no_grad():
        losses = _mean_loss(model, ids, n_batches, generator)
    return sum(losses) / len(losses)


@evaluate.misconception(
    "Afterwards the model is always in training mode, also where it was in evaluation mode before.",
    "`model.training` tells the mode. When do you have to ask for it?",
)
def always_back_to_training(model: Any, ids: Any, n_batches: Any, generator: Any) -> Any:
    return _evaluating(model, ids, n_batches, generator, after=True)


@evaluate.misconception(
    "Afterwards the model is left in evaluation mode, also in the midst of a training.",
    "`model.training` tells the mode. Do you keep it, and give it back?",
)
def left_in_evaluation_mode(model: Any, ids: Any, n_batches: Any, generator: Any) -> Any:
    return _evaluating(model, ids, n_batches, generator, after=False)


@evaluate.misconception(
    "torch keeps record of every step meanwhile, as if gradients were needed. That costs time and memory.",
    "What did you write around the in-place change of a parameter?",
)
def gradients_recorded(model: Any, ids: Any, n_batches: Any, generator: Any) -> Any:
    was = model.training
    model.eval()
    losses = _mean_loss(model, ids, n_batches, generator)
    model.train(was)
    return sum(losses) / len(losses)


@evaluate.misconception(
    "The batches are drawn from torch's own random numbers, and not from the generator: the same seed gives another loss, and a training that evaluates now and then goes another way.",
    "Which argument of `get_batch` decides where the rows start?",
)
def evaluates_without_generator(model: Any, ids: Any, n_batches: Any, generator: Any) -> Any:
    return _evaluating(model, ids, n_batches, None)


# -------------------------------------------------------------------------------------------------------- train


def _config(**changed: Any) -> Any:
    """Return a TrainingConfig with these changes to a plain one."""
    from handmade.reference.training import (
        TrainingConfig,
    )  # the reference is imported with torch, when a check runs

    plain: dict[str, Any] = {
        "steps": 6, "batch_size": 2, "peak": 0.1, "floor": 0.1, "warmup": 0, "weight_decay": 0.0,
        "betas": (0.9, 0.95), "clip": 1000.0, "seed": 0,
    }  # fmt: skip
    return TrainingConfig(**(plain | changed))


def _told(**changed: Any) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in changed.items())


def _losses(answer: Any) -> list[float]:
    """Return the losses as numbers, or say what is wrong with the form."""
    if not isinstance(answer, list | tuple):
        raise Unfit(f"Expected a list with the loss of each step, got {describe(answer)}.")
    for loss in answer:
        if not isinstance(loss, int | float | np.floating) and not (is_array(loss) and loss.ndim == 0):
            raise Unfit(f"Expected a number for each loss, got {describe(loss)}.")
    return [float(loss) for loss in answer]


class _Stop(Exception):
    """What a case raises in on_step, to stop a run."""


def _mixed() -> nn.Module:
    """Return a small network with matrices and biases, the same one each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return _Mixed()


class _Mixed(nn.Module):
    def __init__(self, d: int = 4) -> None:
        super().__init__()
        self.config = SimpleNamespace(context_length=3, vocab_size=5)
        self.embedding, self.out = nn.Embedding(5, d), nn.Linear(d, 5)

    def forward(self, ids: Tensor) -> Tensor:
        out: Tensor = self.out(torch.tanh(self.embedding(ids)))
        return out


@exercise(points=5, level=5, minutes=45, seconds=10)
def train(rng: np.random.Generator) -> Iterator[Case]:
    loop = tensor([0, 1, 2, 3, 0])  # one start for a context of 4: all batches are the same
    seed = int(rng.integers(1000))
    text = tensor(rng.integers(5, size=60))

    def on(table: Tensor, ids: Tensor, **changed: Any) -> Callable[[Any], Tensor]:
        return lambda train: tensor(_losses(train(Bigram(table, 4), ids, _config(**changed))))

    settings: dict[str, Any] = {"steps": 2, "peak": 0.5, "floor": 0.5}
    yield play(
        on(torch.zeros(4, 4), loop, **settings),
        f"{BIGRAM}; 4 tokens, all logits 0, context_length 4\n"
        f"train(model, torch.tensor([0, 1, 2, 3, 0]), TrainingConfig({_told(**settings)}, …))",
        expect=tensor([math.log(4), math.log(math.exp(0.5) + 3 * math.exp(-0.5)) - 0.5]),
        note="two steps: the first loss is ln 4, then each logit has moved by the learning rate, 0.5",
    )  # fmt: skip

    def by_heart(train: Any) -> list[Any]:
        model = Bigram(torch.zeros(4, 4), 4)
        losses = _losses(train(model, loop, _config(**by_heart_settings)))
        falls = bool(losses) and losses[-1] < 0.1 * losses[0]
        return [len(losses), falls, model.table.detach().argmax(1).tolist()]

    by_heart_settings = {"steps": 12, "peak": 1.0, "floor": 0.2, "warmup": 3, "clip": 1.0}
    yield play(
        by_heart,
        f"{BIGRAM}; 4 tokens, all logits 0, context_length 4\n"
        f"losses = train(model, torch.tensor([0, 1, 2, 3, 0]), TrainingConfig({_told(**by_heart_settings)}, …))\n"
        "# how many losses? is the last below a tenth of the first? what follows 0, 1, 2 and 3 (argmax of each row)?",
        expect=[12, True, [1, 2, 3, 0]],
        note="a text with one start: 12 times the same batch, to be learned by heart",
    )

    def moves(train: Any, **changed: Any) -> Tensor:
        """Return how far one logit moves in each step, where one and the same token follows always."""
        model = Bigram(torch.zeros(2, 2), 3)
        train(model, torch.zeros(4, dtype=torch.int64), _config(**changed))
        seen = [call.table[0, 0] for call in model.calls if call.recording]
        return torch.stack([*seen, model.table[0, 0].detach()]).diff()

    curved = {"steps": 6, "warmup": 2, "peak": 0.8, "floor": 0.2, "betas": (0.0, 0.0)}
    yield play(
        lambda train: moves(train, **curved),
        f"{BIGRAM}; 2 tokens, context_length 3\n"
        f"train(model, torch.zeros(4, dtype=torch.int64), TrainingConfig({_told(**curved)}, …))\n"
        "# how far a logit moves in each step: with both betas 0, by the learning rate",
        expect=tensor([0.4, 0.8, 0.8, *(0.5 + 0.3 * math.cos(math.pi * i / 4) for i in (1, 2, 3))]),
        tolerance=1e-4,
        note="warm-up for two steps, then the cosine",
    )
    clipped = {"steps": 3, "peak": 1.0, "floor": 1.0, "clip": 0.01}
    yield play(
        lambda train: moves(train, **clipped),
        f"{BIGRAM}; 2 tokens, context_length 3\n"
        f"train(model, torch.zeros(4, dtype=torch.int64), TrainingConfig({_told(**clipped)}, …))\n"
        "# how far a logit moves in each step: clipped to one length, all gradients are alike, and each step is 1",
        expect=torch.ones(3),
        tolerance=1e-3,
        note="gradients that shrink from step to step, all of them longer than clip",
    )

    def decayed(train: Any) -> Tensor:
        model = Bigram(tensor([[4.0, 0.0], [0.0, 8.0]]), 3)
        train(
            model,
            torch.zeros(4, dtype=torch.int64),
            _config(steps=1, peak=1e-6, floor=0.0, weight_decay=0.5e6),
        )
        return model.table.detach()

    yield play(
        decayed,
        f"{BIGRAM}; table = [[4., 0.], [0., 8.]], context_length 3\n"
        "train(model, torch.zeros(4, dtype=torch.int64), TrainingConfig(steps=1, peak=1e-6, weight_decay=0.5e6, …))\n"
        "model.table",
        expect=tensor([[2.0, 0.0], [0.0, 4.0]]),
        tolerance=1e-4,
        note="a tiny step with a huge weight decay: lr · weight_decay is a half",
    )

    longer = {"steps": 8, "peak": 0.1, "floor": 0.02, "warmup": 2, "clip": 0.3}
    once = tensor([0, 1, 0, 2])  # one start for a context of 3
    yield play(
        lambda train: tensor(_losses(train(_mixed(), once, _config(**longer)))),
        "# model: nn.Embedding(5, 4), tanh, nn.Linear(4, 5); its context_length is 3\n"
        f"train(model, {literal(once)}, TrainingConfig({_told(**longer)}, …))",
        expect=tensor(_training(_mixed(), once, _config(**longer))),
        tolerance=2e-4,
        note="again the same batch in all steps; these are the losses",
    )

    def calls(train: Any) -> list[Any]:
        seen: list[Any] = []
        losses = _losses(
            train(_mixed(), text, _config(steps=4), lambda step, loss: seen.append((step, float(loss))))
        )
        steps = [int(step) for step, _ in seen]
        return [steps, [loss for _, loss in seen] == losses]

    yield play(
        calls,
        "seen = []\nlosses = train(model, ids, TrainingConfig(steps=4, …), lambda step, loss: seen.append((step, loss)))\n"
        "# the steps in seen; are its losses those that train returned?",
        expect=[[0, 1, 2, 3], True],
        note="on_step(step, loss) is called once a step, the first is step 0",
    )

    def batches(train: Any) -> list[Any]:
        model = Bigram(torch.zeros(5, 5), 4)
        train(model, text, _config(batch_size=3, steps=4))
        rows = [call.ids for call in model.calls if call.recording]
        return [
            sorted({tuple(r.shape) for r in rows}),
            all(call.training for call in model.calls if call.recording),
            all(torch.equal(r, rows[0]) for r in rows),
        ]

    yield play(
        batches,
        f"{BIGRAM}; context_length 4\ntrain(model, ids, TrainingConfig(steps=4, batch_size=3, …))\n"
        "# the shapes of the batches; is the model in training mode? are all batches the same?",
        expect=[[(3, 4)], True, False],
        note="a new batch in each step",
    )

    def seeds(train: Any) -> list[bool]:
        def run(of_torch: int, of_config: int) -> list[float]:
            torch.manual_seed(of_torch)
            return _losses(train(_mixed(), text, _config(steps=3, seed=of_config)))

        one = run(1, seed)
        return [one == run(2, seed), one == run(1, seed + 1)]

    yield play(
        seeds,
        "# two runs with the same config.seed, then one with another: are the losses the same?",
        expect=[True, False],
        note="config.seed decides which batches come",
    )

    def disturbed(train: Any) -> bool:
        def meanwhile(step: int, loss: float) -> None:
            torch.rand(step + 1)
            torch.manual_seed(7 * step)

        torch.manual_seed(0)
        plain = _losses(train(_mixed(), text, _config(steps=3)))
        torch.manual_seed(0)
        return plain == _losses(train(_mixed(), text, _config(steps=3), meanwhile))

    yield play(
        disturbed,
        "# two runs of one config; in the second, on_step draws random numbers from torch, as a sample would: the same losses?",
        expect=True,
        note="what happens in on_step changes no loss",
    )

    schedule: dict[str, Any] = {"steps": 6, "peak": 0.1, "floor": 0.0, "warmup": 2, "seed": seed}
    run_of = f"# a run of {_told(**schedule)}"

    def differing(one: nn.Module, other: nn.Module) -> bool:
        pairs = zip(one.parameters(), other.parameters(), strict=True)
        return not all(torch.equal(a, b) for a, b in pairs)

    def going_on(train: Any, model: nn.Module, path: Path, **changed: Any) -> tuple[list[float], list[int]]:
        """Resume from the file; return all losses, and the steps that were made now."""
        seen: list[int] = []
        config = _config(**(schedule | changed))
        losses = _losses(
            train(model, text, config, lambda step, loss: seen.append(int(step)), resume_from=path)
        )
        if len(losses) != config.steps:
            raise Unfit(
                f"Expected {config.steps} losses from the resumed run, the earlier ones too, got {len(losses)}."
            )
        return losses, seen

    def needs_file(path: Path) -> None:
        if not path.exists():
            raise Unfit("There is no file at config.checkpoint_path.")

    for at in (4, 3):

        def resumed(train: Any, at: int = at) -> list[Any]:
            whole_model, model = _mixed(), _mixed()
            whole = _losses(train(whole_model, text, _config(**schedule)))
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "run.pt")
                kept: dict[str, Any] = {"checkpoint_path": path, "checkpoint_every": 2}

                def stop(step: int, loss: float) -> None:
                    if step == at:
                        raise _Stop

                with suppress(_Stop):
                    train(_mixed(), text, _config(**schedule, **kept), stop)
                needs_file(path)
                torch.manual_seed(99)
                losses, seen = going_on(train, model, path, **kept)
                _, after_all = going_on(train, _mixed(), path, **kept)
            return [
                seen[-1] if seen else None,
                bool(seen) and seen[0] in (2, 4),
                [i for i in range(6) if losses[i] != whole[i]],
                differing(model, whole_model),
                len(after_all),
            ]

        yield play(
            resumed,
            f"{run_of}, checkpoint_every=2 is stopped in on_step at step {at}, and resumed\n"
            "# its last step; was its first step 2 or 4? at which steps do the losses differ from those of a run without a stop?\n"
            "# do the weights? how many steps are made when it is resumed once more, after its end?",
            expect=[5, True, [], False, 0],
            note="a run that was stopped and resumed is the same bit for bit",
        )

    def finished(train: Any, **kept: Any) -> list[Any]:
        first, model = _mixed(), _mixed()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "run.pt")
            config = _config(**(schedule | {"steps": 3}), checkpoint_path=str(path), **kept)
            losses = _losses(train(first, text, config))
            needs_file(path)
            again, seen = going_on(train, model, path, steps=3)
            return [again == losses, len(seen), differing(model, first)]

    for kept, of_note in ({}, "no checkpoint_every"), ({"checkpoint_every": 2}, "checkpoint_every=2"):
        yield play(
            partial(finished, **kept),
            f"# a run of 3 steps with a checkpoint_path and {of_note}; at its end it is resumed from its file:\n"
            "# the same losses? how many steps are made? do the weights differ?",
            expect=[True, 0, False],
            note=f"a checkpoint after the last step, with {of_note}",
        )

    def file_there_already(train: Any) -> list[int]:
        seen: list[int] = []
        with tempfile.TemporaryDirectory() as folder:
            config = _config(steps=2, checkpoint_path=str(Path(folder, "run.pt")))
            train(_mixed(), text, config)
            train(_mixed(), text, config, lambda step, loss: seen.append(int(step)))
        return seen

    yield play(
        file_there_already,
        "# a run of 2 steps with a checkpoint_path; then the same once more with a new model, and without resume_from: its steps",
        expect=[0, 1],
        note="the file of an earlier run is there, and resume_from is not given",
    )

    def refusing(other_model: Any, **changed: Any) -> Callable[[Any], Any]:
        def ask(train: Any) -> Any:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "run.pt")
                train(_mixed(), text, _config(steps=1, checkpoint_path=path))
                return train(other_model(), text, _config(**({"steps": 1} | changed)), resume_from=path)

        return ask

    for text_of, note, other_model, changed in [
        ("config with another peak", "the checkpoint of another config", _mixed, {"peak": 0.5}),
        ("model of other shapes", "the checkpoint of another model", lambda: _Mixed(6), {}),
    ]:  # fmt: skip
        yield replace(
            play(
                refusing(other_model, **changed),
                f"# the checkpoint of a run is handed to train with a {text_of}",
                note=note,
            ),
            rejected=ValueError,
        )


def _training(
    model: Any, ids: Any, config: Any, on_step: Any = None, resume_from: Any = None, *,
    draw: Callable[..., Any] | None = None, shift: int = 1, clip: bool = True, rate: Callable[..., float] | None = None,
    decay: float | None = None, zero: bool = True, kept: tuple[str, ...] = ("weights", "memory", "generator", "losses"),
    update: bool = True, first: int = 0, after: bool = False, refuse: bool = True, every: bool = True,
) -> Any:  # fmt: skip
    """Train rightly, or with another part. `kept` is what a checkpoint brings back."""
    parameters = list(model.parameters())
    memory: list[dict[str, Any]] = [{} for _ in parameters]
    decay = config.weight_decay if decay is None else decay
    generator = seeded(config.seed)
    losses: list[float] = []
    begin = 0
    numbers = (config.steps, config.batch_size, config.peak, config.floor, config.warmup, config.seed)
    if resume_from is not None:
        saved = torch.load(resume_from, weights_only=True)
        if refuse and saved["numbers"] != list(numbers):
            raise ValueError
        begin = len(saved["losses"])
        if "weights" in kept:
            if refuse and any(saved["weights"][k].shape != v.shape for k, v in model.state_dict().items()):
                raise ValueError
            model.load_state_dict(saved["weights"])
        if "memory" in kept:
            memory = saved["memory"]
        if "generator" in kept:
            generator.set_state(saved["generator"])
        if "losses" in kept:
            losses = saved["losses"]
    for step in range(begin, config.steps):
        model.train()
        n = model.config.context_length
        starts = (draw or _draw)(ids, config.batch_size, n, generator)
        x, y = _cut(ids, starts, n, shift)
        loss = F.cross_entropy(model(x).flatten(0, -2), y.flatten())
        if zero:
            model.zero_grad()
        loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(parameters, config.clip)
        lr = (rate or _wave)(step, config.warmup, config.steps, config.peak, config.floor)
        if update:
            for parameter, state in zip(parameters, memory, strict=True):
                _adam(parameter, parameter.grad, state, lr, config.betas, 1e-8, decay)
        if after:
            with torch.no_grad():
                loss = F.cross_entropy(model(x).flatten(0, -2), y.flatten())
        losses.append(loss.item())
        due = every and config.checkpoint_every and (step + 1) % config.checkpoint_every == 0
        if config.checkpoint_path and (due or step + 1 == config.steps):
            torch.save(
                {
                    "weights": model.state_dict(), "memory": memory, "generator": generator.get_state(),
                    "losses": losses, "numbers": list(numbers),
                },
                config.checkpoint_path,
            )  # fmt: skip
        if on_step is not None:
            on_step(step + first, losses[-1])
    return losses


@train.misconception(
    "The model never changes: its loss stays where it began.",
    "Which of your functions changes the parameters? Is it called for every parameter in every step?",
)
def never_updates(model: Any, ids: Any, config: Any, on_step: Any = None, resume_from: Any = None) -> Any:
    return _training(model, ids, config, on_step, resume_from, update=False)


@train.misconception(
    "The targets are the inputs themselves: the model learns to repeat each token.",
    "`get_batch` gives x and y. What is y for?",
)
def learns_to_copy(model: Any, ids: Any, config: Any, on_step: Any = None, resume_from: Any = None) -> Any:
    return _training(model, ids, config, on_step, resume_from, shift=0)


@train.misconception(
    "The gradients of earlier steps are never cleared: torch adds each new gradient to the old ones.",
    "What does `backward()` do with a gradient that is there already? Your `Value` of lesson 04 did the same.",
)
def gradients_add_up(model: Any, ids: Any, config: Any, on_step: Any = None, resume_from: Any = None) -> Any:
    return _training(model, ids, config, on_step, resume_from, zero=False)


@train.misconception(
    "The learning rate is the peak in every step.",
    "Your `learning_rate` knows the right one. Where in the loop do you need it?",
)
def always_the_peak(model: Any, ids: Any, config: Any, on_step: Any = None, resume_from: Any = None) -> Any:
    return _training(
        model, ids, config, on_step, resume_from, rate=lambda step, warmup, steps, peak, floor: peak
    )


@train.misconception(
    "The learning rate is one step ahead: the first step gets that of step 1.",
    "Steps are counted from 0. When do you count up, and when do you ask for the learning rate?",
)
def one_step_ahead(model: Any, ids: Any, config: Any, on_step: Any = None, resume_from: Any = None) -> Any:
    return _training(
        model, ids, config, on_step, resume_from, rate=lambda step, *rest: _wave(step + 1, *rest)
    )


@train.misconception(
    "The gradients are not clipped.",
    "`config.clip` is the largest norm that they may have. After which line are there gradients to clip, and before which must it be done?",
)
def never_clips(model: Any, ids: Any, config: Any, on_step: Any = None, resume_from: Any = None) -> Any:
    return _training(model, ids, config, on_step, resume_from, clip=False)


@train.misconception(
    "There is no weight decay, whatever `config.weight_decay` says.",
    "Which argument of `adamw_step` is it?",
)
def decay_left_out(model: Any, ids: Any, config: Any, on_step: Any = None, resume_from: Any = None) -> Any:
    return _training(model, ids, config, on_step, resume_from, decay=0.0)


@train.misconception(
    "The loss is measured after the update. What is asked for is the loss from which the gradients came.",
    "What should the first number say about a model that has learned nothing yet?",
)
def loss_after_the_update(
    model: Any, ids: Any, config: Any, on_step: Any = None, resume_from: Any = None
) -> Any:
    return _training(model, ids, config, on_step, resume_from, after=True)


@train.misconception(
    "Your first step is step 1.",
    "What does `range` start with? And what does `learning_rate` call the first step?",
)
def counts_from_one(model: Any, ids: Any, config: Any, on_step: Any = None, resume_from: Any = None) -> Any:
    return _training(model, ids, config, on_step, resume_from, first=1)


@train.misconception(
    "The batches are drawn from torch's own random numbers: two runs with one seed differ, and a sample in on_step changes the run.",
    "Who else draws from torch's own numbers? Make a `torch.Generator` for this run alone, from `config.seed`.",
)
def batches_by_chance(model: Any, ids: Any, config: Any, on_step: Any = None, resume_from: Any = None) -> Any:
    return _training(
        model, ids, config, on_step, resume_from, draw=lambda ids, b, n, generator: _draw(ids, b, n, None)
    )


@train.misconception(
    "torch's own random numbers are seeded, and used: what on_step draws from them changes which batches come.",
    "Whose numbers are these? Make a `torch.Generator` for this run alone.",
)
def shares_torchs_numbers(
    model: Any, ids: Any, config: Any, on_step: Any = None, resume_from: Any = None
) -> Any:
    torch.manual_seed(config.seed)
    return _training(
        model, ids, config, on_step, resume_from, draw=lambda ids, b, n, generator: _draw(ids, b, n, None)
    )


@train.misconception(
    "Every step has the same batch: the generator is made anew in each.",
    "How often should the generator be made: once a run, or once a step?",
)
def same_batch_again(model: Any, ids: Any, config: Any, on_step: Any = None, resume_from: Any = None) -> Any:
    return _training(
        model, ids, config, on_step, resume_from,
        draw=lambda ids, b, n, generator: _draw(ids, b, n, seeded(config.seed)),
    )  # fmt: skip


@train.misconception(
    "The resumed run gets other batches: the state of the generator was not kept, and it began anew from the seed.",
    "What would the generator have drawn next, if nothing had been stopped? `get_state` and `set_state` are its methods.",
)
def generator_forgotten(
    model: Any, ids: Any, config: Any, on_step: Any = None, resume_from: Any = None
) -> Any:
    return _training(model, ids, config, on_step, resume_from, kept=("weights", "memory", "losses"))


@train.misconception(
    "The resumed run begins with the right weights, and AdamW without its memory.",
    "What does AdamW know besides the weights? Its means and its count belong into the checkpoint.",
)
def optimiser_forgotten(
    model: Any, ids: Any, config: Any, on_step: Any = None, resume_from: Any = None
) -> Any:
    return _training(model, ids, config, on_step, resume_from, kept=("weights", "generator", "losses"))


@train.misconception(
    "The resumed run goes on with the weights of a new model.",
    "`model.load_state_dict` takes what `model.state_dict` gave. When is it called?",
)
def weights_forgotten(model: Any, ids: Any, config: Any, on_step: Any = None, resume_from: Any = None) -> Any:
    return _training(model, ids, config, on_step, resume_from, kept=("memory", "generator", "losses"))


@train.misconception(
    "The resumed run returns only its own losses.",
    "Where are the losses from before the stop? They belong into the checkpoint too.",
)
def earlier_losses_lost(
    model: Any, ids: Any, config: Any, on_step: Any = None, resume_from: Any = None
) -> Any:
    return _training(model, ids, config, on_step, resume_from, kept=("weights", "memory", "generator"))


@train.misconception(
    "`resume_from` is not used: the run begins again from the first step.",
    "What should be the first step of the loop, if the checkpoint holds four losses?",
)
def begins_again(model: Any, ids: Any, config: Any, on_step: Any = None, resume_from: Any = None) -> Any:
    return _training(model, ids, config, on_step)


@train.misconception(
    "Where the file of an earlier run lies at `config.checkpoint_path`, yours goes on from it without being asked to.",
    "Which argument says that a run is to go on? What should happen where it is None?",
)
def resumes_unasked(model: Any, ids: Any, config: Any, on_step: Any = None, resume_from: Any = None) -> Any:
    path = config.checkpoint_path
    return _training(
        model, ids, config, on_step, resume_from or (path if path and Path(path).exists() else None)
    )


@train.misconception(
    "A checkpoint of another run is taken as if it were one of this run.",
    "Which settings have to be the same, so that a run can go on? Keep them in the checkpoint, and compare before anything is loaded.",
)
def takes_any_checkpoint(
    model: Any, ids: Any, config: Any, on_step: Any = None, resume_from: Any = None
) -> Any:
    return _training(model, ids, config, on_step, resume_from, refuse=False)


@train.misconception(
    "A checkpoint is written at the end alone: a run that is stopped before has none.",
    "After which steps is one due, if `config.checkpoint_every` is 2?",
)
def checkpoint_only_at_the_end(
    model: Any, ids: Any, config: Any, on_step: Any = None, resume_from: Any = None
) -> Any:
    return _training(model, ids, config, on_step, resume_from, every=False)
