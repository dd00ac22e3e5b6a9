"""Lesson 01: two ways to see a matrix multiplication, and what "linear" means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from handmade.checks.case import Case, case, literal, rejects
from handmade.checks.compare import Unfit, describe, is_array, to_numpy
from handmade.checks.draw import decimals
from handmade.checks.exercise import exercise

array = np.array


@exercise(points=1, level=1, minutes=5, by_hand=("dot", "vdot", "inner", "vecdot", "matmul", "einsum", "@"))
def dot(rng: np.random.Generator) -> Iterator[Case]:
    yield case(array([1, 2, 3]), array([4, 5, 6]), expect=32)
    yield case(array([2.0, -1.0]), array([0.5, 3.0]), expect=-2)
    yield case(array([2.0, 3.0]), array([-3.0, 2.0]), expect=0, note="two vectors at right angles")
    yield case(array([-4.0]), array([2.5]), expect=-10, note="vectors with one entry")
    yield rejects(array([1.0, 2.0, 3.0]), array([1.0, 2.0]), note="different lengths must be refused")
    yield rejects(
        array([1.0, 2.0]), array([3.0]), note="numpy would stretch a vector with one entry; refuse it too"
    )
    yield case(
        decimals(rng, 4).astype(np.float32), decimals(rng, 4).astype(np.float32), note="float32 numbers"
    )
    yield case(decimals(rng, 6)[::2], decimals(rng, 6)[1::2], note="every second entry of a longer array")
    yield case(decimals(rng, 7), decimals(rng, 7))


@dot.misconception(
    "You multiplied matching entries, and left the products apart.",
    "How many numbers should come out of one dot product?",
)
def products_not_added(a: Any, b: Any) -> Any:
    return a * b


@dot.misconception(
    "You took the mean of the products: their sum, divided by how many there are.",
    "If both vectors were twice as long, with the same numbers twice, should the answer double or stay?",
)
def mean_instead_of_sum(a: Any, b: Any) -> Any:
    if len(a) != len(b):
        raise ValueError
    return float(np.mean(a * b))


@dot.misconception(
    "You added up each vector first, and multiplied the two sums.",
    "Which entry of b should the first entry of a meet, and should it meet any other?",
)
def product_of_sums(a: Any, b: Any) -> Any:
    if len(a) != len(b):
        raise ValueError
    return float(np.sum(a) * np.sum(b))


@dot.misconception(
    "You added matching entries where they should be multiplied.",
    "What should an entry of 0 do to the entry that it meets?",
)
def sum_of_sums(a: Any, b: Any) -> Any:
    if len(a) != len(b):
        raise ValueError
    return float(np.sum(a + b))


@dot.misconception(
    "The longer vector was cut to the length of the shorter one, and its last entries vanished without a word (`zip` does this).",
    "Where do you compare the two lengths, before anything is multiplied?",
)
def longer_one_cut(a: Any, b: Any) -> Any:
    return float(sum(x * y for x, y in zip(a, b, strict=False)))


@dot.misconception(
    "A vector with one entry was stretched to the length of the other (numpy calls this broadcasting).",
    "Which of your lines would notice that the lengths are 2 and 1?",
)
def shorter_one_stretched(a: Any, b: Any) -> Any:
    return float(np.sum(a * b))


@exercise(points=1, level=2, minutes=8, by_hand=("cosine_similarity", "CosineSimilarity", "cosine"))
def cosine_similarity(rng: np.random.Generator) -> Iterator[Case]:
    yield case(array([3.0, 4.0]), array([6.0, 8.0]), expect=1, note="the same direction, different lengths")
    yield case(array([2.0, 0.0]), array([-5.0, 0.0]), expect=-1, note="opposite directions")
    yield case(array([1, 0]), array([3, 4]), expect=0.6)
    yield case(array([0.0, 7.0]), array([2.0, 0.0]), expect=0, note="right angles")
    yield case(array([0.0, 0.0]), array([1.0, 2.0]), expect=0, note="the first vector is zero")
    yield case(array([1.0, 2.0]), array([0.0, 0.0]), expect=0, note="the second vector is zero")
    yield case(array([0.003, 0.004]), array([0.0, 0.01]), expect=0.8, note="short vectors")
    yield case(decimals(rng, 4), decimals(rng, 4))
    yield case(decimals(rng, 3) * 1000, decimals(rng, 3), note="one vector is much longer than the other")


@cosine_similarity.misconception(
    "This is the plain dot product: it grows when a vector grows.",
    "What would you divide by, so that only the directions count?",
)
def not_normalised(a: Any, b: Any) -> Any:
    return float(a @ b)


@cosine_similarity.misconception(
    "You divided by the length of a, and not by that of b.",
    "If b were ten times longer, what would your answer do?",
)
def only_first_normalised(a: Any, b: Any) -> Any:
    return float(a @ b / np.linalg.norm(a)) if np.any(a) else 0.0


@cosine_similarity.misconception(
    "You divided by the length of b, and not by that of a.",
    "If a were ten times longer, what would your answer do?",
)
def only_second_normalised(a: Any, b: Any) -> Any:
    return float(a @ b / np.linalg.norm(b)) if np.any(b) else 0.0


@cosine_similarity.misconception(
    "You divided by the squared lengths: `dot(a, a)` is the square of the length of a.",
    "What is the length of the vector (3, 4), and what is `dot` of it with itself?",
)
def squared_lengths(a: Any, b: Any) -> Any:
    below = (a @ a) * (b @ b)
    return float(a @ b / below) if below else 0.0


@cosine_similarity.misconception(
    "Where a vector is zero you divide 0 by 0, and that is nan.",
    "What should come out there, and where in your code do you know that a length is 0?",
)
def nan_on_zero(a: Any, b: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.float64(a @ b) / (np.linalg.norm(a) * np.linalg.norm(b))


@cosine_similarity.misconception(
    "You returned the angle itself (in radians), not its cosine.",
    "For two vectors that point the same way, should the answer be 0 or 1?",
)
def angle_instead(a: Any, b: Any) -> Any:
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    return float(np.arccos(np.clip(a @ b / lengths, -1, 1))) if lengths else 0.0


@cosine_similarity.misconception(
    "Your answer has lost its sign: opposite directions look like the same one.",
    "What should come out for a vector and its negative?",
)
def sign_lost(a: Any, b: Any) -> Any:
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    return float(abs(a @ b) / lengths) if lengths else 0.0


@cosine_similarity.misconception(
    "You added something small to the length, so as never to divide by zero; short vectors then come out wrong.",
    "Could you treat the case of a zero length on its own instead?",
)
def epsilon_added(a: Any, b: Any) -> Any:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-8))


@exercise(points=1, level=1, minutes=8, by_hand=("matmul", "matvec", "einsum"))
def matvec_by_rows(rng: np.random.Generator) -> Iterator[Case]:
    yield case(array([[1, 2], [3, 4]]), array([10, 1]), expect=array([12, 34]))
    yield case(
        array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
        array([10.0, 1.0]),
        expect=array([12.0, 34.0, 56.0]),
        note="3 rows, 2 columns",
    )
    yield case(array([[2.0, 0.0, -1.0]]), array([3.0, 5.0, 4.0]), expect=array([2.0]), note="one row")
    yield case(array([[2.0], [3.0]]), array([-1.0]), expect=array([-2.0, -3.0]), note="one column")
    yield case(
        decimals(rng, 3, 4).astype(np.float32), decimals(rng, 4).astype(np.float32), note="float32 numbers"
    )
    yield case(decimals(rng, 2, 5).T, decimals(rng, 2), note="a matrix that is the transpose of another")
    yield case(decimals(rng, 4, 3), decimals(rng, 3))


@matvec_by_rows.misconception(
    "You took the dot products with the columns of A.",
    "Entry 0 of the answer belongs to row 0 of A: which numbers of A should it use?",
)
def columns_instead_of_rows(A: Any, x: Any) -> Any:
    return A.T @ x


@matvec_by_rows.misconception(
    "You multiplied every row of A by x, entry by entry, and left the products apart (this is what `A * x` does).",
    "After multiplying row i with x, what is still missing to make one number of them?",
)
def products_left_apart(A: Any, x: Any) -> Any:
    return A * x


@matvec_by_rows.misconception(
    "You added the products down the columns, not along the rows.",
    "Which axis of A runs along one row: 0 or 1?",
)
def summed_down_columns(A: Any, x: Any) -> Any:
    return (A * x).sum(axis=0)


@matvec_by_rows.misconception(
    "The numbers are right, but they stand in a matrix with one column.",
    "The answer is a vector of shape (m,): how many axes does yours have?",
)
def column_matrix(A: Any, x: Any) -> Any:
    return A @ x[:, None]


@matvec_by_rows.misconception(
    "You added all the products of all the rows into one number.",
    "How many rows has A, and how many numbers should come out?",
)
def all_rows_in_one(A: Any, x: Any) -> Any:
    return float((A * x).sum())


@exercise(points=2, level=2, minutes=8)
def column_pieces(rng: np.random.Generator) -> Iterator[Case]:
    yield case(array([[1, 2], [3, 4]]), array([10, 1]), expect=array([[10, 30], [2, 4]]))
    yield case(
        array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
        array([10.0, -1.0]),
        expect=array([[10.0, 30.0, 50.0], [-2.0, -4.0, -6.0]]),
        note="3 rows, 2 columns: 2 pieces",
    )
    yield case(
        array([[1.0, 2.0, 3.0]]),
        array([2.0, 0.0, 1.0]),
        expect=array([[2.0], [0.0], [3.0]]),
        note="one row, and one entry of x is 0",
    )
    yield case(array([[2.0], [3.0]]), array([4.0]), expect=array([[8.0, 12.0]]), note="one column: one piece")
    yield case(decimals(rng, 5, 2).T, decimals(rng, 5), note="a matrix that is the transpose of another")
    yield case(decimals(rng, 4, 3), decimals(rng, 3))


@column_pieces.misconception(
    "You scaled the rows of A.",
    "Piece j is made of one column: where in A do you find column 0?",
)
def rows_scaled(A: Any, x: Any) -> Any:
    return x[:, None] * A


@column_pieces.misconception(
    "You already added the pieces up: this is `A @ x` itself.",
    "How can you give the pieces back one below the other, before they are added?",
)
def pieces_added(A: Any, x: Any) -> Any:
    return A @ x


@column_pieces.misconception(
    "Your pieces are right, and stand side by side as columns; asked for is one piece a row.",
    "Which index should come first, the piece's or the entry's?",
)
def pieces_as_columns(A: Any, x: Any) -> Any:
    return A * x


@column_pieces.misconception(
    "These are the columns of A as they are; x did not scale them.",
    "What does the number x[j] do to column j?",
)
def columns_not_scaled(A: Any, x: Any) -> Any:
    return np.array(A.T)


@exercise(points=2, level=3, minutes=10)
def outer_pieces(rng: np.random.Generator) -> Iterator[Case]:
    yield case(
        array([[1, 2], [3, 4]]),
        array([[5, 6], [7, 8]]),
        expect=array([[[5, 6], [15, 18]], [[14, 16], [28, 32]]]),
    )
    yield case(
        array([[1.0], [2.0]]),
        array([[3.0, 0.0, -1.0]]),
        expect=array([[[3.0, 0.0, -1.0], [6.0, 0.0, -2.0]]]),
        note="one column times one row: one piece",
    )
    yield case(
        array([[2.0, -1.0, 3.0]]),
        array([[1.0], [4.0], [5.0]]),
        expect=array([[[2.0]], [[-4.0]], [[15.0]]]),
        note="one row times one column: three pieces of one number",
    )
    yield case(decimals(rng, 2, 3), decimals(rng, 3, 4), note="shapes (2, 3) and (3, 4)")
    yield case(decimals(rng, 3, 4).T, decimals(rng, 2, 3).T, note="two transposed matrices")


@outer_pieces.misconception(
    "You already added the pieces up: this is `A @ B` itself.",
    "How can you keep the k matrices apart, along a new first axis?",
)
def outer_pieces_added(A: Any, B: Any) -> Any:
    return A @ B


@outer_pieces.misconception(
    "Each of your pieces is transposed: row of B times column of A.",
    "Entry [r, c] of `A @ B` belongs to row r of A: which of your axes runs over the rows of A?",
)
def each_transposed(A: Any, B: Any) -> Any:
    return np.array([np.outer(B[i], A[:, i]) for i in range(len(B))])


@outer_pieces.misconception(
    "The pieces are right, but the axis that counts them stands last.",
    "In the shape (k, m, n), which axis should you be able to sum over to get `A @ B`?",
)
def counted_last(A: Any, B: Any) -> Any:
    return np.einsum("mk,kn->mnk", A, B)


@outer_pieces.misconception(
    "You paired rows of A with rows of B.",
    "For `A @ B` the columns of A meet the rows of B: how do you take column i of A?",
)
def rows_with_rows(A: Any, B: Any) -> Any:
    return np.array([np.outer(A[i], B[i]) for i in range(min(len(A), len(B)))])


@outer_pieces.misconception(
    "You multiplied the two matrices entry by entry.",
    "How large is the outer product of a column with 2 entries and a row with 3?",
)
def entry_by_entry(A: Any, B: Any) -> Any:
    return A * B


def _softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max())
    return e / e.sum()


_TURN = array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])


def _function(
    name: str,
    f: Callable[[np.ndarray], np.ndarray],
    d_in: int,
    rng: np.random.Generator,
    linear: bool,
    note: str,
    n_trials: int = 5,
) -> Case:
    """Return the case "is f linear?", with f shown by its Python text.

    Two tries are enough for a linear function of round numbers, and five for most others; |x| and ReLU keep both rules
    where no sign changes, and need twenty. When grading, each try is five calls back from another process.
    """
    seed = int(rng.integers(1000))
    text = f"is_linear({name}, {d_in}, np.random.default_rng({seed}), {n_trials})"
    return case(f, d_in, np.random.default_rng(seed), n_trials, expect=linear, text=text, note=note)


@exercise(points=2, level=3, minutes=15)
def is_linear(rng: np.random.Generator) -> Iterator[Case]:
    yield _function("lambda x: 3 * x", lambda x: 3 * x, 2, rng, True, "three times as long", 2)
    yield _function("lambda x: x + 1", lambda x: x + 1, 3, rng, False, "a shift: affine, not linear")
    yield _function("lambda x: np.abs(x)", np.abs, 2, rng, False, "sizes without signs", 20)
    yield _function("lambda x: np.maximum(x, 0)", lambda x: np.maximum(x, 0), 3, rng, False, "ReLU", 20)
    yield _function(
        "rotate  # by 0.3 radians",
        lambda x: _TURN @ x,
        2,
        rng,
        True,
        "a rotation, whose numbers are not round",
    )
    yield _function("softmax", _softmax, 4, rng, False, "softmax")
    yield _function(
        "lambda x: x * np.abs(x)", lambda x: x * np.abs(x), 2, rng, False, "x·|x|, which keeps the sign"
    )
    yield _function(
        "lambda x: np.array([x.sum()])", lambda x: array([x.sum()]), 3, rng, True, "the sum of the entries", 2
    )
    yield _function("lambda x: 0 * x", lambda x: 0 * x, 2, rng, True, "everything to zero", 2)
    yield _function(
        "lambda x: x[0] ** 3 / (x @ x) * np.ones(2)",
        lambda x: x[0] ** 3 / (x @ x + 1e-300) * np.ones(2),
        2,
        rng,
        False,
        "a function that scales well and does not add up",
    )
    yield _function("lambda x: np.ones(2)", lambda x: np.ones(2), 2, rng, False, "a constant")
    W = decimals(rng, 4, 3)
    yield _function(f"lambda x: x @ {literal(W)}", lambda x: x @ W, 4, rng, True, "a matrix")
    b = decimals(rng, 3)
    yield _function(
        f"lambda x: x @ {literal(W)} + {literal(b)}",
        lambda x: x @ W + b,
        4,
        rng,
        False,
        "a matrix and a shift",
    )


@is_linear.misconception(
    "Your test stretches x by positive numbers only. ReLU and |x| pass such a test.",
    "What happens to |x| when you multiply x by -1?",
)
def only_positive_factors(f: Any, d_in: int, rng: np.random.Generator, n_trials: int = 20) -> bool:
    x = rng.normal(size=(n_trials, d_in))
    return all(np.allclose(f(2.5 * row), 2.5 * f(row)) for row in x)


@is_linear.misconception(
    "Your test only finds out whether f(0) = 0: adding y = 0 tells no more than that, and many functions pass.",
    "Which x and y would show that |x| does not add up?",
)
def adds_zero_only(f: Any, d_in: int, rng: np.random.Generator, n_trials: int = 20) -> bool:
    x = rng.normal(size=(n_trials, d_in))
    return all(np.allclose(f(row + 0), f(row) + f(np.zeros(d_in))) for row in x)


@is_linear.misconception(
    "You compare floats exactly. The two sides of the rule are computed in a different order, and round differently.",
    "Which numpy function compares two arrays with a tolerance?",
)
def compares_exactly(f: Any, d_in: int, rng: np.random.Generator, n_trials: int = 20) -> bool:
    for _ in range(n_trials):
        x, y, c = rng.normal(size=d_in), rng.normal(size=d_in), rng.normal()
        if not (np.array_equal(f(x + y), f(x) + f(y)) and np.array_equal(f(c * x), c * f(x))):
            return False
    return True


@is_linear.misconception(
    "Your test only scales. There are functions that scale as they should, by negative numbers too, and do not add up.",
    "What is the second rule, the one with f(x + y)?",
)
def only_scales(f: Any, d_in: int, rng: np.random.Generator, n_trials: int = 20) -> bool:
    x, c = rng.normal(size=(n_trials, d_in)), rng.normal(size=n_trials)
    return all(np.allclose(f(k * row), k * f(row)) for k, row in zip(c, x, strict=True))


@is_linear.misconception(
    "Your test lets a shift through: f(x) = x + 1 passes. Such functions are called affine.",
    "What does a linear function do to the zero vector?",
)
def accepts_affine(f: Any, d_in: int, rng: np.random.Generator, n_trials: int = 20) -> bool:
    zero = f(np.zeros(d_in))
    for _ in range(n_trials):
        x, y = rng.normal(size=d_in), rng.normal(size=d_in)
        if not np.allclose(f(x + y) - zero, (f(x) - zero) + (f(y) - zero)):
            return False
    return True


@exercise(points=2, level=3, minutes=12)
def collapse(rng: np.random.Generator) -> Iterator[Case]:
    first = (array([[1, 2], [3, 4]]), array([1, 0]))
    second = (array([[0, 1], [5, 1]]), array([7, 8]))
    yield case([first], expect=first, note="one layer is its own collapse")
    yield case([first, second], expect=(array([[10, 3], [20, 7]]), array([7, 9])), note="two layers")
    yield case(
        [(array([[2.0]]), array([1.0])), (array([[3.0]]), array([4.0])), (array([[-1.0]]), array([0.5]))],
        expect=(array([[-6.0]]), array([-6.5])),
        note="three layers of one number",
    )
    yield case(_layers(rng, 2, 3, 1), note="layers of different sizes")
    yield case(_layers(rng, 3, 2, 4, 2), note="three layers of different sizes")


def _layers(rng: np.random.Generator, *sizes: int) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(decimals(rng, a, b, largest=3), decimals(rng, b, largest=3)) for a, b in pairwise(sizes)]


def _product(matrices: Any) -> Any:
    total = matrices[0]
    for matrix in matrices[1:]:
        total = total @ matrix
    return total


@collapse.misconception(
    "You multiplied the matrices in the opposite order.",
    "In `(x @ W1) @ W2`, which matrix touches x first, and so stands on the left?",
)
def order_reversed(layers: Any) -> Any:
    W, b = layers[0]
    for W_next, b_next in layers[1:]:
        W, b = W_next @ W, W_next @ b + b_next
    return W, b


@collapse.misconception(
    "You added the biases as they are. The first bias goes through all the later layers before it comes out.",
    "Put x = 0 into the first layer: what reaches the second, and what does W2 do to it?",
)
def biases_added(layers: Any) -> Any:
    return _product([W for W, _ in layers]), sum(b for _, b in layers)


@collapse.misconception(
    "Only the last bias is in your answer.",
    "Put x = 0 into the first layer: is what reaches the second layer 0 too?",
)
def last_bias_only(layers: Any) -> Any:
    return _product([W for W, _ in layers]), layers[-1][1]


@collapse.misconception(
    "The matrix is there, and the bias is missing: asked for is the pair (W, b).",
    "What comes out for x = 0?",
)
def matrix_only(layers: Any) -> Any:
    return _product([W for W, _ in layers])


@collapse.misconception(
    "The bias of your answer is always zero.",
    "What comes out of the stack for x = 0?",
)
def bias_zero(layers: Any) -> Any:
    W = _product([W for W, _ in layers])
    return W, np.zeros(W.shape[1])


@exercise(points=3, level=3, minutes=15)
def low_rank_factors(rng: np.random.Generator) -> Iterator[Case]:
    yield _approximation(array([[3.0, 0.0], [0.0, 1.0]]), 1, expect=array([[3.0, 0.0], [0.0, 0.0]]))
    yield _approximation(
        array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]),
        1,
        expect=array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]),
        note="a matrix that has rank 1 already",
    )
    wide = decimals(rng, 2, 4)
    yield _approximation(wide, 2, expect=wide, note="full rank: nothing is lost")
    yield rejects(
        array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), 3, note="a rank above the smaller side must be refused"
    )
    yield rejects(array([[1.0, 2.0], [3.0, 4.0]]), 0, note="rank 0 must be refused")
    yield rejects(array([[1.0, 2.0], [3.0, 4.0]]), -1, note="a negative rank must be refused")
    yield _approximation(decimals(rng, 5, 3), 2, note="more rows than columns")
    yield _approximation(decimals(rng, 4, 3).T, 1, note="a matrix that is the transpose of another")


def _approximation(W: np.ndarray, rank: int, **more: Any) -> Case:
    """Return the case that judges the product of the two factors: the factors themselves are not unique."""

    def product(answer: Any) -> np.ndarray:
        if (
            not isinstance(answer, list | tuple)
            or len(answer) != 2
            or not all(is_array(part) for part in answer)
        ):
            raise Unfit(f"Expected the pair (down, up) of two arrays, got {describe(answer)}.")
        down, up = (to_numpy(part) for part in answer)
        wanted = (len(W), rank), (rank, W.shape[1])
        if (down.shape, up.shape) != wanted:
            raise Unfit(
                f"Expected down of shape {wanted[0]} and up of shape {wanted[1]}, got {down.shape} and {up.shape}."
            )
        return np.asarray(down @ up)

    text = f"down, up = low_rank_factors({literal(W)}, {rank})\ndown @ up"
    return case(W, rank, view=product, text=text, **more)


def _svd(W: Any, rank: int) -> Any:
    if not 1 <= rank <= min(W.shape):
        raise ValueError
    return np.linalg.svd(W, full_matrices=False)


@low_rank_factors.misconception(
    "The singular values are missing: the directions are right, and how strong each one is was lost.",
    "`np.linalg.svd` returns three things. Where does the middle one go?",
)
def values_forgotten(W: Any, rank: int) -> Any:
    U, _, Vt = _svd(W, rank)
    return U[:, :rank], Vt[:rank]


@low_rank_factors.misconception(
    "The singular values are in both factors, so the product has their squares.",
    "How often should each singular value appear in `down @ up`?",
)
def values_used_twice(W: Any, rank: int) -> Any:
    U, s, Vt = _svd(W, rank)
    return U[:, :rank] * s[:rank], s[:rank, None] * Vt[:rank]


@low_rank_factors.misconception(
    "You kept the smallest singular values, and threw the largest away.",
    "In which order does `np.linalg.svd` return them?",
)
def smallest_kept(W: Any, rank: int) -> Any:
    U, s, Vt = _svd(W, rank)
    return U[:, -rank:] * s[-rank:], Vt[-rank:]


@low_rank_factors.misconception(
    "You cut rows and columns out of W. That keeps some entries exactly and loses all others.",
    "Which matrices of this rank come closest to W as a whole? The singular value decomposition finds them.",
)
def rows_cut_out(W: Any, rank: int) -> Any:
    _svd(W, rank)
    return np.eye(W.shape[0])[:, :rank], W[:rank]


@low_rank_factors.misconception(
    "The two factors are swapped: down comes first and makes vectors shorter, up second.",
    "Which of the two has d_in rows?",
)
def factors_swapped(W: Any, rank: int) -> Any:
    U, s, Vt = _svd(W, rank)
    return Vt[:rank], U[:, :rank] * s[:rank]
