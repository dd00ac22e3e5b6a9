# mypy: disable-error-code="no-untyped-def"
"""Lesson 12, in torch's short forms."""

import os

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def get_batch(ids, batch_size, context_length, generator):
    if ids.numel() <= context_length:
        raise ValueError("too short")
    windows = ids.unfold(0, context_length + 1, 1)  # every piece that there is, as a view
    chosen = windows[torch.randint(0, windows.shape[0], (batch_size,), generator=generator)]
    return chosen[:, :-1], chosen[:, 1:]


def learning_rate(step, warmup, steps, peak, floor):
    if step < warmup:
        return float(np.interp(step + 1, [0, warmup], [0.0, peak]))
    share = 1.0 if step >= steps else (step - warmup) / (steps - warmup)
    return float((peak + floor) / 2 + (peak - floor) / 2 * np.cos(np.pi * share))


def adamw_step(parameter, gradient, state, lr, betas, eps, weight_decay):
    p = parameter.detach()  # the same memory, without the record
    m = state.setdefault("exp_avg", torch.zeros_like(p))
    v = state.setdefault("exp_avg_sq", torch.zeros_like(p))
    t = state["step"] = state.get("step", 0) + 1
    m.lerp_(gradient, 1 - betas[0])
    v.lerp_(gradient.square(), 1 - betas[1])
    p.sub_(p, alpha=lr * weight_decay)
    p.addcdiv_(m, v.div(1 - betas[1] ** t).sqrt_().add_(eps), value=-lr / (1 - betas[0] ** t))


def clip_gradients(parameters, max_norm):
    return nn.utils.clip_grad_norm_(parameters, max_norm).item()


@torch.no_grad()
def evaluate(model, ids, n_batches, generator):
    mode = model.training
    model.eval()
    try:
        losses = []
        for _ in range(n_batches):
            x, y = get_batch(ids, 8, model.config.context_length, generator)
            losses.append(F.cross_entropy(model(x).transpose(1, 2), y))
        return torch.stack(losses).mean().item()
    finally:
        model.train(mode)


def train(model, ids, config, on_step=None, resume_from=None):
    model.train()
    heavy = [p for p in model.parameters() if p.dim() > 1]
    light = [p for p in model.parameters() if p.dim() <= 1]
    groups = [
        {"params": heavy, "weight_decay": config.weight_decay},
        {"params": light, "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW([g for g in groups if g["params"]], lr=config.peak, betas=config.betas)
    key = repr(
        (config.steps, config.batch_size, config.peak, config.floor, config.warmup, config.weight_decay)
    )
    key += repr((tuple(config.betas), config.clip, config.seed))
    generator = torch.Generator()
    generator.manual_seed(config.seed)
    losses = []
    if resume_from is not None:
        saved = torch.load(resume_from, weights_only=True)
        if saved["key"] != key:
            raise ValueError("a checkpoint of another run")
        try:
            model.load_state_dict(saved["model"])
        except RuntimeError as error:
            raise ValueError("a checkpoint of another model") from error
        optimiser.load_state_dict(saved["optimiser"])
        generator.set_state(saved["generator"])
        losses += saved["losses"]
    for step in range(len(losses), config.steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, config.warmup, config.steps, config.peak, config.floor)
        x, y = get_batch(ids, config.batch_size, model.config.context_length, generator)
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        optimiser.step()
        losses.append(loss.item())
        if on_step:
            on_step(step, loss.item())
        every = config.checkpoint_every or config.steps
        if config.checkpoint_path and ((step + 1) % every == 0 or step == config.steps - 1):
            contents = {
                "key": key,
                "model": model.state_dict(),
                "optimiser": optimiser.state_dict(),
                "generator": generator.get_state(),
                "losses": losses,
            }
            torch.save(contents, f"{config.checkpoint_path}.new")
            os.replace(f"{config.checkpoint_path}.new", config.checkpoint_path)
    return losses
