"""The reason that is given wherever one is asked for."""

from __future__ import annotations

REASON = "On its way: the last client is moved in spring."
