"""Bundles: the same from the same inputs, whole or not there, and for the functions' platform alone."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shlex
import shutil
import sys
import time
import tomllib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template

from application_constructs import bundling
from application_constructs.bundling import BundlingError, PythonBundle, install
from elasticache_constructs import ConfigurationError, rotation
from elasticache_constructs.shared.scheduled_function import code_of
from tests.conftest import FLAGS, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

PLATFORM = "cp314-cp314-manylinux_2_34_aarch64"
LOCKS = [
    ROOT / "workloads" / "requirements.txt",
    ROOT / "constructs" / "application_constructs" / "database" / "runtime" / "requirements.txt",
]


@pytest.fixture(name="index")
def _index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that is all uv knows of, and an environment without bundles."""
    index = tmp_path / "index"
    index.mkdir()
    for name, value in {"UV_OFFLINE": "1", "UV_NO_INDEX": "1", "UV_FIND_LINKS": str(index)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    return index


def wheel(index: Path, tag: str = PLATFORM) -> Path:
    """A wheel with one module and one script."""
    file = index / f"demo-1.0-{tag}.whl"
    info = {
        "demo.py": "answer = 42\n",
        "demo-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
        "demo-1.0.dist-info/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: {tag}\n",
        "demo-1.0.dist-info/entry_points.txt": "[console_scripts]\ndemo = demo:main\n",
    }
    names = [*info, "demo-1.0.dist-info/RECORD"]
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in {**info, names[-1]: "".join(f"{each},,\n" for each in names)}.items():
            archive.writestr(name, text)
    return file


def locked(folder: Path, file: Path) -> Path:
    """A requirements file with the file's hash."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"demo==1.0 --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n")
    return requirements


@pytest.fixture(name="bundle")
def _bundle(tmp_path: Path, index: Path) -> PythonBundle:
    """A package and a file, and one locked dependency."""
    package = tmp_path / "sources" / "shop"
    (package / "__pycache__").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "handler.py").write_text("import demo\n")
    (package / "__pycache__" / "handler.cpython-314.pyc").write_text("compiled")
    authorities = tmp_path / "sources" / "authorities.pem"
    authorities.write_text("pem")
    return PythonBundle(sources=(package, authorities), requirements=locked(tmp_path, wheel(index)))


def asset(bundle: PythonBundle, outdir: Path) -> tuple[str, bytes]:
    """The name of the bundle's asset in a template, and its content."""
    app = cdk.App(context=FLAGS, analytics_reporting=False, outdir=str(outdir))
    stack = cdk.Stack(app, "Test")
    lambda_.Function(stack, "F", code=bundle.code(), handler="shop.handler.h", runtime=lambda_.Runtime.PYTHON_3_14)
    functions = Template.from_stack(stack).find_resources("AWS::Lambda::Function")
    (key,) = (each["Properties"]["Code"]["S3Key"] for each in functions.values())
    return key, (outdir / f"asset.{key}").read_bytes()


def test_bundle_holds_dependencies_and_sources(bundle: PythonBundle, tmp_path: Path) -> None:
    """Both are at the top of a zip file; compiled files and scripts stay behind."""
    install(bundle.requirements)

    _, content = asset(bundle, tmp_path / "out")

    names = [name for name in zipfile.ZipFile(io.BytesIO(content)).namelist() if ".dist-info/" not in name]
    assert ["demo.py", "shop/__init__.py", "shop/handler.py", "authorities.pem"] == names


SECRET = "TOKEN=secret"  # of a developer, and nothing of the function
LEFT_BEHIND = [
    *(".env", ".env.production", ".git/config", "deep/.git/HEAD", ".idea/workspace.xml", ".vscode/launch.json"),
    *(".mypy_cache/3.14/shop.json", ".pytest_cache/v/lastfailed", ".ruff_cache/0", ".venv/pyvenv.cfg", ".DS_Store"),
    *("deep/.aws/credentials", ".npmrc", ".coverage", "deep/__pycache__/m.cpython-314.pyc", "old.pyc", "old.pyo"),
    *("handler.py~", "#handler.py#", ".#handler.py", ".handler.py.swp", "handler.py.swp", "handler.py.orig"),
    *("handler.py.rej", "handler.bak", "node_modules/left/pad.js", "venv/bin/python", "shop.egg-info/PKG-INFO"),
]


def leave_behind(folder: Path) -> None:
    """Put all of that into a folder, and one file that belongs there."""
    for name in [*LEFT_BEHIND, "deep/wanted.html"]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(SECRET if name in LEFT_BEHIND else "wanted")


def test_what_developers_leave_behind_is_not_shipped(bundle: PythonBundle, tmp_path: Path) -> None:
    """Neither settings with secrets, nor histories, caches, and files of editors, however deep."""
    install(bundle.requirements)
    leave_behind(bundle.sources[0])

    _, content = asset(bundle, tmp_path / "out")

    archive = zipfile.ZipFile(io.BytesIO(content))
    names = [name for name in archive.namelist() if name.startswith("shop/")]
    assert ["shop/__init__.py", "shop/deep/wanted.html", "shop/handler.py"] == names
    assert [] == [name for name in archive.namelist() if SECRET.encode() in archive.read(name)]


def test_the_rotation_function_ships_no_more(tmp_path: Path) -> None:
    """Its code is an asset of CDK's own making, with the same left out."""
    runtime = tmp_path / "runtime"
    shutil.copytree(Path(str(rotation.__file__)).parent / "runtime", runtime)
    leave_behind(runtime / "rotate_secret")
    app = cdk.App(context=FLAGS, analytics_reporting=False, outdir=str(tmp_path / "out"))
    stack = cdk.Stack(app, "Test")
    code = code_of(runtime)
    lambda_.Function(stack, "F", code=code, handler="rotate_secret.handler.h", runtime=lambda_.Runtime.PYTHON_3_14)
    app.synth()

    (staged,) = (tmp_path / "out").glob("asset.*")
    shipped = {str(file.relative_to(staged)) for file in staged.rglob("*") if file.is_file()}
    assert "rotate_secret/deep/wanted.html" in shipped
    assert {f"rotate_secret/{file.name}" for file in (runtime / "rotate_secret").glob("[a-z]*.py")} <= shipped
    assert set() == shipped & {f"rotate_secret/{name}" for name in LEFT_BEHIND}


def link_out(package: Path) -> None:
    """To a file next to the source."""
    (package.parent / "elsewhere.txt").write_text(SECRET)
    (package / "settings.txt").symlink_to(package.parent / "elsewhere.txt")


def link_up(package: Path) -> None:
    """Out and in again by its own path is fine; out alone is not."""
    (package / "settings.txt").symlink_to("../../requirements.txt")


def link_to_hidden(package: Path) -> None:
    """To what is left out."""
    (package / ".env").write_text(SECRET)
    (package / "settings.txt").symlink_to(".env")


def link_folder(package: Path) -> None:
    """To a folder, outside."""
    (package / "data").symlink_to(package.parent.parent)


def link_to_nothing(package: Path) -> None:
    """To what is not there."""
    (package / "settings.txt").symlink_to("missing.txt")


def link_round(package: Path) -> None:
    """To itself."""
    (package / "settings.txt").symlink_to("settings.txt")


LINKS = [link_out, link_up, link_to_hidden, link_folder, link_to_nothing, link_round]


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.__name__)
def test_links_that_lead_out_are_refused(bundle: PythonBundle, link: Callable[[Path], None]) -> None:
    """A link is shipped as what it leads to, which is not in the source."""
    install(bundle.requirements)
    link(bundle.sources[0])

    with pytest.raises(ConfigurationError, match=r"the link .*/shop/\w+.* to .* in a function's code: links lead to"):
        bundle.code()
    with pytest.raises(ConfigurationError, match=r"the link .*/shop/"):
        code_of(bundle.sources[0])


def test_links_within_are_followed(bundle: PythonBundle, tmp_path: Path) -> None:
    """A second name of a file that is shipped anyway."""
    install(bundle.requirements)
    (bundle.sources[0] / "entry.py").symlink_to("handler.py")

    _, content = asset(bundle, tmp_path / "out")

    assert b"import demo\n" == zipfile.ZipFile(io.BytesIO(content)).read("shop/entry.py")


def test_entries_tell_nothing_of_this_machine(bundle: PythonBundle, tmp_path: Path) -> None:
    """They have one date, and one mode: Lambda runs as another user than the one who made the files."""
    install(bundle.requirements)

    _, content = asset(bundle, tmp_path / "out")

    entries = zipfile.ZipFile(io.BytesIO(content)).infolist()
    assert {((1980, 1, 1, 0, 0, 0), 0o644)} == {(each.date_time, each.external_attr >> 16) for each in entries}


def test_dependencies_are_installed_once(bundle: PythonBundle, index: Path) -> None:
    """The second time nothing is needed, not even the index."""
    first = install(bundle.requirements)
    shutil.rmtree(index)

    assert (True, False) == (first, install(bundle.requirements))


def test_same_inputs_give_the_same_asset(bundle: PythonBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another machine, at another time, makes the same bytes under the same name."""
    install(bundle.requirements)
    here = asset(bundle, tmp_path / "here")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "elsewhere"))
    for file in (tmp_path / "sources").rglob("*"):
        os.utime(file, (1_000_000_000, 1_000_000_000))
    install(bundle.requirements)

    assert here == asset(bundle, tmp_path / "there")


def edit(bundle: PythonBundle) -> None:
    """Change a module."""
    (bundle.sources[0] / "handler.py").write_text("import demo, json\n")


def rename(bundle: PythonBundle) -> None:
    """Rename a module."""
    (bundle.sources[0] / "handler.py").rename(bundle.sources[0] / "entry.py")


def recompile(bundle: PythonBundle) -> None:
    """What an import of the module leaves behind."""
    (bundle.sources[0] / "__pycache__" / "handler.cpython-314.pyc").write_text("compiled again")


@pytest.mark.parametrize(("change", "another"), [(edit, True), (rename, True), (recompile, False)])
def test_asset_changes_with_the_sources(
    bundle: PythonBundle, tmp_path: Path, change: Callable[[PythonBundle], None], *, another: bool
) -> None:
    """A new name is a new deployment: source files bring one about, compiled ones do not."""
    install(bundle.requirements)
    before, _ = asset(bundle, tmp_path / "before")
    change(bundle)

    after, _ = asset(bundle, tmp_path / "after")

    assert another == (before != after)


def test_asset_changes_with_the_lock(bundle: PythonBundle, tmp_path: Path) -> None:
    """A new lock is a new bundle, and is installed again."""
    install(bundle.requirements)
    before, _ = asset(bundle, tmp_path / "before")
    bundle.requirements.write_text(f"# again\n{bundle.requirements.read_text()}")
    again = install(bundle.requirements)

    after, _ = asset(bundle, tmp_path / "after")

    assert again
    assert before != after


def test_synth_installs_nothing(bundle: PythonBundle) -> None:
    """Without installed dependencies synth ends, and says what to run."""
    with pytest.raises(ConfigurationError) as refusal:
        bundle.code()

    expected = (
        f"no installed dependencies for {bundle.requirements}: they are installed before synth, which stays offline. "
        f"Run {shlex.quote(sys.executable)} -m application_constructs.bundling {bundle.requirements}."
    )
    assert expected == str(refusal.value)


def bundles() -> set[Path]:
    """Those that are kept."""
    return set(bundling._cache().glob("bundle-*.zip"))


def unused_for(days: float, *files: Path) -> None:
    """As if the last use had been then."""
    then = time.time() - days * 86_400
    for file in files:
        os.utime(file, (then, then))


@pytest.mark.parametrize(("days", "kept"), [(2.9, 2), (3.1, 1)])
def test_bundles_that_nobody_uses_go(bundle: PythonBundle, days: float, kept: int) -> None:
    """After three days without a use, when another is made; dependencies stay however old they are."""
    install(bundle.requirements)
    bundle.code()
    unused_for(days, *bundling._cache().iterdir())
    edit(bundle)

    bundle.code()

    assert kept == len(bundles())
    assert not install(bundle.requirements)


def test_a_bundle_in_use_stays(bundle: PythonBundle) -> None:
    """However old it is: each synth is a use."""
    install(bundle.requirements)
    bundle.code()
    (old,) = bundles()
    unused_for(30, old)
    bundle.code()
    edit(bundle)

    bundle.code()

    assert old in bundles()


def test_an_old_bundle_is_made_again(bundle: PythonBundle, tmp_path: Path) -> None:
    """What has gone comes back, the same."""
    install(bundle.requirements)
    before = asset(bundle, tmp_path / "before")
    for each in bundles():
        each.unlink()

    assert before == asset(bundle, tmp_path / "after")


def test_two_synths_may_remove_the_same(bundle: PythonBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two at the same time, the one that comes second to a bundle finds nothing wrong with that."""
    install(bundle.requirements)
    gone = bundling._cache() / "bundle-0123456789abcdef.zip"
    with monkeypatch.context() as listed:
        listed.setattr(Path, "glob", lambda *_: [gone])
        bundle.code()

    assert 1 == len(bundles())


def test_bundles_may_be_for_reading_alone(bundle: PythonBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """For example, made when an image was built and used by another user: what is read-only there is left as it is."""

    def refuse(*_: object) -> None:
        raise PermissionError

    install(bundle.requirements)
    bundle.code()
    unused_for(30, *bundles())
    monkeypatch.setattr(os, "utime", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    with monkeypatch.context() as reading:
        reading.setattr(bundling, "_made_in_one_move", refuse)
        bundle.code()
    edit(bundle)

    bundle.code()

    assert 2 == len(bundles())


def another_platform(index: Path) -> Path:
    """There is a wheel for this machine alone."""
    return wheel(index, "cp311-cp311-manylinux_2_34_x86_64")


def a_newer_system(index: Path) -> Path:
    """There is a wheel for a C library that Lambda does not have yet."""
    return wheel(index, "cp314-cp314-manylinux_2_39_aarch64")


def another_content(index: Path) -> Path:
    """What the index has is not what was locked."""
    file = wheel(index)
    before = locked(index, file).read_text()
    file.write_bytes(file.read_bytes() + b"\0")
    (index / "requirements.txt").write_text(before)
    return file


def without_hash(index: Path) -> Path:
    """The lock does not say which file is meant."""
    file = wheel(index)
    (index / "requirements.txt").write_text("demo==1.0\n")
    return file


def source_alone(index: Path) -> Path:
    """There is no wheel, only what would have to be built."""
    file = index / "demo-1.0.tar.gz"
    file.write_bytes(b"")
    return file


@pytest.mark.parametrize("spoil", [another_platform, a_newer_system, another_content, without_hash, source_alone])
def test_what_does_not_fit_is_not_installed(index: Path, spoil: Callable[[Path], Path]) -> None:
    """Only locked wheels for the functions' platform are, and a failure leaves nothing behind."""
    file = spoil(index)
    written = index / "requirements.txt"
    requirements = written if written.exists() else locked(index, file)

    with pytest.raises(BundlingError, match=r"(?s)uv could not install .*for Python 3\.14 on aarch64.*make lock"):
        install(requirements)

    assert [] == list((index.parent / "venv").rglob("*.zip"))


def test_interrupted_installation_leaves_nothing(bundle: PythonBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a bundle is never taken for one."""

    def interrupt(archive: Path, files: object) -> None:
        del files
        archive.write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(bundling, "_add", interrupt)
        with pytest.raises(KeyboardInterrupt):
            install(bundle.requirements)

    assert install(bundle.requirements)


def test_missing_uv_is_said(bundle: PythonBundle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without uv the message says how to get it."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(BundlingError, match="Run make setup, or pip install uv"):
        install(bundle.requirements)


def pins(text: str) -> dict[str, str]:
    """Version by name."""
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[\w+\])?==([^\s;]+)", text, flags=re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.parent.name)
def test_functions_run_what_the_tests_ran(lock: Path) -> None:
    """Each lock has the versions that are installed on this machine, and a hash for each."""
    text = lock.read_text()
    here = pins((ROOT / "requirements-dev.txt").read_text())

    locked_pins = pins(text)

    assert locked_pins
    assert {name: here.get(name) for name in locked_pins} == locked_pins
    assert len(locked_pins) == len(re.findall(r"^[a-z0-9-]+==[^\n]* \\\n    --hash=sha256:", text, flags=re.MULTILINE))


def test_workloads_have_all_they_ask_for() -> None:
    """The lock of the applications covers their group and the client's dependencies."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    client = tomllib.loads((ROOT / "client" / "pyproject.toml").read_text())
    asked = [*project["dependency-groups"]["workloads"], *client["project"]["dependencies"]]
    names = {re.split(r"[^a-z0-9-]", each)[0] for each in asked}

    assert set() == names - pins(LOCKS[0].read_text()).keys()
