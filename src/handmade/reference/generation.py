"""One token after the other: how the next one is chosen, and how to compute nothing twice on the way.

A model here is anything with `model(ids) -> logits`, of shape (batch, n, vocab_size), and
`model.config.context_length`, such as the GPT of lesson 11. The whole GPT with a cache in every layer is in
`cached_gpt`.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from handmade.reference.attention import attention_pattern, attention_scores, causal_mask
from handmade.reference.multi_head import merge_heads, split_heads
from handmade.reference.next_token import softmax


def sample(probabilities: Float[Tensor, "vocab_size"], generator: torch.Generator | None) -> int:
    """Return the id of a token drawn at random, each as often as its probability says.

    All randomness is the generator's (torch's own where it is None), which lives on the CPU whatever the
    device of the probabilities. A token of probability 0 is never drawn.

    >>> sample(torch.tensor([0.0, 1.0, 0.0]), torch.Generator().manual_seed(0))
    1
    """
    ### BEGIN SOLUTION
    ends = probabilities.cumsum(dim=-1).cpu()  # token i owns the stretch from ends[i - 1] to ends[i]
    dart = torch.rand(1, generator=generator) * ends[-1]  # the last end is 1 only up to rounding
    return int(torch.searchsorted(ends, dart, right=True))
    ### END SOLUTION


def top_k_filter(logits: Float[Tensor, "*batch vocab_size"], k: int) -> Float[Tensor, "*batch vocab_size"]:
    """Return the logits with all but the k largest of each row replaced by -inf.

    Logits as large as the k-th largest stay, so that there may be more than k of them; a k above vocab_size
    keeps all. Raises ValueError for a k below 1. (Fan, Lewis and Dauphin, *Hierarchical Neural Story
    Generation*, 2018.)

    >>> top_k_filter(torch.tensor([[2.0, 5.0, 3.0], [1.0, 0.0, 9.0]]), k=2)
    tensor([[-inf, 5., 3.],
            [1., -inf, 9.]])
    """
    ### BEGIN SOLUTION
    if k < 1:
        raise ValueError(f"expected a k of at least 1, got {k}")
    k = min(k, logits.shape[-1])
    smallest_kept = logits.topk(k, dim=-1).values[..., -1:]
    return logits.masked_fill(logits < smallest_kept, -math.inf)
    ### END SOLUTION


def top_p_filter(logits: Float[Tensor, "*batch vocab_size"], p: float) -> Float[Tensor, "*batch vocab_size"]:
    """Return the logits with -inf for all but the likeliest tokens of each row that together reach p.

    They are as few as possible, and one at least: the token that crosses p stays. Raises ValueError for a p
    that is not between 0 and 1. (Holtzman et al., *The Curious Case of Neural Text Degeneration*, 2020:
    nucleus sampling.)

    >>> top_p_filter(torch.tensor([1.0, 5.0, 2.0]).log(), p=0.7).exp()  # 1/8, 5/8, 2/8
    tensor([0., 5., 2.])
    """
    ### BEGIN SOLUTION
    if not 0 <= p <= 1:
        raise ValueError(f"expected a p between 0 and 1, got {p}")
    ordered, order = logits.sort(dim=-1, descending=True)
    probabilities = softmax(ordered)
    likelier = probabilities.cumsum(dim=-1) - probabilities  # what the tokens before this one add up to
    dropped = likelier >= p
    dropped[..., 0] = False
    dropped = torch.zeros_like(dropped).scatter(-1, order, dropped)  # back into the vocabulary's order
    return logits.masked_fill(dropped, -math.inf)
    ### END SOLUTION


def choose_token(
    logits: Float[Tensor, "vocab_size"],
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> int:
    """Return the id of the next token, chosen by the logits of one position.

    The logits are divided by the temperature, then filtered by top_k, then by top_p, where these are given,
    and a token is drawn. Temperature 0: the token of the largest logit, without any chance. Raises ValueError
    for a temperature below 0.

    >>> choose_token(torch.tensor([1.0, 4.0, 2.0]), temperature=0.0)
    1
    """
    ### BEGIN SOLUTION
    if temperature < 0:
        raise ValueError(f"expected a temperature of at least 0, got {temperature}")
    if temperature == 0:
        return int(logits.argmax())
    logits = logits / temperature
    if top_k is not None:
        logits = top_k_filter(logits, top_k)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    return sample(softmax(logits), generator)
    ### END SOLUTION


def generate(
    model: Any,
    ids: Int[Tensor, "*batch n"],
    n_new: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
    stop: int | None = None,
) -> Int[Tensor, "*batch n_all"]:
    """Return ids with up to n_new tokens behind them, each chosen by the model's logits for those before it.

    `ids` is one prompt, or a batch of prompts of the same length. The model sees the last
    `model.config.context_length` tokens. A row that has chosen the id `stop` is finished: the stop stays, and
    repeats until all rows have one, which ends it all. The model is in evaluation mode meanwhile, and
    afterwards in the mode it was in.

    >>> class Successor(torch.nn.Module):
    ...     class config: context_length = 4
    ...     def forward(self, ids): return torch.nn.functional.one_hot((ids + 1) % 10, 10).float()
    >>> generate(Successor(), torch.tensor([[3, 4], [7, 8]]), n_new=3, temperature=0.0)
    tensor([[3, 4, 5, 6, 7],
            [7, 8, 9, 0, 1]])
    """
    ### BEGIN SOLUTION
    device = next((parameter.device for parameter in model.parameters()), ids.device)
    rows = ids.reshape(-1, ids.shape[-1]).to(device)  # one prompt is a batch of one
    finished = [False] * len(rows)
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            for _ in range(n_new):
                visible = rows[:, -model.config.context_length :]
                logits = model(visible)[:, -1]
                chosen = [
                    stop if done else choose_token(row, temperature, top_k, top_p, generator)
                    for row, done in zip(logits, finished, strict=True)
                ]
                rows = torch.cat([rows, torch.tensor(chosen, device=device)[:, None]], dim=1)
                finished = [token == stop for token in chosen]
                if all(finished):
                    break
    finally:
        model.train(was_training)
    return rows.reshape(*ids.shape[:-1], -1).to(ids.device)
    ### END SOLUTION


class KVCache:
    """The keys and values of all positions so far, of one layer and one run; `len(cache)` says how many.

    >>> cache = KVCache(context_length=3)
    >>> K, V = cache.append(torch.tensor([[1.0], [2.0]]), torch.tensor([[5.0], [6.0]]))
    >>> cache.append(torch.tensor([[3.0]]), torch.tensor([[7.0]]))
    (tensor([[1.],
            [2.],
            [3.]]), tensor([[5.],
            [6.],
            [7.]]))
    """

    def __init__(self, context_length: int) -> None:
        """Make an empty cache with room for context_length positions."""
        ### BEGIN SOLUTION
        self.context_length = context_length
        self.n = 0
        self.K: Tensor | None = None  # made when the first keys come, which bring the other sizes
        self.V: Tensor | None = None
        ### END SOLUTION

    def append(
        self, K: Float[Tensor, "*batch n d_head"], V: Float[Tensor, "*batch n d_head"]
    ) -> tuple[Float[Tensor, "*batch n_all d_head"], Float[Tensor, "*batch n_all d_head"]]:
        """Add the keys and values of new positions, and return those of all positions so far, oldest first.

        Raises ValueError where they would be more than context_length.
        """
        ### BEGIN SOLUTION
        n_all = self.n + K.shape[-2]
        if n_all > self.context_length:
            raise ValueError(f"expected at most {self.context_length} positions, got {n_all}")
        if self.K is None or self.V is None:
            *batch, _, d_head = K.shape
            self.K = K.new_zeros(*batch, self.context_length, d_head)
            self.V = torch.zeros_like(self.K)
        self.K[..., self.n : n_all, :] = K
        self.V[..., self.n : n_all, :] = V
        self.n = n_all
        return self.K[..., :n_all, :], self.V[..., :n_all, :]
        ### END SOLUTION

    def __len__(self) -> int:
        """Return how many positions are kept."""
        ### BEGIN SOLUTION
        return self.n
        ### END SOLUTION


def attend_with_cache(
    x_new: Float[Tensor, "*batch n_new d_model"],
    cache: KVCache,
    W_Q: Float[Tensor, "d_model d_model"],
    W_K: Float[Tensor, "d_model d_model"],
    W_V: Float[Tensor, "d_model d_model"],
    W_O: Float[Tensor, "d_model d_model"],
    n_heads: int,
) -> Float[Tensor, "*batch n_new d_model"]:
    """Return the update of causal multi-head attention for new positions; the cache has those before them.

    It is what `multi_head_attention` on the whole text gives for its last n_new rows. The new keys and values
    join the cache.

    >>> one, cache = torch.tensor([[1.0]]), KVCache(context_length=3)
    >>> for x in (2.0, 4.0, 9.0):  # all scores are 0, so each row is the mean of the values so far
    ...     print(attend_with_cache(torch.tensor([[x]]), cache, 0 * one, 0 * one, one, one, n_heads=1).item())
    2.0
    3.0
    5.0
    """
    ### BEGIN SOLUTION
    n_before, n_new = len(cache), x_new.shape[-2]
    Q, K, V = (split_heads(x_new @ W, n_heads) for W in (W_Q, W_K, W_V))
    K, V = cache.append(K, V)
    mask = causal_mask(n_before + n_new)[n_before:]  # of the whole text's mask, the rows of the new queries
    pattern = attention_pattern(attention_scores(Q, K), mask.to(x_new.device))
    return merge_heads(pattern @ V) @ W_O
    ### END SOLUTION
