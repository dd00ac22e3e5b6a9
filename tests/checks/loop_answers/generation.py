"""Lesson 13, token by token, number by number."""

import math

import numpy as np
import torch


def sample(probabilities, generator):
    dart = torch.rand((), generator=generator).item()
    likely = 0
    for token, probability in enumerate(probabilities.tolist()):
        if probability > 0:
            likely = token
        dart -= probability
        if dart < 0 and probability > 0:
            return token
    return likely  # the probabilities fall short of 1 by a rounding


def top_k_filter(logits, k):
    rows = []
    for row in logits.reshape(-1, logits.shape[-1]).tolist():
        kth = sorted(row, reverse=True)[min(k, len(row)) - 1]
        rows.append([number if number >= kth else -math.inf for number in row])
    return torch.tensor(rows, dtype=logits.dtype).reshape(logits.shape)


def top_p_filter(logits, p):
    rows = []
    for row in logits.reshape(-1, logits.shape[-1]).tolist():
        weights = [math.exp(number - max(row)) for number in row]
        kept, together = set(), 0.0
        while not kept or (together < p and len(kept) < len(row)):
            best = max((i for i in range(len(row)) if i not in kept), key=lambda i: weights[i])
            kept.add(best)
            together += weights[best] / sum(weights)
        rows.append([number if i in kept else -np.inf for i, number in enumerate(row)])
    return torch.tensor(rows, dtype=logits.dtype).reshape(logits.shape)


def choose_token(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature == 0:
        best = 0
        for i in range(len(logits)):
            if logits[i] > logits[best]:
                best = i
        return best
    logits = logits / temperature
    if top_k is not None:
        logits = top_k_filter(logits, top_k)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    weights = (logits - logits.max()).exp()
    return sample(weights / weights.sum(), generator)


def generate(model, ids, n_new, temperature=1.0, top_k=None, top_p=None, generator=None, stop=None):
    texts = ids.tolist() if ids.dim() > 1 else [ids.tolist()]
    prompt = len(texts[0])
    was = model.training
    model.eval()
    for _ in range(n_new):
        for text in texts:
            if stop is not None and stop in text[prompt:]:
                text.append(stop)
                continue
            seen = torch.tensor([text[-model.config.context_length :]])
            logits = model(seen).detach()[0][-1]
            text.append(choose_token(logits, temperature, top_k, top_p, generator))
        if stop is not None and all(stop in text[prompt:] for text in texts):
            break
    if was:
        model.train()
    return torch.tensor(texts if ids.dim() > 1 else texts[0])


class KVCache:
    def __init__(self, context_length):
        self.context_length = context_length
        self.keys, self.values = [], []  # one entry a position

    def __len__(self):
        return len(self.keys)

    def append(self, keys, values):
        if len(self.keys) + keys.shape[-2] > self.context_length:
            raise ValueError("full")
        for i in range(keys.shape[-2]):
            self.keys.append(keys[..., i, :])
            self.values.append(values[..., i, :])
        return torch.stack(self.keys, dim=-2), torch.stack(self.values, dim=-2)


def attend_with_cache(x_new, cache, W_Q, W_K, W_V, W_O, n_heads):
    d_head = W_Q.shape[1] // n_heads
    rows = []
    for i in range(x_new.shape[-2]):  # each row joins the cache, and then looks at all that is in it
        x = x_new[..., i : i + 1, :]
        K, V = cache.append(x @ W_K, x @ W_V)
        heads = []
        for h in range(n_heads):
            own = slice(h * d_head, (h + 1) * d_head)
            scores = (x @ W_Q[:, own]) @ K[..., own].transpose(-2, -1) / d_head**0.5
            heads.append(scores.softmax(-1) @ V[..., own])
        rows.append(torch.cat(heads, -1) @ W_O)
    return torch.cat(rows, -2)
