import pytest

from clustering_pipeline.labeling.llm.redaction import scrubbed


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        pytest.param("jane.doe+x@mail.example.org wrote", "[e-mail] wrote", id="e-mail"),
        pytest.param("call +49 (0)30 1234567 now", "call [phone] now", id="international"),
        pytest.param("call (202) 555-0143.", "call [phone].", id="american"),
        pytest.param("card 4111 1111 1111 1111", "card [card]", id="card"),
        pytest.param("card 4111-1111-1111-1112", "card 4111-1111-1111-1112", id="no-card"),
        pytest.param("from 2026-11-21 on", "from 2026-11-21 on", id="date"),
        pytest.param("in 1914-1918", "in 1914-1918", id="years"),
        pytest.param("1,234,567 people", "1,234,567 people", id="amount"),
        pytest.param("order 12345", "order 12345", id="short"),
        pytest.param("日本 03-1234-5678 へ", "日本 [phone] へ", id="unicode"),
    ],
)
def test_addresses_and_numbers_are_replaced_by_what_they_were(text, clean):
    assert scrubbed(text) == clean
