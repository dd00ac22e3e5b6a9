# mypy: disable-error-code="no-untyped-def"
"""Lesson 05, in Python's short forms."""

from collections import Counter
from itertools import pairwise

import regex


def to_bytes(text):
    return [*bytearray(text, "utf8")]


def pair_counts(ids):
    return Counter(pairwise(ids))


def merge(ids, pair, new_id):
    done = []
    for token in ids:
        if done and (done[-1], token) == pair:
            done[-1] = new_id
        else:
            done.append(token)
    return done


def train_bpe(text, vocab_size):
    if vocab_size < 256:
        raise ValueError("too small")
    ids, merges = to_bytes(text), []
    while 256 + len(merges) < vocab_size:
        best = pair_counts(ids).most_common(1)
        if not best or best[0][1] == 1:
            break
        merges += [best[0][0]]
        ids = merge(ids, merges[-1], 255 + len(merges))
    return merges


def encode(text, merges):
    ids = to_bytes(text)
    for new_id, pair in enumerate(merges, start=256):
        ids = merge(ids, pair, new_id)
    return ids


def decode(ids, merges):
    spelled = {i: bytes((i,)) for i in range(256)}
    for i, (left, right) in enumerate(merges, 256):
        spelled[i] = spelled[left] + spelled[right]
    try:
        return b"".join(map(spelled.__getitem__, ids)).decode(errors="replace")
    except KeyError as error:
        raise ValueError(f"unknown id {error}") from None


def mergeable_ranks(merges):
    ranks = {bytes((i,)): i for i in range(256)}
    tokens = list(ranks)
    for left, right in merges:
        tokens.append(tokens[left] + tokens[right])
        ranks[tokens[-1]] = len(tokens) - 1
    return ranks


def split_words(text):
    fast = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""
    return [match[0] for match in regex.finditer(fast, text)]


def train_bpe_on_words(text, vocab_size):
    if vocab_size < 256:
        raise ValueError("too small")
    words = Counter(tuple(piece.encode()) for piece in split_words(text))
    merges = []
    for new_id in range(256, vocab_size):
        counts = Counter()
        for word, times in words.items():
            for pair in pairwise(word):
                counts[pair] += times
        count, best = max(((n, (-a, -b)) for (a, b), n in counts.items()), default=(0, None))
        if count < 2:
            break
        merges.append((-best[0], -best[1]))
        words = Counter({tuple(merge(word, merges[-1], new_id)): times for word, times in words.items()})
    return merges
