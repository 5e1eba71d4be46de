"""The database and the applications next to the caches, as both stages have them."""

from __future__ import annotations

import dataclasses
import io
import json
import re
import zipfile
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
import pytest

from elasticache_rules.posture.open_ports import markdown, read_assembly
from elasticache_rules.posture.reachability import closed_stores, unreachable
from stages import STAGES
from tests.conftest import ROOT, Synthesised

DATABASE, WORKLOAD = "cache-database", "cache-workload"
APPLICATIONS = ("catalogue", "sessions", "leaderboard")


@pytest.fixture(name="whole")
def _whole(synthesised: Synthesised) -> Synthesised:
    """Both stages, without the examples."""
    stages = {path: template for path, template in synthesised.templates.items() if "/" in path}
    return dataclasses.replace(synthesised, templates=stages)


# Reach


def test_functions_reach_all_they_need(whole: Synthesised) -> None:
    """Every function reaches the services that it may call, and the cache and the database that it is told of."""
    assert ([], []) == (unreachable(whole.templates), closed_stores(whole.templates))


@pytest.mark.parametrize(("stage", "stores"), [("dev", 2), ("prod", 2)])
def test_catalogue_is_judged_by_both_its_stores(whole: Synthesised, stage: str, stores: int) -> None:
    """The check above sees what the catalogue is told of: without its groups both stores are out of reach."""
    templates = json.loads(json.dumps(whole.templates))
    (name, _), *_ = functions(whole, stage)["catalogue.handler"]
    del templates[f"{stage}/{WORKLOAD}"]["Resources"][name]["Properties"]["VpcConfig"]

    assert stores == len(closed_stores(templates))


# Functions


def functions(whole: Synthesised, stage: str) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """Logical id and properties of the applications' functions, by handler."""
    found: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for name, each in whole.resources(f"{stage}/{WORKLOAD}", "Lambda::Function").items():
        handler = re.fullmatch(r"workloads\.(.+)\.handler", each["Properties"]["Handler"])
        if handler:
            found.setdefault(handler.group(1), []).append((name, each["Properties"]))
    return found


def test_there_is_one_function_for_each_task(whole: Synthesised) -> None:
    """Three applications, and one that fills the catalogue."""
    expected = {*(f"{each}.handler" for each in APPLICATIONS), "catalogue.prepare"}

    assert expected == functions(whole, "prod").keys()


@dataclass(frozen=True)
class Bundle:
    """What a function ships, and where it begins."""

    handler: str
    names: set[str]


def bundles(whole: Synthesised) -> list[Bundle]:
    """The bundles of all functions on Python that are zip files."""
    found = []
    for each in whole.everywhere("Lambda::Function").values():
        key = str(each["Properties"]["Code"]["S3Key"])
        for file in whole.directory.rglob(f"asset.{key}"):
            if file.is_file():
                names = set(zipfile.ZipFile(io.BytesIO(file.read_bytes())).namelist())
                found.append(Bundle(each["Properties"]["Handler"], names))
                break
    return found


def test_bundles_hold_their_handlers(whole: Synthesised) -> None:
    """Each function's entry point is in what it ships, and so are the authorities of databases."""
    made = bundles(whole)
    wanted = [{f"{each.handler.rpartition('.')[0].replace('.', '/')}.py", "rds-ca-rsa2048-g1.pem"} for each in made]

    assert 10 == len(made)
    assert [] == [each.handler for each, names in zip(made, wanted, strict=True) if names - each.names]


def test_bundles_are_for_the_functions_processor(whole: Synthesised) -> None:
    """Every extension module is for Python 3.14 on arm64, and there is at least one: psycopg's."""
    modules = {name for each in bundles(whole) for name in each.names if re.search(r"\.(so|pyd)$", name)}

    assert [] == [name for name in modules if not name.endswith(".cpython-314-aarch64-linux-gnu.so")]
    assert "psycopg_binary/_psycopg.cpython-314-aarch64-linux-gnu.so" in modules


def test_bundles_hold_nothing_compiled_here(whole: Synthesised) -> None:
    """What an import left behind on this machine stays there."""
    assert [] == [
        name for each in bundles(whole) for name in each.names if "__pycache__" in name or name.endswith(".pyc")
    ]


# Who may do what


def permissions(whole: Synthesised, stage: str, function: str) -> dict[str, str]:
    """Resource, as text, by action of a function's policy."""
    policies = whole.resources(f"{stage}/{WORKLOAD}", "IAM::ManagedPolicy").items()
    (document,) = (each["Properties"]["PolicyDocument"] for name, each in policies if name.startswith(function))
    return {
        action: json.dumps(each["Resource"])
        for each in document["Statement"]
        for action in (each["Action"] if isinstance(each["Action"], list) else [each["Action"]])
    }


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("application", APPLICATIONS)
def test_applications_log_in_as_themselves(whole: Synthesised, stage: str, application: str) -> None:
    """Each may be one user of the cache, the one that its settings name, and no other."""
    ((_, properties),) = functions(whole, stage)[f"{application}.handler"]
    resource = permissions(whole, stage, application.title())["elasticache:Connect"]

    assert f"{stage}-{application}" == properties["Environment"]["Variables"]["ELASTICACHE_USER"]
    assert [application] == [each for each in APPLICATIONS if f":user:{stage}-{each}" in resource]


@pytest.mark.parametrize("stage", STAGES)
def test_only_the_catalogue_knows_the_database(whole: Synthesised, stage: str) -> None:
    """Its two functions are told of the database and may log in to it; the others neither."""
    told = {
        name
        for name, found in functions(whole, stage).items()
        for _, properties in found
        if "DATABASE_HOST" in properties["Environment"]["Variables"]
    }
    may = {
        function
        for function in ("Prepare", "Catalogue", "Sessions", "Leaderboard")
        if "rds-db:connect" in permissions(whole, stage, function)
    }

    assert ({"catalogue.prepare", "catalogue.handler"}, {"Prepare", "Catalogue"}) == (told, may)


@pytest.mark.parametrize("stage", STAGES)
def test_applications_touch_no_secret(whole: Synthesised, stage: str) -> None:
    """They log in by IAM everywhere: no application may read a secret, and none is in its settings."""
    actions = {
        action for each in ("Prepare", *map(str.title, APPLICATIONS)) for action in permissions(whole, stage, each)
    }
    settings = json.dumps([properties for found in functions(whole, stage).values() for _, properties in found])

    assert [] == [action for action in actions if action.startswith("secretsmanager:")]
    assert "secret" not in settings.lower()


@pytest.mark.parametrize("stage", STAGES)
def test_every_site_wants_signed_requests(whole: Synthesised, stage: str) -> None:
    """Three sites, and not one route that answers a stranger."""
    routes = whole.resources(f"{stage}/{WORKLOAD}", "ApiGatewayV2::Route").values()

    assert ["AWS_IAM"] * 3 == [each["Properties"]["AuthorizationType"] for each in routes]


# Order


def test_catalogue_is_filled_after_its_user_exists(whole: Synthesised) -> None:
    """The users are made in the database's stack, on which the workload's depends."""
    stacks = {each.node.path: each for each in whole.app.node.find_all() if isinstance(each, cdk.Stack)}

    needed = {each.node.path for each in stacks[f"prod/{WORKLOAD}"].dependencies}

    assert {f"prod/{DATABASE}", "prod/cache-redis"} <= needed
    assert "Custom::Trigger" in {each["Type"] for each in whole.templates[f"prod/{DATABASE}"]["Resources"].values()}


# Documents


def test_table_of_ports_is_up_to_date(whole: Synthesised) -> None:
    """docs/ports.md says what the templates say; `python -m elasticache_rules.posture.open_ports` writes it."""
    assert markdown(whole.templates) == (ROOT / "docs" / "ports.md").read_text()


def test_table_is_read_from_an_assembly(whole: Synthesised) -> None:
    """The command reads what the CDK CLI writes, and finds every stack of every stage."""
    read = read_assembly(whole.directory)

    assert whole.templates == {path: template for path, template in read.items() if "/" in path}
