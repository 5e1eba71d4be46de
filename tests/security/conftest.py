"""The cfn-guard program."""

from __future__ import annotations

import os
import platform
import tarfile
from importlib.metadata import distribution
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def cfn_guard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cfn-guard program, out of the package that ships it."""
    system = {"Linux": "ubuntu", "Darwin": "macos"}.get(platform.system())
    machine = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
    package = distribution("cdklabs.cdk-validator-cfnguard")
    archive = next(file for file in package.files or [] if file.name.endswith(".jsii.tgz"))
    with tarfile.open(str(package.locate_file(archive))) as opened:
        try:
            member = opened.getmember(f"package/bin/{system}/{machine}/cfn-guard")
        except KeyError:
            message = f"cfn-guard ships no program for {platform.system()} on {platform.machine()}"
            if os.environ.get("CI") == "true":
                pytest.fail(message)
            pytest.skip(message)
        member.name = "cfn-guard"
        directory = tmp_path_factory.mktemp("cfn-guard")
        opened.extract(member, directory, filter="data")
    return directory / "cfn-guard"
