"""The rules that say which properties can be set at creation only."""

from __future__ import annotations

CREATE_ONLY = {
    "AWS::ElastiCache::ReplicationGroup": "UPD-01",
    "AWS::ElastiCache::CacheCluster": "UPD-03",
    "AWS::ElastiCache::ServerlessCache": "UPD-04",
    "AWS::ElastiCache::User": "UPD-09",
    "AWS::ElastiCache::UserGroup": "UPD-10",
    "AWS::ElastiCache::ParameterGroup": "UPD-11",
    "AWS::ElastiCache::SubnetGroup": "UPD-12",
}
"""The rule that lists a type's create-only properties."""

_ALSO = {
    ("ReplicationGroup", "AtRestEncryptionEnabled"): "KMS-01",
    ("ReplicationGroup", "KmsKeyId"): "KMS-01",
    ("ReplicationGroup", "GlobalReplicationGroupId"): "GDS-06",
    ("ReplicationGroup", "SnapshotArns"): "SNP-09",
    ("ReplicationGroup", "SnapshotName"): "SNP-09",
    ("ReplicationGroup", "CacheSubnetGroupName"): "NET-11",
    ("ReplicationGroup", "Port"): "NET-12",
    ("CacheCluster", "CacheSubnetGroupName"): "NET-11",
    ("CacheCluster", "Engine"): "ENG-15",
    ("CacheCluster", "Port"): "NET-12",
    ("CacheCluster", "SnapshotArns"): "SNP-09",
    ("CacheCluster", "SnapshotName"): "SNP-09",
    ("ServerlessCache", "KmsKeyId"): "KMS-11",
    ("ServerlessCache", "SnapshotArnsToRestore"): "SLS-15",
    ("User", "UserId"): "RBC-26",
    ("User", "UserName"): "RBC-26",
    ("ParameterGroup", "CacheParameterGroupFamily"): "PGR-02",
}


def create_only_rules(kind: str, name: str) -> tuple[str, ...]:
    """The ids of the rules that say that a property cannot be changed; none outside ElastiCache."""
    if kind not in CREATE_ONLY:
        return ()
    also = _ALSO.get((kind.rpartition("::")[2], name))
    return (CREATE_ONLY[kind], *([also] if also else []))
