"""`docs/service-rules.md`, written from the rules and what keeps them."""

from __future__ import annotations

import html
from collections import Counter
from typing import TYPE_CHECKING

from elasticache_rules.rules import categories, date, rules
from tests.conftest import ROOT
from tests.rules.coverage import Enforcement, coverage
from tests.rules.declared import How
from tests.rules.rows import ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticache_rules.rules import Rule

DOCUMENT = ROOT / "docs" / "service-rules.md"

_INTRODUCTION = """\
# What the service wants, and what keeps it

The {rules} rules of ElastiCache and its CloudFormation types that are known here, as of {date}, and how each is
kept. The text of a refusal ends with the AWS page that states the rule, and the rule's id. An id in lower case is the
anchor of its row, as in `service-rules.md#top-06`, and links to that page.

`python -m tests.rules` writes this file from `elasticache_rules/rules.json` and `tests/rules`, and a test fails when it
is not true. Sources, and what the service answers, stand in `rules.json`. Files and names are those of the package
`elasticache_constructs`.

RG and CC are AWS::ElastiCache::ReplicationGroup and CacheCluster, CME and CMD groups with cluster mode and without, PG
a parameter group, CFN CloudFormation.

| kept | rules | |
| --- | --- | --- |
"""

_MEANINGS = {
    "refused": "by a value or a construct, before anything is written; or with the check of the rule that is named",
    "warned of": "at synth",
    "posture rule": "by a rule in `posture/elasticache.guard`, at every synth, for any template",
    "change gate": "by `make gate`, which compares a template with the one before",
    How.IMPOSSIBLE.value: "the constructs have no words for it",
    How.ALWAYS.value: "whatever is asked for",
    How.NOT_EXPOSED.value: "the constructs do not set the property or make the resource",
    How.NO_PROPERTY.value: "CloudFormation has none",
    How.CDK.value: "by the CDK's own validation, at synth",
    How.ACCOUNT.value: "only the state of the account tells",
    How.DOCUMENTED.value: "where the one who decides reads it",
    How.RUN_TIME.value: "nothing that a template says changes it",
    "see": "another id says the same",
}


def document() -> str:
    """The whole text."""
    return _INTRODUCTION.format(rules=len(rules()), date=date()) + "\n".join([*_counts(), "", *_tables()])


def _counts() -> Iterator[str]:
    counted = Counter(how for kept in coverage().values() for how in {each.how for each in kept})
    for how, meaning in _MEANINGS.items():
        yield f"| {how} | {counted[how]} | {meaning} |"
    yield ""
    yield "A rule may be kept in more than one way."


def _tables() -> Iterator[str]:
    for key, title in categories().items():
        yield f"## {title}"
        yield ""
        yield "| rule | what the service wants | how it is kept |"
        yield "| --- | --- | --- |"
        for rule in rules().values():
            if rule.category == key:
                yield f"| {_id(rule)} | {_plain(f'{rule.subject}: {rule.rule}')} | {_kept(rule)} |"
        yield ""


def _id(rule: Rule) -> str:
    anchor = f'<a id="{rule.id.lower()}"></a>'
    return f"{anchor}[{rule.id}]({rule.page})" if rule.page else f"{anchor}{rule.id}"


def _kept(rule: Rule) -> str:
    ways = "; ".join(_way(each) for each in coverage()[rule.id])
    message = next((row.says for row in ROWS if row.rule == rule.id), None)
    return f"{ways}<br>{_code(message)}" if message else ways


def _way(kept: Enforcement) -> str:
    where = _code(kept.where.removeprefix("elasticache_constructs."))
    match kept.how:
        case "refused" if kept.why:
            return f"refused with {kept.where}: {_plain(kept.why)}"
        case "see":
            return f"see {kept.where}"
        case "change gate":
            return kept.how
        case How.DOCUMENTED.value:
            return f"documented in {where}: “{_plain(kept.why)}”"
        case _:
            return " ".join([kept.how, *([where] if kept.where else [])]) + (
                f": {_plain(kept.why)}" if kept.why else ""
            )


def _plain(text: str) -> str:
    """Text for a cell; what stands between backticks stays as it is."""
    parts = text.rstrip(".").split("`")
    return "".join(_code(part) if number % 2 else _escaped(part) for number, part in enumerate(parts))


def _escaped(text: str) -> str:
    escaped = html.escape(text, quote=False)
    for mark in "\\*_|[":
        escaped = escaped.replace(mark, f"\\{mark}")
    return escaped


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")
