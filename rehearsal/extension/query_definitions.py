"""Saved queries of CloudWatch Logs: records. The emulator has neither the type nor the API."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import (
    HANDLERS,
    Properties,
    Provisioned,
    cloudwatch_logs,
    handlers,
    responses,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TOUCHES = (HANDLERS,)

TYPE = "AWS::Logs::QueryDefinition"
DESCRIBE = "Logs_20140328.DescribeQueryDefinitions"

DEFINITIONS: Any = responses.AccountRegionScopedDict()


def _put(name: str, props: Properties) -> Provisioned:
    DEFINITIONS[name] = {
        "queryLanguage": props.get("QueryLanguage", "CWLI"),
        "queryDefinitionId": name,
        "name": props["Name"],
        "queryString": props["QueryString"],
        "lastModified": int(time.time() * 1000),
        "logGroupNames": list(props.get("LogGroupNames") or []),
    }
    return name, {"QueryDefinitionId": name}


def _create(_logical_id: str, props: Properties, _stack: str) -> Provisioned:
    return _put(str(uuid.uuid4()), props)


def _update(physical_id: str, _old: Properties, new: Properties, _stack: str) -> Provisioned:
    return _put(physical_id, new)


def _delete(physical_id: str, _props: Properties) -> None:
    DEFINITIONS.pop(physical_id, None)


def _answering(stock: Callable[..., Any]) -> Callable[..., Any]:
    async def handle_request(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query_params: Mapping[str, Any]
    ) -> Any:
        if headers.get("x-amz-target") != DESCRIBE:
            return await stock(method, path, headers, body, query_params)
        prefix = json.loads(body or b"{}").get("queryDefinitionNamePrefix") or ""
        found = [one for one in DEFINITIONS.values() if one["name"].startswith(prefix)]
        answer = json.dumps({"queryDefinitions": found}).encode()
        return 200, {"Content-Type": "application/x-amz-json-1.1"}, answer

    return handle_request


def install() -> None:
    """Add the resource type, and the operation that lists it."""
    handlers()[TYPE] = {"create": _create, "update": _update, "delete": _delete}
    cloudwatch_logs.handle_request = _answering(cloudwatch_logs.handle_request)
