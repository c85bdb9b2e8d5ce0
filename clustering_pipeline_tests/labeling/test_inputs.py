import pytest

from clustering_pipeline.labeling import InputMapping
from clustering_pipeline.labeling.inputs import inputs_of, text_of, value_at

PAYLOAD = {
    "title": "Wheat",
    "meta": {"tags": ["grain", "bread"], "year": 1999, "pages": [{"text": "first"}]},
    "a.b": "dotted",
    "photo": "https://example.org/a.jpg",
    "blob": {"url": "https://example.org/raw"},
    "kept": "s3://bucket/a.jpg",
    "inline": "data:image/png;base64,AAAA",
}


def mapping(key: str, source: str = "payload", **given) -> InputMapping:
    return InputMapping(input_key=key, source_type=source, **given)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("title", "Wheat", id="plain"),
        pytest.param("meta.year", 1999, id="nested"),
        pytest.param("meta.tags.1", "bread", id="list"),
        pytest.param("meta.pages.0.text", "first", id="list-of-objects"),
        pytest.param("a.b", "dotted", id="a-key-with-a-dot"),
        pytest.param("meta.tags.7", None, id="past-the-end"),
        pytest.param("title.x", None, id="below-a-string"),
        pytest.param("nope", None, id="missing"),
    ],
)
def test_a_dotted_path_finds_its_value(path, value):
    assert value_at(PAYLOAD, path) == value


@pytest.mark.parametrize(
    ("given", "texts", "images"),
    [
        pytest.param(mapping("t", path="title"), {"t": "Wheat"}, (), id="payload"),
        pytest.param(mapping("title"), {"title": "Wheat"}, (), id="the-key-is-the-path"),
        pytest.param(mapping("t", path="meta.tags"), {"t": "grain, bread"}, (), id="list"),
        pytest.param(mapping("t", path="meta.year"), {"t": "1999"}, (), id="number"),
        pytest.param(mapping("t", path="meta"), {}, (), id="never-a-raw-object"),
        pytest.param(mapping("t", path="nope"), {}, (), id="missing"),
        pytest.param(mapping("t", path="title", override="Rye"), {"t": "Rye"}, (), id="override"),
        pytest.param(mapping("t", "literal", override="fixed"), {"t": "fixed"}, (), id="literal"),
        pytest.param(
            mapping("v", "vector", path="text"),
            {"v": "0.93 similar to the centre of its group"},
            (),
            id="vector",
        ),
        pytest.param(mapping("v", "vector", path="image"), {}, (), id="a-vector-without-a-centre"),
        pytest.param(mapping("p", path="photo"), {}, (PAYLOAD["photo"],), id="image-address"),
        pytest.param(mapping("p", path="inline"), {}, (PAYLOAD["inline"],), id="data-uri"),
        pytest.param(mapping("b", "blob", path="blob"), {}, (PAYLOAD["blob"]["url"],), id="blob"),
        pytest.param(mapping("b", "blob", path="kept"), {}, (), id="blob-nobody-can-open"),
        pytest.param(mapping("b", "blob", path="title"), {"b": "Wheat"}, (), id="blob-of-text"),
    ],
)
def test_a_mapping_shows_its_value(given, texts, images):
    shown = inputs_of(PAYLOAD, [given], (), similarities={"text": 0.93})
    assert (dict(shown.texts), shown.images) == (texts, images)


def test_without_mappings_the_chosen_fields_are_shown():
    assert inputs_of(PAYLOAD, (), ("title",)).texts == {"title": "Wheat"}


def test_keyphrases_come_from_the_document_alone():
    mappings = [mapping("t", path="title"), mapping("l", "literal", override="about farms")]
    assert text_of(PAYLOAD, mappings, ()) == "Wheat"
    assert text_of(PAYLOAD, (), ("title", "a.b")) == "Wheat\ndotted"
    assert text_of({"x": "y" * 10_000}, (), ("x",)) == "y" * 4_000
