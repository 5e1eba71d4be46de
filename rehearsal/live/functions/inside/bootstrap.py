"""The process of a function: Lambda's world instead of this machine's, then one invocation after another.

`rehearsal.live.functions.process` starts it as `python bootstrap.py DESCRIPTOR`, with the environment that the
function has. Requests and answers are lines of JSON on a socket. Output is the function's log; a marker ends that of
each invocation.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any, TextIO

Handler = Callable[[Any, "Context"], Any]
Answer = Mapping[str, Any]

DATABASE = ".rds.amazonaws.com"
NO_DATABASE = "no-database-of-this-account"


class Context:
    """What a handler learns: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html.

    Args:
        request: The invocation.
    """

    identity = None
    client_context = None
    tenant_id = None

    def __init__(self, request: Mapping[str, Any]) -> None:
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.invoked_function_arn: str = request["arn"]
        self.aws_request_id: str = request["id"]
        self._deadline = time.monotonic() + request["seconds"]

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the timeout."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def main(descriptor: int) -> None:
    """Serve invocations until the socket is closed.

    Args:
        descriptor: The file descriptor of the socket.
    """
    for stream in (sys.stdout, sys.stderr):
        _by_line(stream)
    connection = socket.socket(fileno=descriptor)
    requests = connection.makefile("rb")
    start = json.loads(requests.readline())
    confined, unreachable = prepare(start)
    handler = load(start["handler"])
    if not callable(handler):
        answer(connection, start["id"], {**handler, "unreachable": unreachable.found()})
        return
    answer(connection, start["id"], {"confined": confined})
    for line in requests:
        request = json.loads(line)
        unreachable.clear()
        reply = invoke(handler, request)
        answer(connection, request["id"], {**reply, "unreachable": unreachable.found()})


def _by_line(stream: Any) -> None:
    """Write each line at once: what is buffered is lost if the process is killed."""
    stream.reconfigure(line_buffering=True, errors="backslashreplace")


def prepare(start: Mapping[str, Any]) -> tuple[bool, Any]:
    """Give this process its names, limits and confinement.

    Returns whether the kernel enforces the confinement, and what knows the names that could not be reached.

    Args:
        start: The first request.
    """
    sys.path.insert(0, start["side"])
    confinement, names = importlib.import_module("confinement"), importlib.import_module("names")
    unreachable = importlib.import_module("unreachable").Unreachable()
    sys.path[0:1] = start["path"]
    point_libpq(names.install(start["names"]).find)
    unreachable.watch()
    confinement.limit(start["memory"] << 20, start["storage"] << 20)
    return bool(confinement.confine(start["readable"], start["writable"])), unreachable


def load(entry: str) -> Handler | Answer:
    """The handler, or the answer that it does not load.

    Args:
        entry: The Handler of the function.
    """
    module, _, name = entry.rpartition(".")
    try:
        handler: Handler = getattr(importlib.import_module(module.replace("/", ".")), name)
    except ImportError as error:
        return failure(error, "Runtime.ImportModuleError", f"Unable to import module '{module}': {error}")
    except AttributeError as error:
        return failure(error, "Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module}': {error}")
    except SyntaxError as error:
        return failure(error, "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module}': {error}")
    except Exception as error:  # noqa: BLE001 - the invoker gets it
        return failure(error)
    return handler


def point_libpq(find: Callable[[str], str | None]) -> None:
    """Give libpq, which resolves names by itself, the address of the function's database; it still verifies the name.

    libpq takes one address for all databases, from `PGHOSTADDR`. A function with no database of this account in its
    environment gets a text that is no address, so that libpq asks no name server.

    Args:
        find: Returns the address of a host name, or None.
    """
    addresses = [find(value) for value in os.environ.values() if value.endswith(DATABASE)]
    os.environ.setdefault("PGHOSTADDR", next((address for address in addresses if address), NO_DATABASE))


def invoke(handler: Handler, request: Mapping[str, Any]) -> Answer:
    """The result of the handler, or its error.

    Args:
        handler: The handler.
        request: The invocation.
    """
    if request["trace"]:
        os.environ["_X_AMZN_TRACE_ID"] = request["trace"]
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    try:
        result = handler(request["event"], Context(request))
    except MemoryError as error:
        limit = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        return failure(error, "Runtime.OutOfMemory", f"The function needs more memory than its {limit} MB")
    except Exception as error:  # noqa: BLE001 - the invoker gets it
        return failure(error)
    try:
        return {"result": json.loads(json.dumps(result))}
    except (TypeError, ValueError) as error:
        return failure(error, "Runtime.MarshalError", f"Unable to marshal response: {error}")


def failure(error: BaseException, kind: str | None = None, message: str | None = None) -> Answer:
    """An error as Lambda reports it; the trace is written to the log.

    Args:
        error: The error.
        kind: Its type. Default: that of the error.
        message: Its message. Default: that of the error.
    """
    kind, message = kind or type(error).__name__, message or str(error)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    trace = [line.rstrip("\n") for line in traceback.format_list(frames)]
    sys.stdout.write("\n".join([f"[ERROR] {kind}: {message}", "Traceback (most recent call last):", *trace, ""]))
    return {"error": {"errorType": kind, "errorMessage": message, "stackTrace": trace}}


def answer(connection: socket.socket, number: str, reply: Answer) -> None:
    """Send an answer, after the end of its log.

    Args:
        connection: The socket.
        number: Id of the invocation.
        reply: The answer.
    """
    streams: tuple[TextIO, ...] = (sys.stdout, sys.stderr)
    for stream in streams:
        with contextlib.suppress(Exception):  # the function may have closed or replaced it
            stream.flush()
    os.write(1, f"\0{number}\n".encode())
    connection.sendall(json.dumps(reply).encode() + b"\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
