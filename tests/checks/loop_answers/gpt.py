"""Lesson 11, number by number and name by name."""

import math
from dataclasses import dataclass

import torch
from torch import nn


def layer_norm(x, gain, bias, eps=1e-5):
    d = x.shape[-1]
    rows = []
    for row in x.reshape(-1, d):
        mean = sum(row) / d
        variance = sum((number - mean) ** 2 for number in row) / d
        rows.append([gain[i] * (row[i] - mean) / (variance + eps) ** 0.5 + bias[i] for i in range(d)])
    return torch.stack([torch.stack(row) for row in rows]).reshape(x.shape)


class LayerNorm(torch.nn.Module):
    def __init__(self, width):
        torch.nn.Module.__init__(self)
        self.register_parameter("bias", nn.Parameter(torch.zeros(width)))
        self.register_parameter("weight", nn.Parameter(torch.ones(width)))

    def forward(self, vectors):
        mean = vectors.mean(-1)[..., None]
        centred = vectors - mean
        spread = (vectors.square().mean(-1)[..., None] - mean.square() + 1e-5).sqrt()
        return centred / spread * self.weight + self.bias


class MLPLayer(nn.Module):
    def __init__(self, width, neurons):
        super().__init__()
        self.up = nn.Linear(width, neurons, True)
        self.down = nn.Linear(neurons, width, True)

    def forward(self, x):
        z = x @ self.up.weight.T + self.up.bias
        bent = 0.5 * z * (1 + torch.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z * z * z)))
        return bent @ self.down.weight.T + self.down.bias


@dataclass(frozen=True)
class GPTConfig:
    vocab_size: int
    context_length: int
    d_model: int
    n_layers: int
    n_heads: int
    d_mlp: int = None
    tied: bool = True

    def __post_init__(self):
        if self.vocab_size < 1 or self.context_length < 1 or self.d_model < 1 or self.n_layers < 1:
            raise ValueError("too small")
        if self.n_heads < 1:
            raise ValueError("no heads")
        if self.d_model // self.n_heads * self.n_heads != self.d_model:
            raise ValueError("uneven")
        if self.d_mlp is None:
            super().__setattr__("d_mlp", sum([self.d_model] * 4))
        elif self.d_mlp <= 0:
            raise ValueError("no neurons")

    d_head = property(lambda self: self.d_model // self.n_heads)


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.n_heads = config.n_heads
        for name in ("query", "key", "value", "output"):
            setattr(self, name, nn.Linear(config.d_model, config.d_model))

    def forward(self, x):
        n, d_head = x.shape[-2], x.shape[-1] // self.n_heads
        q, k, v = self.query(x), self.key(x), self.value(x)
        answers = []
        for h in range(self.n_heads):
            own = slice(h * d_head, (h + 1) * d_head)
            rows = []
            for i in range(n):  # each query sees what came so far
                scores = (k[..., : i + 1, own] @ q[..., i, own, None]).squeeze(-1) / d_head**0.5
                weights = scores.softmax(-1)
                rows.append((weights[..., None] * v[..., : i + 1, own]).sum(-2))
            answers.append(torch.stack(rows, dim=-2))
        return self.output(torch.cat(answers, dim=-1))


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.mlp = MLPLayer(config.d_model, config.d_mlp)
        self.mlp_norm = LayerNorm(config.d_model)
        self.attention = Attention(config)
        self.attention_norm = LayerNorm(config.d_model)

    def forward(self, x):
        update = self.attention(self.attention_norm(x))
        return x + update + self.mlp(self.mlp_norm(x + update))


def init_weights(model, generator=None):
    def fill(parameter, std):
        parameter.data.copy_(torch.randn(parameter.shape, generator=generator) * std)

    fill(model.token_embedding.weight, 0.02)
    fill(model.position_embedding.weight, 0.02)
    norms = [model.final_norm]
    for block in model.blocks:
        norms += [block.attention_norm, block.mlp_norm]
        attention = block.attention
        for linear in (attention.query, attention.key, attention.value, block.mlp.up):
            fill(linear.weight, 0.02)
            linear.bias.data.fill_(0)
        for linear in (attention.output, block.mlp.down):
            fill(linear.weight, 0.02 / (2 * model.config.n_layers) ** 0.5)
            linear.bias.data.fill_(0)
    for norm in norms:
        norm.weight.data.fill_(1)
        norm.bias.data.fill_(0)
    if not model.config.tied:
        fill(model.unembedding.weight, 0.02)


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.position_embedding = nn.Embedding(config.context_length, config.d_model)
        self.blocks = nn.ModuleList()
        for _ in range(config.n_layers):
            self.blocks.append(Block(config))
        self.final_norm = LayerNorm(config.d_model)
        self.unembedding = nn.Linear(config.d_model, config.vocab_size, False)
        if config.tied:
            self.unembedding.weight = self.token_embedding.weight
        init_weights(self)

    def forward(self, token_ids):
        texts = []
        for text in token_ids.tolist():
            if len(text) > self.config.context_length:
                raise ValueError("too long")
            for token in text:
                if token not in range(self.config.vocab_size):
                    raise ValueError("unknown token")
            vectors = [
                self.token_embedding.weight[token] + self.position_embedding.weight[place]
                for place, token in enumerate(text)
            ]
            texts.append(torch.stack(vectors))
        x = torch.stack(texts)
        for layer in range(self.config.n_layers):
            x = self.blocks[layer](x)
        return self.final_norm(x) @ self.unembedding.weight.T


def count_parameters(config):
    d, m = config.d_model, config.d_mlp
    counts = {"positions": 0, "embedding": 0}
    for _ in range(config.vocab_size if config.vocab_size < 100 else 1):
        counts["embedding"] += d * (1 if config.vocab_size < 100 else config.vocab_size)
    counts["positions"] += config.context_length * d
    for key in ("query", "key", "value_down", "value_up"):
        counts[key] = sum(config.n_heads * d * config.d_head for _ in range(config.n_layers))
    counts["mlp_up"] = counts["mlp_down"] = sum(d * m for _ in range(config.n_layers))
    counts["unembedding"] = counts["embedding"] * (not config.tied)
    counts["norms"] = 2 * d
    counts["biases"] = 0
    for _ in range(config.n_layers):
        counts["norms"] += 4 * d
        counts["biases"] += d + d + d + d + m + d
    counts["matrices"] = sum(counts[key] for key in counts if key not in ("norms", "biases", "positions"))
    counts["total"] = counts["matrices"] + counts["norms"] + counts["biases"] + counts["positions"]
    return counts


def from_gpt2_state_dict(state_dict):
    prefix = "transformer." if "transformer.wte.weight" in state_dict else ""
    ours = {"token_embedding.weight": state_dict[prefix + "wte.weight"]}
    ours["unembedding.weight"] = ours["token_embedding.weight"]
    ours["position_embedding.weight"] = state_dict[prefix + "wpe.weight"]
    ours["final_norm.weight"] = state_dict[prefix + "ln_f.weight"]
    ours["final_norm.bias"] = state_dict[prefix + "ln_f.bias"]
    layer = 0
    while f"{prefix}h.{layer}.ln_1.weight" in state_dict:
        theirs, block = f"{prefix}h.{layer}.", f"blocks.{layer}."
        for old, new in (("ln_1", "attention_norm"), ("ln_2", "mlp_norm")):
            ours[f"{block}{new}.weight"] = state_dict[f"{theirs}{old}.weight"]
            ours[f"{block}{new}.bias"] = state_dict[f"{theirs}{old}.bias"]
        for old, new in (
            ("attn.c_proj", "attention.output"),
            ("mlp.c_fc", "mlp.up"),
            ("mlp.c_proj", "mlp.down"),
        ):
            ours[f"{block}{new}.weight"] = state_dict[f"{theirs}{old}.weight"].transpose(0, 1)
            ours[f"{block}{new}.bias"] = state_dict[f"{theirs}{old}.bias"]
        fused, bias = state_dict[f"{theirs}attn.c_attn.weight"], state_dict[f"{theirs}attn.c_attn.bias"]
        d = len(fused)
        for i, name in enumerate(["query", "key", "value"]):
            ours[f"{block}attention.{name}.weight"] = fused[:, i * d : i * d + d].transpose(0, 1)
            ours[f"{block}attention.{name}.bias"] = bias[i * d : i * d + d]
        layer += 1
    return ours
