"""The stacks whose cost is asked for: their templates and Regions, and where they come from."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cost.errors import CostError, NoRegionError
from elasticache_rules.change_gate import GateError, sources
from elasticache_rules.templates.app import Templates

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from elasticache_rules.templates.app import Resource


@dataclass(frozen=True, slots=True)
class Stacks:
    """Templates by the names of their stacks, and the one Region they are in."""

    documents: Mapping[str, Mapping[str, Any]]
    region: str

    @property
    def templates(self) -> Templates:
        """All of them, for references between stacks."""
        nested = {name: (name.rpartition("/")[0], name.rpartition("/")[2]) for name in self.documents if "/" in name}
        return Templates(self.documents, nested)

    def resources(self, templates: Templates) -> list[Resource]:
        """All resources of the templates, stack by stack."""
        kinds = {
            body["Type"] for document in self.documents.values() for body in document.get("Resources", {}).values()
        }
        return list(templates.of_kind(*kinds))


def synthesised(directory: Path, pattern: str, region: str | None) -> Stacks:
    """The stacks of a cloud assembly whose names match a pattern.

    Args:
        directory: What ``cdk synth`` wrote.
        pattern: For the names of stacks, ``prod-*`` for example.
        region: The Region, where the app leaves it to the deployment. Default: it does not.

    Raises:
        NoRegionError: If some have no Region and none is named.
        CostError: If no stack matches, or they have several Regions.
    """
    try:
        assembly = sources.read_assembly(directory)
    except GateError as error:
        raise CostError(str(directory), f"it is no cloud assembly ({error})", "Run cdk synth first") from error
    chosen = {name: each for name, each in assembly.items() if _matches(name, pattern)}
    if not chosen:
        raise CostError(
            f"stacks {pattern}", f"the assembly has {', '.join(sorted(assembly)) or 'none'}", "Name some of those"
        )
    named = {each.region or region for each in chosen.values()}
    if None in named:
        raise NoRegionError(
            f"stacks {pattern}", "the app leaves the Region of some to the deployment", "Name it: REGION=eu-west-1"
        )
    regions = sorted({each for each in (*named, region) if each})
    if len(regions) > 1:
        raise CostError(
            f"stacks {pattern} in {', '.join(regions)}",
            "a table is of one Region",
            "Name the stacks of one, and no other Region",
        )
    return Stacks({name: each.template for name, each in chosen.items()}, regions[0])


def committed(revision: str, snapshots: Path, pattern: str, region: str) -> Stacks:
    """The stacks that are committed as snapshots at a git revision, as the change gate reads them.

    Raises:
        CostError: If the revision has no snapshots.
    """
    try:
        found = sources.read_snapshots(revision, snapshots)
    except GateError as error:
        raise CostError(f"base {revision}", f"its snapshots are not readable ({error})", "Name another one") from error
    return Stacks({name: each for name, each in found.items() if _matches(name, pattern)}, region)


def _matches(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name.partition("/")[0], pattern)
