"""Draw the pictures of README and guide: ``python docs/make_pictures.py``."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from sklearn.pipeline import make_pipeline

from custseg import (
    AccuracyDisplay,
    BehaviouralTransformer,
    DemographicTransformer,
    DendrogramDisplay,
    DiscriminantAssigner,
    GaussianMixtureSegmenter,
    HierarchicalSegmenter,
    KMeansSegmenter,
    LatentClassSegmenter,
    MultiplicityDisplay,
    OutcomeDisplay,
    PsychographicTransformer,
    ReliabilityDisplay,
    SegmentationModel,
    SegmentProfileDisplay,
    SegmentSearch,
    SegmentSearchDisplay,
    SilhouetteDisplay,
    TransactionColumns,
    TypingCurveDisplay,
    TypingTool,
    assignment_report,
    clean_transactions,
    outcome_report,
    profile_segments,
    segment_multiplicity,
    summarize_outcome,
    summarize_transactions,
)
from custseg.datasets import load_wholesale, make_customers, make_transactions
from custseg.plotting import (
    CertaintyDisplay,
    CovarianceDisplay,
    GorgeDisplay,
    ItemResponseDisplay,
    SegmentFlowDisplay,
    SegmentStabilityDisplay,
    StabilityDisplay,
)
from custseg.selection import bootstrap_stability

IMAGES = Path(__file__).parent / "images"


def main():
    """Fit the road of the README and save one picture a display."""
    clients = load_wholesale()
    spend = clients.drop(columns=["Channel", "Region"])
    search = SegmentSearch(
        [KMeansSegmenter(), GaussianMixtureSegmenter()], random_state=0
    )
    road = make_pipeline(BehaviouralTransformer(), search).fit(spend)
    profile = profile_segments(
        clients, road[-1].labels_, categorical=["Channel", "Region"]
    )
    named = profile_segments(
        clients,
        road[-1].labels_,
        categorical=["Channel", "Region"],
        names=profile.suggest_names(),
    )
    X = road[:-1].transform(spend)
    multiplicity = segment_multiplicity(X, KMeansSegmenter(5), random_state=0)
    tree = HierarchicalSegmenter(5).fit(X)
    stability = bootstrap_stability(
        KMeansSegmenter(n_init=5),
        X,
        n_segments=range(2, 7),
        n_bootstraps=20,
        n_null=0,
        random_state=0,
    )
    mixture = make_pipeline(
        BehaviouralTransformer(), GaussianMixtureSegmenter(3, random_state=0)
    ).fit(spend)
    much = spend > spend.median()
    much["Channel"] = clients["Channel"]
    classes = LatentClassSegmenter(3, n_init=5, random_state=0).fit(much)
    IMAGES.mkdir(exist_ok=True)
    for name, display in {
        "accuracy": AccuracyDisplay.from_report(accuracy := report()),
        "reliability": ReliabilityDisplay.from_report(accuracy),
        "outcome": OutcomeDisplay.from_validation(outcome()),
        "typing_curve": TypingCurveDisplay.from_tool(typing_tool()),
        "selection": SegmentSearchDisplay.from_search(road[-1]),
        "profile": SegmentProfileDisplay.from_profile(named),
        "dendrogram": DendrogramDisplay.from_estimator(tree),
        "multiplicity": MultiplicityDisplay.from_multiplicity(multiplicity),
        "silhouette": SilhouetteDisplay.from_estimator(road, spend),
        "stability": StabilityDisplay.from_stability(stability),
        "segment_stability": SegmentStabilityDisplay.from_stability(
            stability, n_segments=4
        ),
        "flow": SegmentFlowDisplay.from_stability(stability),
        "gorge": GorgeDisplay.from_estimator(road, spend),
        "covariance": CovarianceDisplay.from_estimator(
            mixture, spend, columns=("Grocery", "Fresh")
        ),
        "certainty": CertaintyDisplay.from_estimator(mixture, spend),
        "item_response": ItemResponseDisplay.from_estimator(classes),
    }.items():
        figure = display.plot().figure_
        figure.savefig(IMAGES / f"{name}.png", dpi=90, bbox_inches="tight")


def report():
    """Report on the model of the page on accuracy."""
    simulated = make_customers(2000, n_segments=4, separation=2.5, random_state=0)
    attitudes = PsychographicTransformer(
        scales=simulated.scales, reverse=simulated.reverse_keyed
    )
    model = SegmentationModel(
        make_pipeline(attitudes, KMeansSegmenter(4, random_state=0)),
        make_pipeline(
            DemographicTransformer(),
            DiscriminantAssigner("quadratic", shrinkage="ledoit_wolf"),
        ),
        basis=simulated.item_columns,
        descriptors=simulated.descriptor_columns,
        calibration="temperature",
        random_state=0,
    ).fit(simulated.customers)
    return assignment_report(model, simulated.customers, random_state=0)


def typing_tool():
    """Fit the tool of the page on typing tools."""
    simulated = make_customers(
        1500, n_segments=4, separation=2.5, missing=0, random_state=0
    )
    answers = simulated.customers[list(simulated.item_columns)]
    segments = KMeansSegmenter(4, random_state=0).fit_predict(answers)
    return TypingTool(max_questions=8).fit(answers, segments)


def outcome():
    """Hold the segments of the page on outcomes to what customers did next."""
    simulated = make_customers(
        1500, n_segments=3, separation=2.5, behaviour_strength=0.5, random_state=0
    )
    lines = make_transactions(simulated.truth, weeks=66, random_state=0).transactions
    columns = TransactionColumns(
        transaction_id="transaction_id", quantity="quantity", unit_price="unit_price"
    )
    orders, _ = clean_transactions(lines, columns, returns="drop")
    window = {"observation_period_end": "2024-12-31"}
    observed = summarize_transactions(orders, columns, **window)
    later = summarize_outcome(
        orders, columns, outcome_days=90, customers=observed, **window
    )
    rfm = observed[["customer_id", "recency", "frequency", "monetary_total"]]
    customers = simulated.customers.merge(rfm, on="customer_id")
    attitudes = PsychographicTransformer(
        scales=simulated.scales, reverse=simulated.reverse_keyed
    )
    model = SegmentationModel(
        make_pipeline(attitudes, KMeansSegmenter(3, random_state=0)),
        basis=simulated.item_columns,
        customer_id="customer_id",
        random_state=0,
    ).fit(customers)
    return outcome_report(model, customers, later, random_state=0)


if __name__ == "__main__":
    main()
