"""Rules of identity on tables worked on paper."""

from types import SimpleNamespace

import numpy as np
import pytest

from custseg.assignment._segment_events import (
    Crossing,
    KnownSegments,
    _by_place,
    find_events,
    matched_pairs,
    newcomers,
)


def crossing(table, old_shares=None, new_shares=None, **unknown):
    """Rows are old segments, columns new ones."""
    table = np.array(table)
    none = {
        "unknown_to_old": np.zeros(table.shape[1], int),
        "unknown_to_new": np.zeros(table.shape[0], int),
        **{name: np.array(counts) for name, counts in unknown.items()},
    }
    shares = [
        KnownSegments(None if one is None else np.array(one) / np.sum(one))
        for one in (old_shares, new_shares)
    ]
    return Crossing(table, old=shares[0], new=shares[1], **none)


def events(*args, min_jaccard=0.5, **kwargs):
    found = find_events(crossing(*args, **kwargs), min_jaccard)
    return [(event.kind, event.old, event.new) for event in found]


class TestNextMonthsCustomers:
    """New segments have on X the shares they were learned with."""

    def test_kept(self):
        assert events([[2, 48], [49, 1]], [50, 50], [51, 49]) == [
            ("kept", 0, 1),
            ("kept", 1, 0),
        ]

    def test_a_part_of_a_segment_that_grew_by_it_was_born(self):
        # Without column 1, row 0 is as row 1, as it was; with it, twice as large.
        assert events([[100, 90, 0], [0, 0, 100]], [50, 50], [100, 90, 100]) == [
            ("kept", 0, 0),
            ("kept", 1, 2),
            ("born", None, 1),
        ]

    def test_a_part_of_a_segment_that_did_not_was_split_off(self):
        # The same two rows, but row 0 was 1.9 times row 1 when they were learned.
        assert events([[100, 90, 0], [0, 0, 100]], [190, 100], [100, 90, 100]) == [
            ("kept", 0, 0),
            ("split", 0, 1),
            ("kept", 1, 2),
        ]

    def test_halves_are_a_split_without_an_heir(self):
        assert events([[50, 50, 0], [0, 0, 100]], [100, 100], [50, 50, 100]) == [
            ("split", 0, 0),
            ("split", 0, 1),
            ("kept", 1, 2),
        ]

    def test_a_birth_that_is_larger_than_the_segment_it_was_taken_for(self):
        # 30 of 130 in row 0 were always there: 30 beside 90 is 1 to 3.
        table = [[30, 100, 0], [0, 0, 90]]
        assert events(table, [10, 30], [30, 100, 90]) == [
            ("kept", 0, 0),
            ("kept", 1, 2),
            ("born", None, 1),
        ]

    def test_a_birth_that_several_segments_were_taken_for(self):
        table = [[60, 0, 0, 30], [0, 60, 0, 30], [0, 0, 60, 0]]
        assert events(table, [1, 1, 1], [60, 60, 60, 60])[-1] == ("born", None, 3)

    def test_growth_is_no_birth(self):
        assert events([[90, 0, 0], [0, 30, 0], [0, 0, 30]], [1, 1, 1], [3, 1, 1]) == [
            ("kept", 0, 0),
            ("kept", 1, 1),
            ("kept", 2, 2),
        ]

    def test_died(self):
        # Two strays stand where a third of the customers stood.
        table = [[50, 0], [1, 1], [0, 48]]
        assert events(table, [1, 1, 1], [51, 49]) == [
            ("kept", 0, 0),
            ("died", 1, None),
            ("kept", 2, 1),
        ]

    def test_merged(self):
        table = [[40, 0], [30, 0], [0, 30]]
        assert events(table, [4, 3, 3], [70, 30]) == [
            ("kept", 0, 0),
            ("merged", 1, 0),
            ("kept", 2, 1),
        ]
        halves = [[30, 0], [30, 0], [0, 30]]
        assert events(halves, [1, 1, 1], [60, 30]) == [
            ("merged", 0, 0),
            ("merged", 1, 0),
            ("kept", 2, 1),
        ]

    def test_a_birth_while_two_segments_had_to_become_one(self):
        # Three segments before and after: 0 and 1 merged to make room for column 1.
        table = [[50, 0, 0], [40, 60, 0], [0, 0, 45]]
        assert events(table, [50, 40, 45], [90, 60, 45]) == [
            ("kept", 0, 0),
            ("merged", 1, 0),
            ("kept", 2, 2),
            ("born", None, 1),
        ]

    def test_the_unknown_in_a_segment_of_their_own_are_born(self):
        # Half of column 1 or more is -1 to the old model; mass is not asked.
        table = [[50, 10, 0], [0, 0, 50]]
        expected = [("kept", 0, 0), ("kept", 1, 2), ("born", None, 1)]
        assert events(table, unknown_to_old=[3, 40, 2]) == expected
        assert events(table, unknown_to_old=[3, 8, 2])[1] == ("split", 0, 1)
        assert ("died", 1, None) in events(
            np.transpose(table), unknown_to_new=[3, 40, 2]
        )


class TestLastMonthsCustomers:
    """Old segments have on X the shares they were learned with."""

    def test_born(self):
        # Nobody of last month is in column 2, a third of next month's.
        assert events([[50, 0, 1], [0, 50, 0]], [51, 50], [1, 1, 1]) == [
            ("kept", 0, 0),
            ("kept", 1, 1),
            ("born", None, 2),
        ]

    def test_died_is_told_from_merged_by_what_the_new_segment_was_learned_with(self):
        table = [[50, 0], [40, 0], [0, 50]]
        died = [("kept", 0, 0), ("died", 1, None), ("kept", 2, 1)]
        assert events(table, [50, 40, 50], [50, 50]) == died
        merged = [("kept", 0, 0), ("merged", 1, 0), ("kept", 2, 1)]
        assert events(table, [50, 40, 50], [90, 50]) == merged

    def test_split(self):
        assert events([[60, 40, 0], [0, 0, 50]], [100, 50], [60, 40, 50]) == [
            ("kept", 0, 0),
            ("split", 0, 1),
            ("kept", 1, 2),
        ]


def test_time_runs_both_ways():
    # Exchanging the models exchanges births with deaths and splits with merges.
    rng = np.random.default_rng(0)
    backward = {"kept": "kept", "split": "merged", "merged": "split"}
    backward |= {"born": "died", "died": "born"}
    for _ in range(50):
        table = rng.integers(0, 3, (4, 5)) ** 4
        shares = rng.random(4), rng.random(5)
        there = events(table, *shares)
        back = events(table.T, *shares[::-1])
        mirrored = {(backward[kind], new, old) for kind, old, new in there}
        # Of a pair with equal shares the smaller is neither.
        assert {e[1:] for e in back} == {e[1:] for e in mirrored}


def test_every_segment_is_explained():
    rng = np.random.default_rng(1)
    for _ in range(200):
        shape = rng.integers(1, 6, 2)
        table = rng.integers(0, 4, shape) ** 3
        found = events(table, rng.random(shape[0]), rng.random(shape[1]))
        assert {old for _, old, _ in found} - {None} == set(range(shape[0]))
        assert {new for _, _, new in found} - {None} == set(range(shape[1]))
        kept = [e[1:] for e in found if e[0] == "kept"]
        assert len({old for old, _ in kept}) == len({new for _, new in kept})
        assert len(kept) == len({old for old, _ in kept})


def test_the_order_of_segments_does_not_matter():
    rng = np.random.default_rng(2)
    for _ in range(50):
        table = rng.integers(0, 100, (4, 4)) * rng.integers(0, 2, (4, 4))
        p, q = rng.random(4), rng.random(4)
        rows, columns = rng.permutation(4), rng.permutation(4)
        shuffled = events(table[rows][:, columns], p[rows], q[columns])
        back = {
            (kind, None if k is None else rows[k], None if j is None else columns[j])
            for kind, k, j in shuffled
        }
        assert back == set(events(table, p, q))


def test_pairs_above_a_lower_limit_are_those_of_the_largest_total():
    # Jaccard similarities: 40/160, 60/100 ... row 0 with column 0: 40 / (100 + 100 -
    # 40) = .25; with column 1: 60 / (100 + 60 - 60) = .6; row 1: 60 / (60 + 100 - 60).
    table = np.array([[40, 60], [60, 0]])
    np.testing.assert_array_equal(matched_pairs(table, 0.5), [[0, 1], [1, 0]])
    np.testing.assert_array_equal(matched_pairs(table, 0.6), [[0, 0], [0, 0]])
    halves = np.array([[50, 50], [0, 0]])
    assert not matched_pairs(halves, 0.5).any()
    assert matched_pairs(halves, 0.3).sum() == 1


class TestPlace:
    """Where mass cannot tell, the old centre does."""

    @staticmethod
    def known(center, shares=None):
        """One old segment of two parts of 50 customers, at 0 and at 10."""
        means = np.array([[[0.0], [10.0]]])
        return KnownSegments(shares, np.array([[center]]), means)

    @pytest.mark.parametrize(
        ("center", "born"),
        [
            (0.0, [False, True]),  # it was the first part
            (2.0, [False, True]),  # drifted, still nearer to the first part
            (5.0, [False, False]),  # it was both
            (3.0, [False, False]),
            (10.0, [True, False]),
        ],
    )
    def test_one_old_segment(self, center, born):
        assert newcomers(np.array([[50, 50]]), self.known(center)).tolist() == born

    def test_equal_parts_that_mass_cannot_tell_apart(self):
        # Row 0 doubled: either column may be the surplus. The centre is at column 1.
        table = np.array([[50, 50, 0], [0, 0, 50]])
        means = np.zeros((2, 3, 1))
        means[0, :2] = [[10.0], [0.0]]
        known = KnownSegments(np.array([0.5, 0.5]), np.array([[0.0], [99.0]]), means)
        assert newcomers(table, known).tolist() == [True, False, False]
        exchanged = known._replace(centers=np.array([[10.0], [99.0]]))
        assert newcomers(table, exchanged).tolist() == [False, True, False]

    def test_without_shares_and_centres_nothing_is_told(self):
        assert not newcomers(np.array([[50, 50, 0], [0, 0, 50]]), KnownSegments()).any()


def test_a_part_in_the_place_of_the_rest_leaves_the_centre_where_it_was():
    # Two parts of a segment have one mean: without either of them nothing moves.
    known = SimpleNamespace(centers=np.zeros((1, 2)), part_means=np.zeros((1, 2, 2)))
    place = _by_place(np.array([[2.0, 3.0]]), 0, np.array([0]), known)
    assert place.tolist() == [0]
