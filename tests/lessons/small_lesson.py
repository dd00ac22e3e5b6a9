"""A small lesson without a mistake, for tests that put one in."""

import pytest

from handmade.checks.exercise import Exercise
from handmade.lessons.lesson import LessonError
from handmade.lessons.text import read_lesson

FRONT = """---
kernelspec:
  display_name: Python 3 (ipykernel)
  language: python
  name: python3
---

"""
GOOD = (
    FRONT
    + """# 01 · A lesson

Some words.

::::{exercise} dot
Write it.

:::{hint}
One?
:::
:::{hint}
Two.
:::
:::{hint}
Three.
:::
::::

```{code-cell} ipython3
total = dot(np.ones(2), np.ones(2))
print(total)
```

:::{predict} how_many
Guess.
:::

```{code-cell} ipython3
check.reveal("how_many", 3)
```

## In your own words

::::{question} why
:points: 2
Why?

:::{rubric}
- 2 points: because.
:::
::::
"""
)


def exercises(*names: str, points: int = 1) -> dict[str, Exercise]:
    return {n: Exercise(n, "matmul", points, 1, 5, False, 5.0, (), lambda rng: iter(())) for n in names}


def mistakes(text, place, known=("dot",), **more):
    root, path = place
    path.write_text(text)
    with pytest.raises(LessonError) as caught:
        read_lesson(path, exercises(*known, **more), root)
    return str(caught.value)


def line_of(text, piece):
    return text[: text.index(piece)].count("\n") + 1
