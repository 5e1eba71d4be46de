"""The facts cost a synth nothing that it does not ask for."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from elasticache_rules.facts.records import DATA

# A fresh process, and every file that it opens.
ALONE = """
import json, sys

opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)

from elasticache_rules import facts

for question in json.loads(sys.argv[1]):
    eval(question)
files = sorted({file.removeprefix(sys.argv[2]).strip("/") for file in opened if file.startswith(sys.argv[2])})
unwanted = {"aws_cdk", "jsii", "botocore", "cfnlint", "elasticache_rules.facts.refresh"}
foreign = sorted(unwanted & set(sys.modules))
print(json.dumps({"files": files, "foreign": foreign}))
"""


@pytest.mark.parametrize(
    ("questions", "files"),
    [
        pytest.param([], [], id="nothing asked"),
        pytest.param(["facts.supports('iam', 'redis', '7.1')"], ["engines.json"], id="a feature"),
        pytest.param(["facts.engine_versions('redis')"], ["offered.json"], id="versions"),
        pytest.param(
            ["facts.node_type('cache.r7g.large')"],
            ["nodes.json", "offered.json", "pages.json"],
            id="a node type",
        ),
        pytest.param(
            ["facts.parameter('valkey8', 'timeout')", "facts.parameter('valkey9', 'timeout')"],
            ["offered.json", "pages.json", "parameter_groups.json"],
            id="two parameters",
        ),
    ],
)
def test_only_what_is_asked_for_is_read(questions: list[str], files: list[str]) -> None:
    """Importing reads no data, each question its own; neither imports the CDK or the packages of the refresh."""
    command = [sys.executable, "-c", ALONE, json.dumps(questions), str(DATA)]

    run = subprocess.run(command, capture_output=True, text=True, check=True)

    assert {"files": files, "foreign": []} == json.loads(run.stdout)


def test_files_are_read_once() -> None:
    """The same question again opens nothing."""
    question = "facts.node_type('cache.r7g.large')"
    twice = [question, "opened.clear()", question, "facts.node_type('cache.m7g.large')"]
    command = [sys.executable, "-c", ALONE, json.dumps(twice), str(DATA)]

    run = subprocess.run(command, capture_output=True, text=True, check=True)

    assert [] == json.loads(run.stdout)["files"]
