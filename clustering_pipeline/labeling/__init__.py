"""Names for groups: representatives, keyphrases, and one model call per group when asked for."""

from clustering_pipeline.labeling.config import InputMapping, LabelingConfig
from clustering_pipeline.labeling.fields import FieldChoice, choose_text_fields
from clustering_pipeline.labeling.keyphrases import keyphrases
from clustering_pipeline.labeling.labels import label_groups
from clustering_pipeline.labeling.names import names_of
from clustering_pipeline.labeling.openai_provider import open_provider
from clustering_pipeline.labeling.prepare import Prepared, prepare
from clustering_pipeline.labeling.representatives import representatives
from clustering_pipeline.labeling.request import (
    Example,
    Group,
    Label,
    LabelingError,
    LabelRequest,
    Labels,
)

__all__ = [
    "Example",
    "FieldChoice",
    "Group",
    "InputMapping",
    "Label",
    "LabelRequest",
    "LabelingConfig",
    "LabelingError",
    "Labels",
    "Prepared",
    "choose_text_fields",
    "keyphrases",
    "label_groups",
    "names_of",
    "open_provider",
    "prepare",
    "representatives",
]
