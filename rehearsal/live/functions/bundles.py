"""The code of functions, unpacked for this machine.

A bundle holds wheels for Lambda's platform and Python. Files of a distribution that is also installed here are left
out, and this environment's files stand in for them, one by one: a distribution that the bundle lacks is not found
here either. Compiled code for another platform cannot run here; a distribution of a different version is told.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.metadata
import io
import re
import shutil
import threading
import zipfile
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement

RECORD = re.compile(r"[^/]+\.dist-info/RECORD")
PURE = re.compile(r"-none-any$")
# What Lambda's runtime brings along: https://docs.aws.amazon.com/lambda/latest/dg/python-package.html
RUNTIME = ("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")
# Certificates of Amazon RDS; the databases of a run have those of its own authority.
DATABASE_AUTHORITIES = ("rds-ca-*.pem", "*-bundle.pem")


@dataclass(frozen=True)
class Bundle:
    """Unpacked code.

    Attributes:
        code: Directory with the files of the bundle, which is `/var/task` for the function.
        path: Directories to import from, in order.
        differences: What runs here other than it was bundled, one sentence each.
    """

    code: Path
    path: tuple[Path, ...]
    differences: tuple[str, ...]


@dataclass(frozen=True)
class _Distribution:
    """A distribution in a bundle.

    Attributes:
        name: Its name.
        version: Its version.
        pure: Whether it has no compiled code.
        files: Its files in the bundle.
    """

    name: str
    version: str
    pure: bool
    files: frozenset[str]

    @classmethod
    def read(cls, archive: zipfile.ZipFile, record: str) -> _Distribution:
        directory = record.rpartition("/")[0]
        metadata = HeaderParser().parsestr(archive.read(f"{directory}/METADATA").decode())
        wheel = HeaderParser().parsestr(archive.read(f"{directory}/WHEEL").decode())
        files = frozenset(row[0] for row in csv.reader(io.StringIO(archive.read(record).decode())) if row)
        pure = all(PURE.search(tag) for tag in wheel.get_all("Tag", []))
        return cls(metadata["Name"], metadata["Version"], pure, files)

    @property
    def top_level(self) -> frozenset[str]:
        """Names of its packages and modules."""
        parts = {PurePosixPath(file).parts[0] for file in self.files}
        return frozenset(part for part in parts if not part.endswith((".dist-info", ".libs")) and part != "..")


class Bundles:
    """The bundles of one run; each is unpacked once.

    Args:
        directory: Directory for them; it is created.
        authority: Certificate file of the run's authority.
    """

    def __init__(self, directory: Path, authority: Path) -> None:
        self._directory = directory
        self._authority = authority
        self._unpacked: dict[str, Bundle] = {}
        self._lock = threading.Lock()
        directory.mkdir(mode=0o700, exist_ok=True)
        self._runtime = directory / "runtime"
        self._runtime.mkdir()
        for name in RUNTIME:
            _stand_in(name, self._runtime)

    def unpack(self, code: bytes) -> Bundle:
        """The bundle of a ZIP file.

        Args:
            code: The file's content.

        Raises:
            zipfile.BadZipFile: If it is not a ZIP file.
        """
        key = hashlib.sha256(code).hexdigest()[:16]
        with self._lock:
            if key not in self._unpacked:
                self._unpacked[key] = self._unpack(code, self._directory / key)
            return self._unpacked[key]

    def _unpack(self, code: bytes, directory: Path) -> Bundle:
        task, stand_ins = directory / "task", directory / "stand-ins"
        task.mkdir(parents=True)
        stand_ins.mkdir()
        differences: list[str] = []
        with zipfile.ZipFile(io.BytesIO(code)) as archive:
            names = archive.namelist()
            left_out: set[str] = set()
            for record in filter(RECORD.fullmatch, names):
                distribution = _Distribution.read(archive, record)
                if self._replaces(distribution, differences):
                    _stand_in(distribution.name, stand_ins)
                    left_out |= distribution.files
            for name in names:
                if name not in left_out:
                    archive.extract(name, task)
        for pattern in DATABASE_AUTHORITIES:
            for certificates in task.glob(pattern):
                shutil.copyfile(self._authority, certificates)
        return Bundle(task, (task, stand_ins, self._runtime), tuple(differences))

    def _replaces(self, bundled: _Distribution, differences: list[str]) -> bool:
        """Whether this environment's files stand in for a distribution; what differs is added to the list."""
        try:
            here = importlib.metadata.distribution(bundled.name)
        except importlib.metadata.PackageNotFoundError:
            if not bundled.pure:
                differences.append(
                    f"{bundled.name} {bundled.version} is compiled for another platform and not installed here"
                )
            return False
        if not bundled.top_level <= set(_top_level(here)):
            return False
        if here.version == bundled.version:
            return True
        if bundled.pure:
            return False  # it runs here as it was bundled
        differences.append(f"{bundled.name} {bundled.version} is bundled, {here.version} runs here")
        return True


def _top_level(distribution: importlib.metadata.Distribution) -> dict[str, Path]:
    """The packages, modules and directories of an installed distribution, and where they are."""
    found: dict[str, Path] = {}
    for file in distribution.files or ():
        part = file.parts[0]
        if part not in {"..", "__pycache__"} and not part.endswith(".pth"):
            found[part] = Path(str(distribution.locate_file(part)))
    return found


def _stand_in(name: str, directory: Path) -> None:
    """Link an installed distribution into a directory, and what it needs in this environment only."""
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return
    for part, target in _top_level(distribution).items():
        link = directory / part
        if not link.is_symlink():
            link.symlink_to(target)
    for line in distribution.requires or ():
        requirement = Requirement(line)
        marker = requirement.marker
        # Such as typing_extensions on an older Python than Lambda's: the bundle rightly lacks it.
        if marker is not None and "extra" not in str(marker) and marker.evaluate():
            _stand_in(requirement.name, directory)
