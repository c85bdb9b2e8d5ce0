"""Every file of a run directory, described once: by this it is written, read and explained."""

from functools import partial

import polars as pl

from clustering_pipeline.pipeline.run import columns as c
from clustering_pipeline.pipeline.run.schema import Artifact, Column, Kind, Page, Record, Table


def _column(kind: Kind, name: str, meaning: str, unit: str = "", **marks: bool) -> Column:
    return Column(name=name, type=kind, meaning=meaning, unit=unit, **marks)


def _table(name: str, description: str, *columns: Column, reused: bool = False) -> Table:
    return Table(name=name, description=description, columns=columns, reused=reused)


def _record(name: str, description: str, *keys: Column, **marks: bool) -> Record:
    return Record(name=name, description=description, columns=keys, **marks)


_text, _integer = partial(_column, pl.String), partial(_column, pl.Int64)
_number, _flag = partial(_column, pl.Float64), partial(_column, pl.Boolean)
_vector, _texts = partial(_column, pl.List(pl.Float32)), partial(_column, pl.List(pl.String))
_list, _object = partial(_column, pl.List), partial(_column, pl.Struct)


_DOCUMENT = (
    _text("collection_id", "collection of the document"),
    _text("point_id", "id of its point in Qdrant"),
    _text("document_id", "what the document is called"),
)
_FEATURE = _text(c.FEATURE, "clustering: a feature's name; null where attributes made the groups")
_GROUP = _text(
    c.CLUSTER_ID, "group: `cl_3`, in a hierarchy the deepest; `cl_cluster_noise` is none"
)
_PROBABILITY = _number("probability", "how surely the document is in its group", unit="0 to 1")
_OUTLIER = _number("outlier_score", "how far out the document lies; null where attributes group")
_FOUND = _text(c.FOUND, "uid of the group as it was found, where people regrouped", optional=True)
_NOVEL = _flag(c.NOVEL, "whether no published group reaches the document", optional=True)
_ASSIGNED_BY = _text(
    c.ASSIGNED_BY, "the wish by which the document is in its group: `target_noise`", optional=True
)
_NEAREST = _text(c.NEAREST, "group nearest to the document", optional=True)
_DISTANCE = _number(
    "distance_to_centroid", "from the centroid of its group; null for noise", unit="cosine"
)
_PLACES = tuple(
    _column(pl.Float32, axis, "place on the map; absent while the map is deferred", optional=True)
    for axis in c.AXES
)
_UID = _text("group_uid", "the group's identity over runs")
_SUMMARIES = (
    _text(c.CLUSTER_ID, "group"),
    _text("parent_cluster_id", "group around it; null on top"),
    _integer("hierarchy_level", "depth in the hierarchy; 0 on top"),
    _integer("num_members", "members, those of inner groups included", unit="documents"),
    _number("variance", "mean squared distance of members from the centroid"),
    _number("mean_cosine_similarity", "of members to the centroid", unit="cosine"),
    _number("min_cosine_similarity", "of members to the centroid", unit="cosine"),
    _text("nearest_cluster_id", "group with the nearest centroid on that level"),
    _number("separation", "distance of both centroids", unit="cosine"),
    _vector(c.CENTROID, "centroid in the space that the vectors came in"),
    _text(c.VALUES, "JSON: attribute to value, where attributes made the groups", optional=True),
    _FEATURE,
    _integer("feature_dimensions", "length of the clustering's vectors"),
)
_NAMES = (
    _text("label", "name"),
    _text("summary", "what its documents are about"),
    _texts("keywords", "keyphrases, best first"),
)
_LABELS = (
    *_NAMES,
    _text("source", "who named it: `keyphrases`, `llm`, `human`, `attributes`"),
    _texts("representative_ids", "documents that stand for the group"),
)
_MATCH = (
    _text("matched_by", "`members` or `centroid`; null for a new group"),
    _number("score", "how alike both groups are", unit="0 to 1"),
)

DEFINITION = _record(
    "definition",
    "The definition with this execution's overrides, as it stood when the run began.",
    _text("cluster_id", "the definition's id"),
    _text("cluster_name", "what people call it"),
    _integer("version", "the definition's version"),
    _object("definition", "what a client stored"),
    open=True,
)
EMBEDDINGS = _table(
    "embeddings",
    "The selected documents with their vectors, in canonical order.",
    *_DOCUMENT,
    _text(c.PAYLOAD, "JSON: what the document says"),
    _vector(c.VECTOR, "as it stands in Qdrant; one column a feature", optional=True, numbered=True),
    reused=True,
)
EXPORT = _record(
    "export",
    "What became of the selection.",
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
    _object("texts", "texts without a vector: embedded, cached, windowed, without", optional=True),
    reused=True,
)
REDUCED = _table(
    "reduced",
    "The fitted documents: the vectors to cluster, and their places on the map.",
    _integer(c.ROW, "row of the document among those of all clusterings"),
    *_PLACES,
    _vector(c.VECTOR, "vector after preprocessing; none where attributes group", optional=True),
    reused=True,
)
REDUCTION = _record(
    "reduction",
    "How vectors were preprocessed and laid out.",
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
    reused=True,
)
NEIGHBORS = _table(
    "neighbors",
    "Who is near whom among the fitted documents, as far as that was searched for.",
    _text("clustering", "clustering that the row is of"),
    _column(pl.List(pl.Int32), "neighbors", "places of the nearest documents, nearest first"),
)
ASSIGNMENTS = _table(
    "assignments",
    "The group of every document, clustering after clustering.",
    *_DOCUMENT,
    _integer("label", "number of the group on top of the hierarchy; -1 is noise"),
    _GROUP,
    _PROBABILITY,
    _OUTLIER,
    _FEATURE,
    _FOUND,
    _NOVEL,
    _NEAREST,
    _ASSIGNED_BY,
    reused=True,
)
FIT = _record(
    "fit",
    "What the algorithm says of its fit; of several clusterings each one's own.",
    _text("algorithm", "method"),
    _object("params", "its parameters, defaults included", optional=True),
    _object("versions", "libraries", optional=True),
    _list("fits", "the records of several clusterings", optional=True),
    open=True,
    reused=True,
)
RELATIONS = _record(
    "relations",
    "Which group of one feature lies within a group of another: a list.",
    _text("parent_cluster_id", "group around"),
    _text("child_cluster_id", "group within"),
    _text("parent_feature", "clustering of the first"),
    _text("child_feature", "clustering of the second"),
    _number("overlap", "share of the inner group's members in the outer", unit="0 to 1"),
    _integer("child_members", "size of the inner group", unit="documents"),
    reused=True,
)
IDENTITY = _table(
    "identity",
    "Who the groups are: their uids, and the groups of the run before that they were.",
    _text(c.CLUSTER_ID, "group"),
    _UID,
    _text("parent_group_uid", "uid of the group around it"),
    _text("previous_cluster_id", "id of the same group in the run before"),
    *_MATCH,
    _number("stayed", "of the smaller of both groups, the documents in the other", unit="0 to 1"),
    _number("known", "of its documents, those that it had before", unit="0 to 1"),
    reused=True,
)
IDENTITY_RECORD = _record(
    "identity",
    "What happened to the groups since the run before.",
    _text("previous_run_id", "run before"),
    _list("events", "lineage events, before labels"),
    _object("found", "groups as the algorithm found them, where people regrouped"),
    reused=True,
)
SUMMARIES = _table(
    "summaries",
    "The groups of all levels, measured in the space that the vectors came in.",
    *_SUMMARIES,
    reused=True,
)
DISTANCES = _table("distances", "A row for each of the assignments.", _DISTANCE, reused=True)
REFERENCE = _table(
    "reference",
    "How far each group reaches: new documents are compared with this alone.",
    _FEATURE,
    _text(c.CLUSTER_ID, "group"),
    _vector("centroid", "centroid"),
    _vector("exemplars", "vectors of exemplars, one after the other"),
    _number("typical", "cosine of a typical member", unit="cosine"),
    _number("least", "cosine at the end of the reach", unit="cosine"),
    _number("mean_cosine", "of all members of the clustering", unit="cosine"),
    reused=True,
)
METRICS = _record(
    "metrics",
    "How good the groups are.",
    _text("space", "space that was measured in"),
    _number("silhouette_score", "mean silhouette", unit="-1 to 1"),
    _number("noise_ratio", "share of documents in no group", unit="0 to 1"),
    _list("findings", "what a reader should know, in sentences", optional=True),
    open=True,
    reused=True,
)
LABELS = _table(
    "labels",
    "The names of the groups.",
    _text(c.CLUSTER_ID, "group"),
    *_LABELS,
    _number("probability", "how sure the model was", unit="0 to 1"),
    _text("extra", "JSON: further fields that a model was asked for"),
    _number("fidelity", "how well the name tells its group's documents", optional=True),
    _number("fidelity_by_chance", "what blind picking scores", optional=True),
    _flag("fidelity_is_low", "whether that is no better than chance", optional=True),
    _text("own_label", "what a group that people named is called without that", optional=True),
    _text("own_source", "where that comes from", optional=True),
    reused=True,
)
TEXTS = _table(
    "texts",
    "A row for each of the assignments.",
    _text("text", "beginning of the document's text, for the map"),
    reused=True,
)
LABEL_ERRORS = _record(
    "label_errors", "What went wrong with labels: a list of sentences.", reused=True
)
LABELLING = _record(
    "labelling",
    "What labels were made of, and what they cost.",
    _list("text_fields", "fields that texts were taken from, level by level"),
    _object("ledger", "calls, tokens and dollars"),
    _text("format", "how the model was asked for its answer"),
    _text("fidelity_judge", "`embedding` or `words`", optional=True),
    reused=True,
)
KNOWN = _table(
    "known",
    "Mode assign: which documents are as the published run read them.",
    _integer(c.ROW, "row in the published run; -1 for new and changed documents"),
)
KNOWN_RECORD = _record(
    "known",
    "Mode assign: how many documents are not.",
    _integer("changed", "documents with another vector"),
    _integer("removed", "documents that are selected no more"),
    _integer("before", "documents of the published run"),
)
JOINED = _table(
    "joined",
    "Mode assign: the group that each document keeps or joins.",
    *(_GROUP, _PROBABILITY, _OUTLIER, _NOVEL, _NEAREST, _FOUND, _FEATURE),
)
JOINED_RECORD = _record(
    "joined",
    "Mode assign: how much was new.",
    _integer("new_documents", "documents that the published run did not have"),
    _integer("changed_documents", "documents with another vector"),
    _integer("removed_documents", "documents that are selected no more"),
    _integer("assigned_documents", "new and changed documents that joined a group"),
    _integer("novelty_pool", "documents that no published group reaches"),
    _number("novelty_share", "share of those among new and changed ones", unit="0 to 1"),
    _number("drift", "by how much the mean cosine to a centroid fell", unit="cosine"),
    _integer("proposed_groups", "new groups made of the pool", optional=True),
    _integer("proposed_documents", "documents in them", optional=True),
)
COMPOSITE = _record(
    "composite",
    "Mode composite: where the groups of the sources went.",
    _list("source_execution_ids", "executions whose groups were grouped"),
    _object("composite_mapping", "execution to group to the group it went to"),
)
CLUSTERS = _table(
    "clusters", "The groups as readers see them, largest first.", *_SUMMARIES, _UID, *_LABELS
)
MEMBERS = _table(
    "members",
    "The documents as readers see them, noise included, clustering after clustering.",
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
    _ASSIGNED_BY,
)
LINEAGE = _table(
    "lineage",
    "What the run did to the groups of its definition, with their labels.",
    _text("event", "`continued`, `born`, `merged`, `split`, …"),
    _UID,
    _text(c.CLUSTER_ID, "group now"),
    _text("previous_cluster_id", "group before"),
    _integer("hierarchy_level", "depth in the hierarchy"),
    _texts("parents", "uids of the groups that it came from"),
    _column(pl.List(pl.Float64), "overlaps", "share that each of these gave", unit="0 to 1"),
    *_MATCH,
    _integer("num_members", "size now", unit="documents"),
    _integer("previous_num_members", "size before", unit="documents"),
    _text("label", "name now"),
    _text("previous_label", "name before"),
)
NUMBERS = _record(
    "numbers",
    "Which numbers groups have had, so that no other group gets one of them.",
    _object("following", "group around to the next number in it"),
    _object("given", "uid to group around, number and the last run that had the group"),
)
MAP = Page(name="map", description="The map as a page; none while it is deferred.")
MANIFEST = _record(
    "manifest",
    "How the run came to its results, with the digest of every file beside it.",
    _text("run_id", "execution"),
    _text("cluster_id", "definition"),
    _text("parent_run_id", "published run when this one began"),
    _object("input", "digest of the documents that were read"),
    _object("artifacts", "file to key, bytes and SHA-256"),
    open=True,
)

ARTIFACTS = tuple(value for value in list(globals().values()) if isinstance(value, Artifact))
"""All of the above, in the order in which a run writes them."""
REUSED = tuple(artifact for artifact in ARTIFACTS if artifact.reused)
