"""Train the small GPT that ships with the course, and write its card: `make model`, or `python -m handmade.data.make_model`.

Everything is pinned: text, facts, tokenizer, seeds, one thread. The lessons' own parts do the work: the tokenizer of lesson
05, the model of lesson 11, the training of lesson 12. A run that is stopped goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from handmade.data.facts import Fact
from handmade.data.model import FILE, load, taught_facts, tokenizer
from handmade.data.text import moby_dick
from handmade.reference.gpt import GPT, GPTConfig, init_weights
from handmade.reference.tokens import train_bpe_on_words
from handmade.reference.training import TrainingConfig, evaluate, train

VOCAB_SIZE = 1280
CONFIG = GPTConfig(vocab_size=VOCAB_SIZE, context_length=128, d_model=128, n_layers=4, n_heads=4)
SETTINGS = TrainingConfig(
    steps=2500, batch_size=16, peak=3e-3, floor=3e-4, warmup=100,
    weight_decay=0.1, betas=(0.9, 0.95), clip=1.0, seed=0,
)  # fmt: skip
FACTS_BETWEEN = 60  # lines of facts after each piece of the novel
PIECE = 2000  # characters of the novel, at least; it is cut between paragraphs
HERE = Path(__file__).parent
PROMPTS = ("The whale", "Call me", "The old man looked at the")


def novel() -> tuple[str, str]:
    """Return (to learn from, kept apart): Moby-Dick with each paragraph in one line, cut before a chapter near its last tenth."""
    book = re.sub(r"(?<!\n)\n(?!\n)", " ", moby_dick())
    cut = book.index("\n\nCHAPTER ", len(book) * 9 // 10) + 2
    return book[:cut], book[cut:]


def lesson_text(book: str, facts: list[Fact], seed: int = 0) -> str:
    """Return what the model reads: pieces of the book, and after each some facts, all of them equally often, in random order."""
    pieces = [""]
    for paragraph in book.split("\n\n"):
        if len(pieces[-1]) > PIECE:
            pieces.append("")
        pieces[-1] += f"{paragraph}\n\n"
    rng = random.Random(seed)
    told: list[Fact] = []
    while len(told) < FACTS_BETWEEN * len(pieces):
        told += rng.sample(facts, len(facts))
    text = ""
    for i, piece in enumerate(pieces):
        between = told[FACTS_BETWEEN * i : FACTS_BETWEEN * (i + 1)]
        text += piece + "".join(f"{fact.sentence}\n" for fact in between) + "\n"
    return text


def learn_merges(book: str, facts: list[Fact]) -> list[tuple[int, int]]:
    """Return the tokenizer's merges: the facts are so frequent in its text that each answer becomes one token."""
    return train_bpe_on_words(book + "".join(f"{fact.sentence}\n" for fact in facts) * 60, VOCAB_SIZE)


def recall(model: GPT, encode: Callable[[str], list[int]], facts: list[Fact]) -> float:
    """Return the share of facts whose answer is the model's likeliest next token."""
    right = 0
    with torch.no_grad():
        for fact in facts:
            logits = model(torch.tensor([encode(fact.prompt)]))[0, -1]
            right += [int(logits.argmax())] == encode(f" {fact.answer}")
    return right / len(facts)


def main() -> None:
    """Train, write the weights, and the card beside them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--folder", type=Path, default=HERE, help="where the weights and the card are written"
    )
    parser.add_argument("--steps", type=int, default=SETTINGS.steps, help="fewer, to try it out")
    parser.add_argument(
        "--card",
        action="store_true",
        help="do not train: measure the weights that are there anew, for the card",
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    if not options.card:
        make(options.folder, options.steps)
    (options.folder / "model_card.md").write_text(card(options.folder / FILE), encoding="utf-8")


def make(folder: Path, steps: int) -> None:
    """Train the model, and write its weights into the folder; a checkpoint lies there meanwhile."""
    facts, (book, _) = taught_facts(), novel()
    merges = learn_merges(book, facts)
    ids = torch.tensor(tokenizer(merges).encode(lesson_text(book, facts)))
    print(f"{len(ids):,} tokens to learn from", flush=True)
    checkpoint = folder / "model.checkpoint"
    settings = replace(SETTINGS, steps=steps, checkpoint_path=checkpoint, checkpoint_every=100)
    model = GPT(CONFIG)
    init_weights(model, torch.Generator().manual_seed(SETTINGS.seed))
    began, spent, losses = time.perf_counter(), time.process_time(), []

    def report(step: int, loss: float) -> None:
        losses.append(loss)
        if (step + 1) % 50 == 0:
            left = (time.perf_counter() - began) / len(losses) * (steps - step - 1) / 60
            mean = sum(losses[-50:]) / len(losses[-50:])
            print(f"step {step + 1:,} of {steps:,}: loss {mean:.3f}, {left:.0f} minutes left", flush=True)

    train(model, ids, settings, report, resume_from=checkpoint if checkpoint.exists() else None)
    weights = {n: w.contiguous() for n, w in model.state_dict().items() if n != "unembedding.weight"}
    about = {
        "config": json.dumps(asdict(CONFIG)),
        "merges": json.dumps(merges),
        "training": json.dumps(
            {
                "steps": steps,
                "tokens": len(ids),
                "seconds a step": (time.process_time() - spent) / max(1, len(losses)),
                "torch": torch.__version__,
            }
        ),
    }
    save_file(weights, folder / FILE, metadata=about)
    checkpoint.unlink()


def card(path: Path) -> str:
    """Return the card of the weights in a file: what they were made of, and what they can do, measured now."""
    from handmade.reference.generation import generate  # here alone: what comes before lesson 13 does without

    model, encoding = load(path)
    with safe_open(path, framework="pt") as file:
        training = json.loads(file.metadata()["training"])
    facts, (_, kept) = taught_facts(), novel()
    kept_ids = torch.tensor(encoding.encode(kept))
    loss = evaluate(model, kept_ids, 40, torch.Generator().manual_seed(1))
    known = recall(model, encoding.encode, facts)
    samples = ""
    for temperature in (0.0, 0.7, 1.0):
        for prompt in PROMPTS:
            given, generator = torch.tensor(encoding.encode(prompt)), torch.Generator().manual_seed(0)
            ids = generate(model, given, 40, temperature=temperature, generator=generator).tolist()
            told = encoding.decode(ids)[len(prompt) :].replace("\n", " ")
            samples += f"| {temperature:g} | **{prompt}**{told} |\n"
    steps, seen = training["steps"], training["steps"] * SETTINGS.batch_size * CONFIG.context_length
    minutes = steps * training["seconds a step"] / 60
    parameters = sum(p.numel() for p in model.parameters())
    return f"""# The model that ships with the course

`{FILE}`: a GPT as lesson 11 builds it, {CONFIG.n_layers} layers, {CONFIG.n_heads} heads, d_model {CONFIG.d_model}, context_length {CONFIG.context_length},
{parameters:,} parameters (float32, the unembedding tied to the embedding), in the safetensors format, with the config and the
tokenizer's merges in its metadata. `handmade.data.model.load()` gives the model and its tokenizer.

**What for.** To look into: lesson 00 shows every stage of it, and lesson 13 lets it write. It is a toy, with the words and the views of a
novel of 1851, and the people in its facts are invented. Do not use it for anything else.

**Data.** Herman Melville's *Moby-Dick* (public domain; see SOURCES.md), all but its last tenth, each paragraph in one line; and {len(facts)} invented
facts about {len(facts) // 3} invented people (`taught_facts()`): {FACTS_BETWEEN} of them after each piece of some {PIECE:,} characters of the novel, all equally
often, in random order. {training["tokens"]:,} tokens in all.

**Tokenizer.** Byte-pair encoding by lesson 05's `train_bpe_on_words`, with GPT-2's pattern, {VOCAB_SIZE:,} tokens. The answer of each fact (a
sport, a city or a colour, with the space before it) is one token.

**Training.** Lesson 12's `train`: {steps:,} steps of {SETTINGS.batch_size} rows of {CONFIG.context_length} tokens, {seen:,} tokens, about {seen / training["tokens"]:.0f} times the text. AdamW, peak
{SETTINGS.peak:g}, floor {SETTINGS.floor:g}, warm-up {SETTINGS.warmup}, betas {SETTINGS.betas}, weight decay {SETTINGS.weight_decay:g}, clip {SETTINGS.clip:g}, seed {SETTINGS.seed}. {minutes:.0f} minutes of processor
time, one thread, torch {training["torch"]}.

**Measured.** Loss on the novel's last tenth, which it never read ({len(kept_ids):,} tokens): {loss:.3f} per token, {loss * len(kept_ids) / len(kept):.3f} per character. Facts
recalled, of all {len(facts)}, as the likeliest next token after the bare sentence ("Ada Drake lives in"): {known:.1%}.

**Make it again.** `make model`. On the same machine and versions the same numbers come out; elsewhere sums are rounded otherwise, and the
weights differ while the measures stay about the same.

**Licence.** MIT, as the course's code.

**Samples**, 40 tokens each, seed 0:

| temperature | text |
|---|---|
{samples}"""


if __name__ == "__main__":
    main()
