"""How arguments are copied for a candidate, and how they are written in a message."""

import numpy as np
import pytest
import torch

from handmade.checks.case import fresh, literal, same
from handmade.checks.draw import floats


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.array([1, 2]), "np.array([1, 2])"),
        (np.array([0.1]), "np.array([0.1])"),
        (np.array([0.1], np.float32), "np.array([0.1], dtype=np.float32)"),
        (torch.tensor([[0.1, -2.0]]), "torch.tensor([[0.1, -2.0]])"),
        (torch.tensor([1.0, -torch.inf]), "torch.tensor([1.0, -torch.inf])"),
        (torch.tensor([0.1]).half(), "torch.tensor([0.1], dtype=torch.float16)"),
        (torch.tensor(True), "torch.tensor(True)"),
        (torch.zeros(9, 9), "<tensor of shape (9, 9)>"),
        ([np.float64(0.5), (3,)], "[0.5, (3,)]"),
    ],
)
def test_arguments_are_written_as_a_learner_would_type_them(value, text):
    assert literal(value) == text


@pytest.mark.parametrize(
    "value",
    [
        floats(np.random.default_rng(0), 4, 6)[::2, ::3],
        floats(np.random.default_rng(0), 4, 6).T,
        floats(np.random.default_rng(0), 2, 3, 4).transpose(0, 2)[1:],
        np.arange(24).reshape(4, 6)[::2, ::3],
    ],
)
def test_a_copy_that_is_no_row_of_numbers_stays_so(value):
    copy = fresh(value)
    assert same(value, copy)
    flat = copy.flags.c_contiguous if isinstance(copy, np.ndarray) else copy.is_contiguous()
    assert not flat
    copy += 1
    assert not same(value, copy)
