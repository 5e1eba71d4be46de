"""What AWS writes in another form is the same, and each change that AWS does not make by itself is a difference."""

from __future__ import annotations

import pytest

from verification.equality import same

KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234"
ALIASES = {"1234": KEY, "alias/cache": KEY, KEY: KEY}
STATEMENT = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
BROAD = {**STATEMENT, "Principal": "*"}


def _policy(**statement: object) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": [{**STATEMENT, **statement}]}


@pytest.mark.parametrize(
    ("name", "asked", "read", "equal"),
    [
        ("EngineVersion", "7.1", "7.1.0", True),
        ("EngineVersion", "6.x", "6.2.6", True),
        ("EngineVersion", "5.0.6", "5.0.6", True),
        ("EngineVersion", "7.1", "7.2.0", False),
        ("EngineVersion", "7.1", "7.10.0", False),
        ("EngineVersion", "7.1.0", "7.1", False),
        ("EngineVersion", "6.x", "7.0.7", False),
        ("AccessString", "on ~app:* +@read", "on ~app:* -@all +@read", True),
        ("AccessString", "on ~app:* -@all +@read", "on ~app:* -@all +@read", True),
        ("AccessString", "on ~app:* -@all +@read", "on ~app:* +@read", False),
        ("AccessString", "on ~app:* +@read", "on ~app:* +@read -@all", False),
        ("AccessString", "on ~app:* +@read -@write", "on ~app:* -@write +@read", False),
        ("AccessString", "on ~app:* -@all +@read", "on ~app:* -@all -@all +@read", True),
        ("AccessString", "on ~app:* +@read", "on ~app:* +@all", False),
        ("AccessString", "on ~app:* -@all", "on ~app:* +@read -@all", False),
        ("AccessString", "on ~app:* +@read", "off ~app:* -@all +@read", False),
        ("AccessString", "on ~app:* +@read", "on ~* -@all +@read", False),
        ("ReplicationGroupId", "Shop-Cache", "shop-cache", True),
        ("UserIds", ["Orders", "Default"], ["default", "orders"], True),
        ("UserIds", ["orders", "default"], ["default"], False),
        ("UserName", "Orders", "orders", False),
        ("KmsKeyId", "alias/cache", KEY, True),
        ("KmsKeyId", "1234", KEY, True),
        ("KmsMasterKeyId", KEY, "alias/cache", True),
        ("KmsKeyId", KEY, "arn:aws:kms:eu-west-1:111122223333:key/5678", False),
        ("KmsKeyId", KEY, "absent", False),
        ("KeyPolicy", _policy(Action=["kms:*"]), _policy(), True),
        ("KeyPolicy", {**_policy(), "Statement": STATEMENT}, _policy(), True),
        ("KeyPolicy", _policy(Principal="*"), _policy(Principal={"AWS": "*"}), True),
        (
            "KeyPolicy",
            _policy(Principal={"AWS": "111122223333"}),
            _policy(Principal={"AWS": ["arn:aws-cn:iam::111122223333:root"]}),
            True,
        ),
        (
            "KeyPolicy",
            _policy(Condition={"Bool": {"aws:SecureTransport": False}}),
            _policy(Condition={"Bool": {"aws:SecureTransport": ["false"]}}),
            True,
        ),
        ("KeyPolicy", _policy(), _policy(Effect="Deny"), False),
        ("KeyPolicy", _policy(Principal={"AWS": "111122223333"}), _policy(Principal="*"), False),
        (
            "KeyPolicy",
            _policy(Principal={"AWS": "111122223333"}),
            _policy(Principal={"AWS": "arn:aws:iam::111122223333:role/root"}),
            False,
        ),
        ("KeyPolicy", _policy(Action="kms:Decrypt"), _policy(Action=["kms:Decrypt", "kms:Encrypt"]), False),
        ("Threshold", 65, 65.0, True),
        ("Threshold", 65, 65.5, False),
        ("SubnetIds", ["a", "b"], ["b", "a"], True),
        ("SubnetIds", ["a"], ["a", "a"], False),
        ("MultiAZEnabled", "true", True, True),
        ("MultiAZEnabled", "true", False, False),
        ("Description", "", " ", False),
        ("SnapshotWindow", "Sun", "sun", False),
    ],
)
def test_only_what_aws_changes_by_itself_is_passed_over(name: str, asked: object, read: object, equal: bool) -> None:  # noqa: FBT001
    """Each form that AWS gives a value is the same, and what resembles it is not."""
    found = same(name, asked, read, engine="redis", key_arn=lambda key: ALIASES.get(key, key))
    assert equal is found


def test_memcached_has_the_patch_that_was_asked_for() -> None:
    """Of Memcached the template names the patch, so another one is a difference."""
    assert same("EngineVersion", "1.6.22", "1.6.22", engine="memcached")
    assert not same("EngineVersion", "1.6", "1.6.22", engine="memcached")
