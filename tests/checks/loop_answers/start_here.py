"""Right answers to lesson 00 as loops that say each step."""


def pick_next(probabilities):
    best = 0
    for i in range(len(probabilities)):
        if probabilities[i] > probabilities[best]:
            best = i
    return best


def visible_context(ids, context_length):
    if context_length < 0:
        raise ValueError
    seen = []
    for place, token in enumerate(ids):
        if place >= len(ids) - context_length:
            seen.append(token)
    return seen


def generate_greedy(next_token_probabilities, ids, n_new, context_length):
    text = []
    for token in ids:
        text.append(token)
    while len(text) < len(ids) + n_new:
        probabilities = next_token_probabilities(visible_context(text, context_length))
        text.append(pick_next(probabilities))
    return text
