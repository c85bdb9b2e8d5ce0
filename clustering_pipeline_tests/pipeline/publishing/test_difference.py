"""What is to be written, told from tables, is what plain dictionaries say."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering_pipeline.pipeline.publishing.difference import difference

OWN = {"field.far"}
KEYS = ["collection_id", "point_id"]
SCHEMA = {"collection_id": pl.String, "point_id": pl.String, "group": pl.String}
Rows = dict[str, tuple[str, float]]


def frame(rows: Rows) -> pl.DataFrame:
    """Point to the name of its group and its own number."""
    content = [("c", point, topic, topic, far) for point, (topic, far) in rows.items()]
    values = {"field.topic": pl.String, "field.far": pl.Float64}
    return pl.DataFrame(content, schema={**SCHEMA, **values}, orient="row")


def keys(named: set[str]) -> pl.DataFrame:
    content = [("c", one) for one in sorted(named)]
    return pl.DataFrame(content, schema=dict.fromkeys(KEYS, pl.String), orient="row")


def points(table: pl.DataFrame) -> set[str]:
    return set(table["point_id"])


POINTS = st.sampled_from("abcdef")
RUNS = st.dictionaries(
    POINTS, st.tuples(st.sampled_from(["sea", "court"]), st.sampled_from([1.0, 2.0]))
)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(now=RUNS, before=st.lists(RUNS, min_size=1, max_size=3), unmarked=st.sets(POINTS))
def test_every_document_is_left_alone_only_when_all_it_may_show_is_right(now, before, unmarked):
    found = difference(frame(now), [frame(one) for one in before], unmarked=keys(unmarked), own=OWN)
    right = {p for p in now if p not in unmarked and all(one.get(p) == now[p] for one in before)}
    whole = {
        p
        for p in now
        if p in unmarked or any(p not in one or one[p][1] != now[p][1] for one in before)
    }
    assert found.unchanged == len(right)
    assert points(found.whole) == whole
    assert points(found.shared) == now.keys() - right - whole
    assert points(found.left) == set().union(*before) - now.keys()


def test_the_first_run_writes_everything():
    now = frame({"a": ("sea", 1.0), "b": ("court", 2.0)})
    found = difference(now, [], unmarked=now.select(KEYS).clear(), own=OWN)
    assert (points(found.whole), found.unchanged, found.left.height) == ({"a", "b"}, 0, 0)


def test_a_field_that_no_mapping_names_any_more_is_set_to_nothing():
    before = frame({"a": ("sea", 1.0)})
    now = before.drop("field.topic")
    found = difference(now, [before], unmarked=now.select(KEYS).clear(), own=OWN)
    (row,) = found.shared.drop("group").to_dicts()
    assert row == {"collection_id": "c", "point_id": "a", "field.far": 1.0, "field.topic": None}


def test_a_field_of_another_type_is_written():
    before = frame({"a": ("sea", 1.0)})
    now = before.with_columns(pl.lit("near").alias("field.far"))
    found = difference(now, [before], unmarked=now.select(KEYS).clear(), own=OWN)
    assert points(found.whole) == {"a"}


def test_lists_and_nulls_are_compared_by_value():
    before = frame({"a": ("sea", 1.0), "b": ("sea", 1.0)}).with_columns(
        pl.Series("field.words", [["tide"], None], dtype=pl.List(pl.String))
    )
    now = before.with_columns(pl.Series("field.words", [["tide"], []], dtype=pl.List(pl.String)))
    found = difference(now, [before], unmarked=now.select(KEYS).clear(), own=OWN)
    assert (points(found.shared), found.unchanged) == ({"b"}, 1)
