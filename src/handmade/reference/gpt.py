"""The whole model: from token ids to logits.

Read it from the bottom up or from the top down: a GPT is two tables of vectors, a stack of blocks, a last
norm and an unembedding; a block is attention and an MLP, each behind a norm of its own, and each added to
what was there. (Radford et al., *Language Models are Unsupervised Multitask Learners*, 2019, section 2.3:
GPT-2.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from handmade.reference.embeddings import embed_with_positions
from handmade.reference.mlp import gelu_tanh
from handmade.reference.multi_head import MultiHeadAttention, attention_parameters


def layer_norm(
    x: Float[Tensor, "*batch d"], gain: Float[Tensor, "d"], bias: Float[Tensor, "d"], eps: float = 1e-5
) -> Float[Tensor, "*batch d"]:
    """Return each vector of x with mean 0 and variance 1, times `gain`, plus `bias`.

    Mean and variance are those of the vector's own d numbers: `(x - mean) / √(variance + eps)`, where the
    variance is the mean of the squared distances from the mean. (Ba, Kiros and Hinton, *Layer Normalization*,
    2016.)

    >>> x = torch.tensor([[1.0, 5.0], [20.0, 10.0]])
    >>> layer_norm(x, gain=torch.tensor([1.0, 3.0]), bias=torch.tensor([0.0, 7.0]))
    tensor([[-1.0000, 10.0000],
            [ 1.0000,  4.0000]])
    """
    ### BEGIN SOLUTION
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = (centred**2).mean(dim=-1, keepdim=True)
    return gain * centred / torch.sqrt(variance + eps) + bias
    ### END SOLUTION


class LayerNorm(nn.Module):
    """A `layer_norm` that owns its gain and its bias, under the names that `nn.LayerNorm` gives them.

    >>> norm = LayerNorm(2)
    >>> x = torch.tensor([1.0, 5.0])
    >>> norm(x).tolist() == layer_norm(x, torch.ones(2), torch.zeros(2)).tolist()
    True
    """

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_model))  # the gain
        self.bias = nn.Parameter(torch.zeros(d_model))

    def forward(self, x: Float[Tensor, "*batch d_model"]) -> Float[Tensor, "*batch d_model"]:
        """Return the vectors x, normalised."""
        ### BEGIN SOLUTION
        return layer_norm(x, self.weight, self.bias)
        ### END SOLUTION


class MLPLayer(nn.Module):
    """An MLP that owns its weights: `layer(x)` is the update, of the shape of x.

    `up` and `down` are `nn.Linear` layers with a bias, from d_model numbers to d_mlp and back; between them
    is GPT-2's GELU.

    >>> layer = MLPLayer(d_model=3, d_mlp=7)
    >>> layer(torch.zeros(5, 3)).shape, layer.up.weight.shape
    (torch.Size([5, 3]), torch.Size([7, 3]))
    """

    def __init__(self, d_model: int, d_mlp: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.up = nn.Linear(d_model, d_mlp)
        self.down = nn.Linear(d_mlp, d_model)
        ### END SOLUTION

    def forward(self, x: Float[Tensor, "*batch d_model"]) -> Float[Tensor, "*batch d_model"]:
        """Return the update for the vectors x."""
        ### BEGIN SOLUTION
        return self.down(gelu_tanh(self.up(x)))
        ### END SOLUTION


@dataclass(frozen=True)
class GPTConfig:
    """The sizes of a model, fixed once it is made: whoever has the config can build the model again.

    `d_mlp` is 4 · d_model where it is left out, and then reads so. `tied`: the unembedding is the embedding's
    own matrix. Raises ValueError for a size below 1, and where n_heads does not divide d_model.

    >>> config = GPTConfig(vocab_size=50257, context_length=1024, d_model=768, n_layers=12, n_heads=12)
    >>> config.d_mlp, config.d_head
    (3072, 64)
    """

    vocab_size: int
    context_length: int
    d_model: int
    n_layers: int
    n_heads: int
    d_mlp: int | None = None
    tied: bool = True

    def __post_init__(self) -> None:
        """Fill in d_mlp, and refuse sizes of which no model can be made; Python calls it after `__init__`."""
        ### BEGIN SOLUTION
        if self.d_mlp is None:
            object.__setattr__(self, "d_mlp", 4 * self.d_model)  # frozen, so `self.d_mlp = …` is refused
        for name in ("vocab_size", "context_length", "d_model", "n_layers", "n_heads", "d_mlp"):
            size = getattr(self, name)
            if size < 1:
                raise ValueError(f"expected {name} of at least 1, got {size}")
        if self.d_model % self.n_heads:
            raise ValueError(
                f"expected a d_model that {self.n_heads} heads can share evenly, got {self.d_model}"
            )
        ### END SOLUTION

    @property
    def d_head(self) -> int:
        """How many numbers each head works with, so that all heads together have d_model."""
        ### BEGIN SOLUTION
        return self.d_model // self.n_heads
        ### END SOLUTION


class Block(nn.Module):
    """One layer of the model: every position takes in what it needs of earlier ones, then is worked on alone.

    `attention` and `mlp` each read a normalised copy of x (`attention_norm`, `mlp_norm`), and what they
    return is added to x itself. The shape stays.

    >>> block = Block(GPTConfig(vocab_size=5, context_length=4, d_model=6, n_layers=1, n_heads=3))
    >>> block(torch.zeros(2, 4, 6)).shape
    torch.Size([2, 4, 6])
    """

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.attention_norm = LayerNorm(config.d_model)
        self.attention = MultiHeadAttention(config.d_model, config.n_heads)
        self.mlp_norm = LayerNorm(config.d_model)
        self.mlp = MLPLayer(config.d_model, config.d_mlp)
        ### END SOLUTION

    def forward(self, x: Float[Tensor, "*batch n d_model"]) -> Float[Tensor, "*batch n d_model"]:
        """Return x plus the update of attention, plus the update of the MLP."""
        ### BEGIN SOLUTION
        x = x + self.attention(self.attention_norm(x))
        x = x + self.mlp(self.mlp_norm(x))
        return x
        ### END SOLUTION


def init_weights(model: GPT, generator: torch.Generator | None = None) -> None:
    """Give all parameters of the model new values to start from, in place.

    Matrices: normal numbers with mean 0 and standard deviation 0.02. The matrices that write into the
    residual stream (`attention.output`, `mlp.down`): 0.02 / √(2 · n_layers), as there are 2 · n_layers of
    them. Biases 0, gains 1. All numbers are drawn from the generator, or from torch's own where there is
    none. (GPT-2's recipe.)

    >>> config = GPTConfig(vocab_size=5, context_length=4, d_model=64, n_layers=8, n_heads=2)
    >>> model = GPT(config)
    >>> init_weights(model, torch.Generator().manual_seed(0))
    >>> mlp = model.blocks[0].mlp
    >>> print(f"{mlp.up.weight.std():.3f} {mlp.down.weight.std():.3f} {mlp.down.bias.std():.3f}")
    0.020 0.005 0.000
    """
    ### BEGIN SOLUTION
    into_the_stream = ("attention.output.weight", "mlp.down.weight")
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif name.endswith("norm.weight"):
            nn.init.ones_(parameter)
        else:
            std = 0.02 / math.sqrt(2 * model.config.n_layers) if name.endswith(into_the_stream) else 0.02
            nn.init.normal_(parameter, std=std, generator=generator)
    ### END SOLUTION


class GPT(nn.Module):
    """A GPT: `model(ids)` gives, for every position, the logits of the token that comes next.

    Where the config says `tied`, `unembedding.weight` is `token_embedding.weight` itself. A new model has the
    values of `init_weights`. Raises ValueError for more tokens than context_length, and for an id outside the
    vocabulary.

    >>> model = GPT(GPTConfig(vocab_size=5, context_length=4, d_model=6, n_layers=2, n_heads=3))
    >>> model(torch.tensor([[4, 0, 4], [1, 2, 3]])).shape
    torch.Size([2, 3, 5])
    """

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.position_embedding = nn.Embedding(config.context_length, config.d_model)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self.final_norm = LayerNorm(config.d_model)
        self.unembedding = nn.Linear(config.d_model, config.vocab_size, bias=False)
        if config.tied:
            self.unembedding.weight = self.token_embedding.weight  # one parameter under two names
        init_weights(self)
        ### END SOLUTION

    def forward(self, ids: Int[Tensor, "*batch n"]) -> Float[Tensor, "*batch n vocab_size"]:
        """Return the logits: at each position, one for each token that may come next."""
        ### BEGIN SOLUTION
        if ((ids < 0) | (ids >= self.config.vocab_size)).any():
            raise ValueError(f"expected ids from 0 to {self.config.vocab_size - 1}, got {ids.tolist()}")
        x = embed_with_positions(ids, self.token_embedding.weight, self.position_embedding.weight)
        for block in self.blocks:
            x = block(x)
        return self.unembedding(self.final_norm(x))
        ### END SOLUTION


def count_parameters(config: GPTConfig) -> dict[str, int]:
    """Return how many numbers a model of this config learns, by kind.

    Keys: "embedding", "query", "key", "value_down", "value_up", "mlp_up", "mlp_down", "unembedding" (0 where
    it is tied); "positions", "biases" (of the linear layers), "norms" (gains and biases); then "matrices",
    the sum of the first eight, and "total", the sum of the first eleven.

    >>> sizes = {"d_model": 2, "n_layers": 1, "n_heads": 1, "d_mlp": 5}
    >>> config = GPTConfig(vocab_size=10, context_length=3, **sizes, tied=False)
    >>> counts = count_parameters(config)
    >>> [counts[part] for part in ("query", "mlp_up", "biases", "norms", "matrices", "total")]
    [4, 10, 15, 12, 76, 109]
    """
    ### BEGIN SOLUTION
    d_model, d_mlp, n_layers = config.d_model, config.d_mlp, config.n_layers
    matrices = {"embedding": config.vocab_size * d_model}
    matrices |= attention_parameters(d_model, config.n_heads, config.d_head, n_layers)
    matrices |= {"mlp_up": n_layers * d_model * d_mlp, "mlp_down": n_layers * d_mlp * d_model}
    matrices["unembedding"] = 0 if config.tied else d_model * config.vocab_size
    others = {
        "positions": config.context_length * d_model,
        "biases": n_layers * (4 * d_model + d_mlp + d_model),  # query, key, value, output; up; down
        "norms": n_layers * 2 * (2 * d_model) + 2 * d_model,  # two in each block, one at the end
    }
    sums = {"matrices": sum(matrices.values()), "total": sum(matrices.values()) + sum(others.values())}
    return matrices | others | sums
    ### END SOLUTION


def from_gpt2_state_dict(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return GPT-2's published weights under the names of `GPT`, ready for `GPT(config).load_state_dict`.

    The published names may begin with "transformer."; the buffers of the mask (`attn.bias`,
    `attn.masked_bias`) and `lm_head` are left out. GPT-2 multiplies rows, `x @ W`, where `nn.Linear` keeps
    the transpose of W; and its `c_attn` holds query, key and value side by side.

    >>> up = torch.tensor([[1, 2, 3], [4, 5, 6]])
    >>> theirs = {"h.0.mlp.c_fc.weight": up, "h.0.attn.bias": torch.ones(1, 1, 4, 4)}
    >>> from_gpt2_state_dict(theirs)
    {'blocks.0.mlp.up.weight': tensor([[1, 4],
            [2, 5],
            [3, 6]])}
    """
    ### BEGIN SOLUTION
    words = {
        "transformer.": "", "h.": "blocks.", "wte": "token_embedding", "wpe": "position_embedding",
        "ln_f": "final_norm", "ln_1": "attention_norm", "ln_2": "mlp_norm",
        "attn.c_proj": "attention.output", "mlp.c_fc": "mlp.up", "mlp.c_proj": "mlp.down",
    }  # fmt: skip
    ours = {}
    for name, numbers in state_dict.items():
        if "lm_head" in name or name.endswith((".attn.bias", ".attn.masked_bias")):
            continue
        if ".c_" in name and name.endswith("weight"):  # a matrix of a linear layer
            numbers = numbers.T
        for theirs, own in words.items():
            name = name.replace(theirs, own)
        if "attn.c_attn" in name:  # after the transpose, its three parts lie one below the other
            for third, part in zip(("query", "key", "value"), numbers.chunk(3), strict=True):
                ours[name.replace("attn.c_attn", f"attention.{third}")] = part
        else:
            ours[name] = numbers
    if "token_embedding.weight" in ours:
        ours["unembedding.weight"] = ours["token_embedding.weight"]  # tied
    return ours
    ### END SOLUTION
