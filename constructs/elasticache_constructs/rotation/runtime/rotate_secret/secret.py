"""The secret: its versions, their labels, and what a version holds."""

from __future__ import annotations

import json
import secrets
import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .calls import call
from .errors import CallFailed, Refused
from .record import TAG, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

# Users and AuthTokens forbid different characters; both accept letters and digits. 64 of them have 381 bits.
_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Login:
    """A user name and its password, with the other keys of the secret."""

    username: str
    password: str = field(repr=False)
    others: tuple[tuple[str, Any], ...] = field(default=(), repr=False)
    created: float | None = field(default=None, repr=False, compare=False)
    """When the version that holds it was made, in seconds since the epoch."""

    @classmethod
    def parse(cls, text: str, *, created: float | None = None) -> Login:
        """Read a version's value.

        Raises:
            Refused: If it is not an object with a user name and a password.
        """
        try:
            document = json.loads(text)
            username, password = document["username"], document["password"]
        except (ValueError, KeyError, TypeError):
            username = password = None
        if not isinstance(username, str) or not isinstance(password, str) or not password:
            raise Refused(
                got="a secret of another shape",
                allowed='the value is a JSON object with the texts "username" and "password"',
                fix="Restore that shape; the object may have other keys as well",
            )
        return cls(username, password, tuple(document.items()), created)

    def renewed(self) -> Login:
        """The same with a new password."""
        return Login(self.username, "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)), self.others)

    def text(self) -> str:
        """The value of a version that holds this login; keys keep their order."""
        return json.dumps({**dict(self.others), "username": self.username, "password": self.password})


@dataclass(frozen=True, slots=True)
class Versions:
    """The labelled versions, by their ids."""

    current: str
    labelled_pending: str | None
    previous: str | None
    record: Record | None
    """Only one about the version that is current."""
    due: float | None
    """When Secrets Manager rotates next, in seconds since the epoch; None without a schedule."""

    @property
    def pending(self) -> str | None:
        """The pending version, unless it was promoted already: both labels may be on one version."""
        return None if self.labelled_pending == self.current else self.labelled_pending


class Secret:
    """The one secret of this function in Secrets Manager."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self._arn = arn

    def versions(self) -> Versions:
        """The versions as they are labelled now.

        Raises:
            Refused: If no version is current.
        """
        answer = call(self._client.describe_secret, SecretId=self._arn)
        by_label = {label: version for version, labels in answer["VersionIdsToStages"].items() for label in labels}
        if "AWSCURRENT" not in by_label:
            raise Refused(
                got="a secret without AWSCURRENT",
                allowed="the version that is in use carries AWSCURRENT",
                fix="Put the password that the cache accepts into the secret",
            )
        current = by_label["AWSCURRENT"]
        record = Record.parse(next((tag["Value"] for tag in answer.get("Tags", ()) if tag["Key"] == TAG), ""))
        return Versions(
            current=current,
            labelled_pending=by_label.get("AWSPENDING"),
            previous=by_label.get("AWSPREVIOUS"),
            record=record if record and record.version == current else None,
            due=answer["NextRotationDate"].timestamp() if "NextRotationDate" in answer else None,
        )

    def login(self, version: str) -> Login | None:
        """What a version holds; None when it holds nothing yet."""
        try:
            answer = call(self._client.get_secret_value, SecretId=self._arn, VersionId=version)
        except CallFailed as error:
            if error.code == "ResourceNotFoundException":
                return None
            raise
        created = answer["CreatedDate"].timestamp() if "CreatedDate" in answer else None
        return Login.parse(answer.get("SecretString", ""), created=created)

    def put(self, version: str, login: Login) -> bool:
        """Give the pending version its value; False if a concurrent invocation already has."""
        try:
            call(
                self._client.put_secret_value,
                SecretId=self._arn,
                ClientRequestToken=version,
                SecretString=login.text(),
                VersionStages=["AWSPENDING"],
            )
        except CallFailed as error:
            if error.code == "ResourceExistsException":
                return False
            raise
        return True

    def promote(self, version: str, *, over: str) -> None:
        """Make a version the current one; Secrets Manager moves AWSPREVIOUS by itself."""
        call(
            self._client.update_secret_version_stage,
            SecretId=self._arn,
            VersionStage="AWSCURRENT",
            MoveToVersionId=version,
            RemoveFromVersionId=over,
        )

    def drop_pending(self, version: str) -> None:
        """Remove AWSPENDING from a version, unless it is already removed."""
        try:
            call(
                self._client.update_secret_version_stage,
                SecretId=self._arn,
                VersionStage="AWSPENDING",
                RemoveFromVersionId=version,
            )
        except CallFailed as error:
            if error.code != "InvalidParameterException":
                raise

    def write(self, record: Record) -> None:
        """Replace the record."""
        call(self._client.tag_resource, SecretId=self._arn, Tags=[{"Key": TAG, "Value": record.text()}])

    def abandoned(self, *, since: str) -> list[Login]:
        """Values of the versions without a label that were created after a given version."""
        versions = list(self._all_versions())
        start = next(each["CreatedDate"] for each in versions if each["VersionId"] == since)
        ids = [each["VersionId"] for each in versions if not each.get("VersionStages") and each["CreatedDate"] > start]
        return [login for version in ids if (login := self._readable(version))]

    def _readable(self, version: str) -> Login | None:
        try:
            return self.login(version)
        except Refused:
            return None

    def _all_versions(self) -> Iterator[dict[str, Any]]:
        page: dict[str, str] = {}
        while True:
            answer = call(self._client.list_secret_version_ids, SecretId=self._arn, IncludeDeprecated=True, **page)
            yield from answer["Versions"]
            if not answer.get("NextToken"):
                return
            page = {"NextToken": answer["NextToken"]}
