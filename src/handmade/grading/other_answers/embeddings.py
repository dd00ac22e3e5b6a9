# mypy: disable-error-code="no-untyped-def"
"""Lesson 06, in torch's short forms."""

import torch
import torch.nn.functional as F


def one_hot(ids, vocab_size):
    if ids.numel() and not (int(ids.min()) >= 0 and int(ids.max()) < vocab_size):
        raise ValueError("no such token")
    return F.one_hot(ids, vocab_size)


def embed(ids, W_E):
    return F.embedding(ids, W_E)


def nearest_tokens(vector, W_E, k):
    return torch.argsort(F.cosine_similarity(W_E, vector[None], dim=-1), descending=True)[:k]


def analogy(W_E, a, b, c, k=1):
    similar = F.cosine_similarity(W_E, (W_E[b] - W_E[a] + W_E[c])[None])
    similar[[a, b, c]] = -torch.inf
    return torch.topk(similar, k)[1]


def cooccurrence_vectors(ids, vocab_size, window, d_model):
    """Double precision; all pairs of places at once; eigenvalues of the symmetric table; U S."""
    places = torch.arange(len(ids))
    gap = (places[:, None] - places[None]).abs()
    i, j = torch.nonzero((gap > 0) & (gap <= window), as_tuple=True)
    counts = torch.bincount(ids[i] * vocab_size + ids[j], minlength=vocab_size**2).double()
    counts = counts.reshape(vocab_size, vocab_size)
    share = counts / counts.sum()
    chance = torch.outer(share.sum(1), share.sum(0))
    table = torch.log2((share / chance).nan_to_num(0)).clamp(min=0)
    values, vectors = torch.linalg.eigh(table)
    strongest = values.abs().argsort(descending=True)[:d_model]
    return vectors[:, strongest] * values[strongest].abs() * (counts.sum(1, keepdim=True) > 0)


def sinusoidal_positions(context_length, d_model):
    angle = torch.outer(
        torch.arange(context_length).float(),
        torch.logspace(0, -4 * (d_model - 2) / d_model, d_model // 2),
    )
    return torch.stack([angle.sin(), angle.cos()], -1).reshape(context_length, d_model)


def embed_with_positions(ids, W_E, W_P):
    if ids.shape[-1] > W_P.shape[0]:
        raise ValueError("too long")
    return torch.einsum("...v,vd->...d", F.one_hot(ids, len(W_E)).to(W_E), W_E) + F.embedding(
        torch.arange(ids.shape[-1]), W_P
    )
