"""Items with their prices, and two of them compared."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from cost.items import Charge
from cost.prices.keys import NoRate, find
from cost.quantities.kinds import by_use, items, why_not_priced

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from cost.items import Item
    from cost.prices.lists import PriceList, Rate
    from cost.stacks import Stacks


@dataclass(frozen=True, slots=True)
class Line:
    """An item with its price.

    Args:
        item: What is charged.
        rate: Its rate; ``None`` if it has none.
        amount: A month; ``None`` without a rate or without units.
        problem: Why there is no amount, where there should be one: begins with ``price unknown`` or ``ambiguous``.
    """

    item: Item
    rate: Rate | None
    amount: Decimal | None
    problem: str


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums a month. They are never added to each other.

    Args:
        fixed: Of what is charged whatever is used.
        up_to: Of what may be added to it, at most.
        unpriced: How many fixed charges have no price and are in no sum.
        unpriced_up_to: How many others.
    """

    fixed: Decimal
    up_to: Decimal
    unpriced: int
    unpriced_up_to: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What some stacks cost a month.

    Args:
        lines: One for each charge.
        by_use: How many resources of each type have only use charged.
        not_priced: How many resources of each type have no price, and why.
    """

    lines: tuple[Line, ...]
    by_use: Mapping[str, int]
    not_priced: Mapping[tuple[str, str], int]

    def of(self, charge: Charge) -> tuple[Line, ...]:
        """The lines of a kind of charge."""
        return tuple(line for line in self.lines if line.item.charge is charge)

    @property
    def totals(self) -> Totals:
        """The sums."""
        fixed, up_to = self.of(Charge.FIXED), self.of(Charge.UP_TO)
        return Totals(
            sum((line.amount for line in fixed if line.amount is not None), Decimal(0)),
            sum((line.amount for line in up_to if line.amount is not None), Decimal(0)),
            sum(line.amount is None for line in fixed),
            sum(line.amount is None for line in up_to),
        )


def estimate(stacks: Stacks, lists: Mapping[str, PriceList], currency: str, today: dt.date) -> Estimate:
    """Price all that some stacks have.

    Args:
        stacks: The stacks.
        lists: The price lists of their Region, by service; what they lack has no price.
        currency: The currency of the partition.
        today: The day, for charges that begin on one.
    """
    templates = stacks.templates
    resources = stacks.resources(templates)
    kinds = Counter(each.kind for each in resources)
    reasons = {kind: why for kind in kinds if (why := why_not_priced(kind)) is not None}
    return Estimate(
        tuple(_priced(item, lists, stacks.region, currency) for item in items(templates, resources, today)),
        {kind: count for kind, count in sorted(kinds.items()) if by_use(kind) is not None},
        {(kind, why): kinds[kind] for kind, why in sorted(reasons.items())},
    )


def _priced(item: Item, lists: Mapping[str, PriceList], region: str, currency: str) -> Line:
    found = find(item.key, lists, region, currency) if item.key else NoRate(f"price unknown: {item.reason}")
    if isinstance(found, NoRate):
        return Line(item, None, None, found.text)
    if item.units is None:
        return Line(item, found, None, "" if item.charge is Charge.BY_USE else f"price unknown: {item.reason}")
    return Line(item, found, found.of(item.units), "")


@dataclass(frozen=True, slots=True)
class Change:
    """A charge before and after a change; ``None`` where it is not there."""

    before: Line | None
    after: Line | None

    @property
    def line(self) -> Line:
        """The line after the change, or the one that goes away."""
        line = self.after or self.before
        if line is None:
            raise ValueError(self)
        return line

    @property
    def difference(self) -> Decimal | None:
        """What it adds; ``None`` if one side has no price."""
        amounts = [Decimal(0) if line is None else line.amount for line in (self.before, self.after)]
        before, after = amounts
        return None if before is None or after is None else after - before


def compare(before: Estimate, after: Estimate) -> tuple[Change, ...]:
    """The charges of both, those that go away last. One that changes its kind is two."""
    earlier, later = ({_identity(line): line for line in each.lines} for each in (before, after))
    return tuple(Change(earlier.get(identity), later.get(identity)) for identity in {**later, **earlier})


def _identity(line: Line) -> tuple[str, str, str, Charge]:
    item = line.item
    return item.stack, item.resource, item.part, item.charge
