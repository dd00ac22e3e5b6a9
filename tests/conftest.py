"""Shared by all tests: where the repository is, and `tests/` on the path for data that several tests use."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
os.environ["OMP_NUM_THREADS"] = "1"  # the tests share two cores; set before torch is imported


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return Path(__file__).parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --update-messages, for tests/checks/test_messages.py."""
    parser.addoption("--update-messages", action="store_true", help="write the checks' messages anew")
