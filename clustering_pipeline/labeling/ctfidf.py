"""Keyphrases of each group: class-based TF-IDF over words and phrases.

Class-based TF-IDF (Grootendorst 2022, "BERTopic", equation 3) with two changes that fitted labels
of held-out documents better: shares of texts instead of raw counts, so that one long text cannot
name a group, and an inverse frequency over the texts outside the group instead of over all.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from clustering_pipeline.labeling.text.encoding import encode
from clustering_pipeline.labeling.text.phrases import Phrases, count_phrases
from clustering_pipeline.labeling.text.repeats import counted_once
from clustering_pipeline.labeling.text.selection import Candidate, best_phrases
from clustering_pipeline.labeling.text.spelling import spelled

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_POOL = 80
_RARITY_POWER = 1.5
# Where nothing lies outside the group, its commonest phrases name it.
_RARITY_FLOOR = 1e-6


def keyphrases(
    texts: Sequence[str], labels: np.ndarray, *, top: int = 10, stop_words: Sequence[str] = ()
) -> dict[int, list[str]]:
    """The phrases that set each group apart, best first.

    ``labels`` (n,) gives the group of each text, −1 for none: those texts only help to tell what
    is common.  Every group has an entry, an empty one when its texts say nothing.  What several
    texts repeat word for word counts once; ``stop_words`` are in no phrase.
    """
    labels = np.asarray(labels, dtype=np.int64)
    n_groups = int(labels.max(initial=-1)) + 1
    counted = counted_once(encode(texts, stop_words), labels, n_groups)
    phrases = count_phrases(counted.corpus, counted.groups, n_groups, counted.weights)
    scores = class_tf_idf(phrases, counted.sizes, n_texts=counted.n_sources)
    present = np.unique(labels[labels >= 0]).tolist()
    best = {group: best_phrases(_pool(phrases, scores, group), top=top) for group in present}
    return spelled(best, texts, labels)


def class_tf_idf(phrases: Phrases, sizes: np.ndarray, *, n_texts: int) -> "csr_array":
    """Sparse (groups, phrases) scores; ``sizes`` (groups,) counts the texts of each."""
    from scipy.sparse import csr_array  # noqa: PLC0415

    scores = csr_array(phrases.counts, copy=True)
    own = sizes[np.repeat(np.arange(len(sizes)), np.diff(scores.indptr))]
    # A text and what it repeats may both hold a phrase.
    scores.data = np.minimum(scores.data, own)
    inside = scores.data / own
    outside = (phrases.totals[scores.indices] - scores.data + 1) / (n_texts - own + 1)
    rarity = np.maximum(np.log(inside / outside), 0.0)
    scores.data = inside * (rarity**_RARITY_POWER + _RARITY_FLOOR)
    return scores


def _pool(phrases: Phrases, scores: "csr_array", group: int) -> list[Candidate]:
    """The group's best-scored phrases, before any is weighed against another."""
    span = slice(scores.indptr[group], scores.indptr[group + 1])
    columns, values, counts = scores.indices[span], scores.data[span], phrases.counts.data[span]
    order = np.lexsort((columns, -values))[:_POOL]
    return [
        Candidate(
            words=phrases.spelled(columns[at]),
            text=phrases.text(columns[at]),
            score=float(values[at]),
            count=float(counts[at]),
        )
        for at in order
    ]
