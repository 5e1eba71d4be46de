"""Where the installed constructs came from, so that a project can install the same ones.

https://packaging.python.org/en/latest/specifications/direct-url/ says what installers record.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from elasticache_tools.new.errors import NewProjectError

if TYPE_CHECKING:
    from collections.abc import Mapping

DISTRIBUTION = "elasticache-constructs"
WHEELS = "wheels"


def requirement(project: Path) -> str:
    """The line of a requirements file that installs the same constructs.

    Of a file or a checkout, a wheel is put into the project.

    Args:
        project: Folder of the project.

    Raises:
        NewProjectError: If the file is gone, or no wheel can be built of the checkout.
    """
    installed = importlib.metadata.distribution(DISTRIBUTION)
    recorded = installed.read_text("direct_url.json")
    if recorded is None:
        return f"{DISTRIBUTION}=={installed.version}"
    origin: Mapping[str, Any] = json.loads(recorded)
    url = str(origin["url"])
    if "vcs_info" in origin:
        revision = origin["vcs_info"]
        return f"{DISTRIBUTION} @ {revision['vcs']}+{url}@{revision['commit_id']}"
    if not url.startswith("file:"):
        return f"{DISTRIBUTION} @ {url}{_recorded_hash(origin)}"
    source = Path(url2pathname(urlsplit(url).path))
    folder = project / WHEELS
    folder.mkdir()
    wheel = _built(source, folder) if source.is_dir() else _copied(source, folder)
    return f"./{WHEELS}/{wheel.name} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"


def _recorded_hash(origin: Mapping[str, Any]) -> str:
    sha256 = origin.get("archive_info", {}).get("hashes", {}).get("sha256")
    return f" --hash=sha256:{sha256}" if sha256 else ""


def _copied(source: Path, folder: Path) -> Path:
    try:
        return Path(shutil.copyfile(source, folder / source.name))
    except FileNotFoundError as error:
        raise NewProjectError(
            str(source),
            f"{DISTRIBUTION} was installed from it, a project needs it, and it is gone",
            "Install the constructs again, from a file that stays until the project is written",
        ) from error


def _built(checkout: Path, folder: Path) -> Path:
    backend = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps", *backend]
    done = subprocess.run(
        [*command, "--wheel-dir", str(folder), str(checkout)], capture_output=True, text=True, check=False
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        said = " ".join(done.stderr.split()) or "nothing"
        raise NewProjectError(
            str(checkout),
            f"{DISTRIBUTION} was installed from it, and no wheel can be built of it; pip says {said}",
            "Install the constructs from a wheel",
        )
    return wheels[0]
