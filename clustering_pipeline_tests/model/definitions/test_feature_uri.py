import pytest

from clustering_pipeline.model.definitions.feature_uri import FeatureURI, resolve_vector
from clustering_pipeline.model.errors import InvalidDefinition, UnknownVector

TEXT = "mixpeek://text_extractor@v1/embedding"


def test_a_uri_is_read_into_its_parts():
    assert FeatureURI.parse(TEXT) == FeatureURI(
        scheme="mixpeek", extractor="text_extractor", version="v1", output="embedding"
    )


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        pytest.param(TEXT, TEXT, id="whole"),
        pytest.param(" a://b@1/c ", "a://b@1/c", id="stray-blanks"),
        pytest.param("a://b@1/", "a://b@1", id="no-output-but-a-slash"),
        pytest.param("a://b@1", "a://b@1", id="no-output"),
        pytest.param("a://b@1/c/d", "a://b@1/c/d", id="an-output-of-two-parts"),
        pytest.param("a://größe@1/ö", "a://größe@1/ö", id="unicode"),
    ],
)
def test_the_canonical_form_reads_back(text, canonical):
    assert FeatureURI.parse(text).canonical == canonical
    assert FeatureURI.parse(canonical) == FeatureURI.parse(text)


@pytest.mark.parametrize(
    "text", ["", "text", "a://b", "a://b/c", "a://@1/c", "://b@1", "a://b@/c", "a://b c@1"]
)
def test_anything_else_is_refused_with_the_form(text):
    with pytest.raises(InvalidDefinition, match="scheme://extractor@version/output"):
        FeatureURI.parse(text)


@pytest.mark.parametrize(
    ("uri", "registered", "vectors", "name"),
    [
        pytest.param(TEXT, {TEXT: "v"}, {"v", "embedding"}, "v", id="registered-first"),
        pytest.param("a://b@1/", {"a://b@1": "v"}, {"v", "w"}, "v", id="registered-canonical"),
        pytest.param(TEXT, {}, {"embedding", "text_extractor_v1_embedding"}, "embedding", id="out"),
        pytest.param(
            TEXT,
            {},
            {"x", "text_extractor_v1_embedding"},
            "text_extractor_v1_embedding",
            id="extractor-version-output",
        ),
        pytest.param("a://b@1", {}, {"only"}, "only", id="the-only-one"),
        pytest.param("a://b@1", {}, {""}, "", id="the-unnamed-one"),
    ],
)
def test_the_vector_is_found_in_the_order_of_the_contract(uri, registered, vectors, name):
    assert resolve_vector(uri, registered, vectors) == name


@pytest.mark.parametrize(
    ("uri", "registered", "vectors"),
    [
        pytest.param(TEXT, {}, {"b", "a"}, id="no-such-name"),
        pytest.param(TEXT, {}, {"b"}, id="an-output-is-never-the-only-vector-by-chance"),
        pytest.param("a://b@1", {}, {"b", "a"}, id="no-output-and-a-choice"),
        pytest.param(TEXT, {TEXT: "gone"}, {"embedding"}, id="registered-and-gone"),
        pytest.param("a://b@1", {}, set(), id="no-vector-at-all"),
    ],
)
def test_a_vector_that_is_not_there_is_refused_with_those_that_are(uri, registered, vectors):
    known = ", ".join(sorted(vectors)) or "none"
    with pytest.raises(UnknownVector) as refused:
        resolve_vector(uri, registered, vectors, collection="col_x")
    assert refused.value.message == (
        f"collection 'col_x' has no vector for {uri!r}; it has: {known}"
    )
