"""What a node type looks like."""

from __future__ import annotations

import aws_cdk as cdk
import pytest

from elasticache_constructs import ConfigurationError, NodeType
from elasticache_constructs.checks.errors import reference

FORM = "a node type is cache.<family>.<size> in lower case, as in cache.t4g.small"


@pytest.mark.parametrize("name", ["cache.t4g.micro", "cache.r7g.16xlarge", "cache.c8gn.large"])
def test_form_of_the_service_is_accepted(name: str) -> None:
    """Names of the service's form are accepted, and are the text of the value."""
    assert name == str(NodeType(name))


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        pytest.param("t4g.small", "Use NodeType('cache.t4g.small')", id="an EC2 name, with the name to use"),
        pytest.param("cache.T4G.small", "Use NodeType('cache.t4g.small')", id="upper case"),
        pytest.param(
            "cache.t4g",
            "Choose one from the page",
            id="no size",
        ),
        pytest.param("cache.t4g.small.extra", "Choose one from the page", id="a part too many"),
        pytest.param("db.t4g.small", "Use NodeType('cache.t4g.small')", id="another service's"),
        pytest.param("db.m1.small", "Use NodeType('cache.t3.small')", id="a closed family's"),
        pytest.param("", "Choose one from the page", id="nothing"),
        pytest.param("cache.t4g.small\n", "Use NodeType('cache.t4g.small')", id="a line end"),
    ],
)
def test_other_forms_are_refused(name: str, fix: str) -> None:
    """A name of another form is refused; that of an EC2 type together with the right one."""
    with pytest.raises(ConfigurationError) as refusal:
        NodeType(name)

    assert f"NodeType({name!r}): {FORM}. {fix}. {reference('NOD-01')}" == str(refusal.value)


def test_token_passes_through() -> None:
    """A type that is known at deployment only is not checked."""
    name = cdk.CfnParameter(cdk.Stack(), "NodeType").value_as_string

    assert name == NodeType(name).name


def test_unlisted_type_takes_one_line() -> None:
    """A type that this package does not know is accepted when it is said to be new, and nothing is known of it."""
    assert NodeType("cache.r11g.large", unlisted=True).facts is None
