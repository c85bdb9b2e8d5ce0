"""Topics of texts in a notebook: what they show, and what is made of them."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from clustering_pipeline import cluster_texts, load_topics
from clustering_pipeline.model.errors import ClusteringError, InvalidRequest
from clustering_pipeline_tests.worlds.planted import planted

SIZES = {"sea": 30, "kitchen": 20, "court": 10}
DOCUMENTS = planted(sizes=SIZES)
TEXTS = [payload["text"] for payload in DOCUMENTS.payloads]
SUBJECTS = np.array(DOCUMENTS.subjects)
THREE = {"method": "kmeans", "params": {"n_clusters": 3}}
MONTHS = {"sea": "2024-01-31", "kitchen": "2024-03-01", "court": None}
METADATA = {"when": [MONTHS[subject] for subject in DOCUMENTS.subjects], "row": range(60)}
PLACES = {subject: place for place, subject in enumerate(SIZES)}


def embed(texts):
    """Each subject's own word leads into its direction."""
    by_text = dict(zip(TEXTS, DOCUMENTS.vectors, strict=True))
    near = {"trawler": 0, "oven": 1, "verdict": 3}
    axes = np.eye(16)
    return np.array([by_text[text] if text in by_text else axes[near[text]] for text in texts])


class Model:
    def encode(self, sentences):
        return embed(sentences)


class Lazy:
    def embed(self, documents):
        yield from embed(documents)


@pytest.fixture(scope="module")
def topics():
    return cluster_texts(TEXTS, embedder=embed, metadata=METADATA, **THREE)


def subject_of(topics, group):
    (subject,) = set(SUBJECTS[topics.numbers == group])
    return subject


def test_groups_and_documents_are_data_frames(topics):
    groups, documents = topics.groups, topics.documents
    assert isinstance(groups, pd.DataFrame)
    assert groups["documents"].tolist() == [30, 20, 10]
    assert [subject_of(topics, group) for group in groups["group"]] == list(SIZES)
    assert groups["share"].tolist() == [0.5, 1 / 3, 1 / 6]
    assert groups["cohesion"].between(0.7, 1).all()
    assert documents["text"].tolist() == TEXTS
    assert documents.columns.tolist() == [
        *("text", "group", "label", "probability", "x", "y", "when", "row")
    ]
    assert documents["row"].tolist() == list(range(60))
    for row in groups.to_dict("records"):
        own = documents[documents["group"] == row["group"]]
        assert set(own["label"]) == {row["label"]}
        assert set(row["texts"]) <= set(own["text"])


def test_polars_is_answered_where_it_is_asked_for():
    topics = cluster_texts(
        TEXTS,
        embeddings=DOCUMENTS.vectors,
        metadata=pl.DataFrame(METADATA),
        frames="polars",
        **THREE,
    )
    assert isinstance(topics.groups, pl.DataFrame)
    assert topics.timeline("when").counts["period"].to_list() == [
        *("2024-01-01", "2024-02-01", "2024-03-01")
    ]
    frame = pd.DataFrame(METADATA, index=range(100, 160))
    of_pandas = cluster_texts(TEXTS, embeddings=DOCUMENTS.vectors, metadata=frame, **THREE)
    assert of_pandas.documents["row"].tolist() == list(range(60))


@pytest.mark.parametrize("embedder", [Model(), Lazy(), embed], ids=["encode", "embed", "function"])
def test_each_kind_of_embedder_gives_the_same(topics, embedder):
    again = cluster_texts(TEXTS, embedder=embedder, **THREE)
    assert again.numbers.tolist() == topics.numbers.tolist()
    assert again.groups["label"].tolist() == topics.groups["label"].tolist()
    assert np.array_equal(again.positions, topics.positions)


def test_a_query_finds_a_group_by_vectors_and_by_words(topics):
    assert subject_of(topics, topics.find("trawler")["group"][0]) == "sea"
    by_words = topics.with_embedder(None).find("a Verdict of juries")
    assert subject_of(topics, by_words["group"][0]) == "court"
    assert by_words["score"].between(0, 1).all()
    assert topics.with_embedder(None).find("zzyzx").empty


def test_new_texts_join_groups_or_none(topics):
    joined = topics.transform(["trawler", "oven"])
    assert [subject_of(topics, group) for group in joined["group"]] == ["sea", "kitchen"]
    strange = topics.transform(["elsewhere"], embeddings=np.eye(16)[10:11])
    assert (strange["group"][0], strange["label"][0], strange["probability"][0]) == (-1, "Noise", 0)
    assert topics.transform([], embeddings=np.empty((0, 16))).empty


def test_names_and_merges_make_other_topics(topics):
    renamed = topics.rename({0: "  Ships "})
    assert renamed.groups["label"][0] == "Ships"
    assert topics.groups["label"][0] != "Ships"
    merged = renamed.merge([1, 2])
    assert merged.groups["documents"].tolist() == [30, 30]
    assert set(merged.groups["group"]) == {0, 1}
    assert merged.groups.set_index("group")["label"][0] == "Ships"
    assert merged.merge([0, 1], name="All").groups["label"].tolist() == ["All"]
    assert renamed.merge([0, 1]).groups["label"][0] == "Ships"
    third = topics.merge([0, 1])
    assert third.groups["group"].tolist() == [0, 2]
    assert subject_of(topics, third.transform(["verdict"])["group"][0]) == "court"


def test_a_timeline_counts_by_month(topics):
    line = topics.timeline("when")
    labels = topics.groups["label"].tolist()
    assert line.counts.columns.tolist() == ["period", *labels, "Noise"]
    assert line.counts[labels[0]].tolist() == [30, 0, 0]
    assert line.counts[labels[1]].tolist() == [0, 0, 20]
    assert line.shares[labels[1]].tolist() == [0, 0, 1]
    assert (line.without_date, line.unreadable) == (10, 0)
    by_list = topics.timeline(["2024"] * 59 + ["soon"], every="year")
    assert (by_list.unreadable, int(by_list.counts.iloc[0, 1:].sum())) == (1, 59)


def test_everything_shows_itself(topics, tmp_path):
    assert repr(topics) == "<Topics: 60 texts, 3 groups, 0 in none>"
    assert topics.groups["label"][0] in topics._repr_html_()
    assert topics.map()._repr_html_().startswith('<iframe title="Topics"')
    assert "srcdoc=" in topics.timeline("when")._repr_html_()
    page = topics.map(title="Texts").save(tmp_path / "map.html").read_text()
    assert "<title>Texts</title>" in page


def test_what_is_saved_is_read_again(topics, tmp_path):
    named = topics.rename({1: "Cooking"})
    named.save(tmp_path / "topics")
    again = load_topics(tmp_path / "topics", embedder=embed)
    pd.testing.assert_frame_equal(again.groups, named.groups)
    pd.testing.assert_frame_equal(again.documents, named.documents)
    pd.testing.assert_frame_equal(again.transform(["oven"]), named.transform(["oven"]))
    assert (
        again.merge([1, 2]).groups["label"].tolist() == named.merge([1, 2]).groups["label"].tolist()
    )
    with pytest.raises(InvalidRequest, match="holds no topics"):
        load_topics(tmp_path)
    (tmp_path / "topics" / "topics.json").write_text('{"format": 2}')
    with pytest.raises(InvalidRequest, match="of format 2, and this version reads 1"):
        load_topics(tmp_path / "topics")


VECTORS = np.ones((60, 4))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "texts have no vectors yet: give embeddings="),
        ({"embedder": lambda _texts: [[1, 2], [3]]}, "no table of numbers"),
        ({"embeddings": VECTORS[:59]}, "60 texts and 59 embeddings"),
        ({"embedder": 7}, "embedder is int: give a function"),
        ({"embedder": lambda _texts: VECTORS[:3]}, "made 3 vectors of 60 texts"),
        ({"embedder": lambda _texts: ["a"] * 60}, "must be real numbers, not str32"),
        ({"embedder": lambda _texts: VECTORS * np.nan}, "NaN"),
        ({"embeddings": VECTORS, "metadata": {"a": [1]}}, "1 rows and there are 60 texts"),
        ({"embeddings": VECTORS, "metadata": {"label": [1] * 60}}, "'label', as the result has"),
        ({"embeddings": VECTORS, "metadata": 5}, "metadata is int"),
        ({"embeddings": VECTORS, "method": "magic"}, "there is no algorithm 'magic'"),
        ({"embeddings": VECTORS, "params": {"n": 1}, "method": "kmeans"}, "n_clusters"),
    ],
)
def test_what_cannot_be_grouped_is_one_sentence(options, sentence):
    with pytest.raises(ClusteringError, match=sentence):
        cluster_texts(TEXTS, **options)


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ("one text", "give a list of them"),
        ([], "there are no texts"),
        (["a", None], "text 1 is NoneType"),
    ],
)
def test_texts_are_a_list_of_texts(texts, sentence):
    with pytest.raises(InvalidRequest, match=sentence):
        cluster_texts(texts, embeddings=VECTORS)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda topics: topics.rename({9: "x"}), "there is no group 9; there are: 0, 1, 2"),
        (lambda topics: topics.rename({0: " "}), "give it a name"),
        (lambda topics: topics.merge([1]), "two groups at least"),
        (lambda topics: topics.merge([0, -1]), "there is no group -1"),
        (lambda topics: topics.timeline("where"), "no column 'where'; it has: 'when', 'row'"),
        (lambda topics: topics.timeline(["2024"]), "1 dates and 60 texts"),
        (lambda topics: topics.timeline(["soon"] * 60), "no text has a date"),
        (lambda topics: topics.with_embedder(None).transform(["a"]), "there is no embedder"),
        (
            lambda topics: topics.transform(["a"], embeddings=VECTORS[:1]),
            "1 × 4: 1 texts need 1 × 16",
        ),
    ],
)
def test_what_cannot_be_done_is_one_sentence(topics, call, sentence):
    with pytest.raises(InvalidRequest, match=sentence):
        call(topics)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_texts_have_topics_too(count):
    topics = cluster_texts(["the sea"] * count, embeddings=np.ones((count, 3)))
    assert len(topics.documents) == count
    assert topics.map().page
