"""The topology as a picture: who may reach whom, on which port, in which subnets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rehearsal.report.svg import clipped, element, label, title

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.report.topology import Client, Node, Target, Vpc

MARGIN, PADDING = 12, 18
LABELS = 178  # width of the column with the names of targets
COLUMN = 116  # width of a function with its gap, at least
ZONE = 176  # width of an Availability Zone, at least
BOX = 46  # height of a function
SITE = 40
RAIL = 26  # height of a line of the crossing
LANE = 58  # height of a target with its nodes
DROP = 12  # distance of the lines that lead to the targets
HEAD = 30
SMALL, SIZE = 11.0, 13.0


@dataclass(frozen=True)
class _Frame:
    """Where things are, from left to right."""

    vpc: Vpc

    @property
    def inner(self) -> float:
        """Width of the part that functions and nodes share."""
        return float(max(860, COLUMN * len(self.vpc.clients), ZONE * len(self.vpc.zones)))

    @property
    def left(self) -> float:
        return MARGIN + PADDING + LABELS

    @property
    def right(self) -> float:
        return self.left + self.inner

    @property
    def width(self) -> float:
        return self.right + DROP * (len(self.vpc.targets) + 1) + PADDING + MARGIN

    def client(self, number: int) -> float:
        """Middle of a function's column."""
        return self.left + self.inner / len(self.vpc.clients) * (number + 0.5)

    @property
    def client_width(self) -> float:
        return min(150.0, self.inner / len(self.vpc.clients) - 12)

    def zone(self, name: str) -> float:
        """Left edge of an Availability Zone's column."""
        number = self.vpc.zones.index(name) if name in self.vpc.zones else 0
        return self.left + self.zone_width * number

    @property
    def zone_width(self) -> float:
        return self.inner / max(1, len(self.vpc.zones))

    def drop(self, number: int) -> float:
        """The line that leads from a rail to its target; the first rail has the outermost, so that none cross."""
        return self.right + DROP * (len(self.vpc.targets) - number)


def picture(vpc: Vpc) -> str:
    """The picture of a VPC as an SVG element, which also works without its styles: text tells all.

    Args:
        vpc: The VPC.
    """
    frame = _Frame(vpc)
    sites = SITE + 28 if any(client.site for client in vpc.clients) else 0
    top = MARGIN + sites
    functions = top + HEAD + PADDING + HEAD
    rails = functions + BOX + PADDING + 14
    lanes = rails + RAIL * len(vpc.targets) + PADDING
    parts: list[str] = []
    height = lanes
    bottom, drawn = _lanes(frame, lanes)
    height = bottom + PADDING + MARGIN
    parts.append(_vpc(frame, top, bottom + PADDING - top))
    if vpc.clients:
        parts += _application_tier(frame, top + HEAD + 4, functions + BOX + 12)
        parts += [_column(frame, number, client, top, functions) for number, client in enumerate(vpc.clients)]
        parts += _crossing(frame, functions + BOX, rails, drawn)
    parts += [markup for _target, _y, markup in drawn]
    parts += _tier_heads(frame, drawn)
    text = title(f"Topology of {vpc.name}") + element("desc", description(vpc))
    box = f"0 0 {frame.width:.0f} {height:.0f}"
    return element("svg", text + "".join(parts), viewBox=box, role="img", class_="topology", xmlns="http://www.w3.org/2000/svg")


def description(vpc: Vpc) -> str:
    """The picture in words."""
    names = {target.name: target for target in vpc.targets}
    sentences = [f"{vpc.name} has the Availability Zones {', '.join(vpc.zones)}."]
    for client in vpc.clients:
        reached = [f"{name} on port {names[name].port}" for name in client.reaches]
        sentences.append(f"{client.name} may connect to {', '.join(reached) or 'nothing'}.")
    return " ".join(sentences)


def _vpc(frame: _Frame, top: float, height: float) -> str:
    width = frame.width - 2 * MARGIN
    box = element("rect", x=MARGIN, y=top, width=width, height=height, rx=12, class_="vpc")
    return box + label(MARGIN + PADDING, top + 22, f"VPC {frame.vpc.range}", "head") + label(
        frame.width - MARGIN - PADDING, top + 22, frame.vpc.name, "small soft", anchor="end"
    )


def _application_tier(frame: _Frame, top: float, bottom: float) -> Iterator[str]:
    tier = frame.vpc.clients[0].tier
    yield element(
        "rect",
        x=MARGIN + PADDING / 2,
        y=top,
        width=frame.width - 2 * MARGIN - PADDING,
        height=bottom - top,
        rx=8,
        class_="tier",
    )
    yield from _tier_name(frame, tier, top)


def _tier_name(frame: _Frame, name: str, top: float) -> Iterator[str]:
    """The name of subnets, and the address range that they have in each Availability Zone."""
    yield label(MARGIN + PADDING, top + 19, f"{name} subnets" if name != "subnets" else name, "head")
    ranges = next((tier.ranges for tier in frame.vpc.tiers if tier.name == name), {})
    for zone in frame.vpc.zones:
        if zone in ranges:
            x = frame.zone(zone)
            yield label(x + 6, top + 19, f"{zone}  {ranges[zone]}", "small soft")


def _column(frame: _Frame, number: int, client: Client, top: float, functions: float) -> str:
    """A function, and the HTTP API that invokes it."""
    x, width = frame.client(number), frame.client_width
    parts = [title(f"{client.name}: function in the {client.tier} subnets")]
    if client.site:
        parts.append(element("rect", x=x - width / 2, y=MARGIN, width=width, height=SITE, rx=SITE / 2, class_="site"))
        parts.append(label(x, MARGIN + 17, clipped(client.site, width - 16, SIZE), "strong", anchor="middle"))
        parts.append(label(x, MARGIN + 32, "HTTP API, IAM", "small soft", anchor="middle"))
        parts.append(_arrow(x, MARGIN + SITE, functions))
    parts.append(element("rect", x=x - width / 2, y=functions, width=width, height=BOX, rx=6, class_="function"))
    parts.append(label(x, functions + 20, clipped(client.name, width - 12, SIZE), "strong", anchor="middle"))
    parts.append(label(x, functions + 36, "function", "small soft", anchor="middle"))
    return element("g", "".join(parts))


def _arrow(x: float, top: float, bottom: float) -> str:
    line = element("path", d=f"M{x:.1f} {top:.1f}V{bottom - 6:.1f}", class_="wire")
    head = element("path", d=f"M{x - 4:.1f} {bottom - 8:.1f}L{x:.1f} {bottom:.1f}L{x + 4:.1f} {bottom - 8:.1f}Z", class_="tip")
    return line + head


def _crossing(frame: _Frame, top: float, rails: float, drawn: list[tuple[Target, float, str]]) -> Iterator[str]:
    """A line for each target and one for each function; a dot where the function may connect to the target."""
    targets = frame.vpc.targets
    lane = {target.name: y for target, y, _markup in drawn}
    for number, client in enumerate(frame.vpc.clients):
        rows = [row for row, target in enumerate(targets) if target.name in client.reaches]
        if rows:
            x = frame.client(number)
            yield element("path", d=f"M{x:.1f} {top:.1f}V{rails + RAIL * rows[-1]:.1f}", class_="wire")
    for row, target in enumerate(targets):
        y = rails + RAIL * row
        clients = [number for number, client in enumerate(frame.vpc.clients) if target.name in client.reaches]
        text = f":{target.port}  {target.name}"
        kind = "" if clients else "soft"
        yield label(MARGIN + PADDING, y + 4, clipped(text, LABELS - 8, SIZE), kind)
        if not clients:
            yield label(frame.left, y + 4, "no function may connect", "small soft")
            continue
        x, end = frame.drop(row), lane[target.name] + LANE / 2
        first = frame.client(clients[0])
        yield element("path", d=f"M{first:.1f} {y:.1f}H{x:.1f}V{end:.1f}H{frame.right + 10:.1f}", class_="rail")
        tip = f"M{frame.right + 10:.1f} {end - 4:.1f}L{frame.right + 2:.1f} {end:.1f}L{frame.right + 10:.1f} {end + 4:.1f}Z"
        yield element("path", d=tip, class_="tip")
        for number in clients:
            client = frame.vpc.clients[number]
            told = title(f"{client.name} may connect to {target.name} on port {target.port}")
            yield element("circle", told, cx=frame.client(number), cy=y, r=5, class_="dot")


def _lanes(frame: _Frame, top: float) -> tuple[float, list[tuple[Target, float, str]]]:
    """The targets with their nodes, grouped by their subnets; in reverse order, so that no lines cross."""
    drawn = []
    y, tier = top, ""
    for target in reversed(frame.vpc.targets):
        if target.tier != tier:
            y, tier = y + HEAD + (8 if tier else 0), target.tier
        drawn.append((target, y, _lane(frame, target, y)))
        y += LANE + 8
    return y, drawn


def _tier_heads(frame: _Frame, drawn: list[tuple[Target, float, str]]) -> Iterator[str]:
    tier = ""
    for target, y, _markup in drawn:
        if target.tier != tier:
            tier = target.tier
            yield from _tier_name(frame, tier, y - HEAD + 2)


def _lane(frame: _Frame, target: Target, y: float) -> str:
    parts = [title(f"{target.name}: {target.kind}, port {target.port}")]
    x = MARGIN + PADDING / 2
    parts.append(element("rect", x=x, y=y, width=frame.right - x, height=LANE, rx=8, class_="lane"))
    parts.append(label(MARGIN + PADDING, y + 24, clipped(target.name, LABELS - 12, SIZE), "strong"))
    parts.append(label(MARGIN + PADDING, y + 42, f"{target.kind}, {target.port}", "small soft"))
    for zone in frame.vpc.zones:
        nodes = [node for node in target.nodes if node.zone == zone]
        if nodes:
            width = min(200.0, (frame.zone_width - 12) / len(nodes) - 6)
            parts += [
                _node(node, frame.zone(zone) + 6 + (width + 6) * number, y + 8, width)
                for number, node in enumerate(nodes)
            ]
    return element("g", "".join(parts))


def _node(node: Node, x: float, y: float, width: float) -> str:
    told = title(f"{node.name}{f', {node.role}' if node.role else ''}, {node.zone}")
    box = element("rect", x=x, y=y, width=width, height=LANE - 16, rx=6, class_=f"node {node.role.partition(' ')[0]}".strip())
    middle = x + width / 2
    if node.role:
        name = label(middle, y + 18, clipped(node.name, width - 10, SMALL), "small", anchor="middle")
        role = label(middle, y + 34, clipped(node.role, width - 10, SMALL), "small soft", anchor="middle")
    else:
        name, role = label(middle, y + 26, clipped(node.name, width - 10, SMALL), "small", anchor="middle"), ""
    return element("g", told + box + name + role)
