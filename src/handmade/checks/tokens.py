"""Lesson 05: text in, integers out."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import regex

from handmade.checks.case import Case, case, literal, rejects
from handmade.checks.compare import Unfit, describe
from handmade.checks.exercise import exercise


def _babble(rng: np.random.Generator, n: int, signs: str = "abc") -> str:
    """Return a random text of n signs."""
    return "".join(signs[i] for i in rng.integers(len(signs), size=n))


@exercise(points=1, level=1, minutes=3)
def to_bytes(rng: np.random.Generator) -> Iterator[Case]:
    yield case("Hié", expect=[72, 105, 195, 169])
    yield case("", expect=[], note="the empty text")
    yield case(" a\n", expect=[32, 97, 10], note="a space and the end of a line are bytes too")
    yield case("中", expect=[228, 184, 173], note="one Chinese sign")
    yield case(
        "e\u0301",
        expect=[101, 204, 129],
        text=r'to_bytes("e\u0301")',
        note="an e and an accent of its own, not the single sign é",
    )
    yield case("😀", expect=[240, 159, 152, 128], note="a sign beyond U+FFFF")
    yield case(_babble(rng, 12, "az ßñ界Ж,"))


@to_bytes.misconception(
    "You returned one number a character: its place in Unicode (`ord`).",
    'How many bytes does é take in UTF-8? What does `len("é".encode())` say?',
)
def code_points(text: str) -> Any:
    return [ord(character) for character in text]


@to_bytes.misconception(
    "The bytes are right, and they come as one `bytes` object.",
    "What does `list(...)` make of it?",
)
def bytes_object(text: str) -> Any:
    return text.encode()


@to_bytes.misconception(
    "These are the bytes of UTF-16, in which even an H takes two.",
    "Which name of an encoding belongs into `text.encode(...)`?",
)
def utf_16(text: str) -> Any:
    return list(text.encode("utf-16-le"))


@to_bytes.misconception(
    "These are the bytes of Latin-1, an old encoding that knows only 256 signs; others are lost as `?`.",
    "In which encoding does é take two bytes, and every sign of the world has a place?",
)
def latin_1(text: str) -> Any:
    return list(text.encode("latin-1", errors="replace"))


@to_bytes.misconception(
    "Signs beyond English were dropped.",
    "What should be left of é: nothing, or two bytes?",
)
def ascii_only(text: str) -> Any:
    return list(text.encode("ascii", errors="ignore"))


@to_bytes.misconception(
    "The text was cleaned first: spaces at its ends are gone.",
    "If a space is not among the tokens, can decoding ever bring it back?",
)
def stripped(text: str) -> Any:
    return list(text.strip().encode())


@to_bytes.misconception(
    "The text was normalised first: an e with an accent of its own became the single sign é.",
    "Would the text that comes back be the one that went in?",
)
def normalised(text: str) -> Any:
    return list(unicodedata.normalize("NFC", text).encode())


def _counts_of(ids: list[int], **more: Any) -> Case:
    """Return the case that looks at the counts in their order. A pair with the count 0 is no pair."""

    def items(answer: Any) -> list[Any]:
        if not isinstance(answer, dict):
            raise Unfit(f"Expected a dict, got {describe(answer)}.")
        return [(pair, count) for pair, count in answer.items() if count is None or count != 0]

    return case(ids, view=items, text=f"list(pair_counts({literal(ids)}).items())", **more)


@exercise(points=1, level=2, minutes=6)
def pair_counts(rng: np.random.Generator) -> Iterator[Case]:
    yield _counts_of([1, 2, 1, 2, 3], expect=[((1, 2), 2), ((2, 1), 1), ((2, 3), 1)])
    yield _counts_of(
        [7, 4, 9, 2, 9, 2],
        expect=[((7, 4), 1), ((4, 9), 1), ((9, 2), 2), ((2, 9), 1)],
        note="in order of first appearance",
    )
    yield _counts_of([5, 5, 5], expect=[((5, 5), 2)], note="pairs may overlap")
    yield _counts_of([5, 5, 5, 5, 256, 5], expect=[((5, 5), 3), ((5, 256), 1), ((256, 5), 1)])
    yield _counts_of([8, 3], expect=[((8, 3), 1)])
    yield _counts_of([8], expect=[], note="one id has no neighbour")
    yield _counts_of([], expect=[], note="no ids at all")
    yield _counts_of(rng.integers(4, size=14).tolist())
    yield _counts_of(rng.integers(254, 259, size=20).tolist())


@pair_counts.misconception(
    "You cut the list into twos, so every second pair of neighbours is missing.",
    "In 1, 2, 3, is 2 the neighbour of 1 only?",
)
def every_second_pair(ids: list[int]) -> Any:
    return dict(Counter(zip(ids[::2], ids[1::2], strict=False)))


@pair_counts.misconception(
    "(1, 2) and (2, 1) were counted as one pair.",
    "Is `th` the same as `ht`?",
)
def unordered_pairs(ids: list[int]) -> Any:
    return dict(Counter(tuple(sorted(pair)) for pair in pairwise(ids)))


@pair_counts.misconception(
    "Every pair has the count 1, however often it occurs.",
    "When you meet a pair again, what happens to the number that is there already?",
)
def all_ones(ids: list[int]) -> Any:
    return dict.fromkeys(pairwise(ids), 1)


@pair_counts.misconception(
    "In a run of equal ids you skip one after each pair.",
    "In 5, 5, 5 the middle 5 has a neighbour on each side: how many pairs is that?",
)
def runs_not_overlapping(ids: list[int]) -> Any:
    return _counts_without_overlap(ids)


def _counts_without_overlap(ids: list[int]) -> dict[Any, int]:
    counts: dict[Any, int] = {}
    ends: dict[Any, int] = {}
    for i, pair in enumerate(pairwise(ids)):
        if ends.get(pair, -1) < i:
            counts[pair] = counts.get(pair, 0) + 1
            ends[pair] = i + 1
    return counts


@pair_counts.misconception(
    "The counts are right, and the pairs are sorted by their ids.",
    "Which pair does your loop meet first? A dict keeps that order by itself.",
)
def sorted_by_pair(ids: list[int]) -> Any:
    return dict(sorted(Counter(pairwise(ids)).items()))


@pair_counts.misconception(
    "The most frequent pair stands first.",
    "Which pair comes first in the text? What would have to be undone for the dict to keep that order?",
)
def most_common_first(ids: list[int]) -> Any:
    return dict(Counter(pairwise(ids)).most_common())


@pair_counts.misconception(
    "The last id was paired with the first, as if the list were a ring.",
    "What stands behind the last id of a text?",
)
def as_a_ring(ids: list[int]) -> Any:
    return dict(Counter(zip(ids, ids[1:] + ids[:1], strict=True)))


@pair_counts.misconception(
    "You counted single ids.",
    "What would a key have to be, so that it names two neighbours?",
)
def single_ids(ids: list[int]) -> Any:
    return dict(Counter(ids))


@exercise(points=2, level=2, minutes=8)
def merge(rng: np.random.Generator) -> Iterator[Case]:
    yield case([4, 1, 2, 3, 1, 2, 7], (1, 2), 256, expect=[4, 256, 3, 256, 7])
    yield case([1, 2, 3, 1, 2], (1, 2), 256, expect=[256, 3, 256], note="the pair at both ends")
    yield case([5, 5, 5], (5, 5), 300, expect=[300, 5], note="from left to right, no id used twice")
    yield case([5, 5, 5, 5], (5, 5), 300, expect=[300, 300])
    yield case([2, 1, 2, 1], (1, 2), 256, expect=[2, 256, 1], note="(2, 1) is another pair")
    yield case([1, 3, 2, 1], (1, 2), 256, expect=[1, 3, 2, 1], note="1 and 2 occur, never side by side")
    yield case([1, 1, 2], (1, 2), 256, expect=[1, 256])
    yield case([256, 97, 256, 97], (256, 97), 257, expect=[257, 257], note="a merge of what was merged")
    yield case([9], (9, 9), 256, expect=[9], note="one id")
    yield case([], (1, 2), 256, expect=[], note="no ids")
    yield case(rng.integers(3, size=16).tolist(), (1, 0), 256)
    yield case(rng.integers(2, size=16).tolist(), (1, 1), 257)


@merge.misconception(
    "One id was used in two pairs: 5, 5, 5 became two new ids.",
    "After a pair is merged, at which place does your loop go on?",
)
def overlapping(ids: list[int], pair: Any, new_id: int) -> Any:
    out, used = [], False
    for i, token in enumerate(ids):
        if tuple(ids[i : i + 2]) == pair:
            out.append(new_id)
            used = True
        else:
            if not used:
                out.append(token)
            used = False
    return out


@merge.misconception(
    "The last id gets lost when it is not part of a pair.",
    "At the last place there is no right neighbour: what does your loop do there?",
)
def last_id_lost(ids: list[int], pair: Any, new_id: int) -> Any:
    out, i = [], 0
    while i < len(ids) - 1:
        hit = (ids[i], ids[i + 1]) == pair
        out.append(new_id if hit else ids[i])
        i += 2 if hit else 1
    return out


@merge.misconception(
    "The result is right, but you worked on the list that you were given, and changed it.",
    "Who else may still need the old list? Where could the new ids go instead?",
)
def changes_the_input(ids: list[int], pair: Any, new_id: int) -> Any:
    i = 0
    while i < len(ids) - 1:
        if (ids[i], ids[i + 1]) == pair:
            ids[i : i + 2] = [new_id]
        i += 1
    return ids


@merge.misconception(
    "Only the first occurrence was replaced.",
    "What keeps your function from looking further, once it has found the pair?",
)
def first_only(ids: list[int], pair: Any, new_id: int) -> Any:
    for i in range(len(ids) - 1):
        if (ids[i], ids[i + 1]) == pair:
            return [*ids[:i], new_id, *ids[i + 2 :]]
    return list(ids)


@merge.misconception(
    "The pair was also replaced where it stands the other way round.",
    "Should `ba` become the token that means `ab`?",
)
def either_order(ids: list[int], pair: Any, new_id: int) -> Any:
    out, i = [], 0
    while i < len(ids):
        hit = i + 1 < len(ids) and (ids[i], ids[i + 1]) in (tuple(pair), tuple(pair)[::-1])
        out.append(new_id if hit else ids[i])
        i += 2 if hit else 1
    return out


@merge.misconception(
    "You went from right to left: in a run of three the last two were merged.",
    "Which two of 5, 5, 5 does a reader from left to right meet first?",
)
def from_the_right(ids: list[int], pair: Any, new_id: int) -> Any:
    return _merged(ids[::-1], tuple(pair)[::-1], new_id)[::-1]


@merge.misconception(
    "The second id of the pair is still there, behind the new one.",
    "How many old ids does one new id replace?",
)
def second_id_kept(ids: list[int], pair: Any, new_id: int) -> Any:
    return [new_id if tuple(ids[i : i + 2]) == pair else ids[i] for i in range(len(ids))]


@merge.misconception(
    "The pair vanished, and nothing stands in its place.",
    "Where does `new_id` come in?",
)
def pair_removed(ids: list[int], pair: Any, new_id: int) -> Any:
    return [token for token in _merged(ids, pair, -1) if token != -1]


def _merged(ids: list[int], pair: Any, new_id: int) -> list[int]:
    out, i = [], 0
    while i < len(ids):
        hit = tuple(ids[i : i + 2]) == tuple(pair)
        out.append(new_id if hit else ids[i])
        i += 2 if hit else 1
    return out


def _learned(
    pieces: Iterable[str],
    n_merges: int,
    better: Callable[[Any, int], Any] = lambda pair, place: -place,
    *,
    at_least: int = 2,
    first_id: int = 256,
    counted: Callable[[list[int]], Any] = lambda ids: Counter(pairwise(ids)),
) -> list[tuple[int, int]]:
    """Return what byte-pair encoding learns from these pieces, in one of its many wrong ways.

    `better(pair, place)` decides between equally frequent pairs: the larger one wins.
    """
    words = [list(piece.encode()) for piece in pieces]
    merges: list[tuple[int, int]] = []
    while len(merges) < n_merges:
        counts: Counter[Any] = Counter()
        for word in words:
            counts.update(counted(word))
        place = {pair: i for i, pair in enumerate(counts)}
        best = max(counts, key=lambda pair: (counts[pair], better(pair, place[pair])), default=None)
        if best is None or counts[best] < at_least:
            break
        words = [_merged(word, best, first_id + len(merges)) for word in words]
        merges.append(best)
    return merges


def _smaller(pair: Any, _: int) -> Any:
    return tuple(-token for token in pair)


def _larger(pair: Any, _: int) -> Any:
    return pair


def _later(_: Any, place: int) -> Any:
    return place


def _size(vocab_size: int) -> int:
    if vocab_size < 256:
        raise ValueError
    return vocab_size - 256


@exercise(points=3, level=3, minutes=12, by_hand=("BpeTrainer", "train_from_iterator"))
def train_bpe(rng: np.random.Generator) -> Iterator[Case]:
    yield case("aaabdaaabac", 259, expect=[(97, 97), (256, 97), (257, 98)])
    yield case("abababc", 300, expect=[(97, 98), (256, 256)], note="stops early: then no pair occurs twice")
    yield case("aaa", 300, expect=[(97, 97)], note="aaa holds the pair aa twice")
    yield case(
        "bc1bc2aaaa",
        258,
        expect=[(97, 97), (98, 99)],
        note="aa three times, pairs may overlap; bc twice",
    )
    yield case(
        "cd1ab2gh3ef4cd5ab6gh7ef8",
        260,
        expect=[(99, 100), (97, 98), (103, 104), (101, 102)],
        note="four pairs, each twice: the one that appears first",
    )
    yield case("a b a b", 258, expect=[(97, 32), (256, 98)], note="spaces are bytes like all others")
    yield case(" a a", 300, expect=[(32, 97)], note="a space at the beginning counts too")
    yield case("ééé", 270, expect=[(195, 169), (256, 256)], note="two bytes a sign")
    yield case("abcdef", 300, expect=[], note="no pair occurs twice")
    yield case("abab", 256, expect=[], note="room for the bytes only")
    yield case("", 300, expect=[], note="the empty text")
    yield case("a", 300, expect=[], note="a text of one byte")
    yield rejects("abab", 255, note="fewer ids than bytes must be refused")
    yield rejects("abab", 0, note="a vocabulary of nothing must be refused")
    yield case(_babble(rng, 40), 264)
    yield case(_babble(rng, 60, "ab é"), 300)


@train_bpe.misconception(
    "Of several most frequent pairs you took the one that appears last.",
    "Does your comparison replace the best pair so far when the next one is only *as* frequent?",
)
def last_of_equals(text: str, vocab_size: int) -> Any:
    return _learned([text], _size(vocab_size), _later)


@train_bpe.misconception(
    "Of several most frequent pairs you took the one with the largest ids; `max` over (count, pair) does this.",
    "`max` keeps the first of equal ones by itself: what should it compare, and what not?",
)
def largest_of_equals(text: str, vocab_size: int) -> Any:
    return _learned([text], _size(vocab_size), _larger)


@train_bpe.misconception(
    "Of several most frequent pairs you took the one with the smallest ids.",
    "The dict of `pair_counts` has an order already. Did you sort it?",
)
def smallest_of_equals(text: str, vocab_size: int) -> Any:
    return _learned([text], _size(vocab_size), _smaller)


@train_bpe.misconception(
    "Your first new id is 257: it should be 256, the first number that no byte has.",
    "With 256 bytes, counted from 0, which is the last id that is taken?",
)
def ids_from_257(text: str, vocab_size: int) -> Any:
    return _learned([text], _size(vocab_size), first_id=257)


@train_bpe.misconception(
    "You went on merging pairs that occur only once.",
    "What is saved by a token that stands for one single place?",
)
def once_only_pairs(text: str, vocab_size: int) -> Any:
    return _learned([text], _size(vocab_size), at_least=1)


@train_bpe.misconception(
    "You counted pairs in a run without overlap: `aaaa` holds aa three times here, not twice.",
    "What does your own `pair_counts` say of [5, 5, 5]?",
)
def counted_without_overlap(text: str, vocab_size: int) -> Any:
    return _learned([text], _size(vocab_size), counted=_counts_without_overlap)


@train_bpe.misconception(
    "You made `vocab_size` merges; the 256 bytes are part of the vocabulary too.",
    "If the vocabulary has 258 ids, how many are left for merges?",
)
def merges_beyond_the_vocabulary(text: str, vocab_size: int) -> Any:
    _size(vocab_size)
    return _learned([text], vocab_size)


@train_bpe.misconception(
    "You learned one merge fewer than the vocabulary has room for.",
    "For vocab_size 257, how often does your loop run?",
)
def one_merge_too_few(text: str, vocab_size: int) -> Any:
    return _learned([text], _size(vocab_size) - 1)


@train_bpe.misconception(
    "You split the text at its spaces first, so pairs with a space were never seen.",
    "Which line drops the spaces? Here they are bytes like all others.",
)
def split_at_spaces(text: str, vocab_size: int) -> Any:
    return _learned(text.split(), _size(vocab_size))


@train_bpe.misconception(
    "You counted once, and took the most frequent pairs of the bytes; no merge builds on another.",
    "After the first merge the text has a new id in it. When do you count again?",
)
def counted_once(text: str, vocab_size: int) -> Any:
    counts = Counter(pairwise(text.encode()))
    return [pair for pair, count in counts.most_common(_size(vocab_size)) if count > 1]


@train_bpe.misconception(
    "A vocabulary smaller than 256 was accepted.",
    "Which bytes would have to go? Where could you raise the ValueError?",
)
def small_vocabulary_accepted(text: str, vocab_size: int) -> Any:
    return _learned([text], vocab_size - 256)


@exercise(
    points=3,
    level=3,
    minutes=12,
    by_hand=("Encoding", "get_encoding", "encoding_for_model", "encode_ordinary"),
)
def encode(rng: np.random.Generator) -> Iterator[Case]:
    yield case("abcab", [(97, 98), (256, 99)], expect=[257, 256])
    yield case(
        "abxbc",
        [(98, 99), (97, 98)],
        expect=[257, 120, 256],
        note="both merges apply, at different places",
    )
    yield case(
        "abcd cde acd",
        [(99, 100), (98, 256), (97, 98), (97, 257), (100, 101), (97, 99)],
        expect=[259, 32, 256, 101, 32, 97, 256],
        note="cd was learned first, then b with cd, then ab",
    )
    yield case("abc", [(98, 99), (97, 98)], expect=[97, 256], note="bc was learned first, so ab is too late")
    yield case(
        "abcdabc",
        [(99, 100), (97, 98), (257, 99)],
        expect=[257, 256, 258],
        note="abc is a token, and cd was learned before it",
    )
    yield case(
        "aaaaaaa", [(97, 97), (256, 256)], expect=[257, 256, 97], note="a merge of merges, and one left over"
    )
    yield case(
        "cabab ab",
        [(99, 97), (97, 98), (257, 257), (98, 257)],
        expect=[256, 259, 32, 257],
        note="the most frequent pair of this text is not the first merge",
    )
    yield case("éa中", [(195, 169), (256, 97)], expect=[257, 228, 184, 173], note="signs of several bytes")
    yield case(" Hi\n", [], expect=[32, 72, 105, 10], note="no merges: the bytes, white space too")
    yield case("", [(97, 98)], expect=[], note="the empty text")
    yield case("a", [(97, 98)], expect=[97])
    for signs in ("abc", "ab é"):
        learned = _learned([_babble(rng, 60, signs)], 10)
        yield case(_babble(rng, 24, signs), learned, note="merges learned from another text")


def _spelled(merges: list[tuple[int, int]]) -> list[bytes]:
    spelling = [bytes([byte]) for byte in range(256)]
    for left, right in merges:
        spelling.append(spelling[left] + spelling[right])
    return spelling


def _ranked(text: str, merges: Any) -> list[int]:
    ids = list(text.encode())
    for i, pair in enumerate(merges):
        ids = _merged(ids, pair, 256 + i)
    return ids


@encode.misconception(
    "At every place you took the longest token that fits, from left to right.",
    "Which of your merges was learned first, and does it still find its two neighbours?",
)
def longest_match(text: str, merges: Any) -> Any:
    ids = {token: i for i, token in enumerate(_spelled(merges))}
    data, out = text.encode(), []
    while data:
        length = next(n for n in range(len(data), 0, -1) if data[:n] in ids)
        out.append(ids[data[:length]])
        data = data[length:]
    return out


@encode.misconception(
    "You went through the bytes once, so tokens made of tokens never appear.",
    "After one merge there are new neighbours: who looks at them?",
)
def one_pass(text: str, merges: Any) -> Any:
    ids, out, i = list(text.encode()), [], 0
    known = {tuple(pair): 256 + rank for rank, pair in enumerate(merges)}
    while i < len(ids):
        pair = tuple(ids[i : i + 2])
        out.append(known.get(pair, ids[i]))
        i += 2 if pair in known else 1
    return out


@encode.misconception(
    "You merged whichever known pair stands leftmost.",
    "Two merges want the same b: which of them was learned first?",
)
def leftmost_first(text: str, merges: Any) -> Any:
    ids = list(text.encode())
    known = {tuple(pair): 256 + rank for rank, pair in enumerate(merges)}
    while places := [i for i, pair in enumerate(pairwise(ids)) if pair in known]:
        i = places[0]
        ids = [*ids[:i], known[ids[i], ids[i + 1]], *ids[i + 2 :]]
    return ids


@encode.misconception(
    "The merge that was learned last came first.",
    "Training made its merges from front to back. Should encoding repeat them in another order?",
)
def last_learned_first(text: str, merges: Any) -> Any:
    ids = list(text.encode())
    rank = {tuple(pair): i for i, pair in enumerate(merges)}
    while known := [pair for pair in pairwise(ids) if pair in rank]:
        best = max(known, key=lambda pair: rank[pair])
        ids = _merged(ids, best, 256 + rank[best])
    return ids


@encode.misconception(
    "Of the known pairs you merged the most frequent one of *this* text first.",
    "Should a word be cut differently because of its neighbours? Which order is fixed for all texts?",
)
def most_frequent_here(text: str, merges: Any) -> Any:
    ids = list(text.encode())
    rank = {tuple(pair): i for i, pair in enumerate(merges)}
    while known := [pair for pair in pairwise(ids) if pair in rank]:
        best = Counter(known).most_common(1)[0][0]
        ids = _merged(ids, best, 256 + rank[best])
    return ids


@encode.misconception(
    "Your new ids are the numbers of the merges: 256 is missing in them.",
    "Which id does merge 0 make, if 0 is a byte already?",
)
def rank_as_id(text: str, merges: Any) -> Any:
    return [token - 256 if token > 255 else token for token in _ranked(text, merges)]


@encode.misconception(
    "You began with characters (`ord`), not with bytes.",
    "Which of your functions turns a text into numbers below 256?",
)
def from_characters(text: str, merges: Any) -> Any:
    ids = [ord(character) for character in text]
    for i, pair in enumerate(merges):
        ids = _merged(ids, pair, 256 + i)
    return ids


@encode.misconception(
    "Each merge was done at one place only, its first.",
    "If `ab` occurs twice in a text, how often should its token appear?",
)
def one_place_each(text: str, merges: Any) -> Any:
    ids = list(text.encode())
    for rank, pair in enumerate(merges):
        i = next((i for i, two in enumerate(pairwise(ids)) if two == tuple(pair)), None)
        if i is not None:
            ids = [*ids[:i], 256 + rank, *ids[i + 2 :]]
    return ids


@encode.misconception(
    "Training ran again, on this text: the merges that you were given were not used.",
    "Which argument holds what was learned?",
)
def trained_again(text: str, merges: Any) -> Any:
    return _ranked(text, _learned([text], len(merges)))


@exercise(
    points=2, level=2, minutes=8, by_hand=("Encoding", "get_encoding", "encoding_for_model", "decode_bytes")
)
def decode(rng: np.random.Generator) -> Iterator[Case]:
    yield case([257, 256], [(97, 98), (256, 99)], expect="abcab")
    yield case([72, 105], [], expect="Hi", note="no merges: the bytes")
    yield case([195, 169, 33], [], expect="é!", note="one sign of two bytes, which are two tokens")
    yield case([256, 173, 32, 97], [(228, 184)], expect="中 a", note="the first token ends inside a sign")
    yield case([97, 195], [], expect="a\ufffd", note="the text ends inside a sign")
    yield case([32, 97, 10], [], expect=" a\n", note="white space at both ends")
    yield case([255, 104], [], expect="\ufffdh", note="255 occurs in no UTF-8")
    yield case([], [(97, 98)], expect="", note="no tokens")
    yield case([258], [(97, 98), (256, 256), (257, 256)], expect="ababab", note="tokens made of tokens")
    yield rejects([97, 257], [(97, 98)], note="257 was never made")
    yield rejects([-1], [(97, 98)], note="a negative id must be refused")
    merges = _learned([_babble(rng, 60)], 10)
    yield case(rng.choice([97, 98, 99, *range(256, 256 + len(merges))], size=8).tolist(), merges)
    text = _babble(rng, 30, "aé中 ")
    merges = _learned([text], 10)
    yield case(_ranked(text, merges), merges, expect=text, note="a text that was encoded before")


def _known(ids: Any, merges: Any) -> list[bytes]:
    spelling = _spelled(merges)
    if not all(0 <= token < len(spelling) for token in ids):
        raise ValueError
    return [spelling[token] for token in ids]


@decode.misconception(
    "You decoded token by token, which breaks every sign whose bytes lie in two tokens.",
    "What could you join first, before anything is decoded?",
)
def token_by_token(ids: Any, merges: Any) -> Any:
    return "".join(token.decode("utf-8", errors="replace") for token in _known(ids, merges))


@decode.misconception(
    "Bytes that are not UTF-8 were dropped without a trace.",
    "Which value of `errors=` puts the sign � there?",
)
def errors_ignored(ids: Any, merges: Any) -> Any:
    return b"".join(_known(ids, merges)).decode("utf-8", errors="ignore")


@decode.misconception(
    "Bytes that are not UTF-8 stopped your function with an error.",
    "A model may well produce such bytes. What does `bytes.decode` offer for them, besides raising?",
)
def errors_raised(ids: Any, merges: Any) -> Any:
    return b"".join(_known(ids, merges)).decode("utf-8")


@decode.misconception(
    "Each byte became one character (`chr`).",
    "Two bytes make one é: who puts them together?",
)
def bytes_as_characters(ids: Any, merges: Any) -> Any:
    return "".join(chr(byte) for token in _known(ids, merges) for byte in token)


@decode.misconception(
    "Unknown ids were left out without a word.",
    "If somebody hands you tokens of another vocabulary, how would they notice?",
)
def unknown_left_out(ids: Any, merges: Any) -> Any:
    spelling = _spelled(merges)
    return b"".join(spelling[i] for i in ids if 0 <= i < len(spelling)).decode("utf-8", errors="replace")


@decode.misconception(
    "A negative id was taken from the end of a list: Python does that by itself.",
    "Which two bounds must an id keep?",
)
def negative_from_the_end(ids: Any, merges: Any) -> Any:
    spelling = _spelled(merges)
    if any(token >= len(spelling) for token in ids):
        raise ValueError
    return b"".join(spelling[token] for token in ids).decode("utf-8", errors="replace")


@decode.misconception(
    "The bytes are right, and they come as `bytes`, not as a text.",
    "Which method makes a `str` of bytes?",
)
def bytes_returned(ids: Any, merges: Any) -> Any:
    return b"".join(_known(ids, merges))


@decode.misconception(
    "The two halves of each merge were joined the wrong way round.",
    "Merge 0 is (97, 98), a and b. Which of them comes first in the text?",
)
def halves_swapped(ids: Any, merges: Any) -> Any:
    spelling = [bytes([byte]) for byte in range(256)]
    for left, right in merges:
        spelling.append(spelling[right] + spelling[left])
    return b"".join(spelling[token] for token in ids).decode("utf-8", errors="replace")


def _table(answer: Any) -> list[tuple[int, bytes]]:
    """Return the table as (rank, token), sorted."""
    if not isinstance(answer, dict):
        raise Unfit(f"Expected a dict, got {describe(answer)}.")
    for token, rank in answer.items():
        if not isinstance(token, bytes):
            raise Unfit(f"Expected keys of type bytes, got the key {token!r}.")
        if isinstance(rank, bool) or not isinstance(rank, int | np.integer):
            raise Unfit(f"Expected whole numbers as values, got {describe(rank)} for {token!r}.")
    return sorted((int(rank), token) for token, rank in answer.items())


def _ranks_of(merges: list[tuple[int, int]], start: int, expect: list[tuple[int, bytes]], note: str) -> Case:
    text = f"sorted((rank, token) for token, rank in mergeable_ranks({literal(merges)}).items())[{start}:]"
    return case(merges, view=lambda answer: _table(answer)[start:], expect=expect, text=text, note=note)


@exercise(points=2, level=2, minutes=6)
def mergeable_ranks(rng: np.random.Generator) -> Iterator[Case]:
    yield _ranks_of(
        [(97, 98), (256, 99)],
        254,
        [(254, b"\xfe"), (255, b"\xff"), (256, b"ab"), (257, b"abc")],
        "the end of the table, in order of the ids",
    )
    yield _ranks_of([], 253, [(253, b"\xfd"), (254, b"\xfe"), (255, b"\xff")], "no merges: the bytes alone")
    yield _ranks_of(
        [(97, 97), (256, 256), (98, 257)],
        255,
        [(255, b"\xff"), (256, b"aa"), (257, b"aaaa"), (258, b"baaaa")],
        "merges of merges",
    )
    yield _ranks_of(
        [(195, 169), (32, 256), (228, 184)],
        256,
        [(256, b"\xc3\xa9"), (257, b" \xc3\xa9"), (258, b"\xe4\xb8")],
        "a token may be part of a sign",
    )
    yield case(
        [(104, 105)],
        view=len,
        expect=257,
        text="len(mergeable_ranks([(104, 105)]))",
        note="256 bytes and one merge",
    )
    merges = _learned([_babble(rng, 60)], 8)
    whole = [(i, token) for i, token in enumerate(_spelled(merges))]
    yield _ranks_of(merges, 256, whole[256:], "merges that were learned")
    yield case(merges, view=_table, expect=whole, note="the whole table")


@mergeable_ranks.misconception(
    "The 256 single bytes are missing: your table begins with the merges.",
    "A byte that no merge uses is a token too. Which id has it?",
)
def without_the_bytes(merges: Any) -> Any:
    return dict(list({token: i for i, token in enumerate(_spelled(merges))}.items())[256:])


@mergeable_ranks.misconception(
    "The keys are texts. Some tokens are parts of a sign, and no text can hold those.",
    'Of which type is `"é".encode()[:1]`?',
)
def texts_as_keys(merges: Any) -> Any:
    return {token.decode("latin-1"): i for i, token in enumerate(_spelled(merges))}


@mergeable_ranks.misconception(
    "Your table leads from ids to bytes; asked for is the way from bytes to ids.",
    "Which of the two should stand before the colon?",
)
def turned_round(merges: Any) -> Any:
    return dict(enumerate(_spelled(merges)))


@mergeable_ranks.misconception(
    "The merges are numbered from 0, as if no ids were taken.",
    "Which ids do the single bytes have already?",
)
def merges_from_zero(merges: Any) -> Any:
    spelling = _spelled(merges)
    table = {token: i for i, token in enumerate(spelling[:256])}
    return table | {token: i for i, token in enumerate(spelling[256:])}


@mergeable_ranks.misconception(
    "Right half and left half are swapped in every merged token.",
    "For (97, 98), is the token `ab` or `ba`?",
)
def swapped_halves(merges: Any) -> Any:
    spelling = [bytes([byte]) for byte in range(256)]
    for left, right in merges:
        spelling.append(spelling[right] + spelling[left])
    return {token: i for i, token in enumerate(spelling)}


@mergeable_ranks.misconception(
    "The keys are the pairs of ids; asked for is what a token spells, in bytes.",
    "Once you know the bytes of the left half and of the right half, what are the bytes of both together?",
)
def pairs_as_keys(merges: Any) -> Any:
    table: dict[Any, int] = {bytes([byte]): byte for byte in range(256)}
    return table | {tuple(pair): 256 + i for i, pair in enumerate(merges)}


_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


@exercise(points=2, level=3, minutes=10, stretch=True)
def split_words(rng: np.random.Generator) -> Iterator[Case]:
    yield case("It's 42 cats!", expect=["It", "'s", " 42", " cats", "!"])
    yield case("two  spaces", expect=["two", " ", " spaces"], note="the second space belongs to the word")
    yield case("a\n\nb \n c", expect=["a", "\n", "\n", "b", " \n", " c"], note="ends of lines")
    yield case("end  ", expect=["end", "  "], note="spaces at the end stay together")
    yield case("GPT3 costs $1.50", expect=["GPT", "3", " costs", " $", "1", ".", "50"], note="digits apart")
    yield case(
        "I'm you'd we've can't they're",
        expect=["I", "'m", " you", "'d", " we", "'ve", " can", "'t", " they", "'re"],
        note="five more endings",
    )
    yield case("they'll IT'S", expect=["they", "'ll", " IT", "'", "S"], note="only small endings are known")
    yield case(
        "naïve 中文，x²_y", expect=["naïve", " 中文", "，", "x", "²", "_", "y"], note="letters of any script"
    )
    yield case("", expect=[], note="the empty text")
    yield case(" ", expect=[" "])
    words = ["we're", " sea", "  ", "\n", "1851", "?!", " 'tis", "é", "\t", " -", "don't"]
    yield case("".join(rng.choice(words, size=12).tolist()))
    yield case("".join(rng.choice(words, size=12).tolist()))


@split_words.misconception(
    "The text was split at its white space, which is now lost.",
    "If you join your pieces again, is it still the text?",
)
def spaces_lost(text: str) -> Any:
    return text.split()


@split_words.misconception(
    "The spaces stand behind the words; in GPT-2 a space belongs to the word after it.",
    "Where does ` ?` stand in the pattern: before the letters or behind them?",
)
def spaces_behind(text: str) -> Any:
    return regex.findall(r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+ ?|\p{N}+ ?|[^\s\p{L}\p{N}]+ ?|\s+", text)


@split_words.misconception(
    "The pieces carry no space in front: each space became a piece of its own.",
    "What does the ` ?` in front of `\\p{L}+` take with it?",
)
def spaces_apart(text: str) -> Any:
    return regex.findall(_PATTERN.replace(" ?", ""), text)


@split_words.misconception(
    "A run of white space swallowed the space that belongs to the next word: `\\s+(?!\\S)` is missing.",
    "In `two  spaces`, how many of the two spaces belong to the last word?",
)
def greedy_white_space(text: str) -> Any:
    return regex.findall(_PATTERN.replace(r"|\s+(?!\S)", ""), text)


@split_words.misconception(
    "Only a to z count as letters in your pattern.",
    "How does the pattern name letters of every script?",
)
def english_letters(text: str) -> Any:
    return regex.findall(
        r"'s|'t|'re|'ve|'m|'ll|'d| ?[a-zA-Z]+| ?\p{N}+| ?[^\sa-zA-Z\p{N}]+|\s+(?!\S)|\s+", text
    )


@split_words.misconception(
    "Letters and digits stay together in one piece (`\\w+` does this).",
    "Which two parts of the pattern keep GPT and 3 apart?",
)
def letters_with_digits(text: str) -> Any:
    return regex.findall(r"'s|'t|'re|'ve|'m|'ll|'d| ?\w+| ?[^\s\w]+|\s+(?!\S)|\s+", text)


@split_words.misconception(
    "The endings 's, 't, 're and so on were not kept together.",
    "Which alternative has to be tried first, before the apostrophe goes with the other signs?",
)
def endings_broken(text: str) -> Any:
    return regex.findall(_PATTERN.replace("'s|'t|'re|'ve|'m|'ll|'d|", ""), text)


@split_words.misconception(
    "Endings in capitals were recognised too; GPT-2's pattern knows only small ones.",
    "Is there a flag that ignores the case?",
)
def endings_in_capitals(text: str) -> Any:
    return regex.findall(_PATTERN, text, flags=regex.IGNORECASE)


@exercise(
    points=5, level=5, minutes=40, stretch=True, seconds=10, by_hand=("BpeTrainer", "train_from_iterator")
)
def train_bpe_on_words(rng: np.random.Generator) -> Iterator[Case]:
    yield case("low lower lowest", 258, expect=[(108, 111), (256, 119)])
    yield case("ab ab ab", 300, expect=[(97, 98), (32, 256)], note="a piece has its space in front")
    yield case(
        "it is it is", 300, expect=[(32, 105), (256, 115)], note="stops early: then no pair occurs twice"
    )
    yield case(
        "zy ab zy ab", 258, expect=[(32, 97), (122, 121)], note="of equally frequent pairs, the smaller"
    )
    yield case(
        "abc\nabc\nabc\nbc\ncd\ncd",
        259,
        expect=[(98, 99), (97, 256), (99, 100)],
        note="after the first merge there is no ab any more",
    )
    yield case("aaaa bb bb", 300, expect=[(97, 97), (32, 98), (257, 98)], note="aaaa holds aa three times")
    yield case("", 300, expect=[], note="the empty text")
    yield case("abab", 256, expect=[], note="room for the bytes only")
    yield rejects("abab", 255, note="fewer ids than bytes must be refused")
    yield case(_words(rng, 12), 262)
    yield case(_words(rng, 60), 300)
    yield case(_words(rng, 400), 350)


def _words(rng: np.random.Generator, n: int) -> str:
    """Return a text of n words made of a few syllables, some of them much more frequent than others."""
    syllables = ["the", "re", "an", "é", "in", "g", "aa", "st"]
    words = ["".join(rng.choice(syllables, size=rng.integers(1, 4)).tolist()) for _ in range(2 + n // 4)]
    share = 1 / np.arange(1, len(words) + 1)
    return " ".join(rng.choice(words, size=n, p=share / share.sum()).tolist())


def _pieces(text: str) -> list[str]:
    return list(regex.findall(_PATTERN, text))


@train_bpe_on_words.misconception(
    "Pairs were merged over the edge between two pieces.",
    "Which of your functions cuts the text first, and can a pair lie in two of its pieces?",
)
def over_the_edges(text: str, vocab_size: int) -> Any:
    return _learned([text], _size(vocab_size), _smaller)


@train_bpe_on_words.misconception(
    "Each different piece counts once, whether it occurs once or a hundred times.",
    "`Counter(pieces)` knows how often each occurs. Where does that number enter the count of a pair?",
)
def each_piece_once(text: str, vocab_size: int) -> Any:
    return _learned(dict.fromkeys(_pieces(text)), _size(vocab_size), _smaller)


@train_bpe_on_words.misconception(
    "Of several most frequent pairs you took the one that appears first; here it is the smaller one.",
    "How do two tuples compare in Python, and how would you take the smallest?",
)
def first_of_equals(text: str, vocab_size: int) -> Any:
    return _learned(_pieces(text), _size(vocab_size))


@train_bpe_on_words.misconception(
    "Of several most frequent pairs you took the larger one.",
    "In a heap of (−count, pair) the smallest entry comes out first. What did you put into yours?",
)
def larger_of_equals(text: str, vocab_size: int) -> Any:
    return _learned(_pieces(text), _size(vocab_size), _larger)


@train_bpe_on_words.misconception(
    "The spaces are gone: your pieces come from a plain `split()`.",
    "What does `split_words` return for `ab ab`?",
)
def without_spaces(text: str, vocab_size: int) -> Any:
    return _learned(text.split(), _size(vocab_size), _smaller)


@train_bpe_on_words.misconception(
    "Pairs that occur a single time were merged as well.",
    "At which count of the best pair should your loop end?",
)
def rare_pairs_too(text: str, vocab_size: int) -> Any:
    return _learned(_pieces(text), _size(vocab_size), _smaller, at_least=1)


@train_bpe_on_words.misconception(
    "New pairs were counted, and the pairs that a merge destroys kept their old counts.",
    "Once bc in `abc` is one token, how often does ab still occur there?",
)
def old_counts_kept(text: str, vocab_size: int) -> Any:
    pieces = Counter(_pieces(text))
    words = [list(piece.encode()) for piece in pieces]
    counts: Counter[Any] = Counter()
    for word, times in zip(words, pieces.values(), strict=True):
        for pair in pairwise(word):
            counts[pair] += times
    merges: list[Any] = []
    while counts and len(merges) < _size(vocab_size):
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        if counts.pop(best) < 2:
            break
        new_id = 256 + len(merges)
        merges.append(best)
        words = [_merged(word, best, new_id) for word in words]
        for word, times in zip(words, pieces.values(), strict=True):
            for pair in pairwise(word):
                counts[pair] += times * (new_id in pair)
    _size(vocab_size)
    return merges


@train_bpe_on_words.misconception(
    "A vocabulary without room for all bytes was accepted.",
    "What should happen for 255, before any work is done?",
)
def too_small_accepted(text: str, vocab_size: int) -> Any:
    return _learned(_pieces(text), vocab_size - 256, _smaller)
