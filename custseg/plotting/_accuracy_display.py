"""How many customers are assigned to their segment, beside chance, as a picture."""

import pandas as pd

from custseg.plotting import _drawing as draw

_MEANING = {
    "predictability": "skill: assigned by other columns than segments were learned on",
    "reproducibility": "no skill: a rule is reproduced from the columns it is made of",
    "mixed": "partly a rule: assigned by some of the columns of the segments",
}
_CHANCES = {"largest share": "--", "proportional chance": ":"}


def checked_report(report):
    """Refuse what is no result of assignment_report."""
    wanted = "be what assignment_report returns"
    needs, remedy = ("accuracies", "reliability"), "Call assignment_report(model, X)."
    return draw.checked_kind("report", report, needs, wanted, remedy)


@draw.display
class AccuracyDisplay(draw.Display):
    """Accuracies of assignment with their intervals, beside two lines of chance.

    A point is the share of customers assigned to their learned segment, its line the
    95 % interval. The hollow point, resubstitution, is of customers that the model
    learned from, and flatters. The broken line is the share of the largest segment,
    which giving it to everyone would reach, the dotted one proportional chance.

    Use `from_report` to make one.

    Parameters
    ----------
    accuracies : DataFrame
        One row a ``figure``: its ``accuracy`` with ``low`` and ``high`` of the 95 %
        interval, ``customers``, ``rejected`` and ``improvement``.
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

    accuracies: pd.DataFrame
    kind: str

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
        ax = self._start(ax, (8.5, 2.6))
        is_chance = self.accuracies["figure"].isin(_CHANCES)
        rows = self.accuracies[~is_chance]
        for position, row in enumerate(rows.itertuples()):
            self._point(position, row)
        handles = []
        for row in self.accuracies[is_chance].itertuples():
            line = {"color": "0.3", "linestyle": _CHANCES[row.figure], "linewidth": 1.2}
            ax.axvline(row.accuracy, zorder=1, **line)
            label = f"{row.figure}, {draw.percent(row.accuracy)}"
            handles.append(draw.handle(label, **line))
        draw.legend(ax, handles)
        ax.set_yticks(range(len(rows)), rows["figure"])
        ax.tick_params(axis="y", length=0)
        ax.set(
            xlim=(0, 1.02),
            ylim=(len(rows) - 0.5, -0.6),
            xlabel="share of customers assigned to their segment",
        )
        draw.small_title(ax, _MEANING[self.kind])
        draw.tidy(ax, "x", ("top", "right", "left"))
        return self

    def _point(self, position, row):
        blue, seen = draw.color(0), row.figure == "resubstitution"
        face = {"markeredgecolor": blue, "markerfacecolor": "white" if seen else blue}
        self.ax_.hlines(position, row.low, row.high, color=blue, linewidth=2.5)
        place = row.accuracy, position
        draw.points(self.ax_, *place, marker="o", markersize=8, **face)
        draw.note(self.ax_, place, draw.percent(row.accuracy), (0, 8), ha="center")
