"""The stacks of a stage, each a unit of deployment; stateful ones stand alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk

from stacks.database import DatabaseStack
from stacks.memcached import MemcachedStack
from stacks.network import NetworkStack
from stacks.redis import RedisStack
from stacks.workload import WorkloadStack

if TYPE_CHECKING:
    from constructs import Construct

    from stages import StageSettings


class CacheStage(cdk.Stage):
    """A network and two caches in it; beside them a database and the reference applications, where they are set."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: StageSettings) -> None:
        super().__init__(scope, construct_id, env=cdk.Environment(account=settings.account, region=settings.region))
        for name, value in settings.tags.items():
            cdk.Tags.of(self).add(name, value)
        protected = settings.termination_protection
        unreserved = settings.unreserved_reason
        self.network = NetworkStack(self, "cache-network", settings=settings.network, termination_protection=protected)
        self.redis = RedisStack(
            self,
            "cache-redis",
            settings=settings.redis,
            network=self.network.network,
            unreserved_reason=unreserved,
            termination_protection=protected,
        )
        self.memcached = MemcachedStack(
            self,
            "cache-memcached",
            settings=settings.memcached,
            network=self.network.network,
            termination_protection=protected,
        )
        if settings.database is None:
            return
        self.database = DatabaseStack(
            self,
            "cache-database",
            settings=settings.database,
            network=self.network.network,
            unreserved_reason=unreserved,
            termination_protection=protected,
        )
        if settings.workload is None:
            return
        self.workload = WorkloadStack(
            self,
            "cache-workload",
            settings=settings.workload,
            network=self.network.network,
            cache=self.redis.cache,
            database=self.database.database,
            unreserved_reason=unreserved,
            termination_protection=protected,
        )
