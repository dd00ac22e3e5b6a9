# mypy: disable-error-code="no-untyped-def"
"""Lesson 11, with torch's own norms and attention, parameters counted on a model without numbers, names changed by patterns."""

import re
from collections import OrderedDict
from dataclasses import dataclass, field, fields

import torch
import torch.nn.functional as F
from torch import nn


def layer_norm(x, gain, bias, eps=1e-5):
    variance, mean = torch.var_mean(x, dim=-1, unbiased=False, keepdim=True)
    return torch.addcmul(bias, (x - mean) * torch.rsqrt(variance + eps), gain)


class LayerNorm(nn.LayerNorm):
    """torch's, unchanged: it takes the width, and has the same names."""


class MLPLayer(nn.Module):
    def __init__(self, d_model, d_mlp):
        super().__init__()
        self.add_module("down", nn.Linear(d_mlp, d_model))
        self.add_module("up", nn.Linear(d_model, d_mlp))
        self.bend = nn.GELU(approximate="tanh")

    def forward(self, x):
        return nn.Sequential(self.up, self.bend, self.down)(x)


@dataclass(frozen=True)
class GPTConfig:
    vocab_size: int
    context_length: int
    d_model: int
    n_layers: int
    n_heads: int
    d_mlp: int | None = field(default=None)
    tied: bool = field(default=True)

    def __post_init__(self):
        if self.d_mlp is None:
            self.__dict__["d_mlp"] = self.d_model * 4
        sizes = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "tied"}
        bad = [name for name, size in sizes.items() if not size >= 1]
        if bad or divmod(self.d_model, self.n_heads)[1] != 0:
            raise ValueError(f"these sizes make no model: {bad or 'n_heads'}")

    @property
    def d_head(self):
        return int(self.d_model / self.n_heads)


class _Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        d = config.d_model
        self.query, self.key, self.value, self.output = (nn.Linear(d, d) for _ in range(4))
        self.heads = config.n_heads
        self.register_buffer(
            "mask", torch.ones(config.context_length, config.context_length).tril() > 0, persistent=False
        )

    def forward(self, x):
        def cut(y):
            return y.view(*y.shape[:-1], self.heads, -1).movedim(-2, -3)

        n = x.size(-2)
        y = F.scaled_dot_product_attention(
            cut(self.query(x)), cut(self.key(x)), cut(self.value(x)), attn_mask=self.mask[:n, :n]
        )
        return self.output(y.movedim(-3, -2).reshape(x.shape))


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.d_model, eps=1e-5)
        self.attention = _Attention(config)
        self.mlp_norm = nn.LayerNorm(config.d_model, eps=1e-5)
        layers = OrderedDict(
            up=nn.Linear(config.d_model, config.d_mlp),
            bend=nn.GELU(approximate="tanh"),
            down=nn.Linear(config.d_mlp, config.d_model),
        )
        self.mlp = nn.Sequential(layers)

    def forward(self, x):
        half_way = torch.add(x, self.attention(self.attention_norm(x)))
        return torch.add(half_way, self.mlp(self.mlp_norm(half_way)))


def init_weights(model, generator=None):
    writers = {id(block.attention.output) for block in model.blocks} | {
        id(block.mlp.down) for block in model.blocks
    }
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            scale = len(writers) ** -0.5 if id(module) in writers else 1
            with torch.no_grad():
                module.weight.normal_(0, 0.02 * scale, generator=generator)
                if getattr(module, "bias", None) is not None:
                    module.bias.zero_()
        elif module._parameters.get("weight") is not None:
            module.weight.data[:] = 1
            module.bias.data[:] = 0


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.unembedding = nn.Linear(config.d_model, config.vocab_size, bias=False)
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        if config.tied:
            self.token_embedding.weight = self.unembedding.weight
        self.position_embedding = nn.Embedding(config.context_length, config.d_model)
        self.blocks = nn.Sequential(*[Block(config) for _ in range(config.n_layers)])
        self.final_norm = nn.LayerNorm(config.d_model)
        self.config = config

    def forward(self, ids):
        n = ids.size(1)
        if n > self.config.context_length:
            raise ValueError("too long")
        if not bool(torch.isin(ids, torch.arange(self.config.vocab_size)).all()):
            raise ValueError("no such token")
        x = self.token_embedding(ids) + self.position_embedding(torch.arange(n, device=ids.device))
        return self.unembedding(self.final_norm(self.blocks(x)))


def count_parameters(config):
    with torch.device("meta"):
        model = GPT(config)
    keys = {
        r"token_embedding": "embedding", r"query\.weight": "query", r"key\.weight": "key",
        r"value\.weight": "value_down", r"output\.weight": "value_up", r"up\.weight": "mlp_up",
        r"down\.weight": "mlp_down", r"unembedding": "unembedding", r"position": "positions", r"norm": "norms",
        r"bias": "biases",
    }  # fmt: skip
    counts = dict.fromkeys(keys.values(), 0)
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if name == "unembedding.weight" and config.tied:
            continue
        counts[next(key for pattern, key in keys.items() if re.search(pattern, name))] += parameter.numel()
    counts["total"] = sum(p.numel() for p in model.parameters())
    counts["matrices"] = counts["total"] - counts["positions"] - counts["norms"] - counts["biases"]
    return counts


def from_gpt2_state_dict(state_dict):
    patterns = [
        (r"^(transformer\.)?wte", "token_embedding"), (r"^(transformer\.)?wpe", "position_embedding"),
        (r"^(transformer\.)?ln_f", "final_norm"), (r"^(transformer\.)?h\.", "blocks."), (r"ln_1", "attention_norm"),
        (r"ln_2", "mlp_norm"), (r"attn\.c_proj", "attention.output"), (r"c_fc", "up"), (r"mlp\.c_proj", "mlp.down"),
    ]  # fmt: skip
    ours = {}
    for old, numbers in state_dict.items():
        if re.search(r"(^lm_head|\battn\.(masked_)?bias$)", old):
            continue
        new = old
        for pattern, word in patterns:
            new = re.sub(pattern, word, new)
        if "c_attn" in new:
            d = numbers.shape[-1] // 3
            for part, own in zip(torch.split(numbers, d, dim=-1), ("query", "key", "value"), strict=True):
                ours[new.replace("attn.c_attn", f"attention.{own}")] = part.t().contiguous()
        elif re.search(r"(output|up|down)\.weight$", new):
            ours[new] = torch.einsum("io->oi", numbers).clone()
        else:
            ours[new] = numbers.clone()
    return ours | {"unembedding.weight": ours["token_embedding.weight"]}
