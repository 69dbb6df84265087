"""Published and independently computed figures of trees, with their source."""

import numpy as np
import pytest
from sklearn.metrics import silhouette_score as peer_silhouette

from custseg import HierarchicalSegmenter
from custseg.datasets import load_wholesale


@pytest.fixture(scope="module")
def wholesale():
    """Natural log of the six spends, standardised with n in the denominator."""
    clients = load_wholesale()
    X = np.log(clients.drop(columns=["Channel", "Region"]).to_numpy(dtype=float))
    return (X - X.mean(axis=0)) / X.std(axis=0)


def test_wards_cut(wholesale):
    # UCI 292, doi 10.24432/C5030X; recomputed with scikit-learn 1.9: 234/206.
    cut = HierarchicalSegmenter(2).fit(wholesale).tree_labels_
    assert np.bincount(cut).tolist() == [234, 206]


def test_average_linkage_peels_two_clients_off(wholesale):
    # The same source: silhouette .579, sizes 438/2.
    cut = HierarchicalSegmenter(2, linkage="average").fit(wholesale).tree_labels_
    assert np.bincount(cut).tolist() == [438, 2]
    assert round(peer_silhouette(wholesale, cut), 3) == 0.579


@pytest.mark.parametrize(
    ("linkage", "k", "one_mean"),
    [("ward", 2, 0.93), ("ward", 5, 0.90), ("complete", 3, 0.70)],
)
def test_prototypes_keep_more_of_the_cut_than_one_mean(wholesale, linkage, k, one_mean):
    # What the nearest mean of a segment agrees for, recomputed from the same data.
    fitted = HierarchicalSegmenter(k, linkage=linkage).fit(wholesale)
    cut = fitted.tree_labels_
    means = np.vstack([wholesale[cut == s].mean(axis=0) for s in range(k)])
    gaps = wholesale[:, np.newaxis] - means
    by_mean = np.square(gaps).sum(axis=2).argmin(axis=1)
    assert np.mean(by_mean == cut) == pytest.approx(one_mean, abs=0.006)
    assert fitted.tree_agreement_ >= one_mean + 0.02
