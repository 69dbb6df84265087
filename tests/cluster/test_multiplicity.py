"""Solutions of k-means beside the best."""

import pickle
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from custseg.cluster import (
    GaussianMixtureSegmenter,
    KMeansSegmenter,
    SegmentMultiplicity,
    segment_multiplicity,
)
from custseg.exceptions import DegenerateFitError

DATA = Path(__file__).parents[1] / "reference" / "data"
SQUARE = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])


@pytest.fixture(scope="module")
def mcdonalds():
    """Eleven perceptions of 1,453 respondents, yes as 1."""
    table = pd.read_csv(DATA / "mcdonalds.csv")
    return (table.iloc[:, :11] == "Yes").to_numpy(dtype=float)


@pytest.fixture(scope="module")
def square():
    return segment_multiplicity(SQUARE, KMeansSegmenter(2), n_starts=40, random_state=0)


@pytest.fixture(scope="module")
def of_mcdonalds(mcdonalds):
    return segment_multiplicity(
        mcdonalds, KMeansSegmenter(4), tolerance=1e-4, random_state=0
    )


def blobs(seed=0):
    rng = np.random.default_rng(seed)
    return np.vstack(
        [rng.normal(m, 1, (n, 3)) for m, n in [(0, 60), (9, 40), (18, 20)]]
    )


class TestWorkedCase:
    """A square is cut in two along either axis: each cut has inertia 4 * (1/2)^2."""

    def test_solutions(self, square):
        assert square.n_solutions == 2
        np.testing.assert_allclose(square.inertias, [1, 1])
        assert square.sizes.tolist() == [[2, 2], [2, 2]]
        assert square.start_counts.sum() <= 40
        cuts = {tuple(np.ptp(centers, axis=0)) for centers in square.centers}
        assert cuts == {(1.0, 0.0), (0.0, 1.0)}

    def test_how_they_differ(self, square):
        # Each cell of the 2 x 2 table holds one: no pair is together in both cuts, so
        # the index is (0 - 2 * 2 / 6) / (2 - 2 / 3) = -1/2; two of four change.
        np.testing.assert_allclose(square.adjusted_rand, [1, -0.5])
        np.testing.assert_allclose(square.moved, [0, 0.5])

    def test_frame(self, square):
        frame = square.frame()
        assert frame.columns.tolist() == [
            "inertia",
            "excess_percent",
            "start_share",
            "adjusted_rand",
            "moved_share",
            "sizes",
        ]
        assert frame["sizes"].tolist() == [(2.0, 2.0), (2.0, 2.0)]
        assert frame["start_share"].tolist() == (square.start_counts / 40).tolist()

    def test_verdict(self, square):
        assert square.verdict == (
            "One of 2 answers: so many different solutions are within 0.1 % of the "
            "best inertia, and one of them, 0 % above the best, moves 50 % of "
            f"customers to another segment; {square.start_counts[0]} of 40 "
            "starts found the best."
        )
        assert repr(square) == f"<SegmentMultiplicity: {square.verdict}>"


def test_clear_segments_have_one_answer():
    multiplicity = segment_multiplicity(blobs(), KMeansSegmenter(3), random_state=0)
    assert multiplicity.n_solutions == 1
    assert multiplicity.verdict.startswith(
        "One answer: no other solution is within 0.1 % of the best inertia;"
    )
    fitted = KMeansSegmenter(3, random_state=0).fit(blobs())
    assert multiplicity.inertias[0] == pytest.approx(fitted.inertia_)
    np.testing.assert_allclose(multiplicity.centers[0], fitted.segment_centers_)
    assert multiplicity.sizes[0].tolist() == [60, 40, 20]


def test_solutions_that_hardly_differ():
    # 5 is as near to 0 as to 10: two cuts, one of 21 customers moves. Their inertias
    # are the same, 2 * (10/11) ... by symmetry.
    X = np.r_[np.zeros(10), 5, np.full(10, 10.0)][:, np.newaxis]
    multiplicity = segment_multiplicity(X, KMeansSegmenter(2), random_state=0)
    assert multiplicity.n_solutions == 2
    assert multiplicity.moved[1] == pytest.approx(1 / 21)
    assert multiplicity.verdict.startswith(
        "One answer, nearly: 2 solutions within 0.1 % of the best inertia differ from "
        "the best in 4.8 % of customers at most;"
    )


class TestMcDonalds:
    """Dolnicar, Gruen and Leisch (2018): four segments of the fast-food brand."""

    def test_several_solutions_lie_within_a_hundredth_of_a_percent(self, of_mcdonalds):
        assert of_mcdonalds.inertias[0] <= 1602.90
        assert of_mcdonalds.n_solutions >= 3
        assert of_mcdonalds.inertias[-1] <= of_mcdonalds.inertias[0] * (1 + 1e-4)
        assert of_mcdonalds.moved.max() > 0.03
        assert re.search(r"\d solutions", of_mcdonalds.verdict)

    def test_wider_the_answer_is_one_of_many(self, mcdonalds):
        wider = segment_multiplicity(
            mcdonalds, KMeansSegmenter(4), tolerance=2e-3, random_state=0
        )
        assert wider.n_solutions >= 6
        assert wider.verdict.startswith(f"One of {wider.n_solutions} answers:")

    def test_centres_fit_their_solution(self, mcdonalds, of_mcdonalds):
        best = KMeansSegmenter(4, init=of_mcdonalds.centers[0]).fit(mcdonalds)
        for i in range(of_mcdonalds.n_solutions):
            fitted = KMeansSegmenter(4, init=of_mcdonalds.centers[i]).fit(mcdonalds)
            assert fitted.inertia_ == pytest.approx(of_mcdonalds.inertias[i], rel=1e-5)
            ari = adjusted_rand_score(best.labels_, fitted.labels_)
            assert ari == pytest.approx(of_mcdonalds.adjusted_rand[i], abs=0.01)

    def test_solutions_differ_from_one_another(self, of_mcdonalds):
        assert (of_mcdonalds.adjusted_rand[1:] <= 0.999).all()
        assert (np.diff(of_mcdonalds.inertias) >= 0).all()
        assert (of_mcdonalds.sizes.sum(axis=1) == 1453).all()


def test_weights_count_as_repeated_customers():
    X, weights = blobs(), np.random.default_rng(0).integers(1, 4, 120)
    of_weights = segment_multiplicity(
        X, KMeansSegmenter(3), sample_weight=weights, n_starts=10, random_state=0
    )
    repeated = segment_multiplicity(
        np.repeat(X, weights, axis=0), KMeansSegmenter(3), n_starts=10, random_state=0
    )
    assert of_weights.sizes[0].tolist() == repeated.sizes[0].tolist()
    np.testing.assert_allclose(of_weights.inertias[0], repeated.inertias[0])


def test_many_customers_are_left_to_a_draw():
    X = np.tile(blobs(), (10, 1))
    multiplicity = segment_multiplicity(
        X, KMeansSegmenter(3, start_size=200), n_starts=10, random_state=0
    )
    assert multiplicity.n_customers == 200
    assert multiplicity.sizes[0].sum() == 200


def test_the_end_of_a_pipeline():
    X = blobs() * [1, 10, 100]
    road = make_pipeline(StandardScaler(), KMeansSegmenter(3))
    by_road = segment_multiplicity(X, road, n_starts=10, random_state=0)
    Z = StandardScaler().fit_transform(X)
    by_hand = segment_multiplicity(Z, KMeansSegmenter(3), n_starts=10, random_state=0)
    assert by_road.inertias.tolist() == by_hand.inertias.tolist()
    bare = segment_multiplicity(
        Z, make_pipeline(KMeansSegmenter(3)), n_starts=10, random_state=0
    )
    assert bare.inertias.tolist() == by_hand.inertias.tolist()


def test_a_fitted_segmenter_is_not_changed():
    segmenter = KMeansSegmenter(3, init=blobs()[:3], random_state=0).fit(blobs())
    before = pickle.dumps(segmenter)
    one, two = (segment_multiplicity(blobs(), segmenter, n_starts=9) for _ in range(2))
    assert pickle.dumps(segmenter) == before
    assert one.n_starts == 9  # the array is no start
    assert one.centers.tobytes() == two.centers.tobytes()  # the segmenter's seed


def test_limits_of_the_segmenter_hold():
    X = np.vstack([blobs(), np.full((2, 3), 90.0)])
    value = np.ones(len(X))
    segmenter = KMeansSegmenter(3, min_segment_size=15, min_segment_value=0.1)
    multiplicity = segment_multiplicity(
        X, segmenter, n_starts=10, customer_value=value, random_state=0
    )
    assert multiplicity.sizes.min() >= 15
    impossible = KMeansSegmenter(3, min_segment_size=0.5)
    with pytest.raises(DegenerateFitError, match=re.escape("min_segment_size=0.5")):
        segment_multiplicity(X, impossible)


def test_it_holds_no_customer():
    X = np.tile(blobs(), (20, 1))
    multiplicity = segment_multiplicity(X, KMeansSegmenter(3), random_state=0)
    assert len(pickle.dumps(multiplicity)) < 5_000
    assert isinstance(pickle.loads(pickle.dumps(multiplicity)), SegmentMultiplicity)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_starts": 0}, "n_starts must be an integer of 1 or more. Got 0 instead."),
        ({"n_starts": 2.5}, "n_starts must be an integer of 1 or more. Got 2.5"),
        ({"tolerance": -0.1}, "tolerance must be a number of 0 or more. Got -0.1"),
        ({"tolerance": np.nan}, "tolerance must be a number of 0 or more. Got nan"),
    ],
)
def test_numbers_out_of_range(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        segment_multiplicity(SQUARE, KMeansSegmenter(2), **options)


def test_other_segmenters_have_no_starts_to_compare():
    message = (
        "segmenter must be a KMeansSegmenter or a Pipeline that ends in one. Got "
        "GaussianMixtureSegmenter instead."
    )
    with pytest.raises(TypeError, match=re.escape(message)):
        segment_multiplicity(SQUARE, GaussianMixtureSegmenter(2))
