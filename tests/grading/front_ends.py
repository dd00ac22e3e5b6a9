"""Rewrite a notebook's file as other front ends do when they save it.

Modelled on files that were downloaded from Colab (public ones, 2019-2025), on what its makers say about cell ids
(googlecolab/colabtools#5402, jupyter/nbformat#189), and on VS Code's own serializer (microsoft/vscode, extensions/ipynb).
Neither program was run here.
"""

import copy
import hashlib
import json
import uuid
from collections.abc import Callable
from typing import Any

Raw = dict[str, Any]  # a notebook as JSON has it
FRONT_ENDS: dict[str, Callable[[Raw], Raw]] = {}

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WIDGET = "0" * 31 + "1"
PIP = "Building wheel for handmade-gpt (pyproject.toml) ... done\n"


def front_end(rewrite: Callable[[Raw], Raw]) -> Callable[[Raw], Raw]:
    """Add a way to rewrite a notebook, which it may change, by its name."""
    FRONT_ENDS[rewrite.__name__] = rewrite
    return rewrite


def saved(notebook: Raw, name: str, indent: int = 1) -> bytes:
    """Return the bytes of the file that a front end saves."""
    raw = FRONT_ENDS[name](_executed(copy.deepcopy(notebook)))
    return (json.dumps(raw, indent=indent, ensure_ascii=False) + "\n").encode()


def _executed(notebook: Raw) -> Raw:
    """Return the notebook with outputs of every kind in its code cells, as after Run All."""
    kinds: list[list[Raw]] = [
        [
            {"output_type": "stream", "name": "stdout", "text": ["Collecting handmade-gpt\n"]},
            {"output_type": "stream", "name": "stderr", "text": ["  WARNING: retrying\n", PIP]},
        ],
        [
            {
                "output_type": "display_data",
                "metadata": {},
                "data": {"text/html": ["<div>right</div>\n"], "text/plain": ["right"]},
            }
        ],
        [
            {
                "output_type": "display_data",
                "metadata": {},
                "data": {
                    "application/vnd.jupyter.widget-view+json": {
                        "model_id": WIDGET,
                        "version_major": 2,
                        "version_minor": 0,
                    },
                    "text/plain": ["VBox()"],
                },
            },
            {"output_type": "display_data", "metadata": {}, "data": {"image/png": PIXEL}},
        ],
        [
            {
                "output_type": "error",
                "ename": "NotWritten",
                "evalue": "not written yet",
                "traceback": ["\u001b[0;31mNotWritten\u001b[0m"],
            }
        ],
        [
            {
                "output_type": "execute_result",
                "execution_count": 5,
                "metadata": {},
                "data": {"text/plain": ["2"]},
            }
        ],
    ]
    for number, cell in enumerate(c for c in notebook["cells"] if c["cell_type"] == "code"):
        cell["outputs"] = copy.deepcopy(kinds[number % len(kinds)])
        cell["execution_count"] = number + 1
    return notebook


def _lines(source: str) -> list[str]:
    return source.splitlines(keepends=True)


# ---------------------------------------------------------------- Colab


@front_end
def colab(notebook: Raw) -> Raw:
    """Saved in the format that Colab writes of its own: 4.0, no cell ids, an id of its own in the metadata of each cell."""
    cells = []
    for number, cell in enumerate(notebook["cells"]):
        cell.pop("id", None)
        own = hashlib.sha256(f"colab {number}".encode()).hexdigest()[:12]
        cell["metadata"] = {**cell["metadata"], "id": own}
        if cell["cell_type"] == "code":
            cell["metadata"] |= {
                "colab": {
                    "base_uri": "https://localhost:8080/",
                    "height": 35,
                    "referenced_widgets": [WIDGET],
                },
                "outputId": str(uuid.UUID(int=number)),
                "executionInfo": {
                    "status": "ok",
                    "timestamp": 1_760_000_000_000 + number,
                    "user_tz": -120,
                    "elapsed": 7,
                    "user": {"displayName": "", "userId": ""},
                },
            }
        # the order of the keys is Colab's too: the source before the rest in cells that were edited there
        cells.append({"cell_type": cell["cell_type"], "source": _lines(cell["source"]), **_without(cell)})
    return {
        "nbformat": 4,
        "nbformat_minor": 0,
        "metadata": {
            "colab": {"provenance": [], "toc_visible": True, "gpuType": "T4"},
            "kernelspec": {"name": "python3", "display_name": "Python 3"},
            "language_info": {"name": "python"},
            "accelerator": "GPU",
            "widgets": {
                "application/vnd.jupyter.widget-state+json": {
                    WIDGET: {
                        "model_module": "@jupyter-widgets/controls",
                        "model_name": "VBoxModel",
                        "model_module_version": "1.5.0",
                        "state": {"_view_name": "VBoxView", "children": []},
                    }
                }
            },
        },
        "cells": cells,
    }


def _without(cell: Raw) -> Raw:
    return {key: value for key, value in cell.items() if key not in ("cell_type", "source")}


@front_end
def colab_with_ids(notebook: Raw) -> Raw:
    """Opened as 4.5, which Colab keeps: the cells have their ids, and the same ones in their metadata."""
    ids = [cell["id"] for cell in notebook["cells"]]
    raw = colab(notebook)
    raw["nbformat_minor"] = 5
    for cell, name in zip(raw["cells"], ids, strict=True):
        cell["id"] = cell["metadata"]["id"] = name
    return raw


@front_end
def colab_to_github(notebook: Raw) -> Raw:
    """Saved to GitHub: a badge on top, and a cell shown as a form."""
    raw = colab(notebook)
    raw["metadata"]["colab"]["include_colab_link"] = True
    badge = {
        "cell_type": "markdown",
        "metadata": {"id": "view-in-github", "colab_type": "text"},
        "source": ['<a href="https://colab.research.google.com/" target="_parent">Open in Colab</a>'],
    }
    next(c for c in raw["cells"] if c["cell_type"] == "code")["metadata"]["cellView"] = "form"
    raw["cells"].insert(0, badge)
    return raw


@front_end
def colab_sources_as_text(notebook: Raw) -> Raw:
    """Each source is one string, as Colab's API and tools around it write it."""
    raw = colab(notebook)
    for cell in raw["cells"]:
        cell["source"] = "".join(cell["source"])
    return raw


@front_end
def colab_without_marks(notebook: Raw) -> Raw:
    """Colab, where all that it does not know is gone from the cells' metadata."""
    raw = colab(notebook)
    for cell in raw["cells"]:
        for key in ("nbgrader", "deletable", "editable", "tags"):
            cell["metadata"].pop(key, None)
    return raw


# ---------------------------------------------------------------- VS Code


@front_end
def vscode(notebook: Raw) -> Raw:
    """4.5 is kept, with the ids; keys are sorted; the kernel is another environment's, described in full."""
    notebook["metadata"] = {
        "kernelspec": {"display_name": ".venv (3.12.4)", "language": "python", "name": "python3"},
        "language_info": {
            "codemirror_mode": {"name": "ipython", "version": 3},
            "file_extension": ".py",
            "mimetype": "text/x-python",
            "name": "python",
            "nbconvert_exporter": "python",
            "pygments_lexer": "ipython3",
            "version": "3.12.4",
        },
    }
    for cell in notebook["cells"]:
        cell["source"] = _lines(cell["source"])
        if cell["cell_type"] == "code":
            cell["metadata"] |= {"vscode": {"languageId": "python"}}
    own = {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": [],
        "id": "1a2b3c4d",
    }
    notebook["cells"].append(own)  # the empty cell that its "+ Code" leaves at the end
    return json.loads(json.dumps(notebook, sort_keys=True))


@front_end
def vscode_4_2(notebook: Raw) -> Raw:
    """As versions until 2021 wrote it: 4.2, without ids."""
    raw = vscode(notebook)
    raw["nbformat_minor"] = 2
    raw["metadata"] |= {
        "orig_nbformat": 4,
        "vscode": {"interpreter": {"hash": "31f2aee4e71d21fbe5cf8b01ff0e069b"}},
    }
    for cell in raw["cells"]:
        del cell["id"]
    return raw


@front_end
def vscode_new_ids(notebook: Raw) -> Raw:
    """All cells copied into a new notebook: new ids of eight characters."""
    raw = vscode(notebook)
    for number, cell in enumerate(raw["cells"]):
        cell["id"] = hashlib.sha256(f"vscode {number}".encode()).hexdigest()[:8]
    return raw


@front_end
def vscode_without_marks(notebook: Raw) -> Raw:
    """The ids are kept, and nothing is in the cells' metadata but VS Code's own."""
    raw = vscode(notebook)
    for cell in raw["cells"]:
        for key in ("nbgrader", "deletable", "editable", "tags"):
            cell["metadata"].pop(key, None)
    return raw


@front_end
def nothing_left(notebook: Raw) -> Raw:
    """No ids, no metadata at all: the cells' texts alone."""
    raw = vscode_4_2(notebook)
    for cell in raw["cells"]:
        cell["metadata"] = {}
    raw["metadata"] = {}
    return raw
