"""nbgrader reads this when it is started in this folder. What the settings are, and why: handmade.grading.config."""

from pathlib import Path

from handmade.grading.config import configure

here = Path(__file__).resolve().parent
configure(get_config(), root=here, solutions=here.parent / "solutions")
