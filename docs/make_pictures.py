"""Draw the pictures of README and guide: ``python docs/make_pictures.py``."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from sklearn.pipeline import make_pipeline

from custseg import (
    BehaviouralTransformer,
    DendrogramDisplay,
    GaussianMixtureSegmenter,
    HierarchicalSegmenter,
    KMeansSegmenter,
    MultiplicityDisplay,
    SegmentProfileDisplay,
    SegmentSearch,
    SegmentSearchDisplay,
    SilhouetteDisplay,
    profile_segments,
    segment_multiplicity,
)
from custseg.datasets import load_wholesale
from custseg.plotting import (
    GorgeDisplay,
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
    IMAGES.mkdir(exist_ok=True)
    for name, display in {
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
    }.items():
        figure = display.plot().figure_
        figure.savefig(IMAGES / f"{name}.png", dpi=90, bbox_inches="tight")


if __name__ == "__main__":
    main()
