"""CloudFormation answers after a stack is complete, if that takes at most two seconds.

The emulator deploys a stack in milliseconds but answers before that, and the CDK CLI asks again after five seconds. The
CLI sees only states that it can also see on AWS, which answers at once and takes minutes.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import Private, Response, cloudformation

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

TOUCHES = (
    Private(
        "services.cloudformation.changesets", "_track_change_set_execution", ("change_set", "stack", "deploy_coro")
    ),
    Private(
        "services.cloudformation.stacks",
        "_delete_stack_async",
        ("stack_name", "stack_id", "retain_resources", "force"),
    ),
)

MAX_SECONDS = 2.0  # a custom resource may take longer; the CLI waits for it then
STACK_WORK = frozenset(private.name for private in TOUCHES)


def _is_stack_work(task: asyncio.Task[Any]) -> bool:
    return getattr(task.get_coro(), "__name__", "") in STACK_WORK


def _settling(stock: Callable[..., Awaitable[Response]]) -> Callable[..., Awaitable[Response]]:
    async def handle_request(*request: Any) -> Response:
        before = asyncio.all_tasks()
        answer = await stock(*request)
        if started := [task for task in asyncio.all_tasks() - before if _is_stack_work(task)]:
            await asyncio.wait(started, timeout=MAX_SECONDS)
        return answer

    return handle_request


def install() -> None:
    """Wait for stacks before answering."""
    cloudformation.handle_request = _settling(cloudformation.handle_request)
