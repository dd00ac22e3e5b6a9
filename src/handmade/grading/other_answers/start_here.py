"""Right answers to lesson 00 in another idiom: plain Python, from the end."""

from typing import Any


def pick_next(probabilities: Any) -> Any:
    return list(probabilities).index(max(probabilities))


def visible_context(ids: Any, context_length: int) -> Any:
    if context_length < 0:
        raise ValueError("the context cannot be shorter than 0")
    return list(reversed(ids[::-1][:context_length]))


def generate_greedy(next_token_probabilities: Any, ids: Any, n_new: int, context_length: int) -> Any:
    if n_new == 0:
        return ids[:]
    seen = ids if len(ids) <= context_length else ids[-context_length:]
    token = max(enumerate(next_token_probabilities(list(seen))), key=lambda pair: pair[1])[0]
    return generate_greedy(next_token_probabilities, [*ids, token], n_new - 1, context_length)
