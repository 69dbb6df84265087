"""A profile as a table of coloured cells."""

from numbers import Real

import numpy as np

from custseg.plotting import _drawing as draw

_CAP = 1.0  # standard deviations at which the colour is full
_COLUMN_WIDTH, _ROW_HEIGHT, _LABEL_WIDTH = 1.25, 0.33, 2.4  # inches
_SIGN = 0.66  # width of a sign as a share of the font size


@draw.display
class SegmentProfileDisplay(draw.Display):
    """A segment profile as a table: columns by segments, coloured by difference.

    The text in a cell is the segment's mean or share, its colour how far that is from
    the average customer in standard deviations of the column. The last column is the
    average customer.

    Use `from_profile` to make one.

    Parameters
    ----------
    profile : SegmentProfile
        As `profile_segments` returns it.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        After `plot`.
    ax_ : matplotlib.axes.Axes
        After `plot`.

    Examples
    --------
    >>> from custseg.plotting import SegmentProfileDisplay
    >>> from custseg.profile import profile_segments
    >>> profile = profile_segments([[10.0], [30.0], [200.0], [240.0]], [0, 0, 1, 1])
    >>> display = SegmentProfileDisplay.from_profile(profile)
    >>> display.frame()[["segment", "column", "value", "total"]]
       segment column  value  total
    0        0     x0   20.0  120.0
    1        1     x0  220.0  120.0
    """

    profile: object

    @classmethod
    def from_profile(cls, profile):
        """Make the display of a profile.

        Parameters
        ----------
        profile : SegmentProfile
            As `custseg.profile.profile_segments` returns it.

        Returns
        -------
        display : SegmentProfileDisplay

        Raises
        ------
        TypeError
            If it is no profile.
        """
        needs, wanted = ("frame", "suggest_names"), "be what profile_segments returns"
        remedy = "Call profile_segments(customers, labels) first."
        return cls(profile=draw.checked_kind("profile", profile, needs, wanted, remedy))

    def frame(self):
        """Return the numbers of the profile.

        Returns
        -------
        frame : DataFrame
            As `SegmentProfile.frame` returns it.
        """
        return self.profile.frame()

    def plot(self, ax=None, *, cap=_CAP):
        """Draw the table.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure large enough for every cell.
        cap : float, default=1.0
            Difference in standard deviations from which on the colour is full.

        Returns
        -------
        self : SegmentProfileDisplay
            With ``figure_`` and ``ax_``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `cap` is not a positive number.
        """
        if not isinstance(cap, Real) or not 0 < cap < np.inf:
            raise ValueError(
                f"cap must be positive and finite. Got {cap!r} instead. It is a "
                "number of standard deviations."
            )
        frame = self.frame()
        segments = frame.drop_duplicates("segment")
        n_segments = len(segments)
        differences = _wide(frame, "standardized_difference", n_segments)
        values = _wide(frame, "value", n_segments)
        rows = frame.iloc[: len(values)]
        cell = (_COLUMN_WIDTH, _ROW_HEIGHT)
        if ax is not None:
            width, height = draw.inches(ax)
            cell = (0.8 * width / (n_segments + 1), height / len(rows))
        width = _LABEL_WIDTH + _COLUMN_WIDTH * (n_segments + 1.6)
        self._start(ax, (width, max(2.6, 1.4 + _ROW_HEIGHT * len(rows))))
        # Six signs fit the width of a cell and a line and a half its height.
        size = float(np.clip(72 * min(cell[0] / 6 / _SIGN, cell[1] / 1.5), 5, 9))
        self._color_cells(differences, cap, size)
        self._write_cells(rows, values, differences / cap, size)
        signs = max(8, int(72 * cell[0] / size / _SIGN))
        self._write_headings(segments, rows, size, signs)
        return self

    def _color_cells(self, differences, cap, size):
        ax, (n_rows, n_segments) = self.ax_, differences.shape
        style = {"cmap": _pale_diverging(), "edgecolors": "white", "linewidth": 1.5}
        corners = np.arange(n_segments + 1), np.arange(n_rows + 1)
        known = np.ma.masked_invalid(differences)
        mesh = ax.pcolormesh(*corners, known, vmin=-cap, vmax=cap, **style)
        ax.set_facecolor("white")
        ax.set(xlim=(0, n_segments + 1), ylim=(n_rows, 0))
        label = "standard deviations from\nthe average customer"
        draw.color_bar(mesh, label, size, extend="both", **draw.beside_axes(ax))

    def _write_cells(self, rows, values, differences, size):
        ax, n_segments = self.ax_, values.shape[1]
        for i, (statistic, total) in enumerate(
            zip(rows["statistic"], rows["total"], strict=True)
        ):
            text = draw.percent if statistic == "share" else draw.compact_number
            for j in range(n_segments):
                weight = "bold" if abs(differences[i, j]) >= 1 else "normal"
                style = {"fontsize": size, "fontweight": weight}
                draw.write(ax, j + 0.5, i + 0.5, text(values[i, j]), **style)
            style = {"fontsize": size, "color": "0.25"}
            draw.write(ax, n_segments + 0.5, i + 0.5, text(total), **style)
        # A line under the last level of each column.
        names = rows["column"].to_numpy()
        for i in np.flatnonzero(names[1:] != names[:-1]) + 1:
            self.ax_.axhline(i, color="0.85", linewidth=0.6, zorder=3)

    def _write_headings(self, segments, rows, size, signs):
        ax = self.ax_
        names, shares = segments["segment_name"], segments["share"]
        headings = [*draw.headings(names, shares, signs, 4), "all\n100 %"]
        ax.set_xticks(np.arange(len(headings)) + 0.5, headings, fontsize=size)
        parts = rows[["column", "level", "statistic"]].itertuples(index=False)
        labels = [_row_label(*part) for part in parts]
        ax.set_yticks(np.arange(len(rows)) + 0.5, labels, fontsize=size)
        ax.xaxis.tick_top()
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)


def _wide(frame, column, n_segments):
    """Return one row a column or level, one column a segment."""
    return frame[column].to_numpy(dtype=np.float64).reshape(n_segments, -1).T


def _row_label(column, level, statistic):
    """Column, and level or date: both stay to be seen when they are long."""
    if level:
        level = draw.shortened(level, 20)
        return draw.literal(f"{draw.shortened(column, 32 - len(level))}: {level}")
    if statistic != "mean":
        return draw.literal(
            f"{draw.shortened(column, 24)}\n{statistic.removeprefix('mean ')}"
        )
    return draw.literal(draw.shortened(column, 34))


def _pale_diverging():
    """Blue over white to orange, pale enough for black text."""
    from matplotlib.colors import LinearSegmentedColormap

    colors = ("#6BA3D6", "#B9D3EC", "#FFFFFF", "#FBD5A8", "#F0A04B")
    return LinearSegmentedColormap.from_list("custseg_difference", colors)
