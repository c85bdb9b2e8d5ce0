"""Documents are written where they differ, and nowhere else."""

import pytest

from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.patch import PatchClusterRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import DocumentsRefused, FieldTaken, StateConflict
from clustering_pipeline.model.ids import run_mark
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.model.status import ClusterStatus
from clustering_pipeline.pipeline.publishing.output_aliases import collection_to_read, generations
from clustering_pipeline.pipeline.publishing.retention import Orphans, find_orphans, remove_orphans
from clustering_pipeline.pipeline.stages.table import STAGES
from clustering_pipeline.service.executions.delete import remove_cluster
from clustering_pipeline.service.executions.recovery import recover_all
from clustering_pipeline.service.executions.rollback import roll_back
from clustering_pipeline.service.results.verify import verify_documents, verify_run
from clustering_pipeline_tests.worlds.direct import RELABEL, execute
from clustering_pipeline_tests.worlds.subjects import BY_SUBJECT, Shelf, expected, shelf
from clustering_pipeline_tests.worlds.world import World

SUBJECTS = {1: "sea", 2: "sea", 3: "sea", 4: "court", 5: "court", 6: None}


def counts(execution) -> tuple[str, int, int, int, int]:
    done = execution.write_back
    return done.status, done.written, done.unchanged, done.removed, done.failed


def run(found: Shelf, **options):
    return execute(found.world.pipeline, found.onto, **options)


def marks(found: Shelf) -> dict[int, str | None]:
    mark = run_mark(found.onto.cluster_id)
    payloads = found.world.payloads(found.collection)
    return {int(number): payload.get(mark) for number, payload in payloads.items()}


@pytest.fixture
def found(world: World) -> Shelf:
    return shelf(world, SUBJECTS)


def test_only_what_differs_is_written(found):
    first = run(found)
    assert counts(first) == ("completed", 6, 0, 0, 0)
    assert found.topics() == expected(SUBJECTS)
    again = run(found)
    assert counts(again) == ("completed", 0, 6, 0, 0)
    assert set(marks(found).values()) == {first.run_id}

    # One more at court: the size changes for all of its documents, and for no other.
    found.put({7: "court"})
    more = run(found)
    assert counts(more) == ("completed", 3, 4, 0, 0)
    assert found.topics() == expected({**SUBJECTS, 7: "court"})
    assert {number for number, mark in marks(found).items() if mark == more.run_id} == {4, 5, 7}
    reconciled = more.write_back.written + more.write_back.unchanged + more.write_back.failed
    assert reconciled == more.vectors_retrieved == 7


def test_a_document_put_anew_gets_its_fields_back(found):
    run(found)
    found.put({1: "sea"})
    assert found.topics()[1] is None
    assert counts(run(found)) == ("completed", 1, 5, 0, 0)
    assert found.topics() == expected(SUBJECTS)


def test_documents_that_left_the_selection_lose_their_fields(found):
    run(found)
    found.remove(6)
    narrow = run(found, filters={"subject": "sea"})
    assert counts(narrow) == ("completed", 0, 3, 2, 0)
    assert found.topics() == {
        1: ("subject: sea", 3),
        2: ("subject: sea", 3),
        3: ("subject: sea", 3),
        4: None,
        5: None,
    }
    assert set(found.world.payloads(found.collection)["4"]) == {"document_id", "text", "subject"}


def test_a_write_back_that_was_interrupted_is_finished_by_the_next_execution(found):
    class Killed(BaseException):
        pass

    def die(stage: str) -> None:
        if stage == "enriched_documents":
            raise Killed

    def fail(stage: str) -> None:
        if stage == "embeddings":
            message = "planted"
            raise StateConflict(message)

    run(found)
    found.put({7: "court"})
    with pytest.raises(Killed):
        run(found, before=die)
    clusters, executions = (
        found.world.pipeline.catalog.clusters,
        found.world.pipeline.catalog.executions,
    )
    shown = clusters.by_id(found.onto.cluster_id).state.last_run_id
    clusters.release(found.onto.cluster_id, shown)
    assert executions.by_id(shown).write_back.status == "pending"
    # Even one that comes no further than its beginning.
    with pytest.raises(StateConflict):
        run(found, before=fail)
    assert counts(executions.by_id(shown)) == ("completed", 3, 4, 0, 0)
    assert found.topics() == expected({**SUBJECTS, 7: "court"})


def test_a_start_finishes_it_too(found):
    clusters = found.world.pipeline.catalog.clusters
    run(found)
    found.put({7: "court"})
    assert recover_all(found.world.pipeline) == {}
    stages = [one.name for one in STAGES if one.name != "enriched_documents"]
    later = run(found, stages=stages)
    # Asked for by hand, it is to come; left by a run that failed, it is finished.
    assert recover_all(found.world.pipeline) == {}
    clusters.update_state(found.onto.cluster_id, status=ClusterStatus.INTERRUPTED)
    assert recover_all(found.world.pipeline) == {found.onto.cluster_id: None}
    assert found.topics() == expected({**SUBJECTS, 7: "court"})
    state = clusters.by_id(found.onto.cluster_id).state
    assert (state.status, state.last_run_id) == ("COMPLETED", later.run_id)
    assert recover_all(found.world.pipeline) == {}


def test_rolling_back_takes_readers_and_documents_along(found):
    pipeline = found.world.pipeline
    first = run(found)
    beside = execute(pipeline, found.beside)
    found.put({7: "court", 8: "garden"})
    second, third = run(found), execute(pipeline, found.beside)
    assert found.output()[0] == {"subject: sea": 3, "subject: court": 3, "subject: garden": 1}

    record = roll_back(pipeline, LOCAL, found.onto.name)
    assert (record.state.last_run_id, record.state.status) == (first.run_id, "COMPLETED")
    assert (record.state.num_clusters, record.state.num_documents_clustered, record.claim) == (
        2,
        6,
        None,
    )
    assert found.topics() == {**expected(SUBJECTS), 7: None, 8: None}
    record = roll_back(pipeline, LOCAL, found.beside.name, beside.run_id)
    assert found.output()[0] == {"subject: sea": 3, "subject: court": 2}
    (reaped,) = pipeline.catalog.executions.by_id(beside.run_id).generation_reap
    assert (reaped["decision"], reaped["written"], reaped["reaped"]) == ("reaped", 8, 11)
    # And forth again.
    assert (
        roll_back(pipeline, LOCAL, found.beside.name, third.run_id).state.last_run_id
        == third.run_id
    )
    assert roll_back(pipeline, LOCAL, found.onto.name, second.run_id).state.num_clusters == 3
    assert found.topics() == expected({**SUBJECTS, 7: "court", 8: "garden"})


def test_there_must_be_something_to_roll_back_to(found):
    first = run(found)
    with pytest.raises(StateConflict, match="has no published run before"):
        roll_back(found.world.pipeline, LOCAL, found.onto.name)
    with pytest.raises(StateConflict, match="is the published run"):
        roll_back(found.world.pipeline, LOCAL, found.onto.name, first.run_id)


def test_only_so_many_runs_keep_their_results(found):
    narrow = found.world.over(kept_runs=2).pipeline
    runs = [execute(narrow, found.onto).run_id for _ in range(4)]
    state = narrow.catalog.clusters.by_id(found.onto.cluster_id).state
    assert state.published_run_ids == runs[2:]
    kept = [
        narrow.artifacts.list(f"int_local/ns_default/engine_cluster_build/{one}/") for one in runs
    ]
    assert [bool(one) for one in kept] == [False, False, True, True]
    expired = [narrow.catalog.executions.by_id(one).expired_at is not None for one in runs]
    assert expired == [True, True, False, False]
    with pytest.raises(StateConflict, match=f"the results of {runs[0]} are not kept"):
        roll_back(narrow, LOCAL, found.onto.name, runs[0])
    removed = f"the results of {runs[1]} are not kept .* removed its files.; .* has: {runs[2]}, "
    with pytest.raises(StateConflict, match=removed):
        verify_run(narrow, narrow.catalog.executions.by_id(runs[1]))
    assert roll_back(narrow, LOCAL, found.onto.name).state.last_run_id == runs[2]


def test_files_that_a_kept_run_stands_on_stay(found):
    narrow = found.world.over(kept_runs=1).pipeline
    first = execute(narrow, found.onto)
    for _ in range(3):
        again = execute(narrow, found.onto, stages=RELABEL)
    assert narrow.artifacts.exists(first.artifact_key("embeddings.parquet"))
    assert {one.verdict for one in verify_run(narrow, again)} == {"same"}


def test_a_result_that_fails_a_gate_is_kept_and_not_shown(found):
    pipeline = found.world.pipeline
    first = run(found)
    gates = {"quality_gates": {"maximum_noise_ratio": 0.2, "minimum_agreement": 0.5}}
    pipeline.catalog.clusters.patch(LOCAL, found.onto.name, validate(PatchClusterRequest, gates))
    found.put(dict.fromkeys(range(10, 16)))
    before = found.topics()
    refused = run(found)
    reason = "share of noise 0.583 is above maximum_noise_ratio 0.2"
    assert refused.refusals == [reason]
    assert (refused.status, refused.task_status) == ("completed", "COMPLETED_WITH_ERRORS")
    record = pipeline.catalog.clusters.by_id(found.onto.cluster_id)
    assert (record.state.last_run_id, record.state.status) == (
        first.run_id,
        "COMPLETED_WITH_ERRORS",
    )
    assert record.state.error == f"the result is kept and not published: {reason}"
    assert found.topics() == before
    # Somebody who looked at it may show it all the same.
    assert (
        roll_back(pipeline, LOCAL, found.onto.name, refused.run_id).state.num_documents_clustered
        == 12
    )


def test_switching_the_write_back_off_removes_the_fields(found):
    pipeline = found.world.pipeline
    run(found)
    changed = found.onto.spec.model_dump(mode="json") | {"enrich_source_collection": False}
    changed["source_enrichment_config"] = None
    pipeline.catalog.clusters.apply(LOCAL, validate(CreateClusterRequest, changed))
    run(found)
    assert set(found.topics().values()) == {None}
    assert pipeline.catalog.clusters.by_id(found.onto.cluster_id).state.documents_hold == []


def test_fields_go_with_the_definition_when_asked(found):
    run(found)
    remove_cluster(found.world.pipeline, LOCAL, found.onto.name, remove_fields=True)
    assert set(found.topics().values()) == {None}


def test_documents_themselves_are_checked(found):
    run(found)
    record = found.world.pipeline.catalog.clusters.by_id(found.onto.cluster_id)
    assert verify_documents(found.world.pipeline, record).fine
    found.put({1: "sea"})
    found.remove(2)
    name = found.collection.qdrant_collection
    found.world.pipeline.documents.write_payloads(name, [(3, {"topic": "of mine"})])
    check = verify_documents(found.world.pipeline, record)
    assert (check.documents, check.right, check.wrong, check.gone) == (6, 3, 2, 1)
    assert (check.fine, check.wrong_ids, check.strangers) == (False, ["1", "3"], 0)


def test_a_run_whose_files_were_touched_says_so(found):
    execution = run(found)
    artifacts = found.world.pipeline.artifacts
    checks = verify_run(found.world.pipeline, execution)
    assert {one.verdict for one in checks} == {"same"}
    assert {"manifest.json", "members.parquet", "embeddings.parquet", "input"} <= {
        one.file for one in checks
    }
    artifacts.write_json(execution.artifact_key("fit.json"), {})
    artifacts.delete(execution.artifact_key("labels.parquet"))
    touched = {one.file: one.verdict for one in verify_run(found.world.pipeline, execution)}
    odd = {file: verdict for file, verdict in touched.items() if verdict != "same"}
    assert odd == {"fit.json": "changed", "labels.parquet": "missing"}


def test_an_alias_that_lags_behind_is_repaired_by_the_next_read(found):
    pipeline, beside = found.world.pipeline, found.beside
    first = execute(pipeline, beside)
    (alias,) = beside.state.output_collection_ids
    documents = pipeline.documents
    documents.create_collection(f"{alias}__run_before", {"centroid": 4})
    documents.set_aliases({alias: f"{alias}__run_before"})
    record = collection_to_read(pipeline, LOCAL, beside.state.output_collection_names[0])
    assert (record.collection_id, documents.aliases()[alias]) == (alias, f"{alias}__{first.run_id}")
    # What is no longer shown waits for the next run: a reader removes nothing.
    assert len(generations(pipeline, alias)) == 2
    second = execute(pipeline, beside)
    assert generations(pipeline, alias) == [f"{alias}__{second.run_id}"]


def test_directories_that_no_record_names_are_found(found):
    pipeline = found.world.pipeline
    named = run(found)
    place = "int_local/ns_default/engine_cluster_build"
    ours = {"cluster_id": found.onto.cluster_id}
    pipeline.artifacts.write_json(f"{place}/run_ours/definition.json", ours)
    pipeline.artifacts.write_json(f"{place}/run_theirs/definition.json", {"cluster_id": "clust_x"})
    pipeline.artifacts.write_bytes(f"{place}/run_odd/map.html", b"")
    lost = find_orphans(pipeline)
    assert lost.ours == (f"{place}/run_ours",)
    assert lost.unknown == (f"{place}/run_odd", f"{place}/run_theirs")
    assert remove_orphans(pipeline, (*lost.ours, *lost.unknown)) == 3
    assert find_orphans(pipeline) == Orphans()
    # It may have got its record while somebody was asked.
    assert remove_orphans(pipeline, [f"{place}/{named.run_id}"]) == 0


def test_fields_that_another_definition_took_over_are_left_to_it(found):
    pipeline = found.world.pipeline
    first = run(found)
    off = found.onto.spec.model_dump(mode="json") | {"enrich_source_collection": False}
    off["source_enrichment_config"] = None
    pipeline.catalog.clusters.apply(LOCAL, validate(CreateClusterRequest, off))
    theirs = found.world.define(
        found.collection,
        None,
        **BY_SUBJECT,
        enrich_source_collection=True,
        source_enrichment_config={
            "field_mappings": [{"source_field": "cluster_id", "target_field": "topic"}]
        },
    )
    execute(pipeline, theirs)
    run(found)
    payloads = found.world.payloads(found.collection).values()
    assert {one["topic"] for one in payloads} == {"cl_0", "cl_1", "cl_cluster_noise"}
    assert not any("topic_size" in one for one in payloads)
    with pytest.raises(FieldTaken, match="cannot write 'topic' on collection"):
        roll_back(pipeline, LOCAL, found.onto.name, first.run_id)


def test_a_write_back_that_wrote_nothing_is_no_success(found: Shelf) -> None:
    def gone(stage: str) -> None:
        if stage == "enriched_documents":
            found.remove(*SUBJECTS)

    with pytest.raises(DocumentsRefused, match="none of 6 documents took its fields: 1: there is"):
        run(found, before=gone)
    record = found.world.pipeline.catalog.executions.latest(found.onto.cluster_id)
    assert record.write_back.status == "failed"


def test_a_server_that_is_waited_for_is_told_as_progress(found: Shelf) -> None:
    executions = found.world.pipeline.catalog.executions
    seen: list[str | None] = []

    def wait(stage: str) -> None:
        found.world.pipeline.documents.waiting()
        progress = executions.latest(found.onto.cluster_id).progress
        seen.append(progress.waiting_for if progress else stage)

    run(found, before=wait)
    # Before its first stage nobody knows of the run; each stage begins with a progress of its own.
    assert set(seen[1:]) == {"Qdrant"}
