"""The part of the catalogue that maintained packages know: read from them, compared and written.

botocore's model of the service names parameter group families and the oldest node types; cfn-lint carries tables that
its maintainers generate from the service's API. All of it goes into ``data/offered.json``, and nothing else does: what
people found out stands in the other files, which are never written here.
"""

from __future__ import annotations

import gzip
import importlib.metadata
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elasticache_rules.facts.versions import natural_key, size_key, version_key
from elasticache_rules.terminal import write_whole

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

BOTOCORE, CFN_LINT = "botocore", "cfn-lint"

_MODEL = "botocore/data/elasticache/2015-02-02/service-2.json.gz"
_SCHEMAS = "cfnlint/data/schemas"
_TABLES = f"{_SCHEMAS}/extensions/aws_elasticache_cachecluster"
_URLS = {
    BOTOCORE: "https://github.com/boto/botocore",
    CFN_LINT: "https://github.com/aws-cloudformation/cfn-lint",
}


class RefreshError(Exception):
    """The packages cannot be read. The text says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What the packages know otherwise than the catalogue.

    Args:
        new: What only the packages know, each fact as a line of text.
        gone: What only the catalogue knows.
        form: Whether the file is not what would be written, be it only in its order.
    """

    new: list[str]
    gone: list[str]
    form: bool

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.new or self.gone or self.form)


def offered(recorded: dict[str, Any], today: dt.date) -> dict[str, Any]:
    """What the installed packages know, in the form of ``data/offered.json``.

    Args:
        recorded: What the file says now, for the date of a botocore that has not changed: the package has none itself.
        today: The date of a botocore that has.

    Raises:
        RefreshError: If a package is missing, or keeps its data in another form than this module knows.
    """
    model_is, before = _title(BOTOCORE), recorded.get("packages", {}).get(BOTOCORE, {})
    first_read = before.get("as_of") if before.get("title") == model_is else None
    try:
        tables_of = json.loads(_text(CFN_LINT, f"{_SCHEMAS}/version.json"))["schema_date"][:10]
        model = json.loads(_text(BOTOCORE, _MODEL))["shapes"]
        by_engine = json.loads(_text(CFN_LINT, f"{_TABLES}/engine_version.json"))
        by_region = json.loads(_text(CFN_LINT, f"{_TABLES}/cachenodetype_enum.json"))
        return {
            "packages": {
                BOTOCORE: {"title": model_is, "url": _URLS[BOTOCORE], "as_of": first_read or today.isoformat()},
                CFN_LINT: {"title": _title(CFN_LINT), "url": _URLS[CFN_LINT], "as_of": tables_of},
            },
            "engines": {"source": CFN_LINT, "versions": _engine_versions(by_engine)},
            "parameter_families": {"source": BOTOCORE, "names": _parameter_families(model)},
            "node_types": _node_types(by_region, model),
        }
    except (AttributeError, KeyError, TypeError, ValueError) as fault:
        raise RefreshError(
            f"{_title(BOTOCORE)} or {_title(CFN_LINT)} keeps its data in another form than expected ({fault!r}). "
            f"Use the versions that requirements-dev.txt pins, or teach facts/refresh.py the new form."
        ) from fault


def difference(recorded: dict[str, Any], known: dict[str, Any]) -> Difference:
    """What the packages know that the catalogue does not, and the reverse.

    Their versions and dates alone are no difference: a new release that knows nothing new changes nothing here.
    """
    stamped = {**recorded, "packages": known["packages"]}
    return Difference(
        new=_only_in(known, recorded), gone=_only_in(recorded, known), form=_text_of(stamped) != _text_of(known)
    )


def write(path: Path, known: dict[str, Any]) -> None:
    """Write what the packages know, one value on a line: the diff of one change is one line."""
    write_whole(path, _text_of(known))


def _text_of(known: dict[str, Any]) -> str:
    return json.dumps(known, indent=1) + "\n"


def _engine_versions(table: dict[str, Any]) -> dict[str, list[str]]:
    found = {}
    for case in table["allOf"]:
        engine = case["if"]["properties"]["Engine"].get("const")
        if engine is not None:
            found[engine] = sorted(case["then"]["properties"]["EngineVersion"]["enum"], key=version_key)
    if not found:
        raise ValueError("no engine in engine_version.json")
    return dict(sorted(found.items()))


def _parameter_families(model: dict[str, Any]) -> list[str]:
    text = model["CreateCacheParameterGroupMessage"]["members"]["CacheParameterGroupFamily"]["documentation"]
    found = {name for name in re.findall(r"<code>([^<]+)</code>", text) if re.fullmatch(r"[a-z]+\d+(\.(\d+|x))?", name)}
    if not found:
        raise ValueError("no family in the documentation of CacheParameterGroupFamily")
    return sorted(found, key=natural_key)


def _node_types(by_region: dict[str, Any], model: dict[str, Any]) -> list[dict[str, Any]]:
    """Sizes of one family that the same regions offer, together; first what cfn-lint knows, then the rest."""
    regions_of: dict[str, set[str]] = {}
    for region, table in by_region.items():
        if region == "description":
            continue
        for name in table["enum"]:
            regions_of.setdefault(name, set()).add(region)
    if not regions_of:
        raise ValueError("no region in cachenodetype_enum.json")
    text = model["CreateReplicationGroupMessage"]["members"]["CacheNodeType"]["documentation"]
    in_model = set(re.findall(r"\bcache\.[a-z0-9]+\.[a-z0-9]+\b", text)) - set(regions_of)
    groups: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    said = [(name, CFN_LINT, regions) for name, regions in regions_of.items()] + [
        (name, BOTOCORE, set()) for name in in_model
    ]
    for name, source, regions in said:
        _, family, size = name.split(".")
        groups.setdefault((family, source, tuple(sorted(regions))), []).append(size)
    return [
        {"family": family, "sizes": sorted(sizes, key=size_key), "regions": list(regions), "source": source}
        for (family, source, regions), sizes in sorted(
            groups.items(), key=lambda group: (natural_key(group[0][0]), min(size_key(size) for size in group[1]))
        )
    ]


def _only_in(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    listed_there, regions_there = set(_listed(other)), _regions(other)
    return [line for line in _listed(one) if line not in listed_there] + [
        f"{name} in {region}"
        for name, regions in _regions(one).items()
        if name in regions_there  # a type that is new or gone as a whole is one line
        for region in sorted(regions - regions_there[name])
    ]


def _listed(known: dict[str, Any]) -> list[str]:
    versions = known.get("engines", {}).get("versions", {})
    return [
        *(f"engine version {engine} {version}" for engine, listed in versions.items() for version in listed),
        *(f"parameter group family {name}" for name in known.get("parameter_families", {}).get("names", [])),
        *(f"node type {name}" for name in _regions(known)),
    ]


def _regions(known: dict[str, Any]) -> dict[str, set[str]]:
    regions: dict[str, set[str]] = {}
    for group in known.get("node_types", []):
        for size in group["sizes"]:
            regions.setdefault(f"cache.{group['family']}.{size}", set()).update(group["regions"])
    return regions


def _title(package: str) -> str:
    return f"{package} {_distribution(package).version}"


def _text(package: str, path: str) -> str:
    file = _distribution(package).locate_file(path)
    try:
        content = file.read_bytes()  # type: ignore[attr-defined]  # a path, whatever SimplePath promises
    except OSError as fault:
        raise RefreshError(
            f"{_title(package)} has no {path} any more. "
            f"Use the version that requirements-dev.txt pins, or teach facts/refresh.py where it is now."
        ) from fault
    return (gzip.decompress(content) if path.endswith(".gz") else content).decode()


def _distribution(package: str) -> importlib.metadata.Distribution:
    try:
        return importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError:
        raise RefreshError(
            f"{package} is not installed, and the catalogue is compared with what it knows. "
            f"Run this after `make setup`, or install {BOTOCORE} and {CFN_LINT}."
        ) from None
