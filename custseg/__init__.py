"""Customer segmentation under scikit-learn's contract.

The road, one sub-package per stage:

1. `custseg.tables`: raw rows to one row per customer;
2. `custseg.features`: customer columns to numbers, with `custseg.surveys` for answers;
3. `custseg.cluster`: numbers to segments;
4. `custseg.selection`: how many segments;
5. `custseg.assignment`: which segment a new customer belongs to; `custseg.evaluation`:
   how good the answer is; `custseg.typing_tool`: few questions that find it;
6. `custseg.profile`: who the segments are;
7. `custseg.plotting`: pictures with their numbers.

`custseg.columns` says what a column and a level are, and checks a customer table.
`custseg.scoring` answers with a frozen model, in microseconds and with NumPy alone.
`custseg.datasets` has real tables and simulators whose true segments are known,
`custseg.testing` the checks that every estimator here passes, and `custseg.exceptions`
the errors. The most used names are also at `custseg.<Name>`. Nothing is imported
before it is used.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOME = {
    "AccuracyDisplay": "plotting",
    "AdoptionTransformer": "features",
    "BehaviouralTransformer": "features",
    "BenefitTransformer": "features",
    "BlockScaler": "features",
    "CertaintyDisplay": "plotting",
    "CovarianceDisplay": "plotting",
    "DemographicTransformer": "features",
    "DendrogramDisplay": "plotting",
    "DiscriminantAssigner": "assignment",
    "FirmographicTransformer": "features",
    "GaussianMixtureSegmenter": "cluster",
    "GeographicTransformer": "features",
    "GorgeDisplay": "plotting",
    "HierarchicalSegmenter": "cluster",
    "ItemResponseDisplay": "plotting",
    "KMeansSegmenter": "cluster",
    "LatentClassSegmenter": "cluster",
    "LifecycleTransformer": "features",
    "LoyaltyTransformer": "features",
    "MultiplicityDisplay": "plotting",
    "OccasionTransformer": "features",
    "OutcomeDisplay": "plotting",
    "PsychographicTransformer": "features",
    "RFMTransformer": "features",
    "ReliabilityDisplay": "plotting",
    "Rule": "cluster",
    "RuleSegmenter": "cluster",
    "RuleTable": "cluster",
    "SOMDisplay": "plotting",
    "SOMSegmenter": "cluster",
    "SegmentFlowDisplay": "plotting",
    "SegmentProfile": "profile",
    "SegmentProfileDisplay": "plotting",
    "SegmentSearch": "selection",
    "SegmentSearchDisplay": "plotting",
    "SegmentStabilityDisplay": "plotting",
    "SegmentationModel": "assignment",
    "SilhouetteDisplay": "plotting",
    "SocialTransformer": "features",
    "StabilityDisplay": "plotting",
    "TransactionColumns": "tables",
    "TypingCurveDisplay": "plotting",
    "TypingTool": "typing_tool",
    "assignment_report": "evaluation",
    "bootstrap_stability": "selection",
    "check_customers": "columns",
    "clean_transactions": "tables",
    "compile_scorer": "assignment",
    "infer_roles": "features",
    "load_scorer": "scoring",
    "make_customer_features": "features",
    "match_labels": "cluster",
    "match_segments": "assignment",
    "outcome_report": "evaluation",
    "profile_segments": "profile",
    "rejected_test": "evaluation",
    "segment_multiplicity": "cluster",
    "silhouette_samples": "selection",
    "silhouette_score": "selection",
    "silhouette_scores": "selection",
    "structure_test": "selection",
    "summarize_outcome": "tables",
    "summarize_transactions": "tables",
    "unimodality_test": "selection",
}
_STAGES = (
    "assignment",
    "cluster",
    "columns",
    "datasets",
    "evaluation",
    "exceptions",
    "features",
    "plotting",
    "profile",
    "scoring",
    "selection",
    "surveys",
    "tables",
    "testing",
    "typing_tool",
)

__all__ = ["__version__", *sorted(_HOME), *_STAGES]


def __getattr__(name):
    """Import a public name or a stage when it is first asked for (PEP 562)."""
    if name in _HOME:
        value = getattr(import_module(f"custseg.{_HOME[name]}"), name)
    elif name in _STAGES:
        value = import_module(f"custseg.{name}")
    else:
        raise AttributeError(f"module 'custseg' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
