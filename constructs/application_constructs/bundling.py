"""Code of Lambda functions: sources, and locked dependencies that are installed before synth.

``python -m application_constructs.bundling REQUIREMENTS...`` installs wheels for the functions' platform with uv: no
Docker, no compiler. A synth adds the sources to what was installed and fetches nothing. Both are cached by a hash of
their inputs: nothing is done twice, and the same inputs give the same asset on every machine. A bundle that no synth
has used for three days is removed when a new one is made.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import AssetHashType
from aws_cdk import aws_lambda as lambda_

from elasticache_constructs.checks.errors import ConfigurationError
from elasticache_constructs.shared.function_code import shipped
from elasticache_rules import terminal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PYTHON = "3.14"
"""The functions' Python."""

_PLATFORM = "aarch64-manylinux_2_34"  # Amazon Linux 2023 on arm64
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can say
_READABLE = 0o644 << 16
_KEPT_SECONDS = 3 * 86_400


class BundlingError(Exception):
    """Dependencies could not be installed; the message says which, why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonBundle:
    """The code of functions on Python 3.14 and arm64, and where its dependencies are locked.

    Args:
        sources: Packages and files to ship, each at the top of the bundle. Compiled files are left out, and so are
            hidden ones (``.env``, ``.git``), caches, and what editors leave behind: `SKIPPED`.
        requirements: A requirements file that is a complete closure with hashes, as ``uv pip compile
            --generate-hashes`` writes it.
    """

    sources: tuple[Path, ...]
    requirements: Path

    def code(self) -> lambda_.Code:
        """The bundle as a function's code. Nothing is fetched.

        Raises:
            ConfigurationError: If its dependencies have not been installed, or a link in a source leads out of it or
                to what is left out.
        """
        digest = _locked(self.requirements)
        files = list(_files(self.sources))
        for name, file in files:
            digest.update(f"\n{name}\n".encode())
            digest.update(file.read_bytes())
        key = digest.hexdigest()
        bundle = _cache() / f"bundle-{key[:16]}.zip"
        if not _used(bundle):
            dependencies = _dependencies(self.requirements)
            if not dependencies.exists():
                raise ConfigurationError(
                    got=f"no installed dependencies for {self.requirements}",
                    allowed="they are installed before synth, which stays offline",
                    fix=f"Run {shlex.join([sys.executable, '-m', __name__, str(self.requirements)])}",
                )
            _forget_unused()
            with _made_in_one_move(bundle) as temporary:
                shutil.copyfile(dependencies, temporary)
                _add(temporary, files)
        # By what it was made from: the bytes of a zip file differ between builds of zlib.
        return lambda_.Code.from_asset(str(bundle), asset_hash=key, asset_hash_type=AssetHashType.CUSTOM)


def install(requirements: Path) -> bool:
    """Install what a requirements file locks, unless it is there; say whether it had to be.

    Raises:
        BundlingError: If uv is missing, or cannot install the locked wheels.
    """
    dependencies = _dependencies(requirements)
    if dependencies.exists():
        return False
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "installed"
        _run_uv(requirements, target)
        # Scripts are for a shell, and begin with a path of this machine.
        shutil.rmtree(target / "bin", ignore_errors=True)
        with _made_in_one_move(dependencies) as temporary:
            _add(temporary, _installed(target))
    return True


def _installed(target: Path) -> Iterator[tuple[str, Path]]:
    """The installed files of the wheels, without the hidden files that uv adds."""
    for file in sorted(target.glob("[!.]*/**/*")) + sorted(target.glob("[!.]*")):
        if file.is_file() and "__pycache__" not in file.parts:
            yield file.relative_to(target).as_posix(), file


def _run_uv(requirements: Path, target: Path) -> None:
    command = [
        *(_uv(), "pip", "install", "--quiet", "--no-config", "--link-mode=copy"),
        *("--require-hashes", "--no-deps", "--only-binary=:all:"),
        *(f"--python-version={PYTHON}", f"--python-platform={_PLATFORM}"),
        *(f"--target={target}", f"--requirements={requirements}"),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise BundlingError(
            f"uv could not install {requirements} for Python {PYTHON} on {_PLATFORM}: {result.stderr.strip()}\n"
            "It needs the package index once; afterwards the dependencies are kept. If the file is older than a "
            "changed dependency, run make lock."
        )


def _uv() -> str:
    """The uv of this Python environment, else the one on the PATH."""
    found = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if found is None:
        raise BundlingError(
            "There is no uv in this Python environment or on the PATH. Run make setup, or pip install uv."
        )
    return found


def _dependencies(requirements: Path) -> Path:
    return _cache() / f"dependencies-{_locked(requirements).hexdigest()[:16]}.zip"


def _locked(requirements: Path) -> hashlib._Hash:
    """A hash of everything that decides what is installed."""
    return hashlib.sha256(f"{PYTHON} {_PLATFORM}\n".encode() + requirements.read_bytes())


def _files(sources: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Each file under some packages, or itself one of them, with its name in the bundle; in the same order always."""
    for source in sources:
        for file in shipped(source) if source.is_dir() else [source]:
            yield file.relative_to(source.parent).as_posix(), file


def _add(archive: Path, files: Iterable[tuple[str, Path]]) -> None:
    with zipfile.ZipFile(archive, "a") as target:
        for name, file in files:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = _READABLE
            target.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)


@contextlib.contextmanager
def _made_in_one_move(target: Path) -> Iterator[Path]:
    """A file to write, which becomes the target when it is whole: interrupted, it leaves nothing to mistake for one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        temporary = Path(folder) / target.name
        yield temporary
        temporary.replace(target)


def _used(bundle: Path) -> bool:
    """Whether it is there; if so it counts as used now."""
    try:
        os.utime(bundle)
    except OSError:
        return bundle.exists()  # it may be there for reading alone
    return True


def _forget_unused() -> None:
    """Remove bundles that have not been used for three days; dependencies stay, since synth could not fetch them."""
    oldest = time.time() - _KEPT_SECONDS
    for bundle in _cache().glob("bundle-*.zip"):
        # Another synth may have been faster, or the folder may belong to another user; neither is a reason to fail.
        with contextlib.suppress(OSError):
            if bundle.stat().st_mtime < oldest:
                bundle.unlink()


def _cache() -> Path:
    """The folder of all bundles: in the virtual environment, else in the user's cache folder."""
    if sys.prefix != sys.base_prefix:
        return Path(sys.prefix) / "share" / "elasticache-constructs"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "elasticache-constructs"


def main() -> int:
    """Install what the requirements files of the command line lock.

    Returns:
        0, or 1 if one cannot be installed.
    """
    try:
        for argument in sys.argv[1:]:
            with terminal.progress(f"Installing what {argument} locks"):
                installed = install(Path(argument))
            if installed:
                terminal.say(f"Installed what {argument} locks")
    except BundlingError as error:
        terminal.fail(error)
        return 1
    return 0


if __name__ == "__main__":
    terminal.run("application_constructs.bundling")
