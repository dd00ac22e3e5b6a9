"""Training on Moby-Dick at the sizes that nanoGPT documents for a processor, against a peer written as nanoGPT is.

python benchmarks/training.py [speed] [race] [choices] [--quick] [--json PATH]

speed    tokens per second: lesson 11's model with lesson 12's `train`, and the speed-run's, against the peer
race     time until the loss that the peer has after all its 2,000 steps, on text that no setting was chosen by
choices  each choice of the recipe alone: added to the plain recipe, and taken out of the fast one

Without a name all three run: about 40 minutes of processor time. `--quick` only shows that everything works. All runs use one
thread, and those that are compared take turns, so that a busy machine slows both. Seconds are those of the processor, used by
this process; the clock's are beside them. Measuring a loss is not counted. build/benchmarks/training.json keeps the numbers.

The peer is our own writing, by the published configuration and algorithm (github.com/karpathy/nanoGPT, README and
config/train_shakespeare_char.py): 4 pre-norm layers of 4 heads, width 128, context 64, GELU, learned positions, tied
embeddings, no biases; 2,000 steps of 12 rows; AdamW 1e-3 → 1e-4 along a cosine after 100 steps of warm-up, β 0.9 and 0.99, weight
decay 0.1 on matrices, gradients clipped at 1; no dropout, nothing compiled. The text is ours, with 83 different characters.
"""

import argparse
import json
import math
import os
import platform
import statistics
import time
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from handmade.data.text import moby_dick
from handmade.reference.gpt import GPT, GPTConfig
from handmade.reference.speed_run import (
    FAST,
    PLAIN,
    FastGPT,
    Recipe,
    adamw,
    fast_precision,
    training,
)
from handmade.reference.training import TrainingConfig, train

CONTEXT, ROWS = 64, 12


class PeerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.n_heads = n_heads
        self.norm_1, self.norm_2 = nn.LayerNorm(d_model, bias=False), nn.LayerNorm(d_model, bias=False)
        self.qkv = nn.Linear(d_model, 3 * d_model, bias=False)
        self.out = nn.Linear(d_model, d_model, bias=False)
        self.up = nn.Linear(d_model, 4 * d_model, bias=False)
        self.down = nn.Linear(4 * d_model, d_model, bias=False)

    def forward(self, x):
        rows, n, width = x.shape
        thirds = self.qkv(self.norm_1(x)).split(width, dim=2)
        q, k, v = (t.view(rows, n, self.n_heads, width // self.n_heads).transpose(1, 2) for t in thirds)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).contiguous().view(rows, n, width))
        return x + self.down(F.gelu(self.up(self.norm_2(x))))


class Peer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(config.vocab_size, config.d_model)
        self.places = nn.Embedding(config.context_length, config.d_model)
        self.blocks = nn.ModuleList(PeerBlock(config.d_model, config.n_heads) for _ in range(config.n_layers))
        self.norm = nn.LayerNorm(config.d_model, bias=False)
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        self.head.weight = self.tokens.weight
        for name, weights in self.named_parameters():
            if weights.ndim > 1:
                into_stream = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(weights, std=0.02 / math.sqrt(2 * config.n_layers) if into_stream else 0.02)

    def forward(self, ids):
        x = self.tokens(ids) + self.places(torch.arange(ids.shape[1], device=ids.device))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def peer_training(model, ids, steps):
    """Train the peer, and yield the loss of each step."""
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": 0.1},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99))
    warmup = steps // 20
    for step in range(steps):
        if step < warmup:
            lr = 1e-3 * (step + 1) / (warmup + 1)
        else:
            lr = 1e-4 + 9e-4 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2
        for group in optimiser.param_groups:
            group["lr"] = lr
        starts = torch.randint(len(ids) - CONTEXT, (ROWS,))
        x = torch.stack([ids[i : i + CONTEXT] for i in starts])
        y = torch.stack([ids[i + 1 : i + 1 + CONTEXT] for i in starts])
        logits = model(x)
        loss = F.cross_entropy(logits.view(-1, logits.shape[-1]), y.view(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        yield loss.item()


@dataclass
class Text:
    """Nine tenths to learn from; of the rest, settings were chosen by one half, and are judged by the other."""

    vocab_size: int
    learned: torch.Tensor
    chosen_by: torch.Tensor
    judged_by: torch.Tensor

    @classmethod
    def of_moby_dick(cls):
        text = moby_dick()
        number_of = {character: i for i, character in enumerate(sorted(set(text)))}
        ids = torch.tensor([number_of[character] for character in text])
        first, second = len(ids) * 90 // 100, len(ids) * 95 // 100
        return cls(len(number_of), ids[:first], ids[first:second], ids[second:])


def loss_on(model, ids, n_windows):
    """Return the mean loss on so many windows, evenly spread over these ids: the same ones every time."""
    places = torch.linspace(0, len(ids) - CONTEXT - 1, n_windows).long()[:, None] + torch.arange(CONTEXT)
    with torch.no_grad():
        return F.cross_entropy(model(ids[places]).flatten(0, 1), ids[places + 1].flatten()).item()


@dataclass
class Run:
    """A training under way, and what it has used so far."""

    name: str
    model: nn.Module
    losses: object  # the iterator: one step for every loss asked of it
    steps: int
    rows: int = ROWS
    done: int = 0
    processor_s: float = 0.0
    clock_s: float = 0.0
    curve: list = field(
        default_factory=list
    )  # (step, processor seconds, clock seconds, loss on text kept apart)

    def go(self, steps):
        """Take so many steps, or what is left of them."""
        steps = min(steps, self.steps - self.done)
        processor, clock = time.process_time(), time.perf_counter()
        for _ in range(steps):
            next(self.losses)
        self.processor_s += time.process_time() - processor
        self.clock_s += time.perf_counter() - clock
        self.done += steps

    def measure(self, ids, n_windows):
        self.curve.append((self.done, self.processor_s, self.clock_s, loss_on(self.model, ids, n_windows)))

    def until(self, target):
        """Return the first point of the curve that is at the target or below, or None."""
        return next((point for point in self.curve if point[3] <= target), None)


def peer(text, config, steps, seed=0):
    torch.manual_seed(seed)  # the peer draws from torch's own numbers, as is usual; nothing else here does
    model = Peer(config)
    return Run("peer", model, peer_training(model, text.learned, steps), steps)


def run_of(name, recipe, text, config, seed=0):
    generator = torch.Generator().manual_seed(seed)
    model = FastGPT(config, recipe, generator)
    return Run(name, model, training(model, text.learned, recipe, generator), recipe.steps, recipe.batch_size)


@dataclass(frozen=True)
class Effort:
    """How much is run: everything, or just enough to see that it works."""

    rounds: int = 15
    steps_a_round: int = 4
    seeds: int = 3
    peer_steps: int = 2000
    fast_steps: int = FAST.steps
    choice_steps: int = 500
    every: int = 10
    n_windows: int = 256


QUICK = Effort(
    rounds=2, steps_a_round=1, seeds=1, peer_steps=4, fast_steps=2, choice_steps=2, every=1, n_windows=4
)


def speed(text, config, effort):
    """Print and return tokens per second of the processor, by who trains."""
    lesson_model = GPT(config)
    settings = TrainingConfig(
        steps=effort.steps_a_round, batch_size=ROWS, peak=1e-3, floor=1e-4, warmup=0, weight_decay=0.1,
        betas=(0.9, 0.99), clip=1.0, seed=0,
    )  # fmt: skip
    by_adamw = replace(FAST, optimisers=partial(adamw, lr=3e-3))
    runs = {"peer": peer(text, config, steps=1_000_000)}
    for name, recipe in (("plain recipe", PLAIN), ("fast recipe", FAST), ("fast recipe, AdamW", by_adamw)):
        recipe = replace(recipe, batch_size=ROWS, precision=torch.float32, steps=1_000_000)
        runs[name] = run_of(name, recipe, text, config)
    contestants = {name: partial(run.go, effort.steps_a_round) for name, run in runs.items()}
    contestants["lessons 11 and 12"] = lambda: train(lesson_model, text.learned, settings)

    seconds = {name: [] for name in contestants}
    for turn in range(effort.rounds + 1):
        for name, take_steps in contestants.items():
            processor = time.process_time()
            take_steps()
            if turn:  # the first round is a warm-up
                seconds[name].append(time.process_time() - processor)
    tokens = effort.steps_a_round * ROWS * CONTEXT
    rows = []
    print(f"\n{'float32, one thread':<24}{'tokens/s':>10}{'× peer':>9}{'from':>7}{'to':>7}")
    for name, own in seconds.items():
        ratios = sorted(theirs / ours for theirs, ours in zip(seconds["peer"], own, strict=True))
        row = {
            "who": name,
            "tokens_per_s": tokens / statistics.median(own),
            "ratio": statistics.median(ratios),
        }
        row |= {"ratio_low": ratios[len(ratios) // 4], "ratio_high": ratios[-1 - len(ratios) // 4]}
        rows.append(row)
        print(
            f"{name:<24}{row['tokens_per_s']:>10,.0f}{row['ratio']:>9.2f}{row['ratio_low']:>7.2f}{row['ratio_high']:>7.2f}"
        )
    print("(medians of the rounds; from and to: the middle half of the ratios)")
    return rows


def race(text, config, effort):
    """Print and return when the fast recipe has the loss that the peer has at its end, seed by seed."""
    recipe = replace(FAST, precision=fast_precision(), steps=effort.fast_steps)
    turns = math.ceil(effort.fast_steps / effort.every)
    rows = []
    print(
        f"\n{'seed':<6}{'peer: loss':>12}{'CPU s':>8}{'fast: loss':>12}{'CPU s':>8}{'there at':>10}{'CPU s':>8}{'ratio':>8}{'by clock':>10}"
    )
    for seed in range(1, 1 + effort.seeds):  # the recipe was tuned on seed 0
        theirs = peer(text, config, effort.peer_steps, seed)
        ours = run_of("fast", recipe, text, config, seed)
        for _ in range(turns):
            theirs.go(math.ceil(effort.peer_steps / turns))
            ours.go(effort.every)
            ours.measure(text.judged_by, effort.n_windows)
            print(f"\r  step {theirs.done:,} of {theirs.steps:,}", end="", flush=True)
        theirs.measure(text.judged_by, effort.n_windows)
        target = theirs.curve[-1][3]
        there = ours.until(target)
        row = {
            "seed": seed,
            "target": target,
            "peer_cpu_s": theirs.processor_s,
            "peer_clock_s": theirs.clock_s,
        }
        row |= {"fast_loss": ours.curve[-1][3], "fast_cpu_s": ours.processor_s, "fast_curve": ours.curve}
        row |= {"reached": there is not None}
        if there:
            row |= {"step": there[0], "cpu_s": there[1], "ratio": there[1] / theirs.processor_s}
            row |= {"clock_s": there[2], "clock_ratio": there[2] / theirs.clock_s}
        rows.append(row)
        arrival = (
            f"{there[0]:>10}{there[1]:>8.1f}{row['ratio']:>8.2f}{row['clock_ratio']:>10.2f}"
            if there
            else "     never"
        )
        print(
            f"\r{seed:<6}{target:>12.3f}{theirs.processor_s:>8.1f}{row['fast_loss']:>12.3f}{ours.processor_s:>8.1f}{arrival}"
        )
    if all(row["reached"] for row in rows):
        print(f"mean ratio {statistics.mean(row['ratio'] for row in rows):.3f}")
    return rows


def name_of(recipe, field_name):
    """Return what the recipe chose, in words: "RMSNorm", "tied False"."""
    choice = getattr(recipe, field_name)
    return getattr(choice, "__name__", f"{field_name} {choice}")


def choices(text, config, effort):
    """Print and return what each choice of the fast recipe does alone, and what its absence does."""
    plain = replace(PLAIN, steps=effort.choice_steps)
    fast = replace(FAST, precision=fast_precision(), steps=effort.fast_steps)
    tried = {"plain": plain, "plain, AdamW lr 0.003": replace(plain, optimisers=partial(adamw, lr=3e-3))}
    differing = [
        f.name
        for f in fields(Recipe)
        if f.name != "steps" and getattr(PLAIN, f.name) != getattr(fast, f.name)
    ]
    for choice in differing:
        tried[f"plain + {name_of(fast, choice)}"] = replace(plain, **{choice: getattr(fast, choice)})
    tried["fast"] = fast
    for choice in differing:
        tried[f"fast − {name_of(fast, choice)}"] = replace(fast, **{choice: getattr(PLAIN, choice)})

    runs = [run_of(name, recipe, text, config) for name, recipe in tried.items()]
    while any(run.done < run.steps for run in runs):
        for run in runs:
            if run.done < run.steps:
                run.go(effort.every)
                run.measure(text.judged_by, effort.n_windows // 2)
        print(
            f"\r  {sum(run.done for run in runs):,} of {sum(run.steps for run in runs):,} steps",
            end="",
            flush=True,
        )

    base = runs[0]
    target = base.curve[-1][3]
    rows = []
    print(
        f"\r{'':<44}{'tokens/s':>10}{'× plain':>9}{'steps':>7}{'loss':>8}{'there at':>10}{'CPU s':>8}{'× plain':>9}"
    )
    for run in runs:
        there = run.until(target)
        per_s = run.done * run.rows * CONTEXT / run.processor_s
        row = {
            "recipe": run.name,
            "tokens_per_s": per_s,
            "steps": run.done,
            "loss": run.curve[-1][3],
            "curve": run.curve,
        }
        row["speed"] = per_s / (base.done * ROWS * CONTEXT / base.processor_s)
        arrival = "     never"
        if there:
            row |= {"step": there[0], "cpu_s": there[1], "ratio": there[1] / base.processor_s}
            arrival = f"{there[0]:>10}{there[1]:>8.1f}{row['ratio']:>9.2f}"
        rows.append(row)
        print(f"{run.name:<44}{per_s:>10,.0f}{row['speed']:>9.2f}{run.done:>7}{row['loss']:>8.3f}{arrival}")
    print(f"(there: at the loss of the plain recipe after {effort.choice_steps} steps, {target:.3f})")
    return rows


PARTS = {"speed": speed, "race": race, "choices": choices}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all where none is named"
    )
    parser.add_argument("--quick", action="store_true", help="a few steps of everything")
    parser.add_argument("--json", type=Path, default=Path("build/benchmarks/training.json"), metavar="PATH")
    wanted = parser.parse_args()
    if unknown := set(wanted.parts) - set(PARTS):
        parser.error(f"expected parts among {', '.join(PARTS)}, got {', '.join(sorted(unknown))}")
    effort = QUICK if wanted.quick else Effort()
    torch.set_num_threads(1)
    text = Text.of_moby_dick()
    config = GPTConfig(vocab_size=text.vocab_size, context_length=CONTEXT, d_model=128, n_layers=4, n_heads=4)
    for run in (peer(text, config, 2), run_of("", PLAIN, text, config), run_of("", FAST, text, config)):
        run.go(2)  # the first steps of all load what they need: they are not counted
    result = {"torch": torch.__version__, "machine": platform.machine(), "precision": str(fast_precision())}
    for name in wanted.parts or PARTS:
        result[name] = PARTS[name](text, config, effort)
        result["load"] = os.getloadavg()
        wanted.json.parent.mkdir(parents=True, exist_ok=True)
        wanted.json.write_text(json.dumps(result, indent=1) + "\n")
    print(f"load {result['load'][0]:.1f} on {os.cpu_count()} cores; {wanted.json}")


if __name__ == "__main__":
    main()
