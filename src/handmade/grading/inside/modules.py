"""A torch module that lives in one process and is mirrored in the other.

Its owner runs it; the mirror has the same names, the same parameters (with their gradients) and the same submodules, so that
`state_dict`, `named_parameters`, `load_state_dict`, an optimizer or `.double()` work on it as they are. With every message
each side sends what has changed in the tensors since the last one, so that both are equal whenever either runs.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .wire import Decoder, Encoder, WireError

# The classes of torch that `isinstance` should know a mirror by. Their own methods work on the mirror's submodules.
KNOWN = {
    name: getattr(nn, name)
    for name in (
        "Linear", "Embedding", "LayerNorm", "RMSNorm", "ModuleList", "ModuleDict", "Sequential", "Identity", "Dropout",
        "GELU", "ReLU", "Tanh", "Sigmoid", "SiLU", "Softmax", "MultiheadAttention",
    )
}  # fmt: skip
MOST_MODULES = 5_000


class Mirror(nn.Module):
    """A module whose `forward` runs in the other process."""

    _lives_elsewhere = True
    _peer: Any
    _ref: int

    def forward(self, *args: Any, **named: Any) -> Any:
        """Return what the module itself answers, with its gradients."""
        return self._peer.call(self, args, named)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name.startswith("_"):
                raise
        return self._peer.attribute(self, name)

    def __deepcopy__(self, memo: Any) -> Any:
        return self._peer.ask("copy", self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("a module that lives in another process cannot be pickled")


def mirror_class(name: str, known: str) -> type[Mirror]:
    """Return the class for mirrors of modules of a class of this name, which derives from torch's class `known`, or from none."""
    bases = (Mirror, KNOWN[known]) if known else (Mirror,)
    return type(name, bases, {})


def known_class(module: nn.Module) -> str:
    """Return the name of the nearest of torch's known classes that a module belongs to, or ""."""
    return next((c.__name__ for c in type(module).__mro__ if KNOWN.get(c.__name__) is c), "")


@dataclass
class Seen:
    """A tensor as the other side knows it."""

    data: Tensor
    grad: Tensor | None
    requires_grad: bool

    @classmethod
    def of(cls, tensor: Tensor) -> Seen:
        grad = tensor.grad if tensor.is_leaf else None
        return cls(
            tensor.detach().clone(), None if grad is None else grad.detach().clone(), tensor.requires_grad
        )

    def holds(self, tensor: Tensor) -> bool:
        grad = tensor.grad if tensor.is_leaf else None
        return (
            _equal(self.data, tensor)
            and self.requires_grad == tensor.requires_grad
            and ((grad is None) if self.grad is None else grad is not None and _equal(self.grad, grad))
        )


def _equal(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and torch.equal(one, other.detach())


class Modules:
    """The modules known to both sides, owned here or mirrored here, and their tensors, by numbers that both sides use.

    A module's number is positive where it is owned, and the same number below 0 where it is mirrored. `first` is 0 on one side and 1 on the other, so that numbers given by both never meet.
    """

    def __init__(self, peer: Any, first: int) -> None:
        self.peer = peer
        self.roots: dict[int, Any] = {}  # a reference (to a mirror: weak) by the root's number
        self.tensors: dict[int, Tensor] = {}
        self._numbers: dict[int, int] = {}  # of tensors, by id
        self._seen: dict[int, Seen] = {}
        self._told: dict[int, Any] = {}  # what the other side knows of a root's structure
        self._next = first

    def number(self, tensor: Tensor) -> int | None:
        """Return the number of a shared module's tensor, or None."""
        return self._numbers.get(id(tensor))

    def add_root(self, ref: int, module: nn.Module, owned: bool) -> None:
        """Keep a module equal on both sides from now on."""
        if ref not in self.roots:
            self.roots[ref] = (lambda: module) if owned else weakref.ref(module)

    def drop_root(self, ref: int) -> None:
        """Forget a module, and the tensors that no other one has."""
        if self.roots.pop(ref, None) is None:
            return
        self._told.pop(ref, None)
        used = {id(t) for root in self._alive() for _, _, _, t in _named_tensors(root)}
        for k in [k for k, t in self.tensors.items() if id(t) not in used]:
            del self._numbers[id(self.tensors.pop(k))]
            self._seen.pop(k, None)

    def _alive(self) -> Iterator[nn.Module]:
        for reference in list(self.roots.values()):
            root = reference()
            if root is not None:
                yield root

    # ------------------------------------------------------------ telling

    def collect(self, encoder: Encoder) -> list[Any]:
        """Return what the other side does not know yet."""
        told = []
        for ref, reference in list(self.roots.items()):
            root = reference()
            if root is None:
                continue
            tree, names, modes = self._structure(ref, root)
            slots = []
            for k in dict.fromkeys(k for _, _, _, k in names):
                tensor = self.tensors[k]
                if k not in self._seen or not self._seen[k].holds(tensor):
                    self._seen[k] = Seen.of(tensor)
                    slots.append([k, encoder.content(tensor)])
            before = self._told.get(ref, (None, None, None))
            now = tree, names, modes
            self._told[ref] = now
            if slots or before != now:
                changed = [None if b == n else n for b, n in zip(before, now, strict=True)]
                if changed[0] is not None and ref > 0:
                    changed[0] = [self.peer.describe_module(encoder, *entry) for entry in self._modules(root)]
                else:
                    changed[0] = None
                told.append([ref, *changed, slots])
        return told

    def _modules(self, root: nn.Module) -> list[tuple[str, nn.Module]]:
        found = list(root.named_modules(remove_duplicate=False))
        if len(found) > MOST_MODULES:
            raise WireError(f"a module has more than {MOST_MODULES:,} parts")
        return found

    def _structure(self, ref: int, root: nn.Module) -> tuple[list[Any], list[Any], list[Any]]:
        modules = self._modules(root)
        tree = [[path, id(module)] for path, module in modules]
        names = []
        for path, leaf, kind, tensor in _named_tensors(root):
            k = self._numbers.get(id(tensor))
            if k is None:
                k = self._next
                self._next += 2
                self._register(k, tensor)
            names.append([path, leaf, kind, k])
        return tree, names, [[path, module.training] for path, module in modules]

    def _register(self, k: int, tensor: Tensor) -> None:
        self.tensors[k] = tensor
        self._numbers[id(tensor)] = k

    # ------------------------------------------------------------ being told

    def apply(self, told: Any, decoder: Decoder) -> None:
        """Make the modules here what the other side says they are."""
        for theirs, tree, names, modes, slots in told:
            ref = -theirs  # what is owned there is mirrored here, and the other way round
            root = self.roots[ref]() if ref in self.roots else None
            if tree is not None and not ref > 0:
                root = self._grow(ref, tree, decoder)
            for k, node in slots:
                self._put(k, decoder.decode(node))
            if root is None:
                continue
            by_path = dict(self._modules(root))
            if names is not None:
                self._name(by_path, names, owned=ref > 0)
            for path, mode in modes or ():
                if path in by_path:
                    by_path[path].training = bool(mode)
            self._told[ref] = self._structure(ref, root)

    def _grow(self, ref: int, tree: list[Any], decoder: Decoder) -> nn.Module:
        """Make the mirrors of a module and its parts; those that are there stay."""
        built: dict[str, nn.Module] = {}
        if len(tree) > MOST_MODULES:
            raise WireError(f"a module has more than {MOST_MODULES:,} parts")
        for path, *entry in tree:
            built[path] = self.peer.mirror(decoder, *entry)
        parts: dict[str, dict[str, nn.Module]] = {path: {} for path in built}
        for path, module in built.items():
            if path:
                above, _, leaf = path.rpartition(".")
                parts[above][_leaf(leaf)] = module
        for path, module in built.items():
            module._modules.clear()
            module._modules.update(parts[path])
        self.peer.held.append(built[""])
        self.add_root(ref, built[""], owned=False)
        return built[""]

    def _put(self, k: Any, new: Any) -> None:
        """Give the tensor of this number the value, or take the value for it where it is new."""
        if type(k) is not int or not isinstance(new, Tensor):
            raise WireError("the tensors of a module are not in the agreed form")
        old = self.tensors.get(k)
        if old is None:
            self._register(k, new)
        else:
            overwrite(old, new)
        self._seen[k] = Seen.of(self.tensors[k])

    def _name(self, by_path: dict[str, nn.Module], names: list[Any], owned: bool) -> None:
        """Bind names to tensors. In a module that is owned here only names that exist are bound anew."""
        lists: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {path: ({}, {}) for path in by_path}
        loose: dict[str, set[str]] = {path: set() for path in by_path}
        for path, leaf, kind, k in names:
            if path not in lists or kind not in ("p", "b", "n") or k not in self.tensors:
                raise WireError("the names in a module are not in the agreed form")
            tensor = self.tensors[k]
            if kind == "p" and not isinstance(tensor, nn.Parameter):
                raise WireError("a parameter of a module is not in the agreed form")
            lists[path][kind != "p"][_leaf(leaf)] = tensor
            if kind == "n":
                loose[path].add(leaf)
        for path, module in by_path.items():
            own: tuple[dict[str, Any], ...] = (module._parameters, module._buffers)
            for held, wanted in zip(own, lists[path], strict=True):
                if owned:
                    held.update({name: t for name, t in wanted.items() if name in held})
                else:
                    empty = {name: None for name, t in held.items() if t is None and name not in wanted}
                    held.clear()
                    held.update(wanted | empty)
            if not owned:
                module._non_persistent_buffers_set = loose[path]


def _leaf(name: Any) -> str:
    """Return a name of a part or a tensor. It becomes a key of a module's dicts, never an attribute of its own."""
    if type(name) is not str or not name or "." in name or len(name) > 200:
        raise WireError("a name in a module is not in the agreed form")
    return name


def _named_tensors(root: nn.Module) -> Iterator[tuple[str, str, str, Tensor]]:
    """Yield (module, name, kind, tensor): "p" a parameter, "b" a buffer, "n" one that a state dict leaves out."""
    for path, module in root.named_modules(remove_duplicate=False):
        for name, parameter in module._parameters.items():
            if parameter is not None:
                yield path, name, "p", parameter
        for name, buffer in module._buffers.items():
            if buffer is not None:
                yield path, name, "n" if name in module._non_persistent_buffers_set else "b", buffer


def overwrite(old: Tensor, new: Tensor) -> None:
    """Give a tensor the numbers, the gradient and the need of a gradient that another has; it stays the same object."""
    with torch.no_grad():
        if old.shape == new.shape and old.dtype == new.dtype:
            if not torch.equal(old, new.detach()):
                old.detach().copy_(new.detach())
        else:
            old.data = new.detach()
        if not old.is_leaf:
            return
        if (
            new.grad is None
            or old.grad is None
            or old.grad.shape != new.grad.shape
            or old.grad.dtype != new.grad.dtype
        ):
            old.grad = new.grad
        else:
            old.grad.copy_(new.grad)
        if old.requires_grad != new.requires_grad:
            old.requires_grad_(new.requires_grad)
