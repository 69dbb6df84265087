"""What `segment` makes of a table: the model, its files, and the words about it."""

import importlib.util
import warnings
from dataclasses import dataclass

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline

from custseg.assignment import DiscriminantAssigner, SegmentationModel
from custseg.cluster import (
    GaussianMixtureSegmenter,
    HierarchicalSegmenter,
    KMeansSegmenter,
)
from custseg.exceptions import SegmentWarning
from custseg.features import BehaviouralTransformer, DemographicTransformer
from custseg.plotting import (
    SegmentProfileDisplay,
    SegmentSearchDisplay,
    SilhouetteDisplay,
)
from custseg.profile import profile_segments
from custseg.selection import SegmentSearch

TABLES = ("segments.csv", "profile.csv", "selection.csv", "model.joblib")
PICTURES = ("selection.png", "profile.png", "silhouette.png")
_MAX_TREE = 5_000


@dataclass
class SegmentPlan:
    """A table, what its columns are for, and how segments are to be found.

    Attributes
    ----------
    table : DataFrame
        One row a customer; the ids as text.
    id_column : str or None
    roles : list of ColumnUse
    descriptors : list of str or None
        None assigns by the basis.
    segments : list of int
    seed : int
    reject_alpha : float or None
    """

    table: pd.DataFrame
    id_column: str | None
    roles: list
    descriptors: list | None = None
    segments: tuple = tuple(range(2, 9))
    seed: int = 0
    reject_alpha: float | None = None

    def columns(self, *uses):
        """Columns of some uses."""
        return [role.column for role in self.roles if role.use in uses]

    def features(self, names):
        """Return a transformer of columns: numbers as behaviour, others as levels."""
        kinds = {role.column: role.kind for role in self.roles}
        numbers = [name for name in names if kinds[name] == "number"]
        levels = [name for name in names if kinds[name] != "number"]
        parts = []
        if numbers:
            parts.append(("numbers", BehaviouralTransformer(), numbers))
        if levels:
            transformer = DemographicTransformer(nominal=tuple(levels))
            parts.append(("levels", transformer, levels))
        return ColumnTransformer(parts, verbose_feature_names_out=False)

    def segmenters(self):
        """Return what is tried: trees only where their memory can be had."""
        segmenters = [KMeansSegmenter(), GaussianMixtureSegmenter()]
        if len(self.table) <= _MAX_TREE:
            segmenters.append(HierarchicalSegmenter())
        return segmenters


def fit(plan):
    """Fit the model and name its segments by their basis."""
    basis = plan.columns("basis")
    descriptors = plan.descriptors or basis
    search = SegmentSearch(
        plan.segmenters(), list(plan.segments), random_state=plan.seed
    )
    model = SegmentationModel(
        make_pipeline(plan.features(basis), search),
        make_pipeline(
            plan.features(descriptors), DiscriminantAssigner(shrinkage="ledoit_wolf")
        ),
        basis=basis,
        descriptors=descriptors,
        customer_id=plan.id_column,
        reject_alpha=plan.reject_alpha,
        random_state=plan.seed,
    ).fit(plan.table)
    names = _profile(plan, model, basis).suggest_names()
    return model.name_segments({segment: names[segment] for segment in names})


def _profile(plan, model, columns, names=None):
    codes = [
        role.column
        for role in plan.roles
        if role.kind == "codes" and role.column in columns
    ]
    return profile_segments(
        plan.table, model.labels_, columns=columns, categorical=codes, names=names
    )


def segments_table(plan, model):
    """Learned segment of each customer, how probable, and what `assign` would say."""
    with warnings.catch_warnings():
        # What is missing of these customers stands beside their columns' roles.
        warnings.simplefilter("ignore", SegmentWarning)
        assigned = assigned_table(model, plan.table)
    labels = model.labels_
    probabilities = model.predict_proba(plan.table)
    columns = np.searchsorted(model.segment_ids_, labels)
    table = pd.DataFrame(
        {
            "customer_id": assigned["customer_id"].to_numpy(),
            "segment": labels,
            "segment_name": [model.segment_names_[label] for label in labels.tolist()],
            "probability": probabilities[np.arange(len(labels)), columns],
            "assigned": assigned["segment"].to_numpy(),
        }
    )
    if "typicality" in assigned:
        table["typicality"] = assigned["typicality"].to_numpy()
    return table


def assigned_table(model, customers):
    """Return what the model says, with numbers of rows where it has no ids.

    What it has of no customer, such as typicality or an override, is left out.
    """
    assigned = model.assign(customers)
    if "customer_id" not in assigned:
        assigned.insert(0, "customer_id", np.arange(len(assigned)))
    optional = assigned.columns.intersection(["typicality", "near_border", "override"])
    empty = [name for name in optional if assigned[name].isna().all()]
    return assigned.drop(columns=empty)


def write(plan, model, out, terminal):
    """Write tables, model and pictures, and say what they show."""
    segments = segments_table(plan, model)
    profile = _profile(
        plan, model, plan.columns("basis", "profile"), model.segment_names_
    )
    search = model.segmenter_[-1]
    out.mkdir(parents=True, exist_ok=True)
    segments.to_csv(out / "segments.csv", index=False)
    profile.frame().to_csv(out / "profile.csv", index=False)
    search.results_.to_csv(out / "selection.csv", index=False)
    joblib.dump(model, out / "model.joblib")
    terminal.step("Drawing")
    pictures = _draw(plan, model, profile, out)
    _say(plan, model, segments, profile, terminal)
    if not pictures:
        terminal.note('No pictures without matplotlib: pip install "custseg[plot]".')
    terminal.say(f"\nWritten to {out}: {', '.join([*TABLES, *pictures])}")


def _say(plan, model, segments, profile, terminal):
    results = model.segmenter_[-1].results_
    best = results.loc[results["selected"]].iloc[0]
    terminal.say(
        f"{model.n_segments_} segments by {best['estimator']}, silhouette "
        f"{best['silhouette']:.3f} (best of {len(results)} candidates: selection.csv)\n"
    )
    terminal.say(_summary(profile))
    alike = np.mean(segments["segment"] == segments["assigned"])
    by = "" if plan.descriptors is None else f" by {', '.join(plan.descriptors)}"
    largest = model.segment_sizes_.max() / len(segments)
    terminal.say(
        f"\nOf these customers, `custseg assign` finds {alike:.1%} in their segment{by}"
        f" (always naming the largest one: {largest:.1%})."
    )


def _summary(profile):
    frame = profile.frame().drop_duplicates("segment")
    table = frame[["segment", "segment_name", "size", "share"]]
    table = table.assign(share=table["share"].map("{:.0%}".format))
    return table.rename(
        columns={"segment_name": "name", "size": "customers"}
    ).to_string(index=False)


def _draw(plan, model, profile, out):
    if importlib.util.find_spec("matplotlib") is None:
        return ()
    import matplotlib

    matplotlib.use("Agg")  # files only, so no screen is needed
    from matplotlib import pyplot

    displays = (
        SegmentSearchDisplay.from_search(model.segmenter_[-1]),
        SegmentProfileDisplay.from_profile(profile),
        SilhouetteDisplay.from_estimator(
            model.segmenter_, plan.table[list(model.basis)]
        ),
    )
    for display, name in zip(displays, PICTURES, strict=True):
        figure = display.plot().figure_
        figure.savefig(out / name, dpi=120, bbox_inches="tight")
        pyplot.close(figure)
    return PICTURES
