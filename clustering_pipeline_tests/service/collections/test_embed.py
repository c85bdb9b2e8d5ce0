"""Texts of files, of documents put over HTTP and of collections become vectors, and are found."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from clustering_pipeline.model.collections import (
    CreateCollectionRequest,
    EmbedConfig,
    PutDocumentsRequest,
)
from clustering_pipeline.model.errors import EmbeddingFailed, InvalidRequest, StateConflict
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.service.collections.documents import get_document, put_documents
from clustering_pipeline.service.collections.load import Load, load
from clustering_pipeline.service.collections.register import register_own
from clustering_pipeline.service.results.place_texts import place_texts
from clustering_pipeline.service.results.search import find_groups
from clustering_pipeline_tests.embedding.test_texts import Letters
from clustering_pipeline_tests.labeling.loopback import letters
from clustering_pipeline_tests.worlds.planted import planted

EMBED = EmbedConfig(field="text", model="letters")
KMEANS = {
    "feature_uri": "mixpeek://text@v1/embedding",
    "clustering_method": "kmeans",
    "algorithm_params": {"n_clusters": 2},
}
# Letters tell them apart.
TEXTS = [f"zzz zebra zoo {'z' * (number + 1)}" for number in range(12)]
TEXTS += [f"aaa banana {'a' * (number + 1)}" for number in range(8)]


@pytest.fixture
def model():
    return Letters()


@pytest.fixture
def texts_world(world, model):
    return world.over(embedder_of=lambda _config: model)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "texts.csv"
    ids = [f"t{number}" for number in range(len(TEXTS))]
    pl.DataFrame({"document_id": ids, "text": TEXTS}).write_csv(path)
    return path


def request(file, name, **changes):
    return replace(Load(file=file, collection_name=name, vector_columns=(), embed=EMBED), **changes)


def vectors_of(world, record):
    pages = world.pipeline.documents.scroll(record.qdrant_collection, vector_names=["embedding"])
    return {
        point.payload["text"]: point.vectors.get("embedding") for page in pages for point in page
    }


def test_texts_of_a_file_become_vectors_once(texts_world, model, file):
    pipeline, name = texts_world.pipeline, texts_world.name("texts")
    seen = []
    record = load(pipeline, LOCAL, request(file, name), lambda *done: seen.append(done))
    assert (record.embed, seen[-1]) == (EMBED, (20, 20))
    stored = vectors_of(texts_world, record)
    unit = np.array(letters(TEXTS[0])) / np.linalg.norm(letters(TEXTS[0]))
    assert stored[TEXTS[0]] == pytest.approx(unit, abs=1e-6)
    asked = len(model.asked)
    load(pipeline, LOCAL, request(file, name))
    assert len(model.asked) == asked


def test_groups_are_found_and_texts_placed_by_vectors(texts_world, file):
    pipeline = texts_world.pipeline
    record = load(pipeline, LOCAL, request(file, texts_world.name("texts")))
    ran = texts_world.run(texts_world.define(record, KMEANS))
    given = pipeline, LOCAL, ran.cluster.cluster_id
    answer = find_groups(*given, "banana banana")
    assert answer.by == "vectors"
    assert answer.results[0].member_count == 8
    assert answer.documents[0].text.startswith("aaa banana")
    placed = place_texts(*given, [TEXTS[3], "rhythm myth"]).results
    assert [row.cluster_id for row in placed] == ["cl_0", None]
    assert (placed[0].label is not None, placed[1].probability) == (True, 0)
    with pytest.raises(InvalidRequest, match="an empty text has no vector"):
        place_texts(*given, [" "])


def test_documents_without_a_vector_get_one_when_a_definition_runs(texts_world, model):
    documents = planted(sizes={"sea": 12, "court": 9})
    record = texts_world.collection(documents)
    pipeline, name = texts_world.pipeline, record.qdrant_collection
    config = EMBED.model_copy(update={"vector": "letters"})
    record = pipeline.catalog.collections.update(LOCAL, record.collection_id, embed=config)
    pipeline.documents.upsert(name, [900], {}, [{"text": " "}])
    vectors = KMEANS | {"feature_uri": "mixpeek://text@v1/letters"}
    cluster = texts_world.define(record, vectors)
    first = texts_world.run(cluster)
    assert (first.execution.num_points, first.execution.index_gap) == (21, 1)
    assert len([text for text in model.asked if text.endswith("?") is False]) == 21
    asked = len(model.asked)
    pipeline.documents.upsert(name, [901], {}, [{"text": "one more of the sea"}])
    again = texts_world.run(cluster)
    assert (again.execution.num_points, len(model.asked)) == (22, asked + 1)


def test_documents_are_put_with_texts_alone(texts_world):
    pipeline = texts_world.pipeline
    asked = CreateCollectionRequest(
        collection_name=texts_world.name("put"), vector_sizes={"embedding": 26}, embed=EMBED
    )
    record = register_own(pipeline, LOCAL, asked)
    texts_world.made.append(record.qdrant_collection)
    own = {"document_id": "b", "vectors": {"embedding": [1.0] * 26}, "payload": {"text": "own"}}
    documents = [
        {"document_id": "a", "payload": {"text": "harbour"}},
        own,
        {"document_id": "c", "payload": {"text": ""}},
    ]
    put = PutDocumentsRequest.model_validate({"documents": documents})
    assert put_documents(pipeline, record, put) == 3
    a, b, c = (get_document(pipeline, record, name, vectors=True).vectors for name in "abc")
    assert np.argmax(a["embedding"]) in {0, 7, 14, 17, 20, 1}
    assert b["embedding"] == pytest.approx([26**-0.5] * 26, abs=1e-6)
    assert not c
    elsewhere = asked.model_copy(
        update={"embed": EMBED.model_copy(update={"provider": "fastembed"})}
    )
    with pytest.raises(InvalidRequest, match="for whoever runs it"):
        register_own(pipeline, LOCAL, elsewhere)


def test_another_model_is_refused_or_makes_all_anew(texts_world, model, file, tmp_path):
    pipeline, name = texts_world.pipeline, texts_world.name("texts")
    record = load(pipeline, LOCAL, request(file, name))
    more = tmp_path / "more.csv"
    pl.DataFrame({"document_id": ["m"], "text": ["mmm"]}).write_csv(more)
    other = EMBED.model_copy(update={"model": "others"})
    with pytest.raises(InvalidRequest, match="made by openai:letters, and openai:others is asked"):
        load(pipeline, LOCAL, request(more, name, embed=other))
    asked = len(model.asked)
    load(pipeline, LOCAL, request(more, name, embed=other, re_embed=True))
    assert set(model.asked[asked:]) >= {*TEXTS, "mmm"}
    assert len(vectors_of(texts_world, record)) == 21


def test_a_model_that_fails_half_way_loses_nothing(world, file):
    pipeline, model = world.pipeline, Letters()
    left = SimpleNamespace(calls=1)

    def embed(texts):
        if not left.calls:
            message = "the model went away"
            raise EmbeddingFailed(message)
        left.calls -= 1
        return Letters.embed(model, texts)

    failing = SimpleNamespace(window=100, ledger=model.ledger, embed=embed)
    broken = world.over(embedder_of=lambda _config: failing)
    unknown = EMBED.model_copy(update={"model": "failing"})
    asked = request(file, world.name("texts"), embed=unknown)
    with pytest.raises(EmbeddingFailed, match=r"went away; 0 of 20 rows .* load it again"):
        load(broken.pipeline, LOCAL, asked)
    left.calls = 5
    record = load(broken.pipeline, LOCAL, asked)
    assert pipeline.documents.count(record.qdrant_collection) == 20


def test_without_an_embedder_words_are_looked_for_and_no_text_is_placed(world):
    record = world.collection(planted(sizes={"sea": 12, "court": 9}))
    ran = world.run(
        world.define(record, {"clustering_method": "kmeans", "algorithm_params": {"n_clusters": 2}})
    )
    given = world.pipeline, LOCAL, ran.cluster.cluster_id
    assert find_groups(*given, "trawler").by == "words"
    with pytest.raises(StateConflict, match="need one embedder"):
        place_texts(*given, ["trawler"])
