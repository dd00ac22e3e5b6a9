"""Text → notebooks. An author writes `solutions/01_matmul/01_matmul.md`; `make build` makes the notebooks.

The text is Markdown with one heading `# …`, at its top; `+++` ends a Markdown cell; code cells stand between
"```{code-cell} ipython3" and "```", with `:tags: [a-tag]` under that line where needed. Pictures and data beside the
text are handed out with it. Three directives, in colon fences and in the first column, stand for more than they show:

    ::::{exercise} dot               the function or class of this name in handmade.reference.<lesson>,
    What is to be written.           checked by handmade.checks.<lesson>, which also knows its points
    :::{hint}
    What do you add up?              three hints: a question, the idea, the first step (never a line of the answer)
    :::
    ::::

    ::::{question} why_linear        a written question, graded by a person
    :points: 3
    What is asked.
    :::{rubric}
    - 1 point: …                     for the grader, and for learners once they have answered; not in the release
    :::
    ::::

    :::{predict} how_many            a guess to be made before the next cell runs: check.reveal("how_many", outcome)
    What do you expect?
    :::

    :::{given} TrainingConfig        a helper of the reference, without solution markers, as the learner gets it
    :::                              (words inside are optional)
"""
