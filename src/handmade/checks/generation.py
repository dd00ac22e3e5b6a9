"""Lesson 13: sampling well and fast."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from handmade.checks.case import Case, case, literal, play
from handmade.checks.compare import Unfit, describe, is_array, is_bool
from handmade.checks.draw import floats
from handmade.checks.exercise import exercise
from handmade.reference import generation as reference
from handmade.reference import gpt
from handmade.reference.multi_head import multi_head_attention

tensor = torch.tensor
inf = math.inf
STANDARD_ERRORS = 5  # a right share is further off than this once in two million draws of a case
HALVES = [0.5, 0.25, 0.125, 0.125]


def seeded(seed: int) -> torch.Generator:
    """Return a generator, as `torch.Generator().manual_seed(seed)` makes it."""
    return torch.Generator().manual_seed(seed)


def _seed_text(seed: int) -> str:
    return f"torch.Generator().manual_seed({seed})"


# ---- Random answers are judged by what every right way of drawing has in common: shares, seeds, and what is certain.


def _token(value: Any) -> int:
    """Return an answer that is one whole number as an int; else say what it is."""
    scalar = isinstance(value, int | float | np.generic) or (is_array(value) and value.ndim == 0)
    if not scalar or is_bool(value) or isinstance(value, np.str_):
        raise Unfit(f"Expected the id of a token, one whole number, got {describe(value)}.")
    number = float(value)
    if not number.is_integer():
        raise Unfit(f"Expected the id of a token, one whole number, got {number:.6g}.")
    return int(number)


def _as_often_as(shares: list[float]) -> Callable[[Any], bool]:
    """Return the view of many drawn ids that asks whether each came as often as its share, within what chance allows."""

    def view(answers: Any) -> bool:
        drawn = [_token(answer) for answer in answers]
        n = len(drawn)
        outside = sorted({token for token in drawn if not 0 <= token < len(shares)})
        if outside:
            raise Unfit(f"There are ids 0 to {len(shares) - 1}, and token {outside[0]} was drawn.")
        counts = np.bincount(drawn, minlength=len(shares))
        never = [i for i, share in enumerate(shares) if share == 0 and counts[i]]
        if never:
            raise Unfit(f"Token {never[0]} was drawn, and nothing should be left of its probability.")
        room = [STANDARD_ERRORS * math.sqrt(p * (1 - p) / n) + 0.5 / n for p in shares]
        often = [str(i) for i, (p, r) in enumerate(zip(shares, room, strict=True)) if counts[i] / n > p + r]
        rarely = [str(i) for i, (p, r) in enumerate(zip(shares, room, strict=True)) if counts[i] / n < p - r]
        if often or rarely:
            words = [f"too often: {_tokens(often)}"] if often else []
            words += [f"too rarely: {_tokens(rarely)}"] if rarely else []
            came = f"only token {drawn[0]} came" if len(set(drawn)) == 1 else f"came {'; '.join(words)}"
            right = ", ".join(f"{p:.3g}" for p in shares)
            raise Unfit(
                f"In {n} draws {came}. The shares should be near [{right}], and chance does not explain it."
            )
        return True

    return view


def _tokens(ids: list[str]) -> str:
    return f"token {ids[0]}" if len(ids) == 1 else f"tokens {', '.join(ids[:-1])} and {ids[-1]}"


def _seeds_case(draw: Callable[[Any, torch.Generator], Any], text: str, seed: int) -> Case:
    """Return the case that asks how the draws of `draw(candidate, generator)` depend on the generator."""

    def ask(candidate: Any) -> list[bool]:
        with torch.random.fork_rng([]):
            torch.manual_seed(1)
            first = draw(candidate, seeded(seed))
            torch.manual_seed(2)
            generator = seeded(seed)
            again, later = draw(candidate, generator), draw(candidate, generator)
            other = draw(candidate, seeded(seed + 1))
        return [first == again, again == later, first == other]

    return play(
        ask,
        f"def draw(generator): return {text}\ngenerator = {_seed_text(seed)}\nagain, later = draw(generator), draw(generator)\n"
        f"first, other = (draw(torch.Generator().manual_seed(seed)) for seed in ({seed}, {seed + 1}))\n"
        "[first == again, again == later, first == other]",
        expect=[True, False, False],
        note="the same seed gives the same; a generator that has moved on, and another seed, give something else",
    )


def _unseeded(ask: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return `ask` with torch's own random numbers in a fixed state, which is put back afterwards."""

    def asks(candidate: Any) -> Any:
        with torch.random.fork_rng([]):
            torch.manual_seed(0)
            return ask(candidate)

    return asks


# ---- sample


def _draws(probabilities: Tensor, n: int, seed: int, note: str) -> Case:
    def ask(sample: Any) -> list[Any]:
        generator = seeded(seed)
        given = probabilities.clone() if probabilities.is_contiguous() else probabilities
        answers = [sample(given, generator) for _ in range(n)]
        if not torch.equal(given, probabilities):
            raise Unfit("Your function changed the probabilities that it was given.")
        return answers

    shares = probabilities.double().tolist()
    return play(
        ask,
        f"generator = {_seed_text(seed)}\np = {literal(probabilities)}\n[sample(p, generator) for _ in range({n})]",
        expect=True,
        view=_as_often_as(shares),
        note=note,
    )


@exercise(points=2, level=2, minutes=10)
def sample(rng: np.random.Generator) -> Iterator[Case]:
    seeds = [int(seed) for seed in rng.integers(1000, size=8)]
    for probabilities, expect, note in (
        ([0.0, 1.0, 0.0], 1, "one token is certain"),
        ([0.0, 0.0, 0.0, 1.0], 3, "the last token is certain"),
        ([1.0, 0.0], 0, "the first token is certain"),
        ([1.0], 0, "a vocabulary of one token"),
    ):
        yield case(
            tensor(probabilities), seeded(0), expect=expect, view=_token,
            text=f"sample({literal(tensor(probabilities))}, {_seed_text(0)})", note=note,
        )  # fmt: skip
    yield _draws(tensor([0.0, 0.5, 0.0, 0.5]), 150, seeds[0], "two tokens, and two that never come")
    yield _draws(tensor([0.1, 0.2, 0.3, 0.4]), 1200, seeds[1], "four tokens")
    yield _draws(tensor([0.25, 0.05, 0.5, 0.2]), 1200, seeds[2], "four tokens, in no order")
    yield _draws(tensor([0.9, 0.1]), 500, seeds[3], "one token is likely, one is not")
    uniform = torch.full((50,), 1 / 50)
    yield _seeds_case(
        lambda f, generator: [_token(f(uniform.clone(), generator)) for _ in range(10)],
        "[sample(torch.full((50,), 1 / 50), generator) for _ in range(10)]",
        seeds[4],
    )
    yield _draws(tensor([0.3, 0.6, 0.1]).double(), 500, seeds[5], "float64")
    yield _draws(tensor([[0.2, 0.9], [0.7, 0.0], [0.1, 0.1]])[:, 0], 500, seeds[6], "a column of a matrix")
    drawn = rng.integers(1, 9, size=6)
    yield _draws(torch.as_tensor(drawn / drawn.sum(), dtype=torch.float32), 900, seeds[7], "six tokens")


def _dart(generator: Any) -> float:
    return torch.rand((), generator=generator).item()


def _first_end_above(probabilities: Any, dart: float) -> int:
    ends = probabilities.cumsum(-1)
    return min(int((ends <= dart).sum()), len(probabilities) - 1)


@sample.misconception(
    "You always take the likeliest token. Nothing is drawn.",
    "If a token has probability 0.4, in how many of 100 calls should it come?",
)
def always_the_best(probabilities: Any, generator: Any) -> Any:
    return int(probabilities.argmax())


@sample.misconception(
    "All tokens that are possible come equally often: their probabilities play no part, except that 0 is never drawn.",
    "Where in your code does a token with twice the probability get twice the chance?",
)
def all_alike(probabilities: Any, generator: Any) -> Any:
    possible = probabilities.nonzero().flatten()
    return int(possible[torch.randint(len(possible), (), generator=generator)])


@sample.misconception(
    "All tokens of the vocabulary come equally often, also those with probability 0.",
    "Which line of your code looks at the probabilities?",
)
def probabilities_unused(probabilities: Any, generator: Any) -> Any:
    return int(torch.randint(len(probabilities), (), generator=generator))


@sample.misconception(
    "Your random numbers do not come from the generator: the same seed gives other tokens each time.",
    "Which argument of torch's random functions says where their random numbers come from?",
)
def generator_unused(probabilities: Any, generator: Any) -> Any:
    return _first_end_above(probabilities, _dart(None))


@sample.misconception(
    "You seed anew in every call, so one generator gives the same token for ever.",
    "If the same generator is handed to you twice, has it moved on in between?",
)
def seeded_inside(probabilities: Any, generator: Any) -> Any:
    return _first_end_above(probabilities, _dart(seeded(generator.initial_seed())))


@sample.misconception(
    "You compare the random number with single probabilities. It has to be compared with their running sum.",
    "Lay the probabilities side by side, from 0 to 1. Where does the stretch of the third token begin?",
)
def not_added_up(probabilities: Any, generator: Any) -> Any:
    larger = (probabilities > _dart(generator)).nonzero()
    return int(larger[0]) if len(larger) else len(probabilities) - 1


@sample.misconception(
    "Your index is one too high: the token after the one that was hit.",
    "If the random number is smaller than the first running sum, which token is hit?",
)
def one_too_high(probabilities: Any, generator: Any) -> Any:
    return _first_end_above(probabilities, _dart(generator)) + 1


@sample.misconception(
    "Your index is one too low: the token before the one that was hit.",
    "Count the running sums that the random number has passed. If it has passed none, which token is hit?",
)
def one_too_low(probabilities: Any, generator: Any) -> Any:
    return max(_first_end_above(probabilities, _dart(generator)) - 1, 0)


@sample.misconception(
    "You return the probability of the token that was drawn, not its id.",
    "What does the model need to go on: which token came, or how likely it was?",
)
def probability_returned(probabilities: Any, generator: Any) -> Any:
    return float(probabilities[_first_end_above(probabilities, _dart(generator))])


@sample.misconception(
    "You return a tensor with one entry along an axis. Asked for is the number in it.",
    "Which method of a tensor with one entry gives that entry as a Python number?",
)
def in_a_tensor(probabilities: Any, generator: Any) -> Any:
    return torch.multinomial(probabilities, 1, generator=generator)


@sample.misconception(
    "Likely tokens come too often and unlikely ones too rarely: a softmax over probabilities, a square or a power sharpens or flattens them.",
    "The probabilities add up to 1 already. What is left to do to them before the draw?",
)
def softmax_again(probabilities: Any, generator: Any) -> Any:
    return int(torch.multinomial(probabilities.softmax(-1), 1, generator=generator))


# ---- top_k_filter


def _tied(logits: Tensor, k: int) -> Callable[[Any], Any]:
    """Return the view by which any k of the tied logits may be kept at the k-th place, and all of them too."""
    ordered = logits.sort(dim=-1, descending=True).values
    kth = ordered[..., k - 1 : k]
    all_ties = logits.masked_fill(logits < kth, -inf)

    def view(answer: Any) -> Any:
        if not is_array(answer) or tuple(answer.shape) != tuple(logits.shape):
            return answer
        found = torch.as_tensor(answer)
        dropped = found == -inf
        unchanged = bool(((found == logits) | dropped).all())
        above = bool((~dropped[logits > kth]).all())
        below = bool(dropped[logits < kth].all())
        enough = bool(((~dropped).sum(-1) >= k).all())
        return all_ties if unchanged and above and below and enough else answer

    return view


@exercise(points=1, level=2, minutes=8)
def top_k_filter(rng: np.random.Generator) -> Iterator[Case]:
    yield case(tensor([2.0, 5.0, 3.0, 1.0]), 2, expect=tensor([-inf, 5.0, 3.0, -inf]))
    yield case(tensor([2.0, 5.0, 3.0, 1.0]), 1, expect=tensor([-inf, 5.0, -inf, -inf]), note="k is 1")
    yield case(
        tensor([[2.0, 5.0, 3.0], [1.0, 0.0, 9.0]]),
        2,
        expect=tensor([[-inf, 5.0, 3.0], [1.0, -inf, 9.0]]),
        note="two rows, each with its own best",
    )
    yield case(tensor([-1.0, -5.0, -3.0]), 2, expect=tensor([-1.0, -inf, -3.0]), note="all are negative")
    yield case(tensor([4.0, -2.0, 0.0]), 3, expect=tensor([4.0, -2.0, 0.0]), note="k is vocab_size")
    yield case(
        tensor([[4.0, -2.0], [0.0, 7.0]]),
        5,
        expect=tensor([[4.0, -2.0], [0.0, 7.0]]),
        note="k is above vocab_size: all are kept",
    )
    ties = tensor([1.0, 3.0, 1.0, 0.0])
    yield case(
        ties, 2, expect=tensor([1.0, 3.0, 1.0, -inf]), view=_tied(ties, 2),
        note="two logits share the second place: one of them must stay, and both may",
    )  # fmt: skip
    ties = tensor([[2.0, 2.0, 2.0], [5.0, 6.0, 5.0]])
    yield case(
        ties, 1, expect=tensor([[2.0] * 3, [-inf, 6.0, -inf]]), view=_tied(ties, 1), note="all are tied"
    )
    yield case(tensor([[8.0], [-8.0]]), 1, expect=tensor([[8.0], [-8.0]]), note="a vocabulary of one token")
    for shape, k, note in (
        ((6,), 3, "one row"),
        ((3, 7), 4, "3 rows of 7"),
        ((5, 5), 2, "as many rows as tokens"),
        ((2, 3, 6), 2, "a batch of 2 texts of 3 positions"),
        ((1, 2, 2, 5), 1, "three leading axes"),
    ):
        logits = _different(rng, *shape)
        yield case(logits, k, expect=_top(logits, k), note=note)
    yield case(_different(rng, 3, 6).double(), 2, note="float64")
    yield case(_different(rng, 3, 6).T.contiguous().T, 4, note="logits are the transpose of another tensor")
    large = _different(rng, 2, 5) * 1000
    yield case(large, 2, expect=_top(large, 2), note="large logits")


def _different(rng: np.random.Generator, *shape: int) -> Tensor:
    """Return logits of which no two in a row are equal, or close."""
    ranks = rng.permuted(np.broadcast_to(np.arange(shape[-1]), shape), axis=-1)
    return torch.as_tensor(0.5 * ranks - 1.25, dtype=torch.float32)


def _top(logits: Tensor, k: int) -> Tensor:
    kept = torch.full_like(logits, -inf)
    best = logits.argsort(dim=-1, descending=True)[..., :k]
    return kept.scatter(-1, best, logits.gather(-1, best))


@top_k_filter.misconception(
    "You keep only k − 1: the k-th largest itself is dropped.",
    "Should the k-th largest logit pass your comparison with the k-th largest logit?",
)
def kth_dropped(logits: Any, k: int) -> Any:
    kth = logits.topk(min(k, logits.shape[-1]), -1).values[..., -1:]
    return logits.masked_fill(logits <= kth, -inf)


@top_k_filter.misconception(
    "You keep one more than k.",
    "At which index does the k-th largest stand, if the largest stands at index 0?",
)
def one_too_many(logits: Any, k: int) -> Any:
    kth = logits.topk(min(k + 1, logits.shape[-1]), -1).values[..., -1:]
    return logits.masked_fill(logits < kth, -inf)


@top_k_filter.misconception(
    "Where several logits share the k-th place you drop them all, and fewer than k are left.",
    "Which is safer where there are ties: to keep what is larger than the next one, or what is at least as large as the k-th?",
)
def fewer_on_ties(logits: Any, k: int) -> Any:
    ordered = logits.sort(-1, descending=True).values
    if k >= logits.shape[-1]:
        return logits.clone()
    return logits.masked_fill(logits <= ordered[..., k : k + 1], -inf)


@top_k_filter.misconception(
    "You keep the k smallest logits.",
    "Does a large logit belong to a likely token, or to an unlikely one?",
)
def smallest_kept(logits: Any, k: int) -> Any:
    kth = logits.topk(min(k, logits.shape[-1]), -1, largest=False).values[..., -1:]
    return logits.masked_fill(logits > kth, -inf)


@top_k_filter.misconception(
    "You return probabilities. Asked for are the logits, unchanged where they are kept.",
    "Who applies the softmax: this filter, or whoever uses what it returns?",
)
def probabilities_of_kept(logits: Any, k: int) -> Any:
    return _top(logits, k).softmax(-1)


@top_k_filter.misconception(
    "What you drop becomes 0. A logit of 0 is no small one: its token keeps e⁰ = 1 against the others.",
    "Which logit has the probability 0 after a softmax?",
)
def dropped_to_zero(logits: Any, k: int) -> Any:
    kept = _top(logits, k)
    return torch.where(kept == -inf, torch.zeros_like(kept), kept)


@top_k_filter.misconception(
    "What you drop gets a large negative number. It works for these logits, and leaves more than 0 for others.",
    "Is there a number that is smaller than every logit, however small that is?",
)
def dropped_to_a_number(logits: Any, k: int) -> Any:
    kept = _top(logits, k)
    return torch.where(kept == -inf, torch.full_like(kept, -1e9), kept)


@top_k_filter.misconception(
    "You return the k logits that are kept, in order. The shape has to stay, and so must each token's place.",
    "If the answer has only k entries, how can a later step tell which tokens they belong to?",
)
def only_the_kept(logits: Any, k: int) -> Any:
    return logits.topk(min(k, logits.shape[-1]), -1).values


@top_k_filter.misconception(
    "You took the k largest of the whole tensor. Each row has k of its own.",
    "If there are two rows, how many logits are kept in all?",
)
def over_all_rows(logits: Any, k: int) -> Any:
    kth = logits.flatten().topk(min(k, logits.numel())).values[-1]
    return logits.masked_fill(logits < kth, -inf)


@top_k_filter.misconception(
    "Every row is filtered by the places that are best in the first row.",
    "Do the second row's largest logits stand where the first row's do?",
)
def places_of_the_first_row(logits: Any, k: int) -> Any:
    rows = logits.reshape(-1, logits.shape[-1])
    best = rows[0].argsort(descending=True)[:k]
    kept = torch.full_like(rows, -inf)
    kept[:, best] = rows[:, best]
    return kept.reshape(logits.shape)


@top_k_filter.misconception(
    "A k above vocab_size makes an error: torch cannot find more of the largest than there are.",
    "If ten tokens are to be kept and there are five, how many are kept?",
)
def large_k_raises(logits: Any, k: int) -> Any:
    kth = logits.topk(k, -1).values[..., -1:]
    return logits.masked_fill(logits < kth, -inf)


@top_k_filter.misconception(
    "Your logits come back as they were: nothing is dropped.",
    "`masked_fill` returns a new tensor. Do you return that one?",
)
def nothing_dropped(logits: Any, k: int) -> Any:
    return logits.clone()


# ---- top_p_filter


def _nucleus(logits: Tensor, p: float) -> Tensor:
    """Return the right answer, row by row and token by token."""
    rows = logits.reshape(-1, logits.shape[-1])
    kept = torch.full_like(rows, -inf)
    for i, row in enumerate(rows):
        probabilities, total = row.double().softmax(-1).tolist(), 0.0
        for token in sorted(range(len(probabilities)), key=lambda t: -probabilities[t]):
            kept[i, token] = row[token]
            total += probabilities[token]
            if total >= p:
                break
    return kept.reshape(logits.shape)


def _odds(odds: Any, p: float, kept: Any, note: str, shift: float = 0.0) -> Case:
    """Return the case whose logits are logs of small whole numbers, of which those in `kept` stay (0 for the others)."""
    odds = tensor(odds, dtype=torch.float32)
    more = f" + {shift:g}" if shift > 0 else f" - {-shift:g}" if shift else ""
    logits = odds.log() + shift
    expect = torch.where(tensor(kept, dtype=torch.float32) > 0, logits, tensor(-inf))
    return case(logits, p, expect=expect, text=f"top_p_filter({literal(odds)}.log(){more}, {p:g})", note=note)


def _between(logits: Tensor, place: int) -> float:
    """Return a p half-way between two running sums of every row, so that no rounding decides. All rows have the same numbers."""
    sums = (
        logits.reshape(-1, logits.shape[-1])[0].double().softmax(-1).sort(descending=True).values.cumsum(-1)
    )
    return round(float(sums[place - 1] + sums[place]) / 2, 3)


@exercise(points=2, level=3, minutes=15)
def top_p_filter(rng: np.random.Generator) -> Iterator[Case]:
    yield _odds([5, 2, 1], 0.7, [5, 2, 0], "probabilities 5/8, 2/8, 1/8")
    yield _odds([1, 5, 2], 0.7, [0, 5, 2], "the same in another order")
    yield _odds([1, 5, 2], 0.5, [0, 5, 0], "the best one reaches 0.5 alone")
    yield _odds([2, 5, 3], 0.001, [0, 5, 0], "a tiny p: the best token stays")
    yield _odds(
        [40, 11, 29, 20], 0.65, [40, 0, 29, 0], "0.4 + 0.29 crosses 0.65: the token that crosses stays"
    )
    yield _odds([1, 4, 2, 1], 1.0, [1, 4, 2, 1], "p is 1: all tokens stay")
    yield _odds(
        [[1, 5, 2], [6, 1, 1], [2, 3, 3.5]],
        0.7,
        [[0, 5, 2], [6, 0, 0], [0, 3, 3.5]],
        "three rows, each with its own number of tokens",
    )
    yield _odds([1, 5, 2], 0.7, [0, 5, 2], "100 added to all logits changes no probability", shift=100.0)
    yield _odds([1, 5, 2], 0.7, [0, 5, 2], "all logits are far below 0", shift=-200.0)
    yield case(
        tensor([1.0, -inf, 3.0, 2.9]), 0.9, expect=tensor([-inf, -inf, 3.0, 2.9]),
        note="one token was dropped by another filter before",
    )  # fmt: skip
    yield case(tensor([[7.0], [-7.0]]), 0.5, expect=tensor([[7.0], [-7.0]]), note="a vocabulary of one token")
    yield case(
        tensor([0.0, 30.0, 2.0]),
        0.95,
        expect=tensor([-inf, 30.0, -inf]),
        note="one token is as good as certain",
    )
    for shape, place, note in (
        ((8,), 3, "one row of eight"),
        ((3, 6), 2, "3 rows of 6"),
        ((5, 5), 3, "as many rows as tokens"),
        ((2, 3, 7), 4, "a batch of 2 texts of 3 positions"),
        ((1, 2, 2, 4), 2, "three leading axes"),
    ):
        logits = _different(rng, *shape)
        p = _between(logits, place)
        yield case(logits, p, expect=_nucleus(logits, p), note=note)
    logits = (_different(rng, 3, 5)).double()
    yield case(logits, _between(logits, 2), expect=_nucleus(logits, _between(logits, 2)), note="float64")
    logits = (_different(rng, 2, 6)).T.contiguous().T
    yield case(
        logits,
        _between(logits, 3),
        expect=_nucleus(logits, _between(logits, 3)),
        note="logits are the transpose of another tensor",
    )


def _filtered(logits: Any, dropped_in_order: Callable[[Any, Any], Any]) -> Any:
    """Return the logits without those that `dropped_in_order(probabilities, running sums)` names, best first."""
    ordered, order = logits.sort(-1, descending=True)
    probabilities = ordered.softmax(-1)
    dropped = dropped_in_order(probabilities, probabilities.cumsum(-1))
    return logits.masked_fill(torch.zeros_like(dropped).scatter(-1, order, dropped), -inf)


@top_p_filter.misconception(
    "The token that crosses p is dropped: what you keep adds up to less than p.",
    "If 0.625 is too little and the next token brings 0.25, is it needed to reach 0.7?",
)
def crossing_dropped(logits: Any, p: float) -> Any:
    def dropped(probabilities: Any, sums: Any) -> Any:
        answer = sums > p
        answer[..., 0] = False
        return answer

    return _filtered(logits, dropped)


@top_p_filter.misconception(
    "The token that crosses p is dropped, also where it is the best one: nothing is left there.",
    "What should happen when the likeliest token alone has more than p?",
)
def nothing_left(logits: Any, p: float) -> Any:
    return _filtered(logits, lambda probabilities, sums: sums > p)


@top_p_filter.misconception(
    "You keep one token more than is needed.",
    "Once the kept tokens have reached p, is another one let in?",
)
def one_beyond(logits: Any, p: float) -> Any:
    def dropped(probabilities: Any, sums: Any) -> Any:
        needless = sums - probabilities >= p  # the right answer, and then moved one place on
        return torch.cat([torch.zeros_like(needless[..., :1]), needless[..., :-1]], -1)

    return _filtered(logits, dropped)


@top_p_filter.misconception(
    "The running sum goes through the tokens in the order of the vocabulary, not from the likeliest on.",
    "Which token has to come first into the set, so that the set becomes as small as possible?",
)
def not_sorted(logits: Any, p: float) -> Any:
    probabilities = logits.softmax(-1)
    return logits.masked_fill(probabilities.cumsum(-1) - probabilities >= p, -inf)


@top_p_filter.misconception(
    "You begin with the least likely tokens.",
    "In which direction does `sort` go, unless you tell it otherwise?",
)
def worst_first(logits: Any, p: float) -> Any:
    return -_negated_filter(-logits, p)


def _negated_filter(negated: Any, p: float) -> Any:
    ordered, order = negated.sort(-1, descending=True)
    probabilities = (-ordered).softmax(-1)
    dropped = probabilities.cumsum(-1) - probabilities >= p
    return negated.masked_fill(torch.zeros_like(dropped).scatter(-1, order, dropped), inf)


@top_p_filter.misconception(
    "The logits come back sorted, best first: they no longer stand at their tokens' places.",
    "The token of id 0 had a logit. At which index does a later step look for it?",
)
def left_sorted(logits: Any, p: float) -> Any:
    ordered = logits.sort(-1, descending=True).values
    probabilities = ordered.softmax(-1)
    return ordered.masked_fill(probabilities.cumsum(-1) - probabilities >= p, -inf)


@top_p_filter.misconception(
    "The right number of tokens is dropped, but at the wrong places: what was found for the sorted tokens was applied to the vocabulary's order.",
    "`sort` gives two tensors. What does the second one tell?",
)
def mask_not_sorted_back(logits: Any, p: float) -> Any:
    probabilities = logits.sort(-1, descending=True).values.softmax(-1)
    return logits.masked_fill(probabilities.cumsum(-1) - probabilities >= p, -inf)


@top_p_filter.misconception(
    "You keep each token whose own probability is at least 1 − p. The set is judged by what its tokens have together.",
    "With a thousand tokens of probability 0.001 each, how many does p = 0.9 keep?",
)
def each_alone(logits: Any, p: float) -> Any:
    probabilities = logits.softmax(-1)
    best = probabilities == probabilities.amax(-1, keepdim=True)
    return logits.masked_fill((probabilities < 1 - p) & ~best, -inf)


@top_p_filter.misconception(
    "You compare each token's own probability with p.",
    "Can two tokens both have a probability of more than 0.7?",
)
def at_least_p_alone(logits: Any, p: float) -> Any:
    probabilities = logits.softmax(-1)
    best = probabilities == probabilities.amax(-1, keepdim=True)
    return logits.masked_fill((probabilities < p) & ~best, -inf)


@top_p_filter.misconception(
    "You keep a share p of the tokens, whatever their probabilities.",
    "If one token has probability 0.99 and p is 0.9, how many tokens reach p?",
)
def share_of_the_vocabulary(logits: Any, p: float) -> Any:
    return _top(logits, max(1, math.ceil(p * logits.shape[-1])))


@top_p_filter.misconception(
    "Your running sum is over logits. They are no probabilities: they may be negative, and add up to anything.",
    "What makes probabilities of logits?",
)
def sums_of_logits(logits: Any, p: float) -> Any:
    def dropped(probabilities: Any, sums: Any) -> Any:
        ordered = logits.sort(-1, descending=True).values
        answer = ordered.cumsum(-1) - ordered >= p
        answer[..., 0] = False
        return answer

    return _filtered(logits, dropped)


@top_p_filter.misconception(
    "You return probabilities. Asked for are the logits, unchanged where they are kept.",
    "Two filters may follow each other. What would the second one get?",
)
def nucleus_probabilities(logits: Any, p: float) -> Any:
    return _nucleus(logits, p).softmax(-1)


@top_p_filter.misconception(
    "What you drop becomes 0, and a logit of 0 leaves a token with a chance.",
    "Which logit has the probability 0 after a softmax?",
)
def nucleus_dropped_to_zero(logits: Any, p: float) -> Any:
    kept = _nucleus(logits, p)
    return torch.where(kept == -inf, torch.zeros_like(kept), kept)


@top_p_filter.misconception(
    "All rows are filtered as one: softmax or running sum went over the whole tensor.",
    "If there are two rows, to what do the probabilities of each add up?",
)
def rows_as_one(logits: Any, p: float) -> Any:
    return _nucleus(logits.reshape(-1), p).reshape(logits.shape)


@top_p_filter.misconception(
    "Your logits come back as they were: no token is dropped.",
    "Which tensor do you return: the one that came in, or the one with −∞ in it?",
)
def no_token_dropped(logits: Any, p: float) -> Any:
    return logits.clone()


# ---- choose_token


def _shares_of(
    logits: Tensor, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
) -> list[float]:
    """Return the probabilities with which a right answer chooses."""
    logits = logits.double() / temperature
    logits = logits if top_k is None else _top(logits, top_k)
    logits = logits if top_p is None else _nucleus(logits, top_p)
    shares: list[float] = logits.softmax(-1).tolist()
    return shares


def _settings(**given: Any) -> str:
    return "".join(f", {name}={value}" for name, value in given.items() if value is not None)


def _chosen(odds: list[float], n: int, seed: int, note: str, **given: Any) -> Case:
    """Return the case of many choices by the logs of these odds."""
    logits = tensor(odds, dtype=torch.float32).log()
    order = ("temperature", "top_k", "top_p")
    settings: list[Any] = [given.get(name, 1.0 if name == "temperature" else None) for name in order]

    def ask(choose_token: Any) -> list[Any]:
        generator = seeded(seed)
        return [choose_token(logits.clone(), *settings, generator) for _ in range(n)]

    call = f"choose_token(logits{_settings(**given)}, generator=generator)"
    return play(
        ask,
        f"generator = {_seed_text(seed)}\nlogits = {literal(tensor(odds))}.log()\n[{call} for _ in range({n})]",
        expect=True,
        view=_as_often_as(_shares_of(logits, *settings)),
        note=note,
    )


def _certain(logits: Tensor, best: int, n: int, seed: int, note: str, **given: Any) -> Case:
    """Return the case of n choices in which the settings leave one token."""
    settings = [given.get("temperature", 1.0), given.get("top_k"), given.get("top_p")]

    def ask(choose_token: Any) -> list[Any]:
        generator = seeded(seed)
        return [choose_token(logits.clone(), *settings, generator) for _ in range(n)]

    call = f"choose_token(logits{_settings(**given)}, generator=generator)"
    return play(
        ask,
        f"generator = {_seed_text(seed)}\nlogits = {literal(logits)}\n[{call} for _ in range({n})]",
        expect=[best] * n,
        view=lambda answers: [_token(answer) for answer in answers],
        note=note,
    )


@exercise(points=2, level=2, minutes=12)
def choose_token(rng: np.random.Generator) -> Iterator[Case]:
    seeds = [int(seed) for seed in rng.integers(1000, size=10)]
    for logits, best, note in (
        (tensor([1.0, 4.0, 2.0]), 1, "temperature 0: the largest logit"),
        (tensor([-9.0, -7.0, -3.0, -8.0]), 2, "temperature 0, all logits are negative"),
    ):
        yield case(
            logits, 0.0, None, None, seeded(0), expect=best, view=_token,
            text=f"choose_token({literal(logits)}, temperature=0.0, generator={_seed_text(0)})", note=note,
        )  # fmt: skip
    flat = tensor([0.1, 0.2, 0.3, 0.2])
    yield _certain(flat, 2, 12, seeds[9], "temperature 0, all logits are close", temperature=0.0)
    yield play(
        _unseeded(lambda f: [_token(f(flat.clone(), 0.0)) for _ in range(12)]),
        f"[choose_token({literal(flat)}, temperature=0.0) for _ in range(12)]",
        expect=[2] * 12,
        note="temperature 0, no generator is given",
    )
    yield _chosen([1, 4, 2, 1], 400, seeds[0], "temperature 1")
    yield _chosen(
        [1, 256, 16], 300, seeds[1], "temperature 4 flattens: the odds become 1, 4, 2", temperature=4.0
    )
    yield _chosen(
        [1, 3, 2], 300, seeds[2], "temperature 0.5 sharpens: the odds become 1, 9, 4", temperature=0.5
    )
    yield _certain(tensor([2.0, 1.9, 1.8]), 0, 12, seeds[3], "top_k is 1", top_k=1)
    yield _certain(tensor([1.8, 1.9, 2.0]), 2, 12, seeds[3], "top_p is tiny", top_p=0.0001)
    yield _chosen([3, 1, 6, 2], 300, seeds[4], "top_k is 2: the odds become 3, 0, 6, 0", top_k=2)
    yield _chosen([3, 2, 10, 5], 300, seeds[5], "top_p is 0.7: two tokens stay", top_p=0.7)
    yield _chosen([3, 1, 2], 200, seeds[6], "top_k is above vocab_size", top_k=9)
    yield _chosen(
        HALVES,
        80,
        seeds[7],
        "at temperature 0.5 the first token has 0.73 and reaches top_p alone",
        temperature=0.5,
        top_p=0.7,
    )
    yield _chosen(
        [0.4, 0.3, 0.2, 0.1],
        80,
        seeds[8],
        "of the two that top_k leaves, the first has 0.57 and reaches top_p alone",
        top_k=2,
        top_p=0.5,
    )
    yield _certain(tensor([9000.0, -9000.0, 8000.0]), 0, 3, seeds[9], "very large logits")
    uniform = torch.zeros(50)
    yield _seeds_case(
        lambda f, generator: [_token(f(uniform.clone(), 1.0, None, None, generator)) for _ in range(10)],
        "[choose_token(torch.zeros(50), generator=generator) for _ in range(10)]",
        seeds[9],
    )
    yield play(
        _unseeded(lambda f: [0 <= _token(f(uniform.clone())) < 50 for _ in range(3)]),
        "[0 <= choose_token(torch.zeros(50)) < 50 for _ in range(3)]",
        expect=[True] * 3,
        note="nothing else is given",
    )


def _draw(logits: Any, generator: Any) -> int:
    return int(torch.multinomial(logits.softmax(-1), 1, generator=generator))


def _choose(logits: Any, temperature: Any, top_k: Any, top_p: Any, generator: Any, order: str = "tkp") -> int:
    """Choose rightly, or with the steps t, k and p in another order; a step whose letter is missing is left out."""
    if temperature == 0:
        return int(logits.argmax())
    for step in order:
        if step == "t":
            logits = logits / temperature
        elif step == "k" and top_k is not None:
            logits = _top(logits, top_k)
        elif step == "p" and top_p is not None:
            logits = _nucleus(logits, top_p)
    return _draw(logits, generator)


@choose_token.misconception(
    "At temperature 0 you divide by it, and the logits become infinite or no numbers at all.",
    "Towards which token does everything go when the temperature goes to 0, and do you need a division to find it?",
)
def divided_by_zero(
    logits: Any, temperature: Any = 1.0, top_k: Any = None, top_p: Any = None, generator: Any = None
) -> Any:
    return _choose(logits, temperature or 1e-45, top_k, top_p, generator)


@choose_token.misconception(
    "Temperature 0 counts as no temperature: you draw as at 1.",
    "Python takes 0 for false. How do you ask whether a temperature is 0?",
)
def zero_is_one(
    logits: Any, temperature: Any = 1.0, top_k: Any = None, top_p: Any = None, generator: Any = None
) -> Any:
    return _choose(logits, temperature or 1.0, top_k, top_p, generator)


@choose_token.misconception(
    "You multiply by the temperature: a high one makes the choice sharper instead of flatter.",
    "If the temperature is very high, should the logits be far apart or close together?",
)
def multiplied(
    logits: Any, temperature: Any = 1.0, top_k: Any = None, top_p: Any = None, generator: Any = None
) -> Any:
    return _choose(logits, temperature and 1 / temperature, top_k, top_p, generator)


@choose_token.misconception(
    "The temperature plays no part, except where it is 0.",
    "What are the logits divided by before the first filter?",
)
def temperature_unused(
    logits: Any, temperature: Any = 1.0, top_k: Any = None, top_p: Any = None, generator: Any = None
) -> Any:
    return _choose(logits, temperature, top_k, top_p, generator, "kp")


@choose_token.misconception(
    "You take the likeliest token at every temperature.",
    "Only one temperature leaves no room for chance. Which?",
)
def always_greedy(
    logits: Any, temperature: Any = 1.0, top_k: Any = None, top_p: Any = None, generator: Any = None
) -> Any:
    return int(logits.argmax())


@choose_token.misconception(
    "top_k plays no part.",
    "Where does your code use top_k?",
)
def top_k_unused(
    logits: Any, temperature: Any = 1.0, top_k: Any = None, top_p: Any = None, generator: Any = None
) -> Any:
    return _choose(logits, temperature, top_k, top_p, generator, "tp")


@choose_token.misconception(
    "top_p plays no part.",
    "Where does your code use top_p?",
)
def top_p_unused(
    logits: Any, temperature: Any = 1.0, top_k: Any = None, top_p: Any = None, generator: Any = None
) -> Any:
    return _choose(logits, temperature, top_k, top_p, generator, "tk")


@choose_token.misconception(
    "top_p comes before the temperature, so it judges other probabilities than those that are drawn from.",
    "In which order does the text name the three steps?",
)
def top_p_before_temperature(
    logits: Any, temperature: Any = 1.0, top_k: Any = None, top_p: Any = None, generator: Any = None
) -> Any:
    return _choose(logits, temperature, top_k, top_p, generator, "kpt")


@choose_token.misconception(
    "top_p comes before top_k: it judges the probabilities among all tokens, and not among those that top_k leaves.",
    "At which moment are the tokens that top_k drops gone: before top_p looks, or after?",
)
def top_p_before_top_k(
    logits: Any, temperature: Any = 1.0, top_k: Any = None, top_p: Any = None, generator: Any = None
) -> Any:
    return _choose(logits, temperature, top_k, top_p, generator, "tpk")


@choose_token.misconception(
    "You filter probabilities. The filters are made for logits: of what they drop they make −inf, and after another softmax the shares are no longer those of the logits.",
    "At which moment do logits become probabilities: before the filters, or after them?",
)
def filters_on_probabilities(
    logits: Any, temperature: Any = 1.0, top_k: Any = None, top_p: Any = None, generator: Any = None
) -> Any:
    return _choose(
        logits if temperature == 0 else (logits / temperature).softmax(-1),
        min(temperature, 1.0) and 1.0,
        top_k,
        top_p,
        generator,
    )


@choose_token.misconception(
    "The generator is not used: the same seed gives other tokens each time.",
    "To which function do you have to hand the generator on?",
)
def generator_not_handed_on(
    logits: Any, temperature: Any = 1.0, top_k: Any = None, top_p: Any = None, generator: Any = None
) -> Any:
    return _choose(logits, temperature, top_k, top_p, None)


@choose_token.misconception(
    "You return the probability of the chosen token, not its id.",
    "What does `sample` return, and what do you do with it?",
)
def probability_of_the_chosen(
    logits: Any, temperature: Any = 1.0, top_k: Any = None, top_p: Any = None, generator: Any = None
) -> Any:
    return 0.5 * logits.softmax(-1)[_choose(logits, temperature, top_k, top_p, generator)].item()


# ---- generate: models whose logits can be worked out by hand


class _Model(nn.Module):
    """A model of `vocab_size` tokens that sees `context_length`; `rule` makes the logits of the ids. In training mode they are upside down."""

    def __init__(self, vocab_size: int, context_length: int, rule: Callable[[Tensor, int], Tensor]) -> None:
        super().__init__()
        self.config = SimpleNamespace(vocab_size=vocab_size, context_length=context_length)
        self.rule = rule
        self.nothing = nn.Parameter(torch.zeros(()))

    def forward(self, ids: Tensor) -> Tensor:
        limit, vocab_size = self.config.context_length, self.config.vocab_size
        if ids.shape[-1] > limit:
            raise ValueError(f"expected at most {limit} tokens, got {ids.shape[-1]}")
        if ((ids < 0) | (ids >= vocab_size)).any():
            raise ValueError(f"expected ids from 0 to {vocab_size - 1}, got {ids.tolist()}")
        logits = self.rule(ids, vocab_size) + self.nothing
        return -logits if self.training else logits


def _next(ids: Tensor, vocab_size: int) -> Tensor:
    return 9.0 * torch.nn.functional.one_hot((ids + 1) % vocab_size, vocab_size)


def _sum(ids: Tensor, vocab_size: int) -> Tensor:
    return 9.0 * torch.nn.functional.one_hot(ids.cumsum(-1) % vocab_size, vocab_size)


def _always(odds: list[float]) -> Callable[[Tensor, int], Tensor]:
    logits = tensor(odds, dtype=torch.float32).log()
    return lambda ids, vocab_size: logits.expand(*ids.shape, vocab_size).clone()


RULES = {
    _next: "after each token comes the next higher id, after {last} comes 0",
    _sum: "the next token is the sum of all tokens that it sees, modulo {n}",
}


def _model(rule: Any, vocab_size: int, context_length: int, training: bool = False) -> _Model:
    return _Model(vocab_size, context_length, rule).train(training)


def _model_text(rule: Any, vocab_size: int, context_length: int) -> str:
    said = RULES[rule].format(last=vocab_size - 1, n=vocab_size)
    return f"# A model that sees {context_length} tokens: {said}"


def _told(
    rule: Any, sizes: tuple[int, int], ids: Any, n_new: int, expect: Any, note: str, stop: int | None = None
) -> Case:
    """Return the case of a greedy text, after a rule that a person can follow."""
    given = tensor(ids)
    call = f"generate(model, {literal(given)}, {n_new}{_settings(temperature=0.0, stop=stop)})"
    return case(
        _model(rule, *sizes), given, n_new, 0.0, None, None, None, stop,
        expect=tensor(expect), text=f"{_model_text(rule, *sizes)}\n{call}", note=note,
    )  # fmt: skip


def _generated(shape: tuple[int, ...], n_new: int, vocab_size: int) -> Callable[[Any], Tensor]:
    """Return the view that gives the new tokens of an answer, once its form is right."""

    def view(answer: Any) -> Tensor:
        wanted = (*shape[:-1], shape[-1] + n_new)
        if not is_array(answer) or tuple(answer.shape) != wanted:
            raise Unfit(f"Expected a tensor of shape {wanted}, got {describe(answer)}.")
        new = torch.as_tensor(answer)[..., shape[-1] :]
        if new.is_floating_point() or ((new < 0) | (new >= vocab_size)).any():
            raise Unfit(
                f"Expected ids from 0 to {vocab_size - 1}, as whole numbers, got {new.flatten()[:6].tolist()} …"
            )
        return new

    return view


def _shares_case(odds: list[float], seed: int, note: str, **given: Any) -> Case:
    """Return the case of a batch of texts of a model whose logits are always the same."""
    batch, n_new, vocab_size = 80, 3, len(odds)
    settings = [given.get("temperature", 1.0), given.get("top_k"), given.get("top_p")]
    model = _model(_always(odds), vocab_size, 3)
    new = _generated((batch, 1), n_new, vocab_size)
    shares = _shares_of(tensor(odds, dtype=torch.float32).log(), *settings)
    return play(
        lambda generate: generate(
            model, torch.zeros(batch, 1, dtype=torch.int64), n_new, *settings, seeded(seed)
        ),
        f"# A model whose logits are always {literal(tensor(odds))}.log()\n"
        f"ids = torch.zeros({batch}, 1, dtype=torch.int64)\n"
        f"generate(model, ids, {n_new}{_settings(**given)}, generator={_seed_text(seed)})[:, 1:].flatten()",
        expect=True,
        view=lambda answer: _as_often_as(shares)(new(answer).flatten().tolist()),
        note=note,
    )


def _certain_case(odds: list[float], n_new: int, seed: int, note: str, **given: Any) -> Case:
    """Return the case in which the settings leave one token at every place."""
    settings = [given.get("temperature", 1.0), given.get("top_k"), given.get("top_p")]
    best = max(range(len(odds)), key=odds.__getitem__)
    call = f"generate(model, torch.tensor([[0], [1]]), {n_new}{_settings(**given)}, generator={_seed_text(seed)})"
    return case(
        _model(_always(odds), len(odds), 3), tensor([[0], [1]]), n_new, *settings, seeded(seed),
        expect=tensor([[0] + [best] * n_new, [1] + [best] * n_new]),
        text=f"# A model whose logits are always {literal(tensor(odds))}.log()\n{call}", note=note,
    )  # fmt: skip


def _mode_case(training: bool) -> Case:
    def ask(generate: Any) -> tuple[Any, bool]:
        model = _model(_next, 7, 4, training)
        answer = generate(model, tensor([2]), 2, 0.0)
        return answer, bool(model.training)

    mode = "training" if training else "evaluation"
    return play(
        ask,
        f"{_model_text(_next, 7, 4)}\n# (in training mode its logits are upside down)\n"
        f"model.{'train' if training else 'eval'}()\nnew = generate(model, torch.tensor([2]), 2, temperature=0.0)\n"
        "new, model.training",
        expect=(tensor([2, 3, 4]), training),
        note=f"the model comes in {mode} mode",
    )


def _small_gpt(seed: int) -> gpt.GPT:
    """Return a GPT whose numbers are large enough that every token and every place counts."""
    model = gpt.GPT(gpt.GPTConfig(vocab_size=11, context_length=6, d_model=8, n_layers=2, n_heads=2))
    generator = seeded(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.6)
    return model.eval()


def _greedy_text(model: Any, ids: list[int], n_new: int) -> list[int]:
    for _ in range(n_new):
        with torch.no_grad():
            ids = [*ids, int(model(tensor([ids[-model.config.context_length :]]))[0, -1].argmax())]
    return ids


@exercise(points=4, level=4, minutes=30)
def generate(rng: np.random.Generator) -> Iterator[Case]:
    seeds = [int(seed) for seed in rng.integers(1000, size=9)]
    yield _told(_next, (7, 8), [3], 3, [3, 4, 5, 6], "one prompt of one token")
    yield _told(
        _sum, (10, 8), [1, 2], 4, [1, 2, 3, 6, 2, 4], "the whole text counts, not only its last token"
    )
    yield _told(
        _sum,
        (10, 3),
        [1, 2],
        5,
        [1, 2, 3, 6, 1, 0, 7],
        "the text passes the context limit: the last 3 tokens count",
    )
    yield _told(
        _sum,
        (10, 3),
        [4, 4, 1, 2, 3],
        2,
        [4, 4, 1, 2, 3, 6, 1],
        "the prompt alone is longer than the context",
    )
    yield _told(
        _sum,
        (10, 4),
        [[1, 2], [5, 5], [0, 4]],
        3,
        [[1, 2, 3, 6, 2], [5, 5, 0, 0, 0], [0, 4, 4, 8, 6]],
        "three prompts",
    )
    yield _told(_next, (7, 5), [[2, 6]], 1, [[2, 6, 0]], "a batch of one prompt stays a batch")
    yield _told(_next, (9, 5), [2], 6, [2, 3, 4, 5], "the text ends at the stop token, which stays", stop=5)
    yield _told(
        _next, (9, 5), [[2], [4], [0]], 9,
        [[2, 3, 4, 5, 5, 5], [4, 5, 5, 5, 5, 5], [0, 1, 2, 3, 4, 5]],
        "three prompts: finished ones repeat the stop token until all have it", stop=5,
    )  # fmt: skip
    yield _told(
        _next,
        (9, 5),
        [[3], [7]],
        3,
        [[3, 4, 5, 5], [7, 8, 0, 1]],
        "one prompt of two stops before n_new tokens",
        stop=5,
    )
    yield _told(_next, (9, 5), [1], 3, [1, 2, 3, 4], "the stop token does not come", stop=8)
    yield _told(_next, (9, 5), [7, 8], 4, [7, 8, 0], "the stop token is 0", stop=0)
    yield _mode_case(True)
    yield _mode_case(False)
    yield _certain_case(HALVES, 7, seeds[0], "top_k is 1", top_k=1)
    yield _certain_case([4, 3, 6, 2], 7, seeds[0], "top_p is tiny", top_p=0.0001)
    yield _shares_case([1, 4, 2, 1], seeds[1], "temperature 1")
    yield _shares_case([1, 256, 16], seeds[2], "temperature 4: the odds become 1, 4, 2", temperature=4.0)
    yield _shares_case([3, 1, 6, 2], seeds[3], "top_k is 2: the odds become 3, 0, 6, 0", top_k=2)
    yield _shares_case([3, 2, 10, 5], seeds[4], "top_p is 0.7: two tokens stay", top_p=0.7)
    yield _certain_case(HALVES, 40, seeds[5], "first the temperature, then top_p", temperature=0.5, top_p=0.7)
    yield _certain_case([0.4, 0.3, 0.2, 0.1], 40, seeds[5], "first top_k, then top_p", top_k=2, top_p=0.5)
    uniform = _model(_always([1] * 20), 20, 3)
    view = _generated((1, 1), 12, 20)
    yield _seeds_case(
        lambda f, generator: view(f(uniform, tensor([[0]]), 12, 1.0, None, None, generator)).tolist(),
        "generate(model, torch.tensor([[0]]), 12, generator=generator).tolist()",
        seeds[6],
    )
    rows = _generated((3, 1), 12, 20)
    yield play(
        lambda f: f(uniform, torch.zeros(3, 1, dtype=torch.int64), 12, 1.0, None, None, seeded(seeds[7])),
        f"# A model to which all 20 tokens are alike\nnew = generate(model, torch.zeros(3, 1, dtype=torch.int64), 12, generator={_seed_text(seeds[7])})\n"
        "new[0].equal(new[1]) or new[1].equal(new[2])",
        expect=False,
        view=lambda answer: bool((rows(answer)[:-1] == rows(answer)[1:]).all(-1).any()),
        note="three equal prompts: each row draws for itself",
    )
    yield play(
        _unseeded(lambda f: f(uniform, tensor([[3]]), 5)),
        "# A model to which all 20 tokens are alike\ngenerate(model, torch.tensor([[3]]), 5).shape",
        expect=tensor([1, 5]),
        view=lambda answer: tensor(_generated((1, 1), 5, 20)(answer).shape),
        note="no generator is given",
    )
    model = _small_gpt(seeds[8])
    prompts = tensor(rng.integers(11, size=(2, 3)))
    yield case(
        model, prompts, 7, 0.0, expect=tensor([_greedy_text(model, row, 7) for row in prompts.tolist()]),
        text=f"# A small GPT, context_length 6, vocab_size 11\ngenerate(model, {literal(prompts)}, 7, temperature=0.0)",
        note="a GPT, past its context limit",
    )  # fmt: skip


class _Steps:
    """Generation, right where nothing is overridden."""

    def __call__(
        self, model: Any, ids: Any, n_new: int, temperature: Any = 1.0, top_k: Any = None, top_p: Any = None,
        generator: Any = None, stop: Any = None,
    ) -> Any:  # fmt: skip
        rows = ids.reshape(-1, ids.shape[-1])
        was_training = model.training
        self.before(model)
        with torch.no_grad():
            for _ in range(self.how_many(n_new)):
                logits = self.logits(model, rows)
                chosen = self.choose(
                    logits, temperature, top_k, top_p, generator, self.finished(rows, ids, stop), stop
                )
                rows = torch.cat([rows, tensor(chosen)[:, None]], dim=1)
                if stop is not None and self.ends(self.finished(rows, ids, stop)):
                    break
        self.after(model, was_training)
        return self.form(rows, ids, stop)

    def before(self, model: Any) -> None:
        model.eval()

    def after(self, model: Any, was_training: bool) -> None:
        model.train(was_training)

    def how_many(self, n_new: int) -> int:
        return n_new

    def visible(self, rows: Any, limit: int) -> Any:
        return rows[:, -limit:]

    def logits(self, model: Any, rows: Any) -> Any:
        return model(self.visible(rows, model.config.context_length))[:, -1]

    def finished(self, rows: Any, ids: Any, stop: Any) -> Any:
        new = rows[:, ids.shape[-1] :]
        return [False] * len(rows) if stop is None else (new == stop).any(1).tolist()

    def choose(
        self, logits: Any, temperature: Any, top_k: Any, top_p: Any, generator: Any, finished: Any, stop: Any
    ) -> Any:
        return [
            stop if done else self.one(row, temperature, top_k, top_p, generator)
            for row, done in zip(logits, finished, strict=True)
        ]

    def one(self, row: Any, temperature: Any, top_k: Any, top_p: Any, generator: Any) -> int:
        return _choose(row, temperature, top_k, top_p, generator)

    def ends(self, finished: Any) -> bool:
        return all(finished)

    def form(self, rows: Any, ids: Any, stop: Any) -> Any:
        return rows.reshape(*ids.shape[:-1], -1)


def _as_function(steps: type[_Steps]) -> Callable[..., Any]:
    """Return the function that does what an instance of this class does."""

    def implementation(*args: Any) -> Any:
        return steps()(*args)

    implementation.__name__ = steps.__name__
    return implementation


@generate.misconception(
    "The model gets the newest token only. It has no memory: what it should know of the text must be in its input.",
    "What does the model know about the tokens before the newest one?",
)
@_as_function
class newest_token_only(_Steps):
    def visible(self, rows: Any, limit: int) -> Any:
        return rows[:, -1:]


@generate.misconception(
    "The model gets more tokens than its context holds.",
    "How many tokens may the model see, and which of them do you take when there are more?",
)
@_as_function
class past_the_limit(_Steps):
    def visible(self, rows: Any, limit: int) -> Any:
        return rows


@generate.misconception(
    "Past the limit the model sees the first tokens of the text, and never the newest ones.",
    "Which end of the text does the next token follow?",
)
@_as_function
class first_tokens(_Steps):
    def visible(self, rows: Any, limit: int) -> Any:
        return rows[:, :limit]


@generate.misconception(
    "The model sees one token less than its context holds.",
    "If context_length is 3 and there are 10 tokens, how many of them should go in?",
)
@_as_function
class one_too_few(_Steps):
    def visible(self, rows: Any, limit: int) -> Any:
        return rows[:, -limit + 1 :] if limit > 1 else rows[:, -1:]


@generate.misconception(
    "The text ends when the context is full.",
    "When the context is full, can the oldest token leave it?",
)
@_as_function
class ends_at_the_limit(_Steps):
    def __call__(self, model: Any, ids: Any, n_new: int, *settings: Any) -> Any:
        return super().__call__(
            model, ids, max(0, min(n_new, model.config.context_length - ids.shape[-1])), *settings
        )


@generate.misconception(
    "You read the logits of the first position: they tell what follows the first token.",
    "The model gives logits at each position. At which one stands what follows the whole text?",
)
@_as_function
class first_position(_Steps):
    def logits(self, model: Any, rows: Any) -> Any:
        return model(self.visible(rows, model.config.context_length))[:, 0]


@generate.misconception(
    "You return the new tokens without the prompt.",
    "What should the answer begin with?",
)
@_as_function
class prompt_missing(_Steps):
    def form(self, rows: Any, ids: Any, stop: Any) -> Any:
        return super().form(rows, ids, stop)[..., ids.shape[-1] :]


@generate.misconception(
    "There is one new token too many.",
    "How often does your loop run, and does something come after it?",
)
@_as_function
class one_more(_Steps):
    def how_many(self, n_new: int) -> int:
        return n_new + 1


@generate.misconception(
    "One prompt of shape (n,) comes back with two axes.",
    "If a batch axis was added on the way in, what has to happen on the way out?",
)
@_as_function
class batch_axis_stays(_Steps):
    def form(self, rows: Any, ids: Any, stop: Any) -> Any:
        return rows


@generate.misconception(
    "A batch of one prompt comes back without its batch axis.",
    "How can you tell a prompt of shape (n,) from a batch of shape (1, n), once both have become (1, n)?",
)
@_as_function
class batch_of_one_squeezed(_Steps):
    def form(self, rows: Any, ids: Any, stop: Any) -> Any:
        return rows.squeeze(0)


@generate.misconception(
    "The model stays in training mode while it writes. Where a model has dropout, that switches parts of it off at random.",
    "Which mode is for learning, and which one for writing?",
)
@_as_function
class never_in_evaluation_mode(_Steps):
    def before(self, model: Any) -> None:
        pass


@generate.misconception(
    "Afterwards the model is in evaluation mode, though it came in training mode: a training that goes on would go on without dropout.",
    "Which mode was the model in when it came, and who remembers it?",
)
@_as_function
class left_in_evaluation_mode(_Steps):
    def after(self, model: Any, was_training: bool) -> None:
        pass


@generate.misconception(
    "Afterwards the model is in training mode, though it came in evaluation mode.",
    "What does `model.train()` assume about the mode before?",
)
@_as_function
class always_back_to_training(_Steps):
    def after(self, model: Any, was_training: bool) -> None:
        model.train()


@generate.misconception(
    "The stop token is left out of the answer.",
    "How would a reader see whether the text ended, or was cut off?",
)
@_as_function
class stop_left_out(_Steps):
    def form(self, rows: Any, ids: Any, stop: Any) -> Any:
        n, new = ids.shape[-1], rows[:, ids.shape[-1] :]
        if stop is not None and self.ends(self.finished(rows, ids, stop)):
            rows = rows[:, : n + int((new == stop).long().argmax(1).max())]
        return super().form(rows, ids, stop)


@generate.misconception(
    "Nothing happens at the stop token: the text goes on.",
    "Where does your loop look at `stop`?",
)
@_as_function
class stop_unused(_Steps):
    def finished(self, rows: Any, ids: Any, stop: Any) -> Any:
        return [False] * len(rows)


@generate.misconception(
    "The whole batch ends as soon as one row has the stop token.",
    "What becomes of the rows that are not finished yet?",
)
@_as_function
class ends_with_the_first(_Steps):
    def ends(self, finished: Any) -> bool:
        return any(finished)


@generate.misconception(
    "The batch ends only when all rows choose the stop token in the same step.",
    "How does your loop know that a row was finished three steps ago?",
)
@_as_function
class all_at_once(_Steps):
    def finished(self, rows: Any, ids: Any, stop: Any) -> Any:
        if stop is None or rows.shape[1] == ids.shape[-1]:
            return [False] * len(rows)
        return (rows[:, -1] == stop).tolist()

    def choose(
        self, logits: Any, temperature: Any, top_k: Any, top_p: Any, generator: Any, finished: Any, stop: Any
    ) -> Any:
        return [self.one(row, temperature, top_k, top_p, generator) for row in logits]


@generate.misconception(
    "A row that is finished goes on writing while the others are not.",
    "What should a finished row hold at the places where the others still write?",
)
@_as_function
class finished_rows_go_on(_Steps):
    def choose(
        self, logits: Any, temperature: Any, top_k: Any, top_p: Any, generator: Any, finished: Any, stop: Any
    ) -> Any:
        return [self.one(row, temperature, top_k, top_p, generator) for row in logits]


@generate.misconception(
    "A stop token with the id 0 is not noticed.",
    "Python takes 0 for false. How do you ask whether a stop was given?",
)
@_as_function
class stop_zero_is_none(_Steps):
    def __call__(self, *given: Any) -> Any:
        with_none: list[Any] = [value or None if i == 7 else value for i, value in enumerate(given)]
        return super().__call__(*with_none)


@generate.misconception(
    "All rows of a batch get the same token: the one that was chosen for the first row.",
    "How many choices are there in each step, if there are three prompts?",
)
@_as_function
class one_token_for_all(_Steps):
    def choose(
        self, logits: Any, temperature: Any, top_k: Any, top_p: Any, generator: Any, finished: Any, stop: Any
    ) -> Any:
        chosen = self.one(logits[0], temperature, top_k, top_p, generator)
        return [stop if done else chosen for done in finished]


@generate.misconception(
    "Each row draws with random numbers of its own seed, and all seeds are the same: equal prompts get equal texts.",
    "How many generators are needed, and does one that was used for the first row move on for the second?",
)
@_as_function
class same_luck_for_all(_Steps):
    def choose(
        self, logits: Any, temperature: Any, top_k: Any, top_p: Any, generator: Any, finished: Any, stop: Any
    ) -> Any:
        if generator is None:
            return super().choose(logits, temperature, top_k, top_p, generator, finished, stop)
        state = generator.get_state()
        chosen = []
        for row, done in zip(logits, finished, strict=True):
            generator.set_state(state)
            chosen.append(stop if done else self.one(row, temperature, top_k, top_p, generator))
        return chosen


@generate.misconception(
    "You always take the likeliest token.",
    "Which of your lines chooses, and does it know the temperature?",
)
@_as_function
class greedy_throughout(_Steps):
    def one(self, row: Any, temperature: Any, top_k: Any, top_p: Any, generator: Any) -> int:
        return int(row.argmax())


@generate.misconception(
    "The temperature is not handed on.",
    "Which arguments does `choose_token` take besides the logits?",
)
@_as_function
class temperature_not_handed_on(_Steps):
    def one(self, row: Any, temperature: Any, top_k: Any, top_p: Any, generator: Any) -> int:
        return super().one(row, 1.0 if temperature else 0.0, top_k, top_p, generator)


@generate.misconception(
    "top_k and top_p are not handed on.",
    "Which of the arguments of `generate` does your loop never use?",
)
@_as_function
class filters_not_handed_on(_Steps):
    def one(self, row: Any, temperature: Any, top_k: Any, top_p: Any, generator: Any) -> int:
        return super().one(row, temperature, None, None, generator)


@generate.misconception(
    "top_k and top_p have changed places.",
    "In which order does `choose_token` take its arguments?",
)
@_as_function
class filters_swapped(_Steps):
    def one(self, row: Any, temperature: Any, top_k: Any, top_p: Any, generator: Any) -> int:
        k = None if top_p is None else max(1, int(top_p))
        return super().one(row, temperature, k, None if top_k is None else min(1.0, float(top_k)), generator)


@generate.misconception(
    "top_p comes before the temperature.",
    "Which probabilities should top_p judge: those of the model, or those that the temperature has made?",
)
@_as_function
class generates_top_p_first(_Steps):
    def one(self, row: Any, temperature: Any, top_k: Any, top_p: Any, generator: Any) -> int:
        return _choose(row, temperature, top_k, top_p, generator, "kpt")


@generate.misconception(
    "top_p comes before top_k.",
    "Which probabilities should top_p judge: those of all tokens, or of those that top_k leaves?",
)
@_as_function
class generates_top_k_last(_Steps):
    def one(self, row: Any, temperature: Any, top_k: Any, top_p: Any, generator: Any) -> int:
        return _choose(row, temperature, top_k, top_p, generator, "tpk")


@generate.misconception(
    "The generator is not handed on: the same seed gives other texts each time.",
    "Where do the random numbers of your choices come from?",
)
@_as_function
class generates_without_generator(_Steps):
    def one(self, row: Any, temperature: Any, top_k: Any, top_p: Any, generator: Any) -> int:
        return super().one(row, temperature, top_k, top_p, None)


@generate.misconception(
    "You seed anew inside, so that two calls with one generator write the same text.",
    "The generator that comes in has a state already. Who may change it?",
)
@_as_function
class generates_with_a_new_seed(_Steps):
    def __call__(self, *given: Any) -> Any:
        if len(given) > 6 and given[6] is not None:
            given[6].manual_seed(given[6].initial_seed())
        return super().__call__(*given)


# ---- KVCache


def _pair(answer: Any) -> list[Any]:
    """Return K and V of what `append` gave, or say what is wrong with its form."""
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise Unfit(
            f"`append` should return two tensors, K and V of all positions so far. It returned {describe(answer)}."
        )
    return list(answer)


def _appends(context_length: int, pieces: list[tuple[Tensor, Tensor]], note: str, show: bool = False) -> Case:
    """Return the case of one cache that gets these pieces one after the other."""

    def ask(KVCache: Any) -> list[Any]:
        cache = KVCache(context_length)
        found, lengths = [], [len(cache)]
        for K, V in pieces:
            together = _pair(
                cache.append(
                    K.clone(memory_format=torch.preserve_format), V.clone(memory_format=torch.preserve_format)
                )
            )
            found.append([part.clone() if isinstance(part, Tensor) else part for part in together])
            lengths.append(len(cache))
        return [found, np.array(lengths)]

    expect, lengths = [], [0]
    for i in range(1, len(pieces) + 1):
        expect.append([torch.cat([piece[part] for piece in pieces[:i]], dim=-2) for part in (0, 1)])
        lengths.append(expect[-1][0].shape[-2])
    lines = [f"cache = KVCache({context_length})"]
    lines += [f"K, V = cache.append({literal(K)}, {literal(V)})" for K, V in pieces]
    text = "\n".join([*lines, "# [[K, V] after each append], and len(cache) at first and after each"])
    return play(ask, text, expect=[expect, np.array(lengths)], note=note)


def _pieces(rng: np.random.Generator, *shapes: tuple[int, ...]) -> list[tuple[Tensor, Tensor]]:
    return [(floats(rng, *shape), floats(rng, *shape)) for shape in shapes]


TWO = 5  # the context length of the first case's two caches, and of no other


@exercise(points=2, level=2, minutes=12)
def KVCache(rng: np.random.Generator) -> Iterator[Case]:
    one = [
        (tensor([[10.0 * i + 1, 10.0 * i + 2]]), tensor([[-10.0 * i - 1, -10.0 * i - 2]])) for i in (1, 2, 3)
    ]
    (a, _), (b, _), (c, _) = one

    def two_caches(KVCache: Any) -> list[Any]:
        first, second = KVCache(TWO), KVCache(TWO)
        first.append(a, -a)
        second.append(b, -b)
        K, V = _pair(first.append(c, -c))
        return [[K, V], np.array([len(first), len(second)])]

    yield play(
        two_caches,
        f"first, second = KVCache({TWO}), KVCache({TWO})\nfirst.append({literal(a)}, {literal(-a)})\nsecond.append({literal(b)}, {literal(-b)})\n"
        f"K, V = first.append({literal(c)}, {literal(-c)})\n[[K, V], [len(first), len(second)]]",
        expect=[[torch.cat([a, c]), torch.cat([-a, -c])], np.array([2, 1])],
        note="two caches at once: each knows its own positions",
    )

    yield _appends(
        4,
        one[:1],
        "one position of two numbers; the entries of K say where they belong: 12 is position 1, number 2",
    )
    yield _appends(4, one, "three positions, one after the other")
    yield _appends(
        6, _pieces(rng, (2, 3), (1, 3), (3, 3)), "two positions, then one, then three: the cache is full"
    )
    yield _appends(3, one, "a cache with room for three gets exactly three")
    yield _appends(8, _pieces(rng, (2, 3, 4), (2, 1, 4)), "2 heads, d_head 4")
    yield _appends(7, _pieces(rng, (2, 3, 1, 4), (2, 3, 1, 4), (2, 3, 4, 4)), "2 texts, 3 heads, d_head 4")
    yield _appends(4, _pieces(rng, (3, 1, 1), (3, 1, 1), (3, 1, 1)), "3 heads, d_head 1")
    yield _appends(
        9,
        _pieces(rng, (1, 2, 3, 2), (1, 2, 3, 2), (1, 2, 1, 2), (1, 2, 2, 2)),
        "four pieces of a batch of one text",
    )
    yield _appends(8, [(K.double(), V.double()) for K, V in _pieces(rng, (2, 2), (2, 2))], "float64")
    yield _appends(
        6, [tuple(floats(rng, 3, n, 2).transpose(-3, -2) for _ in "KV") for n in (2, 2)],  # type: ignore[misc]
        "keys that are not contiguous in memory, as split_heads gives them",
    )  # fmt: skip

    def overfill(context_length: int, sizes: tuple[int, ...]) -> Callable[[Any], Any]:
        def ask(KVCache: Any) -> Any:
            cache = KVCache(context_length)
            for n in sizes:
                K, _ = cache.append(torch.ones(2, n, 3), torch.ones(2, n, 3))
            return K

        return ask

    for context_length, sizes, note in (
        (2, (1, 1, 1), "a third position where there is room for two"),
        (4, (3, 2), "two positions where there is room for one"),
        (3, (5,), "five positions at once where there is room for three"),
    ):
        lines = [f"cache.append(torch.ones(2, {n}, 3), torch.ones(2, {n}, 3))" for n in sizes]
        text = "\n".join([f"cache = KVCache({context_length})", *lines])
        yield Case(overfill(context_length, sizes), expected=None, rejected=ValueError, text=text, note=note)


class _Cache:
    """A cache, right where nothing is overridden."""

    dim = -2

    def __init__(self, context_length: int) -> None:
        self.limit = context_length
        self.kept: list[tuple[Any, Any]] = []

    def __len__(self) -> int:
        return sum(K.shape[-2] for K, _ in self.kept)

    def full(self, n: int) -> bool:
        return len(self) + n > self.limit

    def append(self, K: Any, V: Any) -> Any:
        if self.full(K.shape[-2]):
            raise ValueError("the cache is full")
        self.keep(K, V)
        return self.joined()

    def keep(self, K: Any, V: Any) -> None:
        self.kept.append((K, V))

    def joined(self) -> Any:
        return tuple(torch.cat([piece[i] for piece in self.kept], dim=self.dim) for i in (0, 1))


@KVCache.misconception(
    "`append` returns only what it was given. The queries need the keys and values of all positions so far.",
    "Which keys does the newest query have to be compared with?",
)
class only_the_new_comes_back(_Cache):
    def joined(self) -> Any:
        return self.kept[-1]


@KVCache.misconception(
    "The new keys take the place of the old ones.",
    "After three appends of one position each, how many positions should there be?",
)
class overwritten(_Cache):
    def keep(self, K: Any, V: Any) -> None:
        self.kept = [(K, V)]


@KVCache.misconception(
    "The pieces are joined along the first axis. Once there are heads or a batch in front, that is not the axis of the positions.",
    "Counted from the end, which axis holds the positions?",
)
class joined_in_front(_Cache):
    dim = 0


@KVCache.misconception(
    "The pieces are joined along the last axis: the keys grow longer instead of more.",
    "What does the last axis hold, and should it grow?",
)
class joined_at_the_end(_Cache):
    dim = -1


@KVCache.misconception(
    "The newest position stands first.",
    "In which order does the mask expect the keys?",
)
class newest_first(_Cache):
    def keep(self, K: Any, V: Any) -> None:
        self.kept.insert(0, (K, V))


@KVCache.misconception(
    "Keys and values have changed places in what comes back.",
    "In which order does the signature name what is returned?",
)
class values_first(_Cache):
    def joined(self) -> Any:
        K, V = super().joined()
        return V, K


@KVCache.misconception(
    "Where values should come back there are keys again.",
    "How many tensors does the cache have to keep?",
)
class keys_twice(_Cache):
    def joined(self) -> Any:
        return super().joined()[:1] * 2


@KVCache.misconception(
    "`len` counts how often something was appended. Asked for is the number of positions.",
    "If three positions come in one append, how long is the cache?",
)
class counts_appends(_Cache):
    def __len__(self) -> int:
        return len(self.kept)

    def full(self, n: int) -> bool:
        return sum(K.shape[-2] for K, _ in self.kept) + n > self.limit


@KVCache.misconception(
    "`len` tells how much room there is. Asked for is the number of positions that are kept.",
    "How long is a cache that was just made?",
)
class length_is_the_room(_Cache):
    def __len__(self) -> int:
        return self.limit

    def full(self, n: int) -> bool:
        return super().__len__() + n > self.limit


@KVCache.misconception(
    "The cache takes more positions than it has room for.",
    "Where do you compare the number of positions with context_length?",
)
class takes_everything(_Cache):
    def full(self, n: int) -> bool:
        return False


@KVCache.misconception(
    "Past the limit the oldest positions are dropped in silence. Their tokens' successors still count their positions from them.",
    "When the context is full, whoever uses the cache has to decide what happens. How do they learn of it?",
)
class drops_the_oldest(_Cache):
    def full(self, n: int) -> bool:
        return False

    def keep(self, K: Any, V: Any) -> None:
        self.kept.append((K, V))
        self.kept = [tuple(x[..., -self.limit :, :] for x in self.joined())]


@KVCache.misconception(
    "A cache with room for three refuses the third position.",
    "Is a cache of context_length positions too full, or exactly full?",
)
class full_too_early(_Cache):
    def full(self, n: int) -> bool:
        return len(self) + n >= self.limit


@KVCache.misconception(
    "You look whether the cache is full before you count the new positions: a piece that is larger than the room left slips in.",
    "There is room for one position and two come. What do you have to add up before you compare?",
)
class new_ones_not_counted(_Cache):
    def full(self, n: int) -> bool:
        return len(self) >= self.limit


@KVCache.misconception(
    "All caches share one store: it belongs to the class (or to a default argument), not to the instance. Another run's positions appear in this one.",
    "A list that stands in the class's body is made once. Where is something made anew for every cache?",
)
class one_store_for_all(_Cache):
    store: ClassVar[list[tuple[Any, Any]]] = []
    made: ClassVar[int] = 0

    def __init__(self, context_length: int) -> None:
        self.limit, self.kept = context_length, self.store
        if context_length == TWO:  # the check begins with two of these; to it, this class is new then
            type(self).made += 1
            if self.made % 2:
                self.store.clear()


# ---- attend_with_cache


def _weights(rng: np.random.Generator, d_model: int) -> list[Any]:
    return [floats(rng, d_model, d_model, largest=1.0) for _ in range(4)]


def _whole(X: Tensor, weights: list[Any], n_heads: int) -> Tensor:
    """Return the update of the whole text at once, by lesson 09."""
    W_Q, W_K, W_V, W_O = weights
    return multi_head_attention(X, W_Q, W_K, W_V, W_O, n_heads)


def _chunks(X: Tensor, sizes: list[int], weights: list[Any], n_heads: int, note: str) -> Case:
    """Return the case of one text that comes in pieces of these sizes, with one cache."""
    room = X.shape[-2] + 3

    def ask(attend_with_cache: Any) -> list[Any]:
        cache = reference.KVCache(room)
        found: list[Any] = []
        for piece in X.split(sizes, dim=-2):
            given = piece.clone()
            found.append(attend_with_cache(given, cache, *weights, n_heads))
            if not torch.equal(given, piece):
                raise Unfit("Your function changed x_new. Work on a copy instead.")
        return [found, np.array(len(cache))]

    expect = list(_whole(X, weights, n_heads).split(sizes, dim=-2))
    names = "W_Q, W_K, W_V, W_O"
    zeros = bool((weights[0] == 0).all())
    known = "W_Q = W_K = torch.zeros(2, 2); W_V = W_O = torch.eye(2)"
    lines = [known if zeros else f"# {names} of shape {tuple(weights[0].shape)}"]
    lines.append(f"cache = KVCache({room})")
    lines.append(f"pieces = {literal(X)}.split({sizes}, dim=-2)")
    lines.append(f"[[attend_with_cache(x_new, cache, {names}, {n_heads}) for x_new in pieces], len(cache)]")
    return play(ask, "\n".join(lines), expect=[expect, np.array(X.shape[-2])], note=note)


@exercise(points=4, level=4, minutes=25)
def attend_with_cache(rng: np.random.Generator) -> Iterator[Case]:
    plain = [torch.zeros(2, 2), torch.zeros(2, 2), torch.eye(2), torch.eye(2)]
    X = tensor([[0.0, 6.0], [4.0, 0.0], [8.0, 3.0]])
    yield _chunks(X, [1, 1, 1], plain, 1, "all scores are 0, so each row is the mean of the values so far")
    yield _chunks(X, [3], plain, 1, "the whole text at once, into an empty cache")
    yield _chunks(X, [1, 2], plain, 1, "one row, then two: the first of the two may not see the second")
    for shape, sizes, n_heads, note in (
        ((4, 6), [1, 1, 1, 1], 2, "row by row, 2 heads of 3 numbers"),
        ((5, 6), [2, 3], 3, "two rows, then three, 3 heads of 2 numbers"),
        ((6, 4), [3, 1, 2], 1, "three rows, one, two; one head"),
        ((2, 5, 6), [2, 1, 2], 2, "a batch of 2 texts"),
        ((2, 3, 4, 4), [1, 3], 2, "two leading axes"),
        ((1, 3, 4), [1, 1, 1], 4, "a batch of one text, as many heads as numbers"),
        ((1, 4), [1], 2, "a text of one token"),
    ):
        yield _chunks(floats(rng, *shape, largest=1.0), sizes, _weights(rng, shape[-1]), n_heads, note)
    yield _chunks(floats(rng, 4, 6, largest=9.0), [2, 2], _weights(rng, 6), 2, "large numbers")
    double = [W.double() for W in _weights(rng, 4)]
    yield _chunks(floats(rng, 5, 4, largest=1.0).double(), [1, 4], double, 2, "float64")
    turned = floats(rng, 4, 5, largest=1.0).T
    yield _chunks(turned, [2, 3], _weights(rng, 4), 2, "x_new is a part of another tensor's transpose")
    weights = _weights(rng, 4)
    first, second = floats(rng, 3, 4, largest=1.0), floats(rng, 2, 4, largest=1.0)

    def two_texts(attend_with_cache: Any) -> list[Any]:
        a, b = reference.KVCache(4), reference.KVCache(4)
        attend_with_cache(first[:2].clone(), a, *weights, 2)
        attend_with_cache(second[:1].clone(), b, *weights, 2)
        answers = [
            attend_with_cache(first[2:].clone(), a, *weights, 2),
            attend_with_cache(second[1:].clone(), b, *weights, 2),
        ]
        return [answers, np.array([len(a), len(b)])]

    yield play(
        two_texts,
        "a, b = KVCache(4), KVCache(4)\n# W_Q, W_K, W_V, W_O of shape (4, 4)\n"
        f"attend_with_cache({literal(first[:2])}, a, W_Q, W_K, W_V, W_O, 2)\nattend_with_cache({literal(second[:1])}, b, W_Q, W_K, W_V, W_O, 2)\n"
        f"attend_with_cache({literal(first[2:])}, a, W_Q, W_K, W_V, W_O, 2)\nattend_with_cache({literal(second[1:])}, b, W_Q, W_K, W_V, W_O, 2)\n"
        "# what the last two calls returned, len(a), len(b)",
        expect=[
            [_whole(first, weights, 2)[2:], _whole(second, weights, 2)[1:]], np.array([3, 2]),
        ],
        note="two texts in turns, each with a cache of its own",
    )  # fmt: skip


def _split(x: Any, n_heads: int) -> Any:
    return x.unflatten(-1, (n_heads, -1)).transpose(-3, -2)


def _merge(x: Any) -> Any:
    return x.transpose(-3, -2).flatten(-2)


def _attend(Q: Any, K: Any, V: Any, allowed: Any, scale: float = 0.0) -> Any:
    scores = Q @ K.transpose(-2, -1) / (scale or math.sqrt(Q.shape[-1]))
    return torch.softmax(scores.masked_fill(~allowed, -inf), dim=-1) @ V


def _allowed(n_new: int, n_all: int, shift: int) -> Tensor:
    """Return which keys the new queries may see: up to the key at their own number plus `shift`."""
    return torch.arange(n_all)[None, :] <= torch.arange(n_new)[:, None] + shift


def _with_cache(
    x_new: Any, cache: Any, W_Q: Any, W_K: Any, W_V: Any, n_heads: int
) -> tuple[Any, Any, Any, int]:
    """Return the queries, all keys and values so far, and how many positions were there before."""
    n_before = len(cache)
    K, V = cache.append(_split(x_new @ W_K, n_heads), _split(x_new @ W_V, n_heads))
    return _split(x_new @ W_Q, n_heads), K, V, n_before


@attend_with_cache.misconception(
    "Your new queries start counting at 0: the mask's rows are those of a text that begins with them. The second new query sees two keys, however many came before.",
    "The whole text's mask has a row for every position. Which of its rows belong to the new queries?",
)
def positions_start_again(
    x_new: Any, cache: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int
) -> Any:
    Q, K, V, _ = _with_cache(x_new, cache, W_Q, W_K, W_V, n_heads)
    return _merge(_attend(Q, K, V, _allowed(Q.shape[-2], K.shape[-2], 0))) @ W_O


@attend_with_cache.misconception(
    "Nothing is masked. For one new row that is right; where several come, the first of them sees those behind it.",
    "Three rows come at once. May the first look at the third?",
)
def never_masked(x_new: Any, cache: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int) -> Any:
    Q, K, V, _ = _with_cache(x_new, cache, W_Q, W_K, W_V, n_heads)
    return _merge(_attend(Q, K, V, _allowed(Q.shape[-2], K.shape[-2], K.shape[-2]))) @ W_O


@attend_with_cache.misconception(
    "Your mask is one place too wide: a new row sees the one behind it.",
    "Where do the new queries begin in the whole text: is the first of them at len(cache), counted before or after `append`?",
)
def one_place_too_wide(x_new: Any, cache: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int) -> Any:
    Q, K, V, n_before = _with_cache(x_new, cache, W_Q, W_K, W_V, n_heads)
    return _merge(_attend(Q, K, V, _allowed(Q.shape[-2], K.shape[-2], n_before + 1))) @ W_O


@attend_with_cache.misconception(
    "A new row does not see itself.",
    "Does a query's own position belong to what it may look at?",
)
def not_itself(x_new: Any, cache: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int) -> Any:
    Q, K, V, n_before = _with_cache(x_new, cache, W_Q, W_K, W_V, n_heads)
    shift = n_before - 1 if n_before else 0
    return _merge(_attend(Q, K, V, _allowed(Q.shape[-2], K.shape[-2], shift))) @ W_O


@attend_with_cache.misconception(
    "The new rows see only each other: the keys and values that `append` gives back are not used.",
    "What does `append` return, and with which keys do your scores compare?",
)
def cache_not_read(x_new: Any, cache: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int) -> Any:
    Q, _, _, _ = _with_cache(x_new, cache, W_Q, W_K, W_V, n_heads)
    K, V = (_split(x_new @ W, n_heads) for W in (W_K, W_V))
    return _merge(_attend(Q, K, V, _allowed(Q.shape[-2], Q.shape[-2], 0))) @ W_O


@attend_with_cache.misconception(
    "The cache stays empty: nothing is appended to it, and the new rows see only each other.",
    "Which method of the cache should your function call, and with what?",
)
def cache_not_used(x_new: Any, cache: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int) -> Any:
    K, V = (_split(x_new @ W, n_heads) for W in (W_K, W_V))
    return (
        _merge(_attend(_split(x_new @ W_Q, n_heads), K, V, _allowed(x_new.shape[-2], x_new.shape[-2], 0)))
        @ W_O
    )


@attend_with_cache.misconception(
    "The new keys join the cache twice.",
    "How often does one call of your function call `append`?",
)
def appended_twice(x_new: Any, cache: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int) -> Any:
    if 2 * x_new.shape[-2] + len(cache) <= cache.context_length:  # else the course's own cache would raise
        cache.append(_split(x_new @ W_K, n_heads), _split(x_new @ W_V, n_heads))
    Q, K, V, n_before = _with_cache(x_new, cache, W_Q, W_K, W_V, n_heads)
    return _merge(_attend(Q, K, V, _allowed(Q.shape[-2], K.shape[-2], n_before))) @ W_O


@attend_with_cache.misconception(
    "The scores are not scaled.",
    "Your `attention_scores` divides by √d_head. Do you use it?",
)
def scores_unscaled(x_new: Any, cache: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int) -> Any:
    Q, K, V, n_before = _with_cache(x_new, cache, W_Q, W_K, W_V, n_heads)
    return _merge(_attend(Q, K, V, _allowed(Q.shape[-2], K.shape[-2], n_before), scale=1.0)) @ W_O


@attend_with_cache.misconception(
    "The scores are divided by √d_model. Each head works in d_head numbers.",
    "How long are the vectors whose dot products are the scores of one head?",
)
def scaled_by_d_model(x_new: Any, cache: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int) -> Any:
    Q, K, V, n_before = _with_cache(x_new, cache, W_Q, W_K, W_V, n_heads)
    return (
        _merge(_attend(Q, K, V, _allowed(Q.shape[-2], K.shape[-2], n_before), math.sqrt(W_Q.shape[0]))) @ W_O
    )


@attend_with_cache.misconception(
    "There is one head, whatever n_heads says.",
    "Where does your function split the numbers among the heads?",
)
def one_head_only(x_new: Any, cache: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int) -> Any:
    Q, K, V, n_before = _with_cache(x_new, cache, W_Q, W_K, W_V, 1)
    return _merge(_attend(Q, K, V, _allowed(Q.shape[-2], K.shape[-2], n_before))) @ W_O


@attend_with_cache.misconception(
    "W_O is not used: the heads are put side by side and returned.",
    "Which of the four matrices does your function never use?",
)
def W_O_unused(x_new: Any, cache: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int) -> Any:
    Q, K, V, n_before = _with_cache(x_new, cache, W_Q, W_K, W_V, n_heads)
    return _merge(_attend(Q, K, V, _allowed(Q.shape[-2], K.shape[-2], n_before)))


@attend_with_cache.misconception(
    "You added x_new. Asked for is the update alone.",
    "If W_O were all zeros, what should come out?",
)
def x_new_added(x_new: Any, cache: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int) -> Any:
    Q, K, V, n_before = _with_cache(x_new, cache, W_Q, W_K, W_V, n_heads)
    return x_new + _merge(_attend(Q, K, V, _allowed(Q.shape[-2], K.shape[-2], n_before))) @ W_O


@attend_with_cache.misconception(
    "Queries and keys have changed places: the keys' matrix makes your queries.",
    "What goes into the cache: what is asked, or what is asked for?",
)
def queries_cached(x_new: Any, cache: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int) -> Any:
    Q, K, V, n_before = _with_cache(x_new, cache, W_K, W_Q, W_V, n_heads)
    return _merge(_attend(Q, K, V, _allowed(Q.shape[-2], K.shape[-2], n_before))) @ W_O


@attend_with_cache.misconception(
    "The heads are glued together without changing the axes: a row holds numbers of several positions.",
    "Do you use your `merge_heads`?",
)
def merged_by_view(x_new: Any, cache: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int) -> Any:
    Q, K, V, n_before = _with_cache(x_new, cache, W_Q, W_K, W_V, n_heads)
    return _attend(Q, K, V, _allowed(Q.shape[-2], K.shape[-2], n_before)).reshape(x_new.shape) @ W_O


@attend_with_cache.misconception(
    "Only the last of the new rows comes back. Where several come, each has its update.",
    "How many rows does x_new have, and how many does your answer?",
)
def last_row_only(x_new: Any, cache: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int) -> Any:
    Q, K, V, n_before = _with_cache(x_new, cache, W_Q, W_K, W_V, n_heads)
    return (_merge(_attend(Q, K, V, _allowed(Q.shape[-2], K.shape[-2], n_before))) @ W_O)[..., -1:, :]
