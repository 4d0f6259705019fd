"""The growth of a night's cost as a picture: processor time and peak memory by size, a line for each kind of night."""

import io
from collections.abc import Callable, Sequence

from funnel_etl.bench.meter import Cost
from funnel_etl.bench.nights import EMPTY, FLOOR, Night
from funnel_etl.core.values.numbers import grouped
from funnel_etl.marts.funnel.pictures import COLOURS, DARK, GREY

FIGURES: dict[str, Callable[[Cost], float]] = {
    "processor time, client and server: seconds": lambda cost: cost.cpu_seconds,
    "peak memory of the main process: MB": lambda cost: cost.peak_bytes / 1e6,
}


def draw(nights: Sequence[Night], title: str) -> bytes:
    """Draw both figures on axes of logarithms, as PNG; the empty night is a dashed line."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - half a second, and no pyplot
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(9, 4.2), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(0.01, 0.985, title, ha="left", va="top", fontsize=12, fontweight="bold", color=DARK)
    panels = figure.subplots(1, 2)
    figure.subplots_adjust(left=0.08, right=0.98, top=0.83, bottom=0.13, wspace=0.25)
    sizes = sorted({night.leads for night in nights if night.kind != EMPTY})
    kinds = sorted(dict.fromkeys(night.kind for night in nights if night.kind != EMPTY), key=FLOOR.__eq__)
    for axes, (name, value) in zip(panels, FIGURES.items(), strict=True):
        for kind, colour in zip(kinds, COLOURS, strict=False):
            points = sorted((night.leads, value(night.cost)) for night in nights if night.kind == kind)
            axes.plot(*zip(*points, strict=True), color=colour, marker="o", linewidth=1.8, markersize=4, label=kind)
        for night in nights:
            if night.kind == EMPTY:
                axes.axhline(value(night.cost), color=GREY, linestyle="--", linewidth=1.2, label=EMPTY)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(sizes, [grouped(size) for size in sizes])
        axes.set_xticks([], minor=True)
        axes.yaxis.set_major_formatter(lambda number, _: f"{number:g}")
        low, high = axes.get_ylim()
        labelled = "25" if high > 4 * low else "123456789"
        axes.yaxis.set_minor_formatter(
            lambda number, _, labelled=labelled: f"{number:g}" if f"{number:e}"[0] in labelled else ""
        )
        axes.set_title(name, fontsize=9, color=DARK, loc="left")
        axes.set_xlabel("leads", fontsize=9, color=DARK)
        axes.tick_params(labelsize=8, which="both")
        axes.grid(visible=True, which="major", color="#E6E6E6", linewidth=0.6)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    panels[0].legend(loc="best", frameon=False, fontsize=8)
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": ""})
    return out.getvalue()
