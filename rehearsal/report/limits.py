"""What a rehearsal does not prove, and which checks of the drills do prove it after all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rehearsal.drills.outcome import Outcome


@dataclass(frozen=True)
class Limit:
    """One line of what is not proven.

    Attributes:
        text: The line.
        struck_by: Names of the checks that prove it, `drill: property`. The line is struck only if all of them ran and
            passed. Without any, it always stands.
        remains: What is still not proven when the line is struck; empty if nothing.
    """

    text: str
    struck_by: tuple[str, ...] = ()
    remains: str = ""


@dataclass(frozen=True)
class Judged:
    """A limit and what a rehearsal found about it.

    Attributes:
        limit: The limit.
        struck: Whether all its checks ran and passed.
        reason: Why it stands although checks exist that strike it; empty if there are none, or it is struck.
    """

    limit: Limit
    struck: bool
    reason: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """What is not proven about it."""
        if not self.struck:
            return (f"{self.limit.text} ({self.reason})" if self.reason else self.limit.text,)
        return (self.limit.remains,) if self.limit.remains else ()


LIMITS = (
    Limit(
        "security groups and routes: they are read back, but not enforced",
        (
            "inbound-rule: a function with the inbound rule",
            "inbound-rule: the function without the inbound rule",
            "inbound-rule: the function with the inbound rule again",
        ),
        remains="packets: rules, routes and network ACLs were judged when a process connected, all of them over IPv4, "
        "but no packet was filtered",
    ),
    Limit(
        "VPC endpoints, NAT gateways and DNS: they exist as records, but no packet passes",
        ("endpoints: a name outside the account", "rotation: new password after the promotion"),
        remains="VPC endpoints, NAT gateways and DNS: functions reached only the APIs that these allow, but no packet "
        "passed them",
    ),
    Limit(
        "encryption: keys are attached, but nothing is encrypted, and KMS grants are not checked",
        ("rotation: new password after the promotion", "endpoints: a client without TLS"),
        remains="encryption at rest: keys are attached, but nothing is encrypted; of KMS, only the grants that secrets "
        "need were judged",
    ),
    Limit(
        "IAM: every call is allowed, regardless of policies",
        (
            "sites: unsigned requests are refused",
            "sites: a role without a grant is refused",
            "sites: signed requests are answered",
            "grant: a role without the grant",
            "grant: the role with the grant again",
            "refusals: actions that its role was refused",
        ),
        remains="IAM: the emulator's evaluator judged, not AWS's, and it denies where they are known to differ; "
        "CloudFormation's own calls, service control policies and service-linked roles were not judged",
    ),
    Limit(
        "engines: none runs behind the endpoints, so versions, parameter values and access strings were not tried",
        ("endpoints: the login of its secret", "failover: no failed command"),
        remains="engine versions: parameter values and access strings were tried on the versions that are listed under "
        "engines",
    ),
    Limit(
        "logins: no client authenticated with a token, a password or IAM",
        (
            "endpoints: the login of its secret",
            "endpoints: a wrong password",
            "grant: a role with the grant",
            "grant: a role with the grant of the cache but not of the user",
        ),
    ),
    Limit(
        "Multi-AZ: nodes have Availability Zones, but no failover was timed",
        (
            "failover: no failed command",
            "failover: no lost acknowledged write",
            "primary-killed: no lost write that a replica had confirmed",
            "zone-lost: no lost write that a replica had confirmed",
        ),
        remains="Multi-AZ: how long a failover takes; and that of a database, which has one server",
    ),
    Limit(
        "rotation: schedules are registered, but no rotation ran",
        (
            "rotation: no failed command",
            "rotation: old password within its grace time",
            "rotation: old password after its grace time",
        ),
    ),
    Limit(
        "functions: none ran, so database users were not created and the catalogue was not filled",
        ("sites: signed requests are answered", "sites: the data come from the database"),
        remains="functions: they ran on the Python and the processor of this machine, not on Lambda's",
    ),
    Limit(
        "database: no PostgreSQL runs behind the endpoint",
        ("sites: the data come from the database",),
        remains="database: its backups and its storage",
    ),
    Limit(
        "log delivery, events and alarms: they are configured, but nothing was delivered",
        (
            "alarm: an alarm on a metric reaches its topic",
            "alarm: an alarm on the errors of a function reaches its topic",
            "alarm: an alarm on a cache reaches its topic",
            "failover: the failover is among the events of the group",
            "primary-killed: an event reaches the topic of the group",
            "slow-log: a slow command reaches its log group",
        ),
        remains="metrics that only AWS measures, such as those of hosts and serverless caches: values that the drill "
        "published under AWS's names and dimensions raised the alarms on them",
    ),
    Limit("node types, capacity, quotas, and what a Region offers"),
    Limit("durations: AWS takes minutes for what took seconds here"),
    Limit("custom resources: the rehearsal emptied the default security group, not CDK's function"),
)


def check_names(drills: Sequence[Outcome]) -> dict[str, bool]:
    """The name of each check of the drills, and whether it passed wherever it ran."""
    names: dict[str, bool] = {}
    for drill in drills:
        for check in drill.checks:
            name = f"{drill.name}: {check.property}"
            names[name] = names.get(name, True) and check.ok
    return names


def judged(drills: Sequence[Outcome], *, live: bool) -> tuple[Judged, ...]:
    """Each limit, and whether the drills strike it.

    Args:
        drills: How the drills ended.
        live: Whether there could be drills; otherwise no reason is given.
    """
    passed = check_names(drills)
    ended = {drill.name: drill for drill in drills}
    return tuple(_judge(limit, passed, ended, live=live) for limit in LIMITS)


def _judge(limit: Limit, passed: dict[str, bool], ended: dict[str, Outcome], *, live: bool) -> Judged:
    skipped = {name for name, drill in ended.items() if drill.status == "not run"}  # even if some of its checks ran
    missing = [name for name in limit.struck_by if name.partition(":")[0] in skipped or not passed.get(name, False)]
    if limit.struck_by and not missing:
        return Judged(limit, struck=True)
    if not live or not limit.struck_by:
        return Judged(limit, struck=False)
    name = missing[0].partition(":")[0]
    if missing[0] in passed and name not in skipped:
        reason = f"the check {missing[0]!r} failed"
    elif name not in ended:
        reason = f"the drill {name} was not selected"
    else:
        reason = f"the drill {name} is {ended[name].status}: {ended[name].reason or 'it ended before the check'}"
    return Judged(limit, struck=False, reason=reason)
