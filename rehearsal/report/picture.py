"""The topology as a picture: who may reach whom, on which port, in which subnets."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from rehearsal.report.svg import clipped, element, label, title

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
NAMESPACE = "http://www.w3.org/2000/svg"


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
    """The picture of a VPC as an SVG element; its description tells the same in words.

    Args:
        vpc: The VPC.
    """
    frame = _Frame(vpc)
    top = MARGIN + (SITE + 28 if any(client.site for client in vpc.clients) else 0)
    functions = top + HEAD + PADDING + HEAD
    rails = functions + BOX + PADDING + 14 if vpc.clients else top + HEAD + PADDING
    lanes = rails + RAIL * len(vpc.targets) + PADDING
    bottom, lane_tops = _lane_tops(vpc, lanes + HEAD)
    parts = [_vpc(frame, top, bottom + PADDING - top)]
    if vpc.clients:
        parts.append(_application_tier(frame, top + HEAD + 4, functions + BOX + 12))
    parts += [_lane(frame, target, lane_tops[target.name]) for target in vpc.targets]
    parts += [_zone(frame, zone, lanes, bottom) for zone in vpc.zones]
    parts += _crossing(frame, functions + BOX, rails, lane_tops)
    parts += [_column(frame, number, client, functions) for number, client in enumerate(vpc.clients)]
    parts += _names(frame, top + HEAD + 4, rails, lane_tops)
    text = title(f"Topology of {vpc.name}") + element("desc", escape(description(vpc)))
    box = f"0 0 {frame.width:.0f} {bottom + PADDING + MARGIN:.0f}"
    return element("svg", text + "".join(parts), viewBox=box, role="img", class_="topology", xmlns=NAMESPACE)


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
    return (
        box
        + label(MARGIN + PADDING, top + 22, f"VPC {frame.vpc.range}", "head")
        + label(frame.width - MARGIN - PADDING, top + 22, frame.vpc.name, "small soft", anchor="end")
    )


def _application_tier(frame: _Frame, top: float, bottom: float) -> str:
    width = frame.width - 2 * MARGIN - PADDING
    return element("rect", x=MARGIN + PADDING / 2, y=top, width=width, height=bottom - top, rx=8, class_="tier")


def _zone(frame: _Frame, zone: str, top: float, bottom: float) -> str:
    x, width = frame.zone(zone), frame.zone_width - 6
    box = element("rect", x=x, y=top, width=width, height=bottom - top, rx=8, class_="zone")
    return element("g", title(f"Availability Zone {zone}") + box)


def _names(frame: _Frame, application: float, rails: float, lane_tops: Mapping[str, float]) -> Iterator[str]:
    """All names that lines may cross, which are drawn last."""
    if frame.vpc.clients:
        yield from _tier_name(frame, frame.vpc.clients[0].tier, application, with_zones=True)
    for zone in frame.vpc.zones:
        yield label(frame.zone(zone) + 8, rails + RAIL * len(frame.vpc.targets) + PADDING + 17, zone, "strong halo")
    tier = ""
    for target in reversed(frame.vpc.targets):
        if target.tier != tier:
            tier = target.tier
            yield from _tier_name(frame, tier, lane_tops[target.name] - HEAD + 2)


def _tier_name(frame: _Frame, name: str, top: float, *, with_zones: bool = False) -> Iterator[str]:
    """The name of subnets, and the address range that they have in each Availability Zone."""
    yield label(MARGIN + PADDING, top + 19, f"{name} subnets" if name != "subnets" else name, "head")
    ranges = next((tier.ranges for tier in frame.vpc.tiers if tier.name == name), {})
    for zone in frame.vpc.zones:
        if zone in ranges:
            text = f"{zone}  {ranges[zone]}" if with_zones else ranges[zone]
            yield label(frame.zone(zone) + 8, top + 19, text, "small soft halo")


def _column(frame: _Frame, number: int, client: Client, functions: float) -> str:
    """A function, and the HTTP API that invokes it."""
    x, width = frame.client(number), frame.client_width
    parts = [title(f"{client.name}: function in the {client.tier} subnets")]
    if client.site:
        parts.append(element("rect", x=x - width / 2, y=MARGIN, width=width, height=SITE, rx=SITE / 2, class_="site"))
        parts.append(label(x, MARGIN + 17, clipped(client.site, width - 20, SIZE), "strong", anchor="middle"))
        parts.append(label(x, MARGIN + 32, "HTTP API, IAM", "small soft", anchor="middle"))
        parts.append(_arrow(x, MARGIN + SITE, functions))
    parts.append(element("rect", x=x - width / 2, y=functions, width=width, height=BOX, rx=6, class_="function"))
    stack, _, own = client.name.rpartition("/")
    parts.append(label(x, functions + 20, clipped(own, width - 10, SIZE), "strong", anchor="middle"))
    below = clipped(f"function of {stack}" if stack else "function", width - 10, SMALL)
    parts.append(label(x, functions + 36, below, "small soft", anchor="middle"))
    return element("g", "".join(parts))


def _arrow(x: float, top: float, bottom: float) -> str:
    line = element("path", d=f"M{x:.1f} {top:.1f}V{bottom - 6:.1f}", class_="wire")
    head = element(
        "path", d=f"M{x - 4:.1f} {bottom - 8:.1f}L{x:.1f} {bottom:.1f}L{x + 4:.1f} {bottom - 8:.1f}Z", class_="tip"
    )
    return line + head


def _crossing(frame: _Frame, top: float, rails: float, lane_tops: Mapping[str, float]) -> Iterator[str]:
    """A line for each target and one for each function; a dot where the function may connect to the target."""
    targets = frame.vpc.targets
    for number, client in enumerate(frame.vpc.clients):
        rows = [row for row, target in enumerate(targets) if target.name in client.reaches]
        if rows:
            x = frame.client(number)
            yield element("path", d=f"M{x:.1f} {top:.1f}V{rails + RAIL * rows[-1]:.1f}", class_="wire")
    for row, target in enumerate(targets):
        y = rails + RAIL * row
        clients = [number for number, client in enumerate(frame.vpc.clients) if target.name in client.reaches]
        text = clipped(f":{target.port}  {target.name}", LABELS - 8, SIZE)
        yield label(MARGIN + PADDING, y + 4, text, "" if clients else "soft")
        if not clients:
            yield label(frame.left + 8, y + 4, "no function may connect", "small soft halo")
            continue
        x, end, tip = frame.drop(row), lane_tops[target.name] + LANE / 2, frame.right
        first = frame.client(clients[0])
        yield element("path", d=f"M{first:.1f} {y:.1f}H{x:.1f}V{end:.1f}H{tip + 8:.1f}", class_="rail")
        arrow = f"M{tip + 8:.1f} {end - 4:.1f}L{tip:.1f} {end:.1f}L{tip + 8:.1f} {end + 4:.1f}Z"
        yield element("path", d=arrow, class_="tip")
        for number in clients:
            told = title(f"{frame.vpc.clients[number].name} may connect to {target.name} on port {target.port}")
            yield element("circle", told, cx=frame.client(number), cy=y, r=5, class_="dot")


def _lane_tops(vpc: Vpc, top: float) -> tuple[float, dict[str, float]]:
    """Where each target is, grouped by subnets; in reverse order, so that no lines cross. Also where they end."""
    tops = {}
    y, tier = top, ""
    for target in reversed(vpc.targets):
        if target.tier != tier:
            y, tier = y + HEAD + (4 if tier else -8), target.tier
        tops[target.name] = y
        y += LANE + 8
    return y, tops


def _lane(frame: _Frame, target: Target, y: float) -> str:
    parts = [title(f"{target.name}: {target.kind}, port {target.port}")]
    x = MARGIN + PADDING / 2
    parts.append(element("rect", x=x, y=y, width=frame.right - x - 2, height=LANE, rx=8, class_="lane"))
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
    box = element(
        "rect", x=x, y=y, width=width, height=LANE - 16, rx=6, class_=f"node {node.role.partition(' ')[0]}".strip()
    )
    middle = x + width / 2
    if node.role:
        name = label(middle, y + 18, clipped(node.name, width - 10, SMALL), "small", anchor="middle")
        role = label(middle, y + 34, clipped(node.role, width - 10, SMALL), "small soft", anchor="middle")
    else:
        name, role = label(middle, y + 26, clipped(node.name, width - 10, SMALL), "small", anchor="middle"), ""
    return element("g", told + box + name + role)
