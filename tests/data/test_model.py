"""The shipped model is what its card says, and it knows its facts."""

import re
from importlib.resources import files

import pytest
import torch

from handmade.data import make_model
from handmade.data.facts import ANSWERS
from handmade.data.model import load, taught_facts, tokenizer
from handmade.reference import tokens
from handmade.reference.gpt import count_parameters
from handmade.reference.training import evaluate

CARD = " ".join((files("handmade.data") / "model_card.md").read_text("utf-8").split())


@pytest.fixture(scope="module")
def loaded():
    return load()


def test_the_card_names_the_models_sizes(loaded):
    model, encoding = loaded
    config = model.config
    assert config == make_model.CONFIG
    assert f"{count_parameters(config)['total']:,} parameters" in CARD
    assert f"{encoding.n_vocab:,} tokens" in CARD
    assert config.vocab_size == encoding.n_vocab
    assert not model.training
    assert model.unembedding.weight is model.token_embedding.weight


def test_it_recalls_the_facts_that_it_was_taught(loaded):
    model, encoding = loaded
    facts = taught_facts()
    share = make_model.recall(model, encoding.encode, facts)
    assert share >= 0.95
    assert f"of all {len(facts)}," in CARD
    told = float(re.search(r'"Ada Drake lives in"\): ([\d.]+)%', CARD)[1])
    assert 100 * share == pytest.approx(told, abs=1)  # other machines round otherwise


def test_its_loss_on_text_that_it_never_read_is_the_cards(loaded):
    model, encoding = loaded
    kept = torch.tensor(encoding.encode(make_model.novel()[1]))
    loss = evaluate(model, kept, 40, torch.Generator().manual_seed(1))
    told = float(re.search(r"([\d.]+) per token", CARD)[1])
    assert loss == pytest.approx(told, abs=0.005)


def test_each_answer_is_one_token_and_the_tokenizer_is_lesson_05s(loaded):
    encoding = loaded[1]
    facts = taught_facts()
    assert all(len(encoding.encode(f" {word}")) == 1 for words in ANSWERS.values() for word in words)
    merges = make_model.learn_merges(make_model.novel()[0], facts)
    assert tokens.mergeable_ranks(merges) == {
        encoding.decode_single_token_bytes(i): i for i in range(encoding.n_vocab)
    }
    for text in ("Ada Drake lives in Rome.\n", "Thar she blows! naïve 人"):
        ids = encoding.encode(text)
        assert tokens.decode(ids, merges) == text
        assert ids == [i for piece in tokens.split_words(text) for i in tokens.encode(piece, merges)]


def test_what_it_reads_holds_the_novel_and_every_fact_equally_often():
    book, kept = "one\n\ntwo\n\n" * 400, taught_facts()
    text = make_model.lesson_text(book, kept)
    times = [text.count(f"{fact.sentence}\n") for fact in kept]
    assert max(times) - min(times) <= 1
    assert text.count("two") == 400


def test_a_tokenizer_of_few_merges():
    assert tokenizer([(97, 98)]).encode("abab") == [256, 256]
