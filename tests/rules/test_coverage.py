"""Every rule of the service is kept by something that is there."""

from __future__ import annotations

import ast
import functools
import pkgutil
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest

from elasticache_constructs import EventTopic
from elasticache_constructs.memcached_cluster.settings import MemcachedClusterSettings
from elasticache_constructs.posture import rule_names
from elasticache_constructs.replication_group.settings import ReplicationGroupSettings
from elasticache_constructs.serverless_cache.settings import ServerlessCacheSettings
from elasticache_constructs.shared.settings import rendered
from elasticache_rules.rules import categories, checks, kinds, page_of, rules
from tests.conftest import FLAGS, ROOT
from tests.deployable.resources import spelled
from tests.rules import in_code
from tests.rules.coverage import coverage
from tests.rules.declared import DECLARED, Declared, How
from tests.rules.document import DOCUMENT, document
from tests.rules.row import cluster, group
from tests.schemas import schema
from tests.security.test_posture_rules import MUTANTS

if TYPE_CHECKING:
    from pathlib import Path

    from elasticache_constructs.shared.settings import CacheSettings
NAMED = {*in_code.refused(), *in_code.warned(), *in_code.guarded(), *in_code.gated()}
PROPERTIES = (How.NOT_EXPOSED, How.NO_PROPERTY)


def _declared(*ways: How) -> dict[str, Declared]:
    return {rule: declared for rule, declared in DECLARED.items() if declared.how in ways}


def _written(where: str) -> tuple[str, str | None]:
    """A type, and the property where there is one."""
    kind, _, name = where.partition(".")
    return kind, name or None


@functools.cache
def _writable(kind: str) -> frozenset[str]:
    """The properties that a template can state."""
    found = schema(kind)
    read_only = {pointer.split("/")[2] for pointer in found.get("readOnlyProperties", ())}
    return frozenset(found["properties"]) - read_only


def test_catalogue_is_sound() -> None:
    """Every rule has a known category, kind and check, and points at rules that are there."""
    unsound = [
        rule.id
        for rule in rules().values()
        if rule.category not in categories()
        or rule.check not in checks()
        or not {*rule.kind.split("/")} <= {*kinds()}
        or not {*rule.alias_of} <= {*rules()}
    ]

    assert (405, []) == (len(rules()), unsound)


def test_every_rule_is_kept() -> None:
    """No rule was forgotten: code names it, or it is declared how it is kept, or another id says the same."""
    assert [] == [rule for rule, kept in coverage().items() if not kept]


def test_code_names_no_rule_that_is_unknown() -> None:
    """An id in the source is one of the catalogue."""
    assert set() == NAMED - {*rules()}


def test_every_rule_that_code_names_has_its_page() -> None:
    """A reader who doubts a refusal or a finding can read where the rule comes from."""
    assert [] == [
        rule for rule in sorted(NAMED) if not (page_of(rule) or "").startswith("https://docs.aws.amazon.com/")
    ]


def test_no_code_writes_the_page_of_a_rule() -> None:
    """A refusal with a rule says nothing about its page, which is looked up; one without a rule names its own."""
    found = [
        f"{path.name}:{node.lineno}"
        for path in sorted(in_code.SOURCE_ROOT.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for given in [{each.arg: each.value for each in node.keywords}]
        if "page" in given and isinstance(given.get("rule"), ast.Constant)
    ]

    assert [] == found


def test_declarations_are_of_rules_that_are_known() -> None:
    """A declaration is about a rule of the catalogue."""
    assert set() == {*DECLARED} - {*rules()}


def test_nothing_is_declared_of_what_code_names() -> None:
    """Code that begins to enforce a rule ends its declaration: the two would contradict each other."""
    assert set() == {*DECLARED} & NAMED


def test_what_one_template_shows_is_enforced() -> None:
    """A refusal by the service that can be foreseen is foreseen, and not left to documents or the deployment."""
    too_little = {How.DOCUMENTED.value, How.RUN_TIME.value}
    left = [
        rule.id
        for rule in rules().values()
        if rule.is_visible_in_a_template and {each.how for each in coverage()[rule.id]} <= too_little
    ]

    assert [] == left


def test_what_is_literal_does_not_depend_on_the_account() -> None:
    """Only what needs several resources, or more than a template, is left to the account's state."""
    assert [] == [rule for rule in _declared(How.ACCOUNT) if rules()[rule].check == "literal"]


@pytest.mark.parametrize("rule", _declared(How.REFUSED))
def test_other_rule_is_refused_itself(rule: str) -> None:
    """A rule that is kept by another's check points at one that values or constructs refuse to break."""
    assert DECLARED[rule].where in in_code.refused()


@pytest.mark.parametrize("rule", _declared(How.ALWAYS, How.IMPOSSIBLE, How.CDK))
def test_place_is_there(rule: str) -> None:
    """What makes a rule hold by itself exists."""
    assert pkgutil.resolve_name(DECLARED[rule].where) is not None


@pytest.mark.parametrize(
    "settings",
    [ReplicationGroupSettings, MemcachedClusterSettings, ServerlessCacheSettings],
    ids=lambda each: each.CONSTRUCT,
)
def test_what_a_setting_decides_is_not_always_so(settings: type[CacheSettings]) -> None:
    """A property that becomes an argument ends the declaration that it has one value."""
    decided = {spelled(argument) for argument in rendered(settings)}

    assert [] == [rule for rule in _declared(How.ALWAYS) if rules()[rule].subject in decided]


def test_cdk_refuses_tags_that_are_too_long(tmp_path: Path) -> None:
    """The CDK's own validation stops a tag that no resource would take."""
    app = cdk.App(context=FLAGS, analytics_reporting=False, outdir=str(tmp_path))
    stack = cdk.Stack(app, "Test")
    EventTopic(stack, "Events")
    cdk.Tags.of(stack).add("k" * 129, "value")

    with pytest.raises(RuntimeError, match="length 129 exceeds maximum 128"):
        app.synth()


@pytest.mark.parametrize("rule", _declared(How.DOCUMENTED))
def test_words_stand_where_they_are_said_to(rule: str) -> None:
    """What is documented can be read there."""
    declared = DECLARED[rule]
    file = ROOT / declared.where
    text = file.read_text(encoding="utf-8") if file.is_file() else pkgutil.resolve_name(declared.where).__doc__

    assert declared.why in " ".join(text.split())


@pytest.mark.parametrize("where", sorted({each.where for each in _declared(How.NOT_EXPOSED).values()}))
def test_what_is_not_exposed_exists(where: str) -> None:
    """CloudFormation has the property or type, so that its absence means something."""
    kind, name = _written(where)

    assert name is None or name in _writable(kind)
    assert _writable(kind)


@pytest.mark.parametrize("where", sorted({each.where for each in _declared(How.NO_PROPERTY).values()}))
def test_cloudformation_has_no_such_property(where: str) -> None:
    """What the API alone can do, no template can say."""
    kind, name = _written(where)

    assert name not in _writable(kind)


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::ElastiCache::ReplicationGroup", group().properties()),
        ("AWS::ElastiCache::CacheCluster", cluster().properties()),
    ],
)
def test_what_is_not_exposed_is_in_no_settings(kind: str, properties: dict[str, Any]) -> None:
    """Nor do the settings of a cache have it."""
    hidden = {_written(each.where)[1] for each in _declared(*PROPERTIES).values() if _written(each.where)[0] == kind}

    assert set() == {(name or "").lower() for name in hidden} & {name.replace("_", "") for name in properties}


@pytest.mark.parametrize("rule", in_code.guarded())
def test_posture_rule_is_proven(rule: str) -> None:
    """A posture rule that keeps a rule of the service is one of those that a fault is shown to break."""
    assert {*in_code.guarded()[rule]} <= {*rule_names()} & {edit.rule for edit in MUTANTS}


def test_document_is_true() -> None:
    """The table in the documents says what the code does: ``python -m tests.rules`` writes it."""
    assert document() == DOCUMENT.read_text(encoding="utf-8")
