"""The VPC of caches and their clients: subnets, security groups and flow logs."""

from elasticache_constructs.network.construct import CacheNetwork, Egress, ImportedNetwork

__all__ = ["CacheNetwork", "Egress", "ImportedNetwork"]
