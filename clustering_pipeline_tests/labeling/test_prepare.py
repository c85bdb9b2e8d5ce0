import json

import numpy as np
import pytest

from clustering_pipeline.labeling import LabelingConfig, prepare
from clustering_pipeline.labeling.llm.prompt import system_message
from clustering_pipeline.labeling.prepare import _read_rows
from clustering_pipeline.labeling.representatives import centers_of, nearest_groups

CONFIG = LabelingConfig.from_mapping({"max_samples_per_cluster": 2})
PAYLOADS = [
    json.dumps({"id": f"d{row}", "body": f"{subject} report number {row}"})
    for row, subject in enumerate(["wheat"] * 3 + ["solar"] * 3 + ["noise"])
]
LABELS = np.array([0, 0, 0, 2, 2, 2, -1])
VECTORS = np.eye(3)[[0, 0, 0, 1, 1, 1, 2]]


def ready(**options):
    return prepare(PAYLOADS, LABELS, VECTORS, config=CONFIG, **options)


def test_no_document_makes_no_group():
    none = prepare([], np.zeros(0), np.zeros((0, 4)), config=CONFIG)
    assert (none.groups, none.choice.fields, none.texts) == ((), (), ())


def test_groups_carry_what_labelling_needs():
    wheat, solar = ready(cluster_ids={0: "cl_7"}).groups
    assert (wheat.number, wheat.cluster_id, wheat.size, wheat.nearest) == (0, "cl_7", 3, (2,))
    assert (solar.number, solar.cluster_id, solar.keyphrases[0]) == (2, "cl_2", "solar report")
    assert [example.row for example in solar.examples] == [3, 4]
    assert solar.examples[0].inputs.texts == {"body": "solar report number 3"}


def test_the_choice_of_fields_is_recorded():
    found = ready()
    assert found.choice.fields == ("body",)
    assert found.representative_rows == {0: (0, 1), 2: (3, 4)}
    assert found.texts[6] == "noise report number 6"


def test_payloads_may_hold_anything():
    odd = ['"a string"', "[1, 2]", "{}", None]
    found = prepare(odd, np.array([0, 0, 1, 1]), np.zeros((4, 2)), config=CONFIG)
    assert [group.keyphrases for group in found.groups] == [(), ()]


def test_mappings_decide_what_is_shown():
    mapped = {"labeling_inputs": {"input_mappings": [{"input_key": "name", "path": "id"}]}}
    config = LabelingConfig.from_mapping(mapped)
    group = prepare(PAYLOADS, LABELS, VECTORS, config=config).groups[0]
    assert group.examples[0].inputs.texts == {"name": "d0"}


def test_of_very_many_documents_an_even_part_of_every_group_is_read():
    labels = np.repeat([-1, 0, 1], [100_000, 99_900, 100])
    rows = _read_rows(labels)
    kept = dict(zip(*np.unique(labels[rows], return_counts=True), strict=True))
    assert kept == {-1: 50_000, 0: 49_950, 1: 100}


@pytest.mark.parametrize(
    ("centers", "nearest"),
    [
        pytest.param({}, {}, id="none"),
        pytest.param({3: [1.0, 0.0]}, {3: ()}, id="one"),
        pytest.param(
            {0: [1.0, 0.0], 1: [0.9, 0.1], 5: [0.0, 1.0]},
            {0: (1, 5), 1: (0, 5), 5: (1, 0)},
            id="three",
        ),
    ],
)
def test_groups_know_their_neighbours(centers, nearest):
    given = {number: np.array(center) for number, center in centers.items()}
    assert nearest_groups(given) == nearest


def test_a_group_of_zero_vectors_has_a_centre():
    assert centers_of(np.zeros((2, 3)), {0: np.arange(2)})[0].tolist() == [0.0, 0.0, 0.0]


def test_stop_words_are_in_no_keyphrase_and_markup_in_no_text():
    payloads = [{"text": f"<style>p {{}}</style><p>Gr<b>a</b>in of {at}</p>"} for at in range(4)]
    config = LabelingConfig.from_mapping({"stop_words": ["grain"], "enabled": True})
    made = prepare(payloads, np.zeros(4, np.int64), np.eye(4), config=config)
    assert made.texts[0] == "Grain of 0"
    assert made.groups[0].keyphrases == ()
    assert "Do not use these words: grain." in system_message(config)
