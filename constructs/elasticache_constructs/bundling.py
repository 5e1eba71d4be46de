"""Bundles of Lambda functions: locked dependencies, installed apart from synth, and the code beside them.

Installing takes wheels for the function's platform with pip, so neither Docker nor a compiler is needed; for the
rotation function that is ``python -m elasticache_constructs.rotation``. A synth copies the code beside what was
installed: it stays offline. Both are kept by their content, so neither is done twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import AssetHashType
from aws_cdk import aws_lambda as lambda_

from elasticache_constructs.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLATFORMS = {"arm64": "aarch64", "x86_64": "x86_64"}
# The C libraries of Lambda's Amazon Linux 2023, newest first.
_MANYLINUX = ("manylinux_2_34", "manylinux_2_28", "manylinux2014")


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonBundle:
    """The code of one function and where its dependencies are locked.

    Args:
        name: Names the folder of the bundle, for people.

        packages: Folders of the packages to ship, each at the top of the bundle.

        requirements: A requirements file that is a complete closure with hashes, as ``uv pip compile
            --generate-hashes`` writes it.

        python: The runtime's Python version, ``3.13`` say.

        builder: The command that installs its dependencies, for messages.

        architecture: ``arm64`` or ``x86_64``. Default: ``arm64``.

    Raises:
        ConfigurationError: When the architecture is neither.
    """

    name: str
    packages: tuple[Path, ...]
    requirements: Path
    python: str
    builder: str
    architecture: str = "arm64"

    def __post_init__(self) -> None:
        """Refuse architectures that Lambda does not have."""
        if self.architecture not in _PLATFORMS:
            raise ConfigurationError(
                got=f"architecture={self.architecture!r}",
                allowed=f"Lambda runs on {' and '.join(_PLATFORMS)}",
                fix="Use architecture='arm64'",
            )

    def code(self) -> lambda_.Code:
        """The bundle as a function's code. Nothing is fetched.

        Raises:
            ConfigurationError: When its dependencies have not been installed.
        """
        key = self._code_key()
        bundle = _cache() / f"{self.name}-{key[:16]}"
        if not bundle.is_dir():
            if not self._dependencies.is_dir():
                raise ConfigurationError(
                    got=f"no dependencies of {self.name} as {self.requirements.name} locks them",
                    allowed="they are installed before synth, which stays offline",
                    fix=f"Run {self.builder}",
                )
            with _made_in_one_move(bundle) as temporary:
                shutil.copytree(self._dependencies, temporary, dirs_exist_ok=True)
                for package in self.packages:
                    shutil.copytree(package, temporary / package.name, ignore=shutil.ignore_patterns("__pycache__"))
        return lambda_.Code.from_asset(str(bundle), asset_hash=key, asset_hash_type=AssetHashType.CUSTOM)

    def install(self) -> bool:
        """Install the dependencies unless they are there; say whether they had to be.

        Raises:
            subprocess.CalledProcessError: When pip cannot install the locked wheels.
        """
        if self._dependencies.is_dir():
            return False
        platforms = [f"--platform={each}_{_PLATFORMS[self.architecture]}" for each in _MANYLINUX]
        with _made_in_one_move(self._dependencies) as temporary:
            subprocess.run(
                [
                    sys.executable,
                    *("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"),
                    *("--require-hashes", "--no-deps", "--only-binary=:all:", "--implementation=cp"),
                    f"--python-version={self.python}",
                    *platforms,
                    f"--target={temporary}",
                    f"--requirement={self.requirements}",
                ],
                check=True,
            )
        return True

    @property
    def _dependencies(self) -> Path:
        return _cache() / f"{self.name}-dependencies-{self._dependencies_hash().hexdigest()[:16]}"

    def _dependencies_hash(self) -> hashlib._Hash:
        digest = hashlib.sha256(f"{self.python} {self.architecture}\n".encode())
        digest.update(self.requirements.read_bytes())
        return digest

    def _code_key(self) -> str:
        """A hash of everything that decides what is in the bundle: locked versions, platform, sources."""
        digest = self._dependencies_hash()
        for package in self.packages:
            for file in sorted(package.rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    digest.update(f"\n{package.name}/{file.relative_to(package).as_posix()}\n".encode())
                    digest.update(file.read_bytes())
        return digest.hexdigest()


@contextlib.contextmanager
def _made_in_one_move(target: Path) -> Iterator[Path]:
    """A folder to fill, which becomes the target when it is full; interrupted, it leaves nothing to mistake for one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as parent:
        temporary = Path(parent) / "bundle"
        temporary.mkdir()
        yield temporary
        # Somebody else may have been faster; what they made is the same.
        with contextlib.suppress(OSError):
            temporary.rename(target)


def _cache() -> Path:
    """The folder of all bundles: in the virtual environment, else in the user's cache folder."""
    if sys.prefix != sys.base_prefix:
        return Path(sys.prefix) / "share" / "elasticache-constructs"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "elasticache-constructs"
