"""Host names of caches as ElastiCache makes them."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field

_DIRECTIONS = {
    "north": "n", "northeast": "ne", "east": "e", "southeast": "se", "south": "s", "southwest": "sw", "west": "w",
    "northwest": "nw", "central": "c",
}  # fmt: skip
_REGION = re.compile(r"(?P<place>[a-z]+(?:-gov|-iso[a-z]?)?)-(?P<direction>[a-z]+)-(?P<number>\d+)")


def region_code(region: str) -> str:
    """A Region as host names of caches have it: `eu-west-1` is `euw1`."""
    found = _REGION.fullmatch(region)
    if found is None or found["direction"] not in _DIRECTIONS:
        return region
    return f"{found['place'].replace('-', '')}{_DIRECTIONS[found['direction']]}{found['number']}"


@dataclass(frozen=True)
class HostNames:
    """The host names of one cache.

    Attributes:
        cache: Its id.
        region: Name of the Region.
        encrypted: Whether it has encryption in transit, which makes other names.
        mark: What makes the names of a cache unique; a new one by default.
    """

    cache: str
    region: str
    encrypted: bool
    mark: str = field(default_factory=lambda: secrets.token_hex(3))

    @property
    def _tail(self) -> str:
        return f"{region_code(self.region)}.cache.amazonaws.com"

    @property
    def primary(self) -> str:
        """The primary endpoint of a group without cluster mode."""
        if self.encrypted:
            return f"master.{self.cache}.{self.mark}.{self._tail}"
        return f"{self.cache}.{self.mark}.ng.0001.{self._tail}"

    @property
    def reader(self) -> str:
        """The reader endpoint of a group without cluster mode."""
        if self.encrypted:
            return f"replica.{self.cache}.{self.mark}.{self._tail}"
        return f"{self.cache}-ro.{self.mark}.ng.0001.{self._tail}"

    @property
    def configuration(self) -> str:
        """The configuration endpoint of a group with cluster mode."""
        if self.encrypted:
            return f"clustercfg.{self.cache}.{self.mark}.{self._tail}"
        return f"{self.cache}.{self.mark}.clustercfg.{self._tail}"

    def node(self, cluster_id: str) -> str:
        """The endpoint of a node of a group."""
        if self.encrypted:
            return f"{cluster_id}.{self.cache}.{self.mark}.{self._tail}"
        return f"{cluster_id}.{self.mark}.0001.{self._tail}"

    @property
    def of_the_group(self) -> str:
        """What the certificate of an encrypted group is for."""
        return f"*.{self.cache}.{self.mark}.{self._tail}"

    @property
    def memcached_configuration(self) -> str:
        """The configuration endpoint of a Memcached cluster."""
        return f"{self.cache}.{self.mark}.cfg.{self._tail}"

    def memcached_node(self, node_id: str) -> str:
        """The endpoint of a node of a Memcached cluster."""
        return f"{self.cache}.{self.mark}.{node_id}.{self._tail}"

    @property
    def serverless(self) -> str:
        """Both endpoints of a serverless cache."""
        return f"{self.cache}-{self.mark}.serverless.{self._tail}"
