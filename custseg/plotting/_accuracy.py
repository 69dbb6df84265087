"""How many customers are assigned to their segment, beside chance, as a picture."""

from custseg.plotting._figure import color, handle, legend, new_axes, percent

_MEANING = {
    "predictability": "skill: assigned by other columns than segments were learned on",
    "reproducibility": "no skill: a rule is reproduced from the columns it is made of",
    "mixed": "partly a rule: assigned by some of the columns of the segments",
}
_CHANCES = {"largest share": "--", "proportional chance": ":"}


def checked_report(report):
    """Refuse what is no result of assignment_report."""
    if not (hasattr(report, "accuracies") and hasattr(report, "reliability")):
        raise TypeError(
            "The report must be what assignment_report returns. Got "
            f"{type(report).__name__} instead. Call assignment_report(model, X)."
        )
    return report


class AccuracyDisplay:
    """Accuracies of assignment with their intervals, beside two lines of chance.

    A point is the share of customers assigned to their learned segment, its line the
    95 % interval. The hollow point, resubstitution, is of customers that the model
    learned from, and flatters. The broken line is the share of the largest segment,
    which giving it to everyone would reach, the dotted one proportional chance.

    Use `from_report` to make one.

    Parameters
    ----------
    accuracies : DataFrame
        One row a figure, as `frame` gives it.
    kind : {"predictability", "reproducibility", "mixed"}
        What accuracies mean.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        After `plot`.
    ax_ : matplotlib.axes.Axes
        After `plot`.

    See Also
    --------
    custseg.evaluation.assignment_report : Works the accuracies out.

    Examples
    --------
    >>> import numpy as np
    >>> from custseg import DiscriminantAssigner, KMeansSegmenter, SegmentationModel
    >>> from custseg.evaluation import assignment_report
    >>> from custseg.plotting import AccuracyDisplay
    >>> noise = np.random.default_rng(0).normal(size=(200, 4))
    >>> model = SegmentationModel(
    ...     KMeansSegmenter(3, random_state=0),
    ...     DiscriminantAssigner(),
    ...     basis=[0, 1],
    ...     descriptors=[2, 3],
    ... ).fit(noise)
    >>> report = assignment_report(model, noise, random_state=0)
    >>> display = AccuracyDisplay.from_report(report)
    >>> display.frame()["figure"].tolist()[:3]
    ['resubstitution', 'segments fixed', 'segments refitted']
    """

    def __init__(self, *, accuracies, kind):
        self.accuracies = accuracies
        self.kind = kind

    @classmethod
    def from_report(cls, report):
        """Make the display of a report.

        Parameters
        ----------
        report : AssignmentReport
            As `assignment_report` returns it.

        Returns
        -------
        display : AccuracyDisplay

        Raises
        ------
        TypeError
            If it is no such report.
        """
        return cls(accuracies=checked_report(report).frame(), kind=report.kind)

    def frame(self):
        """Return the numbers that are drawn.

        Returns
        -------
        frame : DataFrame
            One row a ``figure``: its ``accuracy`` with ``low`` and ``high`` of the 95 %
            interval, ``customers``, ``rejected`` and ``improvement``.
        """
        return self.accuracies.copy()

    def plot(self, ax=None):
        """Draw one point an accuracy, and a line for each chance.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : AccuracyDisplay
            With ``figure_`` and ``ax_``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        if ax is None:
            _, ax = new_axes((8.5, 2.6))
        self.ax_, self.figure_ = ax, ax.figure
        is_chance = self.accuracies["figure"].isin(_CHANCES)
        rows = self.accuracies[~is_chance]
        for position, row in enumerate(rows.itertuples()):
            self._point(position, row)
        handles = []
        for row in self.accuracies[is_chance].itertuples():
            line = {"color": "0.3", "linestyle": _CHANCES[row.figure], "linewidth": 1.2}
            ax.axvline(row.accuracy, zorder=1, **line)
            label = f"{row.figure}, {percent(row.accuracy)}"
            handles.append(handle(label, **line))
        legend(ax, handles)
        ax.set_yticks(range(len(rows)), rows["figure"])
        ax.tick_params(axis="y", length=0)
        ax.set(
            xlim=(0, 1.02),
            ylim=(len(rows) - 0.5, -0.6),
            xlabel="share of customers assigned to their segment",
        )
        ax.set_title(_MEANING[self.kind], fontsize="small", loc="left")
        ax.grid(axis="x", color="0.9")
        ax.set_axisbelow(True)
        ax.spines[["top", "right", "left"]].set_visible(False)
        return self

    def _point(self, position, row):
        seen = row.figure == "resubstitution"
        self.ax_.hlines(position, row.low, row.high, color=color(0), linewidth=2.5)
        self.ax_.plot(
            [row.accuracy],
            [position],
            marker="o",
            markersize=8,
            markeredgecolor=color(0),
            markerfacecolor="white" if seen else color(0),
            linestyle="none",
            zorder=3,
        )
        self.ax_.annotate(
            percent(row.accuracy),
            (row.accuracy, position),
            xytext=(0, 8),
            textcoords="offset points",
            ha="center",
            fontsize="small",
        )
