"""What tests share. Nothing is synthesised twice: jsii calls, and above all synths, are dear."""

from __future__ import annotations

import functools
import json
import os
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.combinations import COMBINED, deselect
from tests.distribution import made_once

if TYPE_CHECKING:
    from collections.abc import Hashable

    import aws_cdk as cdk
    from aws_cdk import aws_ec2 as ec2

# The CDK is imported in functions: its import takes seconds, which all workers would wait for in the process that
# starts them and runs no test itself.
ROOT = Path(__file__).parent.parent
FLAGS: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]

Resource = dict[str, Any]

# The Node of the environment, for runs of pytest without the Makefile.
os.environ.setdefault("JSII_NODE", str(Path(sys.executable).parent / "node"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of tests with a mark for it, leave out the combinations of parameters that tell nothing new."""
    import botocore.session  # type: ignore[import-untyped] # noqa: PLC0415

    # Tests make many sessions, of many accounts. What these read about the APIs is the same, and takes 0.1 s each time.
    botocore.session.create_loader = functools.cache(botocore.session.create_loader)
    deselect(config, items, _goals)


def _goals(item: pytest.Item) -> set[Hashable] | None:
    marked = [goals for name, goals in COMBINED.items() if item.get_closest_marker(name)]
    return marked[0](item.callspec.params) if marked else None  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Synthesised:
    """Everything of this repo, synthesised once with every policy pack: both stages and the examples."""

    app: cdk.App
    directory: Path
    templates: dict[str, dict[str, Any]]
    """By path: ``prod/cache-redis``, ``example-memcached``."""
    report: list[dict[str, Any]]
    """The plugins' reports."""
    examples: dict[str, list[str]] = field(default_factory=dict)
    """The paths of the stacks of each example, by the name of its file."""

    def resources(self, path: str, kind: str) -> dict[str, Resource]:
        """Resources of one type in one stack, by logical id."""
        everything = self.templates[path]["Resources"]
        return {name: each for name, each in everything.items() if each["Type"] == f"AWS::{kind}"}

    def everywhere(self, kind: str) -> dict[str, Resource]:
        """Resources of one type in all stacks, by path and logical id."""
        return {f"{path}/{name}": each for path in self.templates for name, each in self.resources(path, kind).items()}


def synthesise(app: cdk.App) -> Synthesised:
    """Synthesise an app under all policy packs, Control Tower's too; findings are reported and not raised."""
    import aws_cdk as cdk  # noqa: PLC0415

    from stacks.policy import add_policy_checks  # noqa: PLC0415
    from tests.control_tower import add_control_tower  # noqa: PLC0415

    add_control_tower(app)
    add_policy_checks(app)
    directory = Path(app.synth().directory)
    templates: dict[str, dict[str, Any]] = {}
    for construct in app.node.find_all():
        if isinstance(construct, cdk.Stack):
            file = next(directory.rglob(construct.template_file))
            templates[construct.node.path] = json.loads(file.read_text())
    report = json.loads((directory / "validation-report.json").read_text())
    return Synthesised(app, directory, templates, report["pluginReports"])


def new_app(directory: Path) -> cdk.App:
    """An app with the flags of cdk.json, for the native engine, that reports findings and does not raise them."""
    import aws_cdk as cdk  # noqa: PLC0415

    context = {**FLAGS, "@aws-cdk/core:failSynthOnValidationErrors": False}
    return cdk.App(
        analytics_reporting=False,
        builtin_cloud_formation_validation=False,
        context=context,
        outdir=str(directory),
    )


@pytest.fixture(scope="session", name="exhaustive")
def _exhaustive(request: pytest.FixtureRequest) -> bool:
    """Whether random samples are drawn in their full size."""
    return bool(request.config.getoption("exhaustive"))


def build_example(app: cdk.App, file: Path) -> list[cdk.Stack]:
    """Build an example in an app; returns its stacks."""
    import aws_cdk as cdk  # noqa: PLC0415

    from every_example import load  # noqa: PLC0415

    before = len(app.node.children)
    load(file).build(app)
    return [child for child in app.node.children[before:] if isinstance(child, cdk.Stack)]


@pytest.fixture(scope="session", name="synthesised")
def _synthesised(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    made_once("synthesised", tmp_path_factory)
    # Here, so that a mistake in a stage fails the tests of stages and no unit test.
    from every_example import files  # noqa: PLC0415
    from stacks import CacheStage  # noqa: PLC0415
    from stages import STAGES  # noqa: PLC0415

    app = new_app(tmp_path_factory.mktemp("cdk") / "out")
    for name, settings in STAGES.items():
        CacheStage(app, name, settings=settings)
    examples = {file.name: [stack.node.path for stack in build_example(app, file)] for file in files()}
    return replace(synthesise(app), examples=examples)


@dataclass
class Bench:
    """A stack to build in, with a VPC of two Availability Zones, and a look at what came of it."""

    stack: cdk.Stack
    vpc: ec2.IVpc

    def template(self, stack: cdk.Stack | None = None) -> dict[str, Any]:
        """The template of the stack, or of another one in the same app."""
        import aws_cdk as cdk  # noqa: PLC0415
        from aws_cdk.assertions import Template  # noqa: PLC0415

        stack = stack or self.stack
        # It synthesises, and refuses cycles. To ask it for the template takes several times as long as to read it.
        Template.from_stack(stack)
        stage = cdk.Stage.of(stack)
        assert stage is not None
        return dict(json.loads(Path(stage.outdir, stack.template_file).read_text(encoding="utf-8")))

    def resources(self, kind: str, stack: cdk.Stack | None = None) -> dict[str, Resource]:
        """Resources of one type by logical id, for example ``ElastiCache::User``."""
        everything = self.template(stack)["Resources"]
        return {name: each for name, each in everything.items() if each["Type"] == f"AWS::{kind}"}

    def only(self, kind: str, stack: cdk.Stack | None = None) -> Resource:
        """The one resource of a type."""
        (resource,) = self.resources(kind, stack).values()
        return resource


@pytest.fixture(name="bench")
def _bench() -> Bench:
    return new_bench()


def new_bench(region: str | None = None, *, other: Bench | None = None) -> Bench:
    """A bench without CDK's built-in validation, which the tests of whole stages run.

    Args:
        region: The Region of its stack. Default: not known.
        other: A bench in whose app it is a stack of another Region. Default: it has an app to itself.
    """
    import aws_cdk as cdk  # noqa: PLC0415
    from aws_cdk import aws_ec2 as ec2  # noqa: PLC0415

    if other is None:
        app = cdk.App(context=FLAGS, analytics_reporting=False, builtin_cloud_formation_validation=False)
    else:
        root = other.stack.node.root
        assert isinstance(root, cdk.App)
        app = root
    stack = cdk.Stack(
        app, "Test" if other is None else f"Test-{region}", env=cdk.Environment(region=region) if region else None
    )
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-12345",
        availability_zones=[f"{region or 'eu-west-1'}{letter}" for letter in "ab"],
        isolated_subnet_ids=["subnet-a", "subnet-b"],
        isolated_subnet_route_table_ids=["rtb-a", "rtb-b"],
    )
    return Bench(stack, vpc)
