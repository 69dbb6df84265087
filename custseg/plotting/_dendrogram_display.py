"""The top of a tree of customers, as a picture."""

import numpy as np
import pandas as pd

from custseg._sklearn import check_is_fitted
from custseg._utils._pipelines import last_step
from custseg.cluster import cut_tree
from custseg.plotting import _drawing as draw

_ABOVE = "0.45"  # colour of merges above the cut
_LEVEL = 12  # branches up to which there is room beside each other for words


@draw.display
class DendrogramDisplay(draw.Display):
    """The last merges of a tree, with the segments that it was cut into.

    A bar joins two groups at the height where the tree joined them: the higher, the
    less alike they are. The dashed line is the cut; each segment has a colour of its
    own, its number and its customers below. The tree is drawn down to `max_leaves`
    branches; the number below each is that of its customers.

    Sizes are those of the tree's cut (``tree_labels_``), which may differ a little
    from the sizes by `predict`. Use `from_estimator` to make one.

    Parameters
    ----------
    merges : ndarray of shape (n_leaves - 1, 4)
        As `scipy.cluster.hierarchy.linkage` returns it.
    leaf_sizes : ndarray of shape (n_leaves,)
        Customers of each leaf, or the sum of their weights.
    leaf_segments : ndarray of shape (n_leaves,)
        Segment of each leaf, from 0, as some cut of the tree gives it.
    max_leaves : int, default=30
        Branches to draw at most, but one for each segment at least.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        After `plot`.
    ax_ : matplotlib.axes.Axes
        After `plot`.

    Examples
    --------
    >>> from custseg import HierarchicalSegmenter
    >>> from custseg.plotting import DendrogramDisplay
    >>> visits = [[1], [2], [9], [10], [12]]
    >>> tree = HierarchicalSegmenter(n_clusters=2).fit(visits)
    >>> DendrogramDisplay.from_estimator(tree).frame().round(2)
       n_segments  height  customers  one  other  segment
    0           2   13.68          5    3      2     <NA>
    1           3    2.89          3    2      1        0
    2           4    1.00          2    1      1        0
    3           5    1.00          2    1      1        1
    """

    merges: np.ndarray
    leaf_sizes: np.ndarray
    leaf_segments: np.ndarray
    max_leaves: int = 30

    @classmethod
    def from_estimator(cls, segmenter, *, max_leaves=30):
        """Make the display of a fitted tree.

        Parameters
        ----------
        segmenter : HierarchicalSegmenter, or Pipeline that ends in one
            Fitted.
        max_leaves : int, default=30
            Branches to draw at most, but one for each segment at least.

        Returns
        -------
        display : DendrogramDisplay

        Raises
        ------
        NotFittedError
            If the segmenter is not fitted.
        TypeError
            If it has no tree.
        ValueError
            If `max_leaves` is not an integer of two or more, or the tree has a single
            leaf.
        """
        segmenter = last_step(segmenter)
        check_is_fitted(segmenter)
        remedy = "Fit a HierarchicalSegmenter."
        draw.checked_kind("segmenter", segmenter, ("merges_",), "have a tree", remedy)
        draw.checked_whole("max_leaves", max_leaves, 2, default=30)
        if len(segmenter.merges_) == 0:
            raise ValueError(
                "A dendrogram must have two leaves at least. Got one instead. All "
                "customers are the same: there is nothing to draw."
            )
        placed = segmenter.leaves_ >= 0
        leaf_segments = np.empty(len(segmenter.leaf_sizes_), dtype=np.intp)
        leaf_segments[segmenter.leaves_[placed]] = segmenter.tree_labels_[placed]
        return cls(
            merges=segmenter.merges_,
            leaf_sizes=segmenter.leaf_sizes_,
            leaf_segments=leaf_segments,
            max_leaves=max_leaves,
        )

    def frame(self):
        """Return the merges that are drawn, from the top.

        Returns
        -------
        frame : DataFrame
            One row a merge: n_segments, into which the tree falls when this merge and
            those above are undone; height; customers below; how many of them in one
            and in the other of the two groups; and the segment in which the merge
            lies, missing above the cut.
        """
        top = self._top()
        rows = [
            {
                "n_segments": len(top.heights) + 1 - position,
                "height": top.heights[position],
                "customers": top.customers[top.n_branches + position],
                "one": top.customers[pair].max(),
                "other": top.customers[pair].min(),
                "segment": top.segments[top.n_branches + position],
            }
            for position, pair in reversed(list(enumerate(top.pairs)))
        ]
        frame = pd.DataFrame(rows)
        segment = frame["segment"].astype("Int64")
        return frame.assign(segment=segment.where(segment >= 0))

    def plot(self, ax=None):
        """Draw the tree from the top to `max_leaves` branches.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : DendrogramDisplay
            With ``figure_`` and ``ax_``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = self._start(ax, (8.5, 4.6))
        top = self._top()
        x = top.places()
        for position, (one, other) in enumerate(top.pairs):
            node, height = top.n_branches + position, top.heights[position]
            heights = [top.height_of(one), height, height, top.height_of(other)]
            bar = {"color": _color_of(top.segments[node]), "solid_joinstyle": "miter"}
            ax.plot(x[[one, one, other, other]], heights, zorder=2, **bar)
            for child in (one, other):
                # A stem has the colour of what hangs on it.
                heights, shade = [top.height_of(child), height], top.segments[child]
                ax.plot(x[[child, child]], heights, color=_color_of(shade), zorder=3)
        self._cut_line(top)
        self._name_branches(top, x)
        self._name_segments(top, x)
        ax.set_xlim(-0.7, top.n_branches - 0.3)
        ax.set_ylim(0, 1.05 * top.heights[-1] or 1)
        ax.set_ylabel("height of the merge")
        ax.tick_params(axis="x", length=0)
        draw.tidy(ax, hidden=("top", "right", "bottom"))
        return self

    def _top(self):
        n_segments = self.leaf_segments.max() + 1
        n_leaves = len(self.merges) + 1
        n_branches = min(max(self.max_leaves, n_segments, 2), n_leaves)
        return _Top(self.merges, self.leaf_sizes, self.leaf_segments, n_branches)

    def _cut_line(self, top):
        undone = self.leaf_segments.max()
        if undone == 0:
            return
        below = top.heights[-undone - 1] if undone < len(top.heights) else 0
        height = (top.heights[-undone] + below) / 2
        self.ax_.axhline(height, color="0.2", linestyle=(0, (5, 4)), linewidth=1)
        aside = {"transform": self.ax_.get_yaxis_transform(), "ha": "left"}
        draw.write(self.ax_, 1.01, height, f"cut:\n{undone + 1} segments", **aside)

    def _name_branches(self, top, x):
        """Write the customers of each branch below it."""
        self.ax_.set_xticks(
            x[: top.n_branches],
            [draw.count_text(one) for one in top.customers[: top.n_branches]],
            rotation=90 if top.n_branches > _LEVEL else 0,
            fontsize="small",
            color=_ABOVE,
        )

    def _name_segments(self, top, x):
        """Write number, customers and share of each segment below its branches."""
        depth = -38 if top.n_branches > _LEVEL else -24
        ground = self.ax_.get_xaxis_transform()
        style = {
            "xytext": (0, depth),
            "xycoords": ground,
            "textcoords": "offset points",
            "va": "top",
            "fontsize": "small",
            "annotation_clip": False,
        }
        words = "segment\ncustomers\nshare"
        self.ax_.annotate(words, (-0.8, 0), ha="right", color=_ABOVE, **style)
        for segment in range(self.leaf_segments.max() + 1):
            branches = np.flatnonzero(top.segments[: top.n_branches] == segment)
            customers = top.customers[branches].sum()
            text = f"{segment}\n{draw.count_text(customers)}"
            if len(branches) > 1 or top.n_branches <= _LEVEL:
                text += f"\n{draw.percent(customers / top.customers[-1])}"
            left, right = x[branches].min() - 0.35, x[branches].max() + 0.35
            line = {"color": draw.color(segment), "linewidth": 4, "zorder": 4}
            line |= {"solid_capstyle": "butt", "clip_on": False}
            self.ax_.plot([left, right], [0, 0], transform=ground, **line)
            middle = ((left + right) / 2, 0)
            self.ax_.annotate(text, middle, ha="center", **style)


class _Top:
    """The last merges of a tree, with branches in place of what lies below.

    Nodes are numbered as in a tree of `n_branches` leaves: branches, then merges.
    """

    def __init__(self, merges, leaf_sizes, leaf_segments, n_branches):
        n_leaves = len(merges) + 1
        self.n_branches = n_branches
        branch = cut_tree(merges, n_branches)
        # Nodes of the whole tree that are branches here, found from their leaves.
        number = np.full(2 * n_leaves - 1, -1)
        first_kept = 2 * n_leaves - 1 - (n_branches - 1)
        number[first_kept:] = n_branches + np.arange(n_branches - 1)
        number[:n_leaves] = branch
        for merge, pair in enumerate(merges[: n_leaves - n_branches, :2].astype(int)):
            number[n_leaves + merge] = number[pair[0]]
        self.pairs = number[merges[n_leaves - n_branches :, :2].astype(int)]
        self.heights = merges[n_leaves - n_branches :, 2]
        self.customers = np.bincount(branch, leaf_sizes).astype(leaf_sizes.dtype)
        self.segments = np.empty(n_branches, dtype=np.intp)
        self.segments[branch] = leaf_segments
        for pair in self.pairs:
            self.customers = np.append(self.customers, self.customers[pair].sum())
            one, other = self.segments[pair]
            self.segments = np.append(self.segments, one if one == other else -1)

    def height_of(self, node):
        """Height at which a node was made; branches hang down to the ground."""
        return 0.0 if node < self.n_branches else self.heights[node - self.n_branches]

    def places(self):
        """Place of every node from left to right, low segment numbers first."""
        lowest = list(self.segments[: self.n_branches])
        for pair in self.pairs:
            lowest.append(min(lowest[node] for node in pair))
        x = np.empty(len(lowest))
        stack, n_placed = [len(lowest) - 1], 0
        while stack:
            node = stack.pop()
            if node < self.n_branches:
                x[node], n_placed = n_placed, n_placed + 1
                continue
            pair = self.pairs[node - self.n_branches]
            stack += sorted(pair, key=lambda i: (-lowest[i], self.customers[i], -i))
        for position, pair in enumerate(self.pairs):
            x[self.n_branches + position] = x[pair].mean()
        return x


def _color_of(segment):
    return _ABOVE if segment < 0 else draw.color(segment)
