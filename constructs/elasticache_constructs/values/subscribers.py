"""The people who are told of alarms and events: by e-mail, in a chat channel, or by a pager."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from elasticache_constructs.checks.argument_types import Kind, check_kind, checked_list
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.reasons import checked_reason
from elasticache_constructs.checks.tokens import is_known

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

_SNS_PAGE = "https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html"
_SLACK_PAGE = "https://docs.aws.amazon.com/chatbot/latest/adminguide/slack-setup.html"
_TEAMS_PAGE = "https://docs.aws.amazon.com/chatbot/latest/adminguide/teams-setup.html"
_SECRET_PAGE = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/cfn-example_reference-secret.html"  # noqa: S105 - a page
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@((?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,})")
# RFC 2606 and RFC 6761: no mail is ever delivered there.
_RESERVED = re.compile(r"(?:.*\.)?(?:example(?:\.(?:com|net|org))?|test|invalid|localhost)", re.IGNORECASE)
_UUID = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_TEXT = Kind(of=str, example="'...'", literal=True)


def _check_form(what: str, value: str, form: str, *, allowed: str, fix: str, page: str) -> None:
    check_kind("", what, value, _TEXT)
    if not re.fullmatch(form, value):
        raise ConfigurationError(got=f"{what}={value!r}", allowed=allowed, fix=fix, page=page)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackChannel:
    """A Slack channel, reached through Amazon Q Developer in chat applications (AWS Chatbot).

    The workspace must have been authorised in its console, once for each account. A channel is configured once in an
    account: give all topics to one `Subscriptions`.

    Args:
        workspace_id: The id of the workspace, ``T`` and letters and digits in upper case.
        channel_id: The id of the channel, ``C`` or ``G`` and letters and digits in upper case; the last part of the
            channel's link. Not its name.

    Raises:
        ConfigurationError: If one is not such an id.

    See https://docs.aws.amazon.com/chatbot/latest/adminguide/slack-setup.html
    """

    workspace_id: str
    channel_id: str

    def __post_init__(self) -> None:
        """Refuse what Slack does not have."""
        with reported_together() as check:
            check(
                _check_form,
                "workspace_id",
                self.workspace_id,
                "T[A-Z0-9]{7,254}",
                allowed="the id of a Slack workspace is T with letters and digits in upper case",
                fix="Copy it from the console of Amazon Q Developer in chat applications",
                page=_SLACK_PAGE,
            )
            check(
                _check_form,
                "channel_id",
                self.channel_id,
                "[CG][A-Z0-9]{7,254}",
                allowed="the id of a Slack channel is C or G with letters and digits in upper case, not its name",
                fix="Copy the channel's link in Slack, and use its last part",
                page=_SLACK_PAGE,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamsChannel:
    """A Microsoft Teams channel, reached through Amazon Q Developer in chat applications (AWS Chatbot).

    Args:
        tenant_id: The id of the tenant, a UUID.
        team_id: The id of the team, a UUID.
        channel_id: The id of the channel as it stands in the channel's link: ``19%3a...%40thread.tacv2``.

    Raises:
        ConfigurationError: If one is not such an id.

    See https://docs.aws.amazon.com/chatbot/latest/adminguide/teams-setup.html
    """

    tenant_id: str
    team_id: str
    channel_id: str

    def __post_init__(self) -> None:
        """Refuse what Teams does not have."""
        with reported_together() as check:
            for name in ("tenant_id", "team_id"):
                check(
                    _check_form,
                    name,
                    getattr(self, name),
                    _UUID,
                    allowed="ids of tenants and teams are UUIDs",
                    fix="Copy it from the console of Amazon Q Developer in chat applications",
                    page=_TEAMS_PAGE,
                )
            check(
                _check_form,
                "channel_id",
                self.channel_id,
                r"[\w=+/.,-]*%3[aA][\w=+/.,-]*%40[\w=+/.,-]*",
                allowed="the id of a Teams channel is as it stands in its link, with %3a and %40",
                fix="Copy the channel's link in Teams, and use the part that ends with %40thread.tacv2",
                page=_TEAMS_PAGE,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pager:
    """An HTTPS endpoint of a pager or an incident service, whose URL is a secret.

    Such a URL has a key in it, so it is read from Secrets Manager at deployment and is in no template. The secret must
    exist in the stage's account and region. SNS shows the URL to those who may list subscriptions. A rotated URL is
    read again only if the subscription changes: name another secret, or another field, then.

    Args:
        secret_name: The name of the secret.
        field: The field that has the URL, if the secret is JSON. Default: the secret is the URL.

    Raises:
        ConfigurationError: If it is not the name of a secret, for example because it is the URL itself.

    See https://docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html
    """

    secret_name: str
    field: str | None = None

    def __post_init__(self) -> None:
        """Refuse a URL: it would be in the template."""
        with reported_together() as check:
            check(self._check_name)
            if self.field is not None:
                check(
                    _check_form,
                    "field",
                    self.field,
                    "[^:{}]+",
                    allowed="a field of a secret has neither colons nor braces, which end a reference",
                    fix="Name the field in the secret's JSON, or leave it out",
                    page=_SECRET_PAGE,
                )

    def _check_name(self) -> None:
        is_url = isinstance(self.secret_name, str) and "://" in self.secret_name
        if is_url:
            # Not shown: it has a key in it.
            raise ConfigurationError(
                got="Pager(secret_name=...) that is a URL",
                allowed="the URL of a pager has a key in it, and stays out of the template",
                fix="Store the URL in Secrets Manager, and use the secret's name",
                page=_SECRET_PAGE,
            )
        _check_form(
            "secret_name",
            self.secret_name,
            r"[\w/+=.@-]{1,512}",
            allowed="the name of a secret has 1 to 512 letters, digits and /_+=.@-",
            fix="Use the secret's name, not its ARN",
            page=_SECRET_PAGE,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribers:
    """Who is told of alarms and events.

    Args:
        emails: Addresses. Each gets a message with a link, and no other until its owner has followed it.
        slack: Slack channels. They show alarms, and all events but routine ones.
        teams: Microsoft Teams channels, which show the same.
        pagers: HTTPS endpoints. They get alarms, and events of failures only.
        placeholder_reason: Why an address in a domain that never receives mail, ``example.com`` for example, is right
            here. Default: such an address is refused.

    Raises:
        ConfigurationError: If an address is not valid or never receives mail, or a subscriber is listed twice.
    """

    emails: Sequence[str] = ()
    slack: Sequence[SlackChannel] = ()
    teams: Sequence[TeamsChannel] = ()
    pagers: Sequence[Pager] = ()
    placeholder_reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse addresses that no message reaches."""
        with reported_together() as check:
            for name, of, example in (
                ("emails", str, "['cache-team@...']"),
                ("slack", SlackChannel, "[SlackChannel(workspace_id=..., channel_id=...)]"),
                ("teams", TeamsChannel, "[TeamsChannel(tenant_id=..., team_id=..., channel_id=...)]"),
                ("pagers", Pager, "[Pager(secret_name='pager-url')]"),
            ):
                check(self._check_list, name, Kind(of=of, example=example))
            if self.placeholder_reason is not None:
                check(checked_reason, self.placeholder_reason, what="Subscribers(placeholder_reason=...)")
            if isinstance(self.emails, list | tuple):
                for each in self.emails:
                    check(self._check_address, each)

    def __bool__(self) -> bool:
        """Whether there is a subscriber."""
        return any((self.emails, self.slack, self.teams, self.pagers))

    @property
    def has_chat(self) -> bool:
        """Whether there is a chat channel."""
        return bool(self.slack or self.teams)

    def only_chat(self) -> Self:
        """The chat channels alone."""
        return replace(self, emails=(), pagers=())

    def without_chat(self) -> Self:
        """The addresses and pagers alone."""
        return replace(self, slack=(), teams=())

    def _check_list(self, name: str, kind: Kind) -> None:
        listed = checked_list("Subscribers", name, getattr(self, name), kind)
        twice = next((each for each in listed if listed.count(each) > 1), None)
        if twice is not None:
            raise ConfigurationError(
                got=f"Subscribers({name}=...) with {twice!r} twice",
                allowed="a topic has one subscription for each subscriber",
                fix="List it once",
            )

    def _check_address(self, address: str) -> None:
        if not is_known(address):
            return
        match = _ADDRESS.fullmatch(address)
        if match is None:
            raise ConfigurationError(
                got=f"the e-mail address {address!r}",
                allowed="an address is a name, @ and a domain, without spaces or a display name",
                fix="Use one like cache-team@..., with your own domain",
                page=_SNS_PAGE,
            )
        if _RESERVED.fullmatch(match[1]) and self.placeholder_reason is None:
            raise ConfigurationError(
                got=f"the e-mail address {address!r}",
                allowed=f"{match[1]} is reserved for examples, and no mail is delivered there",
                fix="Use an address that people read, or say why it is right here: placeholder_reason='...'",
                page=_SNS_PAGE,
            )
