import pytest

from clustering_pipeline.labeling.text.tokens import BREAK, joined, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("Social Security.", ["social", "security", BREAK], id="sentence"),
        pytest.param("the nation's don’t", ["the", "nation", "don’t"], id="apostrophes"),
        pytest.param("state-of-the-art F-16", ["state-of-the-art", "f-16"], id="hyphens"),
        pytest.param("better-but not", ["better", BREAK, "but", "not"], id="dashes"),
        pytest.param(
            "better-in built-in", ["better", BREAK, "in", "built-in"], id="dash-or-hyphen"
        ),
        pytest.param("day-to-day", ["day-to-day"], id="no-dashes"),
        pytest.param("in 1945, 3.5", ["in", BREAK, BREAK, BREAK, BREAK, BREAK], id="numbers-break"),
        pytest.param("U.S. policy", ["u.s.", "policy"], id="initials"),
        pytest.param("see https://x.io/a?b <b>now</b>", ["see", BREAK, "now"], id="markup"),
        pytest.param("ｆｕｌｌ ﬁx", ["full", "fix"], id="compatibility-forms"),
        pytest.param("Ünïcödé straße", ["ünïcödé", "straße"], id="latin"),
        pytest.param("사회 보장", ["사회", "보장"], id="korean"),
        pytest.param("世界杯决赛。", ["世界", "杯", "决赛", BREAK], id="chinese"),
        pytest.param("医療保険を改善する", ["医療", "保険", "を", "改善", "する"], id="japanese"),
        pytest.param("น้ำตาลและเนย", ["น้ำตาล", "และ", "เนย"], id="thai"),
        pytest.param("السكر والزبدة", ["السكر", "الزبدة"], id="arabic-and"),
        pytest.param("सामाजिक सुरक्षा", ["सामाजिक", "सुरक्षा"], id="hindi"),
        pytest.param("\x00\ud83d", [BREAK, BREAK], id="not-even-unicode"),
        pytest.param("\ud83d世界", [BREAK, "世界"], id="a-lone-surrogate"),
    ],
)
def test_a_text_falls_into_words(text, expected):
    assert words(text) == expected


@pytest.mark.parametrize(
    ("parts", "phrase"),
    [
        pytest.param(("cost", "of", "living"), "cost of living", id="spaced"),
        pytest.param(("社会", "保障"), "社会保障", id="unspaced"),
        pytest.param(("ai", "制度"), "ai 制度", id="mixed"),
    ],
)
def test_a_phrase_is_spaced_as_its_script_is(parts, phrase):
    assert joined(parts) == phrase
