"""The report as text and as JSON."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from cost.estimate import Change, compare
from cost.items import HOURS_A_MONTH, Charge
from cost.quantities.kinds import by_use

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cost.estimate import Estimate, Line
    from cost.prices.lists import PriceList, Rate

_CENT = Decimal("0.01")
_WIDTH = 120
_TEXT, _RATE, _MONEY = 62, 16, 12
_INDENT = "    "
_TITLES = {
    Charge.FIXED: "Fixed, whatever is used",
    Charge.UP_TO: "Up to: at most that much on top of it",
    Charge.LATER: "Later: fixed from a day on",
    Charge.BY_USE: "By use, without a limit in the template",
}
NOT_INCLUDED = (
    "Not included: reserved nodes and Database Savings Plans, discounts and free tiers, tax, traffic between "
    "Availability Zones and out of the Region, and the alarms and log data that use makes."
)


@dataclass(frozen=True, slots=True)
class Report:
    """What is reported.

    Args:
        title: The stacks, as they were asked for.
        region: Their Region.
        currency: Of all prices.
        lists: The price lists that were there, by service.
        after: The estimate.
        before: The estimate of what it is compared with. Default: it is compared with nothing.
        base: What that is called. Default: nothing.
    """

    title: str
    region: str
    currency: str
    lists: Mapping[str, PriceList]
    after: Estimate
    before: Estimate | None = None
    base: str = ""

    @property
    def changes(self) -> tuple[Change, ...]:
        """All charges; without a base each is as it was."""
        return compare(self.before or self.after, self.after)


def text(report: Report, *, only_changes: bool = False) -> str:
    """The report for readers, in lines of at most 120 characters.

    Args:
        report: What is reported.
        only_changes: Whether charges that stay the same are left out.
    """
    lines = [f"{report.title}, {report.region}, list prices, {HOURS_A_MONTH} hours, {report.currency} a month"]
    if report.base:
        lines[0] += f", changes since {report.base}"
    if not report.lists:
        lines = [
            f"No price list of {report.region} is kept, so every price is unknown. Run make prices first.",
            "",
            *lines,
        ]
    lines += [*_sections(report, only_changes=only_changes), *_by_use(report, only_changes=only_changes)]
    lines += _not_priced(report.after)
    lines += ["", *_footer(report)]
    return "\n".join(lines)


def _sections(report: Report, *, only_changes: bool) -> Iterator[str]:
    compared = report.before is not None
    for charge, title in _TITLES.items():
        changes = [change for change in report.changes if change.line.item.charge is charge]
        shown = [change for change in changes if not only_changes or change.difference != 0]
        if not shown:
            continue
        yield ""
        heads = ("before", "after", "change") if compared else (report.currency,)
        yield _row(title, "rate", () if charge is Charge.BY_USE else heads)
        for stack in dict.fromkeys(change.line.item.stack for change in shown):
            yield stack
            for alike in _alike(change for change in shown if change.line.item.stack == stack):
                yield from _rows(alike, compared=compared)
        if charge in {Charge.FIXED, Charge.UP_TO}:
            yield from _total(report, charge)
        if report.lists:
            yield from _problems(shown)


def _alike(changes: Iterable[Change]) -> Iterable[list[Change]]:
    """Charges that differ in their resources alone, such as the alarms of a cache, in one list."""
    found: dict[object, list[Change]] = {}
    for change in changes:
        sides = [line and (line.item.part, line.item.text, line.amount) for line in (change.before, change.after)]
        found.setdefault((*sides, change.line.rate), []).append(change)
    return found.values()


def _rows(alike: list[Change], *, compared: bool) -> Iterator[str]:
    line, others = alike[0].line, len(alike) - 1
    amounts = [_sum(change.after for change in alike)]
    if compared:
        amounts.insert(0, _sum(change.before for change in alike))
        amounts.append(_signed_sum([change.difference for change in alike]))
    name = f"{line.item.resource} and {others} more" if others else line.item.resource
    words, rate = f"{name}: {line.item.text}", _rate(line.rate)
    if len(rate) > _RATE:
        words, rate = f"{words}, {rate}", ""
    first, *rest = textwrap.wrap(words, _TEXT - len(_INDENT), break_on_hyphens=False)
    yield _row(f"{_INDENT}{first}", rate, [] if line.item.charge is Charge.BY_USE else amounts)
    yield from (f"{_INDENT}{_INDENT}{more}" for more in rest)


def _sum(lines: Iterable[Line | None]) -> str:
    """The sum of lines that are alike: all there, or none; all with an amount, or none."""
    found = [line.amount for line in lines if line is not None]
    if not found:
        return "-"
    return "?" if found[0] is None else _money(sum((each for each in found if each is not None), Decimal(0)))


def _signed_sum(differences: list[Decimal | None]) -> str:
    return "?" if differences[0] is None else _signed(sum((each for each in differences if each), Decimal(0)))


def _total(report: Report, charge: Charge) -> Iterator[str]:
    sums = [_whole(each, charge) for each in (report.before, report.after) if each is not None]
    amounts = ["?" if each is None else _money(each) for each in sums]
    if report.before is not None:
        first, second = sums
        amounts.append("?" if first is None or second is None else _signed(second - first))
    name = "fixed in total" if charge is Charge.FIXED else "at most on top"
    is_whole = None in sums or all(
        line.amount is not None for each in (report.before, report.after) if each for line in each.of(charge)
    )
    yield _row(name if is_whole else f"{name}, of what has a price", "", amounts)


def _whole(estimate: Estimate, charge: Charge) -> Decimal | None:
    """The sum of a kind of charge; none if there are charges and no price of any."""
    lines = estimate.of(charge)
    if lines and all(line.amount is None for line in lines):
        return None
    return estimate.totals.fixed if charge is Charge.FIXED else estimate.totals.up_to


def _problems(changes: Iterable[Change]) -> Iterator[str]:
    """Each reason why there is no price once, with the resources that it is for."""
    found: dict[str, dict[str, None]] = {}
    for change in changes:
        for line in (change.before, change.after):
            if line is not None and line.problem:
                found.setdefault(line.problem, {})[line.item.resource] = None
    if found:
        yield f"{_INDENT}? is in no sum:"
    for problem, resources in found.items():
        words = f"{problem}: {', '.join(resources)}"
        yield from textwrap.wrap(
            words, _WIDTH, initial_indent=_INDENT * 2, subsequent_indent=_INDENT * 3, break_on_hyphens=False
        )


def _by_use(report: Report, *, only_changes: bool) -> Iterator[str]:
    before = report.after.by_use if report.before is None else report.before.by_use
    shown = {
        kind: (count, count - before.get(kind, 0))
        for kind, count in {**dict.fromkeys(before, 0), **report.after.by_use}.items()
        if not only_changes or count != before.get(kind, 0)
    }
    if shown:
        yield ""
        yield "By use alone, nothing fixed"
    for kind, (count, more) in sorted(shown.items()):
        found = by_use(kind)
        yield f"{_INDENT}{kind} x {count}{f' ({more:+})' if more else ''}: {found.text if found else ''}"


def _not_priced(estimate: Estimate) -> Iterator[str]:
    if estimate.not_priced:
        yield ""
        yield "Not priced"
    for (kind, why), count in estimate.not_priced.items():
        yield f"{_INDENT}{kind} x {count}: {why}"


def _footer(report: Report) -> Iterator[str]:
    used = [f"{each.service} {each.version}" for each in report.lists.values()]
    disclaimers = dict.fromkeys(each.disclaimer for each in report.lists.values())
    for words in (NOT_INCLUDED, f"Price lists: {', '.join(used) or 'none'}.", *disclaimers):
        yield from textwrap.wrap(words, _WIDTH, break_on_hyphens=False, break_long_words=False)


def _row(words: str, rate: str, amounts: Sequence[str]) -> str:
    columns = "".join(amount.rjust(_MONEY) for amount in amounts)
    return f"{words.ljust(_TEXT)} {rate.rjust(_RATE)}{columns}".rstrip()


def _money(amount: Decimal) -> str:
    return f"{amount.quantize(_CENT, ROUND_HALF_UP):,}"


def _signed(difference: Decimal) -> str:
    return f"{difference.quantize(_CENT, ROUND_HALF_UP):+,}" if difference else ""


def _rate(rate: Rate | None) -> str:
    return "" if rate is None else f"{_plain(rate.price)}/{rate.unit}"


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def document(report: Report) -> dict[str, Any]:
    """The report for machines. Amounts are texts, so that no digit is lost."""
    return {
        "stacks": report.title,
        "region": report.region,
        "currency": report.currency,
        "hoursAMonth": int(HOURS_A_MONTH),
        "base": report.base or None,
        "priceLists": [
            {"service": each.service, "version": each.version, "publicationDate": each.published}
            for each in report.lists.values()
        ],
        "disclaimer": " ".join(dict.fromkeys(each.disclaimer for each in report.lists.values())),
        "notIncluded": NOT_INCLUDED,
        "charges": [_charge(change, compared=report.before is not None) for change in report.changes],
        "byUse": dict(report.after.by_use),
        "notPriced": [
            {"type": kind, "count": count, "reason": why} for (kind, why), count in report.after.not_priced.items()
        ],
        "totals": _totals(report.after),
        "totalsBefore": None if report.before is None else _totals(report.before),
    }


def _charge(change: Change, *, compared: bool) -> dict[str, Any]:
    item, rate = change.line.item, change.line.rate
    begins: dt.date | None = item.begins
    found: dict[str, Any] = {
        "stack": item.stack,
        "resource": item.resource,
        "part": item.part,
        "text": item.text,
        "charge": item.charge.value,
        "begins": begins and begins.isoformat(),
        "unit": rate and rate.unit,
        "rate": rate and _plain(rate.price),
        "units": None if item.units is None else _plain(item.units),
        "amount": _amount(change.after),
        "problem": change.line.problem or None,
        "page": item.page or None,
    }
    if compared:
        found |= {
            "amountBefore": _amount(change.before),
            "change": None if change.difference is None else _plain(change.difference),
        }
    return found


def _amount(line: Line | None) -> str | None:
    return None if line is None or line.amount is None else _plain(line.amount)


def _totals(estimate: Estimate) -> dict[str, Any]:
    totals = estimate.totals
    return {
        "fixed": _plain(totals.fixed),
        "upTo": _plain(totals.up_to),
        "unpriced": totals.unpriced,
        "unpricedUpTo": totals.unpriced_up_to,
    }
