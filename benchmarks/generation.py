"""Tokens per second with a cache: the course's `generate` on `CachedGPT` against `transformers`' `generate`, same weights, same tokens.

python benchmarks/generation.py [--rounds 7] [--only small] [--json PATH]     tables; and build/benchmarks/generation.json

One thread, one text, greedy. All take turns in one run, so that a busy machine slows all; ratios are medians of each turn's ratio.
Processor time counts what this program used, wall time what passed. The floor is the time in which one thread reads the
weights of a token from memory once; weights that fit into the processor's cache can be read faster than that.
Weights are random: a `GPT2LMHeadModel` as new, with noise on all parameters, so that biases and gains count too.
"""

import argparse
import copy
import json
import statistics
import time
from pathlib import Path

import torch
import transformers

from handmade.reference.cached_gpt import CachedGPT
from handmade.reference.generation import generate
from handmade.reference.gpt import GPT, GPTConfig, from_gpt2_state_dict

PROMPT = 16
SIZES = {  # vocab_size, context_length, d_model, n_layers, n_heads; new tokens
    "small": ((1280, 128, 128, 4, 4), 100),
    "middle": ((2000, 256, 384, 6, 6), 64),
    "gpt2": ((50257, 1024, 768, 12, 12), 24),
}
THEIRS = "transformers, float32"


def models(sizes):
    """Return transformers' model, and ours with the same numbers."""
    config = GPTConfig(*sizes)
    torch.manual_seed(0)
    theirs = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=config.vocab_size, n_positions=config.context_length, n_embd=config.d_model,
            n_layer=config.n_layers, n_head=config.n_heads, bos_token_id=None, eos_token_id=None,
        )
    ).eval()  # fmt: skip
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    ours = GPT(config)
    ours.load_state_dict(from_gpt2_state_dict(theirs.state_dict()))
    return theirs, ours.eval()


def by_transformers(model, ids, n_new):
    settings = transformers.GenerationConfig(max_new_tokens=n_new, do_sample=False, pad_token_id=0)
    with torch.inference_mode():
        return model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=settings)


def by_ours(model, ids, n_new):
    return generate(model, ids, n_new, temperature=0.0)


def by_cache(cached, ids, n_new):
    cached.forget()
    return generate(cached, ids, n_new, temperature=0.0)


def timed(function, *args):
    """Return (processor seconds, wall seconds, answer)."""
    processor, wall = time.process_time(), time.perf_counter()
    answer = function(*args)
    return time.process_time() - processor, time.perf_counter() - wall, answer


def same_choices(cached, tokens):
    """Return the share of places in the text `tokens` at which the model's favourite is the token that stands there."""
    cached.forget()
    favourites = [cached(tokens[:, :n]).argmax().item() for n in range(PROMPT, tokens.shape[1])]
    return sum(a == b for a, b in zip(favourites, tokens[0, PROMPT:].tolist(), strict=True)) / len(favourites)


def measure(name, rounds):
    sizes, n_new = SIZES[name]
    theirs, ours = models(sizes)
    half = copy.deepcopy(ours).to(torch.bfloat16)
    ids = torch.randint(sizes[0], (1, PROMPT), generator=torch.Generator().manual_seed(1))
    block = torch.ones(64 * 2**20)  # 256 MB: far more than any cache holds
    ways = {
        THEIRS: (by_transformers, theirs, ids, n_new),
        "ours, float32": (by_cache, CachedGPT(ours), ids, n_new),
        "ours, bfloat16": (by_cache, CachedGPT(half), ids, n_new),
        "ours, float32, no cache": (by_ours, ours, ids, n_new),
    }
    seconds = {way: [] for way in [*ways, "sum"]}
    tokens = {}
    for turn in range(rounds + 1):
        for way, call in ways.items():
            processor, wall, tokens[way] = timed(*call)
            if turn:  # the first warms up
                seconds[way].append((processor, wall))
        processor, wall, _ = timed(block.sum)
        seconds["sum"].append((processor, wall))
    read = ours.unembedding.weight.numel() + sum(p.numel() for p in ours.blocks.parameters())
    bandwidth = block.numel() * 4 / statistics.median(processor for processor, _ in seconds["sum"])
    print(
        f"\n{name}: {sizes[3]} layers × {sizes[2]}, {read / 1e6:.1f} million weights a token, {n_new} tokens"
    )
    print(
        f"{'':<26}{'ms a token':>11}{'ratio':>7}{'wall ms':>9}{'ratio':>7}{'floor ms':>10}{'same tokens':>13}"
    )
    rows = []
    for way in ways:
        ratios = [
            statistics.median(t[kind] / o[kind] for t, o in zip(seconds[THEIRS], seconds[way], strict=True))
            for kind in (0, 1)
        ]
        processor, wall = (1000 * statistics.median(s[kind] for s in seconds[way]) / n_new for kind in (0, 1))
        floor = 1000 * read * (2 if "bfloat16" in way else 4) / bandwidth
        same = (tokens[way] == tokens[THEIRS])[0, PROMPT:].float().mean().item()
        rows.append(
            {
                "way": way, "processor_ms_a_token": processor, "wall_ms_a_token": wall, "floor_ms_a_token": floor,
                "times_transformers_processor": ratios[0], "times_transformers_wall": ratios[1], "same_greedy_tokens": same,
            }
        )  # fmt: skip
        print(
            f"{way:<26}{processor:>11.3f}{ratios[0]:>7.2f}{wall:>9.3f}{ratios[1]:>7.2f}{floor:>10.3f}{same:>13.0%}"
        )
    agreed = same_choices(CachedGPT(half), tokens[THEIRS])
    print(
        f"on the text that transformers wrote, bfloat16 prefers the same next token at {agreed:.0%} of the places"
    )
    return {
        "size": name, "weights_a_token": read, "bandwidth_gb_per_second": bandwidth / 1e9, "rows": rows,
        "bfloat16_same_choice_on_the_same_text": agreed,
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=SIZES, help="one size instead of all")
    parser.add_argument("--json", type=Path, default=Path("build/benchmarks/generation.json"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = [measure(name, options.rounds) for name in ([options.only] if options.only else SIZES)]
    for size in found:
        print(f"bandwidth of one thread during {size['size']}: {size['bandwidth_gb_per_second']:.1f} GB/s")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    report = {"torch": torch.__version__, "transformers": transformers.__version__, "sizes": found}
    options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
