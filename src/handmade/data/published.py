"""GPT-2's published weights, where a learner has the file or a network. No lesson needs them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

ADDRESS = (
    "https://huggingface.co/openai-community/gpt2/resolve/main/model.safetensors"  # 124M parameters, 550 MB
)


def gpt2_weights(source: str | None) -> dict[str, Tensor] | None:
    """Return GPT-2's weights under their published names, from a file, or by a download; None where there is no source.

    `source` is the path of a `.safetensors` file or of one that `torch.save` made (`pytorch_model.bin`), or the word
    "download": that fetches 550 MB into the folder `.cache/handmade` of the user's home, once. Raises FileNotFoundError for a path where
    there is nothing.
    """
    import torch  # here alone: the lessons on numpy read this package too

    if source is None:
        return None
    path = Path.home() / ".cache/handmade/gpt2.safetensors" if source == "download" else Path(source)
    if source == "download" and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(ADDRESS, str(path))
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights
