"""The table in attacks/README.md is true: it has every attack, and some of them are tried on stock nbgrader again."""

import pytest
from grading import stock
from grading.test_attacks import ATTACKS

LINES = stock.read_lines()
TRIED_AGAIN = (  # quick ones, of each kind
    "empty_the_tree", "checks_replaced", "hidden_tests_from_the_caller", "write_the_gradebook", "kill_the_grader",
    "poison_the_next", "test_cell_twice",
)  # fmt: skip


def test_the_table_has_every_attack_in_its_own_words():
    names = [*(path.stem for path in ATTACKS), *stock.NOTEBOOKS]
    assert list(LINES) == names
    assert [line.tries for line in LINES.values()] == [stock.tries(name) for name in names]


def test_here_none_gets_a_point_or_tells_anything():
    assert {line.ours.partition(";")[0] for line in LINES.values()} == {"0 points"}
    assert not any("reaches" in line.ours for line in LINES.values())


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    return stock.Trial(tmp_path_factory.mktemp("stock"))


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.throwaway
@pytest.mark.xdist_group("stock")
@pytest.mark.parametrize("name", TRIED_AGAIN)
def test_in_stock_it_does_what_the_table_says(name, trial):
    assert trial.stock(name) == {name: LINES[name].stock}
    assert "**" in LINES[name].stock
