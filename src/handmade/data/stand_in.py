"""A model that only counts, in the place of a trained one: which token of Moby-Dick followed which one, and which two.

`load()` gives a model and its tokenizer. It has no layers, and sees two tokens; it is asked as any model is: ids in, logits out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from types import SimpleNamespace

import torch
from torch import Tensor, nn

from handmade.data.text import moby_dick

PIECES = re.compile(r" ?[^\W\d_]+(?:[’'][^\W\d_]+)?| ?\d+| ?[^\w\s]|\s|_")
SHARES = (0.05, 0.25, 0.7)  # of what is frequent anyway, and of what followed one token and two


class Words:
    """A tokenizer of words: those that the book has twice or more; any other is spelt, letter by letter."""

    def __init__(self, text: str) -> None:
        often = [piece for piece, count in Counter(PIECES.findall(text)).most_common() if count > 1]
        letters = sorted(set(text) - set(often))
        self.tokens = often + letters
        self.ids = {token: i for i, token in enumerate(self.tokens)}

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text. Characters that the book never has are left out."""
        text = re.sub(r"\s+", " ", text)
        found = []
        for piece in PIECES.findall(text):
            found += [self.ids[piece]] if piece in self.ids else [self.ids[c] for c in piece if c in self.ids]
        return found

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of the ids."""
        return "".join(self.tokens[i] for i in ids)


class CountedModel(nn.Module):
    """A model made of counts: the logits are logs of a mixture of three shares, those that SHARES names."""

    frequent: Tensor

    def __init__(self, ids: Tensor, vocab_size: int) -> None:
        super().__init__()
        self.config = SimpleNamespace(vocab_size=vocab_size, context_length=len(SHARES) - 1)
        frequent = torch.bincount(ids, minlength=vocab_size) + 0.01
        self.register_buffer("frequent", frequent / frequent.sum())
        for n_before in range(1, len(SHARES)):  # tokens and what followed them, as one number each, in order
            key = torch.zeros(len(ids) - n_before, dtype=torch.int64)
            for i in range(n_before + 1):
                key = key * vocab_size + ids[i : len(ids) - n_before + i]
            keys, counts = key.unique(return_counts=True)
            self.register_buffer(f"keys_{n_before}", keys)
            self.register_buffer(f"counts_{n_before}", counts)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the logits, (batch, n, vocab_size). Raises ValueError for more than two tokens."""
        if ids.shape[-1] > self.config.context_length:
            raise ValueError(f"expected at most {self.config.context_length} tokens, got {ids.shape[-1]}")
        rows = [torch.stack([self._logits(row[: i + 1]) for i in range(len(row))]) for row in ids]
        return torch.stack(rows)

    def _logits(self, before: Tensor) -> Tensor:
        vocab_size = self.config.vocab_size
        mixture, left = SHARES[0] * self.frequent, 1 - SHARES[0]
        for n_before in range(len(before), 0, -1):
            key = 0
            for token in before[-n_before:].tolist():
                key = (key * vocab_size + token) % 2**63
            keys, counts = getattr(self, f"keys_{n_before}"), getattr(self, f"counts_{n_before}")
            first, last = torch.searchsorted(
                keys, torch.tensor([key * vocab_size, (key + 1) * vocab_size], device=keys.device)
            ).tolist()
            if first < last:
                share = left if n_before == 1 else min(left, SHARES[n_before])
                seen = counts[first:last].float()
                mixture = mixture.index_add(0, keys[first:last] % vocab_size, share * seen / seen.sum())
                left -= share
        return (mixture + left * self.frequent).log()


@cache
def _loaded() -> tuple[CountedModel, Words]:
    text = re.sub(r"\s+", " ", moby_dick())
    tokenizer = Words(text)
    known = [tokenizer.ids[piece] for piece in PIECES.findall(text) if piece in tokenizer.ids]
    return CountedModel(torch.tensor(known), len(tokenizer.tokens)).eval(), tokenizer


def load() -> tuple[CountedModel, Words]:
    """Return the model and its tokenizer, which has `encode(text) -> list[int]` and `decode(ids) -> str`."""
    return _loaded()
