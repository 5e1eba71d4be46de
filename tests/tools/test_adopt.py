"""Caches that exist become code that says what the service says, and a mapping by which CDK imports them."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import re
import signal
import subprocess
import sys
from ast import literal_eval
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import boto3  # type: ignore[import-untyped]
import pytest
from botocore.stub import Stubber  # type: ignore[import-untyped]

from elasticache_constructs import ConfigurationError
from elasticache_constructs.posture import add_posture_rules
from elasticache_rules.change_gate import Effect, compare
from elasticache_rules.terminal import Interrupted
from elasticache_tools.adopt import account, command
from elasticache_tools.adopt.comparison import differences, implied
from elasticache_tools.adopt.errors import AdoptError
from elasticache_tools.adopt.findings import Weakness, around
from elasticache_tools.adopt.inventory import Inventory
from elasticache_tools.adopt.module import STACK
from elasticache_tools.adopt.selection import Cache, select
from elasticache_tools.adopt.synthesis import imported, mapping, synthesised
from tests.conftest import ROOT, new_app
from tests.tools.existing_caches import REGION, Answer, drawn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from elasticache_tools.adopt.command import Written

SEEDS = {False: ((722, 8),), True: ((101, 25), (102, 25))}
"""By whether tests are exhaustive: the seeds, each with its number of caches. The first has most kinds of them."""


def load(file: Path) -> Any:
    """A written module."""
    spec = importlib.util.spec_from_file_location("adopted_caches", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _in_process(file: Path, output: Path) -> dict[str, Any]:
    """The template of a module, without another process that loads the CDK once more."""
    module = load(file)
    module.PROTECTED = False
    app = new_app(output)
    try:
        module.build(app)
    except ConfigurationError as error:
        raise AdoptError(str(error)) from error
    template: dict[str, Any] = json.loads((output / f"{STACK}.template.json").read_text()) if app.synth() else {}
    return template


class Account:
    """A drawn account, and what the command made of it."""

    def __init__(self, inventory: Inventory, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.inventory, self.folder = inventory, folder
        monkeypatch.setattr(command, "synthesised", self._synthesised)
        self.written: Written = command.write(inventory, folder)
        self.text = (folder / "adopted.py").read_text()

    def _synthesised(self, file: Path, output: Path) -> dict[str, Any]:
        self.template = _in_process(file, output)
        return self.template


@pytest.fixture(scope="module", name="accounts")
def _accounts(exhaustive: bool, tmp_path_factory: pytest.TempPathFactory) -> list[Account]:  # noqa: FBT001 - pytest's
    with pytest.MonkeyPatch.context() as monkeypatch:
        return [
            Account(drawn(number, seed=seed), tmp_path_factory.mktemp("adopt"), monkeypatch)
            for seed, number in SEEDS[exhaustive]
        ]


def test_every_drawn_cache_is_adopted(accounts: list[Account]) -> None:
    """None is left out, and each is in the mapping, under the logical id that it has in the template."""
    for each in accounts:
        assert [] == each.written.refusals
        caches, _ = select(each.inventory)
        found = json.loads((each.folder / "mapping.json").read_text())
        assert {cache.name for cache in caches} == {name for one in found.values() for name in one.values()}
        for logical_id, identifier in found.items():
            properties = each.template["Resources"][logical_id]["Properties"]
            assert identifier == {name: properties[name] for name in identifier}


def test_nothing_is_replaced_after_the_import(accounts: list[Account]) -> None:
    """The gate, on the template that is imported, and on the one that follows from the answers of the service.

    The imported one has nothing that the rest of the stack makes, and the first deployment changes no cache.
    """
    for each in accounts:
        first = imported(each.template)
        assert '"Ref"' not in json.dumps([body["Properties"] for body in first["Resources"].values()]).replace(
            '{"Ref": "AWS::StackId"}', ""
        )
        assert [] == [change for change in compare(first, each.template) if change.resource in first["Resources"]]

        caches = {cache.name: cache for cache in select(each.inventory)[0]}
        answered = {
            logical_id: {
                "Type": body["Type"],
                "Properties": {
                    **implied(caches[next(iter(mapping(each.template)[logical_id].values()))], each.inventory),
                    **{name: body["Properties"][name] for name in ("AuthToken",) if name in body["Properties"]},
                },
            }
            for logical_id, body in first["Resources"].items()
        }
        changes = compare({"Resources": answered}, first)
        assert {Effect.IN_PLACE} >= {change.effect for change in changes}, [*changes.blocking()]
        # What is in place is what no answer has, and a text where there is none.
        assert {"FinalSnapshotName", "Description", "(UpdatePolicy)", "(DeletionPolicy)", "(UpdateReplacePolicy)"} >= {
            change.property for change in changes if not change.property.startswith("(")
        }


def _weaknesses(answer: Answer, nodes: list[Answer], kind: str) -> list[Weakness]:
    """What is less than the secure default, as it stands in the answers."""
    found: list[Weakness] = []
    if kind == "cluster":
        zones = {node["CustomerAvailabilityZone"] for node in answer["CacheNodes"]}
        found += [Weakness.MEMCACHED_WITHOUT_TLS] * (not answer["TransitEncryptionEnabled"])
        found += [Weakness.MEMCACHED_IN_ONE_ZONE] * (len(answer["CacheNodes"]) > 1 and len(zones) == 1)
        return found + [Weakness.MANUAL_UPGRADES] * (not answer["AutoMinorVersionUpgrade"])
    retention = answer["SnapshotRetentionLimit"]
    found += [Weakness.NO_BACKUPS] * (retention == 0) + [Weakness.SHORT_RETENTION] * (0 < retention < 15)
    found += [Weakness.SERVICE_KEY] * ("KmsKeyId" not in answer and answer.get("AtRestEncryptionEnabled", True))
    if kind == "serverless":
        found += [Weakness.UNLIMITED] * ("CacheUsageLimits" not in answer)
        found += [Weakness.PUBLIC_ENDPOINT] * (answer.get("ConnectionType") == "public")
        return found + [Weakness.NO_LOGIN] * ("UserGroupId" not in answer and answer["Engine"] != "memcached")
    found += [Weakness.NOT_ENCRYPTED_AT_REST] * (not answer["AtRestEncryptionEnabled"])
    found += [Weakness.NO_TLS] * (not answer["TransitEncryptionEnabled"])
    found += [Weakness.TLS_PREFERRED] * (answer.get("TransitEncryptionMode") == "preferred")
    found += [Weakness.NO_LOGIN] * (not answer["AuthTokenEnabled"] and not answer.get("UserGroupIds"))
    found += [Weakness.NO_FAILOVER] * (answer["AutomaticFailover"] == "disabled")
    found += [Weakness.NO_MULTI_AZ] * (answer["AutomaticFailover"] == "enabled" and answer["MultiAZ"] == "disabled")
    found += [Weakness.MANUAL_UPGRADES] * (not answer["AutoMinorVersionUpgrade"])
    version = tuple(map(int, nodes[0]["EngineVersion"].split(".")[:2]))
    known = 0 if version < (6, 0) else 1 if version < (6, 2) else 2
    return found + [Weakness.LOGS_MISSING] * (known - len(answer["LogDeliveryConfigurations"]))


def test_each_weakness_stands_as_a_line_with_a_reason(accounts: list[Account]) -> None:
    """Neither more nor less than what the answers show."""
    kinds = {"ReplicationGroup": "group", "CacheCluster": "cluster", "ServerlessCache": "serverless"}
    for each in accounts:
        wanted: list[str] = []
        for one in each.written.adopted:
            nodes = each.inventory.members(one.cache.answer) if "MemberClusters" in one.cache.answer else []
            weak = _weaknesses(one.cache.answer, nodes, kinds[one.cache.kind.rpartition("::")[2]])
            assert sorted(item.what for item in weak) == sorted(
                finding.what for finding in one.translation.findings if finding.argument
            ), one.cache.name
            wanted += [item.todo for item in weak]
        assert sorted(wanted) == sorted(
            line.strip().partition('="')[2].removesuffix('",') for line in each.text.splitlines() if "TODO: " in line
        )


def test_what_stays_outside_the_stack_is_said(accounts: list[Account]) -> None:
    """Each user group and parameter group of a cache, and a token that all clients share; also to a machine."""
    for each in accounts:
        for one in each.written.adopted:
            answer, said = one.cache.answer, "\n".join(finding.what for finding in one.translation.findings)
            groups = answer.get("UserGroupIds") or list(filter(None, [answer.get("UserGroupId")]))
            assert groups == re.findall(
                r"^the user group (\S+) and its users are outside the stack$", said, re.MULTILINE
            )
            assert bool(answer.get("AuthTokenEnabled")) == ("all clients share one AUTH token" in said)
            nodes = each.inventory.members(answer) if "MemberClusters" in answer else [answer]
            used = nodes[0].get("CacheParameterGroup", {}).get("CacheParameterGroupName", "default.")
            outside = [finding for finding in one.translation.findings if f"parameter group {used} " in finding.what]
            assert (not used.startswith("default.")) == bool(outside)
            stated = {item["ParameterName"] for item in each.inventory.parameters.get(used, ())} - {"cluster-enabled"}
            for finding in outside:
                assert "parameter_group_name" in finding.mended
                written = re.search(r"parameters=(\{.*\})", finding.mended)
                assert stated == ({*literal_eval(written[1])} if written else set())
            as_json: Any = each.written.as_json()["adopted"]
            assert [finding.argument or None for finding in one.translation.findings] == [
                finding["argument"] for finding in as_json[one.cache.name]
            ]


def test_the_mode_of_a_cluster_is_no_parameter_to_state() -> None:
    """Its own parameter group says cluster-enabled, which follows from the topology."""
    inventory = drawn(8, seed=702)
    (named,) = (name for name, stated in inventory.parameters.items() if len(stated) > 1)
    name = named.removesuffix("-parameters")
    group = Cache("AWS::ElastiCache::ReplicationGroup", name, inventory.named("ReplicationGroups", name))
    found = around(group, inventory)
    (mended,) = (finding.mended for finding in found if named in finding.what)
    assert mended.endswith("add parameters={'maxmemory-policy': 'allkeys-lru'}")


def test_names_of_nodes_are_stated_only_where_they_are_not_those_of_the_service(accounts: list[Account]) -> None:
    """A group whose nodes were never replaced by hand needs none, with several shards, too."""
    several = 0
    for each in accounts:
        for one in each.written.adopted:
            answer = one.cache.answer
            shards = len(answer.get("NodeGroups", ()))
            usual = {
                f"{one.cache.name}-{shard:04}-{node:03}" if answer["ClusterEnabled"] else f"{one.cache.name}-{node:03}"
                for shard in range(1, shards + 1)
                for node in range(1, len(answer["NodeGroups"][0]["NodeGroupMembers"]) + 1)
            }
            if shards and usual == {*answer["MemberClusters"]} and answer.get("ClusterMode") != "compatible":
                several += shards > 1
                arguments: Any = one.translation.arguments["existing"]
                assert not arguments.keywords["node_ids"], "the construct knows these ids by itself"
    assert several


def test_the_code_is_as_ruff_writes_it(accounts: list[Account]) -> None:
    """With its defaults, and with other lengths of lines and import order."""
    checks = ["check", "--isolated", "--select", "E4,E7,E9,F,I"]
    for each in accounts:
        for arguments in (["format", "--check", "--isolated"], ["format", "--check", "--line-length=120"], checks):
            done = subprocess.run(
                [sys.executable, "-m", "ruff", *arguments, "adopted.py"],
                cwd=each.folder,
                capture_output=True,
                text=True,
                check=False,
            )
            assert 0 == done.returncode, done.stdout + done.stderr


def test_the_code_passes_the_posture_rules(
    accounts: list[Account],
    tmp_path: Path,
    exhaustive: bool,  # noqa: FBT001 - pytest's
) -> None:
    """Each finding of a rule is accepted by a line with a reason."""
    if not exhaustive:
        pytest.skip("the rule engine takes seconds, and judges examples/imported.py in any case")
    warnings = {"open-reason", "topic-admits-elasticache", "ENG-17", "ENG-18"}
    for number, each in enumerate(accounts):
        app = new_app(tmp_path / str(number))
        module = load(each.folder / "adopted.py")
        module.PROTECTED = False
        module.build(app)
        add_posture_rules(app)
        app.synth()
        report = json.loads((tmp_path / str(number) / "validation-report.json").read_text())
        found = {one["ruleName"] for plugin in report["pluginReports"] for one in plugin.get("violations", ())}
        assert {f"Annotation::elasticache-constructs:{name}" for name in warnings} >= found


def test_open_reasons_fail_the_synth_of_the_protected_stack(accounts: list[Account], tmp_path: Path) -> None:
    """The code as it is written is protected; once its reasons are written, it is synthesised."""
    text = accounts[0].text
    assert "PROTECTED = True" in text
    for name, reasons, refused in (("open", "TODO: ", True), ("written", "Until the move in January, ", False)):
        file = tmp_path / f"{name}.py"
        file.write_text(text.replace("TODO: ", reasons))
        app = cdk.App(outdir=str(tmp_path / name), analytics_reporting=False, builtin_cloud_formation_validation=False)
        load(file).build(app)
        with pytest.raises(RuntimeError, match="TODO: ") if refused else contextlib.nullcontext():
            app.synth()


GROUP = next(each for each in drawn(40, seed=5).replication_groups if len(each["NodeGroups"]) > 1)["ReplicationGroupId"]


def _one(kind: str, change: Callable[[Answer], object]) -> Inventory:
    """An inventory of one cache, with a change to what the service says of it."""
    whole = drawn(40, seed=5)
    answers: list[Answer] = {
        "group": [each for each in whole.replication_groups if each["ReplicationGroupId"] == GROUP],
        "cluster": [each for each in whole.clusters if "ReplicationGroupId" not in each],
        "serverless": list(whole.serverless_caches),
    }[kind]
    answer = answers[0]
    change(answer)
    name = answer.get("ReplicationGroupId") or answer.get("CacheClusterId") or answer["ServerlessCacheName"]
    return whole.only([name])


@pytest.mark.parametrize(
    ("kind", "change", "because"),
    [
        ("group", lambda it: it.update(Status="modifying"), "its status is modifying. Adopt it once it is available"),
        (
            "group",
            lambda it: it.update(PendingModifiedValues={"TransitEncryptionMode": "required"}),
            "it has pending changes: TransitEncryptionMode. Apply them, or wait for its maintenance window",
        ),
        (
            "group",
            lambda it: it.update(AutomaticFailover="enabling"),
            "it has pending changes: AutomaticFailover. Apply them, or wait for its maintenance window",
        ),
        (
            "group",
            lambda it: it.update(GlobalReplicationGroupInfo={"GlobalReplicationGroupId": "g"}),
            "it is a member of a global datastore, which decides its settings. Disassociate it first",
        ),
        (
            "group",
            lambda it: it["NodeGroups"][0]["NodeGroupMembers"].append({"CacheClusterId": "more"}),
            (
                "its shards have different numbers of replicas, and the template has one number. Make them equal: aws "
                "elasticache increase-replica-count"
            ),
        ),
        (
            "group",
            lambda it: [each.update(NodeGroupMembers=each["NodeGroupMembers"][:1]) for each in it["NodeGroups"]],
            (
                "it has cluster mode and no replica, and the service fails each later update of such a group. Add one: "
                "aws elasticache increase-replica-count"
            ),
        ),
        (
            "cluster",
            lambda it: it.update(Engine="redis", CacheClusterId="single"),
            (
                "it is a single redis node without a replication group. Make one of it: aws elasticache "
                "create-replication-group --primary-cluster-id single"
            ),
        ),
        (
            "cluster",
            lambda it: it.update(PendingModifiedValues={"NumCacheNodes": 3}),
            "it has pending changes: NumCacheNodes. Apply them, or wait for its maintenance window",
        ),
        (
            "cluster",
            lambda it: it.update(CacheSecurityGroups=[{"CacheSecurityGroupName": "old"}]),
            "it is in EC2-Classic, which is retired. Restore a snapshot into a VPC",
        ),
        (
            "serverless",
            lambda it: it.update(Status="creating"),
            "its status is creating. Adopt it once it is available",
        ),
    ],
)
def test_what_cannot_be_adopted_is_said_in_one_line(
    kind: str, change: Callable[[Answer], object], because: str
) -> None:
    """With what would change that."""
    caches, refusals = select(_one(kind, change))
    assert [] == caches
    assert [because] == [each.because for each in refusals]


def test_code_that_cannot_be_synthesised_is_said_in_one_line(tmp_path: Path) -> None:
    """With what Python said last."""
    module = tmp_path / "adopted.py"
    module.write_text("import no_such_module")
    with pytest.raises(AdoptError) as refusal:
        synthesised(module, tmp_path / "out")
    said = "ModuleNotFoundError: No module named 'no_such_module'"
    assert f"adopted.py cannot be synthesised: {said}" == str(refusal.value)


def test_members_of_stacks_and_types_that_are_not_imported_are_left_out() -> None:
    """The account says both."""
    inventory = _one("group", lambda _: None)
    (of_stack,) = select(replace(inventory, stacks={GROUP: "shop-redis"}))[1]
    (not_imported,) = select(replace(inventory, importable=["AWS::ElastiCache::ServerlessCache"]))[1]
    assert (
        f"{GROUP}: it is in the stack shop-redis. Retain and remove it there first: docs/runbooks/adopt.md"
        == f"{of_stack}"
    )
    assert "CloudFormation imports no AWS::ElastiCache::ReplicationGroup in eu-west-1" in str(not_imported)
    assert ([], 1) == (select(replace(inventory, importable=None))[1], len(select(inventory)[0]))


def test_a_cache_that_the_constructs_refuse_is_left_out_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are written; a difference between code and service leaves a cache out as well."""
    monkeypatch.setattr(command, "synthesised", _in_process)
    whole = drawn(3, seed=9)
    broken = whole.replication_groups[0]
    broken["SnapshotWindow"] = "yesterday"
    written = command.write(whole, tmp_path)
    assert [each.name for each in select(whole)[0] if each.name != broken["ReplicationGroupId"]] == [
        each.cache.name for each in written.adopted
    ]
    assert "the constructs refuse it" in written.refusals[0].because


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["write", "--from", "{there}", "--out", "{folder}"], 2, "has adopted.py already. Name another folder with"),
        (["write", "--from", "{garbage}", "--out", "{new}"], 2, "is not JSON"),
        (["write", "--from", "{old}", "--out", "{new}"], 2, "is no inventory of version 1. Write it with --region"),
        (["write", "--from", "{missing}", "--out", "{new}"], 2, "No such file"),
        (
            ["write", "--from", "{there}", "--out", "{new}", "--name", "other"],
            2,
            "there is no cache other in eu-west-1",
        ),
        (["write", "--from", "{there}", "--out", "{garbage}"], 2, "is no folder. Name one with --out"),
        (["check", "{new}"], 2, "is not there. Write it first"),
    ],
)
def test_bad_input_ends_in_one_line_and_writes_nothing(
    arguments: list[str], code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2; files that are there are not overwritten."""
    files = {name: tmp_path / name for name in ("there", "garbage", "old", "missing", "folder", "new")}
    files["there"].write_text(_one("group", lambda _: None).to_json())
    files["garbage"].write_text("{")
    files["old"].write_text('{"Version": 0}')
    files["folder"].mkdir()
    (files["folder"] / "adopted.py").write_text("# mine")

    assert code == command.main([each.format(**files) for each in arguments])
    assert said in capsys.readouterr().err
    assert not files["new"].exists()
    assert "# mine" == (files["folder"] / "adopted.py").read_text()


def test_an_interrupted_command_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are written once everything is known."""

    def interrupted(*_: object) -> None:
        raise Interrupted(signal.SIGINT)

    monkeypatch.setattr(command, "synthesised", interrupted)
    with pytest.raises(Interrupted):
        command.write(_one("group", lambda _: None), tmp_path / "out")
    assert [] == list(tmp_path.iterdir())


def test_check_tells_what_has_changed_since(
    accounts: list[Account], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import would believe the code: what differs is told first, property by property."""
    monkeypatch.setattr(command, "synthesised", lambda *_: accounts[0].template)
    folder = str(accounts[0].folder)
    assert 0 == command.main(["check", folder])
    assert "The code agrees with" in capsys.readouterr().out

    inventory = json.loads((accounts[0].folder / "inventory.json").read_text())
    changed = inventory["ReplicationGroups"][0]
    changed["SnapshotWindow"], changed["Status"] = "11:00-12:00", "available"
    file = tmp_path / "now.json"
    file.write_text(json.dumps(inventory))
    assert 1 == command.main(["check", folder, "--from", str(file)])
    assert (
        f'{changed["ReplicationGroupId"]}: SnapshotWindow is "11:00-12:00", and the code says'
        in capsys.readouterr().out
    )


def test_differences_name_caches_that_are_missing(accounts: list[Account]) -> None:
    """On either side."""
    caches, _ = select(accounts[0].inventory)
    assert [(caches[0].name, None)] == [
        (each.cache, each.real) for each in differences(accounts[0].template, caches[1:], accounts[0].inventory)
    ]
    nothing: dict[str, Any] = {"Resources": {}}
    assert [each.name for each in caches] == [
        each.cache for each in differences(nothing, caches, accounts[0].inventory)
    ]


class _Stubbed:
    """Clients of boto3 that answer from a list, in order, and note the actions that they are asked for."""

    def __init__(self) -> None:
        self.actions: set[str] = set()
        self._stubs: dict[str, tuple[Any, Stubber]] = {}

    def __call__(self, service: str) -> Any:
        return self._of(service)[0]

    def add(self, service: str, operation: str, answer: Answer | str, **asked: Any) -> None:
        """Expect a call; a text is the code of the error that it gets."""
        stub = self._of(service)[1]
        if isinstance(answer, str):
            stub.add_client_error(operation, answer)
        else:
            stub.add_response(operation, answer, asked or None)

    def _of(self, service: str) -> tuple[Any, Stubber]:
        if service not in self._stubs:
            client = boto3.client(service, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")
            client.meta.events.register("before-parameter-build.*.*", self._note)
            stub = Stubber(client)
            stub.activate()
            self._stubs[service] = (client, stub)
        return self._stubs[service]

    def _note(self, model: Any, **_: Any) -> None:
        self.actions.add(f"{model.service_model.service_name}:{model.name}")

    def finish(self) -> None:
        """Refuse calls that were expected and not made."""
        for _, stub in self._stubs.values():
            stub.assert_no_pending_responses()


def _answering(inventory: Inventory) -> _Stubbed:
    """An account that answers with an inventory, in pages of one cluster each."""
    stubbed = _Stubbed()
    stubbed.add("sts", "get_caller_identity", {"Account": inventory.account})
    elasticache = {
        "describe_replication_groups": {"ReplicationGroups": list(inventory.replication_groups)},
    }
    for operation, answer in elasticache.items():
        stubbed.add("elasticache", operation, answer)
    pages = list(inventory.clusters)
    for number, each in enumerate(pages):
        marker = {"Marker": str(number + 1)} if number + 1 < len(pages) else {}
        stubbed.add("elasticache", "describe_cache_clusters", {"CacheClusters": [each], **marker})
    stubbed.add("elasticache", "describe_serverless_caches", {"ServerlessCaches": list(inventory.serverless_caches)})
    stubbed.add("elasticache", "describe_cache_subnet_groups", {"CacheSubnetGroups": list(inventory.subnet_groups)})
    stubbed.add("elasticache", "describe_user_groups", {"UserGroups": list(inventory.user_groups)})
    stubbed.add("elasticache", "describe_users", {"Users": list(inventory.users)})
    for parameters in inventory.parameters.values():
        stubbed.add("elasticache", "describe_cache_parameters", {"Parameters": list(parameters)})
    stubbed.add("ec2", "describe_security_groups", {"SecurityGroups": list(inventory.security_groups)})
    stubbed.add("ec2", "describe_subnets", {"Subnets": list(inventory.subnets)})
    caches, _ = select(replace(inventory, stacks={}))
    by_kind = sorted(caches, key=lambda each: account.KINDS.index(each.kind))
    for cache in by_kind:
        tags = inventory.tags.get(cache.answer["ARN"], [])
        stubbed.add("elasticache", "list_tags_for_resource", {"TagList": list(tags)})
        stack = inventory.stacks.get(cache.name)
        resource = {"LogicalResourceId": "Redis", "ResourceType": cache.kind, "ResourceStatus": "CREATE_COMPLETE"}
        found: Answer | str = (
            {"StackResources": [{**resource, "StackName": stack, "Timestamp": "2026-01-01"}]}
            if stack
            else "ValidationError"
        )
        stubbed.add("cloudformation", "describe_stack_resources", found)
    for kind in dict.fromkeys(cache.kind for cache in by_kind):
        summaries = [{"ResourceType": kind, "LogicalResourceIds": ["Asked"], "ResourceIdentifiers": ["Id"]}]
        stubbed.add("cloudformation", "get_template_summary", {"ResourceIdentifierSummaries": summaries})
    return stubbed


def test_an_account_is_read_whole_and_without_secrets() -> None:
    """All pages of all answers; with the permissions that the command states, and those alone."""
    wanted = drawn(6, seed=2)
    first = next(each for each in select(wanted)[0])
    wanted = replace(wanted, stacks={first.name: "shop"})
    stubbed = _answering(wanted)

    found = account.read(REGION, client=stubbed)

    stubbed.finish()
    assert json.loads(wanted.to_json()) == json.loads(found.to_json())
    assert account.ACTIONS == stubbed.actions
    document = (ROOT / "docs" / "adopt.md").read_text()
    assert sorted(account.ACTIONS) == document.partition("```text\n")[2].partition("\n```")[0].splitlines()
    assert not [each for each in account.ACTIONS if "Secret" in each or "GetParameter" in each]
    assert found == Inventory.from_json(found.to_json(), source="inventory.json")


def test_calls_are_repeated_patiently() -> None:
    """ElastiCache throttles by account: botocore waits, and adapts its rate."""
    retries = account.boto3_clients(REGION)("elasticache").meta.config.retries
    assert ("adaptive", 10) == (retries["mode"], retries["total_max_attempts"])


def test_a_refused_call_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 3."""
    stubbed = _Stubbed()
    stubbed.add("sts", "get_caller_identity", "ExpiredToken")
    monkeypatch.setattr(account, "boto3_clients", lambda _: stubbed)
    assert 3 == command.main(["write", "--region", REGION, "--out", "/nowhere/at/all"])
    assert "sts:GetCallerIdentity gave no answer" in capsys.readouterr().err


def test_the_command_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From an inventory to the four files, in a folder with a space; the code is synthesised in a separate process.

    That process takes no context from a CDK CLI that may have started this one.
    """
    monkeypatch.setenv("CDK_CONTEXT_JSON", "not of this app")
    source = tmp_path / "inventory.json"
    source.write_text(drawn(1, seed=2).to_json())
    folder = tmp_path / "with a space"
    assert 0 == command.main(["write", "--from", str(source), "--out", str(folder), "--json"])
    assert ["cache-2-0"] == list(json.loads(capsys.readouterr().out)["adopted"])
    assert {"adopted.py", "mapping.json", "inventory.json", "ADOPT.md"} == {each.name for each in folder.iterdir()}
