"""Who tells whether a label fits a document."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from clustering_pipeline.labeling.text.selection import telling_words

Judge: TypeAlias = Callable[[Sequence[str], Sequence[str]], np.ndarray]
"""Labels and documents to a (labels, documents) matrix of how well they fit."""


def tf_idf_judge(labels: Sequence[str], documents: Sequence[str]) -> np.ndarray:
    """Cosine of TF-IDF vectors of word stems."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415

    vectorizer = TfidfVectorizer(analyzer=telling_words, sublinear_tf=True)
    try:
        written = vectorizer.fit_transform(documents)
    except ValueError:  # not one word in all documents
        return np.zeros((len(labels), len(documents)))
    asked = vectorizer.transform(labels)
    return np.asarray((asked @ written.T).toarray())


def closest_candidate(
    phrases: Sequence[str], candidates: Mapping[str, str]
) -> tuple[str, float] | None:
    """The label, with its share of all likeness; ``None`` when no word of any one occurs."""
    if not phrases or not candidates:
        return None
    meanings = [f"{label}. {meaning}" for label, meaning in candidates.items()]
    fits = tf_idf_judge([" ".join(phrases)], meanings)[0]
    best = int(fits.argmax())
    if fits[best] <= 0:
        return None
    return list(candidates)[best], float(fits[best] / fits.sum())
