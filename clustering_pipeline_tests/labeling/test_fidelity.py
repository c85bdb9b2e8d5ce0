from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from clustering_pipeline.labeling import LabelingConfig, fidelity, label_groups, prepare
from clustering_pipeline.labeling.names import names_of
from clustering_pipeline.labeling.request import LabelRequest
from clustering_pipeline.labeling.text.selection import telling_words

SAMPLE = Path(str(files("clustering_pipeline.local") / "data" / "state_of_the_union.parquet"))
GROUPS = Path(__file__).parent / "state_of_the_union_groups.npy"
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
    """On the groups that UMAP and HDBSCAN find in the sample, judged alike, with the same draws."""
    frame, labels = pl.read_parquet(SAMPLE), np.load(GROUPS).astype(np.int64)
    ready = prepare(
        frame.drop("embedding").to_dicts(), labels, frame["embedding"].to_numpy(), config=CONFIG
    )
    named = label_groups(LabelRequest(groups=ready.groups)).groups
    names = {one.number: one.label for one in named}
    assert len(set(names.values())) == len(names) == 45

    commonest = {group: commonest_word(ready.texts, labels == group) for group in names}
    ours, theirs = mean_fidelity(names, ready, labels), mean_fidelity(commonest, ready, labels)
    print(f"mean fidelity: keyphrases {ours:.3f}, commonest word {theirs:.3f}")  # noqa: T201
    assert ours - theirs >= 0.15


def mean_fidelity(names, ready, labels) -> float:
    return float(np.mean([one.score for one in fidelity(names, ready, labels).values()]))


def commonest_word(texts, inside) -> str:
    """The most frequent word that is no stop word."""
    said = [word for row in np.flatnonzero(inside) for word in telling_words(texts[row])]
    words, counts = np.unique(said, return_counts=True)
    return str(words[counts.argmax()])


def test_labels_without_phrases_are_judged_too():
    ready = prepared(["", "wheat", "rye", "rye"], [0, 0, 1, 1])
    names = names_of({group.number: group.keyphrases for group in ready.groups})
    assert set(fidelity(names, ready, np.array([0, 0, 1, 1]))) == {0, 1}
