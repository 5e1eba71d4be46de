"""The process in which a function runs, in place of the emulator's worker.

Its environment is the function's alone, so the secret of the run is not in it; its standard output and errors are the
log. It ends with the emulator's process, whose group it belongs to, and whose end closes its socket.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from rehearsal.live.functions.seam import lambda_runtime
from verification.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rehearsal.live.functions.bundles import Bundle

INIT_SECONDS = 60.0  # Lambda has 10; a busy machine needs more
TASK = "/var/task"
CHUNK = 65_536  # bytes
MAX_LOG = 1 << 20  # bytes of one invocation's log; more is dropped
END = b"\0"  # begins the line that ends the log of an invocation

# The search path of programs and the language that functions have; none is the caller's.
FIXED = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": ":UTC", "AWS_EC2_METADATA_DISABLED": "true"}


@dataclass(frozen=True)
class Settings:
    """What processes of functions need to know of the run.

    Attributes:
        directory: Directory for their temporary files.
        client_side: Directory with the code that runs inside them.
        authority: Certificate file of the run's authority.
        names: Returns the names file of a function.
        credentials: Returns the credentials of a function's role as environment variables.
        unpack: Returns the bundle of a ZIP file.
        started: Told of each process that has loaded its handler: the function's configuration, its bundle, and whether
            the kernel confines the process.
    """

    directory: Path
    client_side: Path
    authority: Path
    names: Callable[[str], Path]
    credentials: Callable[[Mapping[str, Any]], Mapping[str, str]]
    unpack: Callable[[bytes], Bundle]
    started: Callable[[Mapping[str, Any], Bundle, bool], None]


# The emulator has no type information.
class FunctionProcess(lambda_runtime.Worker):  # type: ignore[misc]
    """One execution environment of a function, which serves one invocation at a time.

    The emulator keeps a pool of them for each function, and reads `in_use`, `last_used`, `config` and `_proc`.

    Args:
        settings: What it needs to know of the run.
        name: Name of the function.
        config: Its configuration, as the Lambda API describes it.
        code: Its ZIP file.
    """

    def __init__(self, settings: Settings, name: str, config: Mapping[str, Any], code: bytes) -> None:
        super().__init__(name, config, code)
        self._proc: subprocess.Popen[bytes] | None
        self._tmpdir: str | None
        self._settings = settings
        self._connection: socket.socket | None = None
        self._output: IO[bytes] | None = None
        self._unread = b""

    @property
    def pid(self) -> int | None:
        """The id of its process while that runs."""
        process = self._proc
        return process.pid if process is not None and process.poll() is None else None

    def invoke(
        self,
        event: Any,
        request_id: str,
        *,
        trace_id: str | None = None,
        invoked_function_arn: str | None = None,
        **_: Any,
    ) -> dict[str, Any]:
        """Run one invocation, in a new process if there is none.

        Args:
            event: The payload.
            request_id: Id of the invocation.
            trace_id: Header of a trace.
            invoked_function_arn: ARN that the invoker used.

        Returns:
            `body` with the result, `log` with the output, and `unreachable` with what could not be connected to; for a
            failure also `error`, and `body` describes it.
        """
        with self._lock:
            log = ""
            if self.pid is None:
                answer, log = self._start(request_id)
                if "error" in answer:
                    self._end()
                    return {"log": log, **_outcome(answer)}
            seconds = float(self.config.get("Timeout", 3))
            request = {
                "id": request_id,
                "event": event,
                "arn": invoked_function_arn or self.config["FunctionArn"],
                "trace": trace_id or "",
                "seconds": seconds,
            }
            answer, output = self._exchange(request, seconds, f"Task timed out after {seconds:.2f} seconds")
            return {"log": log + output, **_outcome(answer)}

    def end(self) -> None:
        """End the process; the next invocation starts another."""
        with self._lock:
            self._end()

    def _start(self, request_id: str) -> tuple[dict[str, Any], str]:
        """Start the process and load the handler; returns its answer and its log."""
        self._end()
        runtime = str(self.config.get("Runtime", ""))
        if not runtime.startswith("python"):
            raise ValueError(
                refusal(
                    got=f"{self.func_name}: Runtime {runtime!r}",
                    allowed="a rehearsal runs functions on Python only",
                    fix="Use a Python runtime, or rehearse with LIVE=0",
                )
            )
        if self.config.get("Layers"):
            raise ValueError(
                refusal(
                    got=f"{self.func_name}: Layers",
                    allowed="a rehearsal runs functions without layers",
                    fix="Bundle what the layer has, or rehearse with LIVE=0",
                )
            )
        bundle = self._settings.unpack(self.code_zip)
        self._tmpdir = tempfile.mkdtemp(prefix=f"{self.func_name[:20]}-", dir=self._settings.directory)
        ours, theirs = socket.socketpair()
        with theirs:
            self._proc = subprocess.Popen(
                [
                    sys.executable,
                    "-S",
                    "-P",
                    "-B",
                    str(self._settings.client_side / "bootstrap.py"),
                    str(theirs.fileno()),
                ],
                cwd=bundle.code,
                env=self._environment(bundle),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs.fileno(),),
            )
        self._connection, self._output, self._unread, self._cold = ours, self._proc.stdout, b"", False
        names = self._settings.names(self.func_name)
        start = {
            "id": request_id,
            "side": str(self._settings.client_side),
            "path": [str(path) for path in bundle.path],
            "names": str(names),
            "memory": int(self.config.get("MemorySize", 128)),
            "storage": int((self.config.get("EphemeralStorage") or {}).get("Size", 512)),
            "readable": [
                str(path) for path in (*_python(), bundle.code, *bundle.path, names.parent, self._settings.authority)
            ],
            "writable": [self._tmpdir],
            "handler": self.config.get("Handler", ""),
        }
        self._start_time = time.time()
        answer, log = self._exchange(start, INIT_SECONDS, f"Init timed out after {INIT_SECONDS:.2f} seconds")
        if "confined" in answer:
            self._settings.started(self.config, bundle, answer["confined"])
        return answer, log

    def _environment(self, bundle: Bundle) -> dict[str, str]:
        config = self.config
        own = (config.get("Environment") or {}).get("Variables") or {}
        version = config.get("Version", "$LATEST")
        region = config["FunctionArn"].split(":")[3]
        log_group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{self.func_name}"
        return {
            **FIXED,
            **{name: str(value).replace(TASK, str(bundle.code)) for name, value in own.items()},
            **self._settings.credentials(config),
            "HOME": self._tmpdir,
            "TMPDIR": self._tmpdir,
            "SSL_CERT_FILE": str(self._settings.authority),
            "AWS_CA_BUNDLE": str(self._settings.authority),
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{config['Runtime']}",
            "AWS_LAMBDA_FUNCTION_NAME": self.func_name,
            "AWS_LAMBDA_FUNCTION_VERSION": version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": f"{time.strftime('%Y/%m/%d')}/[{version}]{os.urandom(16).hex()}",
            "LAMBDA_TASK_ROOT": str(bundle.code),
            "_HANDLER": str(config.get("Handler", "")),
        }

    def _exchange(self, request: Mapping[str, Any], seconds: float, too_late: str) -> tuple[dict[str, Any], str]:
        """Send a request, and wait for the answer and the end of its log; the process ends if it is late."""
        assert self._connection is not None  # noqa: S101 - _start has set it
        deadline = time.monotonic() + seconds
        answer, log, marker = b"", self._unread, END + request["id"].encode() + b"\n"
        process = self._proc
        output = self._output
        assert process is not None  # noqa: S101 - _start has started it
        assert output is not None  # noqa: S101 - it is a pipe
        with selectors.DefaultSelector() as selector, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            selector.register(output, selectors.EVENT_READ)
            selector.register(self._connection, selectors.EVENT_READ)
            self._connection.sendall(json.dumps(request).encode() + b"\n")
            while not (answer.endswith(b"\n") and marker in log):
                left = deadline - time.monotonic()
                if left <= 0:
                    self._end()
                    text = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {request['id']} {too_late}"
                    return _failed("Sandbox.Timedout", text), _text(log) + text + "\n"
                for key, _events in selector.select(left):
                    chunk = os.read(key.fd, CHUNK)
                    if not chunk:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is output:
                        log = log + chunk if len(log) < MAX_LOG else log[-len(marker) :] + chunk
                    else:
                        answer += chunk
                if not selector.get_map():
                    break
        if answer.endswith(b"\n"):
            log, _, self._unread = log.partition(marker)
            reply: dict[str, Any] = json.loads(answer)
            return reply, _text(log)
        status = process.wait()
        how = f"signal: {-status}" if status < 0 else f"exit status {status}"
        self._end()
        text = f"RequestId: {request['id']} Error: Runtime exited with error: {how}"
        return _failed("Runtime.ExitError", text), _text(log) + text + "\n"

    def _end(self) -> None:
        """End the process, if there is one, and forget what it had."""
        process, self._proc = self._proc, None
        if process is not None:
            process.kill()
            process.wait()
        self._discard_tmpdir()

    def _discard_tmpdir(self) -> None:
        """Forget what an ended process had; the emulator calls this too."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._output is not None:
            self._output.close()
            self._output = None
        if self._tmpdir is not None:
            shutil.rmtree(self._tmpdir, ignore_errors=True)
            self._tmpdir = None


def _python() -> tuple[Path, ...]:
    """Where the interpreter, its library and the installed distributions are."""
    paths = sysconfig.get_paths()
    return tuple(Path(path) for path in (sys.base_prefix, paths["stdlib"], paths["purelib"], paths["platlib"]))


def _outcome(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An answer of the process in the form of the emulator's outcomes."""
    unreachable = answer.get("unreachable", ())
    if "result" in answer:
        return {"body": answer["result"], "unreachable": unreachable}
    return {"body": answer["error"], "error": True, "unreachable": unreachable}


def _failed(kind: str, message: str) -> dict[str, Any]:
    return {"error": {"errorType": kind, "errorMessage": message}}


def _text(log: bytes) -> str:
    return log.replace(END, b"").decode(errors="replace")
