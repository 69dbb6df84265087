"""The picture of solutions side by side, and its numbers."""

import itertools
import re

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.collections import PatchCollection
from matplotlib.patches import PathPatch

from custseg.plotting import SegmentFlowDisplay
from custseg.plotting._crossings import crossings, uncrossed


def blocks(ax):
    (collection,) = (c for c in ax.collections if isinstance(c, PatchCollection))
    return collection


def ends(ax):
    """Upper and lower end of every block, from the left and the top."""
    corners = [path.vertices for path in blocks(ax).get_paths()]
    return [(c[:, 1].min(), c[:, 1].max()) for c in corners]


def numbers(ax):
    return [text.get_text().split("\n")[0] for text in ax.texts]


def crossed_by_hand(flows, orders):
    """Take every pair of flows, the slow way."""
    total = 0
    for flow, left, right in zip(flows, orders, orders[1:], strict=False):
        for (i, j), (k, m) in itertools.product(np.ndindex(flow.shape), repeat=2):
            down = list(left).index(i) < list(left).index(k)
            up = list(right).index(j) > list(right).index(m)
            total += flow[i, j] * flow[k, m] * (down and up)
    return total


def test_crossings_on_paper():
    # 2 and 3 cross as they stand, nothing does with the right ones turned round.
    flows = [np.array([[0.0, 2], [3, 0]])]
    assert crossings(flows, [np.array([0, 1]), np.array([0, 1])]) == 6
    assert crossings(flows, [np.array([0, 1]), np.array([1, 0])]) == 0
    orders = uncrossed(flows)
    assert crossings(flows, orders) == 0


@pytest.mark.parametrize("seed", range(5))
def test_crossings_agree_with_all_pairs(seed):
    rng = np.random.default_rng(seed)
    flows = [rng.integers(0, 5, shape).astype(float) for shape in [(2, 3), (3, 4)]]
    orders = [rng.permutation(n) for n in (2, 3, 4)]
    assert crossings(flows, orders) == crossed_by_hand(flows, orders)


def test_orders_are_permutations_that_cross_no_more_than_before():
    rng = np.random.default_rng(0)
    flows = [rng.poisson(2, (k, k + 1)).astype(float) for k in range(2, 10)]
    given = [np.arange(k) for k in range(2, 11)]
    orders = uncrossed(flows)
    for order, own in zip(orders, given, strict=True):
        np.testing.assert_array_equal(np.sort(order), own)
    assert crossings(flows, orders) < crossings(flows, given)


def test_a_tree_that_was_shuffled_is_drawn_without_crossings():
    rng = np.random.default_rng(0)
    flows, order = [], np.array([0, 1])
    for k in range(2, 7):
        # The segment at a random place splits; new numbers are given at random.
        place, after = rng.integers(k), rng.permutation(k + 1)
        flow = np.zeros((k, k + 1))
        parents = np.insert(order, place, order[place])
        flow[parents, after] = rng.integers(1, 9, k + 1)
        flows.append(flow)
        order = after
    assert crossings(flows, uncrossed(flows)) == 0


def test_nothing_moves_where_nothing_crosses():
    flows = [np.array([[5.0, 0, 0], [0, 3, 1]])]
    for order, own in zip(uncrossed(flows), (range(2), range(3)), strict=True):
        assert order.tolist() == list(own)


def test_frame_on_paper(result):
    frame = SegmentFlowDisplay.from_stability(result).frame()
    assert frame.columns.tolist() == [
        *("n_segments", "segment", "next_n_segments", "next_segment"),
        *("customers", "share", "next_share", "next_across"),
    ]
    assert frame["customers"].tolist() == [50, 10, 30, 10]
    np.testing.assert_allclose(frame["share"], [5 / 6, 1 / 6, 3 / 4, 1 / 4])
    np.testing.assert_allclose(frame["next_share"], [1, 0.5, 1, 0.5])
    assert frame["next_across"].tolist() == [1, 0, 1, 0]


def test_a_real_result(stability):
    display = SegmentFlowDisplay.from_stability(stability)
    segments = stability.segments().set_index(["n_segments", "segment"])
    frame = display.frame()
    sizes = frame.groupby(["n_segments", "segment"])["customers"].sum()
    assert sizes.tolist() == segments.loc[3, "customers"].tolist()
    following = frame.groupby("next_segment")["next_across"].first()
    np.testing.assert_allclose(following, segments.loc[4, "across"])
    heights = [high - low for low, high in ends(display.plot().ax_)]
    np.testing.assert_allclose(sum(heights[:3]), 1)
    np.testing.assert_allclose(sum(heights[3:]), 1)


def test_blocks_are_as_high_as_segments_in_an_order_without_crossings(result):
    display = SegmentFlowDisplay.from_stability(result)
    assert display.plot() is display
    ax = display.ax_
    heights = [high - low for low, high in ends(ax)]
    # Segment 2 of three has customers of both others: it stands between them.
    assert numbers(ax) == ["0", "1", "0", "2", "1"]
    np.testing.assert_allclose(heights, [0.6, 0.4, 0.5, 0.2, 0.3])
    columns = [ends(ax)[:2], ends(ax)[2:]]
    middles = [(column[0][0] + column[-1][1]) / 2 for column in columns]
    assert middles[0] == pytest.approx(middles[1])
    low, high = ax.get_ylim()
    assert low > high
    assert ax.texts[0].get_text() == "0\n60 %"
    assert [text.get_text() for text in ax.get_xticklabels()] == ["2", "3"]
    display.figure_.canvas.draw()


def test_bands_fill_the_blocks_at_both_ends(result):
    ax = SegmentFlowDisplay.from_stability(result).plot().ax_
    bands = [patch.get_path().vertices for patch in ax.patches]
    assert all(isinstance(patch, PathPatch) for patch in ax.patches)
    left = sorted((c[0, 1], c[7, 1]) for c in bands)
    right = sorted((c[3, 1], c[4, 1]) for c in bands)
    for side, own in ((left, ends(ax)[:2]), (right, ends(ax)[2:])):
        heights = [high - low for low, high in side]
        for top, bottom in own:
            within = [
                height
                for (low, _), height in zip(side, heights, strict=True)
                if top - 1e-9 <= low < bottom
            ]
            assert sum(within) == pytest.approx(bottom - top)
        # One begins where the other ends: none covers another.
        assert all(one[1] <= other[0] + 1e-9 for one, other in itertools.pairwise(side))


def test_colour_is_stability_across_solutions(result):
    display = SegmentFlowDisplay.from_stability(result).plot()
    values = blocks(display.ax_).get_array()
    assert values.mask.tolist() == [True, True, False, False, False]
    assert values[2:].tolist() == [1, 0, 1]
    bar = blocks(display.ax_).colorbar
    assert (bar.vmin, bar.vmax) == (0, 1)


def test_ten_solutions_are_numbered_apart(result):
    rng = np.random.default_rng(0)
    rows = []
    for k in range(2, 11):
        table = rng.multinomial(1000, rng.dirichlet(np.full(k * (k + 1), 0.3)))
        rows += [
            ("a", k, i, k + 1, j, table[i * (k + 1) + j])
            for i in range(k)
            for j in range(k + 1)
        ]
    columns = result.flows.columns
    result.flows = type(result.flows)(rows, columns=columns).query("customers > 0")
    display = SegmentFlowDisplay.from_stability(result).plot()
    display.figure_.canvas.draw()
    texts = display.ax_.texts
    boxes = [text.get_window_extent() for text in texts]
    columns = [text.get_position()[0] for text in texts]
    for (one, here), (other, there) in itertools.pairwise(
        zip(boxes, columns, strict=True)
    ):
        assert here != there or one.y0 > other.y1


def test_a_single_solution_has_nothing_to_flow_to(result):
    message = "'b' must have two solutions or more. Got one instead. Search over"
    with pytest.raises(ValueError, match=re.escape(message)):
        SegmentFlowDisplay.from_stability(result, "b")


def test_what_the_result_does_not_have(result):
    message = "estimator must be one of 'a', 'b'. Got 'c' instead."
    with pytest.raises(ValueError, match=re.escape(message)):
        SegmentFlowDisplay.from_stability(result, "c")
    with pytest.raises(TypeError, match="The result must be what bootstrap_stability"):
        SegmentFlowDisplay.from_stability([])


def test_existing_axes_are_used(result):
    figure, axes = pyplot.subplots(2)
    display = SegmentFlowDisplay.from_stability(result).plot(axes[0])
    assert display.ax_ is axes[0]
    assert display.figure_ is figure
    assert not axes[1].patches
    assert pyplot.get_fignums() == [figure.number]
