"""Names for groups: representatives, keyphrases, and one model call per group when asked for."""

from clustering_pipeline.labeling.config import InputMapping, LabelingConfig
from clustering_pipeline.labeling.ctfidf import keyphrases
from clustering_pipeline.labeling.fidelity import Fidelity, fidelity, judged_texts
from clustering_pipeline.labeling.fields import choose_text_fields
from clustering_pipeline.labeling.judges import tf_idf_judge
from clustering_pipeline.labeling.labels import label_groups
from clustering_pipeline.labeling.llm.cache import cache_keys
from clustering_pipeline.labeling.llm.embeddings import EmbeddingJudge
from clustering_pipeline.labeling.llm.estimate import Estimate, estimate
from clustering_pipeline.labeling.llm.openai import open_provider
from clustering_pipeline.labeling.names import names_of
from clustering_pipeline.labeling.prepare import Prepared, prepare
from clustering_pipeline.labeling.prices import PRICES, Price, price_of
from clustering_pipeline.labeling.representatives import representatives
from clustering_pipeline.labeling.request import (
    Example,
    Group,
    Label,
    LabelRequest,
    Labels,
    Named,
    Terms,
)

__all__ = [
    "PRICES",
    "EmbeddingJudge",
    "Estimate",
    "Example",
    "Fidelity",
    "Group",
    "InputMapping",
    "Label",
    "LabelRequest",
    "LabelingConfig",
    "Labels",
    "Named",
    "Prepared",
    "Price",
    "Terms",
    "cache_keys",
    "choose_text_fields",
    "estimate",
    "fidelity",
    "judged_texts",
    "keyphrases",
    "label_groups",
    "names_of",
    "open_provider",
    "prepare",
    "price_of",
    "representatives",
    "tf_idf_judge",
]
