"""What all pictures share: matplotlib when it is needed, colours, and short text."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, fields
from numbers import Integral

import numpy as np

from custseg.exceptions import SchemaError

# "Muted" of Tol (2021), Colour Schemes, SRON/EPS/TN/09-002: told apart with any common
# colour blindness. Ordered so that neighbours differ in lightness as well.
COLORS = (
    "#332288",
    "#44AA99",
    "#CC6677",
    "#117733",
    "#DDCC77",
    "#882255",
    "#88CCEE",
    "#AA4499",
    "#999933",
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p", "h")

display = dataclass(kw_only=True, eq=False, repr=False)


class Display:
    """Numbers first, then a picture of them.

    A subclass is a dataclass by `display` whose first field are the numbers; its
    `plot` begins with `_start` and returns itself.
    """

    def frame(self):
        """Return the numbers that are drawn.

        Returns
        -------
        frame : DataFrame
            A copy of the first parameter of the class, where columns are described.
        """
        return getattr(self, fields(self)[0].name).copy()

    def _start(self, ax, size):
        """Draw on given axes, or on those of a figure of this size in inches."""
        self.ax_ = new_axes(size) if ax is None else ax
        self.figure_ = self.ax_.figure
        return self.ax_

    def __repr__(self):
        frame = self.frame()
        columns = ", ".join(map(str, frame.columns))
        return (
            f"<{type(self).__name__}: frame() has {len(frame)} rows of {columns}; "
            "plot() draws them>"
        )


def new_axes(figsize):
    """Make axes in a figure of its own for a picture.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            "Pictures must have matplotlib. Got an environment without it instead. "
            'Run pip install "custseg[plot]"; frame() gives the numbers without it.'
        ) from error
    return pyplot.subplots(figsize=figsize, layout="constrained")[1]


def legend(ax, handles, **options):
    """Explain a picture beside its axes, or within them where nothing makes room."""
    place = {"loc": "best", "framealpha": 0.6}
    if ax.figure.get_layout_engine() is not None:
        place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1)}
    ax.legend(handles=handles, fontsize="small", **place, **options)


def headings(names, shares, width, max_lines):
    """Write names of segments, each with its share below."""
    return [
        f"{wrapped(name, width, max_lines)}\n{percent(share)}"
        for name, share in zip(names, shares, strict=True)
    ]


def handle(label, **style):
    """Make an entry of a legend: a marker, or a line where `style` asks for one."""
    from matplotlib.lines import Line2D

    return Line2D([], [], label=label, **{"linestyle": "none", **style})


def color(position):
    """Colour of a segment or an estimator; after nine they come again."""
    return COLORS[position % len(COLORS)]


def pale(position, strength=0.4):
    """Return a segment's colour mixed with white, for what is drawn upon."""
    from matplotlib.colors import to_rgb

    return tuple(1 - strength * (1 - part) for part in to_rgb(color(position)))


def style_of(position):
    """Colour and marker of an estimator or a class."""
    return {"color": color(position), "marker": MARKERS[position % len(MARKERS)]}


def tidy(ax, grid=None, hidden=("top", "right")):
    """Hide sides of the box; lines across, where wanted, lie behind what is drawn."""
    ax.spines[list(hidden)].set_visible(False)
    if grid is not None:
        ax.grid(axis=grid, color="0.9")
        ax.set_axisbelow(True)


def small_title(ax, text, **options):
    """Write a small title at the left."""
    ax.set_title(text, fontsize="small", loc="left", **options)


def color_bar(mappable, label, size="small", **place):
    """Explain colours by a bar without a frame."""
    bar = mappable.figure.colorbar(mappable, **place)
    bar.set_label(label, size=size)
    bar.ax.tick_params(labelsize=size)
    bar.outline.set_visible(False)


def beside_axes(ax):
    """Return where a bar of colours stands at the right of axes."""
    return {"ax": ax, "shrink": 0.8, "pad": 0.02, "fraction": 0.05, "aspect": 25}


def write(ax, x, y, text, **style):
    """Write small text in the middle of its place."""
    style = {"ha": "center", "va": "center", "fontsize": "small"} | style
    return ax.text(x, y, text, **style)


def note(ax, place, text, shift, **style):
    """Write small text some points beside a place."""
    style = {"textcoords": "offset points", "fontsize": "small"} | style
    return ax.annotate(text, place, xytext=shift, **style)


def points(ax, x, y, **style):
    """Draw markers without a line."""
    return ax.plot(x, y, **{"linestyle": "none", "zorder": 3} | style)


def halo(width, **style):
    """Return the white rim of what is drawn over colours."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=width, foreground="white", **style)]


def literal(text):
    """Text to be drawn as it stands: dollar signs are no formulas."""
    return str(text).replace("$", r"\$")


def wrapped(text, width, max_lines):
    """Break text into lines, best after a comma; what is left over is an ellipsis."""
    lines = []
    for part in str(text).split(", "):
        if lines and len(lines[-1]) + len(part) + 2 <= width:
            lines[-1] += f", {part}"
            continue
        if lines:
            lines[-1] += ","
        # Names of columns may break after an underscore.
        broken = textwrap.wrap(part.replace("_", "_ "), width) or [""]
        lines += [line.replace("_ ", "_") for line in broken]
    if len(lines) > max_lines:
        lines = lines[:max_lines]
        lines[-1] = lines[-1][: width - 1].rstrip(" ,") + "…"
    return literal("\n".join(lines))


def shortened(text, width):
    """Text of at most so many signs, the rest an ellipsis."""
    text = str(text)
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def inches(ax):
    """Width and height of axes, before a layout moves them."""
    box = ax.get_window_extent()
    return box.width / ax.figure.dpi, box.height / ax.figure.dpi


def compact_number(value):
    """Write a number in about six signs: `1.2k`, `35`, `0.042`; "-" for none."""
    if np.isnan(value):
        return "-"
    for limit, unit in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        # 999.5 is written as 1.0k, not as 1000.
        if abs(value) >= 0.9995 * limit:
            scaled = value / limit
            return (
                f"{scaled:.0f}{unit}" if abs(scaled) >= 99.95 else f"{scaled:.1f}{unit}"
            )
    if abs(value) >= 99.5 or value == 0:
        return f"{value:.0f}"
    return f"{value:.2g}" if abs(value) < 0.995 else f"{value:.1f}"


def count_text(customers):
    """Write a number of customers, or a sum of weights, in a few signs."""
    whole = customers == round(customers) and customers < 1000
    return f"{customers:.0f}" if whole else compact_number(customers)


def percent(share):
    """Write a share as a percentage: `35 %`, `2.8 %`."""
    if np.isnan(share):
        return "-"
    value = 100 * share
    return f"{value:.1f} %" if 0 < value < 9.95 else f"{value:.0f} %"


def checked_names(names):
    """Return names of segments as a mapping, empty for None.

    Raises
    ------
    SchemaError
        If they are no mapping.
    """
    if names is not None and not isinstance(names, Mapping):
        raise SchemaError(
            "names must be a dict from segment to name. Got "
            f"{type(names).__name__} instead. For example: names={{0: 'regulars'}}."
        )
    return names or {}


def namer(names):
    """Return a function from a segment to its name; `segment 0` where none is given."""
    known = checked_names(names)
    return lambda segment: known.get(segment, f"segment {segment}")


def checked_whole(name, value, least, default):
    """Return an integer from `least` up, one or two, or say that it must be."""
    valid = isinstance(value, Integral) and not isinstance(value, bool)
    if not (valid and value >= least):
        words = {1: "a positive integer", 2: "an integer of two or more"}[least]
        raise ValueError(
            f"{name} must be {words}. Got {value!r} instead. Leave it out for "
            f"{default}."
        )
    return value


def checked_kind(what, value, attributes, wanted, remedy):
    """Return what has some attributes, or say what it must be."""
    if not all(hasattr(value, name) for name in attributes):
        raise TypeError(
            f"The {what} must {wanted}. Got {type(value).__name__} instead. {remedy}"
        )
    return value


def one_of(name, value, known, remedy):
    """Return one of some values, or say which there are."""
    if value not in known:
        raise ValueError(
            f"{name} must be one of {', '.join(map(repr, known))}. Got {value!r} "
            f"instead. {remedy}"
        )
    return value
