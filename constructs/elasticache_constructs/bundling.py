"""Bundles of Lambda functions: their code and locked dependencies, built apart from synth and kept by content.

A synth only looks a bundle up. What makes it is ``python -m elasticache_constructs.bundling``, which ``make setup`` runs:
it installs wheels for the function's platform with pip, so neither Docker nor a compiler is needed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import AssetHashType
from aws_cdk import aws_lambda as lambda_

from elasticache_constructs.errors import ConfigurationError

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

        architecture: ``arm64`` or ``x86_64``. Default: ``arm64``.

    Raises:
        ConfigurationError: When the architecture is neither.
    """

    name: str
    packages: tuple[Path, ...]
    requirements: Path
    python: str
    architecture: str = "arm64"

    def __post_init__(self) -> None:
        """Refuse architectures that Lambda does not have."""
        if self.architecture not in _PLATFORMS:
            raise ConfigurationError(
                got=f"architecture={self.architecture!r}",
                allowed=f"Lambda runs on {' and '.join(_PLATFORMS)}",
                fix="Use architecture='arm64'",
            )

    @property
    def content_hash(self) -> str:
        """A hash of everything that decides what is in the bundle: sources, locked versions, platform."""
        digest = hashlib.sha256(f"{self.python} {self.architecture}\n".encode())
        digest.update(self.requirements.read_bytes())
        for package in self.packages:
            for file in sorted(_sources(package)):
                digest.update(f"\n{package.name}/{file.relative_to(package).as_posix()}\n".encode())
                digest.update(file.read_bytes())
        return digest.hexdigest()

    @property
    def directory(self) -> Path:
        """Where the bundle is, or will be."""
        return _cache() / f"{self.name}-{self.content_hash[:16]}"

    def code(self) -> lambda_.Code:
        """The bundle as a function's code. Nothing is built or fetched here.

        Raises:
            ConfigurationError: When it has not been built.
        """
        if not self.directory.is_dir():
            raise ConfigurationError(
                got=f"no bundle of {self.name} for its present sources and {self.requirements.name}",
                allowed="a function's code and dependencies are built before synth, which stays offline",
                fix="Run python -m elasticache_constructs.bundling (make setup does)",
            )
        return lambda_.Code.from_asset(
            str(self.directory), asset_hash=self.content_hash, asset_hash_type=AssetHashType.CUSTOM
        )

    def build(self) -> bool:
        """Build the bundle unless it is there; say whether it had to be.

        It appears in one move, so that an interrupted build leaves nothing to mistake for one.

        Raises:
            subprocess.CalledProcessError: When pip cannot install the locked wheels.
        """
        if self.directory.is_dir():
            return False
        _cache().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_cache()) as temporary:
            bundle = Path(temporary) / "bundle"
            bundle.mkdir()
            self._install_dependencies(bundle)
            for package in self.packages:
                for file in _sources(package):
                    target = bundle / package.name / file.relative_to(package)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, target)
            bundle.rename(self.directory)
        return True

    def _install_dependencies(self, target: Path) -> None:
        platforms = [f"--platform={each}_{_PLATFORMS[self.architecture]}" for each in _MANYLINUX]
        subprocess.run(
            [
                sys.executable,
                *("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"),
                *("--require-hashes", "--no-deps", "--only-binary=:all:", "--implementation=cp"),
                f"--python-version={self.python}",
                *platforms,
                f"--target={target}",
                f"--requirement={self.requirements}",
            ],
            check=True,
        )


def _cache() -> Path:
    """The folder of all bundles: ``ELASTICACHE_BUNDLES``, or one in the user's cache folder."""
    chosen = os.environ.get("ELASTICACHE_BUNDLES")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "elasticache-constructs" / "bundles"


def _sources(package: Path) -> list[Path]:
    return [file for file in package.rglob("*") if file.is_file() and "__pycache__" not in file.parts]


def main() -> None:
    """Build every bundle of this package that is not there yet."""
    from elasticache_constructs.rotation.bundle import rotation_bundle  # noqa: PLC0415 - it imports this module

    bundle = rotation_bundle()
    if bundle.build():
        sys.stdout.write(f"built {bundle.directory.name}\n")


if __name__ == "__main__":
    main()
