"""Where the components of a Gaussian mixture lie, on two columns, as a picture."""

from numbers import Integral

import numpy as np
import pandas as pd

from custseg._sklearn import check_is_fitted
from custseg._utils._frames import as_frame, rows_at
from custseg.exceptions import SchemaError
from custseg.plotting import _drawing as draw
from custseg.plotting._innermost import feature_names, innermost

_INNER, _OUTER = 0.5, 0.95  # shares of a component's customers within its ellipses
_MAX_CUSTOMERS = 2_000
_N_CORNERS = 181
_NUMBER = 17  # points that the number of a centre takes
_NOISE = "0.6"


def _squared_radius(share):
    """Quantile of chi-square with two degrees of freedom, in closed form."""
    return -2 * np.log1p(-share)


def _two_positions(columns, names):
    """Positions of two columns that are given by name or position."""
    try:
        first, second = columns
    except (TypeError, ValueError):
        raise _wrong_columns(columns, names) from None
    found = []
    for column in (first, second):
        is_position = isinstance(column, Integral) and not isinstance(column, bool)
        if is_position and -len(names) <= column < len(names):
            found.append(int(column) % len(names))
        elif not is_position and column in names:
            found.append(names.index(column))
    if len(set(found)) < 2:
        raise _wrong_columns(columns, names)
    return found


def _wrong_columns(columns, names):
    known = ", ".join(map(repr, names[:10])) + ", ..." * (len(names) > 10)
    remedy = f"Columns are {known}."
    if len(names) < 2:
        remedy += " GorgeDisplay needs no two columns."
    return SchemaError(
        "columns must be two different columns of the mixture, by position or name. "
        f"Got {columns!r} instead. {remedy}"
    )


def _covariances(mixture):
    """Return one matrix a component, whatever shape the mixture keeps them in."""
    kept = np.asarray(mixture.covariances_, dtype=np.float64)
    n_components, n_features = mixture.means_.shape
    shape = (n_components, n_features, n_features)
    kind = mixture.covariance_type
    if kind == "spherical":
        kept = kept[:, np.newaxis]
    if kind in ("diag", "spherical"):
        return np.broadcast_to(kept, shape[:2])[:, np.newaxis] * np.eye(n_features)
    return np.broadcast_to(kept, shape)


def _ellipses(means, covariances):
    """Spread of each component on two columns, and its larger ellipse."""
    var_x, var_y = covariances[:, 0, 0], covariances[:, 1, 1]
    product = covariances[:, 0, 1]
    sd_x, sd_y = np.sqrt(var_x), np.sqrt(var_y)
    both = np.where(sd_x * sd_y > 0, sd_x * sd_y, np.nan)
    middle, half = (var_x + var_y) / 2, (var_x - var_y) / 2
    turn = np.hypot(half, product)
    radius = _squared_radius(_OUTER)
    return pd.DataFrame(
        {
            "mean_x": means[:, 0],
            "mean_y": means[:, 1],
            "sd_x": sd_x,
            "sd_y": sd_y,
            "correlation": np.clip(product / both, -1, 1),
            "half_axis_1": np.sqrt(radius * (middle + turn)),
            # Where all lie on a line rounding may leave less than nothing.
            "half_axis_2": np.sqrt(radius * np.maximum(middle - turn, 0)),
            "angle": np.degrees(np.arctan2(product, half)) / 2,
        }
    )


@draw.display
class CovarianceDisplay(draw.Display):
    """Components of a Gaussian mixture on two columns: centres, spread and direction.

    Two ellipses a component hold 50 % and 95 % of its customers, as far as the mixture
    is right. The number at a centre is that of the segment; components that were merged
    into one segment have its colour and number. Points are customers, coloured by the
    segment they are assigned to. Segments that overlap on two columns may be apart on
    others.

    Use `from_estimator` to make one.

    Parameters
    ----------
    ellipses : DataFrame
        One row a ``component``: its ``segment`` and ``share`` of the customers;
        ``mean_x`` and ``mean_y``, ``sd_x`` and ``sd_y``, in the columns' own units;
        their ``correlation``, NaN where one of them does not vary; of the ellipse
        that holds 95 %, the longer half axis ``half_axis_1``, ``half_axis_2``, and
        ``angle``, the degrees from the first column's axis to the longer one,
        above -90 and at most 90.
    columns : tuple of str
        Names of the two columns.
    points : ndarray of shape (n_drawn, 2), default=None
        Customers on the two columns.
    labels : ndarray of shape (n_drawn,), default=None
        Segment of each of them, -1 for none.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        After `plot`.
    ax_ : matplotlib.axes.Axes
        After `plot`.

    See Also
    --------
    custseg.cluster.GaussianMixtureSegmenter : Learns the components.

    Notes
    -----
    With two columns, the squared distance of a component's customers from its centre,
    in the component's own standard deviations, has a chi-square distribution with two
    degrees of freedom: the share p of them is within ``-2 log(1 - p)``, 1.39 for half
    of them and 5.99 for 95 %.

    References
    ----------
    Fraley, C. and Raftery, A. E. (2002). Model-based clustering, discriminant analysis,
    and density estimation. Journal of the American Statistical Association 97, 611-631.
    https://doi.org/10.1198/016214502760047131

    Examples
    --------
    >>> import numpy as np
    >>> from custseg import GaussianMixtureSegmenter
    >>> from custseg.plotting import CovarianceDisplay
    >>> rng = np.random.default_rng(0)
    >>> few = rng.normal([2, 10], [1, 3], (400, 2))
    >>> many = rng.normal([8, 40], [2, 6], (200, 2))
    >>> spend = np.vstack([few, many])
    >>> segmenter = GaussianMixtureSegmenter(2, random_state=0).fit(spend)
    >>> display = CovarianceDisplay.from_estimator(segmenter, spend)
    >>> display.frame()[["segment", "share", "mean_x", "mean_y", "sd_y"]].round(1)
       segment  share  mean_x  mean_y  sd_y
    0        0    0.7     1.9    10.1   3.0
    1        1    0.3     7.9    39.9   5.6
    """

    ellipses: pd.DataFrame
    columns: tuple
    points: np.ndarray | None = None
    labels: np.ndarray | None = None

    @classmethod
    def from_estimator(cls, segmenter, X=None, columns=(0, 1)):
        """Make the display of a mixture.

        Parameters
        ----------
        segmenter : GaussianMixtureSegmenter, or Pipeline or search that ends in one
            Fitted. A ``GaussianMixture`` of scikit-learn will do, too.
        X : array-like or frame of shape (n_customers, n_features), default=None
            What the segmenter takes; of more than 2,000 customers so many are drawn,
            at even distances. None draws no customers.
        columns : tuple of two int or str, default=(0, 1)
            Columns across and up, by position or name. In a Pipeline they are those
            that the mixture is given.

        Returns
        -------
        display : CovarianceDisplay

        Raises
        ------
        NotFittedError
            If the segmenter is not fitted.
        SchemaError
            If `columns` are not two columns of the mixture.
        TypeError
            If it has no covariances.
        """
        check_is_fitted(segmenter)
        mixture, _ = innermost(segmenter)
        needs, wanted = ("covariances_", "means_"), "be a GaussianMixtureSegmenter"
        remedy = "SilhouetteDisplay and GorgeDisplay show segments of any kind."
        draw.checked_kind("segmenter", mixture, needs, wanted, remedy)
        names = feature_names(segmenter)
        pair = _two_positions(columns, names)
        components = np.arange(len(mixture.means_))
        covariances = _covariances(mixture)[:, pair][:, :, pair]
        ellipses = _ellipses(mixture.means_[:, pair], covariances)
        ellipses.insert(0, "component", components)
        segments = getattr(mixture, "component_segments_", components)
        ellipses.insert(1, "segment", segments)
        ellipses.insert(2, "share", mixture.weights_)
        points, labels = (None, None) if X is None else _drawn(segmenter, X, pair)
        columns = tuple(names[position] for position in pair)
        return cls(ellipses=ellipses, columns=columns, points=points, labels=labels)

    def plot(self, ax=None, *, names=None):
        """Draw two ellipses a component, and the customers.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.
        names : mapping of int to str, default=None
            Names of segments; ``segment 0`` and so on where not given.

        Returns
        -------
        self : CovarianceDisplay
            With ``figure_`` and ``ax_``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        SchemaError
            If `names` is no mapping.
        """
        name_of = draw.namer(names)
        ax = self._start(ax, (8, 5))
        if self.points is not None:
            shades = [draw.color(one) if one >= 0 else _NOISE for one in self.labels]
            ax.scatter(*self.points.T, s=7, c=shades, alpha=0.45, linewidths=0)
        for row in self.ellipses.itertuples():
            self._ellipse(row)
        ax.set(
            xlabel=draw.wrapped(self.columns[0], 60, 2),
            ylabel=draw.wrapped(self.columns[1], 40, 2),
        )
        draw.tidy(ax)
        self._number_centers()
        self._explain(name_of)
        return self

    def _ellipse(self, row):
        turns = np.linspace(0, 2 * np.pi, _N_CORNERS)
        angle = np.radians(row.angle)
        # Corners and not a patch: an ellipse may be as thin as a line.
        first = row.half_axis_1 * np.cos(turns)
        second = row.half_axis_2 * np.sin(turns)
        x = np.cos(angle) * first - np.sin(angle) * second
        y = np.sin(angle) * first + np.cos(angle) * second
        shade = draw.color(row.segment)
        inner = np.sqrt(_squared_radius(_INNER) / _squared_radius(_OUTER))
        for scale, width, style in ((1, 1.2, "--"), (inner, 1.8, "-")):
            line = {"color": shade, "linewidth": width, "linestyle": style}
            self.ax_.plot(row.mean_x + scale * x, row.mean_y + scale * y, **line)
        inside = (row.mean_x + inner * x, row.mean_y + inner * y)
        self.ax_.fill(*inside, color=shade, alpha=0.15, linewidth=0)

    def _number_centers(self):
        """Write segments' numbers at the centres, aside where another one is."""
        ellipses, ax = self.ellipses, self.ax_
        centers = ellipses[["mean_x", "mean_y"]].to_numpy()
        low, high = np.array([ax.get_xlim(), ax.get_ylim()]).T
        # The layout makes room for what stands beside the axes.
        size = 72 * 0.6 * np.array(draw.inches(ax))
        offsets = _apart((centers - low) / (high - low) * size)
        for row, offset in zip(ellipses.itertuples(), offsets, strict=True):
            shade = draw.color(row.segment)
            box = {"boxstyle": "circle,pad=0.2", "facecolor": "white"}
            style = {"ha": "center", "va": "center", "zorder": 4}
            style["bbox"] = box | {"edgecolor": shade, "alpha": 0.9}
            if any(offset):
                style["arrowprops"] = {"arrowstyle": "-", "color": shade}
            place = row.mean_x, row.mean_y
            draw.note(ax, place, str(row.segment), offset, **style)

    def _explain(self, name_of):
        """Name the segments beside the picture."""
        shares = self.ellipses.groupby("segment")["share"].sum()
        handles = []
        for segment, share in shares.items():
            text = f"{name_of(segment)}, {draw.percent(share)}"
            label = draw.wrapped(text, 26, 3)
            handles.append(draw.handle(label, color=draw.color(segment), marker="o"))
        if self.labels is not None and np.any(self.labels < 0):
            handles.append(draw.handle("no segment", color=_NOISE, marker="o"))
        line = {"color": "0.3", "linewidth": 1.2}
        within = f"{draw.percent(_INNER)} of a component"
        handles.append(draw.handle(within, **line, linestyle="-"))
        handles.append(draw.handle(draw.percent(_OUTER), **line, linestyle="--"))
        draw.legend(self.ax_, handles)


def _drawn(segmenter, X, pair):
    """Return customers at even distances, on two columns, and their segments."""
    X = np.asarray(X) if as_frame(X) is None else X
    n_drawn = min(len(X), _MAX_CUSTOMERS)
    X = rows_at(X, np.linspace(0, len(X) - 1, n_drawn).round().astype(int))
    labels = np.asarray(segmenter.predict(X))
    _, X = innermost(segmenter, X)
    frame = as_frame(X)
    points = np.asarray(X if frame is None else frame.to_numpy())
    return points[:, pair].astype(np.float64), labels


def _apart(places):
    """Offsets that keep numbers from each other: none, or the first free one around.

    Parameters
    ----------
    places : ndarray of shape (n_numbers, 2)
        Where they would stand, in points.
    """
    turns = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    around = np.column_stack([np.cos(turns), np.sin(turns)])
    rings = [np.zeros((1, 2))]
    rings += [radius * _NUMBER * around for radius in range(1, len(places) + 1)]
    candidates = np.vstack(rings)
    taken = np.empty((0, 2))
    for place in places:
        options = place + candidates
        gaps = np.linalg.norm(options[:, np.newaxis] - taken, axis=2)
        free = np.flatnonzero((gaps >= 0.99 * _NUMBER).all(axis=1))
        taken = np.vstack([taken, options[free[0]]])
    return taken - places
