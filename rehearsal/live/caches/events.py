"""Events of caches: recorded as DescribeEvents returns them, and published to the topic of the cache.

See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ElastiCacheSNS.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import Private, elasticache, sns
from rehearsal.live import deliveries
from rehearsal.live.service_principals import Source

if TYPE_CHECKING:
    from rehearsal.live.run import Run

TOUCHES = (
    Private("services.elasticache", "_record_event", ("source_id", "source_type", "message")),
    Private("services.sns", "_topics"),
)

Record = dict[str, Any]
CLUSTER, GROUP, SERVERLESS = "cache-cluster", "replication-group", "serverless-cache"
SUBJECT = "ElastiCache Notification Message"
SERVICE = "elasticache.amazonaws.com"


def record(source_type: str, source: str, message: str) -> None:
    """Record an event.

    Args:
        source_type: `CLUSTER`, `GROUP` or `SERVERLESS`.
        source: Id of the cache or the node.
        message: The message of AWS for such an event.
    """
    elasticache._record_event(source, source_type, message)


def publish(run: Run, cache: Record, notification: str, source: str) -> None:
    """Publish to the topic of a cache, if it has one.

    Args:
        run: The run.
        cache: The record of the cache in the emulator.
        notification: Name of the event, without `ElastiCache:`.
        source: Id of the cache or the node.
    """
    topic = cache.get("NotificationTopicArn")
    if not topic:
        return
    arn = cache.get("ARN") or cache.get("CacheClusterArn", "")
    message = json.dumps({f"ElastiCache:{notification}": source})
    if topic in sns._topics and deliveries.key_of(topic) is not None:
        reason = f"the topic {topic} is encrypted, so that ElastiCache has made it inactive"
        run.journal.write("delivery", topic=topic, subject=SUBJECT, source=arn, allowed=False, reason=reason)
        return
    deliveries.publish(run, topic, message, SUBJECT, Source(SERVICE, arn, run.account))
