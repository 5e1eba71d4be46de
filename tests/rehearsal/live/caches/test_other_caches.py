"""Memcached clusters, serverless caches, single nodes, and the delivery of logs."""

from __future__ import annotations

import json
import socket
import ssl
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from local_servers.waiting import wait_until
from rehearsal.extension import seam
from rehearsal.live.caches import logs
from rehearsal.live.engines import memcached

if TYPE_CHECKING:
    from tests.rehearsal.live.caches.conftest import Service

SERVERLESS = "AWS::ElastiCache::ServerlessCache"
needs_memcached = pytest.mark.skipif(memcached.program() is None, reason="memcached is not installed")


def _memcached(service: Service, **changes: Any) -> Any:
    asked = {"Engine": "memcached", "EngineVersion": "1.6.22", "CacheNodeType": "cache.t4g.small", "NumCacheNodes": 2}
    service("CreateCacheCluster", CacheClusterId="pages", TransitEncryptionEnabled="true", **{**asked, **changes})
    return service.caches.memcached["pages"]


def _ask(service: Service, host: str, command: bytes, end: bytes) -> bytes:
    context = ssl.create_default_context(cafile=service.run.authority.ca_file)
    address = (service.run.addresses.address_of(host), 11211)
    with socket.create_connection(address) as plain, context.wrap_socket(plain, server_hostname=host) as secure:
        secure.sendall(command)
        answer = b""
        while not answer.endswith(end):
            answer += secure.recv(4096)
        return answer


@needs_memcached
def test_memcached_nodes_are_discovered_and_apart(service: Service) -> None:
    """The configuration endpoint lists the nodes; each has separate data, and a change of their number is listed."""
    cluster = _memcached(service)
    mark = cluster.names.mark
    described = service("DescribeCacheClusters", CacheClusterId="pages", ShowCacheNodeInfo="true")
    hosts = [f"pages.{mark}.{number}.euw1.cache.amazonaws.com" for number in ("0001", "0002")]
    configuration = f"pages.{mark}.cfg.euw1.cache.amazonaws.com"
    assert service.texts(described, "Address") == [*hosts, configuration]
    assert _listed(service, configuration) == (1, hosts)
    assert _ask(service, hosts[0], b"set key 0 0 5\r\nvalue\r\n", b"\r\n") == b"STORED\r\n"
    assert _ask(service, hosts[0], b"get key\r\n", b"END\r\n") == b"VALUE key 0 5\r\nvalue\r\nEND\r\n"
    assert _ask(service, hosts[1], b"get key\r\n", b"END\r\n") == b"END\r\n"
    service("ModifyCacheCluster", CacheClusterId="pages", NumCacheNodes=3, ApplyImmediately="true")
    assert _listed(service, configuration) == (2, [*hosts, f"pages.{mark}.0003.euw1.cache.amazonaws.com"])
    service("ModifyCacheCluster", CacheClusterId="pages", NumCacheNodes=1, ApplyImmediately="true")
    assert _listed(service, configuration) == (3, hosts[:1])
    assert service.run.addresses.address_of(hosts[1]) is None


def _listed(service: Service, host: str) -> tuple[int, list[str]]:
    answer = _ask(service, host, b"config get cluster\r\n", b"END\r\n")
    _, version, nodes, *_ = answer.decode().split("\n")
    return int(version), [node.split("|")[0] for node in nodes.split()]


@needs_memcached
def test_killed_memcached_node_comes_back_empty(service: Service) -> None:
    """The watch replaces the node under the same name."""
    cluster = _memcached(service)
    host = cluster.names.memcached_node("0001")
    _ask(service, host, b"set key 0 0 5\r\nvalue\r\n", b"\r\n")
    service.control("kill-node", node="pages-0001")
    wait_until(lambda: "Finished recovery for cache nodes 0001" in service.events("pages"), "the node is back")
    assert _ask(service, host, b"get key\r\n", b"END\r\n") == b"END\r\n"


@needs_memcached
def test_memcached_parameters(service: Service) -> None:
    """A value reaches the program, one that it refuses fails the cluster, and its true version is reported."""
    seam.elasticache._param_groups.pop("items", None)
    service(
        "CreateCacheParameterGroup",
        CacheParameterGroupName="items",
        CacheParameterGroupFamily="memcached1.6",
        Description="x",
    )
    for value, accepted in (("2097152", True), ("1", False)):
        service(
            "ModifyCacheParameterGroup",
            CacheParameterGroupName="items",
            **{
                "ParameterNameValues.ParameterNameValue.1.ParameterName": "max_item_size",
                "ParameterNameValues.ParameterNameValue.1.ParameterValue": value,
            },
        )
        if accepted:
            cluster = _memcached(service, CacheParameterGroupName="items")
            answer = _ask(service, cluster.names.memcached_node("0001"), b"stats settings\r\n", b"END\r\n")
            assert b"STAT item_size_max 2097152" in answer
            service("DeleteCacheCluster", CacheClusterId="pages")
            continue
        with pytest.raises(Exception, match=r"InvalidParameterValue.*Item max size"):
            _memcached(service, CacheParameterGroupName="items")
    assert "pages" not in seam.elasticache._clusters
    assert service.control("engine-versions")["versions"]["memcached"] == memcached.version(str(memcached.program()))


def test_missing_memcached_is_said(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the program the cluster exists, has names and no engine, and the report says so."""
    monkeypatch.setattr(memcached, "program", lambda: None)
    cluster = _memcached(service)
    assert cluster.nodes == {}
    facts = service.control("engine-versions")
    assert facts["without_engine"] == {"pages": "memcached is not in PATH; install the system's package memcached"}
    described = service("DescribeCacheClusters", CacheClusterId="pages", ShowCacheNodeInfo="true")
    assert all(str(host).endswith(".euw1.cache.amazonaws.com") for host in service.texts(described, "Address"))


def test_serverless_cache_by_cloudformation(service: Service) -> None:
    """One host name has a port for writes and one for reads, in cluster mode, with the users of the user group."""
    service.user("app")
    service("CreateUserGroup", UserGroupId="everybody", Engine="valkey", UserIds=["app"])
    handler = seam.handlers()[SERVERLESS]
    props = {
        "ServerlessCacheName": "sessions",
        "Engine": "valkey",
        "MajorEngineVersion": "8",
        "UserGroupId": "everybody",
    }
    name, attributes = handler["create"]("Logical", props, "stack")
    host = attributes["Endpoint.Address"]
    cache = service.caches.groups[name]
    assert (
        host
        == f"sessions-{cache.names.mark}.serverless.euw1.cache.amazonaws.com"
        == attributes["ReaderEndpoint.Address"]
    )
    assert (attributes["Endpoint.Port"], attributes["ReaderEndpoint.Port"]) == ("6379", "6380")
    assert cache.access.resource == "serverlesscache:sessions"
    login: dict[str, Any] = {"username": "app", "password": "correct-horse-battery"}
    with closing(service.connect(host, **login)) as writer, closing(service.connect(host, 6380, **login)) as reader:
        writer.set("key", "value")
        assert reader.get("key") == "value"
        assert [node[:2] for node in writer.execute_command("CLUSTER", "SLOTS")[0][2:]] == [[host, 6379]]
    handler["update"](name, props, {**props, "Description": "changed"}, "stack")
    assert seam.elasticache._serverless_caches["sessions"]["Description"] == "changed"
    handler["delete"](name, props)
    assert service.run.addresses.address_of(host) is None
    assert "sessions-reader" not in service.run.edge.endpoints


def test_a_single_node_of_redis(service: Service) -> None:
    """CreateCacheCluster makes a node with an engine, and deletion ends it."""
    service(
        "CreateCacheCluster", CacheClusterId="single", Engine="redis", CacheNodeType="cache.t4g.small", NumCacheNodes=1
    )
    described = service("DescribeCacheClusters", CacheClusterId="single", ShowCacheNodeInfo="true")
    host = str(service.texts(described, "Address")[0])
    with closing(service.connect(host, tls=False)) as client:
        assert client.set("key", "value")
    service("DeleteCacheCluster", CacheClusterId="single")
    assert service.run.addresses.address_of(host) is None


def test_logs_are_delivered_without_keys_and_values(service: Service) -> None:
    """Slow commands and the engine's log reach the log groups of the cache in ElastiCache's forms."""
    for name in ("/slow", "/engine"):
        logs.cloudwatch_logs._create_log_group({"logGroupName": name})
    configurations = {
        f"LogDeliveryConfigurationRequest.{number}": {
            "LogType": kind,
            "LogFormat": form,
            "DestinationType": "cloudwatch-logs",
            "DestinationDetails": {"CloudWatchLogsDetails": {"LogGroup": group}},
        }
        for number, (kind, form, group) in enumerate(
            [("slow-log", "json", "/slow"), ("engine-log", "text", "/engine")], 1
        )
    }
    cache = service.group("orders", LogDeliveryConfigurations=configurations)
    primary = cache.group.nodes[0]
    primary.client.config_set("slowlog-log-slower-than", "0")
    with closing(service.connect(cache.names.primary, client_name="application")) as client:
        client.set("customer:42", "a secret")
        client.execute_command("MSET", *(word for number in range(40) for word in (f"k{number}", "v")))
    service.control("deliver-logs")
    slow = [json.loads(line) for line in _lines("/slow", "elasticache/orders-001/0001/slow-log")]
    commands = {entry["Command"] for entry in slow if entry["ClientName"] == "application"}
    assert {"SET ... (2 more arguments)", "MSET ... (80 more arguments)"} <= commands
    assert "secret" not in json.dumps(slow)
    assert {entry["ClientName"] for entry in slow} <= {"application", ""}
    assert set(slow[0]) == {
        "CacheClusterId", "CacheNodeId", "Id", "Timestamp", "Duration (us)", "Command", "ClientAddress", "ClientName",
    }  # fmt: skip
    engine = _lines("/engine", "elasticache/orders-001/0001/engine-log")
    assert any(line.startswith("orders-001/0001:M ") and line.endswith(" UTC * Server initialized") for line in engine)
    assert service.control("deliver-logs")["engine-log"] == 0
    assert len(_lines("/engine", "elasticache/orders-001/0001/engine-log")) == len(engine)


def _lines(group: str, stream: str) -> list[str]:
    return [event["message"] for event in logs.cloudwatch_logs._log_groups[group]["streams"][stream]["events"]]


def test_missing_log_group_is_recorded(service: Service) -> None:
    """A delivery to a log group that does not exist is refused, and said once."""
    configuration = {
        "LogType": "slow-log",
        "LogFormat": "json",
        "DestinationType": "cloudwatch-logs",
        "DestinationDetails": {"CloudWatchLogsDetails": {"LogGroup": "/none"}},
    }
    service.group("orders", LogDeliveryConfigurations={"LogDeliveryConfigurationRequest.1": configuration})
    service.control("deliver-logs")
    refused = [entry for entry in service.journal("delivery") if entry.get("log_group") == "/none"]
    assert [entry["reason"] for entry in refused] == ["the log group /none does not exist"]


def test_true_version_is_reported(service: Service) -> None:
    """The version in the report is what the engine says, whatever the template asks for."""
    cache = service.group("orders", Engine="redis", EngineVersion="7.1")
    said = cache.group.nodes[0].info("server")["valkey_version"]
    assert service.control("engine-versions")["versions"]["valkey"] == said
    assert service.journal("engine")[-1]["version"] == said
