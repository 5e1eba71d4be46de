"""Entry point of the emulator's process: check its version, correct it, bring it to life, and serve signed requests.

`rehearsal.emulator` runs it and sets its environment.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import sys
from pathlib import Path
from typing import Any

from local_servers import processes
from rehearsal.live.addresses import NoAddressError
from rehearsal.workspace import LIVE_DIRECTORY
from verification import messages

SUPPORTED = "1.5.33"
NAMES = ("127.0.0.1", "localhost")  # host names that clients use; the second is in URLs that it makes for functions


def refusal(installed: str) -> str | None:
    """Why this version of the emulator cannot be corrected, or None."""
    if installed == SUPPORTED:
        return None
    return messages.refusal(
        got=f"ministack {installed}",
        allowed=f"must be {SUPPORTED}, because the rehearsal replaces private functions of it",
        fix=f"Run `pip install ministack=={SUPPORTED}`, or `make clean` and then `make rehearse`",
    )


def main() -> None:
    """Serve until a signal."""
    if fault := refusal(importlib.metadata.version("ministack")):
        sys.exit(fault)
    importlib.import_module("rehearsal.extension").install()
    emulator: Any = importlib.import_module("ministack.app")
    admission = importlib.import_module("rehearsal.admission")
    hosts = frozenset(f"{name}:{os.environ['GATEWAY_PORT']}" for name in NAMES)
    domain, admits_unsigned = None, None
    if LIVE_DIRECTORY in os.environ:
        _bring_to_life(emulator)
        domain = "amazonaws.com"
        admits_unsigned = importlib.import_module("rehearsal.live.open_routes").admits_unsigned
    secret = os.environ["AWS_SECRET_ACCESS_KEY"]
    emulator.app = admission.Admission(emulator.app, hosts, secret, domain=domain, admits_unsigned=admits_unsigned)
    emulator.main()


def _bring_to_life(emulator: Any) -> None:
    """Install the live layer, and serve HTTPS with a certificate of the run's authority."""
    processes.delete_after_this_process(Path(os.environ[LIVE_DIRECTORY]))
    live = importlib.import_module("rehearsal.live.modules")
    region = os.environ["MINISTACK_REGION"]
    try:
        run = live.install(
            Path(os.environ[LIVE_DIRECTORY]),
            account=os.environ["MINISTACK_ACCOUNT_ID"],
            region=region,
            gateway_port=int(os.environ["GATEWAY_PORT"]),
        )
    except NoAddressError as fault:
        sys.exit(str(fault))
    certificate = run.authority.certificate(*NAMES, "*.amazonaws.com", *_second_level(region))
    os.environ["MINISTACK_SSL_CERT"] = os.environ["MINISTACK_SSL_KEY"] = str(certificate)
    emulator._port_is_bindable = _never  # it would listen on port 443 too, where it may


def _second_level(region: str) -> tuple[str, ...]:
    """Names of APIs that a certificate's `*` does not cover, since it stands for one label."""
    return (f"*.{region}.amazonaws.com", f"*.s3.{region}.amazonaws.com", f"*.execute-api.{region}.amazonaws.com")


def _never(_host: str, _port: int) -> bool:
    return False


if __name__ == "__main__":
    main()
