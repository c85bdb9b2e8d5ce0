import asyncio
from dataclasses import replace

import pytest

from clustering_pipeline.labeling import (
    EmbeddingJudge,
    Price,
    Terms,
    estimate,
    label_groups,
    price_of,
)
from clustering_pipeline.labeling.llm.budget import Purse
from clustering_pipeline.labeling.prices import count_tokens
from clustering_pipeline.labeling.provider import Answer, Call, Failure, Usage
from clustering_pipeline.model.executions.execution import LabelingLedger
from clustering_pipeline_tests.labeling.groups import documents, groups, request_to
from clustering_pipeline_tests.labeling.loopback import Reply, at_length, serving, well

DEAR = {"gpt-4.1-mini": Price(prompt=1_000, completion=4_000)}


@pytest.mark.parametrize(
    ("model", "price"),
    [
        pytest.param("gpt-4o", 2.5, id="exact"),
        pytest.param("gpt-4o-mini-2024-07-18", 0.15, id="dated"),
        pytest.param("gpt-4o-2024-08-06", 2.5, id="not-the-mini"),
        pytest.param("llama3.2", None, id="unknown"),
        pytest.param("gpt-4oo", None, id="another-name"),
    ],
)
def test_a_dated_model_has_the_price_of_its_name(model, price):
    found = price_of(model)
    assert (found and found.prompt) == price


# What the o200k vocabulary makes of these texts.
@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        pytest.param("", 0, id="nothing"),
        pytest.param(
            "We have no question of the ultimate victory. We have no question of the cost.",
            17,
            id="english",
        ),
        pytest.param(
            "La receta del pastel pide harina, azúcar, mantequilla y tres huevos.", 17, id="spanish"
        ),
        pytest.param(
            "Рецепт пирога требует муку, сахар, сливочное масло и три яйца.", 21, id="russian"
        ),
        pytest.param("国家队在点球大战中赢得了世界杯决赛的胜利。", 20, id="chinese"),
    ],
)
def test_tokens_are_estimated_within_a_fifth(text, tokens):
    assert count_tokens(text) == pytest.approx(tokens, rel=0.2)


def test_ledgers_add_up():
    one = LabelingLedger(calls=1, cached=2, prompt_tokens=3, completion_tokens=4, cost=0.5)
    assert one + LabelingLedger(calls=1, unpriced=True) == LabelingLedger(
        calls=2, cached=2, prompt_tokens=3, completion_tokens=4, cost=0.5, unpriced=True
    )


def test_the_ledger_holds_what_the_server_counted():
    with serving(well) as server:
        labels = label_groups(request_to(server, *groups(6), terms=Terms(prices=DEAR)))
        spent = labels.ledger
        assert (spent.calls, spent.prompt_tokens, spent.completion_tokens) == (
            6,
            server.prompt_tokens,
            server.completion_tokens,
        )
        assert spent.estimated_tokens == 0
        expected = (spent.prompt_tokens + 4 * spent.completion_tokens) / 1_000
        assert spent.cost == pytest.approx(expected)


def test_a_server_that_counts_nothing_is_counted_for():
    def silent(server, request):
        return Reply(content=well(server, request).content, usage=False)

    with serving(silent) as server:
        spent = label_groups(request_to(server, *groups(2))).ledger
        assert spent.prompt_tokens == pytest.approx(server.prompt_tokens, rel=0.2)
        assert spent.estimated_tokens == spent.prompt_tokens + spent.completion_tokens


@pytest.mark.parametrize(
    ("outcome", "billed"),
    [
        pytest.param(Failure(kind="timeout", message=""), True, id="too-slow"),
        pytest.param(None, True, id="called-off"),
        pytest.param(Failure(kind="busy", message=""), False, id="turned-away"),
        pytest.param(Failure(kind="unreachable", message=""), False, id="nobody-there"),
        pytest.param(Failure(kind="refused", message=""), False, id="refused"),
    ],
)
def test_a_question_that_was_read_and_never_answered_is_booked_by_estimate(outcome, billed):
    async def work() -> LabelingLedger:
        purse = Purse(price=Price(prompt=10, completion=1), limit=None)
        call = Call(system="Name the group.", user="whales and reefs " * 20)
        assert await purse.allows(call)
        await purse.settle(call, outcome)
        return purse.ledger

    spent = asyncio.run(work())
    assert (spent.calls, spent.completion_tokens) == (1, 0)
    assert spent.estimated_tokens == spent.prompt_tokens
    assert (spent.prompt_tokens > 60, spent.cost > 0) == (billed, billed)


def test_the_estimate_is_within_fifteen_percent_of_the_ledger():
    with serving(at_length) as server:
        request = request_to(server, *groups(30), terms=Terms(prices=DEAR))
        expected, spent = estimate(request), label_groups(request).ledger
        assert (expected.calls, expected.cached) == (spent.calls, 0)
        assert expected.prompt_tokens == pytest.approx(spent.prompt_tokens, rel=0.15)
        assert expected.cost == pytest.approx(spent.cost, rel=0.15)


def test_vectors_are_in_the_ledger_and_in_the_estimate():
    prices = DEAR | {"tiny": Price(prompt=50_000, completion=0)}
    with serving(at_length) as server:
        terms = Terms(prices=prices)
        apart = {"embedding_similarity_threshold": 1.0}
        request = request_to(server, *groups(30), terms=terms, embedding_model="tiny", config=apart)
        judged = [text for group in request.groups for text in documents(group.keyphrases)]
        expected, spent = estimate(request, judged=judged), label_groups(request).ledger
        judge = EmbeddingJudge(request.provider, terms, length=200)
        judge([one.keyphrases[0] for one in request.groups], judged)
        spent += judge.ledger
        assert (expected.calls, expected.embedding_calls) == (spent.calls, spent.embedding_calls)
        assert spent.embedding_tokens == server.embedding_tokens
        assert expected.embedding_tokens == pytest.approx(spent.embedding_tokens, rel=0.15)
        assert expected.cost == pytest.approx(spent.cost, rel=0.15)
        known = label_groups(request).fresh
        again = estimate(replace(request, cached=known), judged=judged)
        assert (again.calls, again.embedding_calls, again.cost) == (0, 0, 0)


def test_without_a_price_of_the_embedding_model_the_cost_is_unknown():
    with serving(well) as server:
        request = request_to(server, terms=Terms(prices=DEAR), embedding_model="tiny")
        assert (estimate(request).calls, estimate(request).cost) == (3, None)
        assert label_groups(request).ledger.unpriced


def test_under_a_limit_a_model_without_a_price_does_not_embed():
    with serving(well) as server:
        terms = Terms(prices=DEAR, max_cost=1_000)
        labels = label_groups(request_to(server, terms=terms, embedding_model="tiny"))
        assert (server.embedded, labels.errors, labels.ledger.unpriced) == ([], (), False)


def test_what_is_cached_is_not_estimated():
    with serving(well) as server:
        request = request_to(server, *groups(3))
        known = label_groups(request).fresh
        again = estimate(request_to(server, *groups(4), cached=known))
        assert (again.calls, again.cached) == (1, 3)


@pytest.mark.parametrize("concurrency", [1, 4, 16])
def test_max_cost_is_passed_by_one_call_at_most(concurrency):
    with serving(well) as server:
        dearest = max(_cost_of_one(server), 0)
        limit = 5.5 * dearest
        terms = Terms(prices=DEAR, max_cost=limit, concurrency=concurrency)
        labels = label_groups(request_to(server, *groups(30), terms=terms))
    assert limit <= labels.ledger.cost <= limit + 1.3 * dearest
    ((error, struck),) = ((one.error, one.clusters) for one in labels.errors)
    assert error.startswith("max_cost is spent")
    assert len(struck) == 30 - labels.ledger.calls
    assert all(one.label for one in labels.groups)


def _cost_of_one(server) -> float:
    return label_groups(request_to(server, *groups(1), terms=Terms(prices=DEAR))).ledger.cost


def test_no_money_at_all_asks_nobody():
    with serving(well) as server:
        labels = label_groups(request_to(server, terms=Terms(prices=DEAR, max_cost=0)))
        assert (server.calls, labels.ledger.cost, len(labels.errors)) == (0, 0.0, 1)


def test_a_limit_without_a_price_asks_nobody():
    with serving(well) as server:
        labels = label_groups(request_to(server, model="llama3.2", terms=Terms(max_cost=1)))
        assert server.calls == 0
    assert labels.errors[0].error == (
        "max_cost is set but model 'llama3.2' has no price: add it to the price table, or unset "
        "max_cost"
    )


def test_a_model_without_a_price_is_asked_and_said_to_be_unpriced():
    with serving(well) as server:
        spent = label_groups(request_to(server, model="llama3.2")).ledger
        assert (spent.calls, spent.cost, spent.unpriced) == (3, 0.0, True)


def test_money_under_way_is_given_back_when_a_call_is_cheap():
    async def work() -> list[bool]:
        call = Call(system="", user="", max_tokens=1_000_000)
        purse = Purse(price=Price(prompt=0, completion=1), limit=1.5)
        allowed = [await purse.allows(call), await purse.allows(call)]
        waiting = asyncio.create_task(purse.allows(call))
        await asyncio.sleep(0.01)
        allowed.append(waiting.done())
        await purse.settle(call, Answer(text="x", usage=Usage(completion_tokens=10)))
        allowed.append(await waiting)
        return allowed

    assert asyncio.run(work()) == [True, True, False, True]
