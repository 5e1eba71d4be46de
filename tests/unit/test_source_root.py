"""The folder ``constructs/`` never hides the PyPI package of that name."""

from __future__ import annotations

import importlib.metadata
import sysconfig
import tomllib
from pathlib import Path

import constructs
import pytest

import elasticache_constructs
from tests.conftest import ROOT

PACKAGES = ["application_constructs", "elasticache_constructs", "elasticache_rules", "elasticache_tools"]


def test_constructs_is_the_package_from_pypi() -> None:
    """``import constructs`` finds the CDK's own package, in site-packages."""
    assert Path(sysconfig.get_paths()["purelib"]) / "constructs" == Path(str(constructs.__file__)).parent


@pytest.mark.parametrize("path", ["constructs/__init__.py", "tests/constructs", "tests/__init__.py"])
def test_nothing_hides_it(path: str) -> None:
    """What would make a package of the folder, or of one next to it, is not there."""
    assert not (ROOT / path).exists()


def test_source_root_holds_the_packages_alone() -> None:
    """The import packages stand below the source root, and nothing else to import."""
    packages = sorted(folder.parent.name for folder in (ROOT / "constructs").glob("*/__init__.py"))
    modules = list((ROOT / "constructs").glob("*.py"))

    assert (PACKAGES, []) == (packages, modules)


def test_package_is_imported_from_the_source_root() -> None:
    """What is tested is what stands in the repo."""
    expected = ROOT / "constructs" / "elasticache_constructs" / "__init__.py"
    assert expected == Path(str(elasticache_constructs.__file__))


def test_wheel_holds_the_packages_alone() -> None:
    """The wheel is built of these packages."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert [f"constructs/{name}" for name in PACKAGES] == project["tool"]["hatch"]["build"]["targets"]["wheel"][
        "packages"
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_are_typed(package: str) -> None:
    """Type checkers use a package's annotations if it has a `py.typed`."""
    assert (ROOT / "constructs" / package / "py.typed").exists()


def test_distribution_needs_the_pypi_package() -> None:
    """Installing the wheel installs the CDK and the real ``constructs`` too."""
    requirements = importlib.metadata.requires("elasticache-constructs") or []

    needed = [each for each in requirements if "extra ==" not in each]
    assert {"aws-cdk-lib", "constructs"} == {each.partition(">")[0].partition("<")[0] for each in needed}


def test_every_public_name_is_there() -> None:
    """What the package says that it offers it does offer, in order."""
    names = elasticache_constructs.__all__
    assert [] == [name for name in names if not hasattr(elasticache_constructs, name)]
    assert len(set(names)) == len(names)


def test_top_of_the_constructs_fits_on_one_screen() -> None:
    """The package has at most twelve entries at its top; a module there is no scrap that belongs in a folder."""
    top = ROOT / "constructs" / "elasticache_constructs"
    entries = [entry for entry in top.iterdir() if entry.name != "__pycache__"]

    assert len(entries) <= 12
    short = [entry.name for entry in entries if entry.suffix == ".py" and len(entry.read_text().splitlines()) < 30]
    assert [] == short
