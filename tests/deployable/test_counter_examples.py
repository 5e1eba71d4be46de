"""What was accepted once, and should not have been: each was found by the properties, and stays here by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from elasticache_constructs import (
    Access,
    ConfigurationError,
    DefaultUser,
    Engine,
    IamUser,
    NodeType,
    PasswordUser,
    Permissions,
    ServerlessEngine,
    Snapshot,
)

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = DefaultUser.with_token()
WRITER = Permissions("on %W~app:* +@write -function -@dangerous")
DUMP = "arn:aws:s3:::backups/dump.rdb"


@pytest.mark.parametrize(
    ("refused", "rule"),
    [
        pytest.param(
            lambda: NodeType("cache.r8g.48xlarge", unlisted=True).check(engine=Engine.REDIS_7_1, region="eu-west-1"),
            "NOD-04",
            id="a new size of a family that the engine does not run on",
        ),
        pytest.param(
            lambda: NodeType("cache.m4.16xlarge", unlisted=True).check(
                engine=Engine.VALKEY_8_2, region="eu-west-1", ipv6=True
            ),
            "NOD-20",
            id="a new size of a family without IPv6",
        ),
        pytest.param(
            lambda: NodeType("cache.t2.large", unlisted=True), "NOD-09", id="a new size of a family that is closed"
        ),
        pytest.param(lambda: NodeType("cache.t2.large"), "NOD-09", id="the same without saying that it is new"),
        pytest.param(
            lambda: ServerlessEngine("redis", "", unlisted=True), "SLS-26", id="a new major version without a number"
        ),
        pytest.param(lambda: Snapshot.rdb_files([DUMP, DUMP]), "SNP-10", id="a file that is named twice"),
        pytest.param(
            lambda: Access.users(default=TOKEN, removing=[PasswordUser("app", WRITER)]).check_engine(Engine.REDIS_6_2),
            "RBC-10",
            id="words of a user who is leaving",
        ),
        pytest.param(
            lambda: Access.users(default=TOKEN, removing=[IamUser("app", Permissions.read_only("app:*"))]).check_engine(
                Engine.REDIS_6_2
            ),
            "IAM-01",
            id="an IAM user who is leaving",
        ),
    ],
)
def test_it_is_refused(refused: Callable[[], object], rule: str) -> None:
    """The rule that it breaks is named."""
    with pytest.raises(ConfigurationError) as refusal:
        refused()
    assert [rule] == [error.rule for error in refusal.value.errors]


def test_a_new_size_has_what_its_family_has() -> None:
    """Data tiering is switched on for a size that is newer than the catalogue."""
    assert NodeType("cache.r6gd.24xlarge", unlisted=True).has_data_tiering
