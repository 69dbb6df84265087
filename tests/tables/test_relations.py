"""Who knows whom, and who brought whom."""

import re

import numpy as np
import pandas as pd
import pytest

from custseg.exceptions import DataQualityError, SchemaError, SegmentWarning
from custseg.tables import summarize_relations

# ann and ben point at each other (ann twice), ann at cy, cy at ben, dee at ann. The
# pairs: ann>ben 3, ben>ann 1, ann>cy 1, cy>ben 4, dee>ann 1.
ROWS = {
    "who": ["ann", "ann", "ben", "ann", "cy", "dee"],
    "whom": ["ben", "ben", "ann", "cy", "ben", "ann"],
    "times": [1.0, 2.0, 1.0, 1.0, 4.0, 1.0],
}
DIRECTED = {
    "customer_id": ["ann", "ben", "cy", "dee", "eve"],
    "n_relations": [3, 2, 2, 1, 0],
    "relation_weight": [6.0, 8.0, 5.0, 1.0, 0.0],
    "n_outgoing": [2, 1, 1, 1, 0],
    "n_incoming": [2, 2, 1, 0, 0],
    "outgoing_weight": [4.0, 1.0, 4.0, 1.0, 0.0],
    "incoming_weight": [2.0, 7.0, 1.0, 0.0, 0.0],
    "reciprocity": [0.5, 1.0, 0.0, 0.0, None],
}
NAMES = {"source": "who", "target": "whom"}


def ranks(matrix, damping=0.85):
    """Stationary distribution from the eigenvectors of the dense matrix."""
    n = len(matrix)
    out = matrix.sum(axis=1, keepdims=True)
    steps = np.where(out > 0, matrix / np.where(out > 0, out, 1), 1 / n)
    values, vectors = np.linalg.eig((damping * steps + (1 - damping) / n).T)
    first = np.real(vectors[:, np.argmax(np.real(values))])
    return first / first.sum()


def test_directed(engine):
    given = engine.frame(ROWS)
    listed = engine.frame({"who": ["eve"]})
    found = summarize_relations(given, **NAMES, weight="times", customers=listed)
    assert isinstance(found, type(given))
    found = engine.read(found)
    pd.testing.assert_frame_equal(
        found.drop(columns="pagerank"), pd.DataFrame(DIRECTED), check_dtype=False
    )
    matrix = np.array([[0, 3, 1, 0], [1, 0, 0, 0], [0, 4, 0, 0], [1, 0, 0, 0]])
    np.testing.assert_allclose(found["pagerank"][:4], ranks(matrix), rtol=1e-9)
    assert np.isnan(found["pagerank"][4])


def test_mutual(make_frame):
    found = summarize_relations(make_frame(ROWS), **NAMES, kind="mutual")
    assert list(found.columns) == [
        "customer_id",
        "n_relations",
        "relation_weight",
        "pagerank",
    ]
    assert list(found["n_relations"]) == [3, 2, 2, 1]
    assert list(found["relation_weight"]) == [5.0, 4.0, 2.0, 1.0]
    matrix = np.array([[0, 3, 1, 1], [3, 0, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]])
    np.testing.assert_allclose(found["pagerank"], ranks(matrix), rtol=1e-9)


def test_referrals(make_frame):
    # 1 brought 2 and 3, 3 brought 4: those who were brought point at who brought them.
    rows = {"source": [1, 1, 3], "target": [2, 3, 2**53 + 1]}
    found = summarize_relations(make_frame(rows), kind="referral")
    assert list(found["customer_id"]) == [1, 2, 3, 2**53 + 1]
    assert list(found["referrals_made"]) == [2, 0, 1, 0]
    assert list(found["n_referrers"]) == [0, 1, 1, 1]
    matrix = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]])
    np.testing.assert_allclose(found["pagerank"], ranks(matrix), rtol=1e-9)
    assert "reciprocity" not in found.columns


@pytest.mark.parametrize("damping", [0.0, 0.5, 0.99])
def test_pagerank_of_a_random_graph(damping):
    rng = np.random.default_rng(0)
    matrix = rng.poisson(0.05, (40, 40)) * rng.random((40, 40))
    np.fill_diagonal(matrix, 0)
    begin, end = np.nonzero(matrix)
    there = np.unique(np.r_[begin, end])
    found = summarize_relations(
        pd.DataFrame({"source": begin, "target": end, "w": matrix[begin, end]}),
        weight="w",
        damping=damping,
    )
    assert list(found["customer_id"]) == list(there)
    expected = ranks(matrix[np.ix_(there, there)], damping)
    np.testing.assert_allclose(found["pagerank"], expected, rtol=1e-8)
    np.testing.assert_allclose(found["pagerank"].sum(), 1.0)


@pytest.mark.parametrize(
    ("changed", "given", "error", "sentence"),
    [
        ({}, {"kind": "friends"}, ValueError, "kind must be one of 'directed',"),
        ({}, {"damping": 1}, ValueError, "damping must be a number from 0 to below 1."),
        (
            {"whom": ["ann", "ben", "ann", "cy", "ben", "ann"]},
            {},
            DataQualityError,
            "Column 'whom' must hold another customer than the source in every row. "
            "Got 1 of 6 rows without instead (row 0). Drop or mend them.",
        ),
        (
            {"who": [None, "", "ben", "ann", "cy", "dee"]},
            {},
            DataQualityError,
            "Column 'who' must hold a customer id in every row. Got 2 of 6 rows",
        ),
        (
            {"times": [0.0] * 6},
            {"weight": "times"},
            DataQualityError,
            "Column 'times' must hold a weight above zero in every row. Got 6 of 6",
        ),
        (
            {"times": ["often"] * 6},
            {"weight": "times"},
            SchemaError,
            "Column 'times' must hold numbers. Got String instead.",
        ),
        (
            {"whom": [1] * 6},
            {},
            SchemaError,
            "Columns 'who' and 'whom' must hold ids of one type. Got String and Int64",
        ),
        ({}, {"weight": "much"}, SchemaError, "Got 'much' to look for instead; it has"),
    ],
)
def test_refusals(make_frame, changed, given, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        summarize_relations(make_frame(ROWS | changed), **NAMES, **given)


def test_ids_that_came_as_floats_are_integers(make_frame):
    rows = {"source": [1.0, 3.0], "target": [3, 2**53 + 1]}
    found = summarize_relations(make_frame(rows))
    assert list(found["customer_id"]) == [1, 3, 2**53 + 1]
    broken = {"source": [1.5, 3.0], "target": [3.0, 1.0]}
    with pytest.raises(SchemaError, match="'source' must hold whole numbers below 2"):
        summarize_relations(make_frame(broken))


def test_ids_of_unsigned_64_bits(make_frame):
    large = [2**63 + 5, 2**64 - 1]
    rows = {
        "source": np.array(large, dtype=np.uint64),
        "target": np.array([7, 7], dtype=np.uint64),
    }
    found = summarize_relations(make_frame(rows))
    assert list(found["customer_id"]) == [7, *large]
    signed = rows | {"target": np.array([-7, 7])}
    with pytest.raises(SchemaError, match="must hold ids of one type"):
        summarize_relations(make_frame(signed))


def test_pagerank_settles_or_says_that_it_did_not(recwarn):
    # A ring with a chord: the walker hardly ever leaves it, and settles slowly.
    n = 60
    rows = pd.DataFrame({"source": [*range(n), 0], "target": [*range(1, n), 0, 2]})
    found = summarize_relations(rows, damping=0.999)
    matrix = np.zeros((n, n))
    matrix[rows["source"], rows["target"]] = 1
    np.testing.assert_allclose(found["pagerank"], ranks(matrix, 0.999), rtol=1e-9)
    assert not recwarn.list
    two = pd.DataFrame({"source": ["a", "b", "c"], "target": ["b", "a", "a"]})
    with pytest.warns(SegmentWarning, match="did not settle in 100,000 steps"):
        summarize_relations(two, damping=1 - 1e-9)
