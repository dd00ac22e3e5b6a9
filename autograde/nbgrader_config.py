"""nbgrader reads this file when one of its commands is run in this folder."""

from pathlib import Path

from handmade.grading.config import configure

here = Path(__file__).resolve().parent
configure(get_config(), root=here, solutions=here.parent / "solutions")  # noqa: F821  get_config is nbgrader's
