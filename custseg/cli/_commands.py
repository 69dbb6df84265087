"""The commands: `segment`, `assign` and `demo`."""

import importlib.util
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline

from custseg.assignment import DiscriminantAssigner, SegmentationModel
from custseg.cli._roles import (
    choose_columns,
    find_id,
    read_csv,
    split_kinds,
    transaction_columns,
)
from custseg.cluster import (
    GaussianMixtureSegmenter,
    HierarchicalSegmenter,
    KMeansSegmenter,
)
from custseg.datasets import load_wholesale
from custseg.exceptions import ModelFileError, SchemaError
from custseg.features import BehaviouralTransformer, DemographicTransformer
from custseg.plotting import (
    SegmentProfileDisplay,
    SegmentSearchDisplay,
    SilhouetteDisplay,
)
from custseg.profile import profile_segments
from custseg.selection import SegmentSearch
from custseg.tables import clean_transactions, summarize_transactions

_TABLES = ("segments.csv", "profile.csv", "selection.csv", "model.joblib")
_PICTURES = ("selection.png", "profile.png", "silhouette.png")
_MAX_TREE = 5_000
_MAX_DRAWN = 5_000  # silhouettes of all would take time with the square
_DEMO_SEED = 0


def segment(args):
    """``custseg segment``."""
    out = Path(args.out)
    _refuse_overwriting([out / name for name in _TABLES], args.force)
    customers = read_csv(args.customers)
    id_column = find_id(customers, args.id)
    if args.transactions:
        customers = _with_purchases(customers, id_column, args)
    choices = choose_columns(customers, id_column, args.columns, args.exclude)
    _print_choices(choices, id_column)
    model = _fit(customers, choices, id_column, args)
    _write_results(model, customers, choices, out)


def assign(args):
    """``custseg assign``."""
    out = Path(args.out)
    _refuse_overwriting([out], args.force)
    model = _load(args.model)
    assigned = _assigned(model, read_csv(args.customers))
    out.parent.mkdir(parents=True, exist_ok=True)
    assigned.to_csv(out, index=False)
    print(f"{len(assigned)} customers assigned:\n")
    counts = assigned.groupby(["segment", "segment_name"])["probability"]
    table = counts.agg(customers="size", mean_probability="mean").round(2)
    print(table.reset_index().to_string(index=False))
    print(f"\nWritten: {out}")


def demo(args):
    """``custseg demo``."""
    out = Path(args.out)
    clients = load_wholesale()
    clients.insert(0, "client", np.arange(1, len(clients) + 1))
    held_back = clients.sample(frac=0.1, random_state=_DEMO_SEED)
    known = clients.drop(held_back.index)
    print("Annual spend of 440 clients of a wholesaler (UCI 292, CC BY 4.0);")
    print(f"{len(known)} to learn from, {len(held_back)} held back as new clients.\n")
    choices = choose_columns(known, "client")
    _print_choices(choices, "client")
    args.segments, args.seed, args.descriptors = list(range(2, 9)), _DEMO_SEED, None
    model = _fit(known, choices, "client", args)
    _write_results(model, known, choices, out)

    new = _assigned(model, held_back)
    path = out / "new_segments.csv"
    new.to_csv(path, index=False)
    segmenter = model.segmenter_.predict(held_back[list(model.basis)])
    agreement = np.mean(segmenter == new["segment"].to_numpy())
    print(f"\nThe {len(new)} clients held back, assigned as new ones -> {path}")
    print(f"(agrees with the segmenter itself for {agreement:.0%} of them):\n")
    kinds = held_back["Channel"].map({1: "hotels and cafes", 2: "retailers"})
    shares = pd.crosstab(new["segment_name"], kinds.rename(None))
    print(shares.rename_axis(index=None, columns=None).to_string())


def _with_purchases(customers, id_column, args):
    """Join what the transactions say of each customer to the customer table."""
    if id_column is None:
        raise SchemaError(
            "Customers must have an id to join transactions by. Got no column that "
            "looks like one instead. Name it with --id."
        )
    lines = read_csv(args.transactions)
    columns = transaction_columns(lines, args.transaction_columns)
    lines[columns.date] = pd.to_datetime(lines[columns.date], errors="coerce")
    orders, report = clean_transactions(lines, columns, returns="net")
    print(f"{report}\n")
    purchases = summarize_transactions(orders, columns)
    purchases = purchases.drop(columns=["first_date", "last_date"])
    joined = customers.merge(
        purchases, how="left", left_on=id_column, right_on="customer_id"
    )
    if id_column != "customer_id":
        joined = joined.drop(columns="customer_id")
    without = joined["frequency"].isna()
    for name in ("frequency", "monetary_value", "monetary_total"):
        joined[name] = joined[name].fillna(0)
    print(
        f"{len(joined) - without.sum()} of {len(joined)} customers have orders; "
        "the others count as frequency 0 and spend 0.\n"
    )
    return joined


def _print_choices(choices, id_column):
    chosen = [choice.column for choice in choices if choice.in_basis]
    print(f"Customer id: {id_column or 'row number'}")
    print(f"Segments are learned on: {', '.join(chosen)}")
    for choice in choices:
        if not choice.in_basis and choice.column != id_column:
            print(f"  left out: {choice.column} ({choice.reason})")
    print()


def _features(table, names):
    """Return a transformer of the columns: numbers as behaviour, others as levels."""
    numbers, categories = split_kinds(table, names)
    parts = []
    if numbers:
        parts.append(("numbers", BehaviouralTransformer(), numbers))
    if categories:
        parts.append(("categories", DemographicTransformer(), categories))
    return ColumnTransformer(parts, verbose_feature_names_out=False)


def _fit(customers, choices, id_column, args):
    basis = [choice.column for choice in choices if choice.in_basis]
    segmenters = [KMeansSegmenter(), GaussianMixtureSegmenter()]
    if len(customers) <= _MAX_TREE:
        segmenters.append(HierarchicalSegmenter())
    descriptors = args.descriptors or basis
    model = SegmentationModel(
        make_pipeline(
            _features(customers, basis),
            SegmentSearch(segmenters, args.segments, random_state=args.seed),
        ),
        make_pipeline(
            _features(customers, descriptors),
            DiscriminantAssigner(shrinkage="auto"),
        ),
        basis=basis,
        descriptors=descriptors,
        customer_id=id_column,
        random_state=args.seed,
    )
    return model.fit(customers)


def _write_results(model, customers, choices, out):
    """Name the segments, write tables, model and pictures, and print the summary."""
    labels = model.assign(customers)["segment"].to_numpy()
    shown = [c.column for c in choices if c.reason not in ("customer id", "ids")]
    codes = [c.column for c in choices if "codes of categories" in c.reason]
    basis = profile_segments(customers, labels, columns=list(model.basis))
    model.name_segments(basis.suggest_names())
    everything = profile_segments(
        customers,
        labels,
        columns=shown,
        categorical=codes,
        names=model.segment_names_,
    )
    search = model.segmenter_[-1]
    out.mkdir(parents=True, exist_ok=True)
    _assigned(model, customers).to_csv(out / "segments.csv", index=False)
    everything.frame().to_csv(out / "profile.csv", index=False)
    search.results_.to_csv(out / "selection.csv", index=False)
    joblib.dump(model, out / "model.joblib")
    written = [*_TABLES, *_write_pictures(model, customers, everything, out)]
    best = search.results_.loc[search.results_["selected"]].iloc[0]
    print(
        f"{model.n_segments_} segments by {best['estimator']}, silhouette "
        f"{best['silhouette']:.3f} (all {len(search.results_)} candidates: "
        "selection.csv)"
    )
    agreement = np.mean(labels == model.labels_)
    print(f"The model assigns {agreement:.1%} of customers as they were segmented.\n")
    print(_summary(everything).to_string(index=False))
    print(f"\nWritten to {out}: {', '.join(written)}")


def _summary(profile):
    frame = profile.frame().drop_duplicates("segment")
    table = frame[["segment", "segment_name", "size", "share"]]
    return table.assign(share=table["share"].map("{:.0%}".format)).rename(
        columns={"segment_name": "name", "size": "customers"}
    )


def _write_pictures(model, customers, profile, out):
    if importlib.util.find_spec("matplotlib") is None:
        print('No pictures without matplotlib: pip install "custseg[plot]"\n')
        return ()
    import matplotlib

    matplotlib.use("Agg")  # files only, so no screen is needed
    drawn = customers.sample(min(len(customers), _MAX_DRAWN), random_state=0)
    displays = (
        SegmentSearchDisplay.from_search(model.segmenter_[-1]),
        SegmentProfileDisplay.from_profile(profile),
        SilhouetteDisplay.from_estimator(model.segmenter_, drawn[list(model.basis)]),
    )
    for display, name in zip(displays, _PICTURES, strict=True):
        display.plot().figure_.savefig(out / name, dpi=120, bbox_inches="tight")
    return _PICTURES


def _assigned(model, customers):
    """Return what `assign` says, less the typicality that these models do not have."""
    return model.assign(customers).drop(columns="typicality")


def _load(path):
    try:
        model = joblib.load(path)
    except OSError:
        raise
    except Exception as error:  # a pickle can fail in any way
        raise ModelFileError(
            f"{path} must be a model that `custseg segment` wrote. Got a file that "
            f"cannot be read as one instead ({type(error).__name__})."
        ) from error
    if not isinstance(model, SegmentationModel):
        raise ModelFileError(
            f"{path} must hold a SegmentationModel. Got {type(model).__name__} instead."
        )
    return model


def _refuse_overwriting(paths, force):
    existing = [str(path) for path in paths if path.exists()]
    if existing and not force:
        raise SchemaError(
            f"Results must not overwrite others. Got {', '.join(existing)} there "
            "already. Choose another --out, or pass --force."
        )
