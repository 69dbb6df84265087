"""What the customers of each latent class answer, as a picture."""

import numpy as np
import pandas as pd

from custseg._sklearn import check_is_fitted
from custseg.plotting import _drawing as draw
from custseg.plotting._innermost import innermost

_COLUMNS = [
    *("item", "column", "figure", "distribution", "component", "segment", "share"),
    *("value", "total", "distance", "separation"),
]
_ITEM = ("column", "figure", "distribution")
_ROW = 0.27  # inches of an item
_LABEL = 38  # signs of an item at most
_DODGE = 0.5  # share of a row over which its markers are spread
_SHARE = "customers of the class who answer so"
_DISTANCE = (
    "distance from the mean of all classes\n(in standard deviations within classes)"
)


def _item(column, rows, weights):
    """Return the items of one column, and how far it separates the classes.

    Parameters
    ----------
    column : str
    rows : DataFrame
        Rows of the column in ``item_responses()``.
    weights : ndarray of shape (n_components,)
        Shares of the classes, which sum to one.

    Returns
    -------
    items : list of dict
        Columns of the frame that differ by item.
    separation : float
    """
    distribution, figures = rows["distribution"].iloc[0], rows["figure"].tolist()
    values = rows[range(len(weights))].to_numpy(dtype=np.float64)
    totals = values @ weights
    between = np.square(values - totals[:, np.newaxis]) @ weights
    if distribution == "categorical":
        everything = totals * (1 - totals)
        # Of two levels one says it all.
        shown = [1] if len(figures) == 2 else range(len(figures))
        names = [f"{column} = {level}" for level in figures]
        distances = np.full_like(values, np.nan)
        separation = _ratio(between.sum(), everything.sum())
    else:
        # A count varies within a class by its rate.
        within = (values[0] if len(values) == 1 else values[1] ** 2) @ weights
        everything = between + within
        shown, names = [0], [column]
        distances = (values - totals[:, np.newaxis]) / (np.sqrt(within) or 1.0)
        separation = _ratio(between[0], everything[0])
    items = [
        {
            "item": names[i],
            "column": column,
            "figure": figures[i],
            "distribution": distribution,
            "value": values[i],
            "total": totals[i],
            "distance": distances[i],
            "separation": _ratio(between[i], everything[i]),
        }
        for i in shown
    ]
    return items, separation


def _ratio(part, whole):
    return float(part / whole) if whole > 0 else 0.0


def _responses(segmenter):
    """Return one row an item and class, the column first that separates most."""
    weights = np.asarray(segmenter.weights_) / np.sum(segmenter.weights_)
    table = segmenter.item_responses()
    columns = [
        _item(column, rows, weights)
        for column, rows in table.groupby("column", sort=False)
    ]
    # Rounded, so that equal columns stay in the order of the table.
    columns.sort(key=lambda column: -round(column[1], 12))
    classes = {
        "component": np.arange(len(weights)),
        "segment": segmenter.component_segments_,
        "share": weights,
    }
    frames = [
        pd.DataFrame(item | classes) for of_column, _ in columns for item in of_column
    ]
    return pd.concat(frames, ignore_index=True)[_COLUMNS]


@draw.display
class ItemResponseDisplay(draw.Display):
    """What the customers of each latent class answer, item by item.

    One row an item, one marker a class. Of a column with two levels the share of the
    second one is an item, of more levels each; a count or a number is an item that
    shows how far the mean of a class is from that of all, in standard deviations within
    classes. The column that separates classes most is first.

    Use `from_estimator` to make one.

    Parameters
    ----------
    responses : DataFrame
        One row an ``item`` and class: its ``column``, ``figure`` (a level, "rate"
        or "mean") and ``distribution``; the class as ``component`` with its
        ``segment`` and ``share``; the ``value`` there, a share or a mean in the
        column's own unit; ``total``, that of all classes; ``distance`` of the two
        in standard deviations within classes, NaN for levels; and ``separation``
        of the item, from 0 to 1. All items are here, however many are drawn.
    names : mapping of int to str, default=None
        Names of segments; ``segment 0`` and so on where not given.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        After `plot`.
    ax_ : matplotlib.axes.Axes
        After `plot`.

    See Also
    --------
    custseg.cluster.LatentClassSegmenter : Learns the classes.

    Notes
    -----
    The separation of an item is the share of its variance that is between classes. For
    a number that is the between variance over its sum with the variance within; a count
    has its rate for the variance within. Of a column with more levels, tau of Goodman
    and Kruskal says how much it separates classes, and its levels stay together.

    References
    ----------
    Goodman, L. A. and Kruskal, W. H. (1954). Measures of association for cross
    classifications. Journal of the American Statistical Association 49, 732-764.
    https://doi.org/10.1080/01621459.1954.10501231

    Examples
    --------
    >>> from custseg import LatentClassSegmenter
    >>> from custseg.plotting import ItemResponseDisplay
    >>> answers = [["yes", "no"]] * 30 + [["no", "yes"]] * 20
    >>> segmenter = LatentClassSegmenter(2, random_state=0).fit(answers)
    >>> display = ItemResponseDisplay.from_estimator(segmenter)
    >>> display.frame()[["item", "component", "value", "total"]].round(2)
           item  component  value  total
    0  x0 = yes          0   0.99    0.6
    1  x0 = yes          1   0.01    0.6
    2  x1 = yes          0   0.01    0.4
    3  x1 = yes          1   0.99    0.4
    """

    responses: pd.DataFrame
    names: object = None

    @classmethod
    def from_estimator(cls, segmenter, names=None):
        """Make the display of latent classes.

        Parameters
        ----------
        segmenter : LatentClassSegmenter, or Pipeline or search that ends in one
            Fitted.
        names : mapping of int to str, default=None
            Names of segments; ``segment 0`` and so on where not given.

        Returns
        -------
        display : ItemResponseDisplay

        Raises
        ------
        NotFittedError
            If the segmenter is not fitted.
        SchemaError
            If `names` is no mapping.
        TypeError
            If it has no latent classes.
        """
        draw.checked_names(names)
        check_is_fitted(segmenter)
        last, _ = innermost(segmenter)
        wanted = "be a LatentClassSegmenter"
        remedy = "SegmentProfileDisplay shows any segments by their columns."
        draw.checked_kind("segmenter", last, ("item_responses",), wanted, remedy)
        return cls(responses=_responses(last), names=names)

    def plot(self, ax=None, *, max_items=30):
        """Draw one row an item and one marker a class.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure large enough for every item.
        max_items : int, default=30
            Of more items those with the largest separation are drawn, and the title
            says so.

        Returns
        -------
        self : ItemResponseDisplay
            With ``figure_`` and ``ax_``. Where there are both shares and means, shares
            are above, on the axis at the top.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `max_items` is not a positive integer.
        """
        draw.checked_whole("max_items", max_items, 1, default=30)
        blocks, n_items = self._blocks(max_items)
        n_rows = sum(len(block) for block in blocks)
        ax = self._start(ax, (9, 1.5 + max(1.2, _ROW * n_rows)))
        self._label_rows(blocks, n_rows)
        if n_rows < n_items:
            title = f"the {n_rows} of {n_items} items that separate classes most"
            draw.small_title(ax, title)
        self._draw(*blocks)
        self._explain()
        return self

    def _draw(self, shares, distances):
        """Draw markers: shares above, with their axis at the top where both are."""
        ax = self.ax_
        draw.tidy(ax, hidden=("top", "right", "left"))
        below = ax.twiny() if len(shares) and len(distances) else ax
        if len(shares):
            self._markers(ax, shares["value"], 0)
            _share_axis(ax, at_top=below is not ax)
        if len(distances):
            n_rows = len(shares) + len(distances)
            below.vlines(0, len(shares) - 0.5, n_rows - 0.4, color="0.8", linewidth=0.8)
            self._markers(below, distances["distance"], len(shares))
            _distance_axis(below, np.abs(np.vstack(distances["distance"])).max())

    def _blocks(self, max_items):
        """Return items drawn of shares and of means, and how many items there are."""
        n_classes = self.responses["component"].nunique()
        items = self.responses.iloc[::n_classes].reset_index(drop=True)
        for name in ("value", "distance"):
            values = self.responses[name].to_numpy().reshape(-1, n_classes)
            items[name] = list(values)
        # The first of equal ones, in the order that they have.
        strongest = (
            items["separation"].round(12).sort_values(ascending=False, kind="stable")
        )
        drawn = items.loc[np.sort(strongest.index[:max_items])]
        is_share = drawn["distribution"] == "categorical"
        return (drawn[is_share], drawn[~is_share]), len(items)

    def _label_rows(self, blocks, n_rows):
        labels = [
            draw.literal(_shortened_item(*item))
            for block in blocks
            for item in block[list(_ITEM)].itertuples(index=False)
        ]
        room = 72 * draw.inches(self.ax_)[1] / n_rows
        size = float(np.clip(room / 1.4, 4, 9))
        self.ax_.set_yticks(range(n_rows), labels, fontsize=size)
        self.ax_.tick_params(axis="y", length=0)
        self.ax_.set_ylim(n_rows - 0.4, -0.6)
        for row in range(n_rows):
            self.ax_.axhline(row, color="0.92", linewidth=0.8, zorder=0)
        if all(len(block) for block in blocks):
            line = len(blocks[0]) - 0.5
            self.ax_.axhline(line, color="0.4", linewidth=0.8, zorder=1)

    def _markers(self, ax, values, first_row):
        """Draw the markers of some rows, one below the other where they meet."""
        values = np.vstack(values)
        rows = first_row + np.arange(len(values))
        n_classes = values.shape[1]
        aside = _DODGE * ((np.arange(n_classes) + 0.5) / n_classes - 0.5)
        edge = {"markeredgecolor": "white", "markeredgewidth": 0.4, "clip_on": False}
        for row in self._classes().itertuples():
            k, style = row.component, {**edge, **_style(row)}
            draw.points(ax, values[:, k], rows + aside[k], markersize=7.5, **style)

    def _classes(self):
        return self.responses.drop_duplicates("component")

    def _explain(self):
        """Name the classes beside the picture."""
        classes, name_of = self._classes(), draw.namer(self.names)
        merged = classes["segment"].nunique() < len(classes)
        handles = []
        for row in classes.itertuples():
            name = name_of(row.segment) + f", class {row.component}" * merged
            label = draw.wrapped(f"{name}, {draw.percent(row.share)}", 26, 3)
            handles.append(draw.handle(label, **_style(row)))
        draw.legend(self.ax_, handles)


def _style(row):
    """Colour of the segment, marker of the class."""
    return {**draw.style_of(row.component), "color": draw.color(row.segment)}


def _share_axis(ax, at_top):
    ax.set_xlim(-0.02, 1.02)
    ax.set_xticks(np.arange(6) / 5, [draw.percent(share / 5) for share in range(6)])
    ax.set_xlabel(_SHARE)
    if at_top:
        ax.xaxis.tick_top()
        ax.xaxis.set_label_position("top")
        ax.spines["top"].set_visible(True)
        ax.spines["bottom"].set_visible(False)


def _distance_axis(ax, farthest):
    reach = 1.1 * max(farthest, 0.5)
    ax.set_xlim(-reach, reach)
    ax.set_xlabel(_DISTANCE)
    ax.xaxis.tick_bottom()
    ax.xaxis.set_label_position("bottom")
    draw.tidy(ax, hidden=("top", "right", "left"))
    ax.spines["bottom"].set_visible(True)


def _shortened_item(column, figure, distribution):
    """Column and level: both stay to be seen when they are long."""
    if distribution != "categorical":
        return _without_middle(column, _LABEL)
    level = draw.shortened(figure, _LABEL // 2)
    return f"{_without_middle(column, _LABEL - 3 - len(level))} = {level}"


def _without_middle(text, width):
    """Text of at most so many signs: questions of one list often begin alike."""
    end = (width - 1) // 2
    return text if len(text) <= width else f"{text[: width - 1 - end]}…{text[-end:]}"
