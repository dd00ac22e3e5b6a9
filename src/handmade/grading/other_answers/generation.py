# mypy: disable-error-code="no-untyped-def"
"""Lesson 13, with torch.multinomial, sets of ids, one vectorised choice for all rows, and caches that are joined anew."""

import torch
import torch.nn.functional as F


def sample(probabilities, generator):
    return torch.multinomial(probabilities, num_samples=1, generator=generator).item()


def top_k_filter(logits, k):
    values, places = torch.topk(logits, min(k, logits.size(-1)), dim=-1)
    return torch.full_like(logits, float("-inf")).scatter(-1, places, values)


def top_p_filter(logits, p):
    probabilities = logits.softmax(dim=-1)
    # What is likelier than a token, added up: an all-against-all comparison instead of a sort.
    likelier = probabilities.unsqueeze(-2) > probabilities.unsqueeze(-1)
    before = (likelier * probabilities.unsqueeze(-2)).sum(dim=-1)
    return torch.where(before < p, logits, torch.tensor(float("-inf"), dtype=logits.dtype))


def choose_token(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    return int(_choose_rows(logits[None], temperature, top_k, top_p, generator)[0])


def _choose_rows(logits, temperature, top_k, top_p, generator):
    if temperature == 0:
        return logits.max(dim=-1).indices
    logits = logits.div(temperature)
    logits = logits if top_k is None else top_k_filter(logits, top_k)
    logits = logits if top_p is None else top_p_filter(logits, top_p)
    return torch.multinomial(F.softmax(logits, dim=-1), 1, generator=generator).squeeze(-1)


@torch.no_grad()
def generate(model, ids, n_new, temperature=1.0, top_k=None, top_p=None, generator=None, stop=None):
    text = ids.clone() if ids.ndim == 2 else ids.unsqueeze(0)
    done = torch.zeros(text.size(0), dtype=torch.bool, device=text.device)
    mode = model.training
    model.train(False)
    limit = model.config.context_length
    for _ in range(n_new):
        logits = model(text[:, max(0, text.size(1) - limit) :])[:, -1, :]
        new = _choose_rows(logits, temperature, top_k, top_p, generator)
        if stop is not None:
            new = new.masked_fill(done, stop)
            done |= new == stop
        text = torch.hstack([text, new.unsqueeze(1)])
        if done.all():
            break
    model.train(mode)
    return text if ids.ndim == 2 else text.squeeze(0)


class KVCache:
    def __init__(self, room):
        self.room = room
        self.pair = None

    def __len__(self):
        return 0 if self.pair is None else self.pair.size(-2)

    def append(self, K, V):
        new = torch.stack([K, V])
        if len(self) + new.size(-2) > self.room:
            raise ValueError(f"no room for {new.size(-2)} more")
        self.pair = new if self.pair is None else torch.cat([self.pair, new], dim=-2)
        return self.pair.unbind(0)


def attend_with_cache(x_new, cache, W_Q, W_K, W_V, W_O, n_heads):
    def cut(W):
        return (x_new @ W).unflatten(-1, (n_heads, -1)).movedim(-2, -3)

    K, V = cache.append(cut(W_K), cut(W_V))
    n_new, n_all = x_new.size(-2), K.size(-2)
    may_see = torch.ones(n_new, n_all, dtype=torch.bool).tril(n_all - n_new)
    mixed = F.scaled_dot_product_attention(cut(W_Q), K, V, attn_mask=may_see)
    return torch.einsum("...hne,hed->...nd", mixed, W_O.unflatten(0, (n_heads, -1)))
