"""The peers' examples, and how many lines each of them takes there and here; docs/peers.md has the table.

Blank lines, comments, docstrings and tags do not count. There, the blocks of modules and resources count, with those of
the VPC, and neither variables, providers, outputs nor what only tests the module. Here, the function's body counts.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

CONFIGURATIONS = Path(__file__).with_name("configurations.py")
DOCUMENT = ROOT / "docs" / "peers.md"
BEGIN, END = "<!-- python -m tests.docs writes from here -->\n\n", "\n<!-- to here -->\n"
TAM, CPR, CPM, PS = (
    "terraform-aws-modules/terraform-aws-elasticache",
    "cloudposse/terraform-aws-elasticache-redis",
    "cloudposse/terraform-aws-elasticache-memcached",
    "aws-samples/aws-cdk-examples-proserve",
)


@dataclass(frozen=True)
class Peer:
    """An example of a peer.

    Attributes:
        function: The function that says it here.
        repository: Its repository on GitHub.
        folder: Its folder there.
        commit: The commit that was counted.
        lines: Its lines.
        otherwise: What is said otherwise here, and why; empty if nothing.
    """

    function: str
    repository: str
    folder: str
    commit: str
    lines: int
    otherwise: str = ""


PEERS = (
    Peer(
        "tam_redis_replication_group",
        TAM,
        "examples/redis-replication-group",
        "187771b36be5aa213bb404d1bfda213b04cbfe2c",
        39,
        "The token is generated into a secret.",
    ),
    Peer(
        "tam_redis_cluster_mode",
        TAM,
        "examples/redis-cluster-mode",
        "187771b36be5aa213bb404d1bfda213b04cbfe2c",
        69,
        "Passwords are generated into secrets, and users have no commands of administrators.",
    ),
    Peer(
        "tam_redis_cluster",
        TAM,
        "examples/redis-cluster",
        "187771b36be5aa213bb404d1bfda213b04cbfe2c",
        39,
        "A replication group with one node: a cluster of Redis OSS that is no group has no encryption.",
    ),
    Peer(
        "tam_redis_global",
        TAM,
        "examples/redis-global-replication-group",
        "187771b36be5aa213bb404d1bfda213b04cbfe2c",
        53,
        "Minor versions are upgraded by hand, as the service asks of a global datastore.",
    ),
    Peer(
        "tam_redis_with_cluster_replica",
        TAM,
        "examples/redis-replication-group-with-cluster-replica",
        "50397d1c58ffa83c42eead24d9aa02baf92e9cab",
        91,
        "The replica is a number of the group, and both logs are delivered.",
    ),
    Peer(
        "tam_valkey_replication_group",
        TAM,
        "examples/valkey-replication-group",
        "50397d1c58ffa83c42eead24d9aa02baf92e9cab",
        40,
        "The token is that of the default user.",
    ),
    Peer(
        "tam_memcached_cluster",
        TAM,
        "examples/memcached-cluster",
        "187771b36be5aa213bb404d1bfda213b04cbfe2c",
        42,
    ),
    Peer(
        "tam_serverless_cache",
        TAM,
        "examples/serverless-cache",
        "03f6e43686db69177d7e609ec5fb3516baabaf73",
        66,
        "The users have passwords.",
    ),
    Peer(
        "cpr_complete",
        CPR,
        "examples/complete",
        "033d901de0b88fc5254b7733160d02c780312f42",
        36,
        "Encrypted at rest, which costs nothing, and without a DNS name, which TLS would not verify.",
    ),
    Peer(
        "cpr_serverless",
        CPR,
        "examples/serverless",
        "49ab8a3b3e892e343347f9316c896279688d022b",
        27,
        "Without a DNS name, which TLS would not verify.",
    ),
    Peer(
        "cpr_simple",
        CPR,
        "examples/simple",
        "2ab3ee7f47a1758424ddbedfeb47469ba9add5bc",
        35,
        "Redis OSS 7.1 and t4g: version 4.0.10 and t2 are not available for new caches.",
    ),
    Peer(
        "cpm_complete",
        CPM,
        "examples/complete",
        "1522b0b14484d48d1921ae4fb540155cb9955eb4",
        29,
        "Memcached 1.6.22 and t4g: version 1.5.16 has no TLS, and t2 is not available for new caches.",
    ),
    Peer(
        "ps_replication_group",
        PS,
        "python/elasticache",
        "79b742bf6150373c66ee5b5468644c3305321645",
        97,
        "Redis OSS 6.2: users need 6.0. There, only the stack, the users and the settings are counted.",
    ),
)


def lines_here() -> dict[str, int]:
    """The lines of each function of `configurations.py`, by its name."""
    text = CONFIGURATIONS.read_text()
    return {
        item.name: sum(map(_is_code, text.splitlines()[item.body[1].lineno - 1 : item.end_lineno]))
        for item in ast.parse(text).body
        if isinstance(item, ast.FunctionDef)
    }


def _is_code(line: str) -> bool:
    return bool(line.strip()) and not line.strip().startswith("#")


def written() -> str:
    """The document with its table as it should be."""
    here = lines_here()
    rows = ["| example | lines there | lines here | said otherwise |", "| --- | --: | --: | --- |"]
    rows += [
        f"| [{peer.repository.rpartition('/')[2]}: {peer.folder.rpartition('/')[2]}]"
        f"(https://github.com/{peer.repository}/tree/{peer.commit}/{peer.folder}) "
        f"| {peer.lines} | {here[peer.function]} | {peer.otherwise} |"
        for peer in PEERS
    ]
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    return before + BEGIN + "\n".join(rows) + "\n" + END + rest.partition(END)[2]
