"""Synthesises the module in a separate process, and finds each cache in the template."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from elasticache_tools.adopt.account import CLUSTER, GROUP, SERVERLESS
from elasticache_tools.adopt.errors import AdoptError
from elasticache_tools.adopt.module import STACK

if TYPE_CHECKING:
    from pathlib import Path

Template = dict[str, Any]

IDENTIFIERS = {GROUP: "ReplicationGroupId", CLUSTER: "ClusterName", SERVERLESS: "ServerlessCacheName"}
"""The properties that name a cache, which CloudFormation imports it by."""

# A stack may be protected and its reasons still open: what is to be seen here is the template.
_DRIVER = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("adopted_caches", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.PROTECTED = False
import aws_cdk as cdk
from elasticache_constructs import one_line_errors
with one_line_errors():
    app = cdk.App(outdir=sys.argv[2], analytics_reporting=False)
    module.build(app)
    app.synth()
"""


def synthesised(module: Path, output: Path) -> Template:
    """The template of a module's stack.

    Args:
        module: The module.
        output: The folder that the cloud assembly is written to.

    Raises:
        AdoptError: If the module cannot be synthesised.
    """
    environment = {name: value for name, value in os.environ.items() if name not in ("CDK_OUTDIR", "CDK_CONTEXT_JSON")}
    done = subprocess.run(
        [sys.executable, "-c", _DRIVER, str(module), str(output)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    file = output / f"{STACK}.template.json"
    if done.returncode or not file.is_file():
        said = [line for line in done.stderr.splitlines() if line.strip()]
        errors = [line for line in said if line.startswith("error: ")] or said[-1:]
        raise AdoptError(f"{module.name} cannot be synthesised: {'; '.join(errors) or 'it ended without a word'}")
    template: Template = json.loads(file.read_text(encoding="utf-8"))
    return template


def mapping(template: Template) -> dict[str, dict[str, str]]:
    """What ``cdk import --resource-mapping`` takes: the identifier of each cache, by logical id."""
    return {
        logical_id: {IDENTIFIERS[body["Type"]]: body["Properties"][IDENTIFIERS[body["Type"]]]}
        for logical_id, body in template["Resources"].items()
        if body["Type"] in IDENTIFIERS
    }


def imported(template: Template) -> Template:
    """The template that ``cdk import`` deploys first: the caches alone."""
    wanted = mapping(template)
    return {"Resources": {name: body for name, body in template["Resources"].items() if name in wanted}}
