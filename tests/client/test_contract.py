"""The contract of environment variables, from both sides."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import elasticache_client
from elasticache_client import ConnectionSettings, SettingsError
from tests.client.secrets_manager import ARN

IAM = {
    "ELASTICACHE_CONTRACT": "1",
    "ELASTICACHE_ENGINE": "valkey",
    "ELASTICACHE_HOST": "orders.abc.euw1.cache.amazonaws.com",
    "ELASTICACHE_PORT": "6379",
    "ELASTICACHE_READER_HOST": "orders-ro.abc.euw1.cache.amazonaws.com",
    "ELASTICACHE_TLS": "true",
    "ELASTICACHE_MODE": "standalone",
    "ELASTICACHE_AUTH": "iam",
    "ELASTICACHE_USER": "orders-app",
    "ELASTICACHE_CACHE_NAME": "orders",
    "ELASTICACHE_SERVERLESS": "false",
}
SERVERLESS = IAM | {
    "ELASTICACHE_MODE": "cluster",
    "ELASTICACHE_READER_PORT": "6380",
    "ELASTICACHE_SERVERLESS": "true",
}
SECRET = {
    "ELASTICACHE_CONTRACT": "1",
    "ELASTICACHE_ENGINE": "redis",
    "ELASTICACHE_HOST": "master.sessions.abc.euw1.cache.amazonaws.com",
    "ELASTICACHE_PORT": "6379",
    "ELASTICACHE_TLS": "true",
    "ELASTICACHE_MODE": "cluster",
    "ELASTICACHE_AUTH": "secret",
    "ELASTICACHE_USER": "default",
    "ELASTICACHE_SECRET_ARN": ARN,
    "ELASTICACHE_SERVERLESS": "false",
}
MEMCACHED = {
    "ELASTICACHE_CONTRACT": "1",
    "ELASTICACHE_ENGINE": "memcached",
    "ELASTICACHE_HOST": "pages.abc.cfg.euw1.cache.amazonaws.com",
    "ELASTICACHE_PORT": "11211",
    "ELASTICACHE_TLS": "false",
    "ELASTICACHE_MODE": "standalone",
    "ELASTICACHE_AUTH": "none",
    "ELASTICACHE_SERVERLESS": "false",
}
OPEN = ConnectionSettings(engine="redis", host="cache", port=6379, tls=False, mode="standalone", auth="none")


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param(IAM, id="IAM"),
        pytest.param(SERVERLESS, id="serverless"),
        pytest.param(SECRET, id="secret"),
        pytest.param(MEMCACHED, id="Memcached"),
    ],
)
def test_what_is_read_is_written(variables: dict[str, str]) -> None:
    """For each kind of cache, settings that are read from variables give the same variables."""
    assert ConnectionSettings.from_environment(variables).to_environment() == variables


def test_every_setting_is_a_variable() -> None:
    """The values of variables become settings of the same names, with the right types."""
    expected = ConnectionSettings(
        engine="valkey",
        host="orders.abc.euw1.cache.amazonaws.com",
        port=6379,
        reader_host="orders-ro.abc.euw1.cache.amazonaws.com",
        reader_port=6380,
        tls=True,
        mode="cluster",
        auth="iam",
        user="orders-app",
        cache_name="orders",
        serverless=True,
    )
    assert expected == ConnectionSettings.from_environment(SERVERLESS)


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an argument, the process's own variables are read."""
    for name, value in SECRET.items():
        monkeypatch.setenv(name, value)
    assert ConnectionSettings.from_environment().secret_arn == ARN


def test_other_variables_do_not_matter() -> None:
    """A later release of the infrastructure may set optional variables that this client does not know."""
    assert ConnectionSettings.from_environment(IAM | {"ELASTICACHE_COLOUR": "red"}).user == "orders-app"


def test_serverless_is_false_unless_said() -> None:
    """Without the serverless variable, the cache is node-based."""
    without = {name: value for name, value in IAM.items() if name != "ELASTICACHE_SERVERLESS"}
    assert ConnectionSettings.from_environment(without).serverless is False


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        pytest.param(
            {"ELASTICACHE_CONTRACT": None},
            "ELASTICACHE_CONTRACT is not set: must be 1, the version of the variables that describe a cache. Set it "
            "and the other variables to the values of ConnectionSettings.to_environment().",
            id="no contract",
        ),
        pytest.param(
            {"ELASTICACHE_CONTRACT": "2"},
            "ELASTICACHE_CONTRACT='2': this elasticache-client reads version 1. Install an elasticache-client that "
            "reads version 2, or let the infrastructure write version 1.",
            id="a later contract",
        ),
        pytest.param(
            {"ELASTICACHE_HOST": None},
            "ELASTICACHE_HOST is not set: always required. Set ELASTICACHE_HOST.",
            id="no host",
        ),
        pytest.param(
            {"ELASTICACHE_AUTH": ""},
            "ELASTICACHE_AUTH is not set: always required. Set ELASTICACHE_AUTH.",
            id="an empty value",
        ),
        pytest.param(
            {"ELASTICACHE_ENGINE": "Redis"},
            "ELASTICACHE_ENGINE='Redis': must be redis, valkey or memcached. Use one of them.",
            id="an engine's name in capitals",
        ),
        pytest.param(
            {"ELASTICACHE_HOST": "rediss://orders"},
            "ELASTICACHE_HOST='rediss://orders': must be a host name or an IPv4 address. Leave out scheme, port and "
            "spaces.",
            id="a URL for a host",
        ),
        pytest.param(
            {"ELASTICACHE_PORT": "+6379"},
            "ELASTICACHE_PORT='+6379': must be 1 to 65535. Use the endpoint's port.",
            id="a port that is no number",
        ),
        pytest.param(
            {"ELASTICACHE_PORT": "65536"},
            "ELASTICACHE_PORT=65536: must be 1 to 65535. Use the endpoint's port.",
            id="a port too high",
        ),
        pytest.param(
            {"ELASTICACHE_TLS": "True"},
            "ELASTICACHE_TLS='True': must be true or false. Use one of the two, in lower case.",
            id="a flag in capitals",
        ),
        pytest.param(
            {"ELASTICACHE_TLS": "false"},
            "ELASTICACHE_TLS='false': must be true with auth=iam. Turn on encryption in transit and set it to true.",
            id="a login in the clear",
        ),
        pytest.param(
            {"ELASTICACHE_CACHE_NAME": None},
            "ELASTICACHE_CACHE_NAME is not set: required with auth=iam. Set ELASTICACHE_CACHE_NAME.",
            id="IAM without a cache's name",
        ),
        pytest.param(
            {"ELASTICACHE_CACHE_NAME": "Orders"},
            "ELASTICACHE_CACHE_NAME='Orders': must be lower-case letters, digits and single hyphens, beginning with a "
            "letter. Use the cache's id as AWS shows it.",
            id="a cache's name in capitals",
        ),
        pytest.param(
            {"ELASTICACHE_SECRET_ARN": ARN},
            f"ELASTICACHE_SECRET_ARN='{ARN}': must be left out unless auth=secret. Remove it, or set auth=secret.",
            id="a secret with IAM",
        ),
        pytest.param(
            {"ELASTICACHE_AUTH": "secret"},
            "ELASTICACHE_SECRET_ARN is not set: required with auth=secret. Set ELASTICACHE_SECRET_ARN.",
            id="no secret",
        ),
        pytest.param(
            {"ELASTICACHE_ENGINE": "memcached"},
            "ELASTICACHE_AUTH='iam': must be 'none' with engine=memcached, which has no logins. Set it to none.",
            id="a login to Memcached",
        ),
    ],
)
def test_a_wrong_variable_is_refused(variables: dict[str, str | None], message: str) -> None:
    """The error says what was given, what is allowed, and how to correct it."""
    changed = {name: value for name, value in {**IAM, **variables}.items() if value is not None}
    with pytest.raises(SettingsError) as caught:
        ConnectionSettings.from_environment(changed)
    assert message == str(caught.value)


@pytest.mark.parametrize("port", [1, 65535])
def test_the_outermost_ports_are_allowed(port: int) -> None:
    """Both ends of the range are allowed."""
    assert replace(OPEN, port=port).port == port


def test_an_open_serverless_cache_is_refused() -> None:
    """A serverless cache always encrypts, so settings without TLS are wrong."""
    with pytest.raises(SettingsError, match="must be true with serverless=true"):
        replace(OPEN, serverless=True)


def test_the_reader_has_its_own_address() -> None:
    """The settings for reading differ only in host and port."""
    settings = ConnectionSettings.from_environment(SERVERLESS)
    assert replace(settings, host="orders-ro.abc.euw1.cache.amazonaws.com", port=6380) == settings.reader()


def test_without_a_reader_there_is_none() -> None:
    """If the cache has no reader endpoint, the error names the variable."""
    with pytest.raises(
        SettingsError, match=r"ELASTICACHE_READER_HOST is not set: .* Set ELASTICACHE_READER_HOST, or use"
    ):
        OPEN.reader()


def test_the_contract_needs_the_standard_library_alone() -> None:
    """Infrastructure code can import the contract if no client library is installed."""
    package = Path(elasticache_client.__file__).parent.parent
    program = f"""
import sys
sys.path.insert(0, {str(package)!r})
from elasticache_client import ConnectionSettings
print(ConnectionSettings.from_environment({OPEN.to_environment()!r}).host)
"""
    command: list[Any] = [sys.executable, "-I", "-S", "-c", program]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "cache\n"
