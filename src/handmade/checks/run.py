"""Judge a candidate: put an exercise's cases to it one by one, and explain the first that goes wrong."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from typing import Any

from handmade.checks import guard
from handmade.checks.case import Case, fresh, same
from handmade.checks.compare import Unfit, describe, difference, is_bool
from handmade.checks.exercise import PUBLIC_SEED, Exercise, Misconception
from handmade.checks.guard import Outcome


@dataclass(frozen=True)
class Fault:
    """The first case that went wrong, and what is known about it.

    `sentence` says how the answer differs; `expected` and `got` are the values as judged, absent (None) where
    there is nothing to compare. `not_called`: the candidate was no function at all.
    """

    case: Case
    outcome: Outcome
    sentence: str
    expected: Any = None
    got: Any = None
    compares: bool = False
    not_called: bool = False
    misconception: Misconception | None = None


@dataclass(frozen=True)
class Verdict:
    """What a check found: all cases right, or the first fault and how many cases came before it."""

    exercise: Exercise
    n_cases: int
    n_right: int
    hidden: bool
    printed: str = ""
    fault: Fault | None = None

    @property
    def passed(self) -> bool:
        """Whether every case is right."""
        return self.fault is None

    @property
    def state(self) -> str:
        """One word for the record: passed, wrong, not written, interrupted, time, exit or raised."""
        return "passed" if self.fault is None else self.fault.outcome.stopped or "wrong"


def judge(exercise: Exercise, candidate: Any, seed: int = PUBLIC_SEED, hidden: bool = False) -> Verdict:
    """Return the verdict on a candidate, by the cases that the seed gives. Whatever the candidate does, this returns."""
    cases = exercise.cases(seed)
    if not callable(candidate):
        wanted = "the class" if inspect.isclass(exercise.reference) else "the function"
        sentence = f"Expected {wanted} {exercise.name} itself, got {describe(candidate)}."
        return Verdict(
            exercise,
            len(cases),
            0,
            hidden,
            fault=Fault(cases[0], Outcome(value=candidate), sentence, not_called=True),
        )
    left = exercise.seconds
    printed = ""
    for i, case in enumerate(cases):
        outcome, changed = _ask(case, candidate, left)
        left -= outcome.seconds
        printed = printed or outcome.printed
        fault = _fault(exercise, case, outcome, changed)
        if fault is not None:
            if outcome.stopped in ("", "raised"):
                fault = _diagnosed(exercise, cases, i, candidate, fault)
            return Verdict(exercise, len(cases), i, hidden, printed, fault)
    return Verdict(exercise, len(cases), len(cases), hidden, printed)


def _ask(case: Case, candidate: Any, seconds: float) -> tuple[Outcome, int | None]:
    """Return the outcome of one case, and the index of the first argument that the candidate changed."""
    given = fresh(case.args)
    outcome = guard.call(lambda: fresh_answer(case.ask(candidate, *given)), seconds)
    changed = next((i for i, (b, a) in enumerate(zip(case.args, given, strict=True)) if not same(b, a)), None)
    return outcome, changed


def fresh_answer(answer: Any) -> Any:
    """Return the answer by value, so that nothing the candidate does later changes it."""
    return fresh(answer) if isinstance(answer, list | tuple | dict) else answer


def _fault(exercise: Exercise, case: Case, outcome: Outcome, changed: int | None) -> Fault | None:
    if outcome.stopped == "raised" and case.rejected is not None and isinstance(outcome.error, case.rejected):
        return None
    if isinstance(
        outcome.error, Unfit
    ):  # a case that calls the candidate several times found it unfit on the way
        return Fault(case, outcome, str(outcome.error))
    if outcome.stopped:
        return Fault(case, outcome, _stopped_sentence(exercise, case, outcome))
    if case.rejected is not None:
        sentence = f"Expected {_named(case.rejected)}, got {describe(outcome.value)}."
        return Fault(case, outcome, sentence, got=outcome.value)
    right = case.right_answer(exercise.reference)
    try:
        answer = case.view(outcome.value) if outcome.value is not None else None
    except Unfit as unfit:
        return Fault(case, outcome, str(unfit), got=outcome.value)
    except Exception:
        return Fault(
            case, outcome, f"Your answer, {describe(outcome.value)}, has not the form that was asked for."
        )
    sentence_or_none = difference(right, answer, case.tolerance)
    if sentence_or_none is not None:
        return Fault(case, outcome, sentence_or_none, right, answer, compares=answer is not None)
    if changed is not None:
        names = list(inspect.signature(exercise.reference).parameters)
        name = names[changed] if changed < len(names) else f"number {changed + 1}"
        sentence = (
            f"The answer is right, but your function changed its argument {name}. Work on a copy instead."
        )
        return Fault(case, outcome, sentence)
    return None


def _named(error: type[Exception]) -> str:
    """Return an error's name with its article: a ValueError, an AttributeError."""
    return f"{'an' if error.__name__[0] in 'AEIOU' else 'a'} {error.__name__}"


def _stopped_sentence(exercise: Exercise, case: Case, outcome: Outcome) -> str:
    if outcome.stopped == "time":
        return (
            f"No answer within {exercise.seconds:g} seconds, so the check stopped it. Does a loop never end?"
        )
    if outcome.stopped == "exit":
        return "Your code left Python (exit or quit) instead of returning an answer."
    if outcome.stopped == "interrupted":
        return "Interrupted before there was an answer."
    if outcome.stopped == "not written":
        return "not written yet"
    error = outcome.error
    said = " ".join(str(error).split())
    text = f"{type(error).__name__}: {said[:300]}" if said else type(error).__name__
    if case.rejected is not None:
        return f"Expected {_named(case.rejected)}, got {text}"
    return f"Your {'class' if inspect.isclass(exercise.reference) else 'function'} raised {text}"


def _diagnosed(exercise: Exercise, cases: list[Case], first: int, candidate: Any, fault: Fault) -> Fault:
    """Return the fault with the misconception that answers as the candidate does, if there is one.

    It must answer the failed case as the candidate does, and over all cases agree with the candidate's wrong
    answers more often than it disagrees: one agreement can be chance. Of True and False every second agreement
    is chance, so there it must agree on all.
    """
    answers: dict[int, Outcome] = {first: fault.outcome}
    left = exercise.seconds
    for i in range(first + 1, len(cases)):
        answers[i], _ = _ask(cases[i], candidate, min(max(left, 0.05), 1.0))
        left -= answers[i].seconds
    wrong = {i for i, outcome in answers.items() if _fault(exercise, cases[i], outcome, None) is not None}
    best, best_score = None, 0
    for misconception in exercise.misconceptions:
        theirs = {first: _ask(cases[first], misconception.implementation, exercise.seconds)[0]}
        if not _same_outcome(cases[first], fault.outcome, theirs[first]):
            continue
        agree, disagree = 1, 0
        for i in range(len(cases)):
            if i == first:
                continue
            theirs[i], _ = _ask(cases[i], misconception.implementation, exercise.seconds)
            if i < first:  # the candidate is right there
                disagree += _fault(exercise, cases[i], theirs[i], None) is not None
            elif _same_outcome(cases[i], answers[i], theirs[i]):
                agree += i in wrong
            else:
                disagree += 1
        if is_bool(fault.expected) and disagree:
            continue
        if agree - disagree > best_score:
            best, best_score = misconception, agree - disagree
    return replace(fault, misconception=best)


def _same_outcome(case: Case, one: Outcome, other: Outcome) -> bool:
    """Return whether two outcomes say the same: as judged, or unfit for the same reason, or the same error."""
    if one.stopped or other.stopped:
        if isinstance(one.error, Unfit) and isinstance(other.error, Unfit):
            return str(one.error) == str(other.error)
        return one.stopped == other.stopped and type(one.error) is type(other.error)
    if case.rejected is not None:  # what came instead of the error is judged by nobody
        return describe(one.value) == describe(other.value)
    seen = [_seen(case, outcome.value) for outcome in (one, other)]
    if any(isinstance(value, str) for value in seen):
        return bool(seen[0] == seen[1]) if all(isinstance(value, str) for value in seen) else False
    return difference(seen[1], seen[0], case.tolerance) is None


def _seen(case: Case, value: Any) -> Any:
    try:
        return case.view(value)
    except Exception as error:
        return str(error)
