"""scikit-learn's checks and custseg's own over every public estimator."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.base import BaseEstimator, TransformerMixin, clone, is_clusterer
from sklearn.cluster import KMeans
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from custseg import (
    BehaviouralTransformer,
    DiscriminantAssigner,
    GaussianMixtureSegmenter,
    HierarchicalSegmenter,
    KMeansSegmenter,
    LatentClassSegmenter,
    LifecycleTransformer,
    LoyaltyTransformer,
    RFMTransformer,
    Rule,
    RuleSegmenter,
    RuleTable,
    SegmentationModel,
    SegmentSearch,
)
from custseg._sklearn import check_feature_names_in, check_is_fitted, validate_data
from custseg.cluster import RuleBand
from custseg.testing import all_estimators, check_segmenter


class Supplied(TransformerMixin, BaseEstimator):
    """Makes the columns that a transformer asks for of a table of any numbers."""

    def __init__(self, transformer, columns):
        self.transformer = transformer
        self.columns = columns

    def fit(self, X, y=None):
        X = validate_data(self, X, dtype=float, ensure_min_samples=2)
        self.transformer_ = clone(self.transformer).fit(MADE[self.columns](X))
        return self

    def transform(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, dtype=float, reset=False)
        return np.asarray(self.transformer_.transform(MADE[self.columns](X)))

    def get_feature_names_out(self, input_features=None):
        check_is_fitted(self)
        check_feature_names_in(self, input_features)
        return self.transformer_.get_feature_names_out()


def buyers(X):
    """Days, orders and intervals between them."""
    first, mean = expit(X[:, 0]), expit(X.mean(axis=1))
    return pd.DataFrame(
        {
            "recency": 100 * first,
            "frequency": 2 + (9 * mean).round(),
            "gap_mean": 5 + 50 * first,
            "gap_sd": 5 + 30 * mean,
        }
    )


def opinions(X):
    """Repeat rates and satisfaction."""
    first, mean = expit(X[:, 0]), expit(X.mean(axis=1))
    return pd.DataFrame({"repeat_rate": first, "satisfaction": 4 * mean + 1})


MADE = {"buyers": buyers, "opinions": opinions}
TWO_SEGMENTS = KMeansSegmenter(n_clusters=2, random_state=0)
HIGH_OR_LOW = RuleBand(("low", "high"), "kmeans")
THREE_RULES = RuleTable(
    (
        Rule("right", {0: "high"}),
        Rule("left", {0: "low", 1: "low"}),
        Rule("up", {0: "low", 1: "high"}),
    ),
    bands={0: HIGH_OR_LOW, 1: HIGH_OR_LOW},
)
# Public estimators are checked as they are built without arguments, and are found by
# themselves. Only those that need arguments, or more than one form, stand here.
CHECKED_AS = {
    "BehaviouralTransformer": [
        BehaviouralTransformer(),
        BehaviouralTransformer(log="all", add_indicator=True),
    ],
    "DiscriminantAssigner": [
        DiscriminantAssigner(),
        DiscriminantAssigner(kind="quadratic", shrinkage="ledoit_wolf"),
    ],
    "GaussianMixtureSegmenter": [
        GaussianMixtureSegmenter(n_components=2, random_state=0)
    ],
    "HierarchicalSegmenter": [HierarchicalSegmenter(n_clusters=2)],
    "KMeansSegmenter": [KMeansSegmenter(random_state=0)],
    "LatentClassSegmenter": [LatentClassSegmenter(n_components=2, random_state=0)],
    "LifecycleTransformer": [
        Supplied(LifecycleTransformer(output="measures"), "buyers")
    ],
    "LoyaltyTransformer": [Supplied(LoyaltyTransformer(output="measures"), "opinions")],
    "RFMTransformer": [RFMTransformer(recency=0, frequency=1, monetary=1)],
    "RuleSegmenter": [RuleSegmenter(THREE_RULES)],
    "SegmentSearch": [
        SegmentSearch([KMeansSegmenter()], n_segments=(2, 3), random_state=0)
    ],
    "SegmentationModel": [
        SegmentationModel(TWO_SEGMENTS),
        SegmentationModel(TWO_SEGMENTS, DiscriminantAssigner()),
    ],
}
# Checks that an estimator is known not to pass, each with its reason.
EXPECTED_FAILURES = {
    "TypingTool": {
        "check_sample_weight_equivalence_on_dense_data": (
            "repeated customers are dealt to several folds, a weighted one to one"
        )
    }
}
ESTIMATORS = [
    estimator
    for name, public_class in all_estimators()
    for estimator in CHECKED_AS.get(name) or [public_class()]
]
SEGMENTERS = [estimator for estimator in ESTIMATORS if is_clusterer(estimator)]
TRANSFORMERS = [
    estimator for estimator in ESTIMATORS if hasattr(estimator, "transform")
]
# scikit-learn runs these over its own transformers, outside parametrize_with_checks.
TRANSFORMER_CHECKS = [
    estimator_checks.check_transformer_get_feature_names_out,
    estimator_checks.check_transformer_get_feature_names_out_pandas,
    estimator_checks.check_set_output_transform,
    estimator_checks.check_set_output_transform_pandas,
    estimator_checks.check_set_output_transform_polars,
    estimator_checks.check_global_output_transform_pandas,
    estimator_checks.check_global_set_output_transform_polars,
    estimator_checks.check_dataframe_column_names_consistency,
    estimator_checks.check_n_features_in,
    estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
]


# The checks' customers are few or alike: a component may have but some of them.
@pytest.mark.filterwarnings(
    "ignore:A mixture of:custseg.exceptions.SegmentWarning",
    "ignore:Each segment must have customers:custseg.exceptions.SegmentWarning",
)
@parametrize_with_checks(
    ESTIMATORS,
    expected_failed_checks=lambda e: EXPECTED_FAILURES.get(type(e).__name__, {}),
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


# The checks mix frames and arrays on purpose, of which scikit-learn warns.
@pytest.mark.filterwarnings(
    "ignore:X does not have valid feature names:UserWarning",
    "ignore:X has feature names, but:UserWarning",
)
@pytest.mark.parametrize("check", TRANSFORMER_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=repr)
def test_scikit_learn_checks_of_transformers(transformer, check):
    check(type(transformer).__name__, transformer)


@pytest.mark.parametrize("segmenter", SEGMENTERS, ids=lambda s: type(s).__name__)
def test_segmenter_protocol(segmenter):
    check_segmenter(segmenter)


def test_an_estimator_outside_the_protocol_is_told_what_it_lacks():
    with pytest.raises(AssertionError, match="a fitted segmenter must have n_segments"):
        check_segmenter(KMeans(n_init=2))


def test_every_estimator_is_checked_as_what_it_is():
    public = [name for name, _ in all_estimators()]
    assert set(CHECKED_AS) | set(EXPECTED_FAILURES) <= set(public)
    for kind, ending in [(SEGMENTERS, "Segmenter"), (TRANSFORMERS, "Transformer")]:
        inner = [getattr(estimator, "transformer", estimator) for estimator in kind]
        checked = {type(estimator).__name__ for estimator in inner}
        assert {name for name in public if name.endswith(ending)} <= checked
