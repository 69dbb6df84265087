"""`compile_scorer`: a fitted road frozen to the arrays that answer."""

import numpy as np

from custseg._sklearn import check_is_fitted
from custseg.assignment._compile_sklearn import TRANSLATIONS
from custseg.assignment._typicality import ROUNDED
from custseg.columns import Levels
from custseg.scoring import (
    AsNumbers,
    Beside,
    Curves,
    Decided,
    Road,
    Scorer,
    Tempered,
    Types,
    Typicality,
    only_read,
)


def compile_scorer(model):
    """Freeze a fitted model into a scorer that answers in microseconds.

    scikit-learn takes milliseconds to answer for one customer, nearly all of it to
    check and to copy a table of one row. A scorer does the same arithmetic on the
    values alone, and needs NumPy alone.

    Parameters
    ----------
    model : fitted SegmentationModel, segmenter, SegmentSearch, classifier or Pipeline
        What is in it must be one of the steps that Notes lists.

    Returns
    -------
    scorer : Scorer
        With `predict_one`, `predict_proba_one` and `assign_one` for one customer,
        `predict` and `predict_proba` for tables, and `save`.

    Raises
    ------
    TypeError
        If there is a step whose arithmetic is not known here; the message says which.
    NotFittedError
        If the model is not fitted.

    See Also
    --------
    custseg.scoring.load_scorer : Reads a saved scorer, with NumPy alone.

    Notes
    -----
    The scorer gives the same segments as `predict` of the model, and probabilities that
    differ by less than 1e-12.

    Steps of custseg that are known: KMeansSegmenter, HierarchicalSegmenter,
    SOMSegmenter, GaussianMixtureSegmenter (without noise), LatentClassSegmenter,
    RuleSegmenter (but for rules that answer with `reject_alpha`), SegmentSearch,
    DiscriminantAssigner, TypingTool, BlockScaler, and all transformers with all their
    settings.

    Steps of scikit-learn that are known: Pipeline, ColumnTransformer, FeatureUnion,
    StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, Normalizer,
    PowerTransformer, KBinsDiscretizer, SimpleImputer (of numbers), OneHotEncoder,
    OrdinalEncoder, FunctionTransformer of a function of NumPy, PCA, selectors of
    columns, KMeans, MiniBatchKMeans, GaussianMixture, LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis, LogisticRegression, GaussianNB,
    DecisionTreeClassifier, RandomForestClassifier and ExtraTreesClassifier.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> import custseg as cs
    >>> from custseg.datasets import load_wholesale
    >>> spend = load_wholesale().drop(columns=["Channel", "Region"])
    >>> road = make_pipeline(
    ...     cs.BehaviouralTransformer(), cs.KMeansSegmenter(2, random_state=0)
    ... ).fit(spend)
    >>> scorer = cs.compile_scorer(road)
    >>> client = {
    ...     "Fresh": 12_000, "Milk": 2_000, "Grocery": 3_000,
    ...     "Frozen": 4_000, "Detergents_Paper": 300, "Delicatessen": None,
    ... }
    >>> scorer.predict_one(client)
    0
    """
    check_is_fitted(model)
    if hasattr(model, "segment_ids_"):
        return _of_model(model)
    names, steps, last = _from_start(model, _names_of(model), "the model")
    names, steps = _only_read(model, names, steps)
    if last is None:
        raise _unknown(model, "the model", "an estimator with predict at its end")
    ids = np.asarray(last.classes)
    every = np.arange(len(ids))
    road = Road(names, steps, last.step, every, every, len(ids))
    return Scorer(names, road, ids)


def _from_start(estimator, names, path):
    """Columns that are needed, steps, and what answers at their end."""
    if not hasattr(estimator, "questions_"):
        return names, *steps_of(estimator, names, path)
    # A typing tool needs no columns but its questions.
    asked = tuple(names[column] for column in estimator.columns_.tolist())
    return asked, (), Last(*estimator._scorer_step(only_questions=True))


def _only_read(model, names, steps):
    """Leave out columns that the answer does not go by.

    An array has all its columns, for they are told apart by their order.
    """
    if not hasattr(_first_of(model), "feature_names_in_"):
        return names, steps
    positions, steps = only_read(steps, len(names))
    return tuple(names[position] for position in positions), steps


def _first_of(estimator):
    """Return the step that a table comes to first."""
    for _, step in getattr(estimator, "steps", ()):
        if not _is_passed(step):  # which knows no columns
            return _first_of(step)
    return estimator


def _names_of(estimator):
    """Return the columns that a fitted estimator began with."""
    estimator = _first_of(estimator)
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None:
        return tuple(map(str, names))
    return tuple(f"x{position}" for position in range(estimator.n_features_in_))


# -- a SegmentationModel ---------------------------------------------------------------


def _of_model(model):
    ids = np.asarray(model.segment_ids_)
    names = tuple(model.segment_names_[one] for one in ids.tolist())
    if not hasattr(model, "models_"):
        road = _road_of(model, ids)
        return Scorer(road.columns, road, ids, names)
    roads = {kind: _road_of(one, ids) for kind, one in model.models_.items()}
    column = model.split_by
    wanted = [column, *(name for road in roads.values() for name in road.columns)]
    places = Levels([_plain(kind) for kind in roads], "category")
    types = Types(column, places, tuple(roads.values()))
    return Scorer(tuple(dict.fromkeys(wanted)), types, ids, names)


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value


def _road_of(model, ids):
    """Make a road of a fitted SegmentationModel, among the segments `ids`."""
    route = model._route
    columns = _columns_of_model(model, route.answering)
    part = "segmenter" if route.assigner is None else "assigner"
    columns, steps, last = _from_start(route.answering, columns, f"the {part}")
    if last is None:
        raise _unknown(route.answering, f"the {part}", "an estimator with predict")
    if route.typicality is not None and isinstance(last.step, Decided):
        # Distances would be taken of the segments that the rules have decided.
        raise _unknown(route.answering, f"the {part}", "rules without reject_alpha")
    columns, steps = _only_read(model, columns, steps)
    known = np.asarray(last.classes)
    if route.assigner is None:
        known = route.numbering.ids[known]
    return Road(
        columns,
        steps,
        last.step,
        np.searchsorted(route.ids, known),
        np.searchsorted(ids, route.ids),
        len(ids),
        _calibration(route.calibration),
        _typicality(route),
    )


def _columns_of_model(model, answering):
    """Return the columns that a model answers from, by name."""
    if hasattr(answering, "feature_names_in_"):
        return tuple(map(str, answering.feature_names_in_))
    chosen = model.basis if model.descriptors is None else model.descriptors
    if chosen is None:
        return _names_of(model)
    names = _names_of(model)
    return tuple(one if isinstance(one, str) else names[one] for one in chosen)


def _calibration(calibration):
    if calibration is None:
        return None
    if calibration.method == "temperature":
        return Tempered(float(calibration.temperature))
    said, came_true = zip(*calibration.knots, strict=True)
    return Curves(said, came_true)


def _typicality(route):
    typicality = route.typicality
    if typicality is None:
        return None
    nearest = typicality.nearest
    return Typicality(
        typicality._center,
        typicality._matrix,
        typicality.places,
        -nearest._kept,
        np.append(nearest._ranks, nearest.n_customers + 1),
        nearest.n_customers,
        ROUNDED,
        float(route.reject_alpha),
    )


# -- steps -----------------------------------------------------------------------------


def steps_of(estimator, names, path):
    """Freeze an estimator, a Pipeline or what holds one.

    Parameters
    ----------
    estimator : fitted estimator
    names : sequence of str
        Columns that it gets.
    path : str
        Where it stands, for messages.

    Returns
    -------
    steps : tuple of steps
        From columns to columns.
    last : Last or None
        What answers at the end; None after a transformer.
    """
    if hasattr(estimator, "steps"):
        return _of_pipeline(estimator, names, path)
    if hasattr(estimator, "best_estimator_"):
        return steps_of(estimator.best_estimator_, names, f"{path}.best_estimator_")
    if hasattr(estimator, "transformers_"):
        return (_of_column_transformer(estimator, names, path),), None
    if hasattr(estimator, "transformer_list"):
        return (_of_union(estimator, names, path),), None
    frozen = getattr(estimator, "_scorer_step", None)
    if frozen is None:
        kind = type(estimator)
        translate = TRANSLATIONS.get(kind.__name__)
        if translate is None or not kind.__module__.startswith("sklearn."):
            wanted = "one that the notes of compile_scorer list"
            raise _unknown(estimator, path, wanted)
        step = translate(estimator, path)
    else:
        step = frozen()
    if isinstance(step, tuple):
        *before, last, classes = step
        return tuple(before), Last(last, classes)
    return (step,), None


class Last:
    """What answers at the end of a road, and the labels that it answers with."""

    def __init__(self, step, classes):
        self.step, self.classes = step, classes


def _is_passed(step):
    return step is None or (isinstance(step, str) and step == "passthrough")


def _of_pipeline(pipeline, names, path):
    steps, last = (), None
    for name, estimator in pipeline.steps:
        if _is_passed(estimator):
            continue
        frozen, last = steps_of(estimator, names, f"{path}, step {name!r}")
        steps += frozen
    return steps, last


def _of_column_transformer(transformer, names, path):
    parts = []
    positions_of = transformer._transformer_to_input_indices
    for name, estimator, _ in transformer.transformers_:
        positions = np.asarray(positions_of[name], dtype=np.intp)
        if (isinstance(estimator, str) and estimator == "drop") or not len(positions):
            continue
        steps = ()
        if not isinstance(estimator, str):
            chosen = [names[i] for i in positions]
            steps, _ = steps_of(estimator, chosen, f"{path}, part {name!r}")
        parts.append((positions, steps))
    return Beside(tuple(parts))


def _of_union(union, names, path):
    if union.transformer_weights:
        raise _unknown(union, path, "a FeatureUnion without transformer_weights")
    every, parts = np.arange(len(names)), []
    for name, estimator in union.transformer_list:
        if isinstance(estimator, str) and estimator == "drop":
            continue
        steps = ()
        if not isinstance(estimator, str):
            steps, _ = steps_of(estimator, names, f"{path}, part {name!r}")
        parts.append((every, steps or (AsNumbers(),)))
    return Beside(tuple(parts))


def _unknown(estimator, path, wanted):
    got = type(estimator).__name__
    return TypeError(
        f"Each step must be one that a scorer can compute: {wanted}. Got {got} "
        f"({path}) instead. Replace it, or answer by the model itself."
    )
