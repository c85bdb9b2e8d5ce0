"""The closest label of a closed list, where no model chose one."""

from collections.abc import Mapping, Sequence

from clustering_pipeline.labeling.judges import tf_idf_judge


def closest_candidate(
    phrases: Sequence[str], candidates: Mapping[str, str]
) -> tuple[str, float] | None:
    """The label, with its share of all likeness; ``None`` when no word of any one occurs."""
    if not phrases or not candidates:
        return None
    meanings = [f"{label}. {meaning}" for label, meaning in candidates.items()]
    fits = tf_idf_judge([" ".join(phrases)], meanings)[0]
    best = int(fits.argmax())
    if fits[best] <= 0:
        return None
    return list(candidates)[best], float(fits[best] / fits.sum())
