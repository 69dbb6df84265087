"""A self-organising map as a picture."""

import numpy as np
import pandas as pd

from custseg._sklearn import check_is_fitted
from custseg._utils._pipelines import last_step
from custseg.cluster import adjacency, unit_positions
from custseg.exceptions import SchemaError
from custseg.plotting import _drawing as draw
from custseg.plotting._innermost import feature_names

_VIEWS = ("segments", "hits", "u_matrix")
_WIDTH, _CELL = 6.5, (0.3, 0.62)  # inches of a map, and of one unit
_MARGIN = 1.3  # units that a map needs beyond the middles of its outer ones
_BAR_ROOM = 1.1  # inches
_U_MATRIX_LABEL = "mean distance to\nneighbouring units"
_LEGEND_TITLE = "inner cell: customers"
_LEAST_TEXT = 5  # points; smaller numbers are left out
_TINT = 0.3  # strength of a segment's colour behind its customers


@draw.display
class SOMDisplay(draw.Display):
    """A self-organising map: its segments, customers, borders and columns.

    One cell a unit; what lies near on the map is similar, and black lines are the
    borders of the segments. Four pictures of one map: which segment (with the
    customers of each unit as a cell within the cell), how many customers, how far the
    neighbours are (the U-matrix), and the value of a column (a component plane).

    Use `from_estimator` to make one.

    Parameters
    ----------
    units : DataFrame
        One row a unit, row by row of the map: ``row``, ``column``, ``hits``,
        ``u_matrix`` and ``segment``.
    codebook : DataFrame
        Vector of each unit, one column a feature.
    topology : {"hexagonal", "rectangular"}
        Shape of the cells.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        After `plot`.
    ax_ : matplotlib.axes.Axes
        After `plot`.

    References
    ----------
    Vesanto, J. (1999). SOM-based data visualization methods. Intelligent Data Analysis
    3(2), 111-126. https://doi.org/10.1016/S1088-467X(99)00013-X

    Examples
    --------
    >>> from custseg.cluster import SOMSegmenter
    >>> from custseg.plotting import SOMDisplay
    >>> visits = [[1], [2], [9], [10], [11]]
    >>> segmenter = SOMSegmenter(n_clusters=2, grid=(1, 3)).fit(visits)
    >>> SOMDisplay.from_estimator(segmenter).frame().round(1)
       row  column  hits  u_matrix  segment  codebook_x0
    0    0       0     2       4.9        1          1.7
    1    0       1     0       4.1        0          6.6
    2    0       2     3       3.3        0          9.9
    """

    units: pd.DataFrame
    codebook: pd.DataFrame
    topology: str

    @classmethod
    def from_estimator(cls, estimator):
        """Make the display of a fitted map.

        Parameters
        ----------
        estimator : SOMSegmenter, or Pipeline that ends in one
            Fitted. Columns have the names of the table that the map was given, or
            those that the steps before it give.

        Returns
        -------
        display : SOMDisplay

        Raises
        ------
        TypeError
            If the estimator is no map.
        NotFittedError
            If it is not fitted.
        """
        som = last_step(estimator)
        wanted = "be a SOMSegmenter, or a Pipeline that ends in one"
        remedy = "Of a model, pass model.segmenter_."
        draw.checked_kind("estimator", som, ("best_matching_units",), wanted, remedy)
        check_is_fitted(som)
        rows, columns = som.grid_
        units = pd.DataFrame(
            {
                "row": np.repeat(np.arange(rows), columns),
                "column": np.tile(np.arange(columns), rows),
                "hits": som.hits_,
                "u_matrix": som.u_matrix_,
                "segment": som.unit_segments_,
            }
        )
        codebook = pd.DataFrame(som.codebook_, columns=feature_names(estimator))
        return cls(units=units, codebook=codebook, topology=som.topology)

    def frame(self):
        """Return the numbers of every unit.

        Returns
        -------
        frame : DataFrame
            One row a unit: ``row`` and ``column`` on the map from the lower left,
            ``hits`` (its customers, or the sum of their weights), ``u_matrix`` (mean
            distance to its neighbours), ``segment``, and ``codebook_<column>``, its
            value of each column as the map was given it.
        """
        return self.units.join(self.codebook.add_prefix("codebook_"))

    def plot(self, ax=None, *, what="segments", feature=None, names=None):
        """Draw the map.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.
        what : {"segments", "hits", "u_matrix"}, default="segments"
            Segments, with the customers of each unit as the area of a full cell within
            the pale one; number of customers; or mean distance to the neighbouring
            units, high on borders between groups of customers.
        feature : str, default=None
            Column whose value is drawn instead.
        names : mapping of int to str, default=None
            Names of segments; ``segment 0`` and so on where not given.

        Returns
        -------
        self : SOMDisplay
            With ``figure_`` and ``ax_``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If there is no such view.
        SchemaError
            If there is no such column, or `names` is no mapping.
        """
        self._check_view(what, feature, names)
        labels = self._labels(names or {})
        by_segment = feature is None and what == "segments"
        room = _legend_room(labels) if by_segment else _BAR_ROOM
        size = None if ax is not None else _figure_size(self._positions(), room)
        ax = self._start(ax, size)
        self._set_limits(room, size or _space(ax))
        if feature is not None:
            values = self.codebook[feature].to_numpy()
            self._color_cells(values, "viridis", draw.wrapped(feature, 24, 2))
        elif what == "u_matrix":
            values = self.units["u_matrix"].to_numpy()
            self._color_cells(values, "Greys", _U_MATRIX_LABEL)
        elif what == "hits":
            values = self.units["hits"].to_numpy()
            self._color_cells(values, "Blues", "customers", low=0)
            self._write_hits(values)
        else:
            self._draw_segments(labels)
        self._draw_borders()
        return self

    def _check_view(self, what, feature, names):
        draw.one_of("what", what, _VIEWS, "A column is drawn by feature=.")
        if feature is not None and feature not in self.codebook:
            known = ", ".join(map(repr, self.codebook.columns[:10]))
            raise SchemaError(
                f"feature must be a column of the map. Got {feature!r} instead. "
                f"Columns are {known}{', ...' * (self.codebook.shape[1] > 10)}."
            )
        draw.checked_names(names)

    def _positions(self):
        rows, columns = self.units[["row", "column"]].max() + 1
        return unit_positions(rows, columns, self.topology)

    def _labels(self, names):
        """Label each segment with its number, name and share."""
        hits, labels = self.units.groupby("segment")["hits"].sum(), {}
        for segment, share in (hits / hits.sum()).items():
            name = f"segment {segment}"
            if segment in names:
                name = f"{segment}: {names[segment]}"
            labels[segment] = f"{draw.wrapped(name, 26, 2)}, {draw.percent(share)}"
        return labels

    def _set_limits(self, room, of_axes):
        """Fit the map into the axes, with room for what explains it at the right."""
        width, height = self._positions().max(axis=0) + _MARGIN
        # The room is inside the axes: whatever moves them moves both.
        cell = min(max(of_axes[0] - room, of_axes[0] / 2) / width, of_axes[1] / height)
        self.ax_.set(
            xlim=(-_MARGIN / 2, width - _MARGIN / 2 + room / cell),
            ylim=(-_MARGIN / 2, height - _MARGIN / 2),
            aspect="equal",
            anchor="W",
        )
        self.ax_.set_axis_off()

    def _corners(self, scale=1.0):
        """Corners of each cell, as large as it is or shrunk towards its middle."""
        if self.topology == "hexagonal":
            angles, radius = np.arange(6) * np.pi / 3 + np.pi / 6, 1 / np.sqrt(3)
        else:
            angles, radius = np.arange(4) * np.pi / 2 + np.pi / 4, np.sqrt(0.5)
        shape = radius * np.column_stack([np.cos(angles), np.sin(angles)])
        scale = np.broadcast_to(scale, len(self.units))[:, np.newaxis, np.newaxis]
        return self._positions()[:, np.newaxis] + scale * shape

    def _color_cells(self, values, colors, label, *, low=None):
        from matplotlib.collections import PolyCollection

        style = {"cmap": colors, "edgecolors": "0.85", "linewidths": 0.6}
        cells = PolyCollection(self._corners(), **style)
        cells.set_array(values)
        cells.set_clim(low, None)
        self.ax_.add_collection(cells)
        width, height = self._positions().max(axis=0)
        beside = self.ax_.inset_axes(
            (width + 0.9, 0.05 * height - 0.4, 0.03 * width + 0.1, 0.9 * height + 0.8),
            transform=self.ax_.transData,
        )
        draw.color_bar(cells, label, cax=beside)

    def _write_hits(self, values):
        size = self._text_size(4)
        if size < _LEAST_TEXT:
            return
        dark = values > 0.6 * values.max()
        for (x, y), value, on_dark in zip(self._positions(), values, dark, strict=True):
            if value > 0:
                text = draw.count_text(value)
                shade = "white" if on_dark else "black"
                draw.write(self.ax_, x, y, text, fontsize=size, color=shade)

    def _text_size(self, n_signs):
        """Points of a text with so many signs that fits a cell; nine at most."""
        width, height = draw.inches(self.ax_)
        (left, right), (low, high) = self.ax_.get_xlim(), self.ax_.get_ylim()
        cell = min(width / (right - left), height / (high - low))
        return min(9, 72 * cell / (0.66 * n_signs))

    def _draw_segments(self, labels):
        from matplotlib.collections import PolyCollection
        from matplotlib.colors import to_rgb
        from matplotlib.patches import Patch

        segments, hits = (self.units[name].to_numpy() for name in ("segment", "hits"))
        full = np.array([to_rgb(draw.color(segment)) for segment in segments])
        pale = 1 - _TINT * (1 - full)
        # The area of the inner cell is the number of customers.
        inner = self._corners(np.sqrt(hits / hits.max()))
        for corners, colors in ((self._corners(), pale), (inner, full)):
            cells = PolyCollection(corners, facecolors=colors, edgecolors="none")
            self.ax_.add_collection(cells)
        handles = [Patch(color=draw.color(k), label=one) for k, one in labels.items()]
        for segment in labels:
            self._number(segment, np.flatnonzero(segments == segment), hits)
        self.ax_.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=self._positions().max(axis=0) + _MARGIN / 2,
            bbox_transform=self.ax_.transData,
            borderaxespad=0.2,
            fontsize="small",
            title=_LEGEND_TITLE,
            title_fontsize="small",
            alignment="left",
            frameon=False,
        )

    def _number(self, segment, units, hits):
        """Write a segment's number on its unit in the middle of its customers."""
        positions = self._positions()[units]
        middle = np.average(positions, axis=0, weights=hits[units])
        x, y = positions[np.square(positions - middle).sum(axis=1).argmin()]
        style = {"fontweight": "bold", "zorder": 4, "path_effects": draw.halo(3)}
        draw.write(self.ax_, x, y, str(segment), fontsize=None, **style)

    def _draw_borders(self):
        """Draw the sides between neighbouring units of different segments."""
        from matplotlib.collections import LineCollection

        positions, segments = self._positions(), self.units["segment"].to_numpy()
        one, other = np.nonzero(np.triu(adjacency(positions)))
        apart = segments[one] != segments[other]
        one, other = positions[one[apart]], positions[other[apart]]
        half = 0.5 / np.sqrt(3) if self.topology == "hexagonal" else 0.5
        along = half * (other - one)[:, ::-1] * (-1, 1)
        middle = (one + other) / 2
        sides = np.stack([middle - along, middle + along], axis=1)
        style = {"colors": "black", "linewidths": 1.8, "capstyle": "round"}
        self.ax_.add_collection(LineCollection(sides, **style))


def _legend_room(labels):
    """Inches that the legend needs: its patches, and its longest line of small text."""
    lines = [line for label in labels.values() for line in label.split("\n")]
    return max(0.6 + 0.075 * max(map(len, lines)), 0.2 + 0.075 * len(_LEGEND_TITLE))


def _space(ax):
    """Width and height of axes in inches, after a layout engine has placed them."""
    spec, figure = ax.get_subplotspec(), ax.figure
    if spec is None or figure.get_layout_engine() is None:
        return draw.inches(ax)
    grid = spec.get_gridspec()
    size = figure.bbox.width / figure.dpi, figure.bbox.height / figure.dpi
    return (
        size[0] * len(spec.colspan) / grid.ncols,
        size[1] * len(spec.rowspan) / grid.nrows,
    )


def _figure_size(positions, room):
    """Inches of a figure with cells that can be read and room at the right."""
    width, height = positions.max(axis=0) + _MARGIN
    cell = np.clip(_WIDTH / width, *_CELL)
    return min(cell * width, 20) + room + 0.1, max(2.2, cell * height + 0.1)
