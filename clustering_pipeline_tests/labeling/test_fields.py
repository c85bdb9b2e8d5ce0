import numpy as np
import pytest

from clustering_pipeline.labeling import choose_text_fields
from clustering_pipeline.labeling.fields import agreement

LONG = "The committee met on Tuesday to talk about the price of grain, item {}."


def chosen(*payloads, **options) -> tuple[str, ...]:
    return choose_text_fields(payloads, **options).fields


def documents(**fields):
    return [{key: make(row) for key, make in fields.items()} for row in range(20)]


@pytest.mark.parametrize(
    "payloads",
    [
        pytest.param([], id="no-document"),
        pytest.param([{}], id="empty-payload"),
        pytest.param(
            [{"count": 3, "ok": True, "none": None, "nested": {"n": 1.5}}], id="no-string"
        ),
        pytest.param([{"text": ""}, {"text": "  "}], id="only-blanks"),
    ],
)
def test_nothing_to_say_chooses_nothing(payloads):
    assert chosen(*payloads) == ()


def test_the_longest_text_comes_first():
    rows = documents(title=lambda n: f"Grain price {n}", body=LONG.format)
    assert chosen(*rows) == ("body", "title")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("document_id", lambda n: f"doc_{n:08d}", id="id"),
        pytest.param("ref", lambda n: f"3fa85f64-5717-4562-b3fc-2c963f66{n:04d}", id="uuid"),
        pytest.param("when", lambda n: f"2026-01-{n + 1:02d}T10:00:00Z", id="date"),
        pytest.param("price", lambda n: f"{n},50 €", id="number"),
        pytest.param("page", lambda n: f"https://example.org/{n}", id="address"),
        pytest.param("who", lambda n: f"user{n}@example.org", id="e-mail"),
        pytest.param("file_path", lambda n: f"/data/grain/report {n}.txt", id="path"),
        pytest.param("picture", lambda n: f"data:image/png;base64,AAAA{n}", id="data-uri"),
    ],
)
def test_identifiers_dates_and_numbers_are_left_out(field, value):
    rows = documents(**{"body": LONG.format, field: value})
    assert chosen(*rows) == ("body",)


def test_a_category_serves_only_without_running_text():
    rows = documents(kind=lambda n: ["sports", "politics"][n % 2])
    assert chosen(*rows) == ("kind",)
    assert chosen(*(row | {"body": LONG.format(n)} for n, row in enumerate(rows))) == ("body",)


def test_nested_fields_and_lists_of_strings_have_dotted_paths():
    rows = documents(meta=lambda n: {"tags": ["grain", f"harvest {n}"], "about": LONG.format(n)})
    assert chosen(*rows) == ("meta.about", "meta.tags")


def test_fields_of_earlier_runs_are_left_out():
    rows = documents(body=LONG.format, topic=lambda n: {"label": f"grain and rice {n}"})
    assert chosen(*rows, ignore=("topic",)) == ("body",)


TOPICS = ("wheat", "solar", "school")


def by_group(**fields):
    labels = np.arange(60) % 3
    rows = [{key: make(row, labels[row]) for key, make in fields.items()} for row in range(60)]
    return choose_text_fields(rows, labels=labels).fields


def report(row: int, group: int) -> str:
    return f"A report on {TOPICS[group]} of some length, number {row}"


def printer(row: int, _group: int) -> str:
    return ["Ann", "Bob", "Cy", "Dee"][row // 15]


def test_a_text_about_something_else_is_left_out():
    def footer(row, group):
        return f"Printed by {printer(row, group)}, whom we thank for the care taken, sheet {row}"

    assert by_group(body=report, footer=footer) == ("body",)


def test_a_category_is_not_shown_beside_the_text_however_well_it_agrees_with_the_groups():
    fields = by_group(body=report, kind=lambda _, group: TOPICS[group], author=printer)
    assert fields == ("body",)


def test_short_values_that_come_back_are_a_category_however_many_there_are():
    def kind(row, group):
        return f"{TOPICS[group]} {row % 30}"  # half of the values are distinct

    assert by_group(body=report, kind=kind) == ("body",)
    assert by_group(kind=kind) == ("kind",)


def test_a_title_whose_words_never_come_back_stays():
    def title(row, _group):
        return "".join(chr(97 + int(digit)) for digit in f"{row:05d}")

    assert by_group(body=report, title=title) == ("body", "title")


def test_the_measures_are_recorded():
    choice = choose_text_fields([{"text": "abcd efgh"}, {"text": "abcd efgh"}, {}])
    (measure,) = choice.measures
    assert (measure.field, measure.length, measure.distinct) == ("text", 9.0, 0.5)
    assert measure.filled == pytest.approx(2 / 3)


LABELS = np.arange(60) % 3
SUBJECTS = ("wheat", "solar", "school")


@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        pytest.param([], [], id="no-text"),
        pytest.param(["wheat"] * 4, [0] * 4, id="too-few"),
        pytest.param(["wheat"] * 9, [-1] * 9, id="all-noise"),
        pytest.param(["the of"] * 9, [0] * 9, id="no-word"),
    ],
)
def test_nothing_tells_without_words_in_groups(texts, labels):
    assert agreement(texts, np.array(labels, dtype=np.int64)) is None


def test_words_that_keep_to_their_group_agree_with_it():
    assert agreement([SUBJECTS[label] for label in LABELS], LABELS) == pytest.approx(1.0)


def test_words_without_regard_to_groups_do_not():
    texts = [SUBJECTS[row // 20] for row in range(60)]
    assert agreement(texts, LABELS) == pytest.approx(0.0, abs=0.1)
