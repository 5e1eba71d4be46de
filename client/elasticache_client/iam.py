"""Logins with IAM authentication tokens."""

from __future__ import annotations

import time
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from developer_toolkit_elasticache import ElastiCacheIAMAuthTokenProvider

from elasticache_client.credentials import CachedLogin, Credentials, Login
from elasticache_client.quiet import no_secrets_logged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from botocore.credentials import Credentials as AwsCredentials  # type: ignore[import-untyped]
    from botocore.session import Session  # type: ignore[import-untyped]

TOKEN_SECONDS = 900
"""How long ElastiCache accepts a token for a login: 15 minutes."""

_RENEW_AFTER_SECONDS = 600
_MARGIN_SECONDS = 30
_REFUSAL_SECONDS = 5


class IamCredentials(Credentials):
    """An IAM user's name and a token signed by AWS's own toolkit, renewed after 10 of its 15 minutes.

    Signing is local and takes less than a millisecond once the AWS credentials are known. They are read again for each
    token, so the credentials of an assumed role are as fresh as the credential chain provides them.

    Args:
        user: The ElastiCache user's name, which is also its id for IAM users.
        cache_name: The replication group's id, or the serverless cache's name.
        serverless: Whether the cache is serverless. The token contains this, and the cache rejects a token that is
            wrong.
        region: The cache's Region. Default: ``AWS_REGION``, then the Region that botocore finds.
        session: A botocore session. Default: one is made.
        credentials: AWS credentials to sign with. Default: the session's credential chain.
        clock: Wall-clock time in seconds, which decides whether the service accepts a token. Default: ``time.time``.

    Raises:
        developer_toolkit_elasticache.ElastiCacheAuthError: If a name is malformed, or no Region is found.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html
    """

    def __init__(
        self,
        *,
        user: str,
        cache_name: str,
        serverless: bool = False,
        region: str | None = None,
        session: Session | None = None,
        credentials: AwsCredentials | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(clock)
        self._new_signer = partial(
            ElastiCacheIAMAuthTokenProvider,
            user_id=user,
            serverless_cache_name=cache_name if serverless else None,
            replication_group_id=None if serverless else cache_name,
            region=region,
            session=session,
            credentials=credentials,
        )
        self._signer = self._new_signer()
        self._numbers = count(1)

    def after_refusal(self, refused: Sequence[Login]) -> Login | None:
        """A new token, because the AWS credentials may have changed since the rejected one was signed.

        None if the rejected token is only seconds old.
        """
        with self._lock:
            held = self._usable()
            if held is not None and held.login not in refused:
                return held.login
            if held is not None and self._clock() - held.since < _REFUSAL_SECONDS:
                return None
            self._held = self._fetch()
            return self._held.login

    def start_afresh(self) -> None:
        """Renew the signer in a forked child."""
        super().start_afresh()
        # This also replaces the botocore session, in which a thread of the parent may have held a lock.
        self._signer = self._new_signer()

    def _fetch(self) -> CachedLogin:
        signed = self._clock()
        with no_secrets_logged():
            token = self._signer.get_token()
        login = Login(self._signer.user_id, token, version=f"token {next(self._numbers)}")
        return CachedLogin(login, signed, signed + _RENEW_AFTER_SECONDS, signed + TOKEN_SECONDS - _MARGIN_SECONDS)
