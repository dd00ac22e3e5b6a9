"""The speed-run: the loss of a plain GPT in a fraction of its time, by changing one thing at a time.

A `Recipe` names what may be changed, one field a choice. `PLAIN` is a GPT as lessons 11 and 12 make and train
it, with the settings that nanoGPT documents for a processor; `FAST` has all choices that pay.
`replace(PLAIN, norm=RMSNorm)` changes one. A choice is a class or a function, never a switch, so that you can
put in your own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from handmade.reference.gpt import Block, GPTConfig, init_weights
from handmade.reference.multi_head import MultiHeadAttention, fused_attention, merge_heads, split_heads
from handmade.reference.muon import Muon
from handmade.reference.training import get_batch, learning_rate


class LearnedPositions(nn.Module):
    """A vector for each position, added once to the token's own: lesson 06's way, and GPT-2's."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(config.context_length, config.d_model))

    def enter(self, x: Float[Tensor, "*batch n d_model"]) -> Float[Tensor, "*batch n d_model"]:
        """Return the vectors with which the first block begins."""
        return x + self.table[: x.shape[-2]]

    def turn(self, vectors: Float[Tensor, "*batch n d_head"]) -> Float[Tensor, "*batch n d_head"]:
        """Return the queries or keys as they are: the position is in them already."""
        return vectors


class RotaryPositions(nn.Module):
    """Queries and keys are turned by an angle that grows with the position; nothing is added or learned.

    Number i and number i + d_head / 2 are the two coordinates of a point, which turns by
    `position / 10000^(2i / d_head)`. The dot product of two turned vectors depends on how far apart they
    stand, and not on where. (Su et al., *RoFormer*, 2021, section 3.2; d_head must be even.)
    """

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        speed = 10000.0 ** (-torch.arange(0, config.d_head, 2) / config.d_head)
        angle = torch.arange(config.context_length).unsqueeze(1) * speed
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)

    def enter(self, x: Float[Tensor, "*batch n d_model"]) -> Float[Tensor, "*batch n d_model"]:
        """Return the vectors as they are: the position comes in later, in every head."""
        return x

    def turn(self, vectors: Float[Tensor, "*batch n d_head"]) -> Float[Tensor, "*batch n d_head"]:
        """Return the queries or keys, each turned as its position says."""
        n = vectors.shape[-2]
        cos, sin = self.cos[:n].to(vectors.dtype), self.sin[:n].to(vectors.dtype)
        a, b = vectors.chunk(2, dim=-1)
        return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


class RMSNorm(nn.Module):
    """Each vector divided by the root of the mean of its squares: no mean taken off, no gain, no bias.

    (Zhang and Sennrich, *Root Mean Square Layer Normalization*, 2019, equation 4, without its gain.)

    >>> RMSNorm(2)(torch.tensor([3.0, -4.0]))  # divided by √12.5
    tensor([ 0.8485, -1.1314])
    """

    def __init__(self, d_model: int) -> None:
        super().__init__()

    def forward(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        """Return the vectors x, normalised."""
        return x * torch.rsqrt((x * x).mean(dim=-1, keepdim=True) + 1e-6)


def squared_relu(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return x² where x is positive, and 0 elsewhere. (So et al., *Primer*, 2021.)

    >>> squared_relu(torch.tensor([-2.0, 0.0, 3.0]))
    tensor([0., 0., 9.])
    """
    positive = F.relu(x)
    return positive * positive  # on a processor the gradient of a product is faster than that of a square


def zero_projections(model: FastGPT, generator: torch.Generator | None = None) -> None:
    """Give the model `init_weights`' values, but zeros in all that writes into the stream or the logits.

    So every block passes on what it gets, at first, and no token is likelier than another. A tied unembedding
    keeps its values: it is the embedding. (Zhang, Dauphin and Ma, *Fixup Initialization*, 2019, begin each
    residual branch at zero.)
    """
    init_weights(model, generator)
    for block in model.blocks:
        nn.init.zeros_(block.attention.output.weight)
        nn.init.zeros_(block.mlp.down.weight)
    if not model.config.tied:
        nn.init.zeros_(model.unembedding.weight)


def warm_up_and_cosine(step: int, steps: int) -> float:
    """Return lesson 12's schedule as a share of the peak: up for a twentieth of the steps, down to 0.1."""
    return learning_rate(step, warmup=steps // 20, steps=steps, peak=1.0, floor=0.1)


def linear_cool_down(step: int, steps: int) -> float:
    """Return 1 during the first 30 % of the steps, then a straight line that would reach 0 at step = steps.

    >>> [linear_cool_down(step, steps=10) for step in (0, 3, 10)]
    [1.0, 1.0, 0.0]
    """
    return min(1.0, (1 - step / steps) / 0.7)


def adamw(
    model: nn.Module, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.99), weight_decay: float = 0.1
) -> list[torch.optim.Optimizer]:
    """Return torch's own AdamW, which does all in one pass, for all parameters; only matrices decay."""
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in model.parameters() if parameter.ndim < 2]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return [torch.optim.AdamW(groups, lr=lr, betas=betas, fused=True)]


def muon(model: FastGPT, lr: float = 0.02, lr_others: float = 0.016) -> list[torch.optim.Optimizer]:
    """Return Muon for the matrices inside the blocks, and AdamW for all other parameters."""
    matrices = [parameter for parameter in model.blocks.parameters() if parameter.ndim > 1]
    taken = {id(matrix) for matrix in matrices}
    others = [parameter for parameter in model.parameters() if id(parameter) not in taken]
    return [
        Muon(matrices, lr),
        torch.optim.AdamW(others, lr_others, (0.9, 0.99), weight_decay=0.0, fused=True),
    ]


def fast_precision() -> torch.dtype:
    """Return bfloat16 where the processor multiplies such numbers itself; elsewhere float32, faster there."""
    able: dict[str, object] = getattr(
        torch.cpu, "get_capabilities", dict
    )()  # older versions of torch do not tell
    return torch.bfloat16 if able.get("avx512_bf16") or able.get("amx_bf16") else torch.float32


@dataclass(frozen=True)
class Recipe:
    """How a model is made and trained, one field a choice."""

    position: Callable[[GPTConfig], nn.Module] = LearnedPositions
    norm: Callable[[int], nn.Module] = nn.LayerNorm
    activation: Callable[[Tensor], Tensor] = F.gelu
    initialise: Callable[..., None] = init_weights
    tied: bool = True
    optimisers: Callable[..., list[torch.optim.Optimizer]] = adamw
    schedule: Callable[[int, int], float] = warm_up_and_cosine
    precision: torch.dtype = torch.float32
    batch_size: int = 12
    steps: int = 2000


class FastAttention(MultiHeadAttention):
    """Lesson 09's layer, without biases, in its fused form; queries and keys are turned by position."""

    def __init__(self, config: GPTConfig, positions: nn.Module) -> None:
        super().__init__(config.d_model, config.n_heads, bias=False)
        self.turn = positions.turn

    def forward(  # type: ignore[override]
        self, x: Float[Tensor, "*batch n d_model"]
    ) -> Float[Tensor, "*batch n d_model"]:
        """Return the update of all heads for the vectors x."""
        Q, K, V = (split_heads(linear(x), self.n_heads) for linear in (self.query, self.key, self.value))
        return self.output(merge_heads(fused_attention(self.turn(Q), self.turn(K), V)))


class FastMLP(nn.Module):
    """Lesson 11's MLP, without biases, with an activation of your choice."""

    def __init__(self, config: GPTConfig, activation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.up = nn.Linear(config.d_model, config.d_mlp, bias=False)
        self.down = nn.Linear(config.d_mlp, config.d_model, bias=False)
        self.activation = activation

    def forward(self, x: Float[Tensor, "*batch d_model"]) -> Float[Tensor, "*batch d_model"]:
        """Return the update for the vectors x."""
        return self.down(self.activation(self.up(x)))


class FastBlock(Block):
    """Lesson 11's block, of these parts: each still reads a normalised copy, and its update is added."""

    def __init__(self, config: GPTConfig, recipe: Recipe, positions: nn.Module) -> None:
        nn.Module.__init__(self)  # not Block's own, which would make lesson 11's parts
        self.attention_norm = recipe.norm(config.d_model)
        self.attention = FastAttention(config, positions)
        self.mlp_norm = recipe.norm(config.d_model)
        self.mlp = FastMLP(config, recipe.activation)


class FastGPT(nn.Module):
    """Lesson 11's GPT, of the parts that the recipe chooses: `model(ids)` gives the logits of the next token.

    `model.config` is the config with the recipe's word on whether the unembedding is tied.
    """

    def __init__(self, config: GPTConfig, recipe: Recipe, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = replace(config, tied=recipe.tied)
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.positions = recipe.position(config)
        self.blocks = nn.ModuleList(FastBlock(config, recipe, self.positions) for _ in range(config.n_layers))
        self.final_norm = recipe.norm(config.d_model)
        self.unembedding = nn.Linear(config.d_model, config.vocab_size, bias=False)
        if recipe.tied:
            self.unembedding.weight = self.token_embedding.weight
        recipe.initialise(self, generator)

    def forward(self, ids: Int[Tensor, "*batch n"]) -> Float[Tensor, "*batch n vocab_size"]:
        """Return the logits: at each position, one for each token that may come next."""
        x = self.positions.enter(self.token_embedding(ids))
        for block in self.blocks:
            x = block(x)
        return self.unembedding(self.final_norm(x))


def training(
    model: FastGPT, ids: Int64[Tensor, "n_ids"], recipe: Recipe, generator: torch.Generator
) -> Iterator[float]:
    """Train the model in place, one step whenever the next loss is asked for, and yield that step's loss.

    It ends after `recipe.steps`; whoever asks decides what happens between two steps, and may stop earlier.
    """
    device = next(model.parameters()).device
    optimisers = recipe.optimisers(model)
    groups = [(group, group["lr"]) for optimiser in optimisers for group in optimiser.param_groups]
    for step in range(recipe.steps):
        model.train()
        x, y = (
            t.to(device) for t in get_batch(ids, recipe.batch_size, model.config.context_length, generator)
        )
        with torch.autocast(device.type, recipe.precision, enabled=recipe.precision != torch.float32):
            loss = F.cross_entropy(model(x).flatten(0, -2).float(), y.flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group, peak in groups:
            group["lr"] = peak * recipe.schedule(step, recipe.steps)
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad()
        yield loss.item()


PLAIN = Recipe()
FAST = replace(
    PLAIN,
    position=RotaryPositions,
    norm=RMSNorm,
    activation=squared_relu,
    initialise=zero_projections,
    tied=False,
    optimisers=muon,
    schedule=linear_cool_down,
    steps=260,
)
