"""`python -m rehearsal.mutants`: break the stacks on purpose, one fault at a time, and see the rehearsal find each.

Each mutant is the dev stage with one mistake in a template. It is deployed, and the drills run that should find it. A
mutant is found if the rehearsal fails and names the cause. It takes some ten minutes, so `make test` does not run it.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_servers import processes
from rehearsal import report, workspace
from rehearsal.cdk import CdkError, Cli
from rehearsal.drills.process import DrillsError
from rehearsal.emulator import EmulatorError
from rehearsal.rehearse import QUIET, Rehearsal, StageError
from rehearsal.workspace import ROOT
from verification.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rehearsal.drills.outcome import Outcome

STAGE = "dev"
STACK = "aws:cloudformation:stack"
POLICIES = ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy")
TOLD = 100  # characters of a cause in the table


ROTATION, SITES, ALARM, NO_DRILL = ("rotation", "refusals"), ("sites",), ("alarm",), ("none",)
# Stacks that drills do not use.
LEFT_OUT: Mapping[tuple[str, ...], tuple[str, ...]] = {
    SITES: ("-memcached",),
    **dict.fromkeys((ROTATION, ALARM, NO_DRILL), ("-memcached", "-workload", "-database")),
}


class MutantError(Exception):
    """A mutant cannot be made, because the templates do not have what it breaks."""


class Templates:
    """The templates of an assembly, which can be changed.

    Args:
        directory: The assembly.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._files = {path: json.loads(path.read_text()) for path in directory.rglob("*.template.json")}

    def find(self, kind: str, name: str = "") -> Iterator[tuple[dict[str, Any], str]]:
        """The resources of a type whose logical id begins with a name: all of its template, and its logical id.

        Args:
            kind: The type.
            name: Beginning of the logical id. Default: any.
        """
        for template in self._files.values():
            for logical_id, resource in template["Resources"].items():
                if resource["Type"] == kind and logical_id.startswith(name):
                    yield template["Resources"], logical_id

    def one(self, kind: str, name: str = "") -> dict[str, Any]:
        """The properties of the first of these resources, to change.

        Raises:
            MutantError: If there is none.
        """
        for resources, logical_id in self.find(kind, name):
            properties: dict[str, Any] = resources[logical_id].setdefault("Properties", {})
            return properties
        raise MutantError(refusal(got=f"no {kind} {name}", allowed="the mutant changes one", fix="Correct the mutant"))

    def remove(self, kind: str, name: str = "") -> None:
        """Remove the first of these resources, and what depends on it by name.

        Raises:
            MutantError: If there is none.
        """
        self.one(kind, name)
        resources, logical_id = next(self.find(kind, name))
        del resources[logical_id]
        for other in resources.values():
            depends = other.get("DependsOn")
            if isinstance(depends, list) and logical_id in depends:
                depends.remove(logical_id)
            elif depends == logical_id:
                del other["DependsOn"]

    def leave_out(self, *stacks: str) -> None:
        """Take stacks out of the assembly, and those that depend on them, so that the deployment takes less time.

        Args:
            stacks: Ends of their names.
        """
        for path in self._directory.rglob("manifest.json"):
            manifest = json.loads(path.read_text())
            artifacts = manifest.get("artifacts", {})
            of_stacks = {name: artifact for name, artifact in artifacts.items() if artifact["type"] == STACK}
            gone = {name for name, artifact in of_stacks.items() if artifact["displayName"].endswith(stacks)}
            while (
                more := {name for name, artifact in of_stacks.items() if gone & set(artifact.get("dependencies", []))}
                - gone
            ):
                gone |= more
            manifest["artifacts"] = {name: artifact for name, artifact in artifacts.items() if name not in gone}
            path.write_text(json.dumps(manifest))

    def save(self) -> None:
        """Write the templates back."""
        for path, template in self._files.items():
            path.write_text(json.dumps(template))


@dataclass(frozen=True)
class Mutant:
    """One mistake.

    Attributes:
        name: Its name.
        change: Makes the mistake in the templates.
        cause: What the rehearsal must name, as a regular expression.
        drills: The drills that should find it, if the deployment does not.
    """

    name: str
    change: Callable[[Templates], None]
    cause: str
    drills: tuple[str, ...] = ROTATION


def without_action(policy: str, action: str) -> Callable[[Templates], None]:
    """Take an action out of every statement of a policy.

    Args:
        policy: Beginning of the policy's logical id.
        action: The action.
    """

    def change(templates: Templates) -> None:
        taken = 0
        for kind in POLICIES:
            for resources, logical_id in templates.find(kind, policy):
                document = resources[logical_id]["Properties"]["PolicyDocument"]
                for statement in [item for item in document["Statement"] if item["Effect"] == "Allow"]:
                    actions = _actions(statement)
                    left = [item for item in actions if item != action]
                    taken += len(actions) - len(left)
                    statement["Action"] = left
                    if not left:
                        document["Statement"].remove(statement)
        if not taken:
            message = refusal(
                got=f"no {action} in {policy}", allowed="the mutant takes it out", fix="Correct the mutant"
            )
            raise MutantError(message)

    return change


def _actions(statement: dict[str, Any]) -> list[str]:
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else list(actions)


def without(kind: str, name: str = "") -> Callable[[Templates], None]:
    """Remove a resource."""
    return lambda templates: templates.remove(kind, name)


def with_property(kind: str, name: str, path: str, value: Any) -> Callable[[Templates], None]:
    """Set a property, at a path of names with dots."""

    def change(templates: Templates) -> None:
        properties = templates.one(kind, name)
        *parents, last = path.split("/")
        for parent in parents:
            properties = properties.setdefault(parent, {})
        properties[last] = value

    return change


def without_command(user: str, rule: str) -> Callable[[Templates], None]:
    """Take a rule out of a user's access string."""

    def change(templates: Templates) -> None:
        properties = templates.one("AWS::ElastiCache::User", user)
        words = properties["AccessString"].split()
        words.remove(rule)
        properties["AccessString"] = " ".join(words)

    return change


ALARM_TYPE, HOST_CPU = "AWS::CloudWatch::Alarm", "RedisHostCpuAlarm"


def with_metrics(change: Callable[[list[dict[str, Any]]], object]) -> Callable[[Templates], None]:
    """Change the metrics of an alarm on all nodes of a cache.

    Args:
        change: Takes those of its queries that have a metric.
    """

    def changed(templates: Templates) -> None:
        queries = templates.one(ALARM_TYPE, HOST_CPU)["Metrics"]
        metrics = [query for query in queries if "MetricStat" in query]
        queries[:] = [query for query in queries if "MetricStat" not in query]
        change(metrics)
        queries += metrics

    return changed


def _dimension(metrics: list[dict[str, Any]]) -> None:
    """The id of the group in place of those of its nodes, under which ElastiCache publishes nothing."""
    for query in metrics:
        [dimension] = query["MetricStat"]["Metric"]["Dimensions"]
        [dimension["Value"], _] = dimension["Value"]["Fn::Join"][1]


def _name(metrics: list[dict[str, Any]]) -> None:
    """A name that ElastiCache does not publish."""
    for query in metrics:
        query["MetricStat"]["Metric"]["MetricName"] = "CPUUtilisation"


def without_property(kind: str, name: str, key: str) -> Callable[[Templates], None]:
    """Take a property out."""
    return lambda templates: templates.one(kind, name).pop(key)


def without_service(kind: str, document: str, service: str) -> Callable[[Templates], None]:
    """Take the statements about a service out of the first policy that has any."""

    def change(templates: Templates) -> None:
        for resources, logical_id in templates.find(kind):
            policy = resources[logical_id]["Properties"].get(document, {"Statement": []})
            left = [one for one in policy["Statement"] if service not in json.dumps(one["Principal"])]
            if len(left) < len(policy["Statement"]):
                policy["Statement"] = left
                return
        raise MutantError(refusal(got=f"no {service}", allowed="the mutant takes it out", fix="Correct the mutant"))

    return change


CLOUDWATCH = "cloudwatch.amazonaws.com"
ROTATION_POLICY = "RedisRotationdefaultPolicy"
FUNCTION, PERMISSION = "AWS::Lambda::Function", "AWS::Lambda::Permission"


def mutants(templates: Templates) -> tuple[Mutant, ...]:
    """All mutants of the stage.

    Args:
        templates: Its templates, which say what the rotation policy has.
    """
    statements = templates.one("AWS::IAM::ManagedPolicy", ROTATION_POLICY)["PolicyDocument"]["Statement"]
    allowed = [statement for statement in statements if statement["Effect"] == "Allow"]
    actions = dict.fromkeys(action for statement in allowed for action in _actions(statement))
    return (
        Mutant(
            "connect-grant", without_action("LeaderboardPolicy", "elasticache:Connect"), "elasticache:Connect", SITES
        ),
        *(
            Mutant(
                f"rotation-policy {action}",
                without_action(ROTATION_POLICY, action),
                re.escape(action),
                ALARM if action == "sns:Publish" else ROTATION,
            )
            for action in actions
        ),
        Mutant("key-grant", without_action("PreparePolicy", "kms:Decrypt"), "kms:Decrypt", SITES),
        Mutant("key-policy", _deny_key, "kms:"),
        Mutant("ingress-rule", without("AWS::EC2::SecurityGroupIngress", "RedisNetworkFromClients"), "inbound", SITES),
        Mutant("egress-rule", without("AWS::EC2::SecurityGroupEgress", "RedisNetworkToNodes"), "outbound", SITES),
        Mutant("endpoint", without("AWS::EC2::VPCEndpoint", "NetworkVpcElastiCacheEndpoint"), "elasticache"),
        Mutant("rds-db:connect", without_action("PreparePolicy", "rds-db:connect"), "rds-db:connect", SITES),
        Mutant("access-string", without_command("RedisDefaultUser", "+acl|whoami"), "whoami"),
        Mutant(
            "access-string-of-an-application",
            without_command("RedisUserdevleaderboard", "+@write"),
            "NOPERM|perm",
            SITES,
        ),
        Mutant(
            "parameter-value",
            with_property("AWS::ElastiCache::ParameterGroup", "RedisParameters", "Properties/maxmemory-policy", "none"),
            "maxmemory-policy",
        ),
        Mutant(
            "environment-variable",
            with_property(FUNCTION, "LeaderboardFunction", "Environment/Variables/ELASTICACHE_USER", "dev-nobody"),
            "refused the login",
            SITES,
        ),
        Mutant(
            "environment-variable-of-the-rotation",
            with_property(FUNCTION, "RedisRotationdefaultFunction", "Environment/Variables/USER_NAME", "nobody"),
            "nobody",
        ),
        Mutant(
            "reserved-concurrency",
            with_property(FUNCTION, "LeaderboardFunction", "ReservedConcurrentExecutions", 0),
            "[Cc]oncurren",
            SITES,
        ),
        Mutant("invoke-permission", without(PERMISSION, "LeaderboardApi"), "lambda:InvokeFunction|permission", SITES),
        Mutant(
            "rotation-permission",
            without(PERMISSION, "RedisRotationdefaultSecretsManager"),
            "permission|InvokeFunction",
        ),
        Mutant("alarm-dimension", with_metrics(_dimension), "is published under no CacheClusterId=", NO_DRILL),
        Mutant("alarm-node", with_metrics(list.pop), "CPUUtilization: not CacheClusterId=", NO_DRILL),
        Mutant("alarm-metric", with_metrics(_name), "publishes no such metric", ALARM),
        Mutant("alarm-action", without_property(ALARM_TYPE, HOST_CPU, "AlarmActions"), "actions: asked", NO_DRILL),
        Mutant(
            "alarm-topic",
            without_service("AWS::SNS::TopicPolicy", "PolicyDocument", CLOUDWATCH),
            f"its policy does not let {CLOUDWATCH} publish",
            NO_DRILL,
        ),
        Mutant(
            "alarm-key",
            without_service("AWS::KMS::Key", "KeyPolicy", CLOUDWATCH),
            f"its key's policy does not let {CLOUDWATCH}",
            NO_DRILL,
        ),
    )


def _deny_key(templates: Templates) -> None:
    """Take from the key the statements that let the account's policies grant anything."""
    document = templates.one("AWS::KMS::Key", "RedisKey")["KeyPolicy"]
    deny = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": ["kms:GenerateDataKey"], "Resource": "*"}
    condition = {"StringLike": {"kms:ViaService": "secretsmanager.*"}, "StringNotLike": {"aws:PrincipalArn": "*cdk-*"}}
    document["Statement"].append({**deny, "Condition": condition})


@dataclass(frozen=True)
class Finding:
    """What the rehearsal of a mutant told.

    Attributes:
        failed: Whether it failed.
        named: The line that names the cause; empty if none does.
        where: The step or the drills that failed.
        seconds: How long it took.
        told: All that it told.
    """

    failed: bool
    named: str
    where: str
    seconds: float
    told: str = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether the mutant was found."""
        return self.failed and bool(self.named)


class _Silent(report.Progress):
    """Steps that are not shown."""

    def say(self, text: str) -> None:
        """Show nothing."""


def rehearse(mutant: Mutant, assembly: Path) -> Finding:
    """Deploy a mutant, and see what the rehearsal finds.

    Args:
        mutant: The mutant.
        assembly: The assembly that it is made of.
    """
    began = time.monotonic()
    directories = workspace.prepare()
    try:
        with tempfile.TemporaryDirectory(prefix="mutant-") as scratch:
            changed = Path(scratch) / "cdk.out"
            shutil.copytree(assembly, changed)
            templates = Templates(changed)
            mutant.change(templates)
            templates.save()
            templates.leave_out(*LEFT_OUT.get(mutant.drills, ()))
            failed, where, told = _told(mutant, changed, directories)
    finally:
        processes.kill_remaining()
        workspace.remove(directories)
    named = next((line.strip() for line in told.splitlines() if re.search(mutant.cause, line)), "")
    return Finding(failed, named, where, round(time.monotonic() - began, 1), told)


def _told(mutant: Mutant, assembly: Path, directories: workspace.Workspace) -> tuple[bool, str, str]:
    """Whether the rehearsal failed, where, and what it told."""
    rehearsal = Rehearsal(
        stage=STAGE,
        keep=False,
        live=True,
        workspace=directories,
        progress=_Silent(),
        drills=mutant.drills,
        prepared=assembly,
        destroys=False,
    )
    try:
        results = rehearsal.run().results
    except (StageError, CdkError, EmulatorError, DrillsError) as fault:
        return True, getattr(fault, "name", "rehearsal"), "\n".join([str(fault), *getattr(fault, "__notes__", ())])
    failed = [drill for drill in results.drills if drill.status == "failed"]
    lines = [line for drill in failed for line in _lines(drill)]
    lines += [
        f"{check.resource} {check.property}: asked {check.asked}, read {check.read}" for check in results.all_failed
    ]
    return not results.ok, ", ".join(drill.name for drill in failed) or "read back", "\n".join(lines)


def _lines(drill: Outcome) -> list[str]:
    errors = [message for load in drill.traffic for message in load.errors]
    return [drill.reason, *drill.causes, *errors]


def synthesised(directory: Path) -> Path:
    """Synthesise the stage into a directory.

    Raises:
        CdkError: If the synthesis fails.
    """
    directories = workspace.prepare()
    try:
        cli = Cli(directories.environment(), directories.run, directories.run)
        arguments = ("synth", "--quiet", "-c", f"stage={STAGE}", "--output", str(directory), *QUIET)
        with cli.started("synth", *arguments, directory=ROOT) as process:
            cli.finish("synth", process)
    finally:
        workspace.remove(directories)
    return directory


def selected(all_mutants: Sequence[Mutant], names: Sequence[str]) -> list[Mutant]:
    """The mutants whose names contain one of these; all if none is given."""
    return [mutant for mutant in all_mutants if not names or any(name in mutant.name for name in names)]


def main() -> int:
    """Rehearse mutants; the exit code is 1 if one was not found."""
    parser = argparse.ArgumentParser(prog="python -m rehearsal.mutants", description=__doc__)
    parser.add_argument("--list", action="store_true", help="only list the mutants")
    parser.add_argument("--verbose", action="store_true", help="show all that a rehearsal told of a mutant not found")
    parser.add_argument("names", nargs="*", help="parts of names of mutants (default: all)")
    options = parser.parse_args()
    code = 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        assembly = synthesised(Path(scratch) / "cdk.out")
        for mutant in selected(mutants(Templates(assembly)), options.names):
            if options.list:
                report.write(mutant.name)
                continue
            finding = rehearse(mutant, assembly)
            code |= not finding.ok
            verdict = "found" if finding.ok else "FAILED UNNAMED" if finding.failed else "NOT FOUND"
            report.write(f"{mutant.name:<52} {verdict:<15} {finding.where:<14} {finding.seconds:6.1f} s")
            if finding.named:
                report.write(f"    {finding.named[: TOLD * 2]}")
            elif options.verbose:
                report.write(finding.told)
    return code


if __name__ == "__main__":
    sys.exit(main())
