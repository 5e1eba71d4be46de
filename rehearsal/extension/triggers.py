"""Functions that the CDK's `Trigger` calls at deployment: not called here, since nothing listens where they connect to.

The emulator looks a custom type up among its handlers before it calls a function, so one of that name replaces it.
"""

from rehearsal.extension.seam import HANDLERS, Properties, Provisioned, register

TOUCHES = (HANDLERS,)

TRIGGER = "Custom::Trigger"


def _pass_over(logical_id: str, props: Properties, _stack: str) -> Provisioned:
    if not props.get("HandlerArn"):
        raise ValueError(f"{logical_id}: got a trigger without HandlerArn")
    return logical_id, {}


def _forget(_physical_id: str, _props: Properties) -> None:
    """There is nothing to take away."""


def install() -> None:
    """Accept triggers."""
    register(TRIGGER, _pass_over, _forget)
