"""How sure it is that customers belong to their segment, as a picture."""

import numpy as np
import pandas as pd

from custseg._sklearn import check_is_fitted
from custseg._utils._pipelines import last_step
from custseg.plotting import _drawing as draw
from custseg.plotting._innermost import segments_of
from custseg.profile import checked_labels

_N_BINS = 10
_DOUBT, _SURE = 6, 9  # bins below the first are in doubt, from the second on sure
_ROUNDING = 1e-9  # 0.6 may come as 0.5999...
_ROW, _TEXT = 0.75, 0.5  # inches of a segment, and of three lines of small text
_BAR = 0.8  # height of the highest bar as a share of a row


@draw.display
class CertaintyDisplay(draw.Display):
    """How sure the customers of each segment are to belong to it.

    One row of bars a segment: the shares of its customers by their largest probability.
    Beyond .9 they are surely there; below .6, shaded, they might be elsewhere.
    `frame` has the table of mean probabilities that users of latent classes know: how
    probable each segment is, on average, for those assigned to one of them. A segment
    whose own probability there is low cannot be told from the one with the next.

    Use `from_estimator` to make one.

    Parameters
    ----------
    table : DataFrame
        One row a ``segment``: its ``customers``, the ``mean_probability`` of the
        segment most probable for them, the share that is ``sure`` (.9 or more) and
        the share that is ``ambiguous`` (below .6), and, as ``to_0``, ``to_1`` and
        so on, the mean probability of each segment. NaN where a segment has no
        customers.
    bins : DataFrame
        One row a segment and bin: ``segment``, ``low`` and ``high`` end (the low end is
        in the bin), and ``customers``.
    n_left_out : int, default=0
        Customers without a segment.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        After `plot`.
    ax_ : matplotlib.axes.Axes
        After `plot`.

    See Also
    --------
    ReliabilityDisplay : Whether probabilities come true as often as they say.

    Notes
    -----
    Probabilities are those of the model. They are too sure where its assumptions do not
    hold, such as answers that depend on each other within a class.

    References
    ----------
    Nagin, D. S. (2005). Group-Based Modeling of Development. Harvard University Press.
    https://doi.org/10.4159/9780674041318

    Examples
    --------
    >>> from custseg import GaussianMixtureSegmenter
    >>> from custseg.plotting import CertaintyDisplay
    >>> spend = [[1.0], [2], [3], [3.5], [4], [10], [11], [12]]
    >>> segmenter = GaussianMixtureSegmenter(2, random_state=0).fit(spend)
    >>> display = CertaintyDisplay.from_estimator(segmenter, spend)
    >>> display.frame()[["segment", "customers", "sure", "to_0"]].round(2)
       segment  customers  sure  to_0
    0        0          5   1.0   1.0
    1        1          3   1.0   0.0
    """

    table: pd.DataFrame
    bins: pd.DataFrame
    n_left_out: int = 0

    @classmethod
    def from_estimator(cls, segmenter, X):
        """Count how sure customers are.

        Parameters
        ----------
        segmenter : fitted segmenter, mixture, search, model, or Pipeline of one
            With `predict` and `predict_proba`.
        X : array-like or frame of shape (n_customers, n_features)
            What the segmenter takes. Customers whose label is -1 are left out, and
            counted.

        Returns
        -------
        display : CertaintyDisplay

        Raises
        ------
        NotFittedError
            If the segmenter is not fitted.
        TypeError
            If it has no `predict_proba`.
        """
        if not (hasattr(segmenter, "predict") and hasattr(segmenter, "predict_proba")):
            raise TypeError(
                "The segmenter must have predict and predict_proba. Got "
                f"{type(last_step(segmenter)).__name__} instead. SilhouetteDisplay "
                "shows how well customers belong to any segments."
            )
        check_is_fitted(segmenter)
        probabilities = np.asarray(segmenter.predict_proba(X), dtype=np.float64)
        labels = checked_labels(segmenter.predict(X), len(probabilities))
        segments = segments_of(segmenter, probabilities.shape[1])
        table, bins = _counted(probabilities, labels, segments)
        return cls(table=table, bins=bins, n_left_out=int(np.sum(labels < 0)))

    def plot(self, ax=None, *, names=None):
        """Draw one row of bars a segment.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.
        names : mapping of int to str, default=None
            Names of segments; ``segment 0`` and so on where not given.

        Returns
        -------
        self : CertaintyDisplay
            With ``figure_`` and ``ax_``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        SchemaError
            If `names` is no mapping.
        """
        name_of, n_segments = draw.namer(names), len(self.table)
        ax = self._start(ax, (8, max(2.2, 1.1 + _ROW * n_segments)))
        doubt, sure = _DOUBT / _N_BINS, _SURE / _N_BINS
        ax.axvspan(0, doubt, color="0.95", linewidth=0, zorder=0)
        ax.axvline(sure, color="0.6", linestyle=":", linewidth=1, zorder=1)
        size = float(np.clip(9 * draw.inches(ax)[1] / n_segments / _TEXT, 4, 8.3))
        for position, row in enumerate(self.table.itertuples()):
            self._bars(position, row)
            self._texts(position, row, draw.wrapped(name_of(row.segment), 26, 2), size)
        least = self.bins.loc[self.bins["customers"] > 0, "low"].min()
        ax.set(
            xlim=(np.fmin(least, doubt - 0.1), 1),
            ylim=(n_segments - 0.8, -1),
            yticks=[],
            xlabel="largest probability of a customer (shaded: ambiguous)",
        )
        if self.n_left_out:
            whom = "customer" if self.n_left_out == 1 else "customers"
            title = f"left out: {self.n_left_out:,} {whom} without a segment"
            draw.small_title(ax, title)
        draw.tidy(ax, hidden=("top", "right", "left"))
        return self

    def _bars(self, position, row):
        """Draw the bars of a segment upon its line."""
        bins = self.bins[self.bins["segment"] == row.segment]
        self.ax_.axhline(position, color="0.7", linewidth=0.8, zorder=2)
        heights = -_BAR * bins["customers"] / max(row.customers, 1)  # y points down
        place = {"width": 1 / _N_BINS, "bottom": position, "align": "edge", "zorder": 2}
        style = {"color": draw.color(position), "edgecolor": "white", "linewidth": 0.6}
        self.ax_.bar(bins["low"], heights, **place, **style)

    def _texts(self, position, row, name, size):
        """Say who they are at the left, and how sure at the right."""
        style = {"transform": self.ax_.get_yaxis_transform(), "fontsize": size}
        who, y = f"{name}\n{_count(row.customers)}", position - 0.4
        draw.write(self.ax_, -0.02, y, who, ha="right", **style)
        if row.customers:
            said = (
                f"mean {row.mean_probability:.2f}\n{draw.percent(row.sure)} sure\n"
                f"{draw.percent(row.ambiguous)} ambiguous"
            )
            draw.write(self.ax_, 1.02, y, said, ha="left", **style)


def _counted(probabilities, labels, segments):
    """Return the table of segments, and the customers of each in each bin."""
    largest = probabilities.max(axis=1)
    places = np.clip((largest * _N_BINS + _ROUNDING).astype(int), 0, _N_BINS - 1)
    edges = np.arange(_N_BINS + 1) / _N_BINS
    rows, bins = [], []
    for segment in segments:
        own = labels == segment
        of_bins = np.bincount(places[own], minlength=_N_BINS)
        n_customers = int(own.sum())
        total = n_customers or np.nan
        row = {
            "segment": segment,
            "customers": n_customers,
            "mean_probability": largest[own].sum() / total,
            "sure": of_bins[_SURE:].sum() / total,
            "ambiguous": of_bins[:_DOUBT].sum() / total,
        }
        means = probabilities[own].sum(axis=0) / total
        row |= {f"to_{k}": mean for k, mean in zip(segments, means, strict=True)}
        rows.append(row)
        columns = {"low": edges[:-1], "high": edges[1:], "customers": of_bins}
        bins.append(pd.DataFrame({"segment": segment, **columns}))
    return pd.DataFrame(rows), pd.concat(bins, ignore_index=True)


def _count(n_customers):
    if n_customers >= 100_000:
        return f"{draw.compact_number(n_customers)} customers"
    return f"{n_customers:,} customer" + "s" * (n_customers != 1)
