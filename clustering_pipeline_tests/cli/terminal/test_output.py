"""How values are printed for people, and for programs."""

import json

import pytest

from clustering_pipeline.cli.terminal.output import emit, emit_one

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
