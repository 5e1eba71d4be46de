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


class Context:
    """What a handler learns: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html."""

    identity = None
    client_context = None
    tenant_id = None

    def __init__(self, request):
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.invoked_function_arn = request["arn"]
        self.aws_request_id = request["id"]
        self._deadline = time.monotonic() + request["seconds"]

    def get_remaining_time_in_millis(self):
        """Milliseconds until the timeout."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def main(descriptor):
    """Serve invocations until the socket is closed."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # a line is lost if the process is killed
    connection = socket.socket(fileno=descriptor)
    requests = connection.makefile("rb")
    start = json.loads(requests.readline())
    handler, failure = prepare(start)
    answer(connection, start["id"], failure or {"confined": start["confined"]})
    if failure:
        return
    for line in requests:
        request = json.loads(line)
        answer(connection, request["id"], invoke(handler, request))


def prepare(start):
    """The handler, and None; or None and why there is none."""
    sys.path[0:0] = [start["side"]]
    import confinement  # noqa: PLC0415 - its directory is known only now
    import names  # noqa: PLC0415 - its directory is known only now

    sys.path[0:1] = start["path"]
    point_libpq(names.install(start["names"]))
    if start["memory"]:
        confinement.limit(start["memory"] << 20, start["storage"] << 20)
    start["confined"] = confinement.confine(start["readable"], start["writable"])
    module, _, name = start["handler"].rpartition(".")
    try:
        return getattr(importlib.import_module(module.replace("/", ".")), name), None
    except ImportError as error:
        return None, fault(error, "Runtime.ImportModuleError", f"Unable to import module '{module}': {error}")
    except AttributeError as error:
        return None, fault(error, "Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module}'")
    except SyntaxError as error:
        return None, fault(error, "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module}': {error}")
    except BaseException as error:  # noqa: BLE001 - whatever the module raises is the function's fault, and is told
        return None, fault(error)


def point_libpq(known):
    """Give libpq, which resolves names by itself, the address of the function's database; it still verifies the name.

    libpq takes one address for all databases, from `PGHOSTADDR`. A function with no database of this account in its
    environment gets a text that is no address, so that libpq asks no name server.
    """
    databases = [value for value in os.environ.values() if value.endswith(".rds.amazonaws.com")]
    found = [address for address in map(known.find, databases) if address]
    os.environ.setdefault("PGHOSTADDR", found[0] if found else "no-database-of-this-account")


def invoke(handler, request):
    """The result of the handler, or its error."""
    if request["trace"]:
        os.environ["_X_AMZN_TRACE_ID"] = request["trace"]
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    try:
        result = handler(request["event"], Context(request))
    except MemoryError as error:
        return fault(error, "Runtime.OutOfMemory", f"More memory than {os.environ['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']} MB")
    except Exception as error:  # noqa: BLE001 - the invoker gets it
        return fault(error)
    try:
        return {"result": json.loads(json.dumps(result))}
    except (TypeError, ValueError) as error:
        return fault(error, "Runtime.MarshalError", f"Unable to marshal response: {error}")


def fault(error, kind=None, message=None):
    """An error as Lambda reports it; the trace is written to the log."""
    kind, message = kind or type(error).__name__, message or str(error)
    frames = traceback.extract_tb(error.__traceback__)
    trace = traceback.format_list([frame for frame in frames if frame.filename != __file__])
    print(f"[ERROR] {kind}: {message}", "Traceback (most recent call last):", *trace, sep="\n")
    return {"error": {"errorType": kind, "errorMessage": message, "stackTrace": trace}}


def answer(connection, number, reply):
    """Send an answer after the end of its log."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # the function may have closed or replaced it
            stream.flush()
    os.write(1, f"\0{number}\n".encode())
    connection.sendall(json.dumps(reply).encode() + b"\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
