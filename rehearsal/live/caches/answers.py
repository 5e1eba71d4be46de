"""Answers of ElastiCache's API: what an engine refuses becomes an error of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from rehearsal.extension.seam import REFUSED, Private, Response, elasticache
from verification.messages import refusal

if TYPE_CHECKING:
    from rehearsal.live.engines.valkey import EngineRefusalError

TOUCHES = (
    Private("services.elasticache", "_error", ("code", "message", "status")),
    Private("services.elasticache", "_xml", ("status", "root_tag", "inner")),
    Private("services.elasticache", "_rg_xml", ("rg",)),
    Private("services.elasticache", "_xml_cluster_response", ("root_tag", "result_tag", "cluster")),
)

Record = dict[str, Any]
NOT_FOUND = 404
INVALID_VALUE, INVALID_COMBINATION = "InvalidParameterValue", "InvalidParameterCombination"


def error(code: str, message: str, status: int = REFUSED) -> Response:
    """An error of the service."""
    response: Response = elasticache._error(code, escape(message), status)
    return response


def engine_error(what: str, fault: EngineRefusalError, fix: str) -> Response:
    """The error for a request that an engine refused.

    Args:
        what: What the engine refused, such as `AccessString of user orders`.
        fault: Its refusal.
        fix: What to change, as an imperative sentence without a full stop.
    """
    return error(INVALID_VALUE, refusal(got=what, allowed=f"the engine refused it, and says: {fault}", fix=fix))


def late(what: str, fault: TimeoutError) -> Response:
    """The error for a request that the engines did not carry out in time."""
    return error("InternalFailure", f"{what}: {fault}. Run it again when the machine is less busy.", 500)


def group(action: str, record: Record) -> Response:
    """The answer of an action that returns a replication group."""
    inner = f"<{action}Result><ReplicationGroup>{elasticache._rg_xml(record)}</ReplicationGroup></{action}Result>"
    response: Response = elasticache._xml(200, f"{action}Response", inner)
    return response


def cluster(action: str, record: Record) -> Response:
    """The answer of an action that returns a cache cluster."""
    response: Response = elasticache._xml_cluster_response(f"{action}Response", f"{action}Result", record)
    return response
