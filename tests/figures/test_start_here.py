"""Pictures of lesson 00."""

import torch

from handmade.data.model import load
from handmade.figures import start_here as figures
from handmade.reference.start_here import visible_context

model, tokenizer = load()
PROMPT = "Ada Drake lives in"
DRAWN = {
    "journey": lambda: figures.journey(model, tokenizer, PROMPT),
    "write": lambda: figures.write(model, tokenizer, PROMPT),
    "tokens": lambda: figures.tokens(tokenizer, PROMPT),
    "vectors": lambda: figures.vectors(model, tokenizer, PROMPT),
    "attention": lambda: figures.attention(model, tokenizer, PROMPT),
    "neurons": lambda: figures.neurons(model, tokenizer, PROMPT),
    "next_token": lambda: figures.next_token(model, tokenizer, PROMPT),
    "context": lambda: figures.context(model, tokenizer, visible_context, [PROMPT, "Nora Bell plays"]),
}


def test_a_run_keeps_what_the_model_computed():
    ids = figures.read(tokenizer, PROMPT)
    found = figures.run(model, tokenizer, ids)
    n, config = len(ids), model.config
    assert found.stream.shape == (config.n_layers + 1, n, config.d_model)
    assert found.patterns.shape == (config.n_layers, config.n_heads, n, n)
    assert found.neurons.shape == (config.n_layers, n, config.d_mlp)
    with torch.no_grad():
        assert torch.equal(found.logits, model(torch.tensor([ids]))[0, -1])
        again = model.unembedding(model.final_norm(found.stream[-1, -1]))
        block = model.blocks[1]
        x = found.stream[1]
        x = x + block.attention(block.attention_norm(x))
        up = block.mlp.up(block.mlp_norm(x))
    torch.testing.assert_close(again, found.logits)
    torch.testing.assert_close(found.neurons[1], torch.nn.functional.gelu(up, approximate="tanh"))
    torch.testing.assert_close(found.patterns.sum(dim=-1), torch.ones(config.n_layers, config.n_heads, n))
    assert not found.patterns.triu(1).any()


def test_no_hook_stays_behind():
    figures.run(model, tokenizer, [1, 2, 3])
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_an_empty_prompt_is_read_as_the_end_of_a_line():
    assert tokenizer.decode(figures.read(tokenizer, "")) == "\n"
