"""The clients of the drills: of a cache, through the project's library; of a site, with signed requests."""

from __future__ import annotations

import hashlib
import importlib
import json
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elasticache_client import connect
from rehearsal.drills.load import WrongAnswer

if TYPE_CHECKING:
    from elasticache_client import ConnectionSettings, Credentials

auth: Any = importlib.import_module("botocore.auth")
awsrequest: Any = importlib.import_module("botocore.awsrequest")
credentials_module: Any = importlib.import_module("botocore.credentials")

VALUE = re.compile(r"(\d+):([0-9a-f]{16})")
CONFIRM_MS = 50
MANY = 6  # no shard has so many replicas: the answer is how many confirm in that time
SITE_SECONDS = 40.0  # the functions of the reference applications end after 29 s


def value_of(key: str, version: int) -> str:
    """The value that a load writes to a key; another key or version has another."""
    return f"{version}:{hashlib.sha256(f'{key}/{version}'.encode()).hexdigest()[:16]}"


def version_of(key: str, value: str | None) -> int | None:
    """The version of a value that a load wrote to this key.

    Raises:
        WrongAnswer: If a load never writes this value to this key.
    """
    if value is None:
        return None
    found = VALUE.fullmatch(value)
    if found is None or value_of(key, int(found[1])) != value:
        raise WrongAnswer(f"{key} has a value that no client wrote to it")
    return int(found[1])


class CacheClient:
    """A client of a replication group, as applications have it: the project's, with its retries.

    Args:
        settings: The cache and the login.
        credentials: Where the login comes from. Default: as the settings say.
    """

    def __init__(self, settings: ConnectionSettings, credentials: Credentials | None = None) -> None:
        self._cluster = settings.mode == "cluster"
        self._client: Any = connect(settings, credentials=credentials, decode_responses=True)

    def write(self, key: str, version: int) -> None:
        """Set the value of this version."""
        self._client.set(key, value_of(key, version))

    def read(self, key: str) -> int | None:
        """The version that the key has.

        Raises:
            WrongAnswer: If no load wrote its value to this key.
        """
        return version_of(key, self._client.get(key))

    def is_replicated(self, key: str, version: int) -> bool:
        """Set it again, and wait on the same connection until a replica has it."""
        return self._replicas(key, value_of(key, version), enough=1) >= 1

    def replicas(self, key: str) -> int:
        """How many replicas have a write to this key, after a moment."""
        return self._replicas(key, "", enough=MANY)

    def _replicas(self, key: str, value: str, *, enough: int) -> int:
        node = self._client
        if self._cluster:
            node = self._client.get_redis_connection(self._client.get_node_from_key(key))
        with node.pipeline(transaction=False) as pipeline:
            pipeline.set(key, value)
            pipeline.execute_command("WAIT", enough, CONFIRM_MS)
            _, replicas = pipeline.execute()
        return int(replicas)

    def execute(self, *command: Any) -> Any:
        """Execute any command."""
        return self._client.execute_command(*command)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()


@dataclass(frozen=True)
class Answer:
    """The answer of a site.

    Attributes:
        status: Its HTTP status.
        body: Its body.
        cookie: The cookie that it sets; empty if none.
    """

    status: int
    body: str
    cookie: str = ""

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Caller:
    """Credentials that sign requests, for example those of an assumed role.

    Attributes:
        region: Region of the APIs.
        credentials: The credentials, as botocore has them; without them, requests are not signed.
    """

    region: str
    credentials: Any = None

    @classmethod
    def of(cls, region: str, answer: dict[str, str]) -> Caller:
        """The caller with the credentials that `AssumeRole` returned."""
        keys = (answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])
        return cls(region, credentials_module.Credentials(*keys))

    def call(self, base: str, path: str, method: str = "GET", body: Any = None, cookie: str = "") -> Answer:
        """Send one request to an HTTP API.

        Args:
            base: URL of the API, which ends with a slash.
            path: Path below it, with its query.
            method: Its method.
            body: Its body, which becomes JSON. Default: none.
            cookie: A cookie to send, which is not signed. Default: none.
        """
        data = None if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"content-type": "application/json"}
        request = awsrequest.AWSRequest(method, base + path, data=data, headers=headers)
        if self.credentials is not None:
            auth.SigV4Auth(self.credentials, "execute-api", self.region).add_auth(request)
        if cookie:
            request.headers["cookie"] = cookie
        sent = urllib.request.Request(request.url, data, dict(request.headers), method=method)  # noqa: S310 - its own URL
        direct = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=ssl.create_default_context())
        )
        try:
            with direct.open(sent, timeout=SITE_SECONDS) as answer:
                cookie = (answer.headers.get("set-cookie") or "").partition(";")[0]
                return Answer(answer.status, answer.read().decode(), cookie)
        except urllib.error.HTTPError as refused:
            with refused:
                return Answer(refused.code, refused.read().decode(errors="replace"))


class RefusedError(Exception):
    """A site answered with another status than 200; the message has it."""


class BoardClient:
    """A client of the leaderboard: the score of a player is the version, which the board shows as the best.

    Args:
        caller: Signs the requests.
        base: URL of the API.
    """

    def __init__(self, caller: Caller, base: str) -> None:
        self._caller, self._base = caller, base

    def write(self, key: str, version: int) -> None:
        """Submit the version as the player's score."""
        self._answered("api/scores", "PUT", {"player": _player(key), "score": version})

    def read(self, key: str) -> int | None:
        """The best score that the board shows for the player."""
        board = self._answered(f"api/boards/all-time?player={urllib.parse.quote(_player(key))}")
        if board["you"] is None:
            return None
        if board["you"]["player"] != _player(key):
            raise WrongAnswer(f"the board of {key} shows another player")
        return int(board["you"]["score"])

    def is_replicated(self, _key: str, _version: int) -> bool:
        """A site does not tell."""
        return False

    def close(self) -> None:
        """Each request has its own connection."""

    def _answered(self, path: str, method: str = "GET", body: Any = None) -> Any:
        answer = self._caller.call(self._base, path, method, body)
        if answer.status != 200:  # noqa: PLR2004 - HTTP's number for success
            raise RefusedError(f"{answer.status} {answer.body}")
        return answer.json()


def _player(key: str) -> str:
    """The name of a player, whose length is limited; the end tells keys apart."""
    return key[-24:]
