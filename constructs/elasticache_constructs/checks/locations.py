"""Checks of partitions, accounts, regions and Availability Zones.

Only literals are compared: CDK tokens are known at deployment only.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, NamedTuple

from aws_cdk import Stack
from aws_cdk.region_info import RegionInfo

from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.tokens import asked_once, is_known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import IResource
    from constructs import IConstruct

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_REGION = r"[a-z]{2,}(?:-[a-z]+)+-\d+"
# eu-west-1a; also us-west-2-lax-1a and us-east-1-wl1-bos-wlz-1.
_ZONE = re.compile(rf"({_REGION})(?:([a-z])|(?:-[a-z0-9]+)+)", re.IGNORECASE)
# euw1-az1, usw2-lax1-az1.
_ZONE_ID = re.compile(r"[a-z]+\d+(-[a-z0-9]+)?-az\d+", re.IGNORECASE)
_ARN_PAGE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html"
_ZONES_PAGE = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-regions-availability-zones.html"


class Place(NamedTuple):
    """Where a construct is deployed. A part that is known at deployment only is a CDK token."""

    account: str
    region: str


@asked_once
def stack_of(construct: IConstruct) -> Stack:
    """The stack of a construct."""
    return Stack.of(construct)


def place_of(construct: IConstruct) -> Place:
    """The account and the region of a construct's stack."""
    return _place_of_stack(stack_of(construct))


@asked_once
def _place_of_stack(stack: Stack) -> Place:
    return Place(stack.account, stack.region)


@asked_once
def place_of_resource(resource: IResource) -> Place:
    """The account and the region of a resource. Those of an imported one are those of its ARN."""
    environment = resource.env
    return Place(environment.account, environment.region)


def differ(one: str, other: str) -> bool:
    """Whether two texts are both known and differ."""
    return one != other and is_known(one) and is_known(other)


def check_region(what: str, region: str, of: IConstruct, *, allowed: str, rule: str) -> None:
    """Refuse an argument of another region than a construct.

    Args:
        what: The argument.
        region: Its region.
        of: The construct that receives it.
        allowed: Why they must be the same.
        rule: The rule's id.

    Raises:
        ConfigurationError: If both regions are known and differ.
    """
    ours = place_of(of).region
    if differ(region, ours):
        raise ConfigurationError(
            got=f"{what} of the region {region} in {ours}",
            allowed=allowed,
            fix=f"Use one of {ours}, or leave it out",
            rule=rule,
        )


def check_same_place(what: str, resource: IResource, of: IConstruct, *, allowed: str, fix: str, **more: str) -> None:
    """Refuse a resource of another account or region than a construct. Unknown ones are not compared.

    Args:
        what: The argument that it is given as.
        resource: The resource.
        of: The construct that receives it.
        allowed: Why they must be the same. ``PLACE`` stands for account or region.
        fix: The change to make, likewise.
        more: The page or the rule of the message.

    Raises:
        ConfigurationError: If both accounts, or both regions, are known and differ.
    """
    with reported_together() as check:
        for kind, theirs, ours in zip(Place._fields, place_of_resource(resource), place_of(of), strict=True):
            if differ(theirs, ours):
                words = {"allowed": allowed.replace("PLACE", kind), "fix": fix.replace("PLACE", kind)}
                check(_refuse, got=f"{what} of the {kind} {theirs} in {ours}", **words, **more)


def _refuse(**words: str) -> None:
    raise ConfigurationError(**words)


def check_arn(what: str, arn: str, *, service: str, region: str, rule: str | None = None) -> None:
    """Refuse an ARN of another service, or of another partition than the region's.

    Args:
        what: The argument.
        arn: The ARN. Parts that are CDK tokens are not judged.
        service: The service that it must name.
        region: The region that it is used in, if the ARN does not name one.
        rule: The rule's id.

    Raises:
        ConfigurationError: If it is.
    """
    if not isinstance(arn, str):
        return
    # A token's own text has colons, too.
    parts = re.sub(r"[$#]\{Token\[[^\]]*\]\}", lambda token: token[0].replace(":", "."), arn).split(":")
    if parts[0] != "arn" or len(parts) < 6:  # noqa: PLR2004 - arn, partition, service, region, account, resource
        return
    partition, of_service = parts[1], parts[2]
    with reported_together() as check:
        if is_known(of_service):
            check(_check_service, what, of_service, service, rule)
        if is_known(partition):
            check(_check_partition, what, partition, parts[3] if parts[3] and is_known(parts[3]) else region, rule)


def check_account_id(what: str, account: object) -> None:
    """Refuse a value that is not an account id.

    Raises:
        ConfigurationError: If it is not a text of 12 digits.
    """
    if not isinstance(account, str) or not re.fullmatch(r"[0-9]{12}", account):
        digits = re.sub(r"[^0-9]", "", str(account))
        known = len(digits) == 12  # noqa: PLR2004 - as all accounts have
        raise ConfigurationError(
            got=f"{what}={account!r}",
            allowed="an account is 12 digits, as a text without anything between them",
            fix=f"Use {what}={digits!r}" if known else f"Use {what}='111122223333', with the account's own digits",
            page="https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html",
        )


def check_region_name(what: str, region: object) -> None:
    """Refuse a value that is not a region's name, for example that of an Availability Zone.

    Raises:
        ConfigurationError: If it is not.
    """
    if isinstance(region, str) and re.fullmatch(_REGION, region):
        return
    text = str(region).strip().lower().replace("_", "-")
    zone = _ZONE.fullmatch(text)
    right = zone[1] if zone else text if re.fullmatch(_REGION, text) else re.sub(r"([a-z])(\d+)$", r"\1-\2", text)
    raise ConfigurationError(
        got=f"{what}={region!r}",
        allowed="a region is a name in lower case, as in eu-west-1",
        fix=f"Use {what}={(right if re.fullmatch(_REGION, right) else 'eu-west-1')!r}",
        page="https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html",
    )


def check_zones(zones: Sequence[str], *, region: str, argument: str, strict: bool = False) -> None:
    """Refuse zones of another region, ids of zones, and names that are not in lower case.

    Args:
        zones: Names. CDK tokens pass unchecked.
        region: The region that they are used in. If it is a CDK token, the zones must be of one region.
        argument: How it is written, for the fix.
        strict: Whether a text that is not the name of a zone is refused. Default: it passes, like the dummy names of
            a VPC that the CDK has yet to look up.

    Raises:
        ConfigurationError: If one of them is.
    """
    names = [zone for zone in zones if is_known(zone)]
    found = [(zone, _ZONE.fullmatch(zone)) for zone in names]
    first = next((match[1].lower() for _, match in found if match), None)
    home = region if is_known(region) else first
    wrong = [
        zone
        for zone, match in found
        if _ZONE_ID.fullmatch(zone)
        or (match is None and strict)
        or (match is not None and (zone != zone.lower() or match[1] != home))
    ]
    if not wrong:
        return
    right = _names_of(names, home) if home else "['eu-west-1a', 'eu-west-1b']"
    raise ConfigurationError(
        got=f"{argument} with {', '.join(map(repr, wrong))}" + (f" in {region}" if is_known(region) else ""),
        allowed=f"zones are names in {home}, as in {home}a"
        if home
        else "zones are names, a region followed by a letter, as in eu-west-1a",
        fix=f"Use {argument}={right}",
        page=_ZONES_PAGE,
    )


def _names_of(zones: Sequence[str], region: str) -> str:
    """The zones' letters in another region; a zone without a letter, or with a used one, gets the next free one."""
    names: list[str] = []
    for zone in zones:
        match = _ZONE.fullmatch(zone)
        letter = match[2].lower() if match and match[2] else None
        candidates = [*([letter] if letter else []), *_LETTERS]
        names.append(next(name for each in candidates if (name := f"{region}{each}") not in names))
    return repr(names)


def _check_service(what: str, got: str, service: str, rule: str | None) -> None:
    if got != service:
        raise ConfigurationError(
            got=f"{what} with an ARN of {got}",
            allowed=f"it is an ARN of {service}",
            fix=f"Use an ARN that begins with arn:aws:{service}:, or leave it out",
            page=_ARN_PAGE,
            rule=rule,
        )


def _check_partition(what: str, partition: str, region: str, rule: str | None) -> None:
    right = _partition(region) if is_known(region) else None
    if right is not None and right != partition:
        raise ConfigurationError(
            got=f"{what} with an ARN of the partition {partition} in {region}",
            allowed=f"{region} is in the partition {right}, and nothing of another one is reached from there",
            fix=f"Use an ARN that begins with arn:{right}:, or leave it out",
            page=_ARN_PAGE,
            rule=rule,
        )


@functools.cache
def _partition(region: str) -> str | None:
    return RegionInfo.get(region).partition
