"""The small GPT that ships with the course. model_card.md says what it learned from, how, and what it can do.

`make model` makes it again (handmade.data.make_model).
"""

from __future__ import annotations

import json
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

from handmade.data.facts import Fact, facts_corpus
from handmade.data.gpt2 import PATTERN

if TYPE_CHECKING:
    import tiktoken

    from handmade.reference.gpt import GPT

FILE = "model.safetensors"  # the weights; in its metadata the config, and the tokenizer's merges


def taught_facts() -> list[Fact]:
    """Return the 300 facts about 100 invented people that the model was taught. Each answer is one token."""
    return facts_corpus(n_people=100, seed=0)[1]


def load(path: Path | None = None) -> tuple[GPT, tiktoken.Encoding]:
    """Return (model, tokenizer): the model in evaluation mode on the CPU, and `tokenizer.encode(text)`, `tokenizer.decode(ids)`.

    `path` is another file that `make_model` wrote.
    """
    from safetensors import safe_open

    from handmade.reference.gpt import GPT, GPTConfig

    with (
        as_file(files("handmade.data") / FILE) as shipped,
        safe_open(path or shipped, framework="pt") as file,
    ):
        about = file.metadata()
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    model = GPT(GPTConfig(**json.loads(about["config"])))
    # Tied weights are stored once.
    model.load_state_dict({"unembedding.weight": weights["token_embedding.weight"], **weights})
    return model.eval(), tokenizer([(left, right) for left, right in json.loads(about["merges"])])


def tokenizer(merges: list[tuple[int, int]]) -> tiktoken.Encoding:
    """Return the encoding of these merges, as lesson 05 makes it; tiktoken's encoder is fast."""
    import tiktoken

    from handmade.reference.tokens import mergeable_ranks

    return tiktoken.Encoding(
        name="handmade", pat_str=PATTERN, mergeable_ranks=mergeable_ranks(merges), special_tokens={}
    )
