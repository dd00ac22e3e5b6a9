"""Our GPT computes what `transformers` computes for GPT-2, from the same weights: a small random model, made offline."""

import pytest
import torch

from handmade.data.published import gpt2_weights
from handmade.reference.gpt import GPT, GPTConfig, count_parameters, from_gpt2_state_dict

# All sizes differ, so that nothing fits by chance.
SIZES = {"vocab_size": 61, "context_length": 17, "d_model": 12, "n_layers": 11, "n_heads": 3, "d_mlp": 20}


@pytest.fixture(scope="module")
def theirs():
    """A random GPT-2 in evaluation mode. Its biases and gains are random too: as new they are 0 and 1, and would test nothing."""
    import transformers  # here alone: it takes seconds

    config = transformers.GPT2Config(
        vocab_size=SIZES["vocab_size"],
        n_positions=SIZES["context_length"],
        n_embd=SIZES["d_model"],
        n_layer=SIZES["n_layers"],
        n_head=SIZES["n_heads"],
        n_inner=SIZES["d_mlp"],
        bos_token_id=0,
        eos_token_id=0,
    )
    model = transformers.GPT2LMHeadModel(config).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.3)
    return model


def logits(state_dict, ids, **more):
    model = GPT(GPTConfig(**SIZES | more))
    model.load_state_dict(from_gpt2_state_dict(state_dict))
    with torch.no_grad():
        return model(ids)


@pytest.mark.parametrize("n", [1, 6, 17])
def test_logits_equal_those_of_transformers(theirs, n):
    ids = torch.randint(61, (2, n), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = theirs(ids).logits
    assert expected.std() > 0.5
    state_dict = theirs.state_dict()
    assert (logits(state_dict, ids) - expected).abs().max() < 1e-4
    assert (logits(state_dict, ids, tied=False) - expected).abs().max() < 1e-4


def test_names_may_lack_the_prefix_and_buffers_are_passed_over(theirs):
    ids = torch.arange(17)[None]
    state_dict = (
        theirs.transformer.state_dict()
    )  # the published files of the bare model: no prefix, no lm_head
    assert not any(name.startswith(("transformer.", "lm_head")) for name in state_dict)
    for layer in range(SIZES["n_layers"]):  # as older files have them
        state_dict[f"h.{layer}.attn.bias"] = torch.ones(17, 17).tril().view(1, 1, 17, 17)
        state_dict[f"h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    assert torch.equal(logits(state_dict, ids), logits(theirs.state_dict(), ids))


def test_their_model_has_as_many_parameters_as_ours(theirs):
    assert theirs.num_parameters() == count_parameters(GPTConfig(**SIZES))["total"]


def test_the_published_numbers():
    gpt2 = GPTConfig(50257, 1024, 768, 12, 12)
    gpt3 = GPTConfig(50257, 2048, 12288, 96, 96, tied=False)
    assert count_parameters(gpt2)["total"] == 124_439_808
    assert count_parameters(gpt3)["matrices"] == 175_181_291_520
    with torch.device("meta"):  # sizes without numbers
        model = GPT(gpt2)
    assert sum(p.numel() for p in model.parameters()) == 124_439_808


def test_weights_are_read_from_either_kind_of_file(theirs, tmp_path):
    import safetensors.torch

    weights = {name: numbers.clone() for name, numbers in theirs.transformer.state_dict().items()}
    weights |= {
        "half": torch.randn(3, 2).half(),
        "flags": torch.tensor([True, False]),
        "one": torch.tensor(7),
    }
    safetensors.torch.save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    torch.save(weights, tmp_path / "pytorch_model.bin")
    for file in ("model.safetensors", "pytorch_model.bin"):
        found = gpt2_weights(str(tmp_path / file))
        assert found.keys() == weights.keys()
        for name, numbers in weights.items():
            assert found[name].dtype == numbers.dtype
            assert torch.equal(found[name], numbers)
    assert gpt2_weights(None) is None
    with pytest.raises(FileNotFoundError, match="there is no file"):
        gpt2_weights(str(tmp_path / "elsewhere.bin"))
