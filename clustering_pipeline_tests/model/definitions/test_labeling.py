import pytest

from clustering_pipeline.model.definitions.labeling import InputMapping, LLMLabeling
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import InvalidDefinition


@pytest.mark.parametrize(
    ("mapping", "source"),
    [
        ({"path": "text"}, "payload"),
        ({"override": "news"}, "literal"),
        ({"override": "news", "source_type": "payload"}, "payload"),
        ({"path": "image", "source_type": "blob"}, "blob"),
    ],
)
def test_where_an_input_comes_from(mapping, source):
    assert validate(InputMapping, {"input_key": "t", **mapping}).source == source


@pytest.mark.parametrize(
    ("mapping", "needed"),
    [({}, "path"), ({"source_type": "literal"}, "override"), ({"source_type": "vector"}, "path")],
)
def test_an_input_that_comes_from_nowhere_is_refused(mapping, needed):
    with pytest.raises(InvalidDefinition, match=f"needs {needed}"):
        validate(InputMapping, {"input_key": "t", **mapping})


@pytest.mark.parametrize(
    "candidates", [["economy"], {"economy": "jobs and taxes"}, [str(n) for n in range(255)]]
)
def test_candidates_are_a_list_or_a_map(candidates):
    assert validate(LLMLabeling, {"candidate_labels": candidates}).candidate_labels == candidates


@pytest.mark.parametrize("candidates", [[], {}, [str(n) for n in range(256)], [""], ["x" * 201]])
def test_too_few_too_many_or_too_long_candidates_are_refused(candidates):
    with pytest.raises(InvalidDefinition, match="candidate_labels"):
        validate(LLMLabeling, {"candidate_labels": candidates})


@pytest.mark.parametrize("shape", ["a mood", {"type": "object"}, None])
def test_a_response_shape_is_words_or_a_schema(shape):
    assert validate(LLMLabeling, {"response_shape": shape}).response_shape == shape


def test_stop_words_are_words_and_phrases_in_any_script():
    given = ["acme", "Best regards", "粮食", "R&D"]
    assert validate(LLMLabeling, {"stop_words": given}).stop_words == given
    assert validate(LLMLabeling, {}).stop_words == []


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        pytest.param("acme", "stop_words", id="a-text"),
        pytest.param([""], "stop_words", id="nothing"),
        pytest.param(["acme", " - "], "' - ' holds no word", id="only-signs"),
        pytest.param(["2024"], "'2024' holds no word", id="a-number"),
        pytest.param([7], "stop_words", id="no-text"),
        pytest.param([None], "stop_words", id="null"),
        pytest.param({"en": ["the"]}, "stop_words", id="an-object"),
        pytest.param(["x" * 101], "stop_words", id="too-long"),
        pytest.param(["acme"] * 1_001, "stop_words", id="too-many"),
    ],
)
def test_what_is_no_stop_word_is_refused_in_a_sentence(given, reason):
    with pytest.raises(InvalidDefinition, match=reason) as refused:
        validate(LLMLabeling, {"stop_words": given})
    assert "\n" not in refused.value.message
