"""The whole GPT with a cache in every layer: the model's own logits, and only the newest tokens are computed.

`generate(CachedGPT(model), ids, …)` of lesson 13 then costs one token's work for each token, not the whole
text's.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from handmade.reference.attention import causal_mask
from handmade.reference.generation import KVCache
from handmade.reference.gpt import GPT

BAG_WIDTH = 64  # columns: 32 and 64 were read fastest, 256 and more at half the speed


class Product:
    """A linear layer whose weights lie in memory as they are read fastest for one vector at a time.

    One vector against a matrix is bound by memory: each number is read once and used once. The weights are
    copied where their order is another than the model's. The order changes no result, except by rounding.
    """

    def __init__(
        self, weight: Float[Tensor, "d_out d_in"], bias: Float[Tensor, "d_out"] | None = None
    ) -> None:
        d_out, d_in = weight.shape
        self.weight, self.bias = weight.detach(), None if bias is None else bias.detach()
        self.bags: Tensor | None = None
        if weight.dtype == torch.bfloat16 and weight.device.type == "cpu":
            self._cut_into_bags()
        elif d_out > d_in:  # long runs of neighbours are read faster: by columns, where these are longer
            self.weight = weight.T.contiguous().T

    def _cut_into_bags(self) -> None:
        """Lay the transposed weights out in strips of BAG_WIDTH columns, one strip after the other.

        A product is a sum of the weights' rows, each times one number of x (`column_pieces` of lesson 01),
        which is what torch calls an embedding bag. Without bfloat16 arithmetic in the processor it runs at
        twice the speed of torch's product.
        """
        d_out, d_in = self.weight.shape
        n_bags = -(-d_out // BAG_WIDTH)
        padded = F.pad(self.weight, (0, 0, 0, n_bags * BAG_WIDTH - d_out))
        self.bags = padded.view(n_bags, BAG_WIDTH, d_in).transpose(1, 2).reshape(n_bags * d_in, BAG_WIDTH)
        self.rows = torch.arange(n_bags * d_in).view(n_bags, d_in)

    def __call__(self, x: Float[Tensor, "*rows d_in"]) -> Float[Tensor, "*rows d_out"]:
        """Return x @ weight.T + bias, for one vector or for several as rows."""
        if x.dim() == 1:
            return self._one(x)
        if x.numel() == x.shape[-1]:  # a single row
            return self._one(x.flatten()).view(*x.shape[:-1], -1)
        if self.bags is None:
            return F.linear(x, self.weight, self.bias)
        # Many vectors are bound by arithmetic, which float32 does faster.
        bias = None if self.bias is None else self.bias.float()
        return F.linear(x.float(), self.weight.float(), bias).to(x.dtype)

    def _one(self, x: Float[Tensor, "d_in"]) -> Float[Tensor, "d_out"]:
        if self.bags is not None:
            strips = F.embedding_bag(
                self.rows, self.bags, mode="sum", per_sample_weights=x.expand_as(self.rows)
            )
            y = strips.flatten()[: self.weight.shape[0]]
            return y if self.bias is None else y + self.bias
        if self.bias is None:
            return torch.mv(self.weight, x)
        return torch.addmv(self.bias, self.weight, x)


class Norm:
    """A `layer_norm` with gain and bias at hand, by torch's own fast function."""

    def __init__(self, norm: Any) -> None:
        self.gain, self.bias = norm.weight.detach(), norm.bias.detach()
        self.shape = self.gain.shape

    def __call__(self, x: Float[Tensor, "*rows d"]) -> Float[Tensor, "*rows d"]:
        """Return the vectors x, normalised."""
        return torch.layer_norm(x, self.shape, self.gain, self.bias)


class Layer:
    """A block's norms and products; the three that make queries, keys and values are one."""

    def __init__(self, block: Any) -> None:
        parts = [block.attention.query, block.attention.key, block.attention.value]
        self.attention_norm, self.mlp_norm = Norm(block.attention_norm), Norm(block.mlp_norm)
        self.qkv = Product(torch.cat([p.weight for p in parts]), torch.cat([p.bias for p in parts]))
        linears = (block.attention.output, block.mlp.up, block.mlp.down)
        self.output, self.up, self.down = (Product(linear.weight, linear.bias) for linear in linears)


class CachedGPT(nn.Module):
    """A GPT that remembers what it has read.

    `cached(ids)` gives the model's logits for the last position, of shape (batch, 1, vocab_size).

    Where ids go on from those of the last call, only what is new is computed. Anything else is read from its
    start, also a text that has passed the context limit: there every token stands one position further to the
    front than it did, and all keys and values change with their positions. The weights are those that the
    model has when it is wrapped.

    >>> from handmade.reference.gpt import GPTConfig
    >>> cached = CachedGPT(GPT(GPTConfig(vocab_size=5, context_length=4, d_model=6, n_layers=2, n_heads=3)))
    >>> cached(torch.tensor([[4, 0]])).shape, cached(torch.tensor([[4, 0, 2]])).shape, cached.n_computed
    (torch.Size([1, 1, 5]), torch.Size([1, 1, 5]), 3)
    """

    def __init__(self, model: GPT) -> None:
        super().__init__()
        self.model = model
        self.config = model.config
        self.n_computed = 0  # positions, since this was made: a measure of the work
        with torch.no_grad():
            self.layers = [Layer(block) for block in model.blocks]
            self.final_norm = Norm(model.final_norm)
            self.unembed = Product(model.unembedding.weight)
            self.token_embedding = model.token_embedding.weight.detach()
            self.position_embedding = model.position_embedding.weight.detach()
        self.forget()

    def forget(self) -> None:
        """Make all caches empty."""
        self.seen: Tensor | None = None  # the ids whose keys and values are in the caches
        self.caches = [KVCache(self.config.context_length) for _ in self.layers]

    def forward(self, ids: Int[Tensor, "batch n"]) -> Float[Tensor, "batch 1 vocab_size"]:
        """Return the logits of the token that comes next, in float32 whatever the weights are."""
        n_seen = self._n_to_skip(ids)
        new = ids[:, n_seen:]
        try:
            with torch.inference_mode():
                logits = self._last_logits(new, n_seen)
        except BaseException as error:  # stopped midway: some layers know more than others
            self.forget()
            if isinstance(error, IndexError):
                raise ValueError(
                    f"expected ids from 0 to {self.config.vocab_size - 1}, got {ids.tolist()}"
                ) from error
            raise
        self.seen = ids.clone()
        self.n_computed += new.numel()
        return logits.float().clone()[:, None]  # an ordinary tensor, that may be worked on in place

    def _n_to_skip(self, ids: Tensor) -> int:
        """Return how many of the ids are in the caches already; empty these where the ids do not go on."""
        if self.seen is not None and self.seen.shape[0] == ids.shape[0] and self.seen.shape[1] < ids.shape[1]:
            n_seen = self.seen.shape[1]
            if torch.equal(ids[:, :n_seen], self.seen):
                return n_seen
        self.forget()
        return 0

    def _last_logits(self, new: Int[Tensor, "batch n"], n_seen: int) -> Float[Tensor, "batch vocab_size"]:
        batch, n = new.shape
        if n_seen + n > self.config.context_length:
            raise ValueError(f"expected at most {self.config.context_length} tokens, got {n_seen + n}")
        x = F.embedding(new, self.token_embedding) + self.position_embedding[n_seen : n_seen + n]
        x = x.view(-1, x.shape[-1]) if batch * n > 1 else x.view(-1)  # a row for each token, or one vector
        mask = causal_mask(n_seen + n)[n_seen:].to(x.device) if n_seen and n > 1 else None
        causal = mask is None and n > 1  # one new token may see everything
        for cache, layer in zip(self.caches, self.layers, strict=True):
            heads = layer.qkv(layer.attention_norm(x)).view(batch, n, 3, self.config.n_heads, -1)
            Q, K, V = heads.permute(2, 0, 3, 1, 4).unbind()  # each (batch, n_heads, n, d_head)
            K, V = cache.append(K, V)
            mixed = F.scaled_dot_product_attention(Q, K, V, attn_mask=mask, is_causal=causal)
            x = x + layer.output(mixed.transpose(1, 2).reshape(x.shape))  # the heads side by side again
            x = x + layer.down(F.gelu(layer.up(layer.mlp_norm(x)), approximate="tanh"))
        last = x if x.dim() == 1 else x.view(batch, n, -1)[:, -1]
        return self.unembed(self.final_norm(last)).view(batch, -1)
