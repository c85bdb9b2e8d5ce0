"""What is held of a server's abilities, and that one group's misfortune is none of it."""

import pytest

from clustering_pipeline.labeling import Terms, label_groups
from clustering_pipeline_tests.labeling.groups import groups, request_to
from clustering_pipeline_tests.labeling.loopback import Reply, serving, well
from clustering_pipeline_tests.labeling.test_labels import MODEL_LABELS, PHRASE_LABELS, ask, names

COUNT = 6
ONE_BY_ONE = Terms(concurrency=1, retry_pause=0.01, call_timeout=5, deadline=20)

AZURE = {
    "error": {
        "message": "The response was filtered due to the prompt triggering Azure OpenAI's content "
        "management policy. Please modify your prompt and retry.",
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": {"code": "ResponsibleAIPolicyViolation"},
    }
}
MISFORTUNES = {
    "azure-filter": (400, AZURE),
    "openai-moderation": (400, {"error": {"code": "invalid_prompt", "message": "Flagged."}}),
    "dashscope-inspection": (
        400,
        {"error": {"code": "data_inspection_failed", "message": "Input may be inappropriate"}},
    ),
    "filter-that-says-nothing": (400, {"error": {"message": "Bad request"}}),
    "filter-as-html": (400, b"<html>400</html>"),
    "filter-as-422": (422, {"detail": "cannot process"}),
    "filter-with-403": (403, {"error": {"message": "Your input was flagged", "code": 403}}),
    "context-of-openai": (
        400,
        {"error": {"code": "context_length_exceeded", "message": "maximum context length is 8192"}},
    ),
    "context-of-vllm": (
        400,
        {
            "object": "error",
            "message": "'max_tokens' or 'max_completion_tokens' is too large: 600. This model's "
            "maximum context length is 512 tokens",
        },
    ),
    "context-of-llama.cpp": (
        400,
        {"error": {"message": "the request exceeds the available context size, try increasing it"}},
    ),
    "answer-of-groq": (
        400,
        {
            "error": {
                "code": "json_validate_failed",
                "message": "Failed to generate JSON",
                "failed_generation": "response_format",
            }
        },
    ),
    "busy": (429, {"error": {"message": "json_schema requests are limited"}}),
    "broken": (500, {"error": {"message": "response_format failed inside"}}),
    "gone": (502, b""),
    "too-large": (413, {"error": {"message": "too large"}}),
    "in-a-200": (200, {"error": {"code": 400, "message": "content_filter"}}),
}


def only_for_wheat(status, sent):
    def scenario(server, request):
        if "wheat" in request["messages"][1]["content"]:
            return Reply(status=status, body=sent)
        return well(server, request)

    return scenario


def forms(server) -> list[str]:
    return [
        one.get("response_format", {}).get("type", "text")
        for one in server.requests
        if "wheat" not in one["messages"][1]["content"]
    ]


@pytest.mark.parametrize("concurrency", [1, 16])
@pytest.mark.parametrize(("status", "sent"), MISFORTUNES.values(), ids=MISFORTUNES)
def test_one_group_s_misfortune_is_its_own(status, sent, concurrency):
    with serving(only_for_wheat(status, sent)) as server:
        terms = Terms(concurrency=concurrency, retry_pause=0.001, call_timeout=5, deadline=20)
        labels = label_groups(request_to(server, *groups(COUNT), terms=terms))
    assert names(labels)[:3] == (PHRASE_LABELS[0], *MODEL_LABELS[1:])
    ((error, struck),) = ((one.error, one.clusters) for one in labels.errors)
    assert (struck, error.startswith("the model's server answered ")) == (("cl_0",), True)
    assert forms(server) == ["json_schema"] * (COUNT - 1)
    assert {"max_completion_tokens" in request for request in server.requests} == {True}
    assert labels.format == "json_schema"


def test_a_filter_that_lets_the_looser_question_pass_proves_nothing():
    """It lets the question pass by chance; the others are asked as before."""

    def moody(server, request):
        strict = request.get("response_format", {}).get("type") == "json_schema"
        if "wheat" in request["messages"][1]["content"] and strict:
            return Reply(status=400, body={"error": {"message": "Bad request"}})
        return well(server, request)

    with serving(moody) as server:
        labels = label_groups(request_to(server, *groups(COUNT), terms=ONE_BY_ONE))
    assert (labels.errors, names(labels)[:3]) == ((), MODEL_LABELS)
    assert forms(server) == ["json_schema"] * (COUNT - 1)
    assert labels.format == "json_schema"


def test_a_group_alone_proves_nothing_without_a_name():
    def moody(server, request):
        strict = request.get("response_format", {}).get("type") == "json_schema"
        return Reply(status=400, content="Bad request") if strict else well(server, request)

    labels, _ = ask(moody, *groups(1), terms=ONE_BY_ONE)
    assert (labels.errors, labels.format) == ((), "json_schema")


NAMED = {
    "openai": (
        400,
        {
            "error": {
                "message": "Invalid parameter: 'response_format' of type 'json_schema' is not "
                "supported with this model.",
                "param": None,
            }
        },
    ),
    "openai-by-param": (400, {"error": {"message": "Unsupported.", "param": "response_format"}}),
    "azure": (
        400,
        {
            "error": {
                "code": "BadRequest",
                "message": "response_format value as json_schema is enabled only for api versions "
                "2024-08-01-preview and later",
            }
        },
    ),
    "deepseek": (
        400,
        {
            "error": {
                "message": "This response_format type is unavailable now",
                "type": "invalid_request_error",
            }
        },
    ),
    "deepinfra": (405, {"error": {"message": "json_schema response format is not supported"}}),
    "openrouter": (
        404,
        {"error": {"message": "No endpoints found that can handle the requested parameters."}},
    ),
    "openrouter-raw": (
        400,
        {
            "error": {
                "message": "Provider returned error",
                "metadata": {"raw": '{"message": "json_schema is not supported"}'},
            }
        },
    ),
    "pydantic": (
        422,
        {
            "detail": [
                {
                    "type": "extra_forbidden",
                    "loc": ["body", "response_format"],
                    "msg": "Extra inputs are not permitted",
                }
            ]
        },
    ),
    "gemini": (400, [{"error": {"code": 400, "message": "response_schema: unknown field"}}]),
    "in-a-200": (200, {"error": {"code": 400, "message": "response_format is not supported"}}),
}


@pytest.mark.parametrize(("status", "sent"), NAMED.values(), ids=NAMED)
def test_a_form_that_a_server_names_is_not_asked_for_again(status, sent):
    def without(server, request):
        strict = request.get("response_format", {}).get("type") == "json_schema"
        return Reply(status=status, body=sent) if strict else well(server, request)

    with serving(without) as server:
        labels = label_groups(request_to(server, *groups(COUNT), terms=ONE_BY_ONE))
    assert (labels.errors, names(labels)[:3]) == ((), MODEL_LABELS)
    assert forms(server) == ["json_object"] * (COUNT - 1)
    assert labels.format == "json_object"


def test_a_form_that_is_refused_without_a_name_is_given_up_after_two_questions():
    def without(server, request):
        strict = request.get("response_format", {}).get("type") == "json_schema"
        return Reply(status=400, content="Bad request") if strict else well(server, request)

    with serving(without) as server:
        labels = label_groups(request_to(server, *groups(COUNT), terms=ONE_BY_ONE))
    assert labels.errors == ()
    assert forms(server) == ["json_schema", *["json_object"] * (COUNT - 1)]
    assert labels.format == "json_schema"


def test_an_answer_restores_what_a_refusal_denied():
    """Behind one address some servers lack what others have."""

    def mixed(server, request):
        strict = request.get("response_format", {}).get("type") == "json_schema"
        if strict and "wheat" in request["messages"][1]["content"]:
            return Reply(status=400, content="response_format is not supported", after=0.2)
        return well(server, request)

    with serving(mixed) as server:
        labels = label_groups(request_to(server, *groups(COUNT), terms=Terms(concurrency=2)))
    assert labels.errors == ()
    assert forms(server) == ["json_schema"] * (COUNT - 1)
    assert labels.format == "json_schema"


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param("Unrecognized request argument supplied: max_completion_tokens", id="azure"),
        pytest.param("Unsupported parameter: 'max_completion_tokens'", id="openai"),
        pytest.param(
            '{"detail": [{"loc": ["body", "max_completion_tokens"], "msg": "Extra inputs are not '
            'permitted"}]}',
            id="mistral",
        ),
    ],
)
def test_the_name_of_the_limit_is_the_one_that_gave_an_answer(refusal):
    def older(server, request):
        if "max_completion_tokens" in request:
            return Reply(status=422, content=refusal)
        return well(server, request)

    with serving(older) as server:
        labels = label_groups(request_to(server, *groups(3), terms=ONE_BY_ONE))
    assert (labels.errors, names(labels)) == ((), MODEL_LABELS)
    assert ["max_tokens" in request for request in server.requests] == [False, True, True, True]


def test_a_limit_s_new_name_is_taken_up_again_where_the_old_one_is_refused():
    def changes(server, request):
        old = server.calls < 3
        if old and "max_completion_tokens" in request:
            return Reply(status=400, content="unknown parameter max_completion_tokens")
        if not old and "max_tokens" in request:
            return Reply(status=400, content="Unsupported parameter: 'max_tokens'")
        return well(server, request)

    with serving(changes) as server:
        labels = label_groups(request_to(server, *groups(3), terms=ONE_BY_ONE))
    assert (labels.errors, names(labels)) == ((), MODEL_LABELS)
    assert ["max_tokens" in request for request in server.requests] == [
        False,
        True,
        True,
        False,
        False,
    ]
