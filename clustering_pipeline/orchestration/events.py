"""Events of the engine as readers know them: uids and ids in place of places."""

from collections.abc import Iterator, Sequence

from clustering_pipeline.engine.groups.hierarchy import Path, group_id
from clustering_pipeline.engine.identity import Event, Generation
from clustering_pipeline.model.executions.lineage import LineageEvent


def told(
    events: Sequence[Event],
    after: Generation,
    paths: Sequence[Path],
    uids: Sequence[str],
    before: Generation | None,
) -> Iterator[LineageEvent]:
    """The same events; ``paths`` and ``uids`` are those that the later groups go by."""
    for one in events:
        earlier = before if before is not None and one.old is not None else None
        old = 0 if one.old is None else one.old
        if one.new is None:
            uid, path = (earlier.uids[old], earlier.paths[old]) if earlier else ("", ())
        else:
            uid, path = uids[one.new], paths[one.new]
        yield LineageEvent(
            event=one.kind,
            group_uid=uid,
            cluster_id=None if one.new is None else group_id(path),
            previous_cluster_id=group_id(earlier.paths[old]) if earlier else None,
            hierarchy_level=len(path) - 1,
            parents=[before.uids[parent] for parent in one.parents] if before else [],
            overlaps=list(one.overlaps),
            matched_by=one.by,
            score=one.score,
            num_members=None if one.new is None else int(after.sizes[one.new]),
            previous_num_members=int(earlier.sizes[old]) if earlier else None,
        )
