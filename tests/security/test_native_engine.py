"""The native engine finds what CDK's own finds: in reports that are equal, byte for byte."""

from __future__ import annotations

import json
import os
import platform
import random
import re
import subprocess
import sys
import tarfile
import tomllib
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import Acknowledgment, Validations

from elasticache_constructs import posture
from elasticache_constructs.posture import add_posture_rules, native_engine
from tests.conftest import ROOT
from tests.security.engines import Validation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STRICT = {"@aws-cdk/core:validateAgainstDefaultRules": True}
WEAK = ("AWS::ElastiCache::CacheCluster", {"Engine": "memcached", "CacheNodeType": "cache.t4g.micro"})
ENVIRONMENTS = {
    "Anywhere": None,
    "Milan": cdk.Environment(region="eu-south-2"),
    "Virginia": cdk.Environment(account="444455556666", region="us-east-1"),
}
"""The first region has no old instance types; in the last account the condition of `_faulty` is known not to hold."""
SNAPSHOTS = ROOT / "tests" / "synth" / "__snapshots__" / "test_snapshots"
needs_wheel = pytest.mark.skipif(native_engine.native_library() is None, reason="the wheel does not fit here")
ROUNDS = 4
MUTATIONS = 10
"""How many there are in each template of production in each round: 200 in all."""


def test_wheel_is_used_where_there_is_one() -> None:
    """The tests below are not skipped where AWS publishes a wheel, on machines of developers and CI."""
    name, version = platform.libc_ver()
    fits = sys.platform == "darwin" or (name == "glibc" and tuple(map(int, version.split("."))) >= (2, 34))
    assert not fits or native_engine.native_library() is not None


def _faulty(stack: cdk.Stack) -> None:
    """Resources with a fault of every kind that the plugin treats in a special way."""

    def add(name: str, kind: str, /, **properties: Any) -> cdk.CfnResource:
        return cdk.CfnResource(stack, name, type=kind, properties=properties)

    account = cdk.CfnCondition(stack, "Known", expression=cdk.Fn.condition_equals(cdk.Aws.ACCOUNT_ID, "111122223333"))
    nodes = cdk.Fn.condition_if(account.logical_id, "one", 1)
    kind, weak = WEAK
    for name in ("First", "Second"):
        add(name, kind, **weak, NumCacheNodes=nodes)
    accepted = add("Accepted", kind, **weak, NumCacheNodes=1)
    # In CDK's own words, as users have them.
    acknowledgment = Acknowledgment(
        id="CloudFormation-Validate::elasticache_cache_states_subnet_group", reason="The account has no default VPC"
    )
    Validations.of(accepted).acknowledge(acknowledgment)
    add("Old", "AWS::EC2::Instance", InstanceType="m1.small", ImageId="ami-12345678")
    ports = {"FromPort": 5000, "ToPort": 4000, "IpRange": "10.0.0.0/8", "Protocol": "TCP"}
    add("Inverted", "AWS::GameLift::Fleet", Name="Ü", EC2InboundPermissions=[ports])
    add("Retiring", "AWS::AutoScaling::LaunchConfiguration", ImageId="ami-12345678", InstanceType="m5.large")
    topic = add("Topic", "AWS::SNS::Topic", Surplus="Ü")
    add("Queue", "AWS::SQS::Queue", QueueName=topic.ref).add_resource_dependency(topic)
    cdk.CfnParameter(stack, "Unused", type="String")
    nested = cdk.NestedStack(stack, "Nested")
    cdk.CfnResource(nested, "Unread", type="AWS::SNS::Topic", properties={"Surplus": True})


def _passable(stack: cdk.Stack) -> None:
    """Nothing but a warning."""
    cdk.CfnResource(stack, "Topic", type="AWS::SNS::Topic")
    cdk.CfnParameter(stack, "Unused", type="String")


def _app(directory: Path, context: dict[str, Any], fill: Callable[[cdk.Stack], None], *, native: bool) -> cdk.App:
    """An app with stages in stages, in several environments."""
    app = cdk.App(
        outdir=str(directory),
        context=context,
        analytics_reporting=False,
        builtin_cloud_formation_validation=not native,
    )
    add_posture_rules(app, native_engine=native)
    fill(cdk.Stack(app, "Top"))
    outer = cdk.Stage(app, "Outer")
    for name, environment in ENVIRONMENTS.items():
        fill(cdk.Stack(cdk.Stage(outer, name), "Stack", env=environment))
    return app


def _outcome(directory: Path, app: cdk.App) -> tuple[str, str]:
    """The report, and the message that the synth ends with."""
    message = ""
    try:
        app.synth()
    except RuntimeError as error:
        message = str(error)
    report = (directory / "validation-report.json").read_text(encoding="utf-8")
    # The CDK prints the shorter of the absolute and the relative path.
    paths = sorted({str(directory), os.path.relpath(directory)}, key=len, reverse=True)
    return report, re.sub("|".join(map(re.escape, paths)), "", message)


@needs_wheel
@pytest.mark.parametrize(
    ("fill", "context"),
    [
        pytest.param(_passable, STRICT, id="a warning"),
        pytest.param(_faulty, STRICT, id="errors"),
        pytest.param(_faulty, {}, id="warnings"),
        pytest.param(_faulty, {"@aws-cdk/core:strictCfnValidateErrors": True}, id="warnings that fail"),
        pytest.param(_faulty, {**STRICT, "@aws-cdk/core:failSynthOnValidationErrors": False}, id="errors that pass"),
    ],
)
def test_reports_are_equal(fill: Callable[[cdk.Stack], None], context: dict[str, Any], tmp_path: Path) -> None:
    """Report and message are those of CDK's engine, whatever CDK is told to make of findings."""
    theirs, ours = (
        _outcome(tmp_path / name, _app(tmp_path / name, context, fill, native=native))
        for name, native in (("theirs", False), ("ours", True))
    )
    assert theirs == ours
    assert ours[0].count('"conclusion"') == 1


@needs_wheel
def test_faulty_app_has_every_kind_of_finding(tmp_path: Path) -> None:
    """What `test_reports_are_equal` compares is no short report: each rule below is treated in a special way."""
    report, _ = _outcome(tmp_path, _app(tmp_path, STRICT, _faulty, native=True))
    [engine] = json.loads(report)["pluginReports"]
    found = {
        violation["ruleName"]: {place["constructPath"] for place in violation["violatingConstructs"]}
        for violation in engine["violations"]
    }
    everywhere = ("Top", *(f"Outer/{name}/Stack" for name in ENVIRONMENTS))
    faults = [
        *("CDK-GameLift-001", "E3628", "F3002", "F3012", "W2001", "W9010"),
        *(f"elasticache_cache_{rest}" for rest in ("states_security_groups", "states_subnet_group")),
        *("elasticache_cache_takes_minor_upgrades", "elasticache_memcached_encrypts_in_transit"),
        "elasticache_memcached_spreads_over_zones",
    ]

    assert {*faults} <= found.keys()
    assert {"Outer/Milan/Stack/Old"} == found["E3628"]
    assert {f"{path}/{name}" for path in everywhere[:-1] for name in ("First", "Second")} == found["F3012"]
    assert {*everywhere} == found["W2001"]
    assert ["elasticache_cache_states_subnet_group"] * 4 == [
        each["ruleName"] for each in engine["suppressedViolations"]
    ]


class Mutator:
    """Puts faults into a template; of the same seed always the same."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - no secret

    def mutate(self, template: dict[str, Any]) -> None:
        """Change one thing: a property somewhere, what surrounds the properties of a resource, or another section."""
        resource = self._random.choice([*template["Resources"].values()])
        change = self._random.choice([self._change_property] * 8 + [self._change_resource] * 2 + [self._change_section])
        change(template if change == self._change_section else resource)

    def _change_property(self, resource: dict[str, Any]) -> None:
        node = self._random.choice([*_containers(resource.setdefault("Properties", {}))])
        keys: list[Any] = [*node] if isinstance(node, dict) else [*range(len(node))]
        if not keys or self._random.random() < 0.2:
            node.update(Surplus=self._value()) if isinstance(node, dict) else node.append(self._value())
        elif self._random.random() < 0.3:
            del node[self._random.choice(keys)]
        else:
            node[self._random.choice(keys)] = self._value()

    def _change_resource(self, resource: dict[str, Any]) -> None:
        changes = {
            "Type": self._random.choice(["AWS::ElastiCache::Nothing", "AWS::S3::Bucket", "AWS::Lambda::Version", 1]),
            "DependsOn": self._random.choice(["Nowhere", ["Nowhere", 1]]),
            "DeletionPolicy": "Keep",
            "UpdatePolicy": {"Surplus": True},
            "Condition": "Nowhere",
            "CreationPolicy": [],
        }
        name = self._random.choice([*changes])
        resource[name] = changes[name]

    def _change_section(self, template: dict[str, Any]) -> None:
        sections = {
            "Parameters": {"Unused": {"Type": "Strings", "Default": 1}, "Old": {"Type": "String"}},
            "Outputs": {"Nothing": {}, "Wrong": {"Value": {"Ref": "Nowhere"}, "Surplus": 1}},
            "Mappings": {"Unread": {"Key": {"Name": "Value"}}, "Wrong": []},
            "Conditions": {"Unused": {"Fn::Equals": ["a", "a"]}, "Wrong": {"Fn::Equals": ["a"]}},
            "Rules": {"Wrong": {"Assertions": 1}},
            "Surplus": {},
        }
        name = self._random.choice([*sections])
        template[name] = sections[name]

    def _value(self) -> Any:
        values: list[Any] = [
            *(
                "",
                "many",
                "Ü\u2028\N{PILE OF POO}",
                "true",
                "arn:aws:s3:::x",
                "10.0.0.0/99",
                "cache.t9.huge",
                "2012-10-17",
            ),
            *(-1, 0, 1.5, 2**40, True, None, [], {}, ["x"], {"Key": "Value"}),
            *(
                {"Ref": "Nowhere"},
                {"Fn::GetAtt": ["Nowhere", "Arn"]},
                {"Fn::Sub": "${Nowhere}"},
                {"Fn::Sub": "nothing"},
            ),
            *({"Fn::If": ["Nowhere", 1, 2]}, {"Fn::Select": [9, []]}, {"Fn::Join": ["", ["a"]]}, {"Fn::Nothing": 1}),
            *({"Ref": "AWS::AccountId"}, {"Ref": "AWS::Nowhere"}, {"Fn::FindInMap": ["a", "b", "c"]}),
        ]
        return self._random.choice(values)


def _containers(node: Any) -> Iterator[Any]:
    if isinstance(node, dict | list):
        yield node
        for child in node.values() if isinstance(node, dict) else node:
            yield from _containers(child)


@pytest.fixture(scope="module", name="mutated")
def _mutated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    directory = tmp_path_factory.mktemp("mutated")
    written = {}
    for source in sorted(SNAPSHOTS.glob("test_template[[]prod-*.json")):
        for number in range(ROUNDS):
            template = json.loads(source.read_text(encoding="utf-8"))
            name = f"{source.stem}-{number}"
            mutator = Mutator(name)
            for _ in range(MUTATIONS):
                mutator.mutate(template)
            written[name] = directory / f"{number}-{source.name}"
            written[name].write_text(json.dumps(template), encoding="utf-8")
    return written


def _violations(report: cdk.PolicyValidationPluginReport) -> list[tuple[Any, ...]]:
    return [
        (
            *(each.rule_name, each.severity, each.description, each.fix, each.rule_metadata),
            [
                (place.resource_logical_id, place.construct_path, place.template_path, place.locations)
                for place in each.violating_resources
            ],
        )
        for each in report.violations
    ]


@needs_wheel
def test_diagnostics_of_mutated_templates_are_equal(mutated: dict[str, Path]) -> None:
    """Both engines find the same faults at the same places, in the same order and words."""
    ours, theirs = posture._native_engine(), posture._engine()
    assert ours is not None
    found, expected = ours.validate(Validation(mutated)), theirs.validate(Validation(mutated))

    assert _violations(expected) == _violations(found)
    assert expected.success == found.success
    assert len({violation.rule_name for violation in found.violations}) >= 30
    assert {"error", "warning"} == {violation.severity for violation in found.violations}
    assert any(violation.fix for violation in found.violations)


@needs_wheel
def test_rules_are_those_of_cdk() -> None:
    """Both list the same rules, under the same name and version."""
    ours, theirs = posture._native_engine(), posture._engine()
    assert ours is not None
    assert (theirs.name, theirs.version, theirs.rule_ids) == (ours.name, ours.version, ours.rule_ids)


def test_copies_are_of_the_installed_cdk() -> None:
    """The facts in `native_engine` are those in the sources of the aws-cdk-lib that is locked, and so is the wheel.

    Where this fails after an upgrade: read CDK's cloudformation-validate-plugin.js again, take over what changed, and
    pin the wheel to the version of the engine; without a wheel of it, leave everything: CDK's own engine is used.
    """
    sources = "package/core/lib/validation/"
    engine = "package/node_modules/@aws/cloudformation-validate/package.json"
    [archive] = Path(cdk.__file__).parent.glob("_jsii/aws-cdk-lib@*.jsii.tgz")
    with tarfile.open(archive) as package:
        texts = {
            member.name: package.extractfile(member).read().decode()  # type: ignore[union-attr]
            for member in package
            if member.name in {engine, f"{sources}cloudformation-validate-plugin.js"} or member.name.endswith(".rego")
        }
    plugin = texts.pop(f"{sources}cloudformation-validate-plugin.js")
    [ignored] = re.findall(r"IGNORE_RULES=new Set\((\[.*?\])\)", plugin)
    [excluded] = re.findall(r"exclude:\{ids:\[\.\.\.IGNORE_RULES\],services:\[(.*?)\]\}", plugin)
    services = dict(re.findall(r'\{ruleId:"(\w+)",service:"([\w:]+)"\}', excluded))

    assert metadata.version("aws-cdk-lib") == native_engine.AWS_CDK_LIB
    assert json.loads(texts.pop(engine))["version"] == native_engine.ENGINE
    assert [native_engine.ENGINE] * 2 == [*_pinned()]
    assert [*native_engine.IGNORED_RULES] == json.loads(ignored)
    assert services == native_engine.IGNORED_SERVICES
    assert texts == {f"{sources}rules/{name}": content for name, content in native_engine.cdk_rules()}


def _pinned() -> Iterator[str]:
    """The version of the wheel in the extra and in the lock."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [extra] = project["project"]["optional-dependencies"]["native"]
    yield extra.removeprefix("cloudformation-validate==")
    lock = (ROOT / "requirements-native.txt").read_text(encoding="utf-8")
    yield from re.findall(r"^cloudformation-validate==(\S+)", lock, flags=re.MULTILINE)


def _weak_app(directory: Path) -> cdk.App:
    kind, properties = WEAK
    app = cdk.App(
        outdir=str(directory), context=STRICT, analytics_reporting=False, builtin_cloud_formation_validation=False
    )
    add_posture_rules(app, native_engine=True)
    cdk.CfnResource(cdk.Stack(app, "Stack"), "Cache", type=kind, properties=properties)
    return app


@needs_wheel
def test_engine_of_cdk_is_not_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The native engine alone finds the fault."""
    monkeypatch.setattr(posture, "_engine", None)
    _, message = _outcome(tmp_path, _weak_app(tmp_path))

    assert "elasticache_memcached_encrypts_in_transit" in message


def _without_wheel(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(sys.modules, "cloudformation_validate", None)


def _with_other_release(distribution: str) -> Callable[[pytest.MonkeyPatch], None]:
    installed = metadata.version

    def other(name: str) -> str:
        return "2.999.0" if name == distribution else installed(name)

    return lambda patch: patch.setattr(metadata, "version", other)


@pytest.mark.parametrize(
    "obstacle",
    [
        pytest.param(_without_wheel, id="no wheel"),
        pytest.param(_with_other_release("cloudformation-validate"), id="another wheel"),
        pytest.param(_with_other_release("aws-cdk-lib"), id="another CDK"),
    ],
)
def test_engine_of_cdk_takes_the_place(
    obstacle: Callable[[pytest.MonkeyPatch], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the wheel does not fit, the rules are checked all the same."""
    obstacle(monkeypatch)
    # Without its cache, which keeps what other tests use.
    monkeypatch.setattr(posture, "_native_engine", posture._native_engine.__wrapped__)
    report, message = _outcome(tmp_path, _weak_app(tmp_path))

    assert posture._native_engine() is None
    assert "elasticache_memcached_encrypts_in_transit" in message
    assert "CloudFormation Validate" in report


@pytest.mark.parametrize("wheel", [True, False])
def test_no_validation_of_the_cli_is_honoured(
    wheel: bool,  # noqa: FBT001 - a parameter
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``cdk synth --no-validation``, which the app sees as a variable, turns off either engine."""
    monkeypatch.setenv("CDK_VALIDATION", "false")
    if not wheel:
        monkeypatch.setattr(posture, "_native_engine", lambda: None)
    _weak_app(tmp_path).synth()
    assert not (tmp_path / "validation-report.json").exists()


ENDS_EARLY = "add_posture_rules(app, native_engine=True); sys.exit('Wrong input')"
ENDS_WELL = (
    "add_posture_rules(app, native_engine=True); cdk.CfnResource(stack, 'Topic', type='AWS::SNS::Topic'); app.synth()"
)


@pytest.mark.parametrize(("rest", "outcome"), [(ENDS_WELL, (0, "")), (ENDS_EARLY, (1, "Wrong input\n"))])
def test_process_ends_quietly(rest: str, outcome: tuple[int, str], tmp_path: Path) -> None:
    """Nothing is printed when an engine goes down with its process, built or half built."""
    program = f"""
import sys
import aws_cdk as cdk
from elasticache_constructs.posture import add_posture_rules
app = cdk.App(outdir={str(tmp_path)!r}, builtin_cloud_formation_validation=False)
stack = cdk.Stack(app, "Stack")
{rest}
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert outcome == (result.returncode, result.stderr)
