"""Text in, integers out: byte-pair encoding from the first byte to the table that GPT-2 uses.

A token is an integer. 0 ... 255 are the bytes; merge i, a pair of ids, makes the new id 256 + i.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from itertools import pairwise

import regex


def to_bytes(text: str) -> list[int]:
    """Return the UTF-8 bytes of the text, as integers from 0 to 255.

    >>> to_bytes("Aé")
    [65, 195, 169]
    """
    ### BEGIN SOLUTION
    return list(text.encode("utf-8"))
    ### END SOLUTION


def pair_counts(ids: list[int]) -> dict[tuple[int, int], int]:
    """Return how often each pair of neighbours occurs, in the order in which the pairs first appear.

    Pairs may overlap: 5, 5, 5 holds the pair (5, 5) twice.

    >>> pair_counts([1, 2, 1, 2, 3])
    {(1, 2): 2, (2, 1): 1, (2, 3): 1}
    """
    ### BEGIN SOLUTION
    counts: dict[tuple[int, int], int] = {}
    for pair in pairwise(ids):
        counts[pair] = counts.get(pair, 0) + 1
    return counts
    ### END SOLUTION


def merge(ids: list[int], pair: tuple[int, int], new_id: int) -> list[int]:
    """Return a new list in which every occurrence of the pair is replaced by `new_id`.

    From left to right, and no id is used twice: in 5, 5, 5 the pair (5, 5) is replaced once.

    >>> merge([1, 2, 3, 1, 2], (1, 2), 256)
    [256, 3, 256]
    """
    ### BEGIN SOLUTION
    merged = []
    i = 0
    while i < len(ids):
        if i + 1 < len(ids) and (ids[i], ids[i + 1]) == pair:
            merged.append(new_id)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged
    ### END SOLUTION


def train_bpe(text: str, vocab_size: int) -> list[tuple[int, int]]:
    """Return the merges that byte-pair encoding learns from the text, the first one learned first.

    Each step merges the most frequent pair of the whole text; of several, the one that appears first. Merge i
    makes the id 256 + i. Stops at `vocab_size` ids, or earlier where no pair occurs twice. (Gage, 1994;
    Sennrich et al., 2016.) Raises ValueError for a `vocab_size` below 256.

    >>> train_bpe("abababc", 300)
    [(97, 98), (256, 256)]
    """
    ### BEGIN SOLUTION
    if vocab_size < 256:
        raise ValueError(f"expected a vocab_size of at least 256, one id for every byte, got {vocab_size}")
    ids = to_bytes(text)
    merges: list[tuple[int, int]] = []
    for new_id in range(256, vocab_size):
        counts = pair_counts(ids)
        best = max(counts, key=lambda pair: counts[pair], default=None)  # of equal ones, the first
        if best is None or counts[best] < 2:
            break
        merges.append(best)
        ids = merge(ids, best, new_id)
    return merges
    ### END SOLUTION


def encode(text: str, merges: list[tuple[int, int]]) -> list[int]:
    """Return the tokens of the text: its bytes, merged as in training, the merges in the order learned.

    >>> encode("abcab", [(97, 98), (256, 99)])
    [257, 256]
    """
    ### BEGIN SOLUTION
    ids = to_bytes(text)
    rank = {pair: i for i, pair in enumerate(merges)}
    while len(ids) > 1:
        first = min(pairwise(ids), key=lambda pair: rank.get(pair, len(merges)))
        if first not in rank:
            break
        ids = merge(ids, first, 256 + rank[first])
    return ids
    ### END SOLUTION


def decode(ids: list[int], merges: list[tuple[int, int]]) -> str:
    """Return the text that the tokens stand for. Bytes that are not UTF-8 become the sign U+FFFD, "�".

    Raises ValueError for an id that is neither a byte nor made by a merge.

    >>> decode([257, 256], [(97, 98), (256, 99)])
    'abcab'
    """
    ### BEGIN SOLUTION
    spelling = [bytes([byte]) for byte in range(256)]
    for left, right in merges:
        spelling.append(spelling[left] + spelling[right])
    for token in ids:
        if not 0 <= token < len(spelling):
            raise ValueError(f"expected ids from 0 to {len(spelling) - 1}, got {token}")
    return b"".join(spelling[token] for token in ids).decode("utf-8", errors="replace")
    ### END SOLUTION


def mergeable_ranks(merges: list[tuple[int, int]]) -> dict[bytes, int]:
    """Return the id of every token's bytes: the table that `tiktoken.Encoding` takes.

    It holds the 256 single bytes and what each merge makes.

    >>> ranks = mergeable_ranks([(97, 98), (256, 99)])
    >>> ranks[b"c"], ranks[b"ab"], ranks[b"abc"]
    (99, 256, 257)
    """
    ### BEGIN SOLUTION
    spelling = [bytes([byte]) for byte in range(256)]
    for left, right in merges:
        spelling.append(spelling[left] + spelling[right])
    return {token: rank for rank, token in enumerate(spelling)}
    ### END SOLUTION


def split_words(text: str) -> list[str]:
    """Return the pieces into which GPT-2 cuts a text before it merges anything; joined they are the text.

    A piece is an ending such as 's; or letters, digits or other signs, each with at most one space in front;
    or white space. The pattern is the one in GPT-2's encoder.py (Radford et al., 2019).

    >>> split_words("It's 42 cats!")
    ['It', "'s", ' 42', ' cats', '!']
    """
    ### BEGIN SOLUTION
    pattern = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
    return regex.findall(pattern, text)
    ### END SOLUTION


def train_bpe_on_words(text: str, vocab_size: int) -> list[tuple[int, int]]:
    """Return the merges that byte-pair encoding learns inside the pieces of `split_words`.

    As `train_bpe`, but no pair reaches over the edge of a piece, and of several most frequent pairs the
    smallest is merged. Equal pieces are kept once, with their number, and counts are brought up to date,
    never counted anew. Raises ValueError for a `vocab_size` below 256.

    >>> train_bpe_on_words("low lower lowest", 258)
    [(108, 111), (256, 119)]
    """
    ### BEGIN SOLUTION
    if vocab_size < 256:
        raise ValueError(f"expected a vocab_size of at least 256, one id for every byte, got {vocab_size}")
    pieces = Counter(split_words(text))
    words = [to_bytes(piece) for piece in pieces]
    times = list(pieces.values())
    counts: dict[tuple[int, int], int] = defaultdict(int)
    where: dict[tuple[int, int], set[int]] = defaultdict(set)  # the words that hold a pair, or once did
    for i, word in enumerate(words):
        for pair in pairwise(word):
            counts[pair] += times[i]
            where[pair].add(i)
    heap = [(-count, pair) for pair, count in counts.items()]  # the smallest entry is the next merge
    heapq.heapify(heap)

    merges: list[tuple[int, int]] = []
    while heap and len(merges) < vocab_size - 256:
        negative, best = heapq.heappop(heap)
        if counts[best] != -negative:  # it has become rarer since: back into the heap with its true count
            heapq.heappush(heap, (-counts[best], best))
            continue
        if counts[best] < 2:
            break
        new_id = 256 + len(merges)
        merges.append(best)
        born = set()  # only pairs with the new id can become more frequent
        for i in where.pop(best):
            before, after = words[i], merge(words[i], best, new_id)
            for pair in pairwise(before):
                counts[pair] -= times[i]
            for pair in pairwise(after):
                counts[pair] += times[i]
                if new_id in pair:
                    where[pair].add(i)
                    born.add(pair)
            words[i] = after
        for pair in born:
            heapq.heappush(heap, (-counts[pair], pair))
    return merges
    ### END SOLUTION
