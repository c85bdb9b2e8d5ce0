"""For teams that keep cluster definitions in their own Dagster project."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg

from clustering_pipeline.defs.assets import build_assets
from clustering_pipeline.defs.checks import build_checks
from clustering_pipeline.defs.fixed_definition import Source, asset_name, fixed_definition
from clustering_pipeline.defs.frames import load_groups, load_members, resources_of
from clustering_pipeline.defs.ingestion import batch_after
from clustering_pipeline.defs.resources import Connect
from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline.resources import clustering_resources

__all__ = ["batch_after", "cluster_definitions", "load_groups", "load_members"]

SHOWN = "published"
"""The stage whose age is that of the results."""
Upstream = dg.AssetKey | str | Sequence[str] | dg.AssetSpec | dg.AssetsDefinition


def cluster_definitions(
    definition: Source,
    *,
    scope: Scope = LOCAL,
    connect: Connect | None = None,
    key_prefix: str | Sequence[str] = (),
    group_name: str | None = None,
    deps: Sequence[Upstream] = (),
    owners: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
    automation_condition: dg.AutomationCondition[dg.AssetKey] | None = None,
    freshness_policy: dg.FreshnessPolicy | None = None,
    resources: Mapping[str, object] | None = None,
) -> dg.Definitions:
    """One definition (a YAML or JSON file, a mapping, a request) as assets, checks and a job.

    The assets have the definition's name as key prefix and group, no partition, and compose like
    any others: ``dg.Definitions.merge(cluster_definitions("topics.yaml"), yours)``.  A relative
    path is beside the file that calls this.

    ``key_prefix`` comes before the name; ``deps`` are the assets that write the documents.
    ``owners``, ``tags`` and ``automation_condition`` are of every asset, so that one run makes them
    all; ``freshness_policy`` is of ``published``.  ``resources`` are parts of
    ``clustering_pipeline.resources`` by their names; the environment says the others.
    """
    source = _beside(definition, Path(sys._getframe(1).f_code.co_filename))  # noqa: SLF001
    graph = fixed_definition(source, scope=scope)
    prefix = [key_prefix] if isinstance(key_prefix, str) else list(key_prefix)
    graph = replace(
        graph,
        group_name=group_name or graph.group_name,
        key_prefix=(*prefix, *graph.key_prefix),
        deps=tuple(dg.AssetDep(asset).asset_key for asset in deps),
    )

    def own(spec: dg.AssetSpec) -> dg.AssetSpec:
        fresh = freshness_policy if spec.key == graph.key(SHOWN) else spec.freshness_policy
        return spec.replace_attributes(
            owners=[*spec.owners, *owners],
            tags={**spec.tags, **(tags or {})},
            automation_condition=automation_condition or spec.automation_condition,
            freshness_policy=fresh,
        )

    assets = dg.map_asset_specs(own, build_assets(graph))
    jobs, stores = [_job(graph.key_prefix, assets)], connect or clustering_resources(resources)
    checks, parts = build_checks(graph), resources_of(stores)
    return dg.Definitions(assets=assets, asset_checks=checks, jobs=jobs, resources=parts)


def _job(key_prefix: Sequence[str], assets: Sequence[Any]) -> Any:
    """All of the graph in one process; a run of chosen assets has the project's own executor."""
    return dg.define_asset_job(
        f"execute_{asset_name('_'.join(key_prefix))}",
        selection=dg.AssetSelection.assets(*assets),
        executor_def=dg.in_process_executor,
    )


def _beside(definition: Source, caller: Path) -> Source:
    """A relative path from the caller's folder; where nothing is there, as it stands."""
    if not isinstance(definition, str | Path) or Path(definition).is_absolute():
        return definition
    beside = caller.parent / definition
    return beside if beside.exists() else Path(definition)
