"""One whole object with a label is found, whatever stands around it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering_pipeline.labeling import LabelingConfig
from clustering_pipeline.labeling.llm.answers import CutShort, Reader
from clustering_pipeline.labeling.llm.objects import label_object
from clustering_pipeline.labeling.provider import Answer
from clustering_pipeline.model.errors import LabelingFailed
from clustering_pipeline_tests.labeling.groups import group

ONE = '{"label": "Grain markets", "summary": "Prices of grain.", "keywords": ["wheat"]}'
OTHER = '{"label": "Farm life", "summary": "Farms."}'


def read(text: str, finish_reason: str = "stop"):
    reader = Reader(group=group(0), config=LabelingConfig(enabled=True))
    return reader.read(Answer(text=text, finish_reason=finish_reason))


FOUND = {
    "alone": ONE,
    "spaces": f"\n\n   {ONE}\n\n",
    "byte-order-mark": f"\ufeff{ONE}",
    "fence": f"```json\n{ONE}\n```",
    "fence-without-a-language": f"```\n{ONE}\n```",
    "fence-left-open": f"```json\n{ONE}",
    "tildes": f"~~~json\n{ONE}\n~~~",
    "prose-before": f"Sure! Here is the label you asked for:\n{ONE}",
    "prose-after": f"{ONE}\nLet me know if {{anything}} else is needed.",
    "braces-in-prose-before": f"I fill in {{label}} and {{summary}} as follows: {ONE}",
    "a-lone-brace-before": f'It opens with "{{" and closes. {ONE}',
    "marks-of-a-template": f"<|im_start|>assistant\n{ONE}<|im_end|></s>",
    "thought": f"<think>Wheat? {OTHER} no.</think>\n{ONE}",
    "thought-in-capitals": f"<THINKING>{OTHER}</THINKING>{ONE}",
    "thought-opened-in-the-prompt": f"Perhaps {OTHER}, no.\n</think>\n\n{ONE}",
    "thought-of-magistral": f"[THINK]{OTHER}[/THINK]{ONE}",
    "thought-of-kimi": f"◁think▷{OTHER}◁/think▷{ONE}",
    "thought-of-cohere": f"<|START_THINKING|>{OTHER}<|END_THINKING|><|START_RESPONSE|>{ONE}",
    "channels": "<|channel|>analysis<|message|>Farms… <|end|><|start|>assistant"
    f"<|channel|>final<|message|>{ONE}<|return|>",
    "only-thought": f"<think>{ONE}</think>",
    "thought-left-open": f"<think>It is {ONE}",
    "list-of-one": f"[{ONE}]",
    "wrapped": f'{{"result": {ONE}}}',
    "wrapped-in-a-call": f'{{"name": "group_label", "arguments": {ONE}}}',
    "wrapped-as-text": json.dumps({"response": ONE}),
    "schema-with-values": f'{{"type": "object", "properties": {ONE}}}',
    "encoded-twice": json.dumps(ONE),
    "encoded-thrice": json.dumps(json.dumps(ONE)),
    "encoded-twice-in-prose": f"The answer: {json.dumps(ONE)}",
    "entities": ONE.replace('"', "&quot;"),
    "a-comma-too-many": '{"label": "Grain markets", "keywords": ["wheat",],}',
    "single-quotes": "{'label': 'Grain markets', 'keywords': ['wheat']}",
    "smart-quotes": "{“label”: “Grain markets”, “keywords”: [“wheat”]}",
    "no-quotes-at-names": '{label: "Grain markets", keywords: ["wheat"]}',
    "python": "{'label': 'Grain markets', 'summary': None, 'sure': True}",
    "comments": '{\n  // the name\n  "label": "Grain markets" /* best */\n}',
    "a-quotation-inside": '{"label": "Grain markets", "summary": "The "great" harvest."}',
    "a-line-break-inside": '{"label": "Grain markets", "summary": "Of\nwheat."}',
    "name-in-capitals": '{"Label": "Grain markets"}',
    "said-twice": f"{ONE}\n{ONE}",
    "said-twice-once-shorter": f'{{"label": "Grain markets"}} and in full {ONE}',
    "without-its-brace": ONE[1:],
    "without-its-braces": ONE[1:-1],
    "said-twice-once-with-a-stop": f'{ONE} {{"label": "Grain markets."}}',
    "an-object-without-a-label-before": f'{{"documents": 4}}\n{ONE}',
    "a-label-within": '{"label": "Grain markets", "parts": [{"label": "Rye"}]}',
    "plain": "Grain markets",
    "plain-and-bold": "**Grain markets**",
    "plain-after-a-thought": f"<think>maybe {OTHER}</think>Grain markets",
    "plain-with-its-name": "Label: Grain markets\nSummary: prices.",
    "plain-with-a-mark-of-a-template": "Grain markets<|eot_id|>",
}


@pytest.mark.parametrize("text", FOUND.values(), ids=FOUND)
def test_the_label_is_found_whatever_stands_around_it(text):
    assert read(text).label == "Grain markets"


@pytest.mark.parametrize(
    "word", ["stop", "eos", "STOP", "end_turn", "stop_sequence", "eos_token", "tool_calls", ""]
)
def test_the_word_that_ends_an_answer_does_not_matter(word):
    assert read(ONE, word).keywords == ("wheat",)


@pytest.mark.parametrize("word", ["length", "max_tokens", "MAX_TOKENS", "content_filter", "SAFETY"])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"label": "Grain mar', id="half"),
        pytest.param('{"parts": [{"label": "Rye"}], "label": "Grain', id="a-part-of-a-half"),
        pytest.param(f"<think>Is it {ONE}, or", id="a-draft-in-a-thought"),
        pytest.param("Grain", id="plain"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_cut_short_is_no_label(text, word):
    with pytest.raises(CutShort):
        read(text, word)


def test_a_whole_object_is_used_where_only_what_follows_was_cut():
    assert read(f"{ONE}\nThese documents", "length").label == "Grain markets"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(f"{ONE} or {OTHER}", "several objects with different labels", id="two"),
        pytest.param(f"[{ONE}, {OTHER}]", "several objects with different labels", id="listed"),
        pytest.param(
            f'{{"clusters": [{ONE}, {OTHER}]}}',
            "several objects with different labels",
            id="within",
        ),
        pytest.param('{"summary": "Wheat."}', "no whole object with a label", id="no-label"),
        pytest.param('{"label": null}', "no whole object with a label", id="null"),
        pytest.param('{"label": "Grain', "no whole object with a label", id="half"),
        pytest.param('{"label": {"type": "string"}}', "no whole object", id="the-schema-itself"),
        pytest.param("<think>Hm.</think>", "empty answer", id="only-a-thought"),
        pytest.param("I cannot help with that, I am afraid.", "in prose", id="prose"),
    ],
)
def test_what_holds_not_one_label_says_why(text, reason):
    with pytest.raises(LabelingFailed, match=reason):
        read(text)


PROSE = st.text(
    st.characters(codec="utf-8", exclude_characters="{}[]\"'“”„‘’«»<>\\:/|◁▷&"), max_size=60
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=8).filter(lambda name: name.strip().casefold() != "label"),
        inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    PROSE,
    PROSE,
    st.text(min_size=1, max_size=30).filter(str.strip),
    st.dictionaries(st.sampled_from(["summary", "keywords", "audience"]), VALUES),
    st.fixed_dictionaries({"indent": st.sampled_from([None, 2]), "ensure_ascii": st.booleans()}),
)
def test_any_object_is_found_in_any_prose(before, after, label, rest, written):
    body = {**rest, "label": label}
    text = f"{before}{json.dumps(body, **written)}{after}"
    found = label_object(text)
    assert found is not None
    assert {name: found[name] for name in body} == body


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text("{}[]\"'“”:,\\/ \nlabelx<think>", max_size=80))
def test_any_text_is_read_or_refused(text):
    try:
        said = read(text).label
    except LabelingFailed as failed:
        said = failed.message.removeprefix("the model")
    assert said


@pytest.mark.parametrize("text", ["{" * 50_000, '{"a":' * 20_000, '{"a":[' * 20_000, "[" * 50_000])
def test_an_answer_of_nothing_but_brackets_ends(text):
    assert label_object(text) is None
