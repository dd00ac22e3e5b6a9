"""What counts as the same answer, and what is said where it is not."""

import numpy as np
import pytest

from handmade.checks.compare import describe, difference
from handmade.checks.message import _narrowed, show


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (6, 6.0),
        (6.0, np.float32(6)),
        (6, np.array(6)),
        (np.array([1.0, 2.0]), np.array([1, 2])),
        (np.array([1.0, 2.0]), np.array([1.0, 2.0], dtype=np.float32)),
        (1e6, 1e6 + 1),
        (True, np.True_),
        ((1, np.array([2.0])), [1.0, np.array([2.0])]),
        ({"a": 1}, {"a": 1.0, "b": 2}),
        ({(0, 1)}, {(0, 1)}),
        (np.array([np.inf, 1.0]), np.array([np.inf, 1.0])),
        (0.5, 0.5 + 1e-9),
    ],
)
def test_equal_by_value(expected, got):
    assert difference(expected, got) is None


@pytest.mark.parametrize(
    ("expected", "got", "said"),
    [
        (6, np.array([6]), "Expected a number, got an array of shape (1,)."),
        (np.array([6]), 6, "Expected an array of shape (1,), got a number."),
        (np.array([6]), np.array([[6]]), "Expected an array of shape (1,), got an array of shape (1, 1)."),
        (np.array([1, 2]), [1, 2], "got a list of length 2"),
        (6, None, "returned None"),
        (6, "6", "got the text '6'"),
        (6, True, "got the truth value True"),
        (True, 1, "Expected True or False"),
        (6.0, float("nan"), "nan"),
        (6.0, 6j, "complex"),
        (np.array([1, 0]), np.array([True, False]), "Expected numbers, got True and False."),
        (
            np.array([1.0, 2.0, 3.0]),
            np.array([1.0, 2.5, 4.0]),
            "2 of 3 entries differ, first at [1]: 2 expected, 2.5 found.",
        ),
        ([1, 2], [1, 3], "They differ first at [1]."),
        ({"a": 1}, {}, "The key 'a' is missing."),
        ({1, 2}, {1}, "1 missing, for example 2."),
        ("abc", "abd", "position 2"),
    ],
)
def test_different_and_said_so(expected, got, said):
    sentence = difference(expected, got)
    assert sentence is not None
    assert said in sentence


def test_torch_tensors_count_as_arrays():
    torch = pytest.importorskip("torch")
    assert difference(np.array([1.0, 2.0]), torch.tensor([1.0, 2.0], requires_grad=True)) is None
    assert difference(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.1])) is not None


def test_truth_values_are_shown_as_words_so_that_they_do_not_look_like_numbers():
    assert show(np.array([[True, False], [True, True]])).split() == [
        "[[",
        "True",
        "False]",
        "[",
        "True",
        "True]]",
    ]
    assert show(np.array([1, 0])) == "[1 0]"


def test_matrices_of_a_stack_are_shown_in_a_line_each_where_they_fit():
    stack = np.arange(12).reshape(2, 3, 2)
    assert show(stack) == "[[[ 0  1] [ 2  3] [ 4  5]]\n [[ 6  7] [ 8  9] [10 11]]]"
    wide = show(np.arange(32.0).reshape(1, 2, 16) / 7)
    assert len(wide.splitlines()) > 2
    assert "\n\n" not in wide
    assert show(np.arange(4).reshape(2, 2)) == "[[0 1]\n [2 3]]"


def test_of_lists_of_arrays_the_first_entry_that_differs_is_shown():
    expected = [(np.zeros(2), np.array([[1.0, 2.0]])), (np.ones(2), np.ones((1, 2)))]
    got = [[np.zeros(2), np.array([[1.0], [2.0]])], [np.ones(2), np.ones((2, 1))]]
    assert [show(part) for part in _narrowed(expected, got, 1e-5)] == [
        "[0][1]: [[1. 2.]]",
        "[0][1]: [[1.]\n         [2.]]",
    ]
    assert _narrowed(expected, got[:1], 1e-5) == (expected, got[:1])


def test_an_object_that_can_be_called_is_no_function():
    class Layer:
        def __call__(self):
            return 1

    assert describe(Layer()) == "an object of type Layer"
    assert describe(Layer().__call__) == "a function"
    assert describe(len) == "a function"


def test_arrays_in_lists_are_shown_as_numbers_in_one_line():
    assert show([(np.eye(2), np.zeros(1)), "x"]) == "[([[1. 0.] [0. 1.]], [0.]), 'x']"
