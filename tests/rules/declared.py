"""How the rules that no code names are kept, told by hand: each with the place that makes it so.

Whatever code does name is found by `in_code` and must not stand here as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class How(Enum):
    """How a rule is kept."""

    REFUSED = "refused"
    """By the check of another rule."""
    IMPOSSIBLE = "cannot be written"
    ALWAYS = "always so"
    NOT_EXPOSED = "not exposed"
    NO_PROPERTY = "no such property"
    """CloudFormation has none."""
    CDK = "refused by the CDK"
    ACCOUNT = "account"
    """Only the account's state tells."""
    DOCUMENTED = "documented"
    RUN_TIME = "run time"
    """Nothing that a template says changes it."""


@dataclass(frozen=True, slots=True)
class Declared:
    """How one rule is kept."""

    how: How
    where: str
    """A rule's id; an object by its dotted path; a property as ``AWS::ElastiCache::User.UserId``, or a type; a file."""
    why: str
    """A sentence without its full stop; where it is documented, words that stand there."""


_EC = "elasticache_constructs"
_RG = "AWS::ElastiCache::ReplicationGroup"
_CC = "AWS::ElastiCache::CacheCluster"
_CREATE_ACCESS = f"{_EC}.access.resources.create_access"
_USERS = f"{_EC}.access.resources._Users"
_GROUP = f"{_EC}.replication_group.construct.ReplicationGroup"
_GROUP_SETTINGS = f"{_EC}.replication_group.settings.ReplicationGroupSettings"
_MEMCACHED = f"{_EC}.memcached_cluster.construct.MemcachedCluster"
_MEMCACHED_SETTINGS = f"{_EC}.memcached_cluster.settings.MemcachedClusterSettings"
_SERVERLESS = f"{_EC}.serverless_cache.construct.ServerlessCache"
_PARAMETER_GROUP = f"{_EC}.values.parameters.create_parameter_group"


def _refused(by: str, why: str) -> Declared:
    return Declared(How.REFUSED, by, why)


def _impossible(where: str, why: str) -> Declared:
    return Declared(How.IMPOSSIBLE, where, why)


def _always(where: str, why: str) -> Declared:
    return Declared(How.ALWAYS, where, why)


def _not_exposed(where: str, why: str = "") -> Declared:
    return Declared(How.NOT_EXPOSED, where, why)


def _no_property(where: str, why: str = "") -> Declared:
    return Declared(How.NO_PROPERTY, where, why)


def _account(why: str) -> Declared:
    return Declared(How.ACCOUNT, "", why)


def _documented(where: str, words: str) -> Declared:
    return Declared(How.DOCUMENTED, where, words)


def _run_time(why: str) -> Declared:
    return Declared(How.RUN_TIME, "", why)


_GENERATED = "CloudFormation generates the name"
_SECONDARY = f"{_EC}.SecondaryReplicationGroup"
_SNAPSHOT = _not_exposed("AWS::ElastiCache::Snapshot", "no manual snapshots")
_TOKEN = _always(f"{_EC}.access.password_secret.PasswordSecret", "passwords are generated: 64 letters and digits")
_FAILOVER = _always(f"{_EC}.Topology.multi_az", "failover and Multi-AZ are on together, from one replica on")
_MODE = _impossible(f"{_USERS}._add", "the mode follows from the kind of user: IamUser, PasswordUser or DefaultUser")

DECLARED: dict[str, Declared] = {
    # Names
    "NAM-03": _not_exposed("AWS::ElastiCache::SubnetGroup.CacheSubnetGroupName", _GENERATED),
    "NAM-04": _no_property("AWS::ElastiCache::ParameterGroup.CacheParameterGroupName", _GENERATED),
    "NAM-07": _always(_CREATE_ACCESS, "ids are references to the users and the group made with them"),
    "NAM-08": _refused("NAM-05", "one check for the user's id and name"),
    "NAM-12": _always(
        f"{_EC}.replication_group.settings._named_shards", "shards are numbered as the service does, from 0001"
    ),
    "NAM-13": _account("whether a cluster has the name of a node already; the group's own is generated"),
    # Engines
    "ENG-07": _impossible(f"{_EC}.Engine", "an engine always has a version"),
    "ENG-08": _impossible(f"{_EC}.Engine", "an engine always has a version"),
    "ENG-19": _refused("ENG-03", "versions that are not on offer"),
    "ENG-20": _run_time("minor upgrades move the running version ahead of the template, which is wanted"),
    "ENG-22": _refused("RBC-02", "each feature's own rule: RBC-02, IAM-01, NET-13, NOD-05, TLS-06, TOP-23, DTI-01"),
    # Parameter groups
    "PGR-11": _always(_PARAMETER_GROUP, "the cache refers to its group, so CloudFormation removes the cache first"),
    "PGR-12": _refused("PGR-07", "cluster-enabled cannot be set by hand"),
    "PGR-13": _always(_PARAMETER_GROUP, "cluster-enabled follows from the topology"),
    "PGR-14": _always(_PARAMETER_GROUP, "cluster-enabled follows from the topology"),
    "PGR-17": _refused("DTI-02", "one check of maxmemory-policy with data tiering"),
    "PGR-18": _impossible(_GROUP, "an index of vectors is made by a client, not by a template"),
    "PGR-19": _always(f"{_EC}.access.access_string.AccessString.written", "resetchannels is added where no channel is"),
    # Node types
    "NOD-02": _refused("NOD-01", "sizes that are not on offer; data tiering is on with r6gd"),
    "NOD-11": _refused("NOD-10", "new caches cannot have t1"),
    "NOD-12": _refused("NOD-09", "new caches cannot have t2"),
    "NOD-13": _refused("NOD-10", "new caches cannot have m1 or m2"),
    "NOD-14": _refused("NOD-10", "the families without it are those that new caches cannot have"),
    "NOD-16": _account(
        "whether an Availability Zone has the capacity; replication groups name none unless they are told to"
    ),
    "NOD-21": _run_time("burstable nodes without credits are slower; a choice of price"),
    "NOD-22": _impossible(_GROUP, "node_type is required"),
    # Topology
    "TOP-01": _refused("TOP-03", "a group without cluster mode has a primary and 0 to 5 replicas"),
    "TOP-02": _FAILOVER,
    "TOP-08": _FAILOVER,
    "TOP-09": _FAILOVER,
    "TOP-11": _FAILOVER,
    "TOP-13": _impossible(f"{_EC}.Topology", "a placement becomes one or the other, by the cluster mode"),
    "TOP-20": _refused("ENG-03", "versions that are not on offer"),
    "TOP-24": _always(f"{_EC}.Topology.has_cluster_parameters", "cluster-enabled follows from the topology"),
    "TOP-27": _not_exposed(f"{_RG}.PrimaryClusterId", "groups are made new, or from a snapshot"),
    "TOP-29": _documented(f"{_EC}.Topology", "with none, the data of a failed node is lost"),
    "TOP-30": _account("how many addresses the subnets have left"),
    # Encryption in transit
    "TLS-01": _always(f"{_GROUP_SETTINGS}.properties", "stated on every group"),
    "TLS-03": _refused("ENG-02", "clusters are Memcached, everything else is a replication group"),
    "TLS-07": _impossible(f"{_EC}.TransitEncryption", "a mode means that it is on"),
    "TLS-14": _always(
        f"{_EC}.replication_group.construct._endpoints", "consumers get the endpoint as the service tells it"
    ),
    "TLS-15": _run_time("the oldest version of TLS is the service's; nothing sets it"),
    "TLS-16": _documented(f"{_EC}.NetworkType.dual_stack", "It has no effect with TLS"),
    # AUTH token
    "AUT-02": _TOKEN,
    "AUT-03": _TOKEN,
    "AUT-10": _documented("docs/rotation.md", "A second ROTATE without SET drops the older token"),
    "AUT-11": _always(f"{_EC}.Access.auth_token", "the token is there from the first deployment on"),
    "AUT-13": _documented("docs/rotation.md", "CloudFormation resolves the secret whenever it updates the user"),
    "AUT-14": _impossible(_MEMCACHED, "Memcached takes no access"),
    # Users and user groups
    "RBC-03": _always(f"{_USERS}.add_default", "a group of engine redis always has a user named default"),
    "RBC-04": _documented(f"{_EC}.DefaultUser.absent", "no client logs in as ``default``"),
    "RBC-06": _impossible(f"{_EC}.DefaultUser.absent", "a group of Valkey has no disabled default user"),
    "RBC-08": _always(_CREATE_ACCESS, "the engine is redis or valkey, in lower case"),
    "RBC-15": _MODE,
    "RBC-16": _TOKEN,
    "RBC-17": _MODE,
    "RBC-18": _MODE,
    "RBC-19": _MODE,
    "RBC-21": _always(f"{_EC}.DefaultUser", "the service's own default user is never a member"),
    "RBC-23": _always(_CREATE_ACCESS, "references make CloudFormation wait for users and group"),
    "RBC-24": _documented("docs/runbooks/remove-a-user.md", "CloudFormation takes the user out of the group first"),
    "RBC-27": _refused("RBC-11", "a user must be able to log in"),
    "RBC-29": _run_time("CloudFormation waits for one user before it changes the group"),
    "RBC-30": _run_time("CloudFormation knows Valkey users since 2024"),
    # IAM authentication
    "IAM-02": _always(f"{_USERS}.add", "an IamUser has one name for both"),
    "IAM-04": _documented("elasticache_client.iam.IamCredentials", "renewed after 10 of its 15 minutes"),
    "IAM-05": _documented("elasticache_client.iam.IamCredentials", "the cache rejects a token that is wrong"),
    "IAM-06": _documented("elasticache_client.clients.connect", "The age at which a connection authenticates again"),
    "IAM-07": _always(f"{_EC}.ReplicationGroupBase.grant_connect", "the grant names the cache and the user"),
    "IAM-08": _always(f"{_EC}.replication_group.base.ImportedReplicationGroup", "ids are written in lower case"),
    "IAM-09": _impossible(_MEMCACHED, "Memcached takes no access"),
    # Encryption at rest
    "KMS-05": _always(f"{_EC}.EncryptionKey", "its policy has no kms:ViaService; that of another key is not judged"),
    "KMS-06": _account("whether the key is there; an EncryptionKey outlives its stack"),
    "KMS-07": _impossible(_MEMCACHED, "Memcached takes no key"),
    "KMS-08": _run_time("what the service encrypts beyond what it is asked to"),
    "KMS-09": _refused("ENG-03", "every version on offer has it"),
    "KMS-10": _SNAPSHOT,
    # Snapshots
    "SNP-04": _refused("NOD-10", "new caches cannot have t1"),
    "SNP-05": _impossible(f"{_EC}.Backups", "backups are kept a day at least"),
    "SNP-06": _impossible(_MEMCACHED, "Memcached takes no backups"),
    "SNP-11": _account("which engine the snapshot is of"),
    "SNP-12": _account("how much the snapshot holds, and on which nodes it was taken"),
    "SNP-14": _documented(f"{_EC}.Snapshot", "does not contain security groups, users, parameters or keys"),
    "SNP-15": _run_time("how many snapshots a day are taken by hand"),
    "SNP-16": _run_time("a quarter of the memory is reserved, unless parameters say otherwise"),
    "SNP-17": _run_time("snapshots are taken from a replica where there is one"),
    "SNP-19": _SNAPSHOT,
    # Windows
    "WIN-03": _always(f"{_GROUP_SETTINGS}.properties", "both windows are stated"),
    # Log delivery
    "LOG-02": _always(f"{_GROUP_SETTINGS}.logs", "only logs that the engine has are delivered"),
    "LOG-03": _always(f"{_GROUP_SETTINGS}.logs", "only logs that the engine has are delivered"),
    "LOG-05": _always(f"{_EC}.replication_group.construct._log_delivery", "the details follow from the destination"),
    "LOG-08": _documented(
        f"{_EC}.LogDelivery", "Delivery starts after the group exists. If it fails, the service says so in its events"
    ),
    # Network
    "NET-03": _account("whether the subnets are there"),
    "NET-05": _always(f"{_EC}.network.subnets.create_placement", "the cache refers to its group, and goes first"),
    "NET-08": _not_exposed(f"{_CC}.CacheSecurityGroupNames", "of EC2-Classic, which is gone"),
    "NET-17": _refused("GDS-11", "one check of the network type of the primary"),
    # Memcached
    "MEM-02": _always(f"{_MEMCACHED_SETTINGS}.properties", "cross-az from two nodes on"),
    "MEM-04": _always(f"{_MEMCACHED_SETTINGS}.properties", "cross-az from two nodes on"),
    "MEM-06": _impossible(_GROUP, "Redis and Valkey are replication groups, which have no AZMode"),
    "MEM-08": _impossible(_MEMCACHED, "Memcached takes no key"),
    "MEM-09": _documented(_MEMCACHED, "Memcached has no logins on ElastiCache"),
    "MEM-10": _documented(_MEMCACHED, "It keeps nothing: a replaced node begins empty"),
    "MEM-11": _run_time("the client speaks TLS to the configuration endpoint, as connection_settings says"),
    "MEM-12": _impossible(_MEMCACHED, "Memcached takes no log delivery"),
    "MEM-14": _run_time("connections cost memory: the parameter's default is the engine's"),
    "MEM-15": _always(_MEMCACHED, "the configuration endpoint is ConfigurationEndpoint"),
    # Clusters of Redis and Valkey
    "CCR-01": _refused("ENG-02", "clusters are Memcached, everything else is a replication group"),
    "CCR-03": _refused("ENG-02", "clusters are Memcached, everything else is a replication group"),
    "CCR-05": _no_property(f"{_CC}.ReplicationGroupId", "replicas belong to their group"),
    # Global datastores
    "GDS-05": _impossible(_SECONDARY, "it is a new group: no argument takes one that exists"),
    # Data tiering
    "DTI-04": _SNAPSHOT,
    "DTI-05": _impossible(_GROUP, "an index of vectors is made by a client, not by a template"),
    # Durability
    "DUR-05": _documented(f"{_EC}.Durability", "takes about 100 MiB of writes a second"),
    # Automatic scaling
    "ASC-01": _always(
        f"{_EC}.shared.auto_scaling.create_scaling", "dimension and resource id follow from what is scaled"
    ),
    "ASC-09": _always(
        _GROUP, "in cluster mode it has the policy, and the gate stops a change of a number that is scaled"
    ),
    # Deletion
    "DEL-01": _always(_GROUP, "only replication groups have the policy Snapshot"),
    "DEL-02": _always(_GROUP, "only replication groups have the policy Snapshot"),
    "DEL-06": _refused("NOD-10", "new caches cannot have t1"),
    "DEL-07": _always(_CREATE_ACCESS, "references order the removal: cache, group, users"),
    "DEL-08": _documented(f"{_EC}.Name", "Names are unique in an account and region"),
    "DEL-09": _run_time("CloudFormation waits until the cache is available"),
    # Updates
    "UPD-13": _run_time("drift of write-only properties cannot be detected"),
    "UPD-14": _run_time("CloudFormation compares Memcached versions by their first two numbers"),
    "UPD-15": _documented(_GROUP, "in the maintenance window; may be changed in place"),
    "UPD-20": _run_time("CloudFormation sends what changes, and nothing where nothing does"),
    "UPD-16": _run_time("CloudFormation waits for up to a day"),
    # CloudFormation
    "CFN-01": _always(_GROUP, "the description is the construct's id where none is given"),
    "CFN-02": _always(f"{_MEMCACHED_SETTINGS}.properties", "all three are stated"),
    "CFN-03": _always(f"{_EC}.network.subnets.create_placement", "both are stated"),
    "CFN-05": _always(_CREATE_ACCESS, "all three are stated"),
    "CFN-07": _always(f"{_EC}.replication_group.construct._endpoints", "attributes are the CDK's own, not text"),
    "CFN-08": _always(
        f"{_EC}.replication_group.construct._endpoints", "the attribute of the group's mode, and no other"
    ),
    "CFN-09": _always(f"{_EC}.Endpoint", "the port is the number that was given, not an attribute"),
    "CFN-10": _account("whether the service-linked role is there; the service makes it"),
    "CFN-11": _run_time("CloudFormation repeats what is throttled"),
    "CFN-12": _always(f"{_EC}.values.ports.checked_port", "values that are known at deployment only pass unchecked"),
    "CFN-13": _always(_PARAMETER_GROUP, "the group is named by reference"),
    "CFN-14": _documented("scanners/scan", "cfn-lint"),
    # Tags
    "TAG-02": _impossible("aws_cdk.Tags", "a second value for a key takes the place of the first"),
    # Quotas
    "QUO-01": _account("how many nodes there are in the region"),
    "QUO-02": _account("how many parameter groups there are in the region"),
    "QUO-04": _account("how many users there are in the region"),
    "QUO-05": _account("how many user groups there are in the region"),
    # Places
    "LOC-01": _no_property(f"{_RG}.OutpostMode", "no Outposts"),
    "LOC-03": _refused("NOD-15", "what the region does not offer"),
    # Posture
    "POS-04": _documented(f"{_GROUP}", "Default: 6379."),
    "POS-05": _refused("SNP-01", "fewer than 15 days need a reason"),
    "POS-09": _always(f"{_EC}.EventTopic", "every cache has a topic for its events"),
    # Serverless caches
    "TLS-17": _always(
        f"{_EC}.values.serverless_engine.ServerlessEngine.ports", "both ports are opened and told to clients"
    ),
    "WIN-02": _refused("SNP-02", "the time is the start of the window"),
    "LOG-09": _impossible(_SERVERLESS, "a serverless cache takes no log delivery"),
    "NET-20": _always(_SERVERLESS, "it has its own security group"),
    "SLS-05": _documented(
        f"{_EC}.values.serverless_limits.ServerlessLimits", "At the maximum, writes fail or requests are throttled"
    ),
    "SLS-08": _refused("NET-15", "one check for subnets and network type"),
    "SLS-14": _refused("SNP-01", "one check for all backups"),
    "SLS-16": _always(_SERVERLESS, "a final snapshot is taken, under a name that the stack alone has"),
    "SLS-19": _no_property("AWS::ElastiCache::ServerlessCache.Integrations", "no integrations"),
    "SLS-20": _impossible(_SERVERLESS, "it takes none of these"),
    "SLS-21": _always(_SERVERLESS, "the cache refers to its subnets, so CloudFormation removes the cache first"),
    "SLS-22": _always(
        f"{_EC}.network.security_groups.CacheSecurityGroups", "both ports are opened to the client group"
    ),
    "SLS-23": _account("how many serverless caches there are in the region"),
    "SLS-24": _documented(f"{_EC}.serverless_cache.construct.ServerlessCacheBase", "speak the cluster protocol"),
    "SLS-25": _account("what the role that deploys may do"),
    "DEL-05": _always(_SERVERLESS, "a final snapshot is taken by FinalSnapshotName"),
    "CFN-06": _always(_SERVERLESS, "both are stated"),
}
