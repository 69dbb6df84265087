"""What becomes of segments as their number grows, as a picture."""

import numpy as np
import pandas as pd

from custseg.plotting import _drawing as draw
from custseg.plotting._crossings import uncrossed
from custseg.plotting._stability_display import checked_stability, chosen_estimator

_GAP = 0.035  # between two nodes, as a share of all customers
_NODE = 0.24  # width of a node, as a share of the distance between columns
_UNKNOWN = "0.85"  # colour of a node without stability


@draw.display
class SegmentFlowDisplay(draw.Display):
    """Solutions side by side, and how customers move from one to the next.

    One column a number of segments, one block a segment, as high as it has customers;
    bands between blocks are as wide as the customers that both share. The colour is
    the stability of the segment across solutions (SLSA): 1 where its customers come
    from one segment of the solution before, low where it is put together from many.
    The first column has nothing before it. A segment that lives on through several
    numbers is a better target than one that each number cuts anew.

    Segments are sorted within columns so that little crosses. Use `from_stability`
    to make one.

    Parameters
    ----------
    flows : DataFrame
        One row a band: ``n_segments`` and ``segment`` on its left,
        ``next_n_segments`` and ``next_segment`` on its right, ``customers``, their
        ``share`` of the left segment and ``next_share`` of the right one, and
        ``next_across``, the stability across solutions of the right one.
    title : str, default=""
        Title of the picture.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        After `plot`.
    ax_ : matplotlib.axes.Axes
        After `plot`.

    References
    ----------
    Dolnicar, S. and Leisch, F. (2017). Using segment level stability to select target
    segments in data-driven market segmentation studies. Marketing Letters 28, 423-436.
    https://doi.org/10.1007/s11002-017-9423-8

    Examples
    --------
    >>> import numpy as np
    >>> from custseg import KMeansSegmenter
    >>> from custseg.plotting import SegmentFlowDisplay
    >>> from custseg.selection import bootstrap_stability
    >>> rng = np.random.default_rng(0)
    >>> X = np.repeat([[0.0], [9.0], [30.0]], [40, 30, 20], axis=0)
    >>> result = bootstrap_stability(
    ...     KMeansSegmenter(),
    ...     X + rng.normal(size=X.shape),
    ...     n_segments=(2, 3),
    ...     n_bootstraps=5,
    ...     n_null=0,
    ...     random_state=0,
    ... )
    >>> frame = SegmentFlowDisplay.from_stability(result).frame()
    >>> frame[["segment", "next_segment", "customers", "share", "next_across"]].round(2)
       segment  next_segment  customers  share  next_across
    0        0             0         40   0.57          1.0
    1        0             1         30   0.43          1.0
    2        1             2         20   1.00          1.0
    """

    flows: pd.DataFrame
    title: str = ""

    @classmethod
    def from_stability(cls, result, estimator=None):
        """Make the display of all solutions of one estimator.

        Parameters
        ----------
        result : StabilityResult
            As `bootstrap_stability` and `SegmentSearch.stability` return it.
        estimator : str, default=None
            Name of the estimator; None takes the selected one.

        Returns
        -------
        display : SegmentFlowDisplay

        Raises
        ------
        TypeError
            If it is no such result.
        ValueError
            If the result has no such estimator, or only one solution of it.
        """
        name = chosen_estimator(checked_stability(result), estimator)
        flows = result.flows[result.flows["estimator"] == name]
        if len(flows) == 0:
            raise ValueError(
                f"{name!r} must have two solutions or more. Got one instead. Search "
                "over several numbers of segments, such as range(2, 9)."
            )
        across = result.segments()
        across = across.loc[
            across["estimator"] == name, ["n_segments", "segment", "across"]
        ].add_prefix("next_")
        keys = ["n_segments", "segment", "next_n_segments", "next_segment"]
        flows = flows[[*keys, "customers"]].sort_values(keys)
        customers = flows["customers"]
        own, following = (
            flows.groupby(pair)["customers"].transform("sum")
            for pair in (keys[:2], keys[2:])
        )
        flows = flows.assign(share=customers / own, next_share=customers / following)
        flows = flows.merge(across, on=keys[2:], how="left")
        return cls(flows=flows, title=name)

    def plot(self, ax=None):
        """Draw one column a solution, and bands between them.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : SegmentFlowDisplay
            With ``figure_`` and ``ax_``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = self._start(ax, (8.5, 4.5))
        nodes = _placed(self.flows)
        numbers = nodes["n_segments"].unique()
        self._draw_bands(nodes)
        self._draw_nodes(nodes)
        ax.set(
            xlim=(-_NODE, len(numbers) - 1 + _NODE),
            ylim=(nodes["bottom"].max() + _GAP, nodes["top"].min() - _GAP),
            yticks=[],
            xlabel="number of segments",
        )
        ax.set_xticks(range(len(numbers)), numbers)
        ax.tick_params(axis="x", length=0)
        draw.small_title(ax, draw.wrapped(self.title, 80, 2))
        ax.spines[:].set_visible(False)
        return self

    def _draw_bands(self, nodes):
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        curve = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3]
        for band in _bands(self.flows, nodes).itertuples():
            left, right = band.column + _NODE / 2, band.column + 1 - _NODE / 2
            middle = (left + right) / 2
            corners = [
                (left, band.top),
                (middle, band.top),
                (middle, band.next_top),
                (right, band.next_top),
                (right, band.next_top + band.height),
                (middle, band.next_top + band.height),
                (middle, band.top + band.height),
                (left, band.top + band.height),
            ]
            path = Path([*corners, corners[0]], [*curve, Path.CLOSEPOLY])
            style = {"facecolor": "0.55", "alpha": 0.45, "edgecolor": "0.35"}
            self.ax_.add_patch(PathPatch(path, linewidth=0.3, **style))

    def _draw_nodes(self, nodes):
        from matplotlib import colormaps
        from matplotlib.collections import PatchCollection
        from matplotlib.colors import Normalize
        from matplotlib.patches import Rectangle

        blocks = PatchCollection(
            [
                Rectangle((row.column - _NODE / 2, row.top), _NODE, row.share)
                for row in nodes.itertuples()
            ],
            cmap=colormaps["viridis"].with_extremes(bad=_UNKNOWN),
            norm=Normalize(0, 1),
            edgecolors="0.2",
            linewidths=0.6,
            zorder=3,
        )
        blocks.set_array(np.ma.masked_invalid(nodes["across"].to_numpy(dtype=float)))
        self.ax_.add_collection(blocks)
        label = "stability across solutions (SLSA)"
        draw.color_bar(blocks, label, **draw.beside_axes(self.ax_))
        self._number_nodes(nodes)

    def _number_nodes(self, nodes):
        """Write the number of each segment, and its share where there is room."""
        width, height = draw.inches(self.ax_)
        tall = nodes["bottom"].max() - nodes["top"].min() + 2 * _GAP
        wide = nodes["column"].max() + 2 * _NODE
        for row in nodes.itertuples():
            high = row.share * height / tall
            text = "none" if row.segment < 0 else str(row.segment)
            if high >= 0.36 and _NODE * width / wide >= 0.42:
                text += f"\n{draw.percent(row.share)}"
            style = {"zorder": 4, "path_effects": draw.halo(2.5)}
            style["fontsize"] = "small" if high >= 0.12 else 6
            middle = (row.top + row.bottom) / 2
            draw.write(self.ax_, row.column, middle, text, **style)


def _placed(flows):
    """Place of every segment: its column, and where in it the block begins and ends.

    Parameters
    ----------
    flows : DataFrame
        As `SegmentFlowDisplay.frame` gives it.

    Returns
    -------
    nodes : DataFrame
        One row a segment, from the left and from the top.
    """
    ends = ["n_segments", "segment", "next_n_segments", "next_segment"]
    first = flows[flows["n_segments"] == flows["n_segments"].min()]
    first = first.groupby(ends[:2], as_index=False)["customers"].sum()
    later = flows.groupby(ends[2:], as_index=False).agg(
        customers=("customers", "sum"), across=("next_across", "first")
    )
    later.columns = later.columns.str.removeprefix("next_")
    nodes = pd.concat([first.assign(across=np.nan), later], ignore_index=True)
    numbers = np.unique(nodes["n_segments"])
    nodes["column"] = np.searchsorted(numbers, nodes["n_segments"])
    nodes["share"] = nodes["customers"] / first["customers"].sum()
    by_column = [rows for _, rows in nodes.groupby("column")]
    totals = flows.groupby(["n_segments", "segment", "next_segment"])["customers"].sum()
    between = [
        totals[number]
        .unstack()
        .reindex(index=rows["segment"], columns=after["segment"])
        for number, rows, after in zip(numbers, by_column, by_column[1:], strict=False)
    ]
    orders = uncrossed([one.fillna(0).to_numpy(dtype=float) for one in between])
    in_order = zip(by_column, orders, strict=True)
    nodes = pd.concat([rows.iloc[order] for rows, order in in_order], ignore_index=True)
    # Each column stands in the middle of the height.
    counts = nodes.groupby("column")["segment"].transform("count")
    gaps = nodes.groupby("column").cumcount() - (counts - 1) / 2
    bottom = nodes.groupby("column")["share"].cumsum() + _GAP * gaps
    return nodes.assign(top=bottom - nodes["share"], bottom=bottom)


def _bands(flows, nodes):
    """Where each band leaves the block on its left and enters that on its right."""
    places = nodes.set_index(["n_segments", "segment"])[["column", "top"]]
    total = nodes.loc[nodes["column"] == 0, "customers"].sum()
    ends = ["n_segments", "segment"], ["next_n_segments", "next_segment"]
    bands = flows.join(places, on=ends[0])
    bands = bands.join(places["top"].rename("next_top"), on=ends[1])
    bands["height"] = bands["customers"] / total
    # Bands of one block lie in the order of the blocks at their other ends.
    offsets = {}
    for own, key, other in ((ends[0], "top", "next_top"), (ends[1], "next_top", "top")):
        in_order = bands.sort_values(other, kind="stable")
        within = in_order.groupby(own)["height"].cumsum() - in_order["height"]
        offsets[key] = within.reindex(bands.index)
    return bands.assign(**{key: bands[key] + offsets[key] for key in offsets})
