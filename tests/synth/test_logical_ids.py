"""Logical ids of what holds data, or holds up what does. A changed id is a deleted and a new resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stages import STAGES

if TYPE_CHECKING:
    from tests.conftest import Synthesised

# By stack; the same in every stage. A renamed user, here or in stages.py, is a new user.
FROZEN = {
    "cache-notifications": {
        "Key961B73FD": "KMS::Key",
        "Alarms04B5A0BF": "SNS::Topic",
    },
    "cache-network": {
        "NetworkKey1D162FA0": "KMS::Key",
        "NetworkFlowLogsAA56CF75": "Logs::LogGroup",
        "NetworkVpc7FB7348F": "EC2::VPC",
        "NetworkVpccacheSubnet1Subnet1609E014": "EC2::Subnet",
        "NetworkVpccacheSubnet2Subnet9DCD2C0F": "EC2::Subnet",
        "NetworkVpcapplicationSubnet1Subnet0FEA7B3E": "EC2::Subnet",
        "NetworkVpcapplicationSubnet2Subnet8C40B65F": "EC2::Subnet",
        "NetworkEndpointClientsFE811ED6": "EC2::SecurityGroup",
        "NetworkEndpointsF8B8492F": "EC2::SecurityGroup",
    },
    "cache-redis": {
        "RedisKey99F69F89": "KMS::Key",
        "RedisEvents93B8C7C3": "SNS::Topic",
        "RedisAlarms3DDB0635": "SNS::Topic",
        "RedisSubnets445F6F85": "ElastiCache::SubnetGroup",
        "RedisNetworkNodes23E9B0FA": "EC2::SecurityGroup",
        "RedisNetworkClients5C5C40B2": "EC2::SecurityGroup",
        "RedisDefaultUserSecret0BF5046D": "SecretsManager::Secret",
        "RedisDefaultUserDE8B1144": "ElastiCache::User",
        "RedisUserGroup774AD437": "ElastiCache::UserGroup",
        "RedisSlowLog442249EE": "Logs::LogGroup",
        "RedisEngineLog16C6DF0E": "Logs::LogGroup",
        "RedisRotationdefaultLog70260C57": "Logs::LogGroup",
        "RedisFF642DF2": "ElastiCache::ReplicationGroup",
    },
    "cache-memcached": {
        "MemcachedEvents095A03CC": "SNS::Topic",
        "MemcachedSubnetsBAF2256B": "ElastiCache::SubnetGroup",
        "MemcachedNetworkNodes5BED8E21": "EC2::SecurityGroup",
        "MemcachedNetworkClients6BFF52D6": "EC2::SecurityGroup",
        "MemcachedE72C144E": "ElastiCache::CacheCluster",
    },
    "cache-database": {
        "DatabaseKey5E5D9547": "KMS::Key",
        "DatabaseNetworkInstances66711C49": "EC2::SecurityGroup",
        "DatabaseNetworkClients49747FF7": "EC2::SecurityGroup",
        "DatabaseParametersB8AC9B07": "RDS::DBParameterGroup",
        "DatabaseInstanceSubnetGroupDE121BB6": "RDS::DBSubnetGroup",
        "DatabaseInstanceAA8A5FDE": "RDS::DBInstance",
        "DatabaseCreateUsersLog6526DB3A": "Logs::LogGroup",
    },
    "cache-workload": {
        "Key961B73FD": "KMS::Key",
        "PrepareLog2B730D59": "Logs::LogGroup",
        "CatalogueLog865D3563": "Logs::LogGroup",
        "SessionsLog79FD4C21": "Logs::LogGroup",
        "LeaderboardLog2446C94E": "Logs::LogGroup",
        "CatalogueApiLog447009F6": "Logs::LogGroup",
        "SessionsApiLog9D9294DA": "Logs::LogGroup",
        "LeaderboardApiLog28F2A5CE": "Logs::LogGroup",
    },
}
ONLY_IN = {
    "dev/cache-redis": {
        "RedisUserdevapplication77952DAA": "ElastiCache::User",
        "RedisUserdevcatalogue814FDF21": "ElastiCache::User",
        "RedisUserdevsessionsDB1D9AAA": "ElastiCache::User",
        "RedisUserdevleaderboard1A2B8152": "ElastiCache::User",
    },
    "prod/cache-redis": {
        "RedisUserprodapplication45E4D1F0": "ElastiCache::User",
        "RedisUserprodcatalogue6036A802": "ElastiCache::User",
        "RedisUserprodsessionsA5DAF640": "ElastiCache::User",
        "RedisUserprodleaderboard7EEEEC75": "ElastiCache::User",
    },
    "prod/cache-network": {
        "NetworkVpccacheSubnet3Subnet65476619": "EC2::Subnet",
        "NetworkVpcapplicationSubnet3Subnet3BFA3C0C": "EC2::Subnet",
    },
}
KINDS = {kind for table in FROZEN.values() for kind in table.values()}


@pytest.mark.parametrize("stack", FROZEN)
@pytest.mark.parametrize("stage", STAGES)
def test_logical_ids_stay(synthesised: Synthesised, stage: str, stack: str) -> None:
    """Renaming one of these replaces or deletes what it names."""
    path = f"{stage}/{stack}"
    ids = {name: kind for kind in KINDS for name in synthesised.resources(path, kind)}

    assert FROZEN[stack] | ONLY_IN.get(path, {}) == ids
