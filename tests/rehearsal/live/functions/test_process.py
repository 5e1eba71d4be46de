"""A function runs in a process of its own environment and limits, confined to its files and to this machine."""

from __future__ import annotations

import ctypes
import errno
import os
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal.live.functions.inside import confinement

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rehearsal.live.functions.process import FunctionProcess

CODE = """
import ctypes, os, socket, subprocess, sys, tempfile, time
print("imported")

def handler(event, context):
    return globals()[event["do"]](context, *event.get("with", ()))

def environment(context): return dict(os.environ)
def path(context): return sys.path
def identity(context): return [context.aws_request_id, context.function_name, context.get_remaining_time_in_millis()]
def allocate(context, mebibytes): return len(bytearray(mebibytes << 20))
def fail(context): print("before"); raise ValueError("wrong")
def leave(context): print("before"); os._exit(3)
def sleep(context): print("before"); time.sleep(60)
def unserializable(context): return {1, 2}
def scratch(context):
    with tempfile.NamedTemporaryFile("w") as file: return os.path.dirname(file.name)
def write(context, name): open(name, "w").close()
def read(context, name): open(name).close()
def remove(context, name): os.remove(name)
def run(context): subprocess.run(["/bin/true"])
def load(context, module): return __import__(module).__name__
def connect(context, host): socket.create_connection((host, 443), 1)
def connect_unix(context, name): socket.socket(socket.AF_UNIX).connect(name)
def native(context, function, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    result = getattr(libc, function)(*(a.encode() if isinstance(a, str) else a for a in arguments))
    return [result, ctypes.get_errno()]
"""


@pytest.fixture(scope="module")
def call(new_process: Callable[..., FunctionProcess]) -> Callable[..., dict[str, Any]]:
    """Invokes the function that does something."""
    process = new_process(CODE)

    def call(do: str, *arguments: Any) -> dict[str, Any]:
        return process.invoke({"do": do, "with": arguments}, "request-1")

    return call


def test_environment_is_the_functions_own(call: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the emulator's environment is visible, and reserved names are Lambda's; `/var/task` is the code."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the run")
    monkeypatch.setenv("LEAKED", "yes")
    environment = call("environment")["body"]
    assert "LEAKED" not in environment
    assert "AWS_SECRET_ACCESS_KEY" not in environment
    assert "AWS_ENDPOINT_URL" not in environment
    assert (environment["AWS_ACCESS_KEY_ID"], environment["AWS_REGION"]) == ("ASIAKEY", "eu-west-1")
    assert environment["FILE"] == f"{environment['LAMBDA_TASK_ROOT']}/file.pem"


def test_only_bundled_and_runtime_modules_exist(call: Callable[..., dict[str, Any]]) -> None:
    """What Lambda's runtime brings is there; what is merely installed on this machine is not."""
    assert call("load", "boto3")["body"] == "boto3"
    assert call("load", "pytest")["body"]["errorType"] == "ModuleNotFoundError"


def test_context_and_log(call: Callable[..., dict[str, Any]]) -> None:
    """The handler gets its context; an error has Lambda's form, and the log has what was printed before it."""
    request, name, left = call("identity")["body"]
    assert (request, name) == ("request-1", "probe")
    assert 0 < left <= 20_000
    outcome = call("fail")
    assert outcome["body"]["errorType"] == "ValueError"
    assert outcome["body"]["errorMessage"] == "wrong"
    assert outcome["log"].startswith("before\n[ERROR] ValueError: wrong\nTraceback")
    assert "imported" not in outcome["log"]  # that is in the log of the first invocation


@pytest.mark.parametrize(
    ("do", "kind", "log"),
    [("leave", "Runtime.ExitError", "before\n"), ("unserializable", "Runtime.MarshalError", "[ERROR]")],
)
def test_failures_are_told_apart(call: Callable[..., dict[str, Any]], do: str, kind: str, log: str) -> None:
    """An end of the process and a result without JSON have Lambda's types; the next invocation works."""
    outcome = call(do)
    assert outcome["body"]["errorType"] == kind
    assert log in outcome["log"]
    assert call("identity")["body"][1] == "probe"


def test_timeout_ends_the_process(new_process: Callable[..., FunctionProcess]) -> None:
    """The function ends at its timeout, and its log up to there is kept."""
    process = new_process(CODE, Timeout=1)
    outcome = process.invoke({"do": "sleep"}, "request-1")
    assert outcome["body"]["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in outcome["body"]["errorMessage"]
    assert "before\n" in outcome["log"]
    assert process.pid is None


def test_memory_is_limited(call: Callable[..., dict[str, Any]]) -> None:
    """100 MB fit in 256 MB, and 400 MB do not."""
    assert call("allocate", 100)["body"] == 100 << 20
    assert call("allocate", 400)["body"]["errorType"] == "Runtime.OutOfMemory"


@pytest.mark.parametrize(
    ("source", "handler", "kind"),
    [
        ("import psycopg", "app.handler", "Runtime.ImportModuleError"),
        ("x = 1", "app.handler", "Runtime.HandlerNotFound"),
        ("def (", "app.handler", "Runtime.UserCodeSyntaxError"),
        ("raise KeyError('X')", "app.handler", "KeyError"),
        ("raise SystemExit(1)", "app.handler", "Runtime.ExitError"),
    ],
)
def test_a_module_that_does_not_load(
    new_process: Callable[..., FunctionProcess], source: str, handler: str, kind: str
) -> None:
    """An invocation of a function whose module fails says how, with the log."""
    outcome = new_process(source, Handler=handler).invoke({}, "request-1")
    assert outcome["error"]
    assert outcome["body"]["errorType"] == kind


def test_other_runtimes_are_refused(new_process: Callable[..., FunctionProcess]) -> None:
    """A function that is not on Python is refused, with a fix."""
    with pytest.raises(ValueError, match=r"Runtime 'nodejs24.x': a rehearsal runs functions on Python only"):
        new_process("", Runtime="nodejs24.x").invoke({}, "request-1")


def test_files_are_confined(call: Callable[..., dict[str, Any]], place: Path, tmp_path: Path) -> None:
    """The temporary directory is the function's; nothing else can be written, and no file of the user be read."""
    assert call("scratch")["body"].startswith(str(place / "tmp"))
    secret = tmp_path / "secret"
    secret.write_text("secret")
    for do, name in (
        ("write", tmp_path / "new"),
        ("write", place / "inside" / "names.py"),
        ("read", secret),
        ("read", f"/proc/{os.getpid()}/environ"),
        ("remove", secret),
    ):
        assert call(do, str(name))["body"]["errorType"] == "PermissionError", name
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def _has_landlock() -> bool:
    libc = ctypes.CDLL(None)
    return bool(libc.syscall(confinement.CREATE_RULESET, None, 0, confinement.VERSION_FLAG) >= confinement.SCOPES_SINCE)


@pytest.mark.skipif(not _has_landlock(), reason="the kernel has no Landlock that scopes signals")
def test_native_code_is_confined_by_the_kernel(call: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    """Native code neither opens files of the user nor signals other processes."""
    (tmp_path / "secret").write_text("secret")
    for arguments in (("open", str(tmp_path / "secret"), 0), ("creat", str(tmp_path / "new"), 0o600)):
        assert call("native", *arguments)["body"] == [-1, errno.EACCES]
    assert call("native", "kill", os.getpid(), 0)["body"] == [-1, errno.EPERM]


@pytest.mark.parametrize(
    ("do", "what", "kind"),
    [
        ("connect", "example.org", "gaierror"),
        ("connect", "192.0.2.1", "OSError"),
        ("connect_unix", "/tmp/socket", "PermissionError"),  # noqa: S108 - it does not exist
        ("run", None, "PermissionError"),
    ],
)
def test_connections_and_programs_are_confined(
    call: Callable[..., dict[str, Any]], do: str, what: str | None, kind: str
) -> None:
    """No name outside the account resolves; no other machine, unix socket or program is reached."""
    outcome = call(do, *([what] if what else []))
    assert outcome["body"]["errorType"] == kind


@pytest.mark.parametrize(
    ("target", "reached"),
    [
        (("127.0.0.1", 9), "127.0.0.1:9: Connection refused"),
        (("known.abc.eu-west-1.rds.amazonaws.com", 9), "known.abc.eu-west-1.rds.amazonaws.com:9: Connection refused"),
        (("wrong.example", 443), "wrong.example: Name or service not known: wrong.example"),
    ],
)
def test_what_was_not_reached_is_told(
    new_process: Callable[..., FunctionProcess], target: tuple[str, int], reached: str
) -> None:
    """An outcome names what could not be resolved or connected to, also if the function swallows the error."""
    source = (
        "import socket\ndef handler(event, context):\n    try: socket.create_connection(tuple(event))\n"
        "    except OSError: return 'swallowed'"
    )
    process = new_process(source)
    outcome = process.invoke(target, "request-1")
    assert outcome["body"] == "swallowed"
    assert len(outcome["unreachable"]) == 1
    assert outcome["unreachable"][0].startswith(reached)


@pytest.mark.parametrize(("name", "address"), [("known", "127.70.0.1"), ("unknown", "no-database-of-this-account")])
def test_libpq_asks_no_name_server(new_process: Callable[..., FunctionProcess], name: str, address: str) -> None:
    """Libpq gets the address of the database in the environment, and otherwise a text that is no address."""
    source = "import os\ndef handler(event, context): return os.environ['PGHOSTADDR']"
    variables = {"Variables": {"DATABASE_HOST": f"{name}.abc.eu-west-1.rds.amazonaws.com"}}
    assert new_process(source, Environment=variables).invoke({}, "request-1")["body"] == address
