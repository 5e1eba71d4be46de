"""The one exception, and how an app shows it."""

from __future__ import annotations

import copy
import pickle
import re
from typing import TYPE_CHECKING

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from jsii.errors import JavaScriptError

from elasticache_constructs import (
    Access,
    ConfigurationError,
    Engine,
    MemcachedCluster,
    NodeType,
    Topology,
    one_line_errors,
)
from elasticache_constructs.checks.errors import CombinedConfigurationError, reference

if TYPE_CHECKING:
    from collections.abc import Callable

REFUSAL = ConfigurationError(got="port=0", allowed="a port is 1 at least", fix="Use port=6379", page="https://aws/page")


def _said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines on standard error; the number of a line of this file does not matter."""
    return re.sub(r"(?<=\.py:)\d+", "LINE", capsys.readouterr().err).splitlines()


def _cdk_refusal() -> None:
    cdk.Stack(cdk.App(), "no such name!")


@pytest.fixture(autouse=True)
def _no_debugging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CDK_DEBUG", raising=False)


def test_message_says_got_allowed_fix_and_page() -> None:
    """The text is one line: what was got, what is allowed, the fix and the page."""
    assert "port=0: a port is 1 at least. Use port=6379. See https://aws/page" == str(REFUSAL)


def test_message_without_a_page_ends_with_the_fix() -> None:
    """Where no page is named, none is mentioned."""
    error = ConfigurationError(got="port=0", allowed="a port is 1 at least", fix="Use port=6379")

    assert "port=0: a port is 1 at least. Use port=6379." == str(error)


def test_parts_of_a_message_are_attributes() -> None:
    """A program can tell the parts of a message apart."""
    assert ("port=0", "a port is 1 at least", "Use port=6379", "https://aws/page") == (
        REFUSAL.got,
        REFUSAL.allowed,
        REFUSAL.fix,
        REFUSAL.page,
    )


def test_refusal_is_a_value_error() -> None:
    """Code that catches ValueError catches refusals."""
    assert isinstance(REFUSAL, ValueError)


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(copy.copy, id="copied"),
        pytest.param(copy.deepcopy, id="copied deeply"),
        pytest.param(lambda error: pickle.loads(pickle.dumps(error)), id="pickled"),  # noqa: S301
    ],
)
@pytest.mark.parametrize("page", ["https://aws/page", None])
def test_refusal_crosses_processes(again: Callable[[ConfigurationError], ConfigurationError], page: str | None) -> None:
    """Test runners and build tools send exceptions to each other: text and parts arrive as they were."""
    error = ConfigurationError(got="port=0", allowed="a port is 1 at least", fix="Use port=6379", page=page)
    arrived = again(error)

    assert error is not arrived
    assert (ConfigurationError, str(error), vars(error)) == (type(arrived), str(arrived), vars(arrived))


def test_refusal_ends_the_program_with_exit_code_1() -> None:
    """A refusal becomes SystemExit with code 1, without a trace of what it came from."""
    with pytest.raises(SystemExit) as end, one_line_errors():
        raise REFUSAL

    assert (1, True) == (end.value.code, end.value.__suppress_context__)


def test_refusal_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A refusal is printed as one line on standard error, and nothing on standard output."""
    with pytest.raises(SystemExit), one_line_errors():
        raise REFUSAL

    output = capsys.readouterr()
    assert (f"error: {REFUSAL}\n", "") == (output.err, output.out)


def test_refusal_by_the_cdk_is_one_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    """What the CDK refuses is one line as well, without JavaScript stack."""
    with pytest.raises(SystemExit) as end, one_line_errors():
        _cdk_refusal()

    assert 1 == end.value.code
    assert [
        (
            "error: Stack name must match the regular expression: /^[A-Za-z][A-Za-z0-9-]*$/, got 'no such name!' "
            "[tests/unit/test_errors.py:LINE]"
        )
    ] == _said(capsys)


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\n\n"], ids=repr)
def test_lines_of_a_refusal_become_one(capsys: pytest.CaptureFixture[str], ends: str) -> None:
    """Several findings of the CDK, each on its own line and indented, are still one line."""
    text = ends.join(["Validation failed with the following errors:", "  [Test] one", "  [Test] another", ""])

    with pytest.raises(SystemExit), one_line_errors():
        raise RuntimeError(text) from JavaScriptError("stack")  # type: ignore[no-untyped-call]

    expected = "error: Validation failed with the following errors:; [Test] one; [Test] another\n"
    assert expected == capsys.readouterr().err


def test_line_end_within_a_value_breaks_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A value of several lines is in one line too."""
    with pytest.raises(SystemExit), one_line_errors():
        raise ConfigurationError(got="description='a\n  b'", allowed="it is one line", fix="Write one")

    assert "error: description='a; b': it is one line. Write one.\n" == capsys.readouterr().err


def test_an_interrupt_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C during a synth shows no stack trace, unless one is asked for."""
    monkeypatch.delenv("CDK_DEBUG", raising=False)
    with pytest.raises(SystemExit) as end, one_line_errors():
        raise KeyboardInterrupt
    assert (130, "Interrupted by SIGINT\n") == (end.value.code, capsys.readouterr().err)

    monkeypatch.setenv("CDK_DEBUG", "true")
    with pytest.raises(KeyboardInterrupt), one_line_errors():
        raise KeyboardInterrupt


def _stack() -> cdk.Stack:
    return cdk.Stack(cdk.App(), "Stack")


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (
            lambda: Topology(replica_per_shard=1),  # type: ignore[call-arg]
            (
                "Topology(replica_per_shard=...): its arguments are shards, replicas_per_shard, cluster_mode, "
                "no_failover_reason, node_quota, shard_scaling, replica_scaling, placement, placed. "
                "Use replicas_per_shard."
            ),
        ),
        (
            lambda: Access.users(colour="red"),  # type: ignore[call-arg]
            "Access.users(colour=...): its arguments are default, users, removing. Leave it out.",
        ),
        (
            lambda: MemcachedCluster(_stack(), "Pages", node=2),  # type: ignore[call-arg]
            "MemcachedCluster(node=...): it has no such argument. Use nodes.",
        ),
        (
            lambda: ec2.Vpc(_stack(), "Vpc", max_az=2),  # type: ignore[call-arg]
            "Vpc(max_az=...): it has no such argument. Use max_azs.",
        ),
        (
            lambda: ec2.Vpc(_stack(), "Vpc", max_azs="two"),  # type: ignore[arg-type]
            (
                "an argument of Vpc: type of argument max_azs must be one of (int, float, NoneType); got str instead. "
                "Give it a value of that type."
            ),
        ),
        (
            lambda: MemcachedCluster(_stack()),  # type: ignore[call-arg]
            (
                "MemcachedCluster(...) without construct_id: it needs scope, construct_id, vpc, node_type. "
                "Add construct_id."
            ),
        ),
        (
            lambda: Topology(1, 2),  # type: ignore[call-arg]
            "Topology(...) with values without a name: its arguments are given by name. Write each as name=value.",
        ),
        (
            lambda: NodeType("cache.r7g.large", name="cache.r7g.large"),  # type: ignore[misc]
            "NodeType(...) with name twice: an argument is given once. Leave one name out.",
        ),
        (
            lambda: Engine.REDIS_7_4,  # type: ignore[attr-defined]
            "Engine.REDIS_7_4: it has no such name. Use Engine.REDIS_7_1.",
        ),
        (
            lambda: Topology(shards=0),
            (
                "Topology(shards=0): a group has 1 to 500 shards. Use shards=1 for a group without cluster mode. "
                f"{reference('TOP-19')}"
            ),
        ),
    ],
)
def test_a_mistake_says_where_it_stands(
    capsys: pytest.CaptureFixture[str], call: Callable[[], object], line: str
) -> None:
    """Arguments and names that do not exist are one line, as values are, with the place in the app."""
    with pytest.raises(SystemExit) as end, one_line_errors():
        call()

    assert (1, [f"error: {line} [tests/unit/test_errors.py:LINE]"]) == (end.value.code, _said(capsys))


def _function_of_the_app(known: int) -> int:
    return known + None  # type: ignore[operator]


@pytest.mark.parametrize(
    "bug",
    [
        lambda: _function_of_the_app(unknown=1),  # type: ignore[call-arg]
        lambda: _function_of_the_app(1),
        lambda: int(base=1, other=2),  # type: ignore[call-overload]
        lambda: "text".nothing,  # type: ignore[attr-defined]
        lambda: ec2.Nothing,  # type: ignore[attr-defined]
    ],
)
def test_a_bug_of_the_app_keeps_its_traceback(bug: Callable[[], object], capsys: pytest.CaptureFixture[str]) -> None:
    """A call or a name of the app itself, or of Python, is not a mistake in a configuration."""
    with pytest.raises((TypeError, AttributeError)), one_line_errors():
        bug()

    assert "" == capsys.readouterr().err


@pytest.mark.parametrize("bug", [RuntimeError("a bug"), KeyError("a bug"), ValueError("a bug")], ids=repr)
def test_bug_keeps_its_traceback(bug: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is no refusal passes through untouched, and nothing is printed."""
    with pytest.raises(type(bug)) as raised, one_line_errors():
        raise bug

    assert bug is raised.value
    assert "" == capsys.readouterr().err


def test_debugging_keeps_the_traceback_of_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """With CDK_DEBUG=true a refusal keeps its trace."""
    monkeypatch.setenv("CDK_DEBUG", "true")

    with pytest.raises(ConfigurationError) as raised, one_line_errors():
        raise REFUSAL

    assert REFUSAL is raised.value


def test_debugging_keeps_the_traceback_of_the_cdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """With CDK_DEBUG=true what the CDK refuses keeps what JavaScript has to say of it."""
    monkeypatch.setenv("CDK_DEBUG", "true")

    with pytest.raises(RuntimeError) as raised, one_line_errors():
        _cdk_refusal()

    assert isinstance(raised.value.__cause__, JavaScriptError)


def test_good_configuration_passes(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is printed and nothing is raised when nothing is refused."""
    with one_line_errors():
        cdk.Stack(cdk.App(), "Good")

    assert "" == capsys.readouterr().err


def test_several_mistakes_have_the_parts_of_the_first() -> None:
    """A reader of the parts of an error, instead of `errors`, sees one whole mistake."""
    first, second = (
        ConfigurationError(got=f"{name}=0", allowed=f"{name} is 1", fix=f"Use {name}=1", page=f"page of {name}")
        for name in ("first", "second")
    )
    both = CombinedConfigurationError([first, second])

    assert ("first=0", "first is 1", "Use first=1", "page of first") == (both.got, both.allowed, both.fix, both.page)
