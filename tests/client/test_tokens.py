"""IAM tokens compared with AWS's own code, published examples, and an independent verifier."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import botocore.auth  # type: ignore[import-untyped]
import pytest
from botocore.credentials import Credentials  # type: ignore[import-untyped]
from botocore.model import ServiceId  # type: ignore[import-untyped]
from botocore.session import Session  # type: ignore[import-untyped]
from botocore.signers import RequestSigner  # type: ignore[import-untyped]
from developer_toolkit_elasticache import generate_iam_auth_token

from elasticache_client import IamCredentials
from tests.client.conftest import APP, CACHE, KEYS, REGION, iam_credentials
from tests.client.verifier import RefusedError, Verifier

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
APP_KEY = Credentials("AKIDAPP", KEYS["AKIDAPP"].secret)


@pytest.fixture(name="freeze")
def _freeze(monkeypatch: pytest.MonkeyPatch) -> Callable[[dt.datetime], None]:
    def freeze(moment: dt.datetime) -> None:
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: moment.replace(tzinfo=None))

    freeze(NOW)
    return freeze


def _signed_by_botocore(*, serverless: bool) -> str:
    kind = "&ResourceType=ServerlessCache" if serverless else ""
    events = Session().get_component("event_emitter")
    signer = RequestSigner(ServiceId("elasticache"), REGION, "elasticache", "v4", APP_KEY, events)
    url = f"https://{CACHE}/?Action=connect&User={APP}{kind}"
    request = {"method": "GET", "url": url, "body": {}, "headers": {}, "context": {}}
    signed = signer.generate_presigned_url(request, operation_name="connect", expires_in=900, region_name=REGION)
    return str(signed).removeprefix("https://")


@pytest.mark.usefixtures("freeze")
@pytest.mark.parametrize("serverless", [False, True], ids=["node-based", "serverless"])
def test_a_token_is_what_botocore_signs(*, serverless: bool) -> None:
    """The token equals what botocore's request signer makes of the documented request, byte for byte."""
    _, token = iam_credentials(serverless=serverless).get_credentials()
    assert _signed_by_botocore(serverless=serverless) == token


@pytest.mark.usefixtures("freeze")
@pytest.mark.parametrize("name", ["replication_group_id", "serverless_cache_name"])
def test_a_token_is_what_the_toolkit_signs(name: str) -> None:
    """The token equals that of AWS's toolkit for ElastiCache, byte for byte."""
    expected = generate_iam_auth_token(user_id=APP, region=REGION, credentials=APP_KEY, **{name: CACHE})
    _, token = iam_credentials(serverless=name == "serverless_cache_name").get_credentials()
    assert expected == token


@pytest.mark.parametrize(
    ("moment", "names", "key", "signature"),
    [
        pytest.param(
            dt.datetime(2025, 1, 1, tzinfo=dt.UTC),
            ("my-user-id", "my-replication-group-id", False),
            ("fakeAccessKeyId", "fakeSecretKey"),
            "9e361603d85874bce06114c6644725ed113e3b11ae6fa92efdf10c6bcf5de8d7",
            id="aws-samples/elasticache-iam-auth-demo-app, static credentials",
        ),
        pytest.param(
            dt.datetime(2025, 1, 1, tzinfo=dt.UTC),
            ("my-user-id", "my-replication-group-id", False),
            ("fakeAccessKeyId", "fakeSecretKey", "fakeSessionToken"),
            "bbce2bd61bd78461297ecb92e7001ddbeab2d85906c3cbedad6c9b81fb3466dc",
            id="aws-samples/elasticache-iam-auth-demo-app, session credentials",
        ),
        pytest.param(
            dt.datetime(2024, 8, 2, 12, 11, 50, tzinfo=dt.UTC),
            ("user123", "my-cache", True),
            ("accessKey", "secretKey"),
            "5dda5db919b1337db6596b2a608924bc10197fb39289b933b60bdb114d5a70dc",
            id="Opetushallitus/jod-yksilo, serverless",
        ),
    ],
)
def test_published_signatures_are_reproduced(
    moment: dt.datetime,
    names: tuple[str, str, bool],
    key: tuple[str, ...],
    signature: str,
    freeze: Callable[[dt.datetime], None],
) -> None:
    """The signatures that other projects publish for example credentials are reproduced."""
    freeze(moment)
    user, cache_name, serverless = names
    credentials = IamCredentials(
        user=user, cache_name=cache_name, serverless=serverless, region="eu-west-1", credentials=Credentials(*key)
    )
    _, token = credentials.get_credentials()
    assert parse_qs(token)["X-Amz-Signature"] == [signature]


@pytest.mark.usefixtures("freeze")
@pytest.mark.parametrize("serverless", [False, True], ids=["node-based", "serverless"])
def test_the_verifier_accepts_it(*, serverless: bool) -> None:
    """A verifier that was written only from the description of the signature accepts the token."""
    user, token = iam_credentials(serverless=serverless).get_credentials()
    Verifier(CACHE, REGION, KEYS, serverless=serverless).check(user, token, NOW)


@pytest.mark.usefixtures("freeze")
@pytest.mark.parametrize("seconds", [-300, 900], ids=["clocks five minutes apart", "the last second"])
def test_it_is_good_to_its_last_second(seconds: int) -> None:
    """A token is accepted in the first and last second of its lifetime."""
    user, token = iam_credentials().get_credentials()
    Verifier(CACHE, REGION, KEYS).check(user, token, NOW + dt.timedelta(seconds=seconds))


@pytest.mark.usefixtures("freeze")
@pytest.mark.parametrize(
    ("verifier", "user", "seconds", "reason"),
    [
        pytest.param(Verifier(CACHE, REGION, KEYS), APP, 901, "expired", id="expired"),
        pytest.param(Verifier(CACHE, REGION, KEYS), APP, -301, "from the future", id="from the future"),
        pytest.param(Verifier(CACHE, REGION, KEYS), "billing", 0, "another request", id="another user"),
        pytest.param(Verifier("payments", REGION, KEYS), APP, 0, "another cache", id="another cache"),
        pytest.param(Verifier(CACHE, "us-east-1", KEYS), APP, 0, "another scope", id="another region"),
        pytest.param(Verifier(CACHE, REGION, KEYS, True), APP, 0, "another request", id="another kind of cache"),
        pytest.param(Verifier(CACHE, REGION, {}), APP, 0, "unknown key", id="an unknown key"),
        pytest.param(
            Verifier(CACHE, REGION, {"AKIDAPP": KEYS["AKIDUNGRANTED"]}),
            APP,
            0,
            "wrong signature, not granted",
            id="a forged signature",
        ),
    ],
)
def test_the_verifier_refuses_the_rest(verifier: Verifier, user: str, seconds: int, reason: str) -> None:
    """Any difference from what was signed is rejected, for that reason."""
    _, token = iam_credentials().get_credentials()
    with pytest.raises(RefusedError) as caught:
        verifier.check(user, token, NOW + dt.timedelta(seconds=seconds))
    assert reason == str(caught.value)
