"""From noise to language: batches, a learning rate that changes, AdamW, and the loop that puts them together.

A model here is anything with `model(ids) -> logits` and `model.config.context_length`, such as the GPT of
lesson 11. The text is one long row of token ids.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from handmade.reference.next_token import cross_entropy


def get_batch(
    ids: Int64[Tensor, "n_ids"], batch_size: int, context_length: int, generator: torch.Generator
) -> tuple[
    Int64[Tensor, "batch_size context_length"],
    Int64[Tensor, "batch_size context_length"],
]:
    """Return (x, y): pieces of the text as rows of x, and in y the token that comes next at every place of x.

    Each row starts at a random place, drawn from the generator; all places from which context_length + 1 ids
    can be read are equally likely. Raises ValueError where ids are fewer than that.

    >>> get_batch(torch.tensor([5, 6, 7, 8]), batch_size=2, context_length=3, generator=torch.Generator())
    (tensor([[5, 6, 7],
            [5, 6, 7]]), tensor([[6, 7, 8],
            [6, 7, 8]]))
    """
    ### BEGIN SOLUTION
    n_starts = len(ids) - context_length
    if n_starts < 1:
        raise ValueError(f"expected at least context_length + 1 = {context_length + 1} ids, got {len(ids)}")
    starts = torch.randint(n_starts, (batch_size, 1), generator=generator)
    places = starts + torch.arange(context_length)
    return ids[places], ids[places + 1]
    ### END SOLUTION


def learning_rate(step: int, warmup: int, steps: int, peak: float, floor: float) -> float:
    """Return the learning rate of a step; the first step is 0.

    While step < warmup, it is `peak * (step + 1) / warmup`. Then it follows half a wave of the cosine, from
    the peak at step = warmup down to the floor at step = steps, and stays at the floor. (Loshchilov and
    Hutter, *SGDR*, 2017, eq. 5.)

    >>> [learning_rate(step, warmup=2, steps=6, peak=8.0, floor=2.0) for step in (0, 1, 2, 4, 6, 7)]
    [4.0, 8.0, 8.0, 5.0, 2.0, 2.0]
    """
    ### BEGIN SOLUTION
    if step < warmup:
        return peak * (step + 1) / warmup
    if step >= steps:
        return floor
    progress = (step - warmup) / (steps - warmup)
    return floor + (peak - floor) * (1 + math.cos(math.pi * progress)) / 2
    ### END SOLUTION


def adamw_step(
    parameter: Float[Tensor, "*shape"],
    gradient: Float[Tensor, "*shape"],
    state: dict[str, Any],
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
) -> None:
    """Change the parameter by one step of AdamW, in place, whether or not it requires gradients.

    `state` is this parameter's memory: an empty dict before the first step, changed in place. The gradient
    stays as it is. (Loshchilov and Hutter, *Decoupled Weight Decay Regularization*, 2019, algorithm 2, with
    lr in place of η and α.)

    >>> w, state = torch.tensor([1.0, 1.0]), {}
    >>> adamw_step(w, torch.tensor([0.3, -7.0]), state, lr=0.5, betas=(0.9, 0.95), eps=0.0, weight_decay=0.1)
    >>> w  # 0.95 ∓ 0.5
    tensor([0.4500, 1.4500])
    """
    ### BEGIN SOLUTION
    beta1, beta2 = betas
    if not state:
        state.update(step=0, mean=torch.zeros_like(parameter), square=torch.zeros_like(parameter))
    with torch.no_grad():
        state["step"] += 1
        state["mean"].mul_(beta1).add_(gradient, alpha=1 - beta1)
        state["square"].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        mean = state["mean"] / (1 - beta1 ** state["step"])
        square = state["square"] / (1 - beta2 ** state["step"])
        parameter.mul_(1 - lr * weight_decay)  # decoupled: it never enters the two means
        parameter.sub_(lr * mean / (square.sqrt() + eps))
    ### END SOLUTION


def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> float:
    """Return the length of all gradients as one long vector, and shrink it to max_norm where it is above.

    What is returned is the length before. Parameters without a gradient are passed over. All others' are
    multiplied in place by one and the same number, so that the direction stays. (Pascanu, Mikolov and Bengio,
    *On the difficulty of training recurrent neural networks*, 2013.)

    >>> a, b = torch.zeros(2, requires_grad=True), torch.zeros(1, requires_grad=True)
    >>> a.grad, b.grad = torch.tensor([0.0, 3.0]), torch.tensor([4.0])
    >>> clip_gradients([a, b], max_norm=1.0), a.grad, b.grad
    (5.0, tensor([0.0000, 0.6000]), tensor([0.8000]))
    """
    ### BEGIN SOLUTION
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = math.sqrt(sum((gradient**2).sum().item() for gradient in gradients))
    if norm > max_norm:
        for gradient in gradients:
            gradient.mul_(max_norm / norm)
    return norm
    ### END SOLUTION


def evaluate(
    model: nn.Module, ids: Int64[Tensor, "n_ids"], n_batches: int, generator: torch.Generator
) -> float:
    """Return the mean loss of the model on random batches of these ids.

    Each row has `model.config.context_length` tokens.
    The model is in evaluation mode meanwhile, and afterwards in the mode it was in. No gradients are
    computed, and all randomness is the generator's. How many rows a batch has is yours to choose.

    >>> class Undecided(nn.Module):
    ...     class config: context_length = 3
    ...     def forward(self, ids): return torch.zeros(*ids.shape, 8)  # eight tokens, all alike
    >>> round(evaluate(Undecided(), torch.arange(8), n_batches=2, generator=torch.Generator()), 4)  # ln 8
    2.0794
    """
    ### BEGIN SOLUTION
    device = next((parameter.device for parameter in model.parameters()), ids.device)
    was_training = model.training
    model.eval()
    total = 0.0
    with torch.no_grad():
        for _ in range(n_batches):
            x, y = get_batch(ids, 32, model.config.context_length, generator)
            total += cross_entropy(model(x.to(device)), y.to(device)).item()
    model.train(was_training)
    return total / n_batches
    ### END SOLUTION


@dataclass(frozen=True)
class TrainingConfig:
    """How a model is trained, fixed once made. Raises ValueError for numbers that can train nothing.

    `peak`, `floor` and `warmup` make the learning rate, `betas` and `weight_decay` belong to AdamW, `clip` is
    the largest norm of the gradients, `seed` decides which batches come. Where there is a `checkpoint_path`,
    the state of the run is written there every `checkpoint_every` steps, and after the last one.
    """

    steps: int
    batch_size: int
    peak: float
    floor: float
    warmup: int
    weight_decay: float
    betas: tuple[float, float]
    clip: float
    seed: int
    checkpoint_path: str | Path | None = None
    checkpoint_every: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant. Python calls it when the fields are set."""
        if self.steps < 1 or self.batch_size < 1:
            raise ValueError(f"expected at least 1 step and 1 row, got {self.steps} and {self.batch_size}")
        if self.warmup < 0 or not 0 <= self.floor <= self.peak:
            raise ValueError(f"expected warmup >= 0 and 0 <= floor <= peak, got {self}")
        if not all(0 <= beta < 1 for beta in self.betas) or self.weight_decay < 0 or self.clip <= 0:
            raise ValueError(f"expected betas from 0 to below 1, weight_decay >= 0, clip > 0, got {self}")
        if self.checkpoint_every is not None and (self.checkpoint_path is None or self.checkpoint_every < 1):
            raise ValueError("expected a checkpoint_path, and checkpoint_every of at least 1")


def write_checkpoint(path: str | Path, contents: dict[str, Any]) -> None:
    """Write contents to the file in one step: who stops the program leaves the old file, or the new.

    The contents are tensors, numbers, texts, and lists and dicts of them.
    """
    unfinished = f"{path}.{os.getpid()}.part"
    torch.save(contents, unfinished)
    os.replace(unfinished, path)


def read_checkpoint(path: str | Path, device: torch.device) -> dict[str, Any]:
    """Return the contents of such a file, its tensors on the device. Read as data: no code in it runs."""
    return torch.load(path, map_location=device, weights_only=True)


def settings_of_run(model: nn.Module, config: TrainingConfig) -> dict[str, Any]:
    """Return all that must be the same for a run to go on: the config without its file, the shapes."""
    of_config = {key: value for key, value in asdict(config).items() if not key.startswith("checkpoint")}
    of_model = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
    return {"config": of_config | {"betas": list(config.betas)}, "model": of_model}


def train(
    model: nn.Module,
    ids: Int64[Tensor, "n_ids"],
    config: TrainingConfig,
    on_step: Callable[[int, float], None] | None = None,
    resume_from: str | Path | None = None,
) -> list[float]:
    """Train the model on batches of the ids, in place; return each step's loss, measured before its update.

    In each step: a batch of `config.batch_size` rows of `model.config.context_length` ids, its loss, the
    gradients, clipped to `config.clip`, and an update by AdamW (eps 1e-8) at the learning rate of that step.
    Weight decay is for matrices and embeddings; here biases and norms go without, as is usual. Then
    `on_step(step, loss)` is called; the first step is 0. All randomness is that of a generator of its own,
    made from `config.seed`, so that nothing in `on_step` changes a loss.

    `resume_from` is a checkpoint of a run with the same settings, which goes on from there as if it had never
    stopped: the list holds the earlier losses too. Raises ValueError for a checkpoint of another config, or
    of a model of other shapes.
    """
    ### BEGIN SOLUTION
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(config.seed)
    parameters = list(model.parameters())
    memory: list[dict[str, Any]] = [{} for _ in parameters]  # AdamW's, one dict for each parameter
    losses: list[float] = []
    settings = settings_of_run(model, config)
    if resume_from is not None:
        saved = read_checkpoint(resume_from, device)
        for part in ("config", "model"):
            if saved["settings"][part] != settings[part]:
                raise ValueError(f"expected a checkpoint of this {part}, got one of another in {resume_from}")
        model.load_state_dict(saved["weights"])
        memory, losses = saved["memory"], saved["losses"]
        generator.set_state(saved["generator"].cpu())

    for step in range(len(losses), config.steps):
        model.train()
        x, y = get_batch(ids, config.batch_size, model.config.context_length, generator)
        loss = cross_entropy(model(x.to(device)), y.to(device))
        model.zero_grad()
        loss.backward()
        clip_gradients(parameters, config.clip)
        lr = learning_rate(step, config.warmup, config.steps, config.peak, config.floor)
        for parameter, state in zip(parameters, memory, strict=True):
            if parameter.grad is not None:
                decay = config.weight_decay if parameter.ndim > 1 else 0.0
                adamw_step(parameter, parameter.grad, state, lr, config.betas, 1e-8, decay)
        losses.append(loss.item())

        due = config.checkpoint_every and (step + 1) % config.checkpoint_every == 0
        if config.checkpoint_path and (due or step + 1 == config.steps):
            run: dict[str, Any] = {"settings": settings, "weights": model.state_dict(), "memory": memory}
            run |= {"generator": generator.get_state(), "losses": losses}
            write_checkpoint(config.checkpoint_path, run)
        if on_step is not None:
            on_step(step, losses[-1])
    return losses
    ### END SOLUTION
