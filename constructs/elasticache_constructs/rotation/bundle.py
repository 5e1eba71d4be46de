"""The bundle of the rotation function."""

from __future__ import annotations

from pathlib import Path

from elasticache_constructs.bundling import PythonBundle

_RUNTIME = Path(__file__).parent / "runtime"


def rotation_bundle() -> PythonBundle:
    """The function's package and redis-py, for Python 3.14 on arm64."""
    return PythonBundle(
        name="rotate-secret",
        packages=(_RUNTIME / "rotate_secret",),
        requirements=_RUNTIME / "requirements.txt",
        python="3.14",
        builder="python -m elasticache_constructs.rotation",
    )
