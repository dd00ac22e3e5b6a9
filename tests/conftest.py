"""Shared by all tests: where the repository is, and `tests/` on the path for data that several tests use."""

import os
import sys
from pathlib import Path

import pytest

os.environ["OMP_NUM_THREADS"] = "1"  # the tests share two cores; set before torch is imported
sys.path.insert(0, str(Path(__file__).parent))
from programs import absent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return Path(__file__).parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --update-messages, for tests/checks/test_messages.py."""
    parser.addoption("--update-messages", action="store_true", help="write the checks' messages anew")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests whose program is not on this machine."""
    lacking = [item for item in items if any(item.get_closest_marker(marker) for marker in absent())]
    if lacking:
        config.hook.pytest_deselected(items=lacking)
        items[:] = [item for item in items if item not in lacking]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which tests did not run for want of a program, where they were asked for."""
    asked = config.option.markexpr
    for marker, why in absent().items():
        if marker in asked and f"not {marker}" not in asked:
            terminalreporter.write_line(f"Not run: the tests of {marker} ({why}).")
