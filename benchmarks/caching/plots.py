"""Draw the plots of ``docs/caching.md`` from the stored results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib import pyplot as plt

from benchmarks.caching import tables
from benchmarks.caching.tables import findings, is_ours

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

# Okabe and Ito's colours, which people with any colour vision can distinguish.
_OURS, _OTHERS, _LIMIT = "#0072B2", "#999999", "#D55E00"
_PLATE = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
_LIGHT_OURS, _LIGHT_OTHERS = "#56B4E9", "#CCCCCC"


def draw() -> None:
    """Write all plots."""
    mpl.use("Agg")
    mpl.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "savefig.dpi": 130})
    for part, plot in {
        "hits": _hits,
        "stampede": _stampede,
        "races": _races,
        "zipf": _zipf,
        "ranks": _ranks,
    }.items():
        figure = plot()
        source = {"Source": tables.fingerprint(part)}
        figure.savefig(tables.plot(part), facecolor="white", metadata=source)
        plt.close(figure)


def _hits() -> Any:
    found = findings("hits")
    kinds = ("threads", "asyncio")
    figure, both = plt.subplots(
        2, 1, figsize=(8, 6), sharex=True, layout="constrained", height_ratios=[len(found[kind]) for kind in kinds]
    )
    figure.suptitle("CPU time of a hit, over a GET on a bare client and the same deserialisation")
    for axes, kind in zip(both, kinds, strict=True):
        ratios = {name: measured["ratio"] for name, measured in found[kind].items()}
        middle = [found[kind][name]["ratio_middle_half"] for name in ratios]
        errors = [
            [ratio - low for ratio, (low, _) in zip(ratios.values(), middle, strict=True)],
            [high - ratio for ratio, (_, high) in zip(ratios.values(), middle, strict=True)],
        ]
        colours = [_OURS if is_ours(name) else _OTHERS for name in ratios]
        _bars(axes, ratios, colours, labels=[f"{ratio:.2f}" for ratio in ratios.values()], xerr=errors)
        axes.set_title(kind, loc="left", fontsize=9)
        axes.axvline(1.25, color=_LIMIT, linestyle="--", linewidth=1)
    both[-1].set_xlabel("times the CPU time (median; whisker: middle half of the rounds; dashed: 1.25)")
    return figure


def _stampede() -> Any:
    found = findings("stampede")
    libraries = found["libraries"]
    names = list(libraries)
    crowd = list(next(iter(libraries.values())))[-1]
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 5.5), sharey=True, layout="constrained")
    processes, each = crowd.split(" x ")
    figure.suptitle(f"{found['callers']} callers want one key at once: {processes} processes with {each} callers each")
    for state, shift, ours, others in (
        ("cold", -0.2, _OURS, _OTHERS),
        ("expired", 0.2, _LIGHT_OURS, _LIGHT_OTHERS),
    ):
        places = [place + shift for place in range(len(names))]
        colours = [ours if is_ours(name) else others for name in names]
        queries = [max(libraries[name][crowd][state]["queries"]) for name in names]
        waits = [libraries[name][crowd][state]["longest_ms"]["median"] for name in names]
        for axes, numbers in ((left, queries), (right, waits)):
            bars = axes.barh(places, numbers, height=0.38, color=colours)
            axes.bar_label(bars, [str(number) for number in numbers], padding=3, fontsize=7, bbox=_PLATE)
            # The legend in neutral greys: dark for one state, light for the other.
            axes.barh([0], [0], color=others, label=state)
    left.set_yticks(range(len(names)), names)
    left.invert_yaxis()
    for axes in (left, right):
        _logarithmic(axes)
    left.set_xlim(left=0.5)
    left.set_xlabel("database queries, maximum of all rounds")
    right.set_xlabel("longest wait in milliseconds, median of the rounds")
    load = found["load_ms"]
    right.axvline(load + 250, color=_LIMIT, linestyle="--", linewidth=1, label=f"the query of {load} ms + 250 ms")
    figure.legend(*right.get_legend_handles_labels(), frameon=False, loc="outside lower center", ncols=3)
    return figure


def _races() -> Any:
    found = findings("races")
    libraries = found["libraries"]
    colours = [_OURS if is_ours(name) else _OTHERS for name in libraries]
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5), sharey=True, layout="constrained")
    figure.suptitle(
        f"A failing database, {found['callers']} callers with {found['calls_of_each']} calls each; and a killed loader"
    )
    queries = {name: measured["failing_database"]["queries"] for name, measured in libraries.items()}
    _bars(left, queries, colours, labels=[str(number) for number in queries.values()])
    _logarithmic(left)
    left.set_xlim(left=0.5)
    left.set_xlabel("queries that reach the failing database")
    killed = [measured["killed_loader_seconds"] for measured in libraries.values()]
    end = found["give_up_seconds"]
    waits = [end if seconds is None else seconds["worst"] for seconds in killed]
    labels = [f"no recovery in {end:.0f} s" if seconds is None else f"{seconds['worst']:.2f}" for seconds in killed]
    _bars(right, dict(zip(libraries, waits, strict=True)), colours, labels=labels)
    right.margins(x=0.15)
    right.axvline(found["lease_seconds"], color=_LIMIT, linestyle="--", linewidth=1)
    right.set_xlabel(f"seconds until the next caller's answer (dashed: the lease of {found['lease_seconds']} s)")
    return figure


def _zipf() -> Any:
    found = findings("zipf")
    points = found["points"]
    reads = [point["reads"] for point in points]
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    axes.set_title(f"Lazy loading of {found['keys']:,} keys, drawn by Zipf({found['exponent']}), from an empty cache")
    axes.plot(reads, reads, color=_LIMIT, linestyle="--", label="without a cache")
    axes.plot(reads, [point["formula"] for point in points], color="#000000", label="formula: Σ 1 - (1 - pᵢ)ᴺ")
    axes.plot(reads, [point["queries"] for point in points], "o", color=_OURS, label="measured in PostgreSQL")
    for point in points[::3]:
        axes.annotate(
            f"{point['reduction']:.1f} reads for a query",
            (point["reads"], point["queries"]),
            xytext=(8, -14),
            textcoords="offset points",
            fontsize=8,
        )
    axes.set(xscale="log", yscale="log", xlabel="reads N", ylabel="database queries")
    axes.margins(x=0.2, y=0.1)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:,.0f}")
    axes.legend(frameon=False)
    return figure


def _ranks() -> Any:
    found = findings("ranks")
    questions = found["milliseconds"]
    figure, axes = plt.subplots(figsize=(8, 3.8), layout="constrained")
    axes.set_title(f"A leaderboard of {found['players']:,} players: sorted set and indexed table")
    for side, label, shift, colour in (
        ("ours", "ours, on Valkey", -0.2, _OURS),
        ("postgresql", "PostgreSQL, indexed", 0.2, _OTHERS),
    ):
        numbers = [measured[side]["median"] for measured in questions.values()]
        bars = axes.barh([place + shift for place in range(len(questions))], numbers, 0.38, color=colour, label=label)
        axes.bar_label(bars, [f"{number:.2f}" for number in numbers], padding=2, fontsize=8)
    axes.set_yticks(range(len(questions)), list(questions))
    axes.invert_yaxis()
    _logarithmic(axes)
    axes.set_xlabel("milliseconds that a caller waits, median")
    axes.legend(frameon=False, loc="lower right")
    return figure


def _logarithmic(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.margins(x=0.15)
    axes.grid(axis="x", color="#E5E5E5", linewidth=0.6)
    axes.set_axisbelow(True)


def _bars(
    axes: Axes, numbers: Mapping[str, float], colours: Sequence[str], *, labels: Sequence[str], **options: Any
) -> None:
    names = list(numbers)
    bars = axes.barh(names, list(numbers.values()), color=colours, **options)
    axes.bar_label(bars, labels, padding=4, fontsize=8, bbox=_PLATE)
    if not axes.yaxis_inverted():
        axes.invert_yaxis()
