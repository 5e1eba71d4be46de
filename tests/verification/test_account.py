"""Reading an account: all pages, patiently, with listed actions only, and a missing permission is named."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pytest

from verification.account import AccessDeniedError, Account, ClientError, ForbiddenCallError, dns_suffix
from verification.permissions import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

# They have no type information.
awsrequest: Any = importlib.import_module("botocore.awsrequest")
Stubber: Any = importlib.import_module("botocore.stub").Stubber


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "111122223333")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "no-secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")


@pytest.fixture(name="account")
def _account() -> Account:
    return Account("eu-west-1", ACTIONS)


@pytest.fixture(name="elasticache")
def _elasticache(account: Account) -> Iterator[Any]:
    with Stubber(account.client("elasticache")) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def _parameter(name: str) -> dict[str, str]:
    return {"ParameterName": name, "ParameterValue": "1", "Source": "user"}


def test_every_page_is_read(account: Account, elasticache: Any) -> None:
    """A parameter on the second page counts, and only overridden parameters are asked for."""
    asked = {"CacheParameterGroupName": "group", "Source": "user"}
    pages = [
        ({"Marker": "2", "Parameters": [_parameter("a")]}, asked),
        ({"Parameters": [_parameter("b")]}, {**asked, "Marker": "2"}),
    ]
    for answer, expected in pages:
        elasticache.add_response("describe_cache_parameters", answer, expected)
    assert {"a": "1", "b": "1"} == account.parameters("group")


def test_an_answer_is_asked_for_once(account: Account, elasticache: Any) -> None:
    """A second reader of the same resource makes no call."""
    elasticache.add_response("describe_users", {"Users": [{"UserId": "a"}]}, {"UserId": "a"})
    assert account.user("a") == account.user("a")


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"])
def test_a_missing_permission_is_named(account: Account, elasticache: Any, code: str) -> None:
    """The error names the action, and is not provoked again."""
    elasticache.add_client_error("describe_users", service_error_code=code)
    for _again in range(2):
        with pytest.raises(AccessDeniedError, match="needs elasticache:DescribeUsers"):
            account.user("a")


def test_other_errors_stay_what_they_are(account: Account, elasticache: Any) -> None:
    """A resource that does not exist is no missing permission."""
    elasticache.add_client_error("describe_users", service_error_code="UserNotFound")
    with pytest.raises(ClientError, match="UserNotFound"):
        account.user("a")


def _calls(account: Account) -> dict[str, Any]:
    return {
        "a change": lambda: account.client("elasticache").delete_user(UserId="a"),
        "a secret": lambda: account.client("secretsmanager").get_secret_value(SecretId="a"),
        "a read that is not listed": lambda: account.client("s3").list_buckets(),
    }


@pytest.mark.parametrize("call", ["a change", "a secret", "a read that is not listed"])
def test_other_calls_are_not_sent(account: Account, call: str) -> None:
    """A call that is not in the policy is refused before it leaves this machine."""
    with pytest.raises(ForbiddenCallError, match="not among the actions"):
        _calls(account)[call]()


def test_listed_actions_only_read() -> None:
    """Each action describes, lists or gets, and none gets a secret, a parameter's value or a token."""
    verbs = [action.partition(":")[2] for action in ACTIONS]
    assert [] == [verb for verb in verbs if not verb.startswith(("Describe", "Get", "List"))]
    assert [] == [action for action in ACTIONS if "SecretValue" in action or action.startswith(("ssm:Get", "s3:"))]


THROTTLED = "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>"
USERS = """<DescribeUsersResponse><DescribeUsersResult><Users><member><UserId>a</UserId></member></Users>
</DescribeUsersResult></DescribeUsersResponse>"""


def test_a_throttled_call_is_repeated(account: Account) -> None:
    """ElastiCache throttles by account: twice refused, the third answer counts, and there would be ten."""
    answers = [(400, THROTTLED), (400, THROTTLED), (200, USERS)]

    def answer(request: Any, **_kwargs: Any) -> Any:
        status, body = answers.pop(0)
        response = awsrequest.AWSResponse(request.url, status, {}, None)
        response._content = body.encode()
        return response

    client = account.client("elasticache")
    client.meta.events.register("before-send.elasticache.DescribeUsers", answer)
    assert account.user("a")["UserId"] == "a"
    assert [] == answers
    retries = client.meta.config.retries
    assert ("adaptive", 10) == (retries["mode"], retries["total_max_attempts"])


@pytest.mark.parametrize(
    ("partition", "suffix"), [("aws", "amazonaws.com"), ("aws-cn", "amazonaws.com.cn"), ("aws-us-gov", "amazonaws.com")]
)
def test_a_partition_has_its_domain(partition: str, suffix: str) -> None:
    """Endpoints and service principals of a partition end with its domain."""
    assert suffix == dns_suffix(partition)
