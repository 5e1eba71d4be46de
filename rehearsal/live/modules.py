"""The modules of the live layer, and their installation into the emulator's process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rehearsal.live import (
    alarms,
    caches,
    databases,
    deliveries,
    functions,
    identity,
    network,
    open_routes,
    rotation,
    schedules,
    sites,
    triggers,
)
from rehearsal.live.run import Run

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

# In the order in which they are installed.
MODULES: tuple[ModuleType, ...] = (
    identity,
    network,
    databases,
    deliveries,
    *caches.MODULES,
    alarms,
    functions,
    rotation,
    schedules,
    triggers,
    sites,
    open_routes,
)


def install(directory: Path, *, account: str, region: str, gateway_port: int) -> Run:
    """Bring the emulated account to life in this process; call it once.

    Args:
        directory: Directory of the run; see `Run`.
        account: Id of the account.
        region: Name of the Region.
        gateway_port: Port of the emulator on 127.0.0.1.

    Raises:
        NoAddressError: If no block of addresses is free.
    """
    run = Run.create(directory, account=account, region=region, gateway_port=gateway_port)
    for module in MODULES:
        module.install(run)
    return run
