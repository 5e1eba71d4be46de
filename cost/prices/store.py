"""Keeps price lists in the user's cache folder."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from decimal import InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

from cost.errors import CostError
from cost.prices.lists import from_document, to_document
from cost.prices.services import SERVICES

if TYPE_CHECKING:
    from cost.prices.lists import PriceList

_FORMAT = 1


def cache_directory() -> Path:
    """The folder of this program in the user's cache: below ``XDG_CACHE_HOME``, or where the system has it."""
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # A relative path is to be ignored: https://specifications.freedesktop.org/basedir-spec/latest/
    if named.is_absolute():
        return named / "elasticache-prices"
    home = Path.home()
    return (home / "Library" / "Caches" if sys.platform == "darwin" else home / ".cache") / "elasticache-prices"


class Store:
    """Price lists on disk: one file for each service and Region, for the user's eyes alone.

    Args:
        directory: Where they are. Default: `cache_directory`.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory or cache_directory()

    def keep(self, prices: PriceList) -> Path:
        """Write a list in place of the one that is there, whole or not at all.

        Returns:
            The file.

        Raises:
            CostError: If the folder is not writable.
        """
        file = self._file(prices.service, prices.region)
        content = json.dumps(to_document(prices), sort_keys=True)
        text = json.dumps({"format": _FORMAT, "sha256": _digest(content), "list": content})
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            # mkstemp's files are 0600.
            handle, name = tempfile.mkstemp(dir=self._directory, prefix=".new-")
            written = Path(name)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as stream:
                    stream.write(text)
                    stream.flush()
                    os.fsync(stream.fileno())
                written.replace(file)
            finally:
                written.unlink(missing_ok=True)
        except OSError as error:
            raise CostError(
                str(file), f"it is not writable ({error.strerror})", "Set XDG_CACHE_HOME to a folder that is"
            ) from error
        return file

    def kept(self, service: str, region: str) -> PriceList | None:
        """The list of a service in a Region; ``None`` if none is kept.

        Raises:
            CostError: If the file is damaged, or of another version of this program.
        """
        file = self._file(service, region)
        try:
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise _damaged(file, str(error)) from error
        try:
            document = json.loads(text)
            if document["format"] != _FORMAT or document["sha256"] != _digest(document["list"]):
                raise _damaged(file, "its checksum or format is another")
            prices = from_document(json.loads(document["list"]))
        except (AttributeError, KeyError, TypeError, ValueError, InvalidOperation) as error:
            raise _damaged(file, repr(error)) from error
        if (prices.service, prices.region) != (service, region):
            raise _damaged(file, f"it is the list of {prices.service} in {prices.region}")
        return prices

    def all_kept(self, region: str) -> dict[str, PriceList]:
        """The lists of a Region that are kept, by service.

        Raises:
            CostError: If a file is damaged.
        """
        found = {service.code: self.kept(service.code, region) for service in SERVICES}
        return {code: prices for code, prices in found.items() if prices is not None}

    def _file(self, service: str, region: str) -> Path:
        return self._directory / f"{service}.{region}.json"


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def _damaged(file: Path, reason: str) -> CostError:
    return CostError(str(file), f"it is no whole price list ({reason})", "Delete it, and run make prices")
