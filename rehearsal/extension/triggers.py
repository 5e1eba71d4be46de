"""CDK's `Trigger`, whose function is not called: the servers that it would connect to do not exist.

The emulator looks for a handler of a custom type before it calls a function, so a handler of that name replaces it.
"""

from __future__ import annotations

from rehearsal.extension.seam import HANDLERS, Properties, Provisioned, register
from verification.messages import refusal

TOUCHES = (HANDLERS,)

TRIGGER = "Custom::Trigger"


def _create(logical_id: str, props: Properties, _stack: str) -> Provisioned:
    if not props.get("HandlerArn"):
        raise ValueError(
            refusal(
                got=f"{logical_id}: a trigger without HandlerArn",
                allowed="a trigger calls a function",
                fix="Set HandlerArn",
            )
        )
    return logical_id, {}


def _delete(_physical_id: str, _props: Properties) -> None:
    """Do nothing: a trigger has created nothing."""


def install() -> None:
    """Accept triggers."""
    register(TRIGGER, _create, _delete)
