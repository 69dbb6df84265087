"""Labels renumbered as the old ones they overlap most."""

import re

import numpy as np
import pytest

from custseg.cluster import match_labels
from custseg.exceptions import DataQualityError


def test_by_the_largest_total_overlap():
    # Overlap of old rows and new columns:
    #        new 0  1
    # old 0      4  3     One by one, largest first: 0-0 and then 1-1, 4 + 0 = 4.
    # old 1      3  0     Together: 0-1 and 1-0, 3 + 3 = 6.
    old = [0, 0, 0, 0, 0, 0, 0, 1, 1, 1]
    new = [0, 0, 0, 0, 1, 1, 1, 0, 0, 0]
    assert match_labels(old, new).tolist() == [1, 1, 1, 1, 0, 0, 0, 1, 1, 1]


def test_new_segments_come_next_largest_first():
    # New 5 (one customer) and 6 (two) find no old segment left: 7 is the largest.
    old = [7, 7, 7, 7, 7, 7, 2]
    new = [0, 0, 0, 5, 6, 6, 1]
    assert match_labels(old, new).tolist() == [7, 7, 7, 9, 8, 8, 2]


def test_a_pair_without_common_customers_is_none():
    # Old 1 is gone: the new segment does not take its number.
    assert match_labels([0, 0, 1, -1], [0, 0, -1, 4]).tolist() == [0, 0, -1, 2]


def test_none_is_left_out():
    # With the -1 of `old` counted, new 1 would be old 0 (two customers against one).
    old = [0, 0, 1, -1, -1]
    new = [1, -1, 1, 1, 0]
    assert match_labels(old, new, sample_weight=[1, 9, 2, 9, 9]).tolist() == [
        *[1, -1, 1, 1, 2]
    ]


def test_weights_count_customers():
    old, new = [0, 0, 0, 1, 1], [0, 1, 1, 0, 1]
    weights = [5, 1, 1, 1, 5]
    repeated = match_labels(np.repeat(old, weights), np.repeat(new, weights))
    expected = match_labels(old, new, sample_weight=weights)
    np.testing.assert_array_equal(repeated, np.repeat(expected, weights))
    assert expected.tolist() == new
    assert match_labels(old, new).tolist() == [1, 0, 0, 1, 0]


def test_any_integers():
    small = np.array([127, 127, 127], np.int8)
    assert match_labels(small, np.array([4, 4, 2], np.uint64)).tolist() == [
        *[127, 127, 128]
    ]
    assert match_labels([-7, -7, 30], [4, 4, -2]).tolist() == [-7, -7, 30]
    assert match_labels([-7, -7, -7], [4, 4, -2]).tolist() == [-7, -7, 0]
    assert match_labels([], []).tolist() == []
    assert match_labels([-1, -1], [3, 8]).tolist() == [0, 1]


@pytest.mark.parametrize("seed", range(5))
def test_it_depends_on_the_partition_alone(seed):
    rng = np.random.default_rng(seed)
    old, new = rng.integers(0, 5, 400), rng.integers(0, 7, 400)
    matched = match_labels(old, new)
    rows = rng.permutation(400)
    np.testing.assert_array_equal(match_labels(old[rows], new[rows]), matched[rows])
    other_numbers = rng.permutation(100)[:7]
    np.testing.assert_array_equal(match_labels(old, other_numbers[new]), matched)
    np.testing.assert_array_equal(match_labels(old, matched), matched)
    np.testing.assert_array_equal(match_labels(old, rng.permutation(5)[old]), old)
    # A partition stays what it was.
    assert len(set(zip(new.tolist(), matched.tolist(), strict=True))) == 7


@pytest.mark.parametrize(
    ("old", "new", "weights", "error", "message"),
    [
        ([0, 1], [0], None, ValueError, "Got 2 and 1 labels instead."),
        ([0.5], [0], None, ValueError, "old must be integers, one a customer. Got an"),
        ([0], ["a"], None, ValueError, "new must be integers, one a customer. Got an"),
        ([[0]], [0], None, ValueError, "shape (1, 1) and type int"),
        # As int64 the first would be -1, no segment.
        ([2**64 - 1], [0], None, ValueError, "old must be numbers below 2**62, of"),
        ([2**63 - 1, 0], [0, 0], None, ValueError, "Got 1 larger ones instead."),
        ([-(2**63)], [0], None, ValueError, "Got 1 larger ones instead."),
        ([0], [0], [-1], DataQualityError, "sample_weight must not be negative"),
    ],
)
def test_what_is_no_labels(old, new, weights, error, message):
    with pytest.raises(error, match=re.escape(message)):
        match_labels(old, new, sample_weight=weights)
