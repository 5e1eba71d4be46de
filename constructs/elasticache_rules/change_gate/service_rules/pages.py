"""The rules that the gate knows, by their id in the catalogue of the service's rules, each with its AWS page."""

from __future__ import annotations

_GUIDE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/"
_API = "https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/"
_CFN = "https://docs.aws.amazon.com/AWSCloudFormation/latest/"

_REPLICATION_GROUP = f"{_CFN}TemplateReference/aws-resource-elasticache-replicationgroup.html"
_CLUSTER = f"{_CFN}TemplateReference/aws-resource-elasticache-cachecluster.html"
_SERVERLESS = f"{_CFN}TemplateReference/aws-resource-elasticache-serverlesscache.html"
_UPGRADES = f"{_GUIDE}VersionManagement.HowTo.html"
_USERS = f"{_GUIDE}Clusters.RBAC.html"
_TLS = f"{_GUIDE}in-transit-encryption-enable.html"
_CLUSTER_MODE = f"{_GUIDE}modify-cluster-mode.html"
_FAILOVER = f"{_GUIDE}AutoFailover.html"
_GLOBAL = f"{_GUIDE}Redis-Global-Datastore.html"
_PARAMETERS = f"{_GUIDE}ParameterGroups.html"
_RESHARDING = f"{_CFN}TemplateReference/aws-attribute-updatepolicy.html"
_REPLACEMENT = f"{_CFN}UserGuide/using-cfn-updating-stacks-update-behaviors.html"

PAGES = {
    "ASC-08": f"{_GUIDE}AutoScaling.html",
    "AUT-05": f"{_GUIDE}auth.html",
    "AUT-06": f"{_GUIDE}auth.html",
    "AUT-07": _REPLICATION_GROUP,
    "AUT-08": _REPLICATION_GROUP,
    "AUT-09": f"{_GUIDE}auth.html",
    "DEL-04": f"{_API}API_DeleteCacheCluster.html",
    "DUR-04": _REPLICATION_GROUP,
    "ENG-10": _UPGRADES,
    "ENG-11": _UPGRADES,
    "ENG-12": _UPGRADES,
    "ENG-13": _USERS,
    "ENG-14": f"{_GUIDE}VersionManagement-upgrade-considerations.html",
    "ENG-15": _CLUSTER,
    "ENG-16": _UPGRADES,
    "ENG-21": _GLOBAL,
    "ENG-23": _UPGRADES,
    "ENG-24": _UPGRADES,
    "GDS-06": _REPLICATION_GROUP,
    "GDS-08": _GLOBAL,
    "GDS-09": _GLOBAL,
    "KMS-01": f"{_GUIDE}at-rest-encryption.html",
    "KMS-11": _SERVERLESS,
    "LOG-04": f"{_GUIDE}Log_Delivery.html",
    "MEM-05": f"{_API}API_ModifyCacheCluster.html",
    "MEM-07": _CLUSTER,
    "NAM-15": f"{_CFN}TemplateReference/aws-properties-name.html",
    "NET-04": f"{_API}API_ModifyCacheSubnetGroup.html",
    "NET-11": _REPLICATION_GROUP,
    "NET-12": _REPLICATION_GROUP,
    "NOD-17": f"{_GUIDE}redis-cluster-vertical-scaling.html",
    "NOD-18": f"{_GUIDE}data-tiering.html",
    "NOD-19": f"{_API}API_ModifyCacheCluster.html",
    "PGR-02": _PARAMETERS,
    "PGR-07": _PARAMETERS,
    "PGR-08": f"{_GUIDE}ParameterGroups.Engine.html",
    "PGR-09": _PARAMETERS,
    "PGR-10": f"{_API}API_ModifyCacheParameterGroup.html",
    "PGR-15": f"{_GUIDE}ParameterGroups.Engine.html",
    "RBC-25": _USERS,
    "RBC-26": f"{_CFN}TemplateReference/aws-resource-elasticache-user.html",
    "SLS-13": f"{_API}API_ModifyServerlessCache.html",
    "SLS-15": _SERVERLESS,
    "SLS-17": _UPGRADES,
    "SLS-18": _UPGRADES,
    "SNP-08": f"{_GUIDE}backups-automatic.html",
    "SNP-09": _REPLICATION_GROUP,
    "TAG-03": f"{_CFN}TemplateReference/aws-resource-elasticache-usergroup.html",
    "TLS-05": _CLUSTER,
    "TLS-06": _TLS,
    "TLS-08": _TLS,
    "TLS-09": _TLS,
    "TLS-10": _TLS,
    "TLS-12": _USERS,
    "TLS-18": _TLS,
    "TOP-05": _FAILOVER,
    "TOP-07": _FAILOVER,
    "TOP-18": _RESHARDING,
    "TOP-21": _REPLICATION_GROUP,
    "TOP-22": _CLUSTER_MODE,
    "TOP-23": _CLUSTER_MODE,
    "TOP-25": f"{_API}API_DecreaseReplicaCount.html",
    "TOP-26": f"{_API}API_ModifyReplicationGroup.html",
    "TOP-28": _REPLICATION_GROUP,
    "UPD-01": _REPLICATION_GROUP,
    "UPD-02": _REPLICATION_GROUP,
    "UPD-03": _CLUSTER,
    "UPD-04": _SERVERLESS,
    "UPD-05": _RESHARDING,
    "UPD-06": _RESHARDING,
    "UPD-07": _REPLICATION_GROUP,
    "UPD-08": _FAILOVER,
    "UPD-09": f"{_CFN}TemplateReference/aws-resource-elasticache-user.html",
    "UPD-10": f"{_CFN}TemplateReference/aws-resource-elasticache-usergroup.html",
    "UPD-11": f"{_CFN}TemplateReference/aws-resource-elasticache-parametergroup.html",
    "UPD-12": f"{_CFN}TemplateReference/aws-resource-elasticache-subnetgroup.html",
    "UPD-17": _REPLICATION_GROUP,
    "UPD-18": _CLUSTER,
    "UPD-19": _REPLACEMENT,
}

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
