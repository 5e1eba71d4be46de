"""Reads prices by `pricing:GetProducts`, with the caller's credentials.

https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cost.errors import CostError, UnreachableError
from cost.prices.lists import from_products

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cost.prices.lists import PriceList
    from cost.prices.services import Partition, Service

# The API answers in these Regions for all of them; China has its own.
_ENDPOINTS = {"aws": "us-east-1", "cn": "cn-northwest-1"}
# GetProducts leaves it out. It is the text of the bulk files.
_DISCLAIMER = (
    "This pricing list is for informational purposes only. All prices are subject to the additional terms included in "
    "the pricing pages on http://aws.amazon.com. All Free Tier prices are also subject to the terms included at "
    "https://aws.amazon.com/free/"
)


class QueriedLists:
    """The answers of `pricing:GetProducts`, the only permission that is needed.

    Args:
        partition: The partition of the Region.
        client: A pricing client. Default: boto3's, with the credentials of the environment.
    """

    def __init__(self, partition: Partition, client: Any = None) -> None:
        self._client = client or _boto3_client(partition)

    def newer(self, service: Service, region: str, kept_version: str | None) -> PriceList:
        """The list of a service, also if it is of the version that is kept: it has rows that no bulk file has.

        Raises:
            CostError: If AWS refuses, or its answer has not the documented form.
        """
        del kept_version
        return from_products(self._products(service, region), service, region, _DISCLAIMER)

    def _products(self, service: Service, region: str) -> Iterator[str]:
        of_region = _filter("regionCode", region)
        for family in service.families or (None,):
            yield from self._ask(service, [of_region, *([_filter("productFamily", family)] if family else ())])
        if service.anywhere:
            yield from self._ask(service, [_filter("productFamily", service.anywhere), _filter("location", "Any")])

    def _ask(self, service: Service, filters: list[dict[str, str]]) -> Iterator[str]:
        from botocore.exceptions import (  # type: ignore[import-untyped]  # noqa: PLC0415
            BotoCoreError,
            ClientError,
            EndpointConnectionError,
            NoCredentialsError,
        )

        pages = self._client.get_paginator("get_products")
        try:
            for page in pages.paginate(ServiceCode=service.code, FormatVersion="aws_v1", Filters=filters):
                yield from page["PriceList"]
        except (EndpointConnectionError, NoCredentialsError) as error:
            raise UnreachableError(
                "pricing:GetProducts",
                f"it cannot be asked ({error})",
                "Check network and credentials, or read the public lists without --api",
            ) from error
        except (BotoCoreError, ClientError) as error:
            raise CostError(
                f"pricing:GetProducts for {service.code}",
                f"AWS refuses or does not answer ({error})",
                "Allow pricing:GetProducts, or read the public lists without --api",
            ) from error


def _filter(field: str, value: str) -> dict[str, str]:
    return {"Type": "TERM_MATCH", "Field": field, "Value": value}


def _boto3_client(partition: Partition) -> Any:
    try:
        import boto3  # type: ignore[import-untyped]  # noqa: PLC0415
        from botocore.config import Config  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError as error:
        raise CostError("--api without boto3", "it asks AWS with it", "Install it: pip install boto3") from error
    retries = Config(retries={"mode": "adaptive", "max_attempts": 10})
    return boto3.client("pricing", region_name=_ENDPOINTS[partition.name], config=retries)
