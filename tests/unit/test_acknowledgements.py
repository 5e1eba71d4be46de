"""Findings that are accepted, each with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from elasticache_constructs import ConfigurationError, acknowledge

if TYPE_CHECKING:
    from tests.conftest import Bench


def test_finding_needs_a_reason(bench: Bench) -> None:
    """A finding is accepted with a reason that says something; the message names the rule."""
    with pytest.raises(ConfigurationError) as refusal:
        acknowledge(bench.stack, {"AwsSolutions::AwsSolutions-AEC5": "usual port"})

    expected = (
        "acknowledging AwsSolutions::AwsSolutions-AEC5 with the reason 'usual port': a reason has 20 characters at "
        "least. Write why this is right here, so that it can be reviewed."
    )
    assert expected == str(refusal.value)
