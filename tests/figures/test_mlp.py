"""The pictures of lesson 10 are drawn from the learner's functions, and from what the lesson's cells found."""

import torch

from handmade.figures import mlp as figures
from handmade.reference import mlp as reference

FACTS = [
    ("Michael", "Jordan", "basketball"),
    ("Michael", "Phelps", "swimming"),
    ("Robin", "Williams", "acting"),
]
COUNTS = {0.5: {3: 5, 8: 22, 16: 121, 24: 485}, 0.35: {8: 10, 16: 23, 32: 119, 48: 422, 64: 1373}}
PENTAGON = torch.tensor([[1.0, 0.0], [0.3, 0.95], [-0.8, 0.6], [-0.8, -0.6], [0.3, -0.95]])
TRAINED = {
    "dense": (torch.tensor([[1.0, 0.2], [-0.2, 1.0], [0.0, 0.1], [0.0, 0.0], [0.1, 0.0]]), torch.zeros(5)),
    "sparse": (1.1 * PENTAGON, torch.full((5,), -0.25)),
}
DRAWN = {
    "activations": lambda: figures.activations(reference.relu, reference.gelu, reference.gelu_tanh),
    "one_neuron": lambda: figures.one_neuron(reference.fact_neuron),
    "table": lambda: figures.table(reference.fact_table, FACTS),
    "packing": lambda: figures.packing(reference.pack_vectors),
    "how_many": lambda: figures.how_many(COUNTS, reference.jl_dimension),
    "superposition": lambda: figures.superposition(TRAINED),
    "capacity": lambda: figures.capacity(reference.pack_vectors, reference.fact_table, reference.relu),
}


def test_the_largest_cosine_is_that_of_two_different_rows():
    V = torch.tensor([[2.0, 0.0], [0.0, 3.0], [-1.0, -1.0]])
    assert abs(figures.largest_cosine(V) - 0.5**0.5) < 1e-6


def test_random_facts_have_different_keys_and_their_own_answers():
    names = torch.eye(8)
    keys, values, answers, which = figures.random_facts(names, 16, seed=3)
    assert keys.shape == (16, 2, 8)
    assert len({tuple(key.argmax(1).tolist()) for key in keys}) == 16
    assert keys[:, 0].argmax(1).max() < 4 <= keys[:, 1].argmax(1).min()
    assert torch.equal(values, answers[which])
    assert answers.shape == (12, 8)
