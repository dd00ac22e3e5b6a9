"""Lesson 06: rows for tokens, vectors from counting, vectors for positions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from handmade.checks.case import Case, case, literal, rejects
from handmade.checks.compare import Unfit, describe, is_array, to_numpy
from handmade.checks.draw import floats
from handmade.checks.exercise import exercise
from handmade.data.facts import ANSWERS, FIRST_NAMES, LAST_NAMES, facts_corpus

tensor = torch.tensor


def _ids(rng: np.random.Generator, vocab_size: int, *shape: int) -> torch.Tensor:
    return tensor(rng.integers(0, vocab_size, size=shape))


@exercise(points=1, level=1, minutes=5, by_hand=("one_hot",))
def one_hot(rng: np.random.Generator) -> Iterator[Case]:
    yield case(tensor([2, 0]), 3, expect=tensor([[0, 0, 1], [1, 0, 0]]))
    yield case(tensor([1]), 4, expect=tensor([[0, 1, 0, 0]]), note="one token: still a matrix, with one row")
    yield case(
        tensor([1, 1, 3]),
        5,
        expect=tensor([[0, 1, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 1, 0]]),
        note="a token that comes twice",
    )
    yield case(
        tensor([3, 0, 2, 1, 3]), 4, note="the last id, 3, is the largest one that a vocabulary of 4 has"
    )
    yield rejects(tensor([0, 4]), 4, note="a vocabulary of 4 has the ids 0 to 3")
    yield rejects(
        tensor([2, -1]),
        4,
        note="torch would read -1 as the last column; there is no token -1, so refuse it",
    )
    yield case(_ids(rng, 6, 8)[::2], 6, note="every second id of a longer tensor")
    yield case(_ids(rng, 7, 3), 7)


def _rows(ids: Any, vocab_size: int) -> Any:
    if ids.min() < 0 or ids.max() >= vocab_size:
        raise ValueError
    return torch.eye(vocab_size)[ids]


@one_hot.misconception(
    "Your matrix is transposed: it has one column for each token of the text.",
    "In this course a token is a row: how many rows should the answer have, and how many columns?",
)
def one_column_a_token(ids: Any, vocab_size: int) -> Any:
    return _rows(ids, vocab_size).T


@one_hot.misconception(
    "Each row is as long as the text, or as its largest id asks for, not as long as the vocabulary.",
    "Which of the two arguments says how many columns there are?",
)
def as_long_as_needed(ids: Any, vocab_size: int) -> Any:
    return _rows(ids, int(ids.max()) + 1)


@one_hot.misconception(
    "All tokens ended up in one row: you can see which ones occur, and no longer in which order.",
    "How many 1s should stand in each row?",
)
def one_row_for_all(ids: Any, vocab_size: int) -> Any:
    return _rows(ids, vocab_size).sum(dim=0)


@one_hot.misconception(
    "A negative id was read as a place counted from the end, as torch does.",
    "Which of your lines would notice an id of -1?",
)
def negative_from_the_end(ids: Any, vocab_size: int) -> Any:
    if ids.max() >= vocab_size:
        raise ValueError
    return torch.eye(vocab_size)[ids]


@one_hot.misconception(
    "An id that the vocabulary does not have got a row of zeros.",
    "What should happen instead, so that a wrong id is noticed at once?",
)
def unknown_is_zero(ids: Any, vocab_size: int) -> Any:
    return (ids[:, None] == torch.arange(vocab_size)).float()


@one_hot.misconception(
    "Your ids count from 1: each 1 stands one column too far left.",
    "In which column should the 1 of id 0 stand?",
)
def counted_from_one(ids: Any, vocab_size: int) -> Any:
    return torch.roll(_rows(ids, vocab_size), -1, dims=1)


@one_hot.misconception(
    "You put the id itself where a 1 should be.",
    "If this row multiplies a matrix, how many times would it take the row of the matrix?",
)
def id_instead_of_one(ids: Any, vocab_size: int) -> Any:
    return _rows(ids, vocab_size) * ids[:, None]


@exercise(points=1, level=1, minutes=5, by_hand=("embedding", "Embedding", "embedding_bag"))
def embed(rng: np.random.Generator) -> Iterator[Case]:
    W_E = tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    yield case(tensor([2, 0]), W_E, expect=tensor([[5.0, 6.0], [1.0, 2.0]]))
    yield case(tensor([1]), W_E, expect=tensor([[3.0, 4.0]]), note="one token: a matrix with one row")
    yield case(
        tensor([0, 2, 2, 0]),
        tensor([[7.0, -1.0, 0.0, 2.0], [0.0, 1.0, 0.0, 1.0], [-8.0, 3.0, 9.0, 0.5]]),
        expect=tensor(
            [[7.0, -1.0, 0.0, 2.0], [-8.0, 3.0, 9.0, 0.5], [-8.0, 3.0, 9.0, 0.5], [7.0, -1.0, 0.0, 2.0]]
        ),
        note="3 tokens in the vocabulary, 4 numbers a token",
    )
    yield case(
        tensor([[0, 1], [2, 2]]),
        W_E,
        expect=tensor([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [5.0, 6.0]]]),
        note="a batch of two texts",
    )
    yield case(_ids(rng, 5, 2, 3, 4), floats(rng, 5, 3), note="ids with three axes")
    yield case(
        _ids(rng, 6, 4),
        floats(rng, 6, 3).double(),
        note="float64 numbers",
    )
    yield case(_ids(rng, 4, 3, 2).T, floats(rng, 3, 4).T, note="both tensors are transposes of others")
    yield case(_ids(rng, 7, 1, 5), floats(rng, 7, 2), note="a batch of one text")


@embed.misconception(
    "You took columns of W_E.",
    "W_E has the shape (vocab_size, d_model): what does one row of it belong to?",
)
def columns_of_the_matrix(ids: Any, W_E: Any) -> Any:
    return W_E.T[ids]


@embed.misconception(
    "The rows are right, but the texts of the batch are glued together into one.",
    "Ids of shape (2, 3) stand for two texts of three tokens: which shape should come out?",
)
def batch_lost(ids: Any, W_E: Any) -> Any:
    return W_E[ids.flatten()]


@embed.misconception(
    "You added the tokens of a text up. Their order is lost, and so is every single token.",
    "How many vectors should come out for a text of 4 tokens?",
)
def tokens_added(ids: Any, W_E: Any) -> Any:
    return W_E[ids].sum(dim=-2)


@embed.misconception(
    "The first rows of W_E came out, one after another: the ids chose nothing.",
    "If the text is [2, 0], which row of W_E comes first?",
)
def ids_ignored(ids: Any, W_E: Any) -> Any:
    return W_E[torch.arange(ids.numel()) % len(W_E)].reshape(*ids.shape, -1)


@embed.misconception(
    "The rows are right, but each stands as a column.",
    "In this course a token is a row: which axis of your answer runs over the tokens?",
)
def tokens_as_columns(ids: Any, W_E: Any) -> Any:
    return W_E[ids].transpose(-1, -2)


@embed.misconception(
    "You made all vectors the same length.",
    "What does `one_hot(ids, vocab_size) @ W_E` do to a row, apart from choosing it?",
)
def rows_normalised(ids: Any, W_E: Any) -> Any:
    return torch.nn.functional.normalize(W_E, dim=1)[ids]


def _cosines(vector: Any, W_E: Any) -> Any:
    return torch.nn.functional.normalize(W_E, dim=1) @ torch.nn.functional.normalize(vector, dim=0)


@exercise(points=2, level=2, minutes=8, by_hand=("cosine_similarity", "CosineSimilarity"))
def nearest_tokens(rng: np.random.Generator) -> Iterator[Case]:
    W_E = tensor([[0.0, 5.0], [2.0, 0.0], [3.0, 3.0]])
    yield case(tensor([1.0, 0.0]), W_E, 2, expect=tensor([1, 2]))
    yield case(tensor([1.0, 0.0]), W_E, 1, expect=tensor([1]), note="k = 1: a tensor with one entry")
    yield case(
        tensor([3.0, 4.0]),
        tensor([[3.0, 3.0], [-6.0, -8.0], [0.6, 0.8], [0.0, 1.0], [9.0, -9.0]]),
        5,
        expect=tensor([2, 0, 3, 4, 1]),
        note="k is the number of tokens: all of them, in order",
    )
    yield case(
        tensor([1.0, 2.0, 2.0]),
        tensor([[-1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [3.0, 1.0, 1.0], [-4.0, -8.0, -7.0]]),
        4,
        expect=tensor([2, 1, 0, 3]),
        note="row 1 is zero: it counts as cosine 0, before the negative ones",
    )
    yield case(
        tensor([5.0, 1.0]),
        tensor([[50.0, 60.0], [0.5, 0.1], [5.0, 4.0], [8.0, 0.1], [-70.0, 3.0]]),
        3,
        expect=tensor([1, 3, 2]),
        note="rows of very different lengths",
    )
    scale = tensor([[0.1], [30.0], [1.0], [4.0], [0.5], [9.0]])
    rows, vector = _clear(lambda: (floats(rng, 6, 3) * scale, None), lambda rows, _: rows[4])
    yield case(vector, rows, 4, note="the vector is a row of W_E itself: that token is the nearest")
    rows, vector = _clear(lambda: (floats(rng, 7, 4), floats(rng, 4)), lambda _, vector: vector)
    yield case(vector.double(), rows.double(), 3, note="float64 numbers")
    rows, vector = _clear(lambda: (floats(rng, 5, 8).T, floats(rng, 5)), lambda _, vector: vector)
    yield case(vector, rows, 5, note="W_E is the transpose of another tensor")


def _clear(make: Callable[[], Any], vector_of: Callable[[Any, Any], Any]) -> Any:
    """Return made rows and a vector whose cosines to them lie so far apart that rounding changes no order."""
    while True:
        rows, more = make()
        vector = vector_of(rows, more).clone()
        if _cosines(vector, rows).sort().values.diff().min() > 0.01:
            return rows, vector


@nearest_tokens.misconception(
    "You took the largest dot products: long rows win, whichever way they point.",
    "In lesson 01, by what did you divide a dot product, so that only the directions count?",
)
def by_dot_product(vector: Any, W_E: Any, k: int) -> Any:
    return (W_E @ vector).topk(k).indices


@nearest_tokens.misconception(
    "You took the rows whose ends are nearest: a row that points the same way, and is longer, counts as far.",
    "What is the cosine similarity of (1, 0) and (100, 0)?",
)
def by_distance(vector: Any, W_E: Any, k: int) -> Any:
    return (W_E - vector).norm(dim=1).topk(k, largest=False).indices


@nearest_tokens.misconception(
    "Your order is turned round: the tokens that point away come first.",
    "Which cosine has the token that should come first, the largest or the smallest?",
)
def worst_first(vector: Any, W_E: Any, k: int) -> Any:
    return _cosines(vector, W_E).topk(k, largest=False).indices


@nearest_tokens.misconception(
    "The right k tokens are there, the worst of them first.",
    "`argsort` sorts upwards: which end of its answer holds the best one?",
)
def best_ones_backwards(vector: Any, W_E: Any, k: int) -> Any:
    return _cosines(vector, W_E).topk(k).indices.flip(0)


@nearest_tokens.misconception(
    "You returned the cosines themselves.",
    "What is asked for: how near the tokens are, or which tokens they are?",
)
def cosines_instead_of_ids(vector: Any, W_E: Any, k: int) -> Any:
    return _cosines(vector, W_E).topk(k).values


@nearest_tokens.misconception(
    "Where a row is zero you divide 0 by 0. That is nan, and nan is sorted as if it were the largest.",
    "What should the cosine of a row of zeros be, and where do you know that its length is 0?",
)
def nan_for_zero_rows(vector: Any, W_E: Any, k: int) -> Any:
    return (W_E @ vector / (W_E.norm(dim=1) * vector.norm())).topk(k).indices


@nearest_tokens.misconception(
    "You left the sign out: a row that points the other way counts as near.",
    "What should the cosine of a vector and its negative be?",
)
def signs_left_out(vector: Any, W_E: Any, k: int) -> Any:
    return _cosines(vector, W_E).abs().topk(k).indices


@nearest_tokens.misconception(
    "You left the first one out, as if it had to be the token that was asked about.",
    "The vector may be any vector. Is its nearest row always the row it was taken from?",
)
def best_one_skipped(vector: Any, W_E: Any, k: int) -> Any:
    order = _cosines(vector, W_E).argsort(descending=True)[1 : k + 1]
    return order


@exercise(points=2, level=2, minutes=8)
def analogy(rng: np.random.Generator) -> Iterator[Case]:
    W_E = tensor([[1.0, 1.0], [1.0, 3.0], [4.0, 1.0], [4.0, 3.0], [-1.0, 2.0]])
    yield case(W_E, 0, 1, 2, expect=tensor([3]), text=f"analogy({literal(W_E)}, 0, 1, 2)")
    yield case(
        tensor([[5.0, 5.0], [6.0, 5.0], [5.0, 6.0], [2.0, 3.0], [9.0, 1.0], [-3.0, 1.0]]),
        0,
        1,
        2,
        3,
        expect=tensor([3, 4, 5]),
        note="tokens 0, 1 and 2 are nearer than all others, and must be left out",
    )
    yield case(
        tensor([[1.0, 0.0, 0.0], [3.0, 4.0, 0.0], [0.0, 0.0, 2.0], [-1.0, -2.0, -1.0], [-2.0, 1.0, -5.0]]),
        0,
        1,
        2,
        2,
        expect=tensor([4, 3]),
        note="all that is left points away: even so, a, b and c do not come back",
    )
    yield case(
        tensor([[8.0, 0.0], [0.0, 1.0], [1.0, 0.0], [-7.0, 1.0], [-1.0, 1.5], [1.0, 1.0]]),
        0,
        1,
        2,
        2,
        expect=tensor([3, 4]),
        note="rows of different lengths, taken as they are",
    )
    yield case(
        tensor([[2.0, 3.0], [7.0, 1.0], [1.0, 4.0], [4.0, 3.0], [5.0, 5.0], [1.0, -2.0]]),
        2,
        1,
        2,
        2,
        expect=tensor([3, 4]),
        note="a and c are the same token: E[b] - E[a] + E[c] is E[b]",
    )

    def draw(vocab_size: int, d_model: int, a: int, b: int, c: int) -> torch.Tensor:
        made = _clear(lambda: (floats(rng, vocab_size, d_model), None), lambda E, _: E[b] - E[a] + E[c])
        return torch.as_tensor(made[0])

    yield case(draw(9, 4, 7, 2, 5), 7, 2, 5, 6, note="all the tokens that are left, in order")
    yield case(draw(8, 3, 1, 6, 3).double(), 1, 6, 3, 4, note="float64 numbers")
    yield case(
        draw(7, 5, 6, 0, 4).T.contiguous().T, 6, 0, 4, 1, note="W_E is the transpose of another tensor"
    )


def _answer(W_E: Any, vector: Any, out: tuple[int, ...], k: int) -> Any:
    order = _cosines(vector, W_E).argsort(descending=True).tolist()
    return tensor([i for i in order if i not in out][:k])


@analogy.misconception(
    "You left nothing out: the three tokens of the question are mostly the nearest of all.",
    "The question names a, b and c. Would one of them be an answer?",
)
def nothing_left_out(W_E: Any, a: int, b: int, c: int, k: int = 1) -> Any:
    return _answer(W_E, W_E[b] - W_E[a] + W_E[c], (), k)


@analogy.misconception(
    "You left out c alone.",
    "How many tokens does the question name?",
)
def only_c_left_out(W_E: Any, a: int, b: int, c: int, k: int = 1) -> Any:
    return _answer(W_E, W_E[b] - W_E[a] + W_E[c], (c,), k)


@analogy.misconception(
    "Your step goes the wrong way: from b to a.",
    "a is to b as c is to what: which difference leads from a to b?",
)
def step_backwards(W_E: Any, a: int, b: int, c: int, k: int = 1) -> Any:
    return _answer(W_E, W_E[a] - W_E[b] + W_E[c], (a, b, c), k)


@analogy.misconception(
    "You added all three vectors.",
    "What must be taken away from b, so that only the step from a to b is left?",
)
def all_three_added(W_E: Any, a: int, b: int, c: int, k: int = 1) -> Any:
    return _answer(W_E, W_E[a] + W_E[b] + W_E[c], (a, b, c), k)


@analogy.misconception(
    "You took b - a alone; c has no say in your answer.",
    "From where should the step from a to b be taken?",
)
def c_forgotten(W_E: Any, a: int, b: int, c: int, k: int = 1) -> Any:
    return _answer(W_E, W_E[b] - W_E[a], (a, b, c), k)


@analogy.misconception(
    "You took the largest dot products: long rows win.",
    "Which of your functions compares directions alone?",
)
def analogy_by_dot_product(W_E: Any, a: int, b: int, c: int, k: int = 1) -> Any:
    order = (W_E @ (W_E[b] - W_E[a] + W_E[c])).argsort(descending=True).tolist()
    return tensor([i for i in order if i not in (a, b, c)][:k])


@analogy.misconception(
    "You made all rows the same length before you added them. Some programs do so; here the rows count as they are.",
    "Which three rows does the formula in the docstring add, and does it change them first?",
)
def normalised_before(W_E: Any, a: int, b: int, c: int, k: int = 1) -> Any:
    E = torch.nn.functional.normalize(W_E, dim=1)
    return _answer(E, E[b] - E[a] + E[c], (a, b, c), k)


@analogy.misconception(
    "You looked for the k nearest first, and left a, b and c out of them afterwards: then fewer than k remain.",
    "In which order must the two steps go, so that k answers are left?",
)
def left_out_too_late(W_E: Any, a: int, b: int, c: int, k: int = 1) -> Any:
    order = _answer(W_E, W_E[b] - W_E[a] + W_E[c], (), k).tolist()
    return tensor([i for i in order if i not in (a, b, c)])


# Texts for cooccurrence_vectors. They are built so that every right answer has the same directions, whichever way it
# weighs the singular values: the words of one group share their contexts, and where they meet anything else they meet
# it less often than chance would have it. Positive PMI is 0 there.


def _text(
    rng: np.random.Generator,
    pieces: list[tuple[int | None, ...]],
    fillers: list[int],
    gap: int,
    times: int,
) -> torch.Tensor:
    """Return the pieces in random order, laid over an endless round of fillers (None: the filler shows).

    Each piece begins at each place of the round equally often, so that no word prefers a filler.
    """
    places = [(piece, phase) for piece in pieces for phase in range(len(fillers))] * times
    text: list[int] = []

    def fill(n: int) -> None:
        text.extend(fillers[(len(text) + i) % len(fillers)] for i in range(n))

    for k in rng.permutation(len(places)):
        piece, phase = places[k]
        fill(gap)
        fill((phase - len(text)) % len(fillers))
        for token in piece:
            fill(1) if token is None else text.append(token)
    fill(gap)
    return tensor(text)


def _named(
    rng: np.random.Generator, vocab_size: int, ids: torch.Tensor, words: list[int]
) -> tuple[torch.Tensor, list[int]]:
    """Return the text and the words with all ids exchanged at random."""
    names = torch.tensor(rng.permutation(vocab_size))
    return names[ids], [int(names[w]) for w in words]


def _matrix(vocab_size: int, d_model: int, answer: Any) -> np.ndarray:
    """Return an answer as an array, or raise Unfit where it is no table of one vector a token."""
    if not is_array(answer) or tuple(answer.shape) != (vocab_size, d_model):
        raise Unfit(f"Expected an array of shape {(vocab_size, d_model)}, got {describe(answer)}.")
    vectors = to_numpy(answer)
    if vectors.dtype.kind not in "fiu":
        raise Unfit(f"Expected numbers, got {describe(answer)}.")
    if not np.isfinite(vectors).all():
        raise Unfit("Your vectors contain nan or infinity.")
    return vectors.astype(np.float64)


def _cosines_of(words: list[int], vocab_size: int, d_model: int) -> Callable[[Any], np.ndarray]:
    """Return the view that shows the cosines between the vectors of these tokens; 0 where a vector is zero."""

    def view(answer: Any) -> np.ndarray:
        rows = _matrix(vocab_size, d_model, answer)[words]
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        rows = rows / np.where(lengths > 0, lengths, 1)
        return rows @ rows.T

    return view


def _has_length(vocab_size: int, d_model: int) -> Callable[[Any], np.ndarray]:
    """Return the view that shows, for each token, the length of its vector: 0, or 1 where it is not 0."""

    def view(answer: Any) -> np.ndarray:
        lengths = np.linalg.norm(_matrix(vocab_size, d_model, answer), axis=1)
        return np.where(lengths > 1e-4 * lengths.max(), 1, 0)

    return view


def _kinds() -> dict[str, str]:
    kinds = dict.fromkeys(FIRST_NAMES, "first name") | dict.fromkeys(LAST_NAMES, "last name")
    return kinds | {word: relation for relation, words in ANSWERS.items() for word in words}


def _facts(n_people: int) -> tuple[torch.Tensor, list[str]]:
    """Return the facts about some people as ids, and the words that the ids stand for."""
    text, _ = facts_corpus(n_people, seed=0)
    words = re.findall(r"\w+|[.]", text)
    vocabulary = sorted(set(words))
    number = {word: i for i, word in enumerate(vocabulary)}
    return tensor([number[word] for word in words]), vocabulary


def _like_with_like(vocabulary: list[str], d_model: int, wanted: float) -> Callable[[Any], bool]:
    """Return the view that demands that most names, sports, cities and colours have a nearest neighbour of their kind."""
    kinds = [_kinds().get(word, word) for word in vocabulary]
    judged = [i for i, word in enumerate(vocabulary) if word in _kinds()]

    def view(answer: Any) -> bool:
        vectors = _matrix(len(vocabulary), d_model, answer)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        rows = vectors / np.where(lengths > 0, lengths, 1)
        cosines = rows @ rows.T
        np.fill_diagonal(cosines, -2)
        best = cosines.argmax(axis=1)
        alike = sum(kinds[i] == kinds[best[i]] for i in judged)
        if alike < wanted * len(judged):
            raise Unfit(
                f"Of the {len(judged)} names, sports, cities and colours only {alike} have a nearest neighbour of "
                f"their own kind. Expected at least {int(np.ceil(wanted * len(judged)))}."
            )
        return True

    return view


def _pairs(n: int) -> torch.Tensor:
    """Return the cosines of n words in groups of two: 1 inside a group, 0 between groups."""
    return torch.block_diag(*[torch.ones(2, 2)] * (n // 2))


@exercise(points=4, level=4, minutes=20)
def cooccurrence_vectors(rng: np.random.Generator) -> Iterator[Case]:
    yield case(
        tensor([0, 2, 1, 2, 0, 2, 1]),
        3,
        1,
        2,
        view=_cosines_of([0, 1, 2], 3, 2),
        expect=tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        tolerance=0.03,
        note="tokens 0 and 1 stand beside 2 alone, and 2 beside 0 and 1. Shown are the cosines between the three vectors",
    )
    yield case(
        tensor([3, 2, 0, 2, 1]),
        4,
        1,
        2,
        view=_cosines_of([0, 1, 3], 4, 2),
        expect=torch.ones(3, 3),
        tolerance=0.03,
        note="tokens 0, 1 and 3 stand beside 2 alone; the first and the last place count too. Shown are the cosines between these three",
    )
    yield case(
        tensor([0, 3, 1, 3, 0, 3, 1]),
        6,
        1,
        2,
        view=_has_length(6, 2),
        expect=tensor([1, 1, 0, 1, 0, 0]),
        note="tokens 2, 4 and 5 never occur: their vectors are zero. Shown is 0 for a vector of zeros, and 1 for any other",
    )
    yield case(
        tensor([2, 0, 3]),
        5,
        9,
        3,
        view=_has_length(5, 3),
        expect=tensor([1, 0, 1, 1, 0]),
        note="the window is wider than the text. Shown is 0 for a vector of zeros, and 1 for any other",
    )
    yield _grouped(
        rng,
        [(4, 5, 0, None, None, 8), (1, 4, 5), (6, 7, 2, None, None, 8), (3, 6, 7)],
        fillers=[9, 10, 11],
        gap=4,
        times=2,
        vocab_size=12,
        window=2,
        d_model=4,
        words=[0, 1, 2, 3],
        note="two words of one group stand within 2 places of the same tokens, one of them after these, the other before. "
        "Shown are the cosines between two words of one group and two of another",
    )
    yield _grouped(
        rng,
        [(4, 0, 4), (4, 0, 4), (4, 1), (5, 2, 5), (5, 2, 5), (3, 5)],
        fillers=[6, 7],
        gap=3,
        times=3,
        vocab_size=8,
        window=1,
        d_model=4,
        words=[0, 1, 2, 3],
        note="very frequent tokens stand beside the words of both groups, less often than chance would have it. "
        "Shown are the cosines between two words of one group and two of another",
    )
    yield _grouped(
        rng,
        [*[(4, 0, 4)] * 3, (0, 4), *[(4, 1, 4)] * 2, *[(5, 2, 5)] * 3, (2, 5), *[(5, 3, 5)] * 2],
        fillers=[6, 7, 8, 9],
        gap=4,
        times=1,
        vocab_size=10,
        window=1,
        d_model=6,
        words=[0, 1, 2, 3],
        note="one word of each group stands beside the most frequent tokens, but far less often than chance would have it. "
        "Shown are the cosines between two words of one group and two of another",
    )
    left, right = ([(x, c) if rng.random() < 0.5 else (c, x) for x, c in _sparse(k)] for k in (0, 1))
    yield _grouped(
        rng,
        [*left, *right],
        fillers=[14, 15],
        gap=3,
        times=1,
        vocab_size=16,
        window=1,
        d_model=4,
        words=[0, 1, 4, 5],
        note="the words of a group have no context in common, but both share theirs with the same other words; d_model is so small "
        "that each group has one direction. Shown are the cosines between two words of one group and two of another",
    )
    ids, vocabulary = _facts(60)
    yield case(
        ids,
        len(vocabulary),
        1,
        24,
        view=_like_with_like(vocabulary, 24, 0.95),
        expect=True,
        text=f"cooccurrence_vectors(ids, {len(vocabulary)}, 1, 24)",
        note="real text: the facts about 60 people, as words. Judged is whether names, sports, cities and colours lie among their kind",
    )


def _sparse(k: int) -> list[tuple[int, int]]:
    """Return the pairs (word, context) of one group: words 0 and 1 have one context each, words 2 and 3 have all."""
    words, contexts = range(4 * k, 4 * k + 4), range(8 + 3 * k, 11 + 3 * k)
    rare = [(words[0], contexts[0]), (words[1], contexts[1])] * 3
    return rare + [(word, context) for word in words[2:] for context in contexts]


def _grouped(
    rng: np.random.Generator,
    pieces: list[tuple[int | None, ...]],
    *,
    fillers: list[int],
    gap: int,
    times: int,
    vocab_size: int,
    window: int,
    d_model: int,
    words: list[int],
    note: str,
) -> Case:
    """Return the case of a text of these pieces, in which the words come in groups of two."""
    ids, named = _named(rng, vocab_size, _text(rng, pieces, fillers, gap, times), words)
    numbers = ", ".join(map(str, named))
    return case(
        ids,
        vocab_size,
        window,
        d_model,
        view=_cosines_of(named, vocab_size, d_model),
        expect=_pairs(len(words)),
        tolerance=0.05,
        text=f"cooccurrence_vectors(ids, {vocab_size}, {window}, {d_model})  # ids: a text of {len(ids)} tokens",
        note=f"{note}: tokens {numbers}",
    )


def _counts(ids: Any, vocab_size: int, window: int, *, offsets: list[int] | None = None) -> Any:
    """Return how often j stands at one of the offsets (all of the window) from i."""
    counts = torch.zeros(vocab_size, vocab_size)
    for offset in offsets or [o for o in range(-window, window + 1) if o]:
        if abs(offset) < len(ids):
            here, there = (
                (ids[:-offset], ids[offset:]) if offset > 0 else (ids[-offset:], ids[: offset or None])
            )
            counts.index_put_((here, there), torch.ones(len(here)), accumulate=True)
    return counts


def _pmi(counts: Any) -> Any:
    expected = counts.sum(1, keepdim=True) * counts.sum(0, keepdim=True) / counts.sum()
    return torch.where(counts > 0, torch.log(counts / expected), 0)


def _strongest(table: Any, d_model: int) -> Any:
    U, S, _ = torch.linalg.svd(table)
    return U[:, :d_model] * S[:d_model].sqrt()


@cooccurrence_vectors.misconception(
    "You decomposed the counts themselves: frequent tokens drown everything else.",
    "With what does PMI compare a count, before anything is decomposed?",
)
def raw_counts(ids: Any, vocab_size: int, window: int, d_model: int) -> Any:
    return _strongest(_counts(ids, vocab_size, window), d_model)


@cooccurrence_vectors.misconception(
    "You kept the negative PMIs: what a word avoids now counts as much as the company that it keeps.",
    "What should stand in the table where a pair occurs less often than by chance?",
)
def negatives_kept(ids: Any, vocab_size: int, window: int, d_model: int) -> Any:
    return _strongest(_pmi(_counts(ids, vocab_size, window)), d_model)


@cooccurrence_vectors.misconception(
    "You counted each place as its own neighbour: every token is now its own best company.",
    "Which distances from 0 to `window` belong to a neighbour?",
)
def own_neighbour(ids: Any, vocab_size: int, window: int, d_model: int) -> Any:
    counts = _counts(ids, vocab_size, window, offsets=list(range(-window, window + 1)))
    return _strongest(_pmi(counts).clamp(min=0), d_model)


@cooccurrence_vectors.misconception(
    "You counted the tokens that come after a token, and not those that come before it.",
    "The window reaches to both sides. How do you count the other one too?",
)
def one_side_only(ids: Any, vocab_size: int, window: int, d_model: int) -> Any:
    counts = _counts(ids, vocab_size, window, offsets=list(range(1, window + 1)))
    return _strongest(_pmi(counts).clamp(min=0), d_model)


@cooccurrence_vectors.misconception(
    "You counted the tokens right beside a token alone, whatever the window says.",
    "For `window=2`, which places around place 7 count?",
)
def next_ones_only(ids: Any, vocab_size: int, window: int, d_model: int) -> Any:
    return _strongest(_pmi(_counts(ids, vocab_size, 1)).clamp(min=0), d_model)


@cooccurrence_vectors.misconception(
    "Your window is one place too wide.",
    "For `window=1`, how far away may a neighbour stand?",
)
def one_place_too_wide(ids: Any, vocab_size: int, window: int, d_model: int) -> Any:
    return _strongest(_pmi(_counts(ids, vocab_size, window + 1)).clamp(min=0), d_model)


@cooccurrence_vectors.misconception(
    "Your window ends one place too early on one side: `range(-window, window)` does not hold `window` itself.",
    "For `window=1`, which two offsets should your loop go through?",
)
def last_place_missed(ids: Any, vocab_size: int, window: int, d_model: int) -> Any:
    offsets = [o for o in range(-window, window) if o]
    return _strongest(_pmi(_counts(ids, vocab_size, window, offsets=offsets)).clamp(min=0), d_model)


@cooccurrence_vectors.misconception(
    "However often a pair occurs, it was counted once for each distance: `table[rows, columns] += 1` adds 1 once to a place that comes many times.",
    "In the text 0, 1, 0, 1, how often does 1 stand right behind 0?",
)
def repeats_counted_once(ids: Any, vocab_size: int, window: int, d_model: int) -> Any:
    counts = torch.zeros(vocab_size, vocab_size)
    for distance in range(1, window + 1):
        counts[ids[:-distance], ids[distance:]] += 1
    return _strongest(_pmi(counts + counts.T).clamp(min=0), d_model)


@cooccurrence_vectors.misconception(
    "For a token that never occurs you divide 0 by 0, and nan spreads into everything.",
    "What should the PMI of a pair be that never meets, and can you choose it before dividing?",
)
def never_occurs_is_nan(ids: Any, vocab_size: int, window: int, d_model: int) -> Any:
    counts = _counts(ids, vocab_size, window)
    expected = counts.sum(1, keepdim=True) * counts.sum(0, keepdim=True) / counts.sum()
    return _strongest(torch.log(counts / expected).clamp(min=0), d_model)


@cooccurrence_vectors.misconception(
    "You kept the weakest pieces of the decomposition.",
    "`svd` sorts its strengths: which of them come first?",
)
def weakest_kept(ids: Any, vocab_size: int, window: int, d_model: int) -> Any:
    U, S, _ = torch.linalg.svd(_pmi(_counts(ids, vocab_size, window)).clamp(min=0))
    return U[:, -d_model:] * S[-d_model:].sqrt()


@cooccurrence_vectors.misconception(
    "Your table lies on its side: it has one column for each token.",
    "Vt has the pieces as its rows. Which way round do the tokens stand in U?",
)
def tokens_in_columns(ids: Any, vocab_size: int, window: int, d_model: int) -> Any:
    return _strongest(_pmi(_counts(ids, vocab_size, window)).clamp(min=0), d_model).T


@cooccurrence_vectors.misconception(
    "You took columns of the table, and decomposed nothing: these are the first contexts, not the strongest pieces.",
    "Which function of lesson 01 kept the most important pieces of a matrix, and how did it find them?",
)
def first_contexts(ids: Any, vocab_size: int, window: int, d_model: int) -> Any:
    return _pmi(_counts(ids, vocab_size, window)).clamp(min=0)[:, :d_model]


@cooccurrence_vectors.misconception(
    "You compared the counts with chance, and took no logarithm: one rare pair outweighs everything else.",
    "If a pair is met as often as by chance, count / expected is 1. What should stand in the table then?",
)
def no_logarithm(ids: Any, vocab_size: int, window: int, d_model: int) -> Any:
    return _strongest(
        torch.exp(_pmi(_counts(ids, vocab_size, window))) * (_counts(ids, vocab_size, window) > 0), d_model
    )


@cooccurrence_vectors.misconception(
    "You divided by the two row sums, and not by what chance would give: all your logarithms are negative, and nothing is left.",
    "If all counts were ten times as large, should the expected counts grow too? What else goes into them?",
)
def total_forgotten(ids: Any, vocab_size: int, window: int, d_model: int) -> Any:
    counts = _counts(ids, vocab_size, window)
    share = counts / (counts.sum(1, keepdim=True) * counts.sum(0, keepdim=True))
    return _strongest(torch.where(counts > 0, torch.log(share), 0).clamp(min=0), d_model)


def _waves(context_length: int, d_model: int, exponent: Any, start: int = 0) -> Any:
    position = torch.arange(start, start + context_length, dtype=torch.float64)[:, None]
    return position * 10000.0**-exponent


def _interleaved(sines: Any, cosines: Any) -> Any:
    return torch.stack([sines, cosines], dim=-1).flatten(-2)


def _exponents(d_model: int) -> Any:
    return torch.arange(0, d_model, 2, dtype=torch.float64) / d_model


@exercise(points=2, level=3, minutes=10)
def sinusoidal_positions(rng: np.random.Generator) -> Iterator[Case]:
    near = 1e-3
    yield case(
        2,
        2,
        expect=tensor([[0.0, 1.0], [0.8415, 0.5403]]),
        tolerance=near,
        note="one pair of columns: sin p and cos p, for p = 0 and 1",
    )
    yield case(1, 6, expect=tensor([[0.0, 1.0, 0.0, 1.0, 0.0, 1.0]]), tolerance=near, note="position 0 alone")
    yield case(
        3,
        4,
        expect=tensor(
            [[0.0, 1.0, 0.0, 1.0], [0.8415, 0.5403, 0.01, 0.99995], [0.9093, -0.4161, 0.02, 0.9998]]
        ),
        tolerance=near,
        note="two pairs: 10000^(2/4) is 100, so the second pair is 100 times slower",
    )
    yield case(6, 8, tolerance=near)
    yield case(300, 16, tolerance=near, note="positions up to 299")
    yield case(7, 10, tolerance=near, note="d_model is not a power of 2")
    length, pairs = int(rng.integers(8, 40)), int(rng.integers(3, 30))
    yield case(length, 2 * pairs, tolerance=near)


@sinusoidal_positions.misconception(
    "Your sines stand in the left half and your cosines in the right one.",
    "Asked for are pairs, sine and cosine side by side: which columns are the even ones?",
)
def halves(context_length: int, d_model: int) -> Any:
    angle = _waves(context_length, d_model, _exponents(d_model))
    return torch.cat([angle.sin(), angle.cos()], dim=1)


@sinusoidal_positions.misconception(
    "Your exponent grows twice as fast as it should: it takes 2 times the column where the column, 2i, is meant.",
    "For d_model = 4, column 2 has i = 1: what is 2i / d_model there?",
)
def exponent_doubled(context_length: int, d_model: int) -> Any:
    angle = _waves(context_length, d_model, 2 * _exponents(d_model))
    return _interleaved(angle.sin(), angle.cos())


@sinusoidal_positions.misconception(
    "Your exponent grows half as fast as it should: it takes the number of the pair, i, where 2i is meant.",
    "For d_model = 4, the second pair has i = 1: by how much should it be slower than the first?",
)
def exponent_halved(context_length: int, d_model: int) -> Any:
    angle = _waves(context_length, d_model, _exponents(d_model) / 2)
    return _interleaved(angle.sin(), angle.cos())


@sinusoidal_positions.misconception(
    "Sine and cosine of one pair do not turn at the same speed: your cosine takes its own column into the exponent.",
    "Columns 2 and 3 belong to the same i: which exponent should both have?",
)
def cosine_with_its_own_speed(context_length: int, d_model: int) -> Any:
    sine = _waves(context_length, d_model, _exponents(d_model))
    cosine = _waves(context_length, d_model, _exponents(d_model) + 1 / d_model)
    return _interleaved(sine.sin(), cosine.cos())


@sinusoidal_positions.misconception(
    "Your positions count from 1.",
    "What are the sine and the cosine of 0, and in which row should they stand?",
)
def from_position_one(context_length: int, d_model: int) -> Any:
    angle = _waves(context_length, d_model, _exponents(d_model), start=1)
    return _interleaved(angle.sin(), angle.cos())


@sinusoidal_positions.misconception(
    "You exchanged sine and cosine.",
    "Row 0 tells them apart: which of its columns should be 0?",
)
def cosine_first(context_length: int, d_model: int) -> Any:
    angle = _waves(context_length, d_model, _exponents(d_model))
    return _interleaved(angle.cos(), angle.sin())


@sinusoidal_positions.misconception(
    "Your later pairs turn faster, not slower: the position is multiplied by the power of 10000.",
    "Should the position be multiplied by 10000^(2i / d_model), or divided by it?",
)
def faster_and_faster(context_length: int, d_model: int) -> Any:
    angle = _waves(context_length, d_model, -_exponents(d_model))
    return _interleaved(angle.sin(), angle.cos())


@sinusoidal_positions.misconception(
    "Your table lies on its side: it has one column for each position.",
    "Which of the two arguments is the number of rows?",
)
def positions_as_columns(context_length: int, d_model: int) -> Any:
    angle = _waves(context_length, d_model, _exponents(d_model))
    return _interleaved(angle.sin(), angle.cos()).T


@exercise(points=2, level=2, minutes=8)
def embed_with_positions(rng: np.random.Generator) -> Iterator[Case]:
    W_E, W_P = tensor([[1.0, 2.0], [3.0, 4.0]]), tensor([[10.0, 0.0], [20.0, 0.0], [30.0, 0.5]])
    yield case(tensor([1, 1]), W_E, W_P, expect=tensor([[13.0, 4.0], [23.0, 4.0]]))
    yield case(tensor([0]), W_E, W_P, expect=tensor([[11.0, 2.0]]), note="one token: a matrix with one row")
    yield case(
        tensor([1, 0, 0]),
        W_E,
        W_P,
        expect=tensor([[13.0, 4.0], [21.0, 2.0], [31.0, 2.5]]),
        note="as many tokens as there are positions",
    )
    yield rejects(tensor([1, 0, 0, 1]), W_E, W_P, note="4 tokens, and W_P has 3 positions")
    yield case(
        tensor([[0], [1]]),
        W_E,
        W_P[:2],
        expect=tensor([[[11.0, 2.0]], [[13.0, 4.0]]]),
        note="a batch of two texts of one token: both begin at position 0",
    )
    yield case(_ids(rng, 5, 4, 2), floats(rng, 5, 6), floats(rng, 7, 6), note="4 texts of 2 tokens")
    yield rejects(
        _ids(rng, 5, 2, 4),
        floats(rng, 5, 3),
        floats(rng, 3, 3),
        note="two texts of 4 tokens, and 3 positions",
    )
    yield case(_ids(rng, 4, 2, 3, 5), floats(rng, 4, 6), floats(rng, 7, 6), note="ids with three axes")
    yield case(
        _ids(rng, 6, 3, 3).T,
        floats(rng, 4, 6).double().T,
        floats(rng, 4, 3).double().T,
        note="transposed tensors, float64",
    )


def _checked(ids: Any, W_P: Any) -> int:
    if ids.shape[-1] > len(W_P):
        raise ValueError
    return int(ids.shape[-1])


@embed_with_positions.misconception(
    "You set the position's vector beside the token's vector; each row is now twice as long.",
    "How many numbers has the sum of two vectors of d_model numbers?",
)
def side_by_side(ids: Any, W_E: Any, W_P: Any) -> Any:
    n = _checked(ids, W_P)
    return torch.cat([W_E[ids], W_P[:n].expand(*ids.shape, W_P.shape[1])], dim=-1)


@embed_with_positions.misconception(
    "You took the last rows of W_P: your text ends at the last position, where it should begin at the first.",
    "Which position has the first token of a text?",
)
def positions_from_the_end(ids: Any, W_E: Any, W_P: Any) -> Any:
    return W_E[ids] + W_P[-_checked(ids, W_P) :]


@embed_with_positions.misconception(
    "You chose the rows of W_P by the token's id, not by its place.",
    "The same token twice in a text: should it get the same position vector twice?",
)
def positions_by_id(ids: Any, W_E: Any, W_P: Any) -> Any:
    _checked(ids, W_P)
    return W_E[ids] + W_P[ids % len(W_P)]


@embed_with_positions.misconception(
    "You gave each text of the batch one position, the same for all its tokens.",
    "The axis of the positions is the last one of `ids`: along which axis of your sum do the rows of W_P run?",
)
def position_of_the_text(ids: Any, W_E: Any, W_P: Any) -> Any:
    if ids.ndim == 1:
        return W_E[ids] + W_P[: _checked(ids, W_P)]
    _checked(ids, W_P)
    places = torch.arange(ids.shape[-2]) % len(W_P)
    return W_E[ids] + W_P[places][:, None]


@embed_with_positions.misconception(
    "A text with too many tokens was cut, and nobody was told.",
    "Where do you compare the number of tokens with the number of rows of W_P?",
)
def cut_in_silence(ids: Any, W_E: Any, W_P: Any) -> Any:
    ids = ids[..., : len(W_P)]
    return W_E[ids] + W_P[: ids.shape[-1]]


@embed_with_positions.misconception(
    "The tokens beyond the last position got the last position's vector again.",
    "W_P has no row for them: what should your function do?",
)
def last_position_again(ids: Any, W_E: Any, W_P: Any) -> Any:
    return W_E[ids] + W_P[torch.arange(ids.shape[-1]).clamp(max=len(W_P) - 1)]


@embed_with_positions.misconception(
    "These are the tokens' vectors alone.",
    "If the two tokens of a text change places, what in your answer tells where they stand?",
)
def no_positions(ids: Any, W_E: Any, W_P: Any) -> Any:
    _checked(ids, W_P)
    return W_E[ids]


@embed_with_positions.misconception(
    "Your positions count from 1: the first row of W_P is never used.",
    "Which row of W_P belongs to the first token?",
)
def positions_from_one(ids: Any, W_E: Any, W_P: Any) -> Any:
    return W_E[ids] + W_P[(torch.arange(_checked(ids, W_P)) + 1) % len(W_P)]


@embed_with_positions.misconception(
    "You multiplied the two vectors.",
    "What does a position vector of zeros do to the token in a product, and what should it do?",
)
def multiplied(ids: Any, W_E: Any, W_P: Any) -> Any:
    return W_E[ids] * W_P[: _checked(ids, W_P)]
