"""Lesson 00: the loop around a GPT."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from handmade.checks.case import Case, case, play, rejects
from handmade.checks.compare import Unfit, describe
from handmade.checks.draw import decimals
from handmade.checks.exercise import exercise

array = np.array


def _shares(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return n different probabilities, multiples of 1 / (1 + 2 + … + n) in random order."""
    return np.asarray(rng.permutation(np.arange(1, n + 1)) / (n * (n + 1) / 2))


@exercise(points=1, level=1, minutes=3)
def pick_next(rng: np.random.Generator) -> Iterator[Case]:
    yield case(array([0.2, 0.5, 0.3]), expect=1)
    yield case(array([0.7, 0.1, 0.2]), expect=0, note="the first is the likeliest")
    yield case(array([0.1, 0.2, 0.3, 0.4]), expect=3, note="the last is the likeliest")
    yield case(array([0.1, 0.4, 0.1, 0.4]), expect=1, note="two are equally likely: the first of them")
    yield case(array([0.25, 0.25, 0.25, 0.25]), expect=0, note="all are equally likely")
    yield case(array([1.0]), expect=0, note="a vocabulary of one token")
    yield case(array([0.2, 0.3, 0.5], dtype=np.float32), expect=2, note="float32, as a model gives them")
    yield case(array([0.1, 0.2, 0.7, 0.0])[::-1], expect=1, note="a reversed view of another array")
    yield case(_shares(rng, 7))
    yield case(_shares(rng, 12))


@pick_next.misconception(
    "You returned the largest probability itself.",
    "The loop needs a token. Which number names a token: how likely it is, or at which place it stands?",
)
def the_probability(probabilities: Any) -> Any:
    return max(probabilities)


@pick_next.misconception(
    "You picked the token that is least likely.",
    "Which end of the sorted probabilities does a model mean by its best guess?",
)
def smallest(probabilities: Any) -> Any:
    return int(np.argmin(probabilities))


@pick_next.misconception(
    "Of equally likely tokens you take the last.",
    "When you go from left to right, when should a later token replace the one you hold: where it is as likely, or only where it is likelier?",
)
def last_of_equals(probabilities: Any) -> Any:
    return len(probabilities) - 1 - int(np.argmax(probabilities[::-1]))


@pick_next.misconception(
    "You counted the places from 1.",
    "Which id does the first token of a vocabulary have?",
)
def from_one(probabilities: Any) -> Any:
    return int(np.argmax(probabilities)) + 1


@pick_next.misconception(
    "You returned the places of all tokens in order, not the one place that is asked.",
    "How many tokens does the loop append at a time?",
)
def all_places(probabilities: Any) -> Any:
    return np.argsort(probabilities)


def _new_list(ids: list[int], context_length: int) -> Case:
    """Return the case that asks whether the answer is a list of its own."""

    def ask(candidate: Callable[..., Any]) -> bool:
        given = list(ids)
        answer = candidate(given, context_length)
        if not isinstance(answer, list):
            return False
        answer.append(-1)
        return given == ids

    return play(
        ask,
        f"ids = {ids}\nseen = visible_context(ids, {context_length})\nseen.append(-1)\nids == {ids}",
        expect=True,
        note="a new list: whoever changes it changes nothing in `ids`",
    )


@exercise(points=1, level=2, minutes=6)
def visible_context(rng: np.random.Generator) -> Iterator[Case]:
    yield case([7, 8, 9], 2, expect=[8, 9])
    yield case([7, 8, 9], 1, expect=[9])
    yield case([7, 8, 9], 3, expect=[7, 8, 9], note="as many as there are")
    yield case([7, 8, 9], 5, expect=[7, 8, 9], note="fewer ids than the context holds")
    yield case([7, 8, 9], 0, expect=[], note="a context of length 0 shows nothing")
    yield case([], 4, expect=[], note="no ids")
    yield case([], 0, expect=[])
    yield case([5, 5, 6, 5], 3, expect=[5, 6, 5], note="ids that occur more than once")
    yield _new_list([7, 8, 9], 2)
    yield _new_list([7, 8, 9], 5)
    yield rejects([7, 8, 9], -1, note="a negative length")
    yield rejects([], -2, note="a negative length, and no ids")
    n = int(rng.integers(6, 12))
    yield case(rng.integers(50, size=n).tolist(), n - 2)
    yield case(rng.integers(50, size=n).tolist(), n + 2)
    yield case(rng.integers(50, size=n).tolist(), n // 2)


def _refuse(context_length: int) -> None:
    if context_length < 0:
        raise ValueError


@visible_context.misconception(
    "You took the first ids. The model would never see what was written last.",
    "Which tokens say most about the next one: those at the beginning, or those just before it?",
)
def the_first_ones(ids: Any, context_length: int) -> Any:
    _refuse(context_length)
    return ids[:context_length]


@visible_context.misconception(
    "For a context_length of 0 you return everything. `-0` is 0, and `ids[0:]` is the whole list.",
    "Where does the visible part begin? Try to say it as a place counted from the front.",
)
def everything_for_zero(ids: Any, context_length: int) -> Any:
    _refuse(context_length)
    return ids[-context_length:]


@visible_context.misconception(
    "There is one id too few.",
    "How many ids should be visible of three, with a context of 2?",
)
def one_too_few(ids: Any, context_length: int) -> Any:
    _refuse(context_length)
    return ids[max(0, len(ids) - context_length + 1) :]


@visible_context.misconception(
    "There is one id too many.",
    "For three ids and a context of 2, at which place does the visible part begin?",
)
def one_too_many(ids: Any, context_length: int) -> Any:
    _refuse(context_length)
    return ids[max(0, len(ids) - context_length - 1) :]


@visible_context.misconception(
    "With fewer ids than the context holds, the start of your slice is negative, and Python counts that from the end.",
    "What is `len(ids) - context_length` for 3 ids and a context of 5, and what should it be at least?",
)
def negative_start(ids: Any, context_length: int) -> Any:
    _refuse(context_length)
    return ids[len(ids) - context_length :]


@visible_context.misconception(
    "A short list was refused. A text of three tokens may well be shorter than the context.",
    "What can the model see of a text that is shorter than its context?",
)
def short_refused(ids: Any, context_length: int) -> Any:
    if not 0 <= context_length <= len(ids):
        raise ValueError
    return ids[len(ids) - context_length :]


@visible_context.misconception(
    "A negative context_length was let through.",
    "What could a context of −1 tokens mean? Which error says that it means nothing?",
)
def negative_let_through(ids: Any, context_length: int) -> Any:
    return (
        ids[len(ids) - context_length :]
        if 0 < context_length < len(ids)
        else list(ids) * bool(context_length)
    )


@visible_context.misconception(
    "A short text was filled up with zeros. The id 0 is a token, and the model would read it.",
    "May the visible context be shorter than the limit?",
)
def filled_with_zeros(ids: Any, context_length: int) -> Any:
    _refuse(context_length)
    seen = ids[max(0, len(ids) - context_length) :]
    return [0] * (context_length - len(seen)) + seen


@visible_context.misconception(
    "Where all ids are visible you return the list that was given, not a new one: whoever changes one changes both.",
    "What does `ids[:]` give that `ids` does not?",
)
def the_same_list(ids: Any, context_length: int) -> Any:
    _refuse(context_length)
    return ids if len(ids) <= context_length else ids[len(ids) - context_length :]


# ---- generate_greedy: small models that a person can follow.


def _counter(ids: list[int]) -> np.ndarray:
    """The model that counts up: after 3 comes 4, after 9 comes 0."""
    return np.eye(10)[(ids[-1] + 1) % 10]


def _adder(ids: list[int]) -> np.ndarray:
    """The model whose next id is the sum of all ids it sees, modulo 10: it tells what it was shown."""
    return np.eye(10)[sum(ids) % 10]


def _length(ids: list[int]) -> np.ndarray:
    """The model whose next id is how many ids it sees."""
    return np.eye(10)[len(ids) % 10]


def _first(ids: list[int]) -> np.ndarray:
    """The model that says again the first id that it sees, and thinks the one after it nearly as likely."""
    return 0.6 * np.eye(10)[ids[0]] + 0.4 * np.eye(10)[(ids[0] + 1) % 10]


_MODELS: dict[str, tuple[Callable[[list[int]], np.ndarray], str]] = {
    "counts_up": (_counter, "def counts_up(ids): return np.eye(10)[(ids[-1] + 1) % 10]"),
    "adds_up": (_adder, "def adds_up(ids): return np.eye(10)[sum(ids) % 10]"),
    "how_many": (_length, "def how_many(ids): return np.eye(10)[len(ids) % 10]"),
    "says_the_first": (
        _first,
        "def says_the_first(ids): return 0.6 * np.eye(10)[ids[0]] + 0.4 * np.eye(10)[(ids[0] + 1) % 10]",
    ),
}


def _greedy(model: str, ids: list[int], n_new: int, context_length: int, **more: Any) -> Case:
    """Return the case that runs the loop with one of the small models; what the model is given is looked at too."""
    function, text = _MODELS[model]

    def ask(candidate: Callable[..., Any]) -> Any:
        given = list(ids)
        wrong: list[str] = []

        def watched(seen: Any) -> np.ndarray:
            if not isinstance(seen, list):
                wrong.append(f"The model expects a list of ids, and was given {describe(seen)}.")
            elif len(seen) == 0:
                wrong.append("The model was given no ids at all.")
            elif len(seen) > context_length:
                wrong.append(
                    f"The model sees at most {context_length} ids, and was given {len(seen)}: {seen}."
                )
            if wrong:
                raise ValueError(wrong[0])
            return function([int(i) for i in seen])

        try:
            answer = candidate(watched, given, n_new, context_length)
        except Exception:
            if not wrong:
                raise
        if wrong:
            return wrong[0]
        if given != ids:
            return f"The list `ids` was {ids} before, and is {given} afterwards."
        return answer

    def view(answer: Any) -> Any:
        if isinstance(answer, str) and " " in answer:
            raise Unfit(answer)
        if not isinstance(answer, list):
            raise Unfit(f"Expected a list of ids, got {describe(answer)}.")
        return answer

    call = f"{text}\ngenerate_greedy({model}, {ids}, {n_new}, {context_length})"
    return play(ask, call, view=view, **more)


def _no_state(ids: list[int]) -> Case:
    """Return the case that generates twice with the same prompt: nothing may be kept between two calls."""

    def ask(candidate: Callable[..., Any]) -> Any:
        candidate(_adder, [9, 9], 2, 8)
        return [list(candidate(_adder, list(ids), 3, 8)), list(candidate(_adder, list(ids), 3, 8))]

    name = "adds_up"
    call = f"{_MODELS[name][1]}\ngenerate_greedy({name}, [9, 9], 2, 8)\n[generate_greedy({name}, {ids}, 3, 8), generate_greedy({name}, {ids}, 3, 8)]"
    return play(ask, call, note="other texts before; the same prompt twice gives the same answer")


@exercise(points=2, level=2, minutes=10)
def generate_greedy(rng: np.random.Generator) -> Iterator[Case]:
    yield _greedy("counts_up", [4, 1], 3, 2, expect=[4, 1, 2, 3, 4])
    yield _greedy("counts_up", [5], 1, 4, expect=[5, 6], note="one new token")
    yield _greedy(
        "adds_up", [1, 2], 3, 8, expect=[1, 2, 3, 6, 2], note="the model needs all that came before"
    )
    yield _greedy("adds_up", [1, 2], 3, 2, expect=[1, 2, 3, 5, 8], note="the model sees two ids")
    yield _greedy("counts_up", [7, 8, 9], 0, 4, expect=[7, 8, 9], note="no new token")
    yield _greedy("how_many", [3, 3], 4, 3, expect=[3, 3, 2, 3, 3, 3], note="more ids than the context holds")
    yield _greedy(
        "adds_up",
        [6, 1, 3, 2, 5],
        2,
        3,
        expect=[6, 1, 3, 2, 5, 0, 7],
        note="a prompt longer than the context",
    )
    yield _greedy("counts_up", [2, 8], 4, 1, expect=[2, 8, 9, 0, 1, 2], note="a context of one id")
    yield _greedy("says_the_first", [3, 1, 2], 4, 3, expect=[3, 1, 2, 3, 1, 2, 3])
    yield _greedy("says_the_first", [2, 5], 12, 100, note="twelve new tokens")
    yield _no_state([1, 3])
    for context_length in (2, 4):
        yield _greedy("adds_up", rng.integers(10, size=5).tolist(), 6, context_length)
    yield _greedy("says_the_first", rng.integers(10, size=4).tolist(), 5, 3)
    weights = np.abs(decimals(rng, 10, 10))

    def table(candidate: Callable[..., Any]) -> Any:
        return candidate(lambda seen: weights[int(seen[-1])] / weights[int(seen[-1])].sum(), [0, 4], 6, 5)

    text = "W = np.array(…)  # ten rows of random probabilities\ngenerate_greedy(lambda ids: W[ids[-1]], [0, 4], 6, 5)"
    yield play(table, text, note="a model that looks up the last id in a random table")


def _seen(ids: Any, context_length: int) -> Any:
    return ids[max(0, len(ids) - context_length) :]


@generate_greedy.misconception(
    "You gave the model only the newest token. It keeps nothing in memory: what it is not shown, it does not know.",
    "What did the model still know of the first tokens when it chose the third?",
)
def newest_only(model: Any, ids: Any, n_new: int, context_length: int) -> Any:
    ids = list(ids)
    for _ in range(n_new):
        ids.append(int(np.argmax(model(ids[-1:]))))
    return ids


@generate_greedy.misconception(
    "You gave the model more tokens than it can see.",
    "Which of your functions cuts a list to what is visible?",
)
def past_the_limit(model: Any, ids: Any, n_new: int, context_length: int) -> Any:
    ids = list(ids)
    for _ in range(n_new):
        ids.append(int(np.argmax(model(ids))))
    return ids


@generate_greedy.misconception(
    "You appended to the list that you were given. Its owner still needs the prompt as it was.",
    "Which list should grow: theirs, or one of your own?",
)
def changes_ids(model: Any, ids: Any, n_new: int, context_length: int) -> Any:
    for _ in range(n_new):
        ids.append(int(np.argmax(model(_seen(ids, context_length)))))
    return ids


@generate_greedy.misconception(
    "You returned the new tokens alone.",
    "What should the answer begin with?",
)
def only_the_new(model: Any, ids: Any, n_new: int, context_length: int) -> Any:
    grown = list(ids)
    for _ in range(n_new):
        grown.append(int(np.argmax(model(_seen(grown, context_length)))))
    return grown[len(ids) :]


@generate_greedy.misconception(
    "The model was asked once, and its answer was appended again and again.",
    "After the first new token the text is longer. Whom must you ask before the second?",
)
def asked_once(model: Any, ids: Any, n_new: int, context_length: int) -> Any:
    return list(ids) + [int(np.argmax(model(_seen(ids, context_length))))] * n_new


@generate_greedy.misconception(
    "The context stayed where it was: the model always saw the prompt, never the new tokens.",
    "Where does the visible context end after the first new token?",
)
def context_stays(model: Any, ids: Any, n_new: int, context_length: int) -> Any:
    first = list(np.argsort(-model(_seen(ids, context_length)), kind="stable"))
    return list(ids) + [int(i) for i in first[:n_new]]


@generate_greedy.misconception(
    "The cut came once, before the loop, and the answer lost the tokens that were cut off.",
    "Must the text be shortened, or only what the model sees of it?",
)
def prompt_cut(model: Any, ids: Any, n_new: int, context_length: int) -> Any:
    ids = _seen(list(ids), context_length)
    for _ in range(n_new):
        ids.append(int(np.argmax(model(_seen(ids, context_length)))))
    return ids


@generate_greedy.misconception(
    "There is one new token too many.",
    "How often does a loop over `range(n_new)` run?",
)
def one_more(model: Any, ids: Any, n_new: int, context_length: int) -> Any:
    ids = list(ids)
    for _ in range(n_new + 1):
        ids.append(int(np.argmax(model(_seen(ids, context_length)))))
    return ids


@generate_greedy.misconception(
    "It stops when the text is `n_new` tokens long, the prompt included.",
    "Does `n_new` count the tokens of the prompt too?",
)
def counts_the_prompt(model: Any, ids: Any, n_new: int, context_length: int) -> Any:
    ids = list(ids)
    while len(ids) < n_new:
        ids.append(int(np.argmax(model(_seen(ids, context_length)))))
    return ids
