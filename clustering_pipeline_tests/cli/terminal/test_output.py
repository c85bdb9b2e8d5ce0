"""How values are printed for people, and for programs."""

import json

import pytest

from clustering_pipeline.cli.terminal.output import Lines, emit, emit_one

LONG = 0.9800000000000001


@pytest.mark.parametrize(
    ("value", "told"),
    [
        pytest.param(LONG, "0.98", id="number"),
        pytest.param({"cl_0": LONG}, '{"cl_0": 0.98}', id="by-name"),
        pytest.param([{"of": 2 / 3}, 5], '[{"of": 0.6667}, 5]', id="deep"),
        pytest.param({"size": 12345.678901}, '{"size": 12345.6789}', id="large"),
        pytest.param({"rate": 0.0000123456}, '{"rate": 1.235e-05}', id="small"),
        pytest.param(["sea", "court"], "sea, court", id="texts"),
        pytest.param(None, "", id="nothing"),
        pytest.param(True, "true", id="truth"),
    ],
)
def test_numbers_in_tables_are_as_long_as_people_read(capsys, value, told):
    emit([{"name": "x", "value": value}], columns=("name", "value"), output="table")
    assert capsys.readouterr().out.splitlines()[1].split(maxsplit=1)[1:] == [told] * bool(told)
    emit_one({"name": "x", "value": value}, output="table")
    assert capsys.readouterr().out.splitlines()[1:] == [f"value  {told}"] * bool(told)


def test_programs_read_numbers_as_they_are(capsys):
    record = {"fits": {"label_fidelity": LONG}}
    emit_one(record, output="json")
    assert json.loads(capsys.readouterr().out) == record
    emit_one(record, output="csv")
    assert "0.9800000000000001" in capsys.readouterr().out


def test_where_no_cursor_moves_progress_is_a_line_every_five_seconds(capsys):
    moments = iter([0.0, 0.0, 4.9, 5.0, 6.0, 10.0, 16.0, 21.0, 26.0])
    lines = Lines(clock=lambda: next(moments))
    lines("export", 0, 100)
    lines("export", 40, 100)
    lines("export", 50, 100)  # at 5 s
    lines("export", 60, 100)
    lines("reduced", 0, None)  # at 10 s
    lines("reduced", 0, None)  # at 16 s
    lines("reduced", 7, None)  # at 21 s
    lines("reduced", 7, 7)
    assert capsys.readouterr().err.splitlines() == [
        "export: 50 of 100 (50%), 5 s left",
        "reduced: 0 s",
        "reduced: 6 s",
        "reduced: 7 done",
        "reduced: 7 of 7 (100%)",
    ]
