"""Users as values."""

from __future__ import annotations

import pytest
from aws_cdk import Token

from elasticache_constructs import ConfigurationError, DefaultUser, IamUser, PasswordUser, Permissions
from elasticache_constructs.checks.errors import reference

READ = Permissions.read_only("a:*")
BOTH_KINDS = pytest.mark.parametrize("kind", [IamUser, PasswordUser])


@BOTH_KINDS
@pytest.mark.parametrize("name", ["a", "app", "orders-prod-app", "a1", "x-1-y"])
def test_name_of_the_services_form_is_accepted(kind: type[IamUser | PasswordUser], name: str) -> None:
    """Lower-case letters, digits and single hyphens make a name."""
    assert name == kind(name, READ).name


@BOTH_KINDS
@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        pytest.param("Orders-App", "orders-app", id="upper case"),
        pytest.param("orders_app", "orders-app", id="an underscore"),
        pytest.param("orders--app", "orders-app", id="two hyphens"),
        pytest.param("-app", "app", id="a hyphen first"),
        pytest.param("app-", "app", id="a hyphen last"),
        pytest.param("1app", "user-1app", id="a digit first"),
        pytest.param("ops@corp.com", "ops-corp-com", id="an address"),
        pytest.param("", "user", id="nothing"),
        pytest.param("___", "user", id="nothing to keep"),
        pytest.param("app\n", "app", id="a line end"),
    ],
)
def test_other_names_are_refused(kind: type[IamUser | PasswordUser], name: str, suggestion: str) -> None:
    """A name that the service would refuse is refused, with one to use in its place."""
    with pytest.raises(ConfigurationError) as refusal:
        kind(name, READ)

    expected = (
        f"{kind.__name__}({name!r}): a name begins with a letter and has lower-case letters, digits and single "
        f"hyphens. Use {suggestion!r}. {reference('NAM-05')}"
    )
    assert expected == str(refusal.value)
    assert suggestion == kind(suggestion, READ).name


@BOTH_KINDS
@pytest.mark.parametrize("form", ["{}", "{}-app", "app-{}"])
def test_name_has_to_be_known(kind: type[IamUser | PasswordUser], form: str) -> None:
    """A name that is a parameter, or has one in it, is refused, and not shown as the CDK encodes it."""
    with pytest.raises(ConfigurationError) as refusal:
        kind(form.format(Token.as_string({"Ref": "Name"})), READ)

    expected = (
        f"{kind.__name__} with a name that is known only when it is deployed: a user's name is part of construct ids, "
        f"which are needed at synth. Write it out, as in 'orders-prod-app'. {reference('NAM-05')}"
    )
    assert expected == str(refusal.value)


@BOTH_KINDS
def test_default_is_set_apart(kind: type[IamUser | PasswordUser]) -> None:
    """The name default belongs to clients that give none."""
    with pytest.raises(ConfigurationError) as refusal:
        kind("default", READ)

    expected = (
        f"{kind.__name__}('default'): the user named default is for clients that give no name, and is configured "
        "separately. Use Access.users(default=DefaultUser.with_token(), ...). "
        f"{reference('IAM-03' if kind is IamUser else 'RBC-05')}"
    )
    assert expected == str(refusal.value)


@BOTH_KINDS
@pytest.mark.parametrize("length", [20, 41, 120])
def test_names_are_as_long_as_they_are(kind: type[IamUser | PasswordUser], length: int) -> None:
    """AWS documents no longest id and no longest name, so none is refused."""
    assert "x" * length == kind("x" * length, READ).name


def test_default_user_with_token_reads_and_writes_every_key() -> None:
    """The default user with a token may read and write every key, without administration."""
    assert Permissions.read_write("*") == DefaultUser.with_token().permissions


def test_default_user_with_token_takes_other_permissions() -> None:
    """What the default user may do can be said."""
    assert READ == DefaultUser.with_token(READ).permissions


def test_disabled_default_user_may_do_nothing() -> None:
    """A disabled default user has no permissions at all."""
    assert DefaultUser.disabled().permissions is None
