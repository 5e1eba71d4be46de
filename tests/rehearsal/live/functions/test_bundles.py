"""A bundle's distributions for another platform give way to those of this environment, and differences are told."""

from __future__ import annotations

import importlib.metadata
import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from rehearsal.live.functions.bundles import Bundle, Bundles

if TYPE_CHECKING:
    from pathlib import Path

HERE = importlib.metadata.version("msgspec")
COMPILED = "cp314-cp314-manylinux_2_17_aarch64"
PURE = "py3-none-any"


def _zip(name: str, version: str, tag: str, **files: str) -> bytes:
    content = io.BytesIO()
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("app.py", "own = True")
        archive.writestr(f"{module}/__init__.py", "bundled = True")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}\n")
        archive.writestr(f"{info}/RECORD", f"{module}/__init__.py,,\n{info}/METADATA,,\n{info}/RECORD,,\n")
        for path, text in files.items():
            archive.writestr(path, text)
    return content.getvalue()


@pytest.fixture
def bundles(tmp_path: Path) -> Bundles:
    """An empty set of bundles."""
    (tmp_path / "ca.pem").write_text("the run's authority")
    return Bundles(tmp_path / "bundles", tmp_path / "ca.pem")


def _stands_in(bundle: Bundle, module: str) -> bool:
    return (bundle.path[1] / module).is_symlink() and not (bundle.code / module).exists()


MISSING = "no-such-distribution"


@pytest.mark.parametrize(
    ("name", "version", "tag", "differences"),
    [
        ("msgspec", HERE, COMPILED, ()),
        ("msgspec", "0.0.1", COMPILED, (f"msgspec 0.0.1 is bundled, {HERE} runs here",)),
        ("msgspec", "0.0.1", PURE, ()),
        (MISSING, "1", PURE, ()),
        (MISSING, "1", COMPILED, (f"{MISSING} 1 is compiled for another platform and not installed here",)),
    ],
)
def test_distributions(bundles: Bundles, name: str, version: str, tag: str, differences: tuple[str, ...]) -> None:
    """What runs is what was bundled, unless it is compiled for another platform and installed here, or equal."""
    bundle = bundles.unpack(_zip(name, version, tag))
    assert _stands_in(bundle, name.replace("-", "_")) is (name == "msgspec" and tag == COMPILED)
    assert bundle.differences == differences
    assert (bundle.code / "app.py").exists()


def test_a_distribution_that_is_not_bundled_is_not_found(bundles: Bundles) -> None:
    """Only what the bundle lists stands in: a function that forgot a dependency fails here too."""
    bundle = bundles.unpack(_zip("msgspec", HERE, COMPILED))
    assert not any((path / "starlette").exists() for path in bundle.path)
    assert any((path / "boto3").exists() for path in bundle.path)


def test_what_only_this_python_needs_is_found(bundles: Bundles, monkeypatch: pytest.MonkeyPatch) -> None:
    """A requirement with a marker that is true here stands in too, such as a backport for an older Python."""
    here = importlib.metadata.distribution("msgspec")
    needed = ["starlette; python_version > '3'", "valkey; python_version < '3'", "anyio", "redis; extra == 'x'"]
    monkeypatch.setattr(type(here), "requires", property(lambda self: needed if self.name == "msgspec" else []))
    stand_ins = bundles.unpack(_zip("msgspec", HERE, COMPILED)).path[1]
    assert [name for name in ("starlette", "valkey", "anyio", "redis") if (stand_ins / name).exists()] == ["starlette"]


def test_the_databases_authority_is_the_runs(bundles: Bundles) -> None:
    """RDS's certificates are replaced by those that the run's databases are verified with."""
    code = _zip("x", "1", PURE, **{"rds-ca-rsa2048-g1.pem": "Amazon's", "global-bundle.pem": "Amazon's"})
    bundle = bundles.unpack(code)
    for name in ("rds-ca-rsa2048-g1.pem", "global-bundle.pem"):
        assert (bundle.code / name).read_text() == "the run's authority"


def test_equal_code_is_unpacked_once(bundles: Bundles) -> None:
    """Functions with the same code share its files."""
    code = _zip("x", "1", PURE)
    assert bundles.unpack(code) is bundles.unpack(code)
