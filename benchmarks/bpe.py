"""Byte-pair encoding on 1.2 MB (Moby-Dick): the course's pure Python against Hugging Face's `tokenizers`, which is Rust.

python benchmarks/bpe.py [--recount]     a table; and build/benchmarks/bpe.json

Both are timed in turns in one run, each on one thread, so that a busy machine slows both; the table gives medians. `--recount`
adds the way that counts all pairs anew after every merge (about a minute).
"""

import json
import os
import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"  # read when tokenizers is imported
os.environ["RAYON_NUM_THREADS"] = "1"

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from handmade.data.text import moby_dick
from handmade.grading.other_answers.tokens import train_bpe_on_words as train_by_recounting
from handmade.reference.tokens import merge, split_words, to_bytes, train_bpe_on_words

ROUNDS = 5


def encode_with_cache(text, merges):
    """Return the tokens of the text, cut by `split_words`; each different piece is merged once."""
    rank = {pair: i for i, pair in enumerate(merges)}
    never = len(merges)
    known = {}
    tokens = []
    for piece in split_words(text):
        if piece not in known:
            ids = to_bytes(piece)
            while len(ids) > 1:
                first = min(rank.get(pair, never) for pair in pairwise(ids))
                if first == never:
                    break
                ids = merge(ids, merges[first], 256 + first)
            known[piece] = ids
        tokens += known[piece]
    return tokens


def hugging_face(text, vocab_size):
    """Return a byte-level tokenizer of the same rules: GPT-2's pattern, all bytes, pairs that occur twice."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator([text], trainer)
    return tokenizer


def timed(function, *args):
    start = time.perf_counter()
    answer = function(*args)
    return time.perf_counter() - start, answer


def in_turns(ours, theirs):
    """Return the median seconds of both, and their last answers."""
    rounds = [(timed(*ours), timed(*theirs)) for _ in range(ROUNDS)]
    own, other = (statistics.median(seconds for seconds, _ in side) for side in zip(*rounds, strict=True))
    return own, other, rounds[-1][0][1], rounds[-1][1][1]


def main(recount):
    text = moby_dick()
    rows = []
    print(f"{len(text.encode()):,} bytes\n{'':<28}{'ours s':>9}{'HF s':>9}{'ratio':>8}")

    def note(what, ours, theirs):
        rows.append({"what": what, "ours_s": ours, "tokenizers_s": theirs, "ratio": ours / theirs})
        print(f"{what:<28}{ours:>9.2f}{theirs:>9.2f}{ours / theirs:>8.2f}")

    for vocab_size in (512, 2000, 8000):
        ours, theirs, merges, tokenizer = in_turns(
            (train_bpe_on_words, text, vocab_size), (hugging_face, text, vocab_size)
        )
        note(f"train, {vocab_size} ids", ours, theirs)
        ours, theirs, tokens, encoding = in_turns((encode_with_cache, text, merges), (tokenizer.encode, text))
        note(f"encode, {vocab_size} ids", ours, theirs)
        print(f"{'':<28}{len(tokens):,} tokens, theirs {len(encoding.ids):,}")
    if recount:
        seconds, merges = timed(train_by_recounting, text, 512)
        assert merges == train_bpe_on_words(text, 512)
        note("train, 512 ids, recounting", seconds, rows[0]["tokenizers_s"])
    target = Path("build/benchmarks/bpe.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"bytes": len(text.encode()), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main("--recount" in sys.argv[1:])
