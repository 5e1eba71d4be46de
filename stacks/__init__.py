"""The stacks of a stage, each a unit of deployment; stateful ones stand alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import aws_cdk as cdk

from elasticache_constructs import ConfigurationError, make_ephemeral
from stacks.database import DatabaseStack
from stacks.memcached import MemcachedStack
from stacks.monitoring import MonitoringStack
from stacks.network import NetworkStack
from stacks.notifications import NotificationsStack
from stacks.redis import RedisStack
from stacks.workload import WorkloadStack

if TYPE_CHECKING:
    from constructs import Construct

    from stages import MemcachedSettings, RedisSettings, StageSettings


_LONGEST_NAME = 100  # that of a stack has 128


class CacheStage(cdk.Stage):
    """A network with two caches and who is told of them; a database and the applications if the settings have them."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: StageSettings) -> None:
        _check_name(construct_id)
        super().__init__(scope, construct_id, env=cdk.Environment(account=settings.account, region=settings.region))
        for name, value in settings.tags.items():
            cdk.Tags.of(self).add(name, value)
        if settings.ephemeral_reason is not None:
            make_ephemeral(self, reason=settings.ephemeral_reason)
        protected = settings.termination_protection
        unreserved = settings.no_reserved_concurrency_reason
        self.notifications = NotificationsStack(
            self, "cache-notifications", subscribers=settings.subscribers, termination_protection=protected
        )
        self.network = NetworkStack(self, "cache-network", settings=settings.network, termination_protection=protected)
        self.redis = self._redis("redis", settings.redis, settings)
        self.memcached = self._memcached("memcached", settings.memcached, settings)
        more = [self._more(name, each, settings) for name, each in settings.more_caches.items()]
        stacks = [self.redis, self.memcached, *more]
        self.monitoring = MonitoringStack(
            self,
            "cache-monitoring",
            caches=[stack.cache for stack in stacks],
            subscribers=settings.subscribers,
            alarm_topics=[
                self.notifications.alarm_topic,
                *(topic for stack in stacks if isinstance(stack, RedisStack) for topic in stack.rotation_topics),
            ],
            event_topics=[stack.cache.notification_topic for stack in stacks],
            termination_protection=protected,
        )
        if settings.database is None:
            return
        self.database = DatabaseStack(
            self,
            "cache-database",
            settings=settings.database,
            network=self.network.network,
            no_reserved_concurrency_reason=unreserved,
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
            no_reserved_concurrency_reason=unreserved,
            termination_protection=protected,
        )

    def _more(
        self, name: str, cache: RedisSettings | MemcachedSettings, settings: StageSettings
    ) -> RedisStack | MemcachedStack:
        # By then app.py has imported it, in a block that shows in one line what it refuses.
        from stages import MemcachedSettings  # noqa: PLC0415

        if isinstance(cache, MemcachedSettings):
            return self._memcached(name, cache, settings)
        return self._redis(name, cache, settings)

    def _redis(self, name: str, cache: RedisSettings, settings: StageSettings) -> RedisStack:
        return RedisStack(
            self,
            f"cache-{name}",
            settings=cache,
            network=self.network.network,
            alarm_topic=self.notifications.alarm_topic,
            subscribers=settings.subscribers,
            no_reserved_concurrency_reason=settings.no_reserved_concurrency_reason,
            termination_protection=settings.termination_protection,
        )

    def _memcached(self, name: str, cache: MemcachedSettings, settings: StageSettings) -> MemcachedStack:
        return MemcachedStack(
            self,
            f"cache-{name}",
            settings=cache,
            network=self.network.network,
            alarm_topic=self.notifications.alarm_topic,
            subscribers=settings.subscribers,
            termination_protection=settings.termination_protection,
        )


def _check_name(name: str) -> None:
    """Refuse a stage whose stacks could not bear its name."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*", name) or len(name) > _LONGEST_NAME:
        right = re.sub("[^A-Za-z0-9]+", "-", name)[:_LONGEST_NAME].strip("-")
        raise ConfigurationError(
            got=f"the stage {name!r}",
            allowed="names of stacks begin with it, so it begins with a letter and has letters, digits and single "
            f"hyphens, {_LONGEST_NAME} at most",
            fix=f"Name it {(right if right[:1].isalpha() else f'stage-{right}'.rstrip('-'))!r} in stages.py",
            page="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-using-console-create-stack-parameters.html",
        )
