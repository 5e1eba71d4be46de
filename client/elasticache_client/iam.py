"""Logins with IAM tokens."""

from __future__ import annotations

import time
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from developer_toolkit_elasticache import ElastiCacheIAMAuthTokenProvider

from elasticache_client.credentials import Credentials, Held, Login
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

    Signing is local and takes well under a millisecond once the AWS credentials are known; those are read anew for each
    token, so that an assumed role's are never older than the chain has them.

    Args:
        user: the ElastiCache user's name, which for IAM users is its id too.
        cache_name: the replication group's id, or the serverless cache's name.
        serverless: whether it is a serverless cache; a token says so and is refused where it does not fit.
        region: the cache's region. Default: ``AWS_REGION``, then what botocore finds.
        session: a botocore session. Default: one is made, once.
        credentials: AWS credentials to sign with. Default: the session's chain.
        clock: seconds of wall time, which is what the service judges a token by.

    Raises:
        developer_toolkit_elasticache.ElastiCacheAuthError: a name is malformed, or no region is to be found.

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
        """A token signed now, unless the one refused was: AWS credentials may have been replaced under an older one."""
        with self._lock:
            held = self._usable()
            if held is not None and held.login not in refused:
                return held.login
            if held is not None and self._clock() - held.since < _REFUSAL_SECONDS:
                return None
            self._held = self._fetch()
            return self._held.login

    def start_afresh(self) -> None:
        """In a forked child."""
        super().start_afresh()
        # With it goes the session that it made, in which a thread of the parent may have been renewing AWS credentials.
        self._signer = self._new_signer()

    def _fetch(self) -> Held:
        signed = self._clock()
        with no_secrets_logged():
            token = self._signer.get_token()
        login = Login(self._signer.user_id, token, version=f"token {next(self._numbers)}")
        return Held(login, signed, signed + _RENEW_AFTER_SECONDS, signed + TOKEN_SECONDS - _MARGIN_SECONDS)
