"""How connection settings from Systems Manager are read, cached and refused."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from elasticache_client import ConnectionSettings, ParameterSettings, SettingsError, parameters
from tests.client.conftest import Clock, Interrupted
from tests.client.test_contract import IAM, MEMCACHED, SECRET, SERVERLESS

PATH = "/orders/cache"


class ParameterStoreStub:
    """The parameters below one path, in pages as the service returns them, with the calls counted."""

    def __init__(self, variables: dict[str, str]) -> None:
        self.values = {name.removeprefix("ELASTICACHE_").lower(): value for name, value in variables.items()}
        self.asked = 0
        self.fault: Exception | None = None
        self.blocked: threading.Event | None = None

    def get_parameters_by_path(self, *, Path: str, MaxResults: int, NextToken: str = "0") -> dict[str, Any]:  # noqa: N803
        """Return a page as boto3 does; the service may also return a page with nothing but a token."""
        assert (PATH, 10) == (Path, MaxResults)
        self.asked += NextToken == "0"
        if self.fault is not None:
            raise self.fault
        if self.blocked is not None:
            self.blocked.wait()
        start, names = int(NextToken), sorted(self.values)
        page = names[start : start + 4] if NextToken != "0" else []
        found = [{"Name": f"{PATH}/{name}", "Type": "String", "Value": self.values[name]} for name in page]
        following = str(start + 4) if page else "00"
        return {"Parameters": found, **({"NextToken": following} if start + len(page) < len(names) else {})}


def _denied() -> ClientError:
    return ClientError({"Error": {"Code": "AccessDeniedException", "Message": "arn:aws:iam::1:role/x"}}, "Get")


@pytest.mark.parametrize("variables", [IAM, SERVERLESS, SECRET, MEMCACHED], ids=["iam", "serverless", "secret", "open"])
def test_the_parameters_say_what_the_variables_do(variables: dict[str, str]) -> None:
    """Both ways lead to the same settings. A parameter that is no setting, such as the security group, is left out."""
    stub = ParameterStoreStub(variables | {"ELASTICACHE_CLIENT_SECURITY_GROUP": "sg-1"})
    assert ParameterSettings(PATH, client=stub).settings() == ConnectionSettings.from_environment(variables)


@pytest.mark.parametrize(("seconds", "asked"), [(599, 1), (600, 2)])
def test_settings_are_kept_for_ten_minutes(seconds: int, asked: int) -> None:
    """Systems Manager is asked once in that time, whether with threads or with asyncio."""
    stub, clock = ParameterStoreStub(IAM), Clock()
    source = ParameterSettings(PATH, client=stub, clock=clock)
    first = source.settings()
    clock.now += seconds
    assert first == asyncio.run(source.settings_async()) == source.settings()
    assert asked == stub.asked


def test_changed_parameters_are_read() -> None:
    """Settings that are old are replaced by what the parameters say then."""
    stub, clock = ParameterStoreStub(IAM), Clock()
    source = ParameterSettings(PATH, client=stub, clock=clock)
    source.settings()
    stub.values["host"] = "new.abc.euw1.cache.amazonaws.com"
    clock.now += 600
    assert "new.abc.euw1.cache.amazonaws.com" == source.settings().host


def test_an_outage_keeps_the_settings() -> None:
    """If Systems Manager is unavailable, the settings stay in use, and it is asked again after five seconds."""
    stub, clock = ParameterStoreStub(IAM), Clock()
    source = ParameterSettings(PATH, client=stub, clock=clock)
    first = source.settings()
    stub.fault = OSError("unreachable")
    clock.now += 86_400
    assert [first, first] == [source.settings(), source.settings()]
    clock.now += 5
    assert first == source.settings()
    assert 3 == stub.asked


def test_callers_use_the_old_settings_while_one_reads() -> None:
    """A slow Systems Manager holds up one caller."""
    stub, clock = ParameterStoreStub(IAM), Clock()
    source = ParameterSettings(PATH, client=stub, clock=clock)
    first = source.settings()
    stub.blocked = threading.Event()
    clock.now += 600
    reader = threading.Thread(target=source.settings)
    reader.start()
    while stub.asked < 2:
        pass
    assert first == source.settings()
    stub.blocked.set()
    reader.join()
    assert 2 == stub.asked


@pytest.mark.parametrize(("fault", "name"), [(_denied(), "AccessDeniedException"), (OSError("x"), "OSError")])
def test_parameters_that_cannot_be_read_are_one_error(fault: Exception, name: str) -> None:
    """The error says what is missing, permission or route, and keeps the cause."""
    stub = ParameterStoreStub(IAM)
    stub.fault = fault
    with pytest.raises(SettingsError) as refused:
        ParameterSettings(PATH, client=stub).settings()
    assert (
        f"The parameters below /orders/cache could not be read ({name}): must be readable: ssm:GetParametersByPath on "
        "the path, and a route to Systems Manager. Use grant_read of ConnectionParameters, and NAT or an interface "
        "endpoint for ssm."
    ) == str(refused.value)
    assert fault is refused.value.__cause__


@pytest.mark.parametrize("error", [Interrupted("a job's time is up"), TimeoutError("a job's time is up")], ids=repr)
def test_an_interrupt_is_no_outage(error: Exception) -> None:
    """A signal handler's exception reaches its caller, although there are settings."""
    stub, clock = ParameterStoreStub(IAM), Clock()
    source = ParameterSettings(PATH, client=stub, clock=clock)
    source.settings()
    clock.now += 600
    stub.fault = error
    with pytest.raises(type(error), match="time is up"):
        source.settings()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param(
            {},
            "No parameter is below /orders/cache: must have those of a cache's ConnectionParameters, in the Region "
            "that the client uses. Deploy the stack that makes them, or correct the path or the Region.",
            id="none",
        ),
        pytest.param(
            {name: value for name, value in IAM.items() if name != "ELASTICACHE_HOST"},
            "/orders/cache/host is not set: always required. Set /orders/cache/host.",
            id="one missing",
        ),
        pytest.param(
            IAM | {"ELASTICACHE_PORT": "70000"},
            "/orders/cache/port=70000: must be 1 to 65535. Use the endpoint's port.",
            id="one wrong",
        ),
        pytest.param(
            IAM | {"ELASTICACHE_CONTRACT": "9"},
            "/orders/cache/contract='9': this elasticache-client reads version 1. Install an elasticache-client that "
            "reads version 9, or let the infrastructure write version 1.",
            id="a later contract",
        ),
    ],
)
def test_what_is_missing_or_wrong_is_named(values: dict[str, str], message: str) -> None:
    """A message names the parameter, where it would name the environment variable."""
    with pytest.raises(SettingsError) as refused:
        ParameterSettings(PATH, client=ParameterStoreStub(values)).settings()
    assert message == str(refused.value)


@pytest.mark.parametrize("path", ["orders", "/orders/", "/", "/or ders", None, 7])
def test_other_paths_are_refused(path: Any) -> None:
    """A path is refused before it is asked for."""
    with pytest.raises(SettingsError, match="must begin with a slash and end without one"):
        ParameterSettings(path)


def test_the_path_is_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """from_parameters reads the path from a variable, and one source serves all callers of a path."""
    stub = ParameterStoreStub(IAM)
    monkeypatch.setattr(parameters, "_shared", {PATH: ParameterSettings(PATH, client=stub)})
    monkeypatch.setenv("ELASTICACHE_PARAMETERS", PATH)
    expected = ConnectionSettings.from_environment(IAM)
    assert expected == ConnectionSettings.from_parameters() == ConnectionSettings.from_parameters(PATH)
    assert expected == asyncio.run(ConnectionSettings.from_parameters_async())
    assert 1 == stub.asked


@pytest.mark.parametrize("read", [ConnectionSettings.from_parameters, ConnectionSettings.from_parameters_async])
def test_without_a_path_the_variable_is_named(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable counts as missing."""
    monkeypatch.setenv("ELASTICACHE_PARAMETERS", "")

    async def call() -> None:
        found = read()
        if found is not None:
            await found

    with pytest.raises(SettingsError, match=r"ELASTICACHE_PARAMETERS is not set: must be the path"):
        asyncio.run(call())
