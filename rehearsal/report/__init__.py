"""The report of a rehearsal: its steps as they happen, a table on the terminal, a page, and what it does not prove."""

from __future__ import annotations

from rehearsal.report.limits import LIMITS, Limit
from rehearsal.report.page import save_page
from rehearsal.report.progress import Phase, Progress, write
from rehearsal.report.results import EngineFact, Results, RoleGrants
from rehearsal.report.terminal import show
from verification.table import fitted

__all__ = [
    "LIMITS",
    "EngineFact",
    "Limit",
    "Phase",
    "Progress",
    "Results",
    "RoleGrants",
    "fitted",
    "save_page",
    "show",
    "write",
]
