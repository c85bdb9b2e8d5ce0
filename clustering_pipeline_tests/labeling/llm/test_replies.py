"""What real servers send with status 200, recorded in shape, and what becomes of it."""

import asyncio
import json
import time

import pytest

from clustering_pipeline.labeling import Price, Terms, label_groups
from clustering_pipeline.labeling.llm.openai import OpenAICompatible, split_address
from clustering_pipeline.labeling.provider import EmbeddingCall
from clustering_pipeline_tests.labeling.groups import group, groups, request_to
from clustering_pipeline_tests.labeling.loopback import Reply, answer, serving, well

ONE = answer("Grain markets")
USAGE = {"prompt_tokens": 91, "completion_tokens": 17, "total_tokens": 108}
FILTERS = {"hate": {"filtered": False}, "violence": {"filtered": True, "severity": "high"}}


def body(message, finish="stop", **fields):
    choice = {"index": 0, "message": message, "finish_reason": finish, **fields.pop("choice", {})}
    return {
        "id": "c",
        "object": "chat.completion",
        "model": "m",
        "choices": [choice],
        "usage": USAGE,
    } | fields


def said(content, **fields):
    return body({"role": "assistant", "content": content}, **fields)


def call_of(arguments):
    function = {"name": "group_label", "arguments": arguments}
    return [{"id": "call_1", "type": "function", "function": function}]


ANSWERED = {
    "openai": said(ONE, choice={"logprobs": None}, service_tier="default"),
    "openai-refusal-null": body({"role": "assistant", "content": ONE, "refusal": None}),
    "azure": said(ONE, prompt_filter_results=[{"prompt_index": 0, "content_filter_results": {}}]),
    "anthropic": said(ONE, finish="end_turn"),
    "anthropic-native": {
        "type": "message",
        "content": [{"type": "text", "text": ONE}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 91, "output_tokens": 17},
    },
    "gemini": said(ONE, finish="STOP"),
    "vllm": said(ONE, choice={"stop_reason": None, "token_ids": None}, kv_transfer_params=None),
    "vllm-reasoning": body(
        {"role": "assistant", "content": ONE, "reasoning_content": "Wheat or farms?"}
    ),
    "vllm-all-in-reasoning": body(
        {"role": "assistant", "content": None, "reasoning_content": f"So:\n{ONE}"}
    ),
    "openrouter-all-in-details": body(
        {"content": None, "reasoning_details": [{"type": "reasoning.text", "text": ONE}]}
    ),
    "ollama": said(ONE, system_fingerprint="fp_ollama"),
    "ollama-thinking": body({"role": "assistant", "content": ONE, "reasoning": "Hm."}),
    "llama.cpp": said(ONE, timings={"predicted_n": 17}, choice={"logprobs": None}),
    "llama.cpp-thought": said(f"<think>\nHm.\n</think>\n\n{ONE}"),
    "lm-studio": said(f"```json\n{ONE}\n```", stats={}),
    "tgi": said(ONE, finish="eos_token"),
    "together": said(ONE, finish="eos", prompt=[]),
    "mistral-in-parts": said(
        [
            {"type": "thinking", "thinking": [{"type": "text", "text": '{"label": "Draft"}'}]},
            {"type": "text", "text": ONE},
        ]
    ),
    "parts-of-text": said([{"type": "text", "text": ONE[:20]}, {"type": "text", "text": ONE[20:]}]),
    "parts-of-responses": said([{"type": "output_text", "text": {"value": ONE}}]),
    "parts-that-are-texts": said([ONE[:9], ONE[9:]]),
    "content-as-an-object": said(json.loads(ONE)),
    "deepseek": body({"role": "assistant", "content": ONE, "reasoning_content": None}),
    "groq": said(ONE, x_groq={"id": "req_1"}),
    "openrouter": said(ONE, provider="DeepInfra", choice={"native_finish_reason": "STOP"}),
    "no-reason": said(ONE, finish=None),
    "an-empty-reason": said(ONE, finish=""),
    "no-reason-at-all": {"choices": [{"message": {"content": ONE}}], "usage": USAGE},
    "a-call": body(
        {"role": "assistant", "content": None, "tool_calls": call_of(ONE)}, "tool_calls"
    ),
    "a-call-beside-words": body(
        {"role": "assistant", "content": "I call it.", "tool_calls": call_of(json.loads(ONE))}
    ),
    "an-old-call": body(
        {"content": None, "function_call": {"name": "f", "arguments": ONE}}, "function_call"
    ),
    "no-call": body({"content": ONE, "tool_calls": None, "function_call": None}),
    "text-of-completions": {"choices": [{"text": ONE, "finish_reason": "stop"}], "usage": USAGE},
    "a-delta": {"choices": [{"delta": {"content": ONE}, "finish_reason": "stop"}], "usage": USAGE},
    "error-null": said(ONE, error=None),
    "error-of-no-error": said(ONE, error={"code": 0, "message": ""}),
    "minimax": said(ONE, base_resp={"status_code": 0, "status_msg": ""}),
    "listed": [said(ONE)],
    "byte-order-mark": b"\xef\xbb\xbf" + json.dumps(said(ONE)).encode(),
    "the-second-choice": body({"content": ""}) | {
        "choices": [{"message": {"content": ""}}, {"message": {"content": ONE}}]
    },
}  # fmt: skip


def asked(reply, *groups_asked, **options):
    scenario = reply if callable(reply) else lambda *_: Reply(body=reply)
    terms = Terms(retry_pause=0.01, call_timeout=5, deadline=20, prices={"gpt-4.1-mini": PRICE})
    with serving(scenario) as server:
        request = request_to(server, *(groups_asked or (group(0),)), terms=terms, **options)
        return label_groups(request), server


PRICE = Price(prompt=1.0, completion=1.0)


@pytest.mark.parametrize("sent", ANSWERED.values(), ids=ANSWERED)
def test_an_answer_is_used_in_whatever_shape_it_comes(sent):
    labels, server = asked(sent)
    assert (labels.groups[0].label, labels.errors, server.calls) == ("Grain markets", (), 1)
    assert (labels.ledger.prompt_tokens, labels.ledger.completion_tokens) == (91, 17)


def test_the_type_that_a_body_is_said_to_be_of_does_not_matter():
    sent = Reply(body=said(ONE), headers={"content-type": "text/plain"})
    labels, _ = asked(lambda *_: sent)
    assert labels.groups[0].label == "Grain markets"


ERROR = "the model's server answered 200 with an error: "
EMPTY = "the model gave an empty answer"
REFUSED = {
    "openai-refusal": (
        body({"content": None, "refusal": "I'm sorry, I can't help with that."}),
        "the model refused: I'm sorry, I can't help with that.",
    ),
    "refusal-as-a-part": (
        said([{"type": "refusal", "refusal": "I can't."}]),
        "the model refused: I can't.",
    ),
    "anthropic-refusal": (
        said("", finish="refusal"),
        "a content filter stopped the model's answer (refusal)",
    ),
    "azure-filter": (
        said("", finish="content_filter", choice={"content_filter_results": FILTERS}),
        "a content filter stopped the model's answer (content_filter): violence",
    ),
    "filter-with-a-beginning": (
        said('{"label": "Gr', finish="content_filter"),
        "a content filter stopped the model's answer (content_filter)",
    ),
    "gemini-safety": (
        body({"role": "assistant"}, "SAFETY"),
        "a content filter stopped the model's answer (SAFETY)",
    ),
    "zhipu-sensitive": (
        said("", finish="sensitive"),
        "a content filter stopped the model's answer (sensitive)",
    ),
    "no-choices": (
        {"choices": [], "usage": USAGE},
        "the model's server gave no answer: its list of choices is empty",
    ),
    "choices-null": (
        {"choices": None, "usage": USAGE},
        "the model's server gave no answer: its list of choices is empty",
    ),
    "no-choices-and-a-filter": (
        {
            "choices": [],
            "usage": USAGE,
            "prompt_filter_results": [{"content_filter_results": FILTERS}],
        },
        "the model's server gave no answer: its list of choices is empty: violence",
    ),
    "content-null": (said(None), EMPTY),
    "content-empty": (said(""), EMPTY),
    "content-of-spaces": (said(" \n\n "), EMPTY),
    "no-parts": (said([]), EMPTY),
    "message-null": (body(None), EMPTY),
    "openrouter-error": (
        {"error": {"code": 400, "message": "Provider returned error"}, "usage": USAGE},
        f"{ERROR}Provider returned error",
    ),
    "openrouter-moderation": (
        {
            "error": {"code": 403, "message": "Your input was flagged", "metadata": {}},
            "usage": USAGE,
        },
        f"{ERROR}Your input was flagged",
    ),
    "openrouter-in-the-choice": (
        said("", finish="error", choice={"error": {"code": 400, "message": "Upstream said no"}}),
        f"{ERROR}Upstream said no",
    ),
    "error-as-text": (
        {"error": "model 'm' not found", "usage": USAGE},
        f"{ERROR}model 'm' not found",
    ),
    "an-error-without-words": (
        {"error": {"code": None, "message": None}, "usage": USAGE, "choices": []},
        f"{ERROR}it gives no reason",
    ),
    "vllm-old-error": (
        {"object": "error", "message": "bad request", "code": 400, "usage": USAGE},
        f"{ERROR}bad request",
    ),
    "cloudflare": (
        {"success": False, "errors": [{"code": 7003, "message": "No route"}], "usage": USAGE},
        f"{ERROR}No route",
    ),
    "fastapi": ({"detail": "Not authenticated", "usage": USAGE}, f"{ERROR}Not authenticated"),
    "minimax-balance": (
        {
            "choices": None,
            "base_resp": {"status_code": 1008, "status_msg": "insufficient balance"},
            "usage": USAGE,
        },
        f"{ERROR}insufficient balance",
    ),
    "quota": (
        {"error": {"code": 429, "message": "insufficient_quota: pay first"}, "usage": USAGE},
        f"{ERROR}insufficient_quota: pay first",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("sent", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_answer_ends_in_one_sentence_after_one_call(sent, reason):
    labels, server = asked(sent)
    ((error, clusters),) = ((one.error, one.clusters) for one in labels.errors)
    assert error.startswith(reason)
    assert "\n" not in error
    assert (clusters, server.calls, labels.groups[0].source) == (("cl_0",), 1, "keyphrases")
    ledger = labels.ledger
    assert (ledger.calls, ledger.prompt_tokens, ledger.completion_tokens) == (1, 91, 17)
    assert ledger.cost == pytest.approx(108 / 1e6)
    assert labels.format == "json_schema"


def events(*pieces):
    return "".join(f"data: {piece}\r\n\r\n" for piece in pieces).encode()


def delta(finish=None, **message):
    return json.dumps({"choices": [{"delta": message, "finish_reason": finish}], "usage": None})


COUNTED = json.dumps({"choices": [], "usage": USAGE})
STREAMS = {
    "content": events(
        delta(role="assistant"),
        *(delta(content=part) for part in (ONE[:9], ONE[9:])),
        *(delta("stop"), COUNTED, "[DONE]"),
    ),
    "thoughts-first": events(delta(reasoning_content="Hm."), delta(content=ONE), COUNTED),
    "a-whole-message": b": ping\n\n" + events(json.dumps(said(ONE))),
    "in-parts": events(json.dumps(said([{"type": "text", "text": ONE}]))),
    "without-an-end": events(delta(content=ONE), COUNTED),
}


@pytest.mark.parametrize("content", STREAMS.values(), ids=STREAMS)
def test_a_stream_that_nobody_asked_for_is_one_answer(content):
    labels, server = asked(content)
    assert (labels.groups[0].label, server.calls) == ("Grain markets", 1)
    assert (labels.ledger.prompt_tokens, labels.ledger.completion_tokens) == (91, 17)


def test_an_error_in_a_stream_is_told():
    labels, _ = asked(events(delta(content="{"), json.dumps({"error": {"message": "Gone away"}})))
    assert labels.errors[0].error == f"{ERROR}Gone away"


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>Bad gateway</html>", b"[]", b"null", b'"hm"', b"data: {", b"data: [DONE]"],
)
def test_what_is_no_object_ends_in_one_sentence_after_one_call(content):
    labels, server = asked(content)
    assert labels.errors[0].error == "the model's server sent no JSON object"
    assert server.calls == 1


LIMITS = {
    "code": {"error": {"code": 429, "message": "Rate limit exceeded"}},
    "code-as-text": {"error": {"code": "429", "message": "slow down"}},
    "word": {"error": {"code": "rate_limit_exceeded", "message": "Slow down"}},
    "sentence": {"error": "Too many requests"},
    "in-the-choice": said("", finish="error", choice={"error": {"code": 429, "message": "busy"}}),
    "minimax": {"base_resp": {"status_code": 1002, "status_msg": "rate limit"}, "choices": None},
    "upstream": {"error": {"code": 502, "message": "Upstream is down"}},
    "overloaded": {"error": {"type": "overloaded_error", "message": "Overloaded"}},
}


@pytest.mark.parametrize("sent", LIMITS.values(), ids=LIMITS)
def test_a_limit_inside_a_200_is_waited_for(sent):
    def limited(server, request):
        first = Reply(body=sent, headers={"retry-after": "0.05"})
        return first if server.calls == 1 else well(server, request)

    labels, server = asked(limited)
    assert (labels.groups[0].source, labels.errors, server.calls) == ("llm", (), 2)
    told = sent.get("usage", {"prompt_tokens": 0})["prompt_tokens"]
    assert labels.ledger.prompt_tokens == server.prompt_tokens + told
    assert labels.ledger.estimated_tokens == 0


@pytest.mark.parametrize(
    "first",
    [
        pytest.param({"headers": {"retry-after": "0.3"}, "body": LIMITS["code"]}, id="header"),
        pytest.param(
            {"body": {"error": {"code": 429, "message": "Please try again in 300ms."}}},
            id="sentence",
        ),
        pytest.param(
            {"status": 429, "body": {"error": {"message": "Please retry after 0.3 seconds"}}},
            id="sentence-of-a-429",
        ),
    ],
)
def test_a_limit_is_waited_for_as_long_as_the_server_asks(first):
    def limited(server, request):
        return Reply(**first) if server.calls == 1 else well(server, request)

    began = time.monotonic()
    labels, _ = asked(limited)
    assert labels.groups[0].source == "llm"
    assert time.monotonic() - began >= 0.3


ADDRESSES = [
    pytest.param("", "/v1/chat/completions", id="plain"),
    pytest.param("/", "/v1/chat/completions", id="slash"),
    pytest.param("?api-version=2024", "/v1/chat/completions?api-version=2024", id="query"),
    pytest.param("/?a=1&b=x%20y", "/v1/chat/completions?a=1&b=x+y", id="slash-and-query"),
    pytest.param("/chat/completions", "/v1/chat/completions", id="whole-path"),
    pytest.param(
        "/openai/deployments/d/chat/completions?api-version=1",
        "/v1/openai/deployments/d/chat/completions?api-version=1",
        id="azure-whole",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("end", "path"), ADDRESSES)
def test_a_query_comes_behind_the_path(end, path):
    with serving(well) as server:
        server.base_url += end
        labels = label_groups(request_to(server, *groups(2), embedding_model="tiny"))
        embeddings = path.replace("/chat/completions", "/embeddings")
        assert set(server.addresses) == {path, embeddings}
        assert labels.errors == ()


def test_azure_gets_its_key_by_the_name_it_knows():
    with serving(well) as server:
        label_groups(request_to(server, group(0)))
        server.base_url += "?api-version=2024-10-21"
        label_groups(request_to(server, group(0)))
        assert server.keys == [None, "local"]


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        pytest.param("https://x/v1", ("https://x/v1", {}), id="plain"),
        pytest.param("https://x", ("https://x", {}), id="host"),
        pytest.param("https://x?key=", ("https://x", {"key": ""}), id="empty-value"),
        pytest.param("https://u:p@x/v1/#top", ("https://u:p@x/v1", {}), id="fragment"),
    ],
)
def test_an_address_is_split_before_its_query(address, parts):
    assert split_address(address) == parts


def test_the_words_of_another_limit_are_left_as_the_definition_has_them():
    with serving(well) as server:
        label_groups(request_to(server, group(0), config={"parameters": {"max_tokens": 300}}))
    (request,) = server.requests
    assert (request["max_tokens"], "max_completion_tokens" in request) == (300, False)


def test_vectors_are_asked_for_behind_the_same_path():
    async def vectors(server):
        provider = OpenAICompatible(
            base_url=f"{server.base_url}?api-version=1",
            api_key="local",
            model="m",
            embedding_model="tiny",
        )
        try:
            return await provider.embed(EmbeddingCall(texts=("a", "b")))
        finally:
            await provider.close()

    with serving(well) as server:
        assert len(asyncio.run(vectors(server)).vectors) == 2
        assert server.addresses == ["/v1/embeddings?api-version=1"]
