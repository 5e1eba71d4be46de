"""A twin of the account: Secrets Manager in memory, and ElastiCache's control plane over real servers.

Both answer as boto3's clients do, as far as rotators call them. The account can refuse actions that a policy does not
allow, fail calls, kill the caller after any call, and look at the state after each.
"""

from __future__ import annotations

import copy
import functools
import itertools
import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from botocore.exceptions import ClientError  # type: ignore[import-untyped]
from botocore.session import get_session  # type: ignore[import-untyped]
from botocore.validate import ParamValidator  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.rotation.clock import Clock
    from tests.rotation.engine import Server

P = ParamSpec("P")
R = TypeVar("R")

GROUP = "orders"
SERVERLESS = "sessions"
USER_ID = "orders-prod-app"
SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:orders-AbCdEf"


class Crash(BaseException):
    """The function is dead: nothing of it runs any more, its own error handling least of all."""


@dataclass
class Account:
    """What both services share: the time, who may call, what fails, and what was called."""

    clock: Clock
    latency: float = 0
    """Seconds from a call to its effect."""
    allowed: frozenset[str] | None = None
    crash_after: int | None = None
    calls: list[str] = field(default_factory=list)
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    watch: Callable[[], None] = lambda: None
    lock: threading.RLock = field(default_factory=threading.RLock)

    def fail(self, action: str, code: str, times: int) -> None:
        """Let the next calls of an action fail."""
        self.failures[action, code] += times

    def enter(self, actions: tuple[str, ...], quoted: str) -> None:
        """Refuse a call, quoting its arguments as a careless service might."""
        for action in actions:
            if self.allowed is not None and action not in self.allowed:
                raise error("AccessDeniedException", actions[0], f"not authorized to perform: {action}; {quoted}")
            for (failing, code), times in self.failures.items():
                if failing == action and times:
                    self.failures[failing, code] -= 1
                    raise error(code, actions[0], quoted)

    def leave(self, action: str) -> None:
        """Note a call that took effect; the caller may die of it."""
        self.calls.append(action)
        self.watch()
        if len(self.calls) == self.crash_after:
            raise Crash(action)


class _OfAccount(Protocol):
    account: Account


S = TypeVar("S", bound=_OfAccount)


def error(code: str, operation: str, message: str) -> ClientError:
    """An error as boto3 raises it."""
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@functools.cache
def operation(action: str) -> Any:
    """What botocore knows of an operation, for example ``elasticache:ModifyUser``."""
    service, _, name = action.partition(":")
    return get_session().get_service_model(service).operation_model(name)


def check_parameters(action: str, parameters: dict[str, Any]) -> None:
    """Refuse parameters that boto3 would, so that what the twin is called with is what the service takes."""
    report = ParamValidator().validate(parameters, operation(action).input_shape)
    if report.has_errors():
        raise AssertionError(f"{action}: {report.generate_report()}")


def api(*actions: str) -> Callable[[Callable[Concatenate[S, P], R]], Callable[Concatenate[S, P], R]]:
    """Make a method an API call that needs these actions."""

    def decorate(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
        @functools.wraps(method)
        def called(self: S, *args: P.args, **kwargs: P.kwargs) -> R:
            check_parameters(actions[0], kwargs)
            self.account.clock.sleep(self.account.latency)
            with self.account.lock:
                self.account.enter(actions, f"arguments were {kwargs}")
                result = copy.deepcopy(method(self, *args, **kwargs))
                self.account.leave(actions[0])
                return result

        return called  # type: ignore[return-value] # it is called as a method

    return decorate


@dataclass
class Version:
    """One version of the secret."""

    created: datetime
    value: str | None = None
    labels: set[str] = field(default_factory=set)


class SecretsManager:
    """One secret; a label is on one version at a time."""

    def __init__(self, account: Account, value: dict[str, Any]) -> None:
        self.account = account
        self._instants = itertools.count()
        self.due: float | None = None
        self.tags: dict[str, str] = {}
        self._ids = (f"version-{number:04}-of-at-least-thirty-two-signs" for number in itertools.count())
        self.versions = {next(self._ids): Version(self._now(), json.dumps(value), {"AWSCURRENT"})}

    def _now(self) -> datetime:
        """No two versions are of the same time, though the clock stands still."""
        return datetime.fromtimestamp(self.account.clock() + next(self._instants) / 1e6, UTC)

    def labelled(self, label: str) -> str | None:
        """The version with a label."""
        return next((name for name, version in self.versions.items() if label in version.labels), None)

    def peek(self, label: str) -> str | None:
        """The password under a label, as applications read it."""
        with self.account.lock:
            name = self.labelled(label)
            value = self.versions[name].value if name else None
        return str(json.loads(value)["password"]) if value else None

    def rotate(self) -> str:
        """What RotateSecret does before it invokes the function: an empty pending version, or the one there is."""
        with self.account.lock:
            pending = self.labelled("AWSPENDING")
            if pending and "AWSCURRENT" not in self.versions[pending].labels:
                return pending
            return self.add(None, "AWSPENDING")

    def add(self, value: dict[str, Any] | None, *labels: str) -> str:
        """A version from somewhere else, for example by hand."""
        name = next(self._ids)
        self.versions[name] = Version(self._now(), json.dumps(value) if value else None)
        for label in labels:
            self.move(label, name)
        return name

    def move(self, label: str, target: str) -> None:
        """Put a label on a version; AWSPREVIOUS follows AWSCURRENT."""
        holder = self.labelled(label)
        if holder == target:
            return
        if holder:
            self.versions[holder].labels.discard(label)
            if label == "AWSCURRENT":
                self.move("AWSPREVIOUS", holder)
        self.versions[target].labels.add(label)

    @api("secretsmanager:DescribeSecret")
    def describe_secret(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803
        """Labelled versions and tags."""
        self._check(SecretId)
        return {
            "ARN": SECRET,
            "VersionIdsToStages": {name: sorted(each.labels) for name, each in self.versions.items() if each.labels},
            "Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()],
            **({} if self.due is None else {"NextRotationDate": datetime.fromtimestamp(self.due, UTC)}),
        }

    @api("secretsmanager:GetSecretValue", "kms:Decrypt")
    def get_secret_value(self, *, SecretId: str, VersionId: str) -> dict[str, Any]:  # noqa: N803
        """A version's value."""
        self._check(SecretId)
        version = self.versions.get(VersionId)
        if version is None or version.value is None:
            raise error("ResourceNotFoundException", "GetSecretValue", f"no value for VersionId: {VersionId}")
        return {"ARN": SECRET, "VersionId": VersionId, "SecretString": version.value, "CreatedDate": version.created}

    @api("secretsmanager:PutSecretValue", "kms:GenerateDataKey")
    def put_secret_value(
        self,
        *,
        SecretId: str,  # noqa: N803
        ClientRequestToken: str,  # noqa: N803
        SecretString: str,  # noqa: N803
        VersionStages: list[str],  # noqa: N803
    ) -> dict[str, Any]:
        """Fill a version once."""
        self._check(SecretId)
        version = self.versions.setdefault(ClientRequestToken, Version(self._now()))
        if version.value not in (None, SecretString):
            raise error("ResourceExistsException", "PutSecretValue", f"already exists; not {SecretString}")
        version.value = SecretString
        for label in VersionStages:
            self.move(label, ClientRequestToken)
        return {"VersionId": ClientRequestToken}

    @api("secretsmanager:UpdateSecretVersionStage")
    def update_secret_version_stage(
        self,
        *,
        SecretId: str,  # noqa: N803
        VersionStage: str,  # noqa: N803
        MoveToVersionId: str | None = None,  # noqa: N803
        RemoveFromVersionId: str | None = None,  # noqa: N803
    ) -> dict[str, Any]:
        """Move or drop a label, from where the caller believes it to be."""
        self._check(SecretId)
        if self.labelled(VersionStage) != RemoveFromVersionId:
            raise error("InvalidParameterException", "UpdateSecretVersionStage", "the label is on another version")
        if MoveToVersionId:
            self.move(VersionStage, MoveToVersionId)
        elif RemoveFromVersionId:
            self.versions[RemoveFromVersionId].labels.discard(VersionStage)
        return {"ARN": SECRET}

    @api("secretsmanager:ListSecretVersionIds")
    def list_secret_version_ids(
        self,
        *,
        SecretId: str,  # noqa: N803
        IncludeDeprecated: bool,  # noqa: N803
        NextToken: str = "0",  # noqa: N803
    ) -> dict[str, Any]:
        """All versions, one to a page."""
        self._check(SecretId)
        listed = [(name, each) for name, each in self.versions.items() if each.labels or IncludeDeprecated]
        name, version = listed[int(NextToken)]
        entry: dict[str, Any] = {"VersionId": name, "CreatedDate": version.created}
        if version.labels:
            entry["VersionStages"] = sorted(version.labels)
        more = {"NextToken": str(int(NextToken) + 1)} if int(NextToken) + 1 < len(listed) else {}
        return {"Versions": [entry], **more}

    @api("secretsmanager:TagResource")
    def tag_resource(self, *, SecretId: str, Tags: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        """Set tags."""
        self._check(SecretId)
        self.tags.update({tag["Key"]: tag["Value"] for tag in Tags})
        return {}

    def _check(self, secret: str) -> None:
        if secret != SECRET:
            raise error("ResourceNotFoundException", "SecretsManager", secret)


@dataclass(frozen=True, kw_only=True)
class Knobs:
    """How the service behaves after a change was asked for; times in seconds."""

    status_after: float = 0
    """Until the status tells of it."""
    status_for: float = 0
    """How long the status tells of it."""
    applied_after: float = 0
    """Until the nodes know it."""
    lag: float = 0
    """How much longer the replica takes."""
    never: bool = False
    """The nodes never know it, though the status says so."""


class ElastiCache:
    """One cache, its servers real, with one user or its own AuthToken."""

    def __init__(
        self, account: Account, servers: list[Server], password: str, *, user_name: str, knobs: Knobs | None = None
    ) -> None:
        self.account = account
        self.knobs = knobs or Knobs()
        self.user_name = user_name
        self.authentication = "password"
        self.serverless: list[str] = []
        self.groups = [GROUP]
        self.rules = "on ~* &* +@all"
        self.servers = list(servers)
        self.member_status: dict[int, str] = {}
        self.passwords = [password]
        self.asked: set[str] = set()
        self._changed = 0.0
        self._changes = 0
        self._applied: dict[int, int] = {}
        self.seed()

    def seed(self) -> None:
        """Have every node know the passwords at once."""
        for server in self.servers:
            server.accept(self.user_name, self.passwords, self.rules)

    def accepts(self, password: str) -> list[bool]:
        """Whether each node accepts a password."""
        return [server.logs_in(self.user_name, password) for server in self.servers]

    def fail_over(self) -> None:
        """Make the replica the primary."""
        self.servers.reverse()
        self.servers[0].replicate(None)
        self.servers[1].replicate(self.servers[0])

    def add_node(self, server: Server, knows: str, *, for_seconds: float) -> None:
        """Add a node that knows one password only, for a while."""
        server.accept(self.user_name, [knows], self.rules)
        server.replicate(self.servers[0])
        self.servers.append(server)
        self._later(for_seconds, server)

    @api("elasticache:DescribeUsers")
    def describe_users(self, *, UserId: str) -> dict[str, Any]:  # noqa: N803
        """The user."""
        user = {"UserId": UserId, "UserName": self.user_name, "Status": "modifying" if self._told() else "active"}
        answer = {"Type": self.authentication, "PasswordCount": len(self.passwords)}
        return {"Users": [user | {"UserGroupIds": ["users"], "Authentication": answer}]}

    @api("elasticache:DescribeUserGroups")
    def describe_user_groups(self, *, UserGroupId: str) -> dict[str, Any]:  # noqa: N803
        """Where the user's group is attached."""
        group = {"UserGroupId": UserGroupId, "ReplicationGroups": self.groups}
        return {"UserGroups": [group | {"ServerlessCaches": self.serverless}]}

    @api("elasticache:DescribeServerlessCaches")
    def describe_serverless_caches(self, *, ServerlessCacheName: str) -> dict[str, Any]:  # noqa: N803
        """A serverless cache: the first server behind its endpoint, the second behind that for reading."""
        self.asked.add(ServerlessCacheName)
        status = self.member_status.get(0, "available")
        ends = [{"Address": "localhost", "Port": server.tls_port} for server in self.servers[:2]]
        endpoints = dict(zip(("Endpoint", "ReaderEndpoint"), ends, strict=True)) if status == "available" else {}
        cache = {"ServerlessCacheName": ServerlessCacheName, "Status": status, **endpoints}
        return {"ServerlessCaches": [cache]}

    @api("elasticache:DescribeReplicationGroups")
    def describe_replication_groups(self, *, ReplicationGroupId: str) -> dict[str, Any]:  # noqa: N803
        """The group and its members."""
        users = self.user_name != "default"
        group: dict[str, Any] = {
            "ReplicationGroupId": ReplicationGroupId,
            "Status": "modifying" if self._told() else "available",
            "MemberClusters": [f"{ReplicationGroupId}-{number:03}" for number in range(1, len(self.servers) + 1)],
            "AuthTokenEnabled": not users,
            "UserGroupIds": ["users"] if users else [],
            "PendingModifiedValues": {"AuthTokenStatus": "ROTATING"} if self._told() else {},
        }
        return {"ReplicationGroups": [group]}

    @api("elasticache:DescribeCacheClusters")
    def describe_cache_clusters(self, *, CacheClusterId: str, ShowCacheNodeInfo: bool) -> dict[str, Any]:  # noqa: N803
        """One member and its endpoint."""
        assert ShowCacheNodeInfo
        self.asked.add(CacheClusterId)
        number = int(CacheClusterId.rsplit("-", maxsplit=1)[-1]) - 1
        status = self.member_status.get(number, "available")
        node = {"Endpoint": {"Address": "localhost", "Port": self.servers[number].tls_port}}
        nodes = [] if status == "creating" else [node]
        return {"CacheClusters": [{"CacheClusterStatus": status, "CacheNodes": nodes}]}

    @api("elasticache:ModifyUser")
    def modify_user(self, *, UserId: str, Passwords: list[str]) -> dict[str, Any]:  # noqa: N803
        """Replace the user's passwords."""
        if self._told():
            raise error("InvalidUserState", "ModifyUser", f"not {Passwords} now")
        if not 1 <= len(set(Passwords)) == len(Passwords) <= 2:
            raise error("InvalidParameterValue", "ModifyUser", f"not {Passwords}")
        self._change(Passwords)
        return {"UserId": UserId}

    @api("elasticache:ModifyReplicationGroup")
    def modify_replication_group(
        self,
        *,
        ReplicationGroupId: str,  # noqa: N803
        AuthToken: str,  # noqa: N803
        AuthTokenUpdateStrategy: str,  # noqa: N803
        ApplyImmediately: bool,  # noqa: N803
    ) -> dict[str, Any]:
        """Add a token, dropping the older of two, or keep the newest alone."""
        assert ApplyImmediately
        if self._told():
            raise error("InvalidReplicationGroupState", "ModifyReplicationGroup", f"not {AuthToken} now")
        if AuthTokenUpdateStrategy == "ROTATE":
            self._change([*[token for token in self.passwords if token != AuthToken][-1:], AuthToken])
        elif AuthTokenUpdateStrategy == "SET" and self.passwords[-1] == AuthToken:
            self._change([AuthToken])
        else:
            raise error("InvalidParameterValue", "ModifyReplicationGroup", f"not {AuthToken}")
        return {"ReplicationGroup": {"ReplicationGroupId": ReplicationGroupId}}

    def _told(self) -> bool:
        since = self.account.clock() - self._changed - self.knobs.status_after
        return 0 <= since < self.knobs.status_for

    def _change(self, passwords: list[str]) -> None:
        self.passwords = list(passwords)
        self._changed = self.account.clock()
        self._changes += 1
        if self.knobs.never:
            return
        for number, server in enumerate(self.servers):
            self._later(self.knobs.applied_after + (self.knobs.lag if number else 0), server)

    def _later(self, seconds: float, server: Server) -> None:
        change, passwords = self._changes, self.passwords

        def apply() -> None:
            # A replica lags by seconds, and yet takes changes in their order.
            if self._applied.get(server.port, 0) <= change:
                self._applied[server.port] = change
                server.accept(self.user_name, passwords, self.rules)

        if seconds:
            self.account.clock.later(seconds, apply)
        else:
            apply()
