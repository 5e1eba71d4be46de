"""CloudFormation answers once a stack has settled, if that takes a moment only.

The emulator makes a stack in milliseconds but answers before it has; the CDK CLI then looks again after five seconds.
AWS answers at once and takes minutes, so the CLI sees nothing it could not see there.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from rehearsal.extension.seam import Private, Response, cloudformation

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

MOMENT = 2.0  # seconds: a custom resource may take longer, and the CLI is there to wait for it
STACK_WORK = frozenset(private.name for private in TOUCHES)


def _is_stack_work(task: asyncio.Task[Any]) -> bool:
    return getattr(task.get_coro(), "__name__", "") in STACK_WORK


def _settling(stock: Callable[..., Awaitable[Response]]) -> Callable[..., Awaitable[Response]]:
    async def handle_request(*request: Any) -> Response:
        before = asyncio.all_tasks()
        answer = await stock(*request)
        if begun := [task for task in asyncio.all_tasks() - before if _is_stack_work(task)]:
            await asyncio.wait(begun, timeout=MOMENT)
        return answer

    return handle_request


def install() -> None:
    """Wait before answering."""
    cloudformation.handle_request = _settling(cloudformation.handle_request)
