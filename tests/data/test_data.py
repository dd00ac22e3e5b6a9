"""The shipped files are what SOURCES.md says, GPT-2's table is tiktoken's own, and the facts stay the same."""

import doctest
import hashlib
import json
import re
from importlib.resources import files

import pytest
import tiktoken.load
from tiktoken_ext import openai_public

from handmade.data import facts, gpt2
from handmade.data.facts import ANSWERS, facts_corpus
from handmade.data.gpt2 import END_OF_TEXT, PATTERN, byte_signs, gpt2_encoding, gpt2_ranks
from handmade.data.text import moby_dick

FOLDER = files("handmade.data")
TEXTS = [
    "",
    "Call me Ishmael.",
    "  two  spaces\n\n\tand a tab \n",
    "It's 3,141.59 o'clock; IT'S late, they'll've gone",
    "人人生而自由,在尊严和权利上一律平等。",
    "naïve café Ωμέγα 🐋 e\u0301 ½ x²",
    "\x00\x7f \u00a0 \u2028 end ",
]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def encoder_json():
    """Return the bytes of GPT-2's encoder.json, made of the ranks alone."""
    sign_of = {byte: sign for sign, byte in byte_signs().items()}
    table = {"".join(sign_of[byte] for byte in token): rank for token, rank in gpt2_ranks().items()}
    return json.dumps(table | {END_OF_TEXT: len(table)}).encode()


def test_every_file_has_a_source_and_its_sum():
    rows = dict(
        re.findall(r"^\| `([\w.]+)` .*?`([0-9a-f]{64})`", (FOLDER / "SOURCES.md").read_text("utf-8"), re.M)
    )
    shipped = {
        f.name for f in FOLDER.iterdir() if f.is_file() and not f.name.endswith((".py", ".pyc", ".md"))
    }
    assert set(rows) == shipped
    for name, expected in rows.items():
        assert sha256((FOLDER / name).read_bytes()) == expected, name


def test_the_whole_data_is_of_modest_size():
    assert sum(len(f.read_bytes()) for f in FOLDER.iterdir() if f.is_file()) < 6_000_000


def test_encoder_json_follows_from_the_merges():
    assert sha256(encoder_json()) == "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783"


@pytest.fixture
def official(monkeypatch):
    """Tiktoken's own GPT-2 definition, which checks the sums of the files that it is given."""
    ours = {"vocab.bpe": (FOLDER / "gpt2_vocab.bpe").read_bytes(), "encoder.json": encoder_json()}

    def read(url, expected_hash=None):
        data = ours[url.rpartition("/")[2]]
        assert sha256(data) == expected_hash
        return data

    monkeypatch.setattr(tiktoken.load, "read_file_cached", read)
    return openai_public.gpt2()


def test_ranks_and_pattern_are_tiktokens(official):
    assert gpt2_ranks() == official["mergeable_ranks"]
    assert official["pat_str"] == PATTERN
    assert official["special_tokens"] == {END_OF_TEXT: 50256}
    assert official["explicit_n_vocab"] == 50257 == gpt2_encoding().n_vocab


def test_encoding_agrees_with_tiktokens(official):
    theirs, ours = tiktoken.Encoding(**official), gpt2_encoding()
    for text in [*TEXTS, moby_dick()[:50_000]]:
        assert ours.encode(text) == theirs.encode(text)
        assert ours.decode(ours.encode(text)) == text
    assert ours.encode("Hello world") == [15496, 995]


def test_a_caller_cannot_spoil_the_table():
    gpt2_ranks().clear()
    assert len(gpt2_ranks()) == 50256


def test_the_novel_is_whole():
    text = moby_dick()
    assert text.startswith("CHAPTER 1. Loomings.")
    assert "Call me Ishmael." in text
    assert text.count("CHAPTER ") >= 135
    assert "\r" not in text


def test_facts_are_unique_and_stay_the_same():
    text, known = facts_corpus()
    assert text.splitlines() == [fact.sentence for fact in known]
    assert len(known) == len({fact.prompt for fact in known}) == 1800
    assert len({fact.name for fact in known}) == 600
    assert all(fact.answer in ANSWERS[fact.relation] for fact in known)
    assert {len(answers) for answers in ANSWERS.values()} == {12}
    words = [word for answers in ANSWERS.values() for word in answers]
    assert len(set(words)) == len(words)
    assert len(set(facts.FIRST_NAMES) | set(facts.LAST_NAMES)) == 80
    assert facts_corpus() == (text, known)
    assert facts_corpus(seed=1)[0] != text
    assert sha256(text.encode()) == "bc79e54c8e6c087634e0f4ccd43095f4fb29c46ee71145b0ff24cf375d8bd9a2"


@pytest.mark.parametrize("n_people", [0, -1, 1601])
def test_impossible_numbers_of_people_are_refused(n_people):
    with pytest.raises(ValueError, match="1 to 1600"):
        facts_corpus(n_people)


@pytest.mark.parametrize("module", [facts, gpt2])
def test_doctests(module):
    assert doctest.testmod(module).failed == 0


def test_the_counted_model_gives_the_shares_that_it_counted():
    import torch

    from handmade.data.stand_in import SHARES, CountedModel, load

    ids = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1, 1])
    model = CountedModel(ids, vocab_size=4)
    p = model(torch.tensor([[0, 1]])).softmax(-1)[0, -1]
    frequent = torch.tensor([3.01, 4.01, 2.01, 0.01]) / 9.04
    after_1 = torch.tensor([0.0, 1.0, 2.0, 0.0]) / 3
    after_0_1 = torch.tensor([0.0, 1.0, 2.0, 0.0]) / 3
    base, one, two = SHARES
    assert torch.allclose(p, base * frequent + one * after_1 + two * after_0_1, atol=1e-6)
    model, tokenizer = load()
    text = "Call me Ishmael. The white whale"
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.decode(tokenizer.encode("zyzzyva")) == "zyzzyva"  # no word of the book: spelt
    ids = torch.tensor([tokenizer.encode(" the white")])
    assert tokenizer.decode([int(model(ids)[0, -1].argmax())]) == " whale"
    with pytest.raises(ValueError, match="at most 2 tokens"):
        model(torch.zeros(1, 3, dtype=torch.int64))
