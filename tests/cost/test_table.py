"""The table and its JSON, and the command that writes them."""

from __future__ import annotations

import json
import subprocess
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from cost.command import main
from cost.prices.store import Store
from tests.conftest import ROOT
from tests.cost.offers import DISCLAIMER, VERSION, everything
from tests.cost.templates import group, resource

if TYPE_CHECKING:
    from pathlib import Path

SMALL = {"Cache": group(NumCacheClusters=1, SnapshotRetentionLimit=3), "Key": resource("KMS::Key")}
LARGE = {
    "Cache": group(NumCacheClusters=3, SnapshotRetentionLimit=3, Durability="sync"),
    "Topic": resource("SNS::Topic"),
    "Thing": resource("New::Thing"),
}


class Project:
    """A folder with a cloud assembly, snapshots in git, and price lists."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.out, self.cache = directory / "cdk.out", directory / "cache"

    def synth(self, region: str = "eu-west-1", **stacks: dict[str, Any]) -> None:
        """Write the assembly."""
        artifacts = {}
        self.out.mkdir(exist_ok=True)
        for name, resources in stacks.items():
            (self.out / f"{name}.json").write_text(json.dumps({"Resources": resources}))
            artifacts[name] = {
                "type": "aws:cloudformation:stack",
                "environment": f"aws://unknown-account/{region}",
                "properties": {"templateFile": f"{name}.json", "stackName": name.replace("_", "-")},
            }
        (self.out / "manifest.json").write_text(json.dumps({"version": "55.0.0", "artifacts": artifacts}))

    def commit(self, **stacks: dict[str, Any]) -> None:
        """Commit snapshots."""
        snapshots = self.directory / "tests/synth/__snapshots__/test_snapshots"
        snapshots.mkdir(parents=True)
        for name, resources in stacks.items():
            file = snapshots / f"test_template[{name.replace('_', '-')}].json"
            file.write_text(json.dumps({"Resources": resources}))
        for arguments in (
            ("init", "-q"),
            ("add", "tests"),
            ("-c", "user.name=one", "-c", "user.email=one@example.com", "commit", "-q", "-m", "snapshots"),
        ):
            subprocess.run(["git", *arguments], cwd=self.directory, check=True)

    def keep(self) -> None:
        """Keep price lists."""
        for prices in everything().values():
            Store(self.cache).keep(prices)

    def table(self, *arguments: str) -> int:
        """Run the command."""
        return main(["table", str(self.out), "--stacks", "prod-*", "--cache", str(self.cache), *arguments])


@pytest.fixture(name="project")
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    project = Project(tmp_path)
    project.synth(prod_cache=LARGE, dev_cache=SMALL)
    return project


def test_table(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Fixed and at most are two sums, and below them is what is in none."""
    project.keep()

    assert project.table() == 0

    output = capsys.readouterr().out
    assert output.startswith("prod-*, eu-west-1, list prices, 730 hours, USD a month\n")
    rows = {
        line.split("  ")[0].strip() if line[0] != " " else line[4:40].strip(): line
        for line in output.splitlines()
        if line
    }
    assert rows["Cache: valkey 8.2, cache.r7g.large x"].split()[-2:] == ["0.1944/Hrs", "425.74"]
    assert rows["Cache: synchronous durability, cache"].split()[-2:] == ["0.035/Hrs", "76.65"]
    assert rows["fixed in total"].split()[-1] == "502.39"
    assert rows["Cache: backups, 2 daily copies of at"].split()[-1] == "2.22"
    assert rows["at most on top"].split()[-1] == "2.22"
    assert "    AWS::SNS::Topic x 1: publications and deliveries\n" in output
    assert "    AWS::New::Thing x 1: this type is not known here\n" in output
    assert "Not included: reserved nodes and Database Savings Plans, discounts and free tiers, tax, traffic" in output
    assert f"AmazonElastiCache {VERSION}" in output
    assert output.endswith(f"{DISCLAIMER}\n")
    assert max(map(len, output.splitlines())) <= 120


def test_a_change_is_before_after_and_difference(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """What is added, what goes away, and what stays; the sum of the differences is the change of the sum."""
    project.keep()
    project.commit(prod_cache=SMALL, dev_cache=LARGE)

    assert project.table("--base", "HEAD", "--json") == 0

    found = json.loads(capsys.readouterr().out)
    charges = {(each["resource"], each["part"]): each for each in found["charges"]}
    assert {key: (each["amountBefore"], each["amount"], each["change"]) for key, each in charges.items()} == {
        ("Cache", "nodes"): ("141.912", "425.736", "283.824"),
        ("Cache", "durability"): (None, "76.65", "76.65"),
        ("Cache", "backups"): ("2.2219", "2.2219", "0"),
        ("Key", "key"): ("1", None, "-1"),
    }
    fixed = sum(Decimal(each["change"]) for each in charges.values() if each["charge"] == "fixed")
    assert fixed == Decimal(found["totals"]["fixed"]) - Decimal(found["totalsBefore"]["fixed"])
    assert (found["base"], found["region"], found["disclaimer"]) == ("HEAD", "eu-west-1", DISCLAIMER)
    assert {each["version"] for each in found["priceLists"]} == {VERSION}

    assert project.table("--base", "HEAD", "--only-changes") == 0
    output = capsys.readouterr().out
    assert "+283.82" in output
    assert "-1.00" in output
    assert "    AWS::SNS::Topic x 1 (+1): publications and deliveries\n" in output
    assert "backups" not in output

    project.synth(prod_cache=SMALL)
    assert project.table("--base", "HEAD", "--only-changes") == 0
    assert "Fixed" not in capsys.readouterr().out


def test_a_change_from_an_unknown_price_is_unknown(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """It is no change from nothing."""
    project.keep()
    project.commit(prod_cache={"Cache": group(NumCacheClusters={"Ref": "Nodes"})})

    assert project.table("--base", "HEAD") == 0

    output = capsys.readouterr().out
    (row,) = (line for line in output.splitlines() if "valkey 8.2, cache.r7g.large x 3" in line)
    assert row.split()[-3:] == ["?", "425.74", "?"]
    assert "price unknown: the template leaves the number of nodes open: Cache" in output


def test_without_prices_there_are_quantities(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """And no sum that looks like one. `make gate` then shows nothing."""
    assert project.table() == 0
    output = capsys.readouterr().out
    assert "valkey 8.2, cache.r7g.large x 3" in output
    assert output.startswith("No price list of eu-west-1 is kept, so every price is unknown. Run make prices first.\n")
    totals = [line.split() for line in output.splitlines() if line.startswith(("fixed in total", "at most on top"))]
    assert ["?", "?"] == [words[-1] for words in totals]
    assert "0.00" not in output
    assert "price unknown" not in output

    assert project.table("--if-kept") == 0
    project.synth("unknown-region", prod_cache=LARGE)
    assert project.table("--if-kept") == 0
    assert capsys.readouterr() == ("", "")


def test_without_a_price_list_its_charges_are_named(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """With the list of another service, what is in no sum is told of each charge."""
    Store(project.cache).keep(everything()["AmazonRDS"])

    assert project.table() == 0

    output = capsys.readouterr().out
    assert "price unknown: no price list of AmazonElastiCache for eu-west-1 is kept: Cache" in output
    assert output.startswith("prod-*")


def test_charges_that_are_alike_are_one_row(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """The alarms of a cache differ in their names alone; the sum has all of them."""
    project.keep()
    alarms = {f"Alarm{number}": resource("CloudWatch::Alarm", MetricName="Errors", Period=60) for number in range(12)}
    project.synth(prod_cache={**alarms, "Fast": resource("CloudWatch::Alarm", MetricName="Errors", Period=10)})
    project.commit(prod_cache=dict(list(alarms.items())[:2]))

    assert project.table("--base", "HEAD") == 0

    output = capsys.readouterr().out
    for words, amounts in (
        ("Alarm0 and 1 more: alarm on 1 metric", ["0.20", "0.20"]),
        ("Alarm2 and 9 more: alarm on 1 metric", ["-", "1.00", "+1.00"]),
        ("Fast: high-resolution alarm on 1 metric", ["-", "0.30", "+0.30"]),
        ("fixed in total", ["0.20", "1.50", "+1.30"]),
    ):
        (row,) = (line for line in output.splitlines() if words in line)
        assert row.split()[-len(amounts) :] == amounts


def test_the_example_of_the_document(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """The prices in it are those of these tests' lists."""
    project.keep()
    shop = {"Engine": "redis", "EngineVersion": "6.2", "NumNodeGroups": 2, "SnapshotRetentionLimit": 7}
    pages = resource(
        "ElastiCache::ServerlessCache", Engine="valkey", CacheUsageLimits={"DataStorage": {"Maximum": 10, "Unit": "GB"}}
    )
    project.commit(prod_cache={"Shop": group(**shop, ReplicasPerNodeGroup=1)})
    project.synth(prod_cache={"Shop": group(**shop, ReplicasPerNodeGroup=2), "Pages": pages})

    assert project.table("--base", "HEAD", "--on", "2026-11-28") == 0

    _, _, rest = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8").partition("```text\n")
    shown, _, _ = rest.partition("```")
    assert capsys.readouterr().out.startswith(shown)
    assert shown.count("\n") > 10


def test_extended_support_on_a_day(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """It is fixed on the day on which it has begun, and not in the sum before."""
    project.keep()
    project.synth(prod_cache={"Shop": group(Engine="redis", EngineVersion="6.2")})

    found = {}
    for day in ("2027-01-31", "2027-02-01"):
        assert project.table("--json", "--on", day) == 0
        found[day] = json.loads(capsys.readouterr().out)["totals"]["fixed"]

    assert found == {"2027-01-31": "177.39", "2027-02-01": "319.302"}


def _damage(project: Project) -> None:
    project.keep()
    (project.cache / "awskms.eu-west-1.json").write_text("{")


def _two_regions(project: Project, other: str = "us-east-1") -> None:
    manifest = json.loads((project.out / "manifest.json").read_text())
    artifact = json.loads(json.dumps(manifest["artifacts"]["prod_cache"]))
    artifact |= {"environment": f"aws://unknown-account/{other}"}
    artifact["properties"]["stackName"] = "prod-other"
    manifest["artifacts"]["prod_other"] = artifact
    (project.out / "manifest.json").write_text(json.dumps(manifest))


def _one_without_region(project: Project) -> None:
    _two_regions(project, "unknown-region")


@pytest.mark.parametrize(
    ("change", "arguments", "said"),
    [
        (_damage, [], "it is no whole price list"),
        (_two_regions, [], "stacks prod-* in eu-west-1, us-east-1: a table is of one Region."),
        (lambda project: project.synth("unknown-region", prod_cache=LARGE), [], "Name it: REGION=eu-west-1."),
        (_one_without_region, [], "stacks prod-*: the app leaves the Region of some to the deployment."),
        (_one_without_region, ["--region", "us-east-1"], "prod-* in eu-west-1, us-east-1: a table is of one Region."),
        (lambda _: None, ["--stacks", "test-*"], "stacks test-*: the assembly has dev-cache, prod-cache."),
        (lambda _: None, ["--region", "us-east-1"], "stacks prod-* in eu-west-1, us-east-1: a table is of one Region."),
        (lambda project: (project.out / "manifest.json").unlink(), [], "it is no cloud assembly"),
        (lambda project: project.commit(prod_cache=SMALL), ["--base", "other"], "base other: its snapshots are not"),
    ],
)
def test_what_cannot_be_read_is_one_line(
    project: Project, capsys: pytest.CaptureFixture[str], change: Any, arguments: list[str], said: str
) -> None:
    """The command exits with 2."""
    change(project)

    assert project.table(*arguments) == 2

    error = capsys.readouterr().err
    assert said in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1


def test_the_region_of_a_stage_without_one_is_named(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """With REGION."""
    project.keep()
    project.synth("unknown-region", prod_cache=LARGE)

    assert project.table("--region", "eu-west-1") == 0
    assert "fixed in total" in capsys.readouterr().out
