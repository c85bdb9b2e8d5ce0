"""Definitions whose groups are the values of one payload field, so that a test can count them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.ids import run_mark
from clustering_pipeline_tests.worlds.planted import Documents
from clustering_pipeline_tests.worlds.world import World

FIELDS = {"cluster_label": "topic", "member_count": "topic_size"}
BY_SUBJECT = {"cluster_type": "attribute", "attribute_config": {"attributes": ["subject"]}}


def documents(subjects: Mapping[int, str | None]) -> Documents:
    """Document number to its subject; without one it lacks the field."""
    return Documents(
        vectors=np.ones((len(subjects), 4), dtype=np.float32),
        payloads=[_payload(number, subject) for number, subject in subjects.items()],
        ids=list(subjects),
    )


def _payload(number: int, subject: str | None) -> dict[str, Any]:
    known = {} if subject is None else {"subject": subject}
    return {"document_id": f"doc_{number:05}", "text": f"about {subject}", **known}


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """A collection, a definition that writes onto its documents, and one that does not."""

    world: World
    collection: CollectionRecord
    onto: ClusterRecord
    beside: ClusterRecord
    named: str = "label"
    """What groups go by."""

    def put(self, subjects: Mapping[int, str | None]) -> None:
        self.world.add(self.collection.qdrant_collection, documents(subjects))

    def remove(self, *numbers: int) -> None:
        name = self.collection.qdrant_collection
        self.world.pipeline.documents.delete_points(name, point_ids=list(numbers))

    def change(self, before: Mapping[int, str | None], after: Mapping[int, str | None]) -> None:
        """From one state to another; documents that change are put anew."""
        self.remove(*(before.keys() - after.keys()))
        self.put({one: name for one, name in after.items() if before.get(one, 0) != name})

    def expected(self, subjects: Mapping[int, str | None]) -> dict[int, tuple[str, int]]:
        return expected(subjects)

    def grouped(self, subjects: Mapping[int, str | None]) -> dict[str, int]:
        return grouped(subjects)

    def topics(self) -> dict[int, tuple[str, int] | None]:
        """Document to the group and its size as it shows them; None when it shows nothing."""
        found = {}
        for number, payload in self.world.payloads(self.collection).items():
            shown = {*FIELDS.values(), run_mark(self.onto.cluster_id)} & payload.keys()
            assert len(shown) in (0, 3)  # whole, or not at all
            found[int(number)] = (payload["topic"], payload["topic_size"]) if shown else None
        return found

    def output(self) -> tuple[dict[str, int], dict[str, int]]:
        """Group to its size by its own point, and by the points of its documents."""
        (alias,) = self.beside.state.output_collection_ids
        points = [
            point.payload for page in self.world.pipeline.documents.scroll(alias) for point in page
        ]
        groups = {one["label"]: one["num_members"] for one in points if one["is_centroid"]}
        members = Counter(one["cluster_label"] for one in points if not one["is_centroid"])
        return groups, dict(members)


def shelf(world: World, subjects: Mapping[int, str | None], **fields: Any) -> Shelf:
    collection = world.collection(documents(subjects))
    mappings = [{"source_field": one, "target_field": other} for one, other in FIELDS.items()]
    onto = world.define(
        collection,
        None,
        **BY_SUBJECT,
        enrich_source_collection=True,
        source_enrichment_config={"field_mappings": mappings},
        **fields,
    )
    beside = world.define(collection, None, **BY_SUBJECT, **fields)
    return Shelf(world=world, collection=collection, onto=onto, beside=beside)


def expected(subjects: Mapping[int, str | None]) -> dict[int, tuple[str, int]]:
    """What a full run finds: each subject is a group, and who has none is noise."""
    sizes = Counter(subjects.values())
    return {number: (_label(one), sizes[one]) for number, one in subjects.items()}


def grouped(subjects: Mapping[int, str | None]) -> dict[str, int]:
    """Group to size, noise not among them."""
    return dict(Counter(_label(one) for one in subjects.values() if one is not None))


def _label(subject: str | None) -> str:
    return "Noise" if subject is None else f"subject: {subject}"


__all__ = ["Shelf", "documents", "expected", "grouped", "shelf"]
