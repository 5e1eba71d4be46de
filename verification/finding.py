"""What a rule has found."""

from __future__ import annotations

from dataclasses import dataclass

# Properties of a cache whose change adds or removes nodes.
SIZES = ("NumCacheClusters", "NumCacheNodes", "NumNodeGroups", "ReplicasPerNodeGroup", "NodeGroupConfiguration")


@dataclass(frozen=True)
class Finding:
    """The result of one rule.

    Attributes:
        what: What was checked.
        required: What is required.
        read: What the account has.
        ok: Whether the requirement is met.
        of: What it repeats: names of properties, and ids or types of other resources. If the check of one of them has
            failed, this follows from it. Default: it stands for itself.
        accepted_by: Rules of policy packs. Where one of them is acknowledged, with a reason, this is accepted.
            Default: it is never accepted.
    """

    what: str
    required: str
    read: str
    ok: bool
    of: tuple[str, ...] = ()
    accepted_by: tuple[str, ...] = ()
