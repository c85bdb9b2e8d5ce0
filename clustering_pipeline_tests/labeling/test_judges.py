import numpy as np
import pytest

from clustering_pipeline.labeling import embedding_judge, tf_idf_judge
from clustering_pipeline.labeling.asking.openai_provider import OpenAICompatible
from clustering_pipeline_tests.labeling.loopback import serving, well

LABELS = ["wheat harvests", "solar energy"]
DOCUMENTS = ["The harvest of wheat.", "Energy of the sun and solar panels.", "Nothing of the sort."]


def test_common_stems_make_a_fit():
    fits = tf_idf_judge(LABELS, DOCUMENTS)
    assert fits.shape == (2, 3)
    assert fits.argmax(axis=1).tolist() == [0, 1]
    assert fits[:, 2].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("documents", [["", "..."], []])
def test_without_words_nothing_fits(documents):
    assert tf_idf_judge(LABELS, documents).tolist() == np.zeros((2, len(documents))).tolist()


def provider(server, embedding_model: str | None) -> OpenAICompatible:
    return OpenAICompatible(
        base_url=server.base_url, api_key="local", model="m", embedding_model=embedding_model
    )


def test_a_model_s_embeddings_judge_where_there_are_any():
    with serving(well) as server:
        fits = embedding_judge(provider(server, "tiny"))(["abc", "xyz"], ["zyx", "cab", ""])
        assert np.allclose(fits, [[0, 1, 0], [1, 0, 0]])
        assert server.embedded == [["abc", "xyz", "zyx", "cab", ""]]


def test_without_embeddings_words_judge():
    with serving(well) as server:
        judge = embedding_judge(provider(server, None))
        assert np.array_equal(judge(LABELS, DOCUMENTS), tf_idf_judge(LABELS, DOCUMENTS))
