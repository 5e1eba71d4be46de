"""What the rotation function's role needs, step by step; tests take each action away in turn.

Resources, with ``<group>`` for REPLICATION_GROUP_ID:

* ``secretsmanager:*`` on SECRET_ARN; TagResource with the condition ``aws:TagKeys`` = ``elasticache-rotation``.
* ``kms:*`` on the secret's key, by way of Secrets Manager alone (``kms:ViaService``); Lambda itself comes by way
  of SNS for dead letters, and by its own way for the function's settings.
* ``elasticache:DescribeUsers`` and ``ModifyUser`` on ``user:<USER_ID>``; ``DescribeUserGroups`` on the user's groups.
* ``elasticache:DescribeReplicationGroups`` and ``ModifyReplicationGroup`` on ``replicationgroup:<group>``.
* ``elasticache:DescribeCacheClusters`` on ``cluster:<group>-*``.
* ``elasticache:DescribeServerlessCaches`` on ``serverlesscache:<name>``, with SERVERLESS_CACHE_NAME for it.
"""

from __future__ import annotations

from elasticache_constructs.rotation.runtime.rotate_secret.configuration import Kind

_READ_SECRET = frozenset({"secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "kms:Decrypt"})
_WRITE_SECRET = frozenset({"secretsmanager:PutSecretValue", "kms:GenerateDataKey"})
_LABEL = frozenset({"secretsmanager:UpdateSecretVersionStage"})
_RECORD = frozenset({"secretsmanager:TagResource"})
_NODES = frozenset({"elasticache:DescribeReplicationGroups", "elasticache:DescribeCacheClusters"})
_ADDRESSES = frozenset({"elasticache:DescribeServerlessCaches"})

_LOOK = {
    Kind.USER: _READ_SECRET | {"elasticache:DescribeUsers", "elasticache:DescribeUserGroups"},
    Kind.AUTH_TOKEN: _READ_SECRET,
}
_MODIFY = {
    Kind.USER: frozenset({"elasticache:ModifyUser"}),
    Kind.AUTH_TOKEN: frozenset({"elasticache:ModifyReplicationGroup"}),
}
_STRAYS = {Kind.USER: frozenset[str](), Kind.AUTH_TOKEN: frozenset({"secretsmanager:ListSecretVersionIds"})}


def actions_by_step(kind: Kind, *, serverless: bool = False) -> dict[str, frozenset[str]]:
    """The actions that each step calls, over all its paths, for a replication group or a serverless cache."""
    look, modify = _LOOK[kind] | (_ADDRESSES if serverless else _NODES), _MODIFY[kind]
    return {
        "createSecret": look | _WRITE_SECRET,
        "setSecret": look | modify | _STRAYS[kind],
        "testSecret": look,
        "finishSecret": look | _LABEL | _RECORD,
        "retire": look | modify | _RECORD,
        "abort": look | modify | _LABEL,
        "status": frozenset({"secretsmanager:DescribeSecret"}),
    }
