"""A judge by embeddings: what it is sent, what it costs, and when words judge in its place."""

import asyncio

import numpy as np
import pytest

from clustering_pipeline.labeling import EmbeddingJudge, Price, Terms, tf_idf_judge
from clustering_pipeline.labeling.llm.openai import OpenAICompatible
from clustering_pipeline_tests.labeling.loopback import Server, serving, well

LABELS = ["wheat harvests", "solar energy"]
DOCUMENTS = ["The harvest of wheat.", "Energy of the sun and solar panels.", "Nothing of the sort."]
PRICED = {"tiny": Price(prompt=1_000, completion=0)}


def judge(server: Server, *, model: str | None = "tiny", length: int = 200, **given):
    provider = OpenAICompatible(
        base_url=server.base_url, api_key="local", model="m", embedding_model=model
    )
    options = {name: given.pop(name) for name in ("spent", "ends_at") if name in given}
    return EmbeddingJudge(provider, Terms(**given), length=length, **options)


def test_a_model_s_embeddings_judge_where_there_are_any():
    with serving(well) as server:
        one = judge(server)
        fits = one(["abc", "xyz"], ["zyx", "cab", ""])
        assert np.allclose(fits, [[0, 1, 0], [1, 0, 0]])
        assert server.embedded == [["abc", "xyz", "zyx", "cab", "-"]]
        assert not one.fell_back


def test_it_also_works_inside_a_running_loop():
    async def inside(server):
        return judge(server)(["abc"], ["cab"])

    with serving(well) as server:
        assert np.allclose(asyncio.run(inside(server)), [[1]])


def test_what_it_costs_is_counted():
    with serving(well) as server:
        one = judge(server, prices=PRICED)
        one(LABELS, DOCUMENTS * 100)
        spent = one.ledger
        assert (spent.embedding_calls, spent.calls) == (2, 0)
        assert spent.embedding_tokens == server.embedding_tokens
        assert spent.cost == pytest.approx(server.embedding_tokens / 1_000)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"model": None}, id="no-model"),
        pytest.param({"max_cost": 1.0, "prices": {}}, id="a-limit-and-no-price"),
        pytest.param({"max_cost": 1.0, "prices": PRICED, "spent": 1.0}, id="spent"),
        pytest.param({"ends_at": 0.0}, id="too-late"),
    ],
)
def test_otherwise_words_judge(given):
    with serving(well) as server:
        one = judge(server, **given)
        assert np.array_equal(one(LABELS, DOCUMENTS), tf_idf_judge(LABELS, DOCUMENTS))
        assert (one.fell_back, server.embedded, one.ledger.cost) == (True, [], 0.0)


def test_the_limit_is_passed_by_one_call_at_most():
    with serving(well) as server:
        one = judge(server, prices=PRICED, max_cost=0.001, concurrency=4)
        one(LABELS, DOCUMENTS * 400)
        assert (len(server.embedded), one.ledger.embedding_calls, one.fell_back) == (1, 1, True)


def test_documents_are_cut_and_scrubbed_before_they_leave():
    with serving(well) as server:
        judge(server, length=20, scrub=True)(["a"], ["Write to  jane@example.org about wheat."])
        assert server.embedded[0][1] == "Write to [e-mail] ab"


REFUSALS = {
    "filter": lambda texts: (400, "content_filter") if "no" in texts else None,
    "nothing-said": lambda texts: (422, "Bad request") if "no" in texts else None,
    "too-long": lambda texts: (400, "maximum context length is 8") if "no" in texts else None,
}


@pytest.mark.parametrize("refuses", REFUSALS.values(), ids=REFUSALS)
def test_a_text_that_is_refused_leaves_the_others_their_vectors(refuses):
    with serving(well) as server:
        server.refuses = refuses
        one = judge(server)
        fits = one(["abc", "xyz"], ["zyx", "no", "cab"])
        assert np.allclose(fits, [[0, 0, 1], [1, 0, 0]])
        assert not one.fell_back


def test_a_batch_that_is_too_large_is_asked_for_by_halves():
    with serving(well) as server:
        server.refuses = lambda texts: (413, "batch size > 2") if len(texts) > 2 else None
        one = judge(server)
        assert np.allclose(one(["abc"], ["cab", "xyz", "bca"]), [[1, 0, 1]])
        assert [len(texts) for texts in server.embedded] == [2, 2]


@pytest.mark.parametrize(
    ("status", "calls"), [pytest.param(401, 1, id="key"), pytest.param(404, 1, id="model")]
)
def test_a_server_that_refuses_everything_is_asked_once(status, calls):
    with serving(well) as server:
        server.refuses = lambda _texts: (status, "no")
        one = judge(server)
        one(["abc"], ["cab", "xyz"])
        assert (one.fell_back, one.ledger.embedding_calls) == (True, calls)


def test_where_every_text_is_refused_words_judge():
    with serving(well) as server:
        server.refuses = lambda _texts: (400, "content_filter")
        one = judge(server)
        one(["abc"], ["cab"])
        assert one.fell_back
