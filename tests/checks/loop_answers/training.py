"""Lesson 12, one number and one row at a time."""

import dataclasses
import math
import pathlib

import torch


def get_batch(ids, batch_size, context_length, generator):
    if not len(ids) > context_length:
        raise ValueError(f"{len(ids)} ids are too few")
    x, y = [], []
    for _ in range(batch_size):
        start = int(torch.randint(len(ids) - context_length, (), generator=generator))
        x.append([int(token) for token in ids[start : start + context_length]])
        y.append([int(token) for token in ids[start + 1 : start + context_length + 1]])
    return torch.tensor(x), torch.tensor(y)


def learning_rate(step, warmup, steps, peak, floor):
    if warmup > 0 and step < warmup:
        return (step + 1) * (peak / warmup)
    if step > steps - 1:
        return floor
    angle = math.pi * (step - warmup) / (steps - warmup)
    share = math.cos(angle / 2) ** 2  # the same as (1 + cos(angle)) / 2
    return peak * share + floor * (1 - share)


def adamw_step(parameter, gradient, state, lr, betas, eps, weight_decay):
    shape = parameter.shape
    values = parameter.detach().reshape(-1).tolist()
    slopes = gradient.reshape(-1).tolist()
    state["steps"] = state.get("steps", 0) + 1
    if "m" not in state:
        state["m"], state["v"] = [0.0] * len(values), [0.0] * len(values)
    for i, slope in enumerate(slopes):
        state["m"][i] = betas[0] * state["m"][i] + (1 - betas[0]) * slope
        state["v"][i] = betas[1] * state["v"][i] + (1 - betas[1]) * slope**2
        m = state["m"][i] / (1 - betas[0] ** state["steps"])
        v = state["v"][i] / (1 - betas[1] ** state["steps"])
        if math.sqrt(v) + eps > 0:
            values[i] = values[i] - lr * weight_decay * values[i] - lr * m / (math.sqrt(v) + eps)
    parameter.data.copy_(torch.tensor(values, dtype=parameter.dtype).reshape(shape))


def clip_gradients(parameters, max_norm):
    kept = [p for p in parameters if p.grad is not None]
    total = 0.0
    for p in kept:
        for entry in p.grad.reshape(-1).tolist():
            total += entry * entry
    length = total**0.5
    if length > max_norm:
        for p in kept:
            p.grad = p.grad / (length / max_norm)
    return length


def evaluate(model, ids, n_batches, generator):
    before = model.training
    model.train(False)
    total, count = 0.0, 0
    with torch.inference_mode():
        for _ in range(n_batches):
            x, y = get_batch(ids, 4, model.config.context_length, generator)
            log_p = torch.log_softmax(model(x), dim=-1)
            for row, targets in zip(log_p, y, strict=True):
                for at_place, target in zip(row, targets, strict=True):
                    total -= float(at_place[target])
                    count += 1
    model.train(before)
    return total / count


def train(model, ids, config, on_step=None, resume_from=None):
    generator = torch.Generator().manual_seed(config.seed)
    names = [name for name, _ in model.named_parameters()]
    settings = [
        str(value) for key, value in dataclasses.asdict(config).items() if not key.startswith("checkpoint")
    ]
    shapes = [list(parameter.shape) for parameter in model.parameters()]
    states, losses, step = {name: {} for name in names}, [], 0
    if resume_from:
        saved = torch.load(pathlib.Path(resume_from), weights_only=True)
        if saved["settings"] != settings:
            raise ValueError("another config")
        if saved["shapes"] != shapes:
            raise ValueError("another model")
        with torch.no_grad():
            for parameter, values in zip(model.parameters(), saved["values"], strict=True):
                parameter.copy_(values)
        states, losses, step = saved["states"], saved["losses"], len(saved["losses"])
        generator.set_state(saved["generator"])
    while step < config.steps:
        model.train()
        x, y = get_batch(ids, config.batch_size, model.config.context_length, generator)
        log_p = torch.log_softmax(model(x), dim=-1)
        loss = -log_p.gather(-1, y[..., None]).mean()
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        for parameter, gradient in zip(model.parameters(), gradients, strict=True):
            parameter.grad = gradient.clone()
        clip_gradients(model.parameters(), config.clip)
        lr = learning_rate(step, config.warmup, config.steps, config.peak, config.floor)
        for name, parameter in model.named_parameters():
            adamw_fast(parameter, states[name], lr, config)
        losses.append(loss.item())
        if on_step is not None:
            on_step(step, losses[-1])
        step += 1
        every = config.checkpoint_every
        if config.checkpoint_path is not None and (step == config.steps or (every and step % every == 0)):
            contents = {
                "settings": settings,
                "shapes": shapes,
                "values": [parameter.detach() for parameter in model.parameters()],
                "states": states,
                "losses": losses,
                "generator": generator.get_state(),
            }
            unfinished = pathlib.Path(f"{config.checkpoint_path}~")
            torch.save(contents, unfinished)
            unfinished.replace(config.checkpoint_path)
    return losses


def adamw_fast(parameter, state, lr, config):
    state["n"] = state.get("n", 0) + 1
    one, two = config.betas
    state["m"] = one * state.get("m", 0.0) + (1 - one) * parameter.grad
    state["v"] = two * state.get("v", 0.0) + (1 - two) * parameter.grad**2
    below = (state["v"] / (1 - two ** state["n"])) ** 0.5 + 1e-8
    new = (1 - lr * config.weight_decay) * parameter.data - lr * state["m"] / (1 - one ** state["n"]) / below
    parameter.data.copy_(new)
