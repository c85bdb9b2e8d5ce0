"""Documents whose groups are known: each subject has a direction of its own and its own words."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

WORDS = {
    "sea": ["harbour", "lighthouse", "trawler", "tide", "sailor", "anchor", "reef", "whale"],
    "kitchen": ["garlic", "oven", "saucepan", "dough", "pepper", "onion", "butter", "recipe"],
    "space": ["orbit", "telescope", "galaxy", "rocket", "comet", "astronaut", "nebula", "planet"],
    "court": ["judge", "verdict", "lawsuit", "plaintiff", "attorney", "jury", "appeal", "statute"],
}
SUBJECTS = tuple(WORDS)
COMMON = ["the", "of", "and", "with", "under", "before", "while", "they", "from", "were"]
SIZES = {"sea": 110, "kitchen": 80, "space": 60, "court": 50}


@dataclass(frozen=True, kw_only=True)
class Documents:
    """(n, d) vectors and what is known of each document."""

    vectors: NDArray[np.float32]
    payloads: list[dict[str, Any]]
    ids: list[int | str]

    @cached_property
    def subjects(self) -> list[str]:
        return [payload["subject"] for payload in self.payloads]

    def __len__(self) -> int:
        return len(self.ids)


def is_about(subject: str, *phrases: str) -> bool:
    """Whether labels and keywords have words of that subject only."""
    return set(" ".join(phrases).split()) <= {"·", subject, *WORDS[subject]}


def planted(
    *,
    sizes: dict[str, int] = SIZES,
    dimensions: int = 16,
    spread: float = 0.15,
    strays: int = 0,
    seed: int = 7,
    first_id: int = 1,
) -> Documents:
    """Groups of the given sizes in shuffled order, and ``strays`` that lie in no group."""
    random = np.random.default_rng(seed)
    subjects = [name for name, count in sizes.items() for _ in range(count)]
    subjects += ["stray"] * strays
    order = random.permutation(len(subjects))
    subjects = [subjects[place] for place in order]
    vectors = np.stack([_vector(name, dimensions, spread, random) for name in subjects])
    return Documents(
        vectors=vectors.astype(np.float32),
        payloads=[_payload(number, name, random) for number, name in enumerate(subjects)],
        ids=list(range(first_id, first_id + len(subjects))),
    )


def _vector(
    subject: str, dimensions: int, spread: float, random: np.random.Generator
) -> NDArray[np.floating]:
    noise = random.normal(size=dimensions)
    if subject == "stray":
        noise[: len(SUBJECTS)] = -np.abs(noise[: len(SUBJECTS)])
        return 4 * noise
    middle = np.zeros(dimensions)
    middle[SUBJECTS.index(subject)] = 1.0
    return middle + spread * noise


def _payload(number: int, subject: str, random: np.random.Generator) -> dict[str, Any]:
    own = WORDS.get(subject, [])
    text = random.choice(COMMON, 6).tolist() + (random.choice(own, 6).tolist() if own else [])
    random.shuffle(text)
    return {
        "document_id": f"doc_{number:05}",
        "subject": subject,
        "year": 1990 + number % 30,
        "text": " ".join(text),
    }
