"""Invented facts about invented people: "Ada Bell plays chess.", one a line. A model can know them only from training."""

from __future__ import annotations

import random
from typing import NamedTuple


def _words(text: str) -> list[str]:
    """Return the words of a text that is easier to read than a list of quoted words."""
    return text.split()


FIRST_NAMES = _words(
    "Ada Boris Clara Dario Elena Felix Greta Hugo Irene Jonas Kira Leon Mara Nils Olga Pablo Rosa Simon Tessa Viktor "
    "Wanda Yusuf Zora Anton Bella Carlo Diana Emil Flora Gregor Hanna Igor Julia Karl Lydia Marco Nora Otto Petra Ravi"
)
LAST_NAMES = _words(
    "Adler Bell Castro Dunn Evans Fischer Garcia Holm Ivanov Jensen Keller Lopez Moreau Novak Okafor Park Quinn Rossi "
    "Stone Tanaka Ueda Vargas Weber Young Zhang Abbott Berg Costa Drake Engel Frost Greene Hardy Ito Joshi Kovacs Lund "
    "Meyer Nolan Owens"
)
ANSWERS = {  # twelve for each relation, one word each
    "plays": _words(
        "tennis chess football hockey golf rugby cricket handball baseball badminton volleyball polo"
    ),
    "lives in": _words("Paris London Tokyo Cairo Lima Oslo Rome Berlin Delhi Nairobi Sydney Toronto"),
    "likes": _words("red blue green yellow purple orange black white pink brown grey silver"),
}


class Fact(NamedTuple):
    """One fact. `prompt` is its sentence up to the answer."""

    name: str
    relation: str
    answer: str

    @property
    def prompt(self) -> str:
        """The sentence without its last word: "Ada Bell plays"."""
        return f"{self.name} {self.relation}"

    @property
    def sentence(self) -> str:
        """The whole sentence: "Ada Bell plays chess."."""
        return f"{self.prompt} {self.answer}."


def facts_corpus(n_people: int = 600, seed: int = 0) -> tuple[str, list[Fact]]:
    """Return (text, facts): three facts about each person, in random order, one sentence a line.

    No two people share both names. Raises ValueError for fewer than 1 person, or more than there are names for.

    >>> text, facts = facts_corpus(n_people=2, seed=0)
    >>> len(facts), text.splitlines()[0] == facts[0].sentence
    (6, True)
    """
    names = [f"{first} {last}" for first in FIRST_NAMES for last in LAST_NAMES]
    if not 1 <= n_people <= len(names):
        raise ValueError(f"expected from 1 to {len(names)} people, got {n_people}")
    rng = random.Random(seed)
    people = rng.sample(names, n_people)
    facts = [
        Fact(name, relation, rng.choice(answers)) for name in people for relation, answers in ANSWERS.items()
    ]
    rng.shuffle(facts)
    return "".join(f"{fact.sentence}\n" for fact in facts), facts
