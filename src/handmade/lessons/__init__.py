"""Text → notebooks. An author writes `solutions/01_matmul/01_matmul.md`; `make build` makes the notebooks.

The text is a MyST Markdown notebook: Markdown, `+++` between two Markdown cells, and code cells between
"```{code-cell} ipython3" and "```". Three directives, in colon fences, stand for more than they show:

    ::::{exercise} dot               the function or class of this name in handmade.reference.<lesson>,
    What is to be written.           checked by handmade.checks.<lesson>, which also knows its points

    :::{hint}                        three hints: a question, the idea, the first step (never a line of the answer)
    What do you add up?
    :::
    ::::

    ::::{question} why_linear        a written question, graded by a person
    :points: 3
    What is asked.

    :::{rubric}                      for the grader, and for learners once they have answered; not in the release
    - 1 point: …
    :::
    ::::

    :::{predict} how_many            a guess to be made before the next cell runs: check.reveal("how_many", outcome)
    What do you expect?
    :::

The build adds the set-up cell after the first Markdown cell. A mistake in the text is reported with file and line.
"""
