"""GPT-2's vocabulary, made of the list of merges that OpenAI published; it agrees with tiktoken's own definition."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tiktoken

# As in tiktoken: the pattern of GPT-2's encoder.py, in a form that runs faster and cuts alike.
PATTERN = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""
END_OF_TEXT = "<|endoftext|>"


def byte_signs() -> dict[str, int]:
    """Return the sign that the published files write for each byte, in the order of GPT-2's ids.

    A byte with a printed form stands for itself; the others, the space among them, get the signs from U+0100 on.
    """
    printed = [byte for byte in range(256) if chr(byte).isprintable() and chr(byte) != " "]
    others = [byte for byte in range(256) if byte not in printed]
    return {chr(byte): byte for byte in printed} | {chr(256 + i): byte for i, byte in enumerate(others)}


def gpt2_ranks() -> dict[bytes, int]:
    """Return the 50,256 tokens of GPT-2, as bytes, each with its id; `<|endoftext|>`, 50256, is not among them.

    The single bytes come first, in the order of `byte_signs`, then one token for each merge.
    """
    return dict(_ranks())


@cache
def _ranks() -> dict[bytes, int]:
    signs = byte_signs()
    lines = (files("handmade.data") / "gpt2_vocab.bpe").read_bytes().decode("utf-8").split("\n")
    merges = [line.replace(" ", "") for line in lines[1:-1]]  # the first line names the version
    tokens = [bytes([byte]) for byte in signs.values()]
    tokens += [bytes(signs[sign] for sign in merge) for merge in merges]
    return {token: rank for rank, token in enumerate(tokens)}


@cache
def gpt2_encoding() -> tiktoken.Encoding:
    """Return what `tiktoken.get_encoding("gpt2")` returns, without its download."""
    import tiktoken

    return tiktoken.Encoding(
        name="gpt2",
        pat_str=PATTERN,
        mergeable_ranks=gpt2_ranks(),
        special_tokens={END_OF_TEXT: 50256},
        explicit_n_vocab=50257,
    )
