"""Messages at the edges: a token is said in words, and invisible characters are refused and shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from application_constructs.database import DatabaseUser
from elasticache_constructs import (
    Access,
    Backups,
    CacheNetwork,
    ConfigurationError,
    DefaultUser,
    EncryptionKey,
    Engine,
    IamUser,
    LogDelivery,
    NetworkType,
    PasswordUser,
    Permissions,
    Rotation,
    ServerlessEngine,
    ServerlessLimits,
    Snapshot,
    Topology,
    TransitEncryption,
    acknowledge,
)
from elasticache_constructs.checks.errors import in_words
from tests.conftest import new_bench
from tests.rules.row import cluster, group
from tests.rules.rows_serverless import cache
from tests.unit.builders import replication_group

if TYPE_CHECKING:
    from collections.abc import Callable

STACK = cdk.Stack(cdk.App(), "Messages")
TEXT: Any = cdk.CfnParameter(STACK, "Text").value_as_string
NUMBER: Any = cdk.CfnParameter(STACK, "Number", type="Number").value_as_number
LIST: Any = cdk.CfnParameter(STACK, "List", type="CommaDelimitedList").value_as_list
READ = Permissions.read_only("a:*")
ANYWHERE = ec2.SubnetSelection()
RAW = re.compile(r"Token\[|e\+289|token-token|TOKEN")

REFUSED: dict[str, Callable[[], object]] = {
    "an IAM user's name": lambda: IamUser(TEXT, READ),
    "a part of it": lambda: IamUser(f"app-{TEXT}", READ),
    "a password user's name": lambda: PasswordUser(TEXT, READ),
    "a database user's name": lambda: DatabaseUser(TEXT),
    "an engine": lambda: Engine(TEXT, "8.2"),
    "its version": lambda: Engine("valkey", TEXT),
    "its family": lambda: Engine("valkey", "8.2", TEXT),
    "a serverless engine": lambda: ServerlessEngine(TEXT, "8"),
    "its version too": lambda: ServerlessEngine("valkey", TEXT),
    "an access string": lambda: Permissions(TEXT),
    "days between rotations": lambda: Rotation(vpc_subnets=ANYWHERE, every_days=NUMBER),
    "minutes of grace": lambda: Rotation(vpc_subnets=ANYWHERE, grace_minutes=NUMBER),
    "shards": lambda: Topology(shards=NUMBER),
    "replicas": lambda: Topology(replicas_per_shard=NUMBER),
    "a quota": lambda: Topology(node_quota=NUMBER),
    "a cluster mode": lambda: Topology(cluster_mode=TEXT),
    "nodes": lambda: cluster(nodes=NUMBER),
    "limits": lambda: ServerlessLimits(maximum_storage_gb=NUMBER, maximum_ecpu_per_second=NUMBER),
    "a network type": lambda: NetworkType(TEXT),
    "a mode of TLS": lambda: TransitEncryption(TEXT),
    "a format": lambda: LogDelivery(log_format=TEXT),
    "a reason": lambda: Backups(short_retention_reason=TEXT, retention_days=5),
    "a longer one": lambda: Backups(short_retention_reason=f"Until {TEXT} it is made up again", retention_days=5),
    "a range": lambda: CacheNetwork(STACK, "Range", cidr=TEXT),
    "max_azs": lambda: CacheNetwork(STACK, "Zones", availability_zones=LIST),
    "their number": lambda: CacheNetwork(STACK, "Count", max_azs=NUMBER),
    "a parameter's name": lambda: group(parameters={TEXT: "1"}),
    "a value of the wrong type": lambda: group(parameters={"timeout": NUMBER}),
    "a whole argument": lambda: group(engine=TEXT),
    "a window that is a number": lambda: group(maintenance_window=NUMBER),
    "a port of a text": lambda: cluster(parameters=TEXT),
}


@pytest.mark.parametrize("what", REFUSED)
def test_token_is_said_in_words(what: str) -> None:
    """Neither what was got nor what to write shows how the CDK writes a token."""
    with pytest.raises(ConfigurationError) as refusal:
        REFUSED[what]()
    assert [] == RAW.findall(str(refusal.value))
    assert re.search("known (at deployment only|only when it is deployed)", str(refusal.value))


@pytest.mark.parametrize(
    "token",
    [TEXT, NUMBER, LIST, [TEXT], f"a-{TEXT}-b", {"a": NUMBER}],
    ids=["text", "number", "list", "in a list", "in a text", "in a mapping"],
)
def test_every_form_of_a_token_is_said_in_words(token: Any) -> None:
    """In texts, lists and numbers; the one place that writes messages knows them all."""
    error = ConfigurationError(got=f"x={token!r}", allowed=f"{token}", fix=f"Use {token!r}")
    assert [] == RAW.findall(str(error))
    assert [] == RAW.findall(f"{error.got} {error.allowed} {error.fix}")
    assert "port=6379" == in_words("port=6379")


def test_serverless_cache_has_no_choice_of_addresses() -> None:
    """What the resource has no property for is refused, not dropped."""
    with pytest.raises(ConfigurationError, match=r"ip_discovery='ipv6'.*Use NetworkType\.dual_stack\(\)"):
        cache(network_type=NetworkType.dual_stack(ip_discovery="ipv6"))
    cache(network_type=NetworkType.dual_stack())
    cache(network_type=NetworkType.IPV6)


UNSEEN = {
    "CR": "\r",
    "LF": "\n",
    "NUL": "\0",
    "tab": "\t",
    "escape": "\x1b",
    "delete": "\x7f",
    "C1": "\x85",
    "right-to-left override": "\u202e",
    "isolate": "\u2066",
    "zero-width space": "\u200b",
    "zero-width joiner": "\u200d",
    "byte order mark": "\ufeff",
    "soft hyphen": "\xad",
    "line separator": "\u2028",
    "tag": "\U000e0041",
}
OF_TEXTS: dict[str, Callable[[str], object]] = {
    "a group's description": lambda text: group(description=text),
    "a serverless cache's": lambda text: cache(description=text),
    "a key's": lambda text: EncryptionKey(new_bench().stack, "Key", description=text),
    "an access string": lambda text: Permissions(f"on ~{text}:* -@all +@read"),
    "a pattern": lambda text: Permissions.read_only(f"{text}*"),
    "a channel": lambda text: Permissions.publish(f"{text}*"),
    "a parameter": lambda text: group(parameters={"notify-keyspace-events": text}),
    "an unlisted one": lambda text: group(unlisted_parameters={"new": text}),
    "its name": lambda text: cluster(unlisted_parameters={text: "new"}),
    "a file": lambda text: Snapshot.rdb_files([f"arn:aws:s3:::bucket/{text}/a.rdb"]),
    "a snapshot": Snapshot.named,
    "a user": lambda text: IamUser(text, READ),
    "a user with a password": lambda text: PasswordUser(text, READ),
    "a database user": DatabaseUser,
    "a stream": lambda text: LogDelivery(firehose_stream=text),
    "a window": lambda text: group(maintenance_window=f"sun:04:00-sun:05:00{text}"),
}


@pytest.mark.each_value
@pytest.mark.parametrize("character", UNSEEN)
@pytest.mark.parametrize("what", OF_TEXTS)
def test_what_is_not_seen_is_refused(what: str, character: str) -> None:
    """Wherever a text is taken; and the message does not do to its reader what the text would have done."""
    with pytest.raises(ConfigurationError) as refusal:
        OF_TEXTS[what](f"orders{UNSEEN[character]}api")
    assert UNSEEN[character] not in str(refusal.value)


@pytest.mark.parametrize("character", sorted(UNSEEN.keys() - {"LF"}))
def test_reasons_are_read_as_they_are(character: str) -> None:
    """A reason may have several lines, and nothing else that is not seen."""
    reason = f"Made up again at\nevery deployment{UNSEEN[character]}"
    with pytest.raises(ConfigurationError, match=f"U\\+{ord(UNSEEN[character]):04X}"):
        Access.without_login(reason=reason)
    with pytest.raises(ConfigurationError):
        acknowledge(STACK, {"A::B": reason})
    Access.without_login(reason="Made up again at\nevery deployment")


def test_other_languages_are_seen() -> None:
    """Letters, signs and spaces of any language are fine."""
    group(description="Sitzungen für Köln — 注文の在庫, заказы, הזמנות 🛒")
    replication_group(new_bench(), access=Access.users(default=DefaultUser.with_token(Permissions.read_only("ключ:*"))))
