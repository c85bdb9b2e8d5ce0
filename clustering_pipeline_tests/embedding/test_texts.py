"""Texts to vectors: what is known, long texts, empty texts, and models that misbehave."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from clustering_pipeline.embedding.cache import VectorCache, key_of
from clustering_pipeline.embedding.embedder import checked, no_embedder
from clustering_pipeline.embedding.local import Local
from clustering_pipeline.embedding.served import Served, batches
from clustering_pipeline.embedding.texts import embed_texts, windows
from clustering_pipeline.labeling import Terms
from clustering_pipeline.labeling.llm.openai import open_provider
from clustering_pipeline.labeling.prices import count_tokens
from clustering_pipeline.model.collections import EmbedConfig
from clustering_pipeline.model.errors import EmbeddingFailed
from clustering_pipeline.model.executions.execution import LabelingLedger
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.stores.artifacts import Artifacts
from clustering_pipeline_tests.labeling.loopback import letters, serving, well

CONFIG = EmbedConfig(field="text", model="letters")


@dataclass
class Letters:
    """Knows which letters a text holds, and what it was asked."""

    window: int = 100
    asked: list[str] = field(default_factory=list)
    ledger = LabelingLedger()

    def embed(self, texts):
        self.asked += texts
        return np.array([letters(text) for text in texts], dtype=np.float32)


@pytest.fixture
def cache(tmp_path):
    return VectorCache(Artifacts.open(str(tmp_path)), LOCAL, CONFIG)


def test_each_text_is_asked_once_and_never_again(tmp_path):
    store = Artifacts.open(str(tmp_path))
    first, second = Letters(), Letters()
    texts = ["sea", "court", " sea ", "", None, "court"]
    cache = VectorCache(store, LOCAL, CONFIG)
    made = embed_texts(texts, first, cache)
    cache.close()
    assert first.asked == ["sea", "court"]
    assert made.empty.tolist() == [False, False, False, True, True, False]
    assert (made.cached, made.windowed) == (0, 0)
    again = embed_texts([*texts, "tide"], second, VectorCache(store, LOCAL, CONFIG))
    assert (second.asked, again.cached) == (["tide"], 4)
    assert np.array_equal(again.vectors[:6], made.vectors)
    other = EmbedConfig(field="text", model="others")
    third = Letters()
    embed_texts(texts, third, VectorCache(store, LOCAL, other))
    assert third.asked == ["sea", "court"]


def test_what_is_not_written_yet_is_known_all_the_same(cache):
    cache.add([key_of("sea")], np.ones((1, 3), dtype=np.float32))
    assert cache.get([key_of("sea"), key_of("court")])[key_of("sea")].tolist() == [1, 1, 1]


def test_nothing_but_empty_texts_asks_nobody():
    model = Letters()
    made = embed_texts(["", " \n", None], model)
    assert (model.asked, made.empty.all(), made.vectors.shape) == ([], True, (3, 0))


def test_a_long_text_is_the_mean_of_its_windows():
    model = Letters(window=40)
    text = "harbour " * 20 + "verdict " * 20
    made = embed_texts([text, "harbour"], model)
    assert made.windowed == 1
    assert all(count_tokens(part) <= 30 for part in model.asked)
    assert " ".join(model.asked[:-1]).split() == text.split()
    halves = np.array([letters("harbour"), letters("verdict")]).mean(axis=0)
    cosine = made.vectors[0] @ halves / np.linalg.norm(made.vectors[0]) / np.linalg.norm(halves)
    assert cosine > 0.99


@pytest.mark.parametrize("text", ["x" * 5_000, "海" * 900, "a b " * 900])
def test_windows_hold_all_of_a_text(text):
    parts = list(windows(text, 100))
    assert "".join(parts).replace(" ", "") == text.replace(" ", "")
    assert max(map(count_tokens, parts)) <= 110


def test_batches_end_by_count_and_by_tokens():
    assert [len(batch) for batch in batches(["word"] * 600)] == [256, 256, 88]
    long = "word " * 40_000
    assert [len(batch) for batch in batches([long, long, long])] == [1, 1, 1]
    assert list(batches([])) == []


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ([[1.0, 2.0]], "answered 1 × 2 numbers for 2 texts"),
        ([[1.0], [1.0, 2.0]], "vectors of several lengths"),
        ([[1.0], [float("nan")]], "NaN or infinity for 1 texts"),
        ([1.0, 2.0], "answered 2 numbers for 2 texts"),
        ([[], []], "answered 2 × 0 numbers"),
        ("no numbers", "several lengths"),
    ],
)
def test_what_a_model_must_not_answer(answer, sentence):
    with pytest.raises(EmbeddingFailed, match=sentence):
        checked(answer, 2, CONFIG)


def served(server, **terms) -> Served:
    def provider():
        return open_provider(
            api_key="k", base_url=server.base_url, embedding_model="text-embedding-3-small"
        )

    config = EmbedConfig(field="text", model="text-embedding-3-small")
    return Served(provider, config, Terms(retry_pause=0.01, **terms))


def test_a_server_is_asked_in_batches_and_paid_for():
    texts = [f"text number {number}" for number in range(600)]
    with serving(well) as server:
        embedder = served(server)
        vectors = embedder.embed(texts)
        assert vectors.tolist() == [letters(text) for text in texts]
        assert sorted(map(len, server.embedded)) == [88, 256, 256]
        assert embedder.ledger.embedding_calls == 3
        assert embedder.ledger.embedding_tokens == server.embedding_tokens
        assert embedder.ledger.cost == pytest.approx(server.embedding_tokens * 0.02 / 1e6)


def test_a_busy_server_is_asked_again_and_a_large_batch_halved():
    left = [(429, "slow down")]
    with serving(well) as server:
        server.refuses = lambda texts: (
            left.pop() if left else (400, "too many inputs") if len(texts) > 100 else None
        )
        assert served(server).embed(["sea"] * 240).shape == (240, 26)


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [((401, "wrong key"), "answered 401: .*wrong key"), ((404, "no model"), "no model")],
)
def test_a_refusal_is_said_with_its_reason(refusal, sentence):
    with serving(well) as server:
        server.refuses = lambda _texts: refusal
        with pytest.raises(EmbeddingFailed, match=sentence):
            served(server).embed(["sea"])


def test_where_nobody_listens_and_where_the_money_is_spent():
    with serving(well) as server:
        embedder = served(server, max_cost=0.0)
        with pytest.raises(EmbeddingFailed, match="max_cost is spent"):
            embedder.embed(["sea"])
        assert server.embedded == []
    with pytest.raises(EmbeddingFailed, match="cannot be reached"):
        served(server).embed(["sea"])


@pytest.mark.parametrize("provider", ["sentence-transformers", "fastembed"])
def test_a_package_that_is_missing_or_a_model_that_is_none_is_said(provider, tmp_path):
    config = EmbedConfig(field="text", provider=provider, model=str(tmp_path))
    with pytest.raises(EmbeddingFailed, match=rf"{provider}:.*(pip install|cannot be loaded)"):
        Local(config).embed(["sea"])
    with pytest.raises(EmbeddingFailed, match="nothing here makes vectors"):
        no_embedder(config)
