"""The report as one page: self-contained, without scripts, for the screen and for paper, in light and dark."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from rehearsal.report.picture import picture
from rehearsal.report.plot import plot, summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rehearsal.drills.outcome import Outcome, Traffic
    from rehearsal.report.results import Results
    from verification.posture import Check

STYLE = Path(__file__).with_name("style.css")
STATUS_CLASSES = {"passed": "passed", "failed": "failed"}
# The page needs none of the network, and a browser must not ask for more than the file.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def save_page(results: Results, path: Path) -> None:
    """Write the page.

    Args:
        results: What the rehearsal found.
        path: The file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}-{os.getpid()}")  # another rehearsal may write it at the same time
    part.write_text(page(results, datetime.now(UTC)), encoding="utf-8")
    part.replace(path)


def page(results: Results, now: datetime) -> str:
    """The page as HTML.

    Args:
        results: What the rehearsal found.
        now: When it ended.
    """
    sections = [section for section in SECTIONS if section.applies(results)]
    links = "".join(f'<li><a href="#{section.key}">{escape(section.heading)}</a></li>' for section in sections)
    body = "".join(
        f'<section aria-labelledby="{section.key}"><h2 id="{section.key}">{escape(section.heading)}</h2>'
        f"{''.join(section.content(results))}</section>\n"
        for section in sections
    )
    heading = f"Rehearsal of the stage {results.stage}"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{escape(heading)}</title>\n<style>\n{STYLE.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#main">Skip to the results</a>\n'
        f"<header>\n<h1>{escape(heading)}</h1>\n"
        f'<p class="lead">{_lead(results, now)}</p>\n{_tiles(results)}\n'
        f'<nav aria-label="Sections"><ul>{links}</ul></nav>\n</header>\n'
        f'<main id="main">\n{body}</main>\n</body>\n</html>\n'
    )


def _lead(results: Results, now: datetime) -> str:
    what = (
        "Deployed by the CDK CLI to an emulated AWS on this machine, with real engines, functions that ran, and IAM "
        "that refuses."
        if results.live
        else "Deployed by the CDK CLI to an emulated AWS on this machine, and read back."
    )
    moment = now.strftime("%Y-%m-%d %H:%M UTC")
    return f'{what} Region {escape(results.region)}, <time datetime="{now.isoformat()}">{moment}</time>.'


def _tiles(results: Results) -> str:
    checks, failed = len(results.verdict.checks), len(results.verdict.failed)
    resources = len({(check.stack, check.resource) for check in results.verdict.checks})
    tiles = [
        ("Result", _verdict("passed" if results.ok else "failed"), ""),
        ("Read back", f"{checks - failed} of {checks}", f"checks of {resources} resources"),
    ]
    if results.drills:
        tried = [drill for drill in results.drills if drill.status in STATUS_CLASSES]
        passed = sum(drill.status == "passed" for drill in tried)
        others = len(results.drills) - len(tried)
        tiles.append(("Drills", f"{passed} of {len(tried)}", f"passed; {others} not tried" if others else "passed"))
    operations = sum(load.operations for drill in results.drills for load in drill.traffic)
    if operations:
        wrong = sum(load.wrong for drill in results.drills for load in drill.traffic)
        tiles.append(("Operations under load", f"{operations:,}", f"{wrong} wrong answers"))
    tiles.append(("Time", f"{results.seconds:.0f} s", f"{results.emulator_megabytes:.0f} MB for the emulator"))
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{value}{f'<small>{escape(note)}</small>' if note else ''}</dd></div>"
        for name, value, note in tiles
    )
    return f'<dl class="tiles">{items}</dl>'


def _verdict(status: str) -> str:
    return f'<span class="verdict {STATUS_CLASSES.get(status, "neutral")}">{escape(status)}</span>'


def _failures(results: Results) -> Iterator[str]:
    ended = [drill for drill in results.drills if drill.status == "failed" and drill.reason]
    yield '<div class="card failures">'
    if results.all_failed:
        yield _checks(results.all_failed, "Failed checks", resources=True)
    if ended:
        yield '<ul class="plain">'
        yield from (f"<li>The drill <code>{drill.name}</code>: {escape(drill.reason)}</li>" for drill in ended)
        yield "</ul>"
    if results.leftovers is not None:
        for heading, resources in (
            ("Left by the destroy, although no template retains them", results.leftovers.unexpected),
            ("Deleted by the destroy, although a template retains them", results.leftovers.vanished),
        ):
            if resources:
                yield _table(heading, ("Type", "Name"), [(_code(item.type), _code(item.name)) for item in resources])
    yield "</div>"


def _topology(results: Results) -> Iterator[str]:
    assert results.topology is not None  # noqa: S101 - the section applies
    yield '<p class="lead">Dots mark who may connect to whom, by security groups, on which port.</p>'
    for vpc in results.topology.vpcs:
        yield f'<div class="card wide" tabindex="0" role="region" aria-label="Topology">{picture(vpc)}</div>'
    if results.topology.outside:
        names = ", ".join(escape(name) for name in results.topology.outside)
        yield f'<p class="soft">Functions in no VPC: {names}.</p>'


def _drills(results: Results) -> Iterator[str]:
    yield (
        '<p class="lead">Each drill ran against the deployed stage. It is judged by errors and data; the times are '
        "those of this machine, not of AWS.</p>"
    )
    for drill in results.drills:
        yield from _drill(drill)


def _drill(drill: Outcome) -> Iterator[str]:
    yield f'<article class="card" id="drill-{drill.name}"><div class="row"><h3>{escape(drill.title)}</h3>'
    yield f'{_verdict(drill.status)}<span class="soft"><code>{drill.name}</code>, {drill.seconds:.1f} s</span></div>'
    yield f'<p class="soft">{escape(drill.promise)}</p>'
    if drill.reason:
        yield f"<p>{escape(drill.reason[:1].upper() + drill.reason[1:])}.</p>"
    if drill.causes:
        causes = "".join(f"<li>{escape(line)}</li>" for line in drill.causes)
        yield f'<p>Refused or failed meanwhile:</p><ul class="plain">{causes}</ul>'
    for load in drill.traffic:
        yield from _load(drill, load)
    if drill.checks:
        yield _checks(drill.checks, "Checks", resources=len({check.resource for check in drill.checks}) > 1)
    yield "</article>"


def _load(drill: Outcome, load: Traffic) -> Iterator[str]:
    yield plot(load, f"{drill.title}: latency and errors over time")
    kinds = ["median latency", "from the median to the longest, in each tenth of a second"]
    classes = ["l-median", "l-band"]
    if load.failed:
        kinds.append(f"failed operations ({load.failed})")
        classes.append("l-error")
    if load.wrong:
        kinds.append(f"wrong answers ({load.wrong})")
        classes.append("l-wrong")
    items = "".join(f'<li class="{name}">{text}</li>' for name, text in zip(classes, kinds, strict=True))
    yield f'<ul class="legend">{items}</ul>'
    told = summary(load).partition(" The longest")[0]
    yield f'<p class="soft">{escape(told)} {load.read_back} keys were read back.</p>'
    if load.errors:
        rows = [(str(count), _code(message)) for message, count in load.errors.items()]
        yield _table("Errors that the clients saw", ("Times", "Error"), rows)


def _checks(checks: Sequence[Check], caption: str, *, resources: bool) -> str:
    headings = [*(["Resource"] if resources else []), "Property", "Asked", "Read", "Result"]
    rows = []
    for check in checks:
        cells = [_code(check.resource)] if resources else []
        cells += [escape(check.property), _code(check.asked), _code(check.read)]
        verdict = "accepted" if check.accepted else "passed" if check.ok else "failed"
        rows.append((*cells, _verdict(verdict)))
    bad = [not check.ok for check in checks]
    return _table(caption, headings, rows, bad=bad)


def _grants(results: Results) -> Iterator[str]:
    yield (
        '<p class="lead">What each role was allowed to do and did, and what it was allowed and never did. An action '
        "that no drill needed may still be needed on AWS. The drill <code>grant</code> takes the policies of a role "
        "away for a moment, so that role was also refused.</p>"
    )
    kinds = ["used", "unused", *(["refused"] if any(role.refused for role in results.grants) else [])]
    rows = [(_code(role.role), *(_actions(getattr(role, kind)) for kind in kinds)) for role in results.grants]
    headings = ("Role", "Used", "Never used", "Refused")[: len(kinds) + 1]
    yield f'<div class="card wide grants">{_table("Grants by role", headings, rows)}</div>'


def _actions(actions: Sequence[str]) -> str:
    if not actions:
        return '<span class="soft">none</span>'
    return f'<ul class="actions">{"".join(f"<li>{_code(action)}</li>" for action in actions)}</ul>'


def _engines(results: Results) -> Iterator[str]:
    rows = [
        (_code(item.resource), escape(item.asked), escape(item.ran or "none"), escape(item.note))
        for item in results.engines
    ]
    headings = ("Resource", "Asked for", "Ran", "Note")
    yield f'<div class="card wide">{_table("Versions of the engines", headings, rows)}</div>'


def _posture(results: Results) -> Iterator[str]:
    yield '<p class="lead">Every property of the templates that can be read back, and the rules that always hold.</p>'
    yield '<div class="card">'
    stacks = dict.fromkeys(check.stack for check in results.verdict.checks)
    for stack in stacks:
        checks = [check for check in results.verdict.checks if check.stack == stack]
        failed = sum(not check.ok for check in checks)
        told = f"{len(checks)} checks, {failed} failed"
        yield f'<details{" open" if failed else ""}><summary>{escape(stack)} <span class="soft">{told}</span></summary>'
        yield f'<div class="wide">{_checks(checks, f"Checks of {stack}", resources=True)}</div></details>'
    yield "</div>"
    if results.leftovers is not None and results.leftovers.retained:
        rows = [(_code(item.type), _code(item.name)) for item in results.leftovers.retained]
        table = _table("Retained by the templates; on AWS, delete them yourself", ("Type", "Name"), rows)
        yield f'<div class="card wide">{table}</div>'


def _limits(results: Results) -> Iterator[str]:
    yield '<div class="card"><ul class="plain">'
    yield from (f"<li>{escape(line[:1].upper() + line[1:])}.</li>" for line in results.not_proven)
    yield "</ul></div>"
    struck = [item.limit for item in results.judged_limits if item.struck]
    if struck:
        rows = [(escape(limit.text.partition(":")[0]), _actions(limit.struck_by)) for limit in struck]
        table = _table("Proven here, by these checks of the drills", ("What", "Checks"), rows)
        yield f'<div class="card wide">{table}</div>'


def _times(results: Results) -> Iterator[str]:
    rows = [(escape(phase.name), f"{phase.seconds:.1f} s") for phase in results.phases]
    rows.append(("In total", f"{results.seconds:.1f} s"))
    yield f'<div class="card">{_table("Steps", ("Step", "Time"), rows)}</div>'


def _table(caption: str, headings: Iterable[str], rows: Sequence[Sequence[str]], *, bad: Sequence[bool] = ()) -> str:
    """A table whose cells are markup; the first cell of each row is its header."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in headings)
    body = []
    for number, (first, *others) in enumerate(rows):
        wrong = ' class="bad"' if bad and bad[number] else ""
        cells = "".join(f"<td{_cell_class(cell)}>{cell}</td>" for cell in others)
        body.append(f'<tr{wrong}><th scope="row">{first}</th>{cells}</tr>')
    rows_markup = "".join(body)
    table = f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{rows_markup}</tbody>"
    region = f'class="wide" role="region" tabindex="0" aria-label="{escape(caption)}"'  # it scrolls on narrow screens
    return f"<div {region}><table>{table}</table></div>"


def _cell_class(cell: str) -> str:
    return ' class="verdict-cell"' if cell.startswith('<span class="verdict') else ""


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>" if text else ""


def _always(_results: Results) -> bool:
    return True


@dataclass(frozen=True)
class _Section:
    """A section of the page: its anchor, its heading, its content, and whether a rehearsal has it."""

    key: str
    heading: str
    content: Callable[[Results], Iterator[str]]
    applies: Callable[[Results], object] = _always


SECTIONS = (
    _Section("failures", "What failed", _failures, lambda results: not results.ok),
    _Section("topology", "Topology", _topology, lambda results: results.topology and results.topology.vpcs),
    _Section("drills", "Drills", _drills, lambda results: results.drills),
    _Section("not-proven", "What is not proven", _limits),
    _Section("engines", "Engines", _engines, lambda results: results.engines),
    _Section("grants", "Grants", _grants, lambda results: results.grants),
    _Section("posture", "Posture", _posture),
    _Section("times", "Times", _times),
)
