"""Values survive the way between two processes as what they are; bytes that are no values are refused, and do nothing."""

import collections
import contextlib
import enum
import io
import pathlib
import random
import struct
import types

import numpy as np
import pytest
import torch

from handmade.checks.case import same
from handmade.grading.inside import wire
from handmade.grading.inside.wire import Decoder, Encoder, WireError


def frame(value):
    encoder = Encoder()
    return bytes(wire.pack(encoder.encode(value), encoder.buffers))


def read(data):
    stream = io.BytesIO(data)

    def exactly(n):
        part = stream.read(n)
        if len(part) < n:
            raise WireError("the end")
        return part

    header, buffers = wire.unpack(exactly)
    return Decoder(buffers).decode(header)


def there_and_back(value):
    return read(frame(value))


VALUES = [
    None, True, 0, -1, 2**61, 2**200, -(10**5000), 1.5, float("inf"), 1e-320, "", "héllo", "\ud800", "\0", b"\x00\xff",
    [], [1, [2, [3]]], (1, "a"), {1, 2}, frozenset({3}), {"a": 1, (1, 2): [b"x"]}, range(2, 9, 3), slice(None, 3), 2 + 3j,
    list(range(100)), tuple(i / 7 for i in range(50)), {*range(40)}, [True] * 40, [2**70] * 40, ...,
    torch.float16, torch.Size([2, 3]), int, np.float32, np.dtype("int16"), pathlib.Path("a/b"), types.SimpleNamespace(x=1),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda v: type(v).__name__)
def test_plain_values(value):
    back = there_and_back(value)
    assert type(back) is type(value)
    assert back == value


@pytest.mark.parametrize("zero", [0.0, -0.0, float("nan")])
def test_signs_and_nan(zero):
    assert struct.pack("d", there_and_back(zero)) == struct.pack("d", zero)


DTYPES = ["?", "i1", "u2", "i4", "i8", "u8", "f2", "f4", "f8", "c8", "c16"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 3), (2, 3, 4)])
def test_arrays(dtype, shape):
    array = (np.arange(np.prod(shape, dtype=int)) % 5).astype(dtype).reshape(shape)
    for value in (
        array,
        array.T,
        array[..., ::2] if array.ndim else array,
        array[()] if not shape else array,
    ):
        back = there_and_back(value)
        assert type(back) is type(value)
        assert back.dtype == value.dtype
        assert np.array_equal(back, value)
        assert back.flags.c_contiguous == value.flags.c_contiguous
        assert back.flags.f_contiguous == value.flags.f_contiguous
        if isinstance(back, np.ndarray):
            assert back.flags.writeable


TORCH = [torch.bool, torch.uint8, torch.int16, torch.int64, torch.float16, torch.bfloat16, torch.float32, torch.float64,
         torch.complex64]  # fmt: skip


@pytest.mark.parametrize("dtype", TORCH, ids=str)
@pytest.mark.parametrize("shape", [(), (0, 2), (3,), (2, 3, 4)])
def test_tensors(dtype, shape):
    tensor = (torch.arange(int(np.prod(shape))) % 3).reshape(shape).to(dtype)
    turned = tensor.permute(tuple(reversed(range(tensor.ndim))))
    for value in (tensor, turned, tensor[..., ::2] if shape else tensor, tensor.expand(2, *shape)):
        back = there_and_back(value)
        assert back.dtype == value.dtype
        assert same(value, back)
        assert back.is_contiguous() == value.is_contiguous()
    if all(n > 1 for n in shape):  # else strides mean nothing
        assert there_and_back(turned).stride() == turned.stride()


def test_what_autograd_knows():
    leaf, parameter = torch.ones(2, requires_grad=True), torch.nn.Parameter(torch.ones(3))
    parameter.grad = torch.arange(3.0)
    frozen = torch.nn.Parameter(torch.ones(1), requires_grad=False)
    back = there_and_back([leaf, parameter, frozen, leaf * 2, parameter.grad])
    assert [type(t) for t in back] == [
        torch.Tensor,
        torch.nn.Parameter,
        torch.nn.Parameter,
        torch.Tensor,
        torch.Tensor,
    ]
    assert [t.requires_grad for t in back] == [True, True, False, True, False]
    assert [t.is_leaf for t in back] == [True, True, True, False, True]
    assert back[1].grad is back[4]


def test_two_names_for_one_thing_stay_two_names_for_one_thing():
    array, numbers = np.zeros(2), [1, 2]
    back = there_and_back({"a": array, "b": array, "c": [numbers, numbers, array]})
    assert back["a"] is back["b"] is back["c"][2]
    assert back["c"][0] is back["c"][1]
    circle = [1]
    circle.append(circle)
    with pytest.raises(WireError, match="holds itself"):
        there_and_back(circle)


def test_what_would_be_endless_work_is_refused():
    laughs = ["x"]
    for _ in range(50):
        laughs = [laughs] * 10
    with pytest.raises(WireError, match="more than 1,000,000"):
        there_and_back(laughs)
    assert there_and_back([[1] * 10] * 1000)[999] == [1] * 10
    with pytest.raises(WireError, match="integers of more than 18 digits"):
        there_and_back({k * (2**61 - 1): 0 for k in range(1, 2_000)})  # all with one hash
    assert there_and_back([2**200, -(2**60), 2**60 - 1]) == [2**200, -(2**60), 2**60 - 1]


def test_bytes_are_counted_as_often_as_they_are_asked_for(monkeypatch):
    monkeypatch.setattr(wire, "MAX_BYTES", 1_000)
    assert Decoder([memoryview(bytes(600))]).decode(["b", 0]) == bytes(600)
    with pytest.raises(WireError, match="takes more than"):
        Decoder([memoryview(bytes(600))]).decode(["l", ["b", 0], ["b", 0]])
    with pytest.raises(WireError, match="takes more than"):
        Decoder([]).decode(["A", "U", [3], ["x" * 90, "", ""]])
    with pytest.raises(WireError, match="takes more than"):
        Decoder([memoryview(bytes(600))]).decode(["a", "|i1", [600], "N", 0])


def test_texts_and_objects_in_arrays():
    assert there_and_back(np.array(["a", "bcd"])).tolist() == ["a", "bcd"]
    back = there_and_back(np.array([[None, "x"], [1, [2]]], dtype=object))
    assert back.dtype == object
    assert back.tolist() == [[None, "x"], [1, [2]]]


class Always(np.ndarray):
    def __eq__(self, other):
        return np.True_

    def __array_function__(self, *args, **named):
        return True


class Text(str):
    def __eq__(self, other):
        return True

    __hash__ = str.__hash__


class Row(list):
    def __len__(self):
        return 7

    def __iter__(self):
        return iter("lies")


class Colour(enum.IntEnum):
    RED = 3


Pair = collections.namedtuple("Pair", "x y")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (np.zeros(2).view(Always), np.ndarray), (Text("no"), str), (Row([1, 2]), list), (Colour.RED, int), (Pair(1, 2), tuple),
        (np.str_("a"), str), (torch.nn.Parameter(torch.ones(1)).data.as_subclass(type("T", (torch.Tensor,), {})), torch.Tensor),
        (collections.Counter("ab"), collections.Counter), (collections.OrderedDict(a=1), collections.OrderedDict),
    ],
)  # fmt: skip
def test_a_subclass_arrives_as_its_base_with_what_is_really_in_it(value, kind):
    back = there_and_back(value)
    assert type(back) is kind
    if isinstance(value, Row):
        assert back == [1, 2]


@pytest.mark.parametrize("make", [np.random.default_rng, lambda seed: torch.Generator().manual_seed(seed)])
@pytest.mark.parametrize("drawn", [0, 1, 3, 1000])
def test_generators_go_on_where_they_were(make, drawn):
    def draw(generator, n):
        return (
            generator.random(n)
            if isinstance(generator, np.random.Generator)
            else torch.rand(n, generator=generator)
        )

    here = make(5)
    draw(here, drawn)
    there = there_and_back(here)
    assert draw(here, 700).tolist() == draw(there, 700).tolist()


@pytest.mark.parametrize(("left", "following"), [(624, 624), (0, 0), (1, 625), (-1, 3), (5, 5)])
def test_a_generator_whose_counters_would_lead_out_of_its_memory_is_refused(left, following):
    state = bytearray(torch.Generator().manual_seed(1).get_state().numpy().tobytes())
    struct.pack_into("<iiq", state, 8, left, 1, following)
    with pytest.raises(WireError, match="generator"):
        wire.set_torch_state(torch.Generator(), memoryview(state))


@pytest.mark.parametrize(
    "value",
    [object(), lambda: 0, print, iter([]), torch.nn.Linear(1, 1), np.array(["2020"], "M8[Y]"), ValueError(), type, random],
    ids=lambda v: type(v).__name__,
)  # fmt: skip
def test_what_is_not_data_is_not_sent(value):
    with pytest.raises(WireError, match="cannot be sent"):
        frame([value])


def test_too_deep_and_too_large():
    deep = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(WireError, match="levels deep"):
        frame(deep)
    with pytest.raises(WireError, match="too large"):
        frame("x" * (wire.MAX_HEADER + 1))
    with pytest.raises(WireError, match="too large"):
        frame(np.zeros(wire.MAX_BYTES // 8 + 1))


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<II", 2**31, 0), struct.pack("<II", 2, 2**31), struct.pack("<IIQ", 2, 1, 2**60) + b"[]",
        struct.pack("<II", 3, 0) + b"[[[", struct.pack("<II", 2, 0) + b"\xff\xff", struct.pack("<II", 20_000, 0) + b"[" * 20_000,
    ],
)  # fmt: skip
def test_frames_that_lie_about_their_size_or_hold_no_json(data):
    with pytest.raises((WireError, UnicodeDecodeError)):
        read(data)


NODES = [
    [], {}, [1], ["?"], ["a"], ["a", "<f8", [3], "C", 0], ["a", "|O", [1], "C", 0], ["a", "<f8", [2**62, 4], "C", 0],
    ["a", "<f8", [-1], "C", 0], ["T", "float32", [1], "C", 7, 0], ["T", "qint8", [1], "C", 0, 0], ["T", "uint8", [8], [0, 0], 0, 0],
    ["T", "uint8", [8], "C", 0, 9], ["T", "float32", [True, 2], "C", 0, 0], ["=", 3], ["<", 0], ["=", -1], ["i", "zz"], ["i", "9" * 3_000_000],
    ["Y", "object"], ["d", "type", 1, 2], ["d", "dict", 1], ["d", "dict", ["l"], 1], ["s", ["l"]], ["n", "l", "q", 0], ["n", "x", "i", 0],
    ["p", "a\0b"], ["N", "__class__", 1], ["z", -1], ["b", 1.5], ["b", True], ["k", "exit"], ["g", "1"], ["G", 0], ["r", "a", 1, 1], ["D", "x"],
    ["v", "<f8", 0, 0], ["A", "U", [1], [1]], ["A", "O", [3], [1]], ["~", 1], ["M", 1], ["F", 1, "f"], ["@", 1, ["K", 2]], ["H", 0],
]  # fmt: skip


@pytest.mark.parametrize("node", NODES, ids=lambda n: str(n)[:30])
def test_nodes_that_no_encoder_writes_are_refused(node):
    with pytest.raises(WireError):
        Decoder([memoryview(bytes(8)), memoryview(b"")]).decode(node)


def test_a_truth_value_made_of_any_byte_is_true_or_false():
    for node in (["a", "|b1", [3], "C", 0], ["T", "bool", [3], "C", 0, 0]):
        value = Decoder([memoryview(b"\x00\x02\xff")]).decode(node)
        assert value.tolist() == [False, True, True]
        assert np.asarray(value).view(np.uint8).tolist() == [0, 1, 1]


def test_frames_that_are_damaged_anywhere_never_do_worse_than_a_wire_error():
    rng = random.Random(0)
    values = [v for v in VALUES if v is not type(None)] + [
        np.eye(3),
        torch.ones(2, 3).T,
        np.random.default_rng(1),
    ]
    whole = frame(values)
    for _ in range(3_000):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 4)):
            action = rng.randrange(3)
            at = rng.randrange(len(data))
            if action == 0:
                data[at] = rng.randrange(256)
            elif action == 1:
                del data[at : at + rng.randrange(9)]
            else:
                data[at:at] = rng.choice([b"[", b"]", b'"', b"9", b"-", b"null,", b"\x00"])
        with contextlib.suppress(WireError, UnicodeDecodeError):
            read(bytes(data))
