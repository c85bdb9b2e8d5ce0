"""Every file of a run directory, described once: by this it is written, read and explained."""

from collections.abc import Sequence
from functools import partial

import polars as pl

from clustering_pipeline.pipeline.run.columns import (
    AXES,
    CENTROID,
    CLUSTER_ID,
    COLLECTION_ID,
    DISTANCE,
    DOCUMENT_ID,
    FEATURE,
    FOUND,
    GROUP_UID,
    KEYWORDS,
    KNOWN_SHARE,
    LABEL,
    LEVEL,
    MATCHED_BY,
    NEAREST,
    NOVEL,
    NUM_MEMBERS,
    OUTLIER_SCORE,
    PARENT,
    PAYLOAD,
    POINT_ID,
    PREVIOUS,
    PROBABILITY,
    REPRESENTATIVES,
    ROW,
    SCORE,
    SOURCE,
    STAYED,
    SUMMARY,
    TEXT,
    VALUES,
    VECTOR,
)
from clustering_pipeline.pipeline.run.schema import Artifact, Column, Kind, Page, Record, Table


def _column(
    kind: Kind, name: str, meaning: str, *, unit: str = "", optional: bool = False
) -> Column:
    return Column(name=name, type=kind, meaning=meaning, unit=unit, optional=optional)


_text, _integer = partial(_column, pl.String), partial(_column, pl.Int64)
_number, _flag = partial(_column, pl.Float64), partial(_column, pl.Boolean)
_vector, _texts = partial(_column, pl.List(pl.Float32)), partial(_column, pl.List(pl.String))
_list, _object = partial(_column, pl.List), partial(_column, pl.Struct)


def _optional(columns: Sequence[Column]) -> tuple[Column, ...]:
    return tuple(
        _column(one.type, one.name, one.meaning, unit=one.unit, optional=True) for one in columns
    )


_DOCUMENT = (
    _text(COLLECTION_ID, "collection of the document"),
    _text(POINT_ID, "id of its point in Qdrant"),
    _text(DOCUMENT_ID, "what the document is called"),
)
_FEATURE = _text(FEATURE, "clustering: a feature's name; null where attributes made the groups")
_GROUP = _text(CLUSTER_ID, "group: `cl_3`, in a hierarchy the deepest; `cl_cluster_noise` is none")
_PROBABILITY = _number(PROBABILITY, "how surely the document is in its group", unit="0 to 1")
_OUTLIER = _number(OUTLIER_SCORE, "how far out the document lies; null where attributes group")
_FOUND = _text(FOUND, "uid of the group as it was found, where people regrouped", optional=True)
_NOVEL = _flag(NOVEL, "whether no published group reaches the document", optional=True)
_NEAREST = _text(NEAREST, "group nearest to the document", optional=True)
_DISTANCE = _number(DISTANCE, "from the centroid of its group; null for noise", unit="cosine")
_PLACES = tuple(
    _column(pl.Float32, axis, "place on the map; absent while the map is deferred", optional=True)
    for axis in AXES
)
_UID = _text(GROUP_UID, "the group's identity over runs")
_TOP = (
    _text(CLUSTER_ID, "group"),
    _text(PARENT, "group around it; null on top"),
    _integer(LEVEL, "depth in the hierarchy; 0 on top"),
    _integer(NUM_MEMBERS, "members, those of inner groups included", unit="documents"),
)
_SUMMARIES = (
    *_TOP,
    _number("variance", "mean squared distance of members from the centroid"),
    _number("mean_cosine_similarity", "of members to the centroid", unit="cosine"),
    _number("min_cosine_similarity", "of members to the centroid", unit="cosine"),
    _text("nearest_cluster_id", "group with the nearest centroid on that level"),
    _number("separation", "distance of both centroids", unit="cosine"),
    _vector(CENTROID, "centroid in the space that the vectors came in"),
    _text(VALUES, "JSON: attribute to value, where attributes made the groups", optional=True),
    _FEATURE,
    _integer("feature_dimensions", "length of the clustering's vectors"),
)
_NAMES = (
    _text(LABEL, "name"),
    _text(SUMMARY, "what its documents are about"),
    _texts(KEYWORDS, "keyphrases, best first"),
)
_LABELS = (
    *_NAMES,
    _text(SOURCE, "who named it: `keyphrases`, `llm`, `human`, `attributes`"),
    _texts(REPRESENTATIVES, "documents that stand for the group"),
)
_MATCH = (
    _text(MATCHED_BY, "`members` or `centroid`; null for a new group"),
    _number(SCORE, "how alike both groups are", unit="0 to 1"),
)

DEFINITION = Record(
    name="definition",
    description="The definition with this execution's overrides, as it stood when the run began.",
    columns=(
        _text("cluster_id", "the definition's id"),
        _text("cluster_name", "what people call it"),
        _integer("version", "the definition's version"),
        _object("definition", "what a client stored"),
    ),
    open=True,
)
EMBEDDINGS = Table(
    name="embeddings",
    description="The selected documents with their vectors, in canonical order.",
    columns=(
        *_DOCUMENT,
        _text(PAYLOAD, "JSON: what the document says"),
        Column(
            name=VECTOR,
            type=pl.List(pl.Float32),
            meaning="vector as it stands in Qdrant, a column for each feature; none for attributes",
            optional=True,
            numbered=True,
        ),
    ),
    reused=True,
)
EXPORT = Record(
    name="export",
    description="What became of the selection.",
    columns=(
        _integer("source_documents", "documents that the filter selects"),
        _integer("retrieved", "documents that were read with all their vectors"),
        _integer("missing_vector", "documents that lack one"),
        _integer("not_sampled", "documents left out by a sample"),
        _integer("vanished", "documents deleted between being selected and being read"),
        _integer("invalid", "documents with NaN or infinity in a vector"),
        _list("invalid_ids", "the first ten of them"),
        _number("seconds", "how long reading took", unit="s"),
        _integer("vector_bytes", "size of the vectors", unit="bytes"),
        _list("vector_names", "vectors that were read"),
    ),
    reused=True,
)
REDUCED = Table(
    name="reduced",
    description="The fitted documents: the vectors to cluster, and their places on the map.",
    columns=(
        _integer(ROW, "row of the document among those of all clusterings"),
        *_PLACES,
        _vector(VECTOR, "vector after preprocessing; none where attributes group", optional=True),
    ),
    reused=True,
)
REDUCTION = Record(
    name="reduction",
    description="How vectors were preprocessed and laid out.",
    columns=(
        _object("input", "digest of what went in"),
        _integer("documents", "documents that there are"),
        _integer("fitted", "documents of the sample"),
        _list("steps", "steps of preprocessing, in order, with what each measured"),
        _object("weights", "feature to weight; null weighs all the same"),
        _number("learning_quality_score", "what the learned weights score"),
        _object("weight_learning", "how weights were learned"),
        _object("dimensions", "feature's name to the length of its vectors", optional=True),
        _list("layout", "how each clustering's map was started", optional=True),
        _list("neighbors", "searches for neighbours that are kept", optional=True),
    ),
    reused=True,
)
NEIGHBORS = Table(
    name="neighbors",
    description="Who is near whom among the fitted documents, as far as that was searched for.",
    columns=(
        _text("clustering", "clustering that the row is of"),
        _column(pl.List(pl.Int32), "neighbors", "places of the nearest documents, nearest first"),
    ),
)
ASSIGNMENTS = Table(
    name="assignments",
    description="The group of every document, clustering after clustering.",
    columns=(
        *_DOCUMENT,
        _integer(LABEL, "number of the group on top of the hierarchy; -1 is noise"),
        _GROUP,
        _PROBABILITY,
        _OUTLIER,
        _FEATURE,
        _FOUND,
        _NOVEL,
        _NEAREST,
    ),
    reused=True,
)
FIT = Record(
    name="fit",
    description="What the algorithm says of its fit; of several clusterings each one's own.",
    columns=(
        _text("algorithm", "method"),
        _object("params", "its parameters, defaults included", optional=True),
        _object("versions", "libraries", optional=True),
        _list("fits", "the records of several clusterings", optional=True),
    ),
    open=True,
    reused=True,
)
RELATIONS = Record(
    name="relations",
    description="Which group of one feature lies within a group of another: a list.",
    columns=(
        _text("parent_cluster_id", "group around"),
        _text("child_cluster_id", "group within"),
        _text("parent_feature", "clustering of the first"),
        _text("child_feature", "clustering of the second"),
        _number("overlap", "share of the inner group's members in the outer", unit="0 to 1"),
        _integer("child_members", "size of the inner group", unit="documents"),
    ),
    reused=True,
)
IDENTITY = Table(
    name="identity",
    description="Who the groups are: their uids, and the groups of the run before that they were.",
    columns=(
        _text(CLUSTER_ID, "group"),
        _UID,
        _text("parent_group_uid", "uid of the group around it"),
        _text(PREVIOUS, "id of the same group in the run before"),
        *_MATCH,
        _number(STAYED, "of the smaller of both groups, the documents in the other", unit="0 to 1"),
        _number(KNOWN_SHARE, "of its documents, those that it had before", unit="0 to 1"),
    ),
    reused=True,
)
IDENTITY_RECORD = Record(
    name="identity",
    description="What happened to the groups since the run before.",
    columns=(
        _text("previous_run_id", "run before"),
        _list("events", "lineage events, before labels"),
        _object("found", "groups as the algorithm found them, where people regrouped"),
    ),
    reused=True,
)
SUMMARIES = Table(
    name="summaries",
    description="The groups of all levels, measured in the space that the vectors came in.",
    columns=_SUMMARIES,
    reused=True,
)
DISTANCES = Table(
    name="distances",
    description="A row for each of the assignments.",
    columns=(_DISTANCE,),
    reused=True,
)
REFERENCE = Table(
    name="reference",
    description="How far each group reaches: new documents are compared with this alone.",
    columns=(
        _FEATURE,
        _text(CLUSTER_ID, "group"),
        _vector("centroid", "centroid"),
        _vector("exemplars", "vectors of exemplars, one after the other"),
        _number("typical", "cosine of a typical member", unit="cosine"),
        _number("least", "cosine at the end of the reach", unit="cosine"),
        _number("mean_cosine", "of all members of the clustering", unit="cosine"),
    ),
    reused=True,
)
METRICS = Record(
    name="metrics",
    description="How good the groups are.",
    columns=(
        _text("space", "space that was measured in"),
        _number("silhouette_score", "mean silhouette", unit="-1 to 1"),
        _number("noise_ratio", "share of documents in no group", unit="0 to 1"),
    ),
    open=True,
    reused=True,
)
LABELS = Table(
    name="labels",
    description="The names of the groups.",
    columns=(
        _text(CLUSTER_ID, "group"),
        *_LABELS,
        _number(PROBABILITY, "how sure the model was", unit="0 to 1"),
        _text("extra", "JSON: further fields that a model was asked for"),
        *_optional(
            (
                _number("fidelity", "how well the name tells its group's documents"),
                _number("fidelity_by_chance", "what blind picking scores"),
                _flag("fidelity_is_low", "whether that is no better than chance"),
            )
        ),
    ),
    reused=True,
)
TEXTS = Table(
    name="texts",
    description="A row for each of the assignments.",
    columns=(_text(TEXT, "beginning of the document's text, for the map"),),
    reused=True,
)
LABEL_ERRORS = Record(
    name="label_errors",
    description="What went wrong with labels: a list of sentences.",
    reused=True,
)
LABELLING = Record(
    name="labelling",
    description="What labels were made of, and what they cost.",
    columns=(
        _list("text_fields", "fields that texts were taken from, level by level"),
        _object("ledger", "calls, tokens and dollars"),
        _text("format", "how the model was asked for its answer"),
        _text("fidelity_judge", "`embedding` or `words`", optional=True),
    ),
    reused=True,
)
KNOWN = Table(
    name="known",
    description="Mode assign: which documents are as the published run read them.",
    columns=(_integer(ROW, "row in the published run; -1 for new and changed documents"),),
)
KNOWN_RECORD = Record(
    name="known",
    description="Mode assign: how many documents are not.",
    columns=(
        _integer("changed", "documents with another vector"),
        _integer("removed", "documents that are selected no more"),
        _integer("before", "documents of the published run"),
    ),
)
JOINED = Table(
    name="joined",
    description="Mode assign: the group that each document keeps or joins.",
    columns=(_GROUP, _PROBABILITY, _OUTLIER, _NOVEL, _NEAREST, _FOUND, _FEATURE),
)
JOINED_RECORD = Record(
    name="joined",
    description="Mode assign: how much was new.",
    columns=(
        _integer("new_documents", "documents that the published run did not have"),
        _integer("changed_documents", "documents with another vector"),
        _integer("removed_documents", "documents that are selected no more"),
        _integer("assigned_documents", "new and changed documents that joined a group"),
        _integer("novelty_pool", "documents that no published group reaches"),
        _number("novelty_share", "share of those among new and changed ones", unit="0 to 1"),
        _number("drift", "by how much the mean cosine to a centroid fell", unit="cosine"),
        _integer("proposed_groups", "new groups made of the pool", optional=True),
        _integer("proposed_documents", "documents in them", optional=True),
    ),
)
COMPOSITE = Record(
    name="composite",
    description="Mode composite: where the groups of the sources went.",
    columns=(
        _list("source_execution_ids", "executions whose groups were grouped"),
        _object("composite_mapping", "execution to group to the group it went to"),
    ),
)
CLUSTERS = Table(
    name="clusters",
    description="The groups as readers see them, largest first.",
    columns=(*_SUMMARIES, _UID, *_LABELS),
)
MEMBERS = Table(
    name="members",
    description="The documents as readers see them, noise included, clustering after clustering.",
    columns=(
        *_DOCUMENT,
        _FEATURE,
        _GROUP,
        _DISTANCE,
        _PROBABILITY,
        _OUTLIER,
        *_PLACES,
        _UID,
        *_NAMES[1:],
        _text("cluster_label", "the group's name"),
        _integer("member_count", "size of the group, or of the noise", unit="documents"),
    ),
)
LINEAGE = Table(
    name="lineage",
    description="What the run did to the groups of its definition, with their labels.",
    columns=(
        _text("event", "`continued`, `born`, `merged`, `split`, …"),
        _UID,
        _text(CLUSTER_ID, "group now"),
        _text(PREVIOUS, "group before"),
        _integer(LEVEL, "depth in the hierarchy"),
        _texts("parents", "uids of the groups that it came from"),
        _column(pl.List(pl.Float64), "overlaps", "share that each of these gave", unit="0 to 1"),
        *_MATCH,
        _integer(NUM_MEMBERS, "size now", unit="documents"),
        _integer("previous_num_members", "size before", unit="documents"),
        _text(LABEL, "name now"),
        _text("previous_label", "name before"),
    ),
)
NUMBERS = Record(
    name="numbers",
    description="Which numbers groups have had, so that no other group gets one of them.",
    columns=(
        _object("following", "group around to the next number in it"),
        _object("given", "uid to group around, number and the last run that had the group"),
    ),
)
MAP = Page(name="map", description="The map as a page; none while it is deferred.")
MANIFEST = Record(
    name="manifest",
    description="How the run came to its results, with the digest of every file beside it.",
    columns=(
        _text("run_id", "execution"),
        _text("cluster_id", "definition"),
        _text("parent_run_id", "published run when this one began"),
        _object("input", "digest of the documents that were read"),
        _object("artifacts", "file to key, bytes and SHA-256"),
    ),
    open=True,
)

ARTIFACTS = tuple(value for value in list(globals().values()) if isinstance(value, Artifact))
"""All of the above, in the order in which a run writes them."""
REUSED = tuple(artifact for artifact in ARTIFACTS if artifact.reused)
