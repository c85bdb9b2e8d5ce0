from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.cluster import KMeans

from clustering_pipeline.labeling import LabelingConfig, fidelity, label_groups, prepare
from clustering_pipeline.labeling.names import names_of
from clustering_pipeline.labeling.request import LabelRequest
from clustering_pipeline.labeling.words.telling import telling_words
from clustering_pipeline_tests.sizes import size

SAMPLE = Path(str(files("clustering_pipeline.local") / "data" / "state_of_the_union.parquet"))
CONFIG = LabelingConfig()


def prepared(texts: list[str], labels: list[int]):
    vectors = np.eye(max(labels) + 2)[labels].astype(np.float32)
    return prepare([{"text": text} for text in texts], np.array(labels), vectors, config=CONFIG)


TEXTS = [f"wheat harvest {n}" for n in range(8)] + [f"solar energy {n}" for n in range(8)]
LABELS = [0] * 8 + [1] * 8


def test_a_telling_name_is_always_picked():
    found = fidelity({0: "wheat", 1: "solar"}, prepared(TEXTS, LABELS), np.array(LABELS))
    assert {group: (one.score, one.chance) for group, one in found.items()} == {
        0: (1.0, 0.5),
        1: (1.0, 0.5),
    }
    assert not any(one.is_low for one in found.values())


def test_an_empty_name_is_picked_by_chance():
    found = fidelity({0: "documents", 1: "solar"}, prepared(TEXTS, LABELS), np.array(LABELS))
    assert (found[0].score, found[0].is_low) == (0.5, True)


def test_the_neighbour_s_name_is_never_picked():
    found = fidelity({0: "solar", 1: "wheat"}, prepared(TEXTS, LABELS), np.array(LABELS))
    assert [one.score for one in found.values()] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        pytest.param(["wheat"] * 3, [0, 0, 0], id="one-group"),
        pytest.param(["", " "], [0, 1], id="no-text"),
        pytest.param(["wheat", "rye"], [-1, -1], id="all-noise"),
    ],
)
def test_without_texts_of_neighbours_there_is_no_measure(texts, labels):
    names = {0: "wheat", 1: "rye"}
    assert fidelity(names, prepared(texts, labels), np.array(labels)) == {}


def test_keyphrases_beat_the_commonest_word_by_fifteen_points():
    """On speeches that a simple clustering divides, judged alike, with the same draws."""
    frame = pl.read_parquet(SAMPLE).gather_every(size(ci=2, full=1))
    vectors = frame["embedding"].to_numpy()
    labels = KMeans(30, n_init=1, random_state=0).fit_predict(vectors).astype(np.int64)
    ready = prepare(frame.select("text").to_dicts(), labels, vectors, config=CONFIG)
    names = {
        one.number: one.label for one in label_groups(LabelRequest(groups=ready.groups)).groups
    }
    assert len(set(names.values())) == 30

    commonest = {
        group: commonest_word(
            [text for text, label in zip(ready.texts, labels, strict=True) if label == group]
        )
        for group in names
    }
    ours, theirs = (
        np.mean([one.score for one in fidelity(named, ready, labels).values()])
        for named in (names, commonest)
    )
    print(f"mean fidelity: keyphrases {ours:.3f}, commonest word {theirs:.3f}")  # noqa: T201
    assert ours - theirs >= 0.15


def commonest_word(texts: list[str]) -> str:
    """The most frequent word that is no stop word."""
    words, counts = np.unique(
        [word for text in texts for word in telling_words(text)], return_counts=True
    )
    return str(words[counts.argmax()])


def test_labels_without_phrases_are_judged_too():
    ready = prepared(["", "wheat", "rye", "rye"], [0, 0, 1, 1])
    names = names_of({group.number: group.keyphrases for group in ready.groups})
    assert set(fidelity(names, ready, np.array([0, 0, 1, 1]))) == {0, 1}
