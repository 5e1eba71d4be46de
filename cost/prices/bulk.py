"""Reads AWS's public price list files, without credentials.

The index of a service names the newest version of each Region's list, so that a list is only read when it is newer:
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/service-region-infex-file-for-service.html
"""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING

from cost.errors import CostError, UnreachableError
from cost.prices.lists import from_bulk

if TYPE_CHECKING:
    import ssl
    from http.client import HTTPResponse

    from cost.prices.lists import PriceList
    from cost.prices.services import Partition, Service

_MB = 1024 * 1024
_CHUNK = 64 * 1024
_OK = 200
_OFFLINE = "Check the network and the proxy; make cost needs neither, and works with the lists that are kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is read, and for how long.

    Args:
        index_bytes: Of an index. Default: 4 MB; it has a few kB.
        list_bytes: Of a list. Default: 256 MB. ElastiCache's has about 2 MB a Region.
        timeout_seconds: For each answer and each read. Default: 30.
        total_seconds: For a whole file. Default: 600.
    """

    index_bytes: int = 4 * _MB
    list_bytes: int = 256 * _MB
    timeout_seconds: float = 30
    total_seconds: float = 600


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The host is fixed: an answer that leads elsewhere is an error."""

    def redirect_request(self, *_: object) -> None:
        return None


class BulkLists:
    """The price list files of a partition.

    Args:
        partition: Where they are.
        limits: How much is read. Default: see `Limits`.
        context: TLS settings. Default: the system's certificate authorities.
    """

    def __init__(
        self, partition: Partition, limits: Limits | None = None, context: ssl.SSLContext | None = None
    ) -> None:
        self._partition = partition
        self._limits = limits or Limits()
        self._opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _NoRedirect())

    def newer(self, service: Service, region: str, kept_version: str | None) -> PriceList | None:
        """The list of a service, unless it is the one that is kept.

        Args:
            service: The service.
            region: The Region.
            kept_version: The version that is kept; ``None`` reads the list in any case.

        Raises:
            CostError: If the service is not offered in the Region, or AWS's answer cannot be used.
        """
        path, version = self._newest(service, region)
        if version == kept_version:
            return None
        return from_bulk(self._read(path, self._limits.list_bytes), service, region, version)

    def _newest(self, service: Service, region: str) -> tuple[str, str]:
        root = f"/offers/v1.0/{self._partition.name}/{service.code}"
        index = f"{root}/current/region_index.json"
        content = self._read(index, self._limits.index_bytes)
        try:
            regions = json.loads(content)["regions"]
            path = regions[region]["currentVersionUrl"] if region in regions else None
        except (KeyError, RecursionError, TypeError, ValueError) as error:
            raise CostError(self._url(index), f"it has not the documented form ({error!r})", _OFFLINE) from error
        if path is None:
            raise CostError(
                f"{service.code} in {region}",
                f"the index lists {len(regions)} Regions and not this one",
                "Check the Region and that the service is offered there",
            )
        named = re.fullmatch(rf"{re.escape(root)}/(\d{{14}})/{re.escape(region)}/index\.json", str(path))
        if named is None:
            raise CostError(
                f"{path!r} in {self._url(index)}", f"a list of {service.code} in {region} is below {root}", _OFFLINE
            )
        return str(path), named[1]

    def _url(self, path: str) -> str:
        return f"https://{self._partition.host}{path}"

    def _read(self, path: str, limit: int) -> bytes:
        url = self._url(path)
        request = urllib.request.Request(url, headers={"Accept-Encoding": "identity"})  # noqa: S310 - https, by _url
        try:
            with self._opener.open(request, timeout=self._limits.timeout_seconds) as answer:
                return self._body(answer, url, limit)
        except urllib.error.HTTPError as error:
            error.close()
            raise CostError(url, f"it answers {error.code} {error.reason}", _OFFLINE) from error
        except urllib.error.URLError as error:  # there is no connection; what breaks later is another OSError
            raise UnreachableError(self._url(""), f"it is not reachable ({error.reason})", _OFFLINE) from error
        except (OSError, HTTPException) as error:  # urllib's and ssl's errors are OSErrors
            raise CostError(url, f"it is not readable ({getattr(error, 'reason', error)})", _OFFLINE) from error

    def _body(self, answer: HTTPResponse, url: str, limit: int) -> bytes:
        if answer.status != _OK:
            raise CostError(url, f"it answers {answer.status}", _OFFLINE)
        end = time.monotonic() + self._limits.total_seconds
        body = bytearray()
        while chunk := answer.read(_CHUNK):
            body += chunk
            if len(body) > limit:
                raise CostError(url, f"it has more than {limit // _MB} MB", "Ask for single prices: ARGS=--api")
            if time.monotonic() > end:
                raise CostError(url, f"it takes longer than {self._limits.total_seconds:g} s", _OFFLINE)
        announced = answer.headers.get("Content-Length")
        if announced is not None and int(announced) != len(body):
            raise CostError(url, f"it ends after {len(body)} of {announced} bytes", _OFFLINE)
        return bytes(body)
