"""`python -m operations`: drills and service updates of a stage that is deployed to AWS."""

from __future__ import annotations

import argparse
import importlib
import os
from pathlib import Path

from elasticache_rules import terminal
from elasticache_rules.terminal import Interrupted, complain, say
from operations import drill, updates
from operations.interruptions import interruptions
from operations.target import RefusedError
from verification.account import ClientError

CoreError: type[Exception] = importlib.import_module("botocore.exceptions").BotoCoreError
PASSED, FAILED, REFUSED = 0, 1, 2
EXITS = {
    PASSED: "the drill passed, or no update is overdue",
    FAILED: "it failed, an update is overdue or could not be applied, or AWS could not be asked",
    REFUSED: "it was not begun",
}
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnrecognizedClientException")
ALIASES = {"rotation": "rotate"}


def arguments(words: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m operations", description=__doc__, epilog=terminal.exit_codes(EXITS)
    )
    parsers = parser.add_subparsers(dest="command", required=True)
    drills = parsers.add_parser("drill", help="run a drill")
    drills.add_argument("--name", required=True, choices=[*drill.DRILLS, *ALIASES], help="the drill")
    listed = parsers.add_parser("updates", help="list the pending service updates, or apply one")
    chosen = listed.add_mutually_exclusive_group()
    chosen.add_argument("--apply", metavar="NAME", help="the service update to apply")
    chosen.add_argument("--json", action="store_true", help="write the list as JSON")
    for command in (drills, listed):
        command.add_argument("--assembly", type=Path, required=True, help="the cloud assembly with the stage")
        command.add_argument("--stage", required=True, help="a stage of stages.py")
        command.add_argument(
            "--protected", metavar="STAGE", help="the stage once more, if it has termination protection"
        )
        command.add_argument("--yes", action="store_true", help="ask nothing")
        command.add_argument("--policy", action="store_true", help="print the minimum policy that it needs, and end")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    """Run the command.

    Args:
        words: Its words. Default: those of the command line.

    Returns:
        0 if it passed, 1 if it failed or an update is overdue, 2 if it was refused, and 128 plus the number of the
        signal that ended it.
    """
    options = arguments(words)
    os.environ.setdefault("AWS_RETRY_MODE", "standard")
    given = {
        "protected": options.protected,
        "is_agreed": options.yes,
        "shows_policy": options.policy,
        "say": say,
    }
    try:
        with interruptions.installed():
            if options.command == "updates":
                return updates.main(options.assembly, options.stage, options.apply, writes_json=options.json, **given)
            return drill.main(options.assembly, options.stage, ALIASES.get(options.name, options.name), **given)
    except RefusedError as fault:
        complain(f"Refused. {fault}")
        return REFUSED
    except ClientError as fault:
        terminal.fail(f"{fault}{_hint(fault)}")
        return FAILED
    except CoreError as fault:
        terminal.fail(fault)
        return FAILED
    except Interrupted as interrupted:
        complain(f"Interrupted by {interrupted}")
        return interrupted.code


def _hint(fault: Exception) -> str:
    code = getattr(fault, "response", {}).get("Error", {}).get("Code", "")
    if code not in DENIED:
        return ""
    return ". With an administrator's credentials, ARGS=--policy prints the minimum policy that it needs"
