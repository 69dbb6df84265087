"""scikit-learn's common steps, by class name, as steps of a scorer.

A function gets the fitted estimator and where it stands; it returns a step, or for what
answers at the end the step and its classes.
"""

import numpy as np

from custseg.columns import Levels
from custseg.scoring import (
    FUNCTIONS,
    Apply,
    AsNumbers,
    Bins,
    CustomerColumns,
    Fill,
    Gaussians,
    LevelColumn,
    Linear,
    Nearest,
    Power,
    Rotate,
    RowNorm,
    Scale,
    Select,
    Stretch,
    Trees,
)


def _refuse(estimator, path, constraint):
    raise TypeError(
        f"Each step must be one that a scorer can compute. Got "
        f"{type(estimator).__name__} ({path}) {constraint} instead. Replace it, or "
        "answer by the model itself."
    )


# -- numbers ---------------------------------------------------------------------------


def _standard(scaler, path):
    zeros = np.zeros(scaler.n_features_in_)
    return Scale(
        zeros if scaler.mean_ is None or not scaler.with_mean else scaler.mean_,
        zeros + 1 if scaler.scale_ is None else scaler.scale_,
    )


def _robust(scaler, path):
    zeros = np.zeros(scaler.n_features_in_)
    return Scale(
        zeros if scaler.center_ is None else scaler.center_,
        zeros + 1 if scaler.scale_ is None else scaler.scale_,
    )


def _max_abs(scaler, path):
    return Scale(np.zeros(scaler.n_features_in_), scaler.scale_)


def _min_max(scaler, path):
    low, high = scaler.feature_range if scaler.clip else (0.0, 0.0)
    return Stretch(scaler.scale_, scaler.min_, float(low), float(high))


def _normalizer(normalizer, path):
    return RowNorm(normalizer.norm)


def _power(transformer, path):
    lambdas = np.asarray(transformer.lambdas_)
    mean, scale = np.zeros(len(lambdas)), np.ones(len(lambdas))
    if transformer.standardize:
        mean, scale = transformer._scaler.mean_, transformer._scaler.scale_
    return Power(transformer.method, lambdas, mean, scale)


def _bins(discretizer, path):
    if discretizer.encode == "onehot":
        _refuse(discretizer, path, "with sparse output (encode='onehot')")
    one_hot = discretizer.encode == "onehot-dense"
    return Bins(tuple(map(np.asarray, discretizer.bin_edges_)), one_hot)


def _imputer(imputer, path):
    values = np.asarray(imputer.statistics_, dtype=object)
    if any(isinstance(value, str) for value in values.tolist()):
        _refuse(imputer, path, "that fills text")
    if not _is_nan(imputer.missing_values):
        _refuse(imputer, path, f"with missing_values={imputer.missing_values!r}")
    values = values.astype(np.float64)
    every = np.arange(len(values))
    kept = every if imputer.keep_empty_features else every[~np.isnan(values)]
    indicators = every[:0]
    if imputer.indicator_ is not None:
        indicators = imputer.indicator_.features_
    return Fill(np.where(np.isnan(values), 0.0, values), kept, indicators)


def _is_nan(value):
    return isinstance(value, float) and np.isnan(value)


def _pca(pca, path):
    matrix = pca.components_.T
    if pca.whiten:
        scale = np.sqrt(pca.explained_variance_)
        least = np.finfo(scale.dtype).eps
        matrix = matrix / np.where(scale < least, least, scale)
    return Rotate(pca.mean_, matrix)


def _selector(selector, path):
    return Select(np.flatnonzero(selector.get_support()))


def _function(transformer, path):
    function = transformer.func
    if function is None:
        return AsNumbers()
    name = getattr(function, "__name__", "")
    if name not in FUNCTIONS or getattr(np, name) is not function:
        _refuse(transformer, path, "of a function that is not one of NumPy's")
    if transformer.kw_args:
        _refuse(transformer, path, "with arguments")
    return Apply(name)


# -- levels ----------------------------------------------------------------------------


def _one_hot(encoder, path):
    refused = "unseen or missing" if encoder.handle_unknown == "error" else ""
    infrequent = getattr(encoder, "infrequent_categories_", None)
    levels, start = [], 0
    for k, categories in enumerate(encoder.categories_):
        known = _known(encoder, path, categories)
        rare = (
            set()
            if infrequent is None or infrequent[k] is None
            else set(map(_plain, infrequent[k]))
        )
        frequent = [one for one in known if one not in rare]
        width = len(frequent) + bool(rare)
        column = {one: i for i, one in enumerate(frequent)}
        rows = np.zeros((len(known) + 2, width))
        for i, one in enumerate(known):
            rows[i, column.get(one, width - 1)] = 1
        if rare and encoder.handle_unknown in ("infrequent_if_exist", "warn"):
            rows[-1, width - 1] = rows[-2, width - 1] = 1
        dropped = None if encoder.drop_idx_ is None else encoder.drop_idx_[k]
        if dropped is not None:
            rows = np.delete(rows, _dropped_column(known, column, dropped, width), 1)
        levels.append(LevelColumn(k, Levels(known, "category"), rows, start, refused))
        start += rows.shape[1]
    return _only_levels(levels, start)


def _dropped_column(known, column, dropped, width):
    return column.get(known[dropped], width - 1)


def _ordinal(encoder, path):
    unknown = encoder.handle_unknown == "use_encoded_value"
    if getattr(encoder, "infrequent_categories_", None) is not None and any(
        one is not None for one in encoder.infrequent_categories_
    ):
        _refuse(encoder, path, "with infrequent categories")
    levels = []
    for k, categories in enumerate(encoder.categories_):
        known = _known(encoder, path, categories)
        rows = np.empty((len(known) + 2, 1))
        rows[:-2, 0] = np.arange(len(known))
        rows[-2:, 0] = encoder.unknown_value if unknown else np.nan
        if None in known and categories[known.index(None)] is not None:
            # scikit-learn takes None for a level like any other, and NaN for missing.
            rows[known.index(None), 0] = encoder.encoded_missing_value
        refused = "" if unknown else "unseen or missing"
        levels.append(LevelColumn(k, Levels(known, "category"), rows, k, refused))
    return _only_levels(levels, len(levels))


def _only_levels(levels, n_outputs):
    none, nowhere = np.zeros(0), np.zeros(0, dtype=np.intp)
    return CustomerColumns(
        nowhere,
        *[none] * 4,
        nowhere,
        nowhere,
        none,
        nowhere,
        tuple(levels),
        n_outputs,
    )


def _known(encoder, path, categories):
    """Return the levels of a column, None for a missing one."""
    known = [_plain(one) for one in categories]
    if known.count(None) > 1:
        _refuse(encoder, path, "that tells None from NaN")
    return known


def _plain(category):
    """Return a category as Python has it; None for a missing one."""
    if isinstance(category, np.generic):
        category = category.item()
    return None if category is None or category != category else category


# -- segments --------------------------------------------------------------------------


def _k_means(model, path):
    centers = np.asarray(model.cluster_centers_, dtype=np.float64)
    every = np.arange(len(centers))
    return Nearest(centers, every), every


def _mixture(model, path):
    n_segments, n_features = model.means_.shape
    cholesky = model.precisions_cholesky_
    matrices = {
        "full": lambda: cholesky,
        "tied": lambda: np.repeat(cholesky[np.newaxis], n_segments, axis=0),
        "diag": lambda: np.array([np.diag(one) for one in cholesky]),
        "spherical": lambda: np.array([one * np.eye(n_features) for one in cholesky]),
    }[model.covariance_type]()
    halves = np.log(np.einsum("kjj->kj", matrices)).sum(axis=1)
    constants = np.log(model.weights_) + halves
    step = Gaussians(np.zeros(n_features), model.means_, matrices, constants)
    return step, np.arange(n_segments)


def _linear(model, path):
    constants = np.asarray(model.intercept_, dtype=np.float64)
    link = "sigmoid" if len(model.classes_) == 2 else "softmax"
    center = np.zeros(model.coef_.shape[1])
    return Linear(center, model.coef_.T, constants, link), model.classes_


def _logistic(model, path):
    step, classes = _linear(model, path)
    ovr = model.solver == "liblinear" or getattr(model, "multi_class", "") == "ovr"
    multinomial = getattr(model, "multi_class", "") == "multinomial"
    if len(classes) == 2 and multinomial:
        _refuse(model, path, "with multi_class='multinomial' and two classes")
    if len(classes) > 2 and ovr:
        link = "one against the rest"
        return Linear(step.center, step.coefficients, step.constants, link), classes
    return step, classes


def _quadratic(model, path):
    if not hasattr(model, "rotations_"):
        _refuse(model, path, "without rotations_")
    matrices = [
        rotation / np.sqrt(scaling)
        for rotation, scaling in zip(model.rotations_, model.scalings_, strict=True)
    ]
    if len({matrix.shape for matrix in matrices}) > 1:
        _refuse(model, path, "with segments of different rank")
    halves = np.array([np.log(scaling).sum() / 2 for scaling in model.scalings_])
    constants = np.log(model.priors_) - halves
    center = np.zeros(model.n_features_in_)
    step = Gaussians(center, model.means_, np.array(matrices), constants)
    return step, model.classes_


def _naive_bayes(model, path):
    matrices = np.array([np.diag(1 / np.sqrt(one)) for one in model.var_])
    constants = np.log(model.class_prior_) - np.log(model.var_).sum(axis=1) / 2
    center = np.zeros(model.n_features_in_)
    return Gaussians(center, model.theta_, matrices, constants), model.classes_


def _tree(model, path):
    return _of_trees([model.tree_]), model.classes_


def _forest(model, path):
    return _of_trees([tree.tree_ for tree in model.estimators_]), model.classes_


def _of_trees(trees):
    if any(tree.n_outputs > 1 for tree in trees):
        raise TypeError(
            "A tree must have one output. Got several instead. Fit it anew."
        )
    starts = np.cumsum([0, *(tree.node_count for tree in trees)])
    shares = np.concatenate([tree.value[:, 0, :] for tree in trees])
    left, right = (
        np.concatenate(
            [
                np.maximum(getattr(tree, side), 0) + start
                for tree, start in zip(trees, starts[:-1], strict=True)
            ]
        )
        for side in ("children_left", "children_right")
    )
    return Trees(
        starts[:-1],
        np.maximum(np.concatenate([tree.feature for tree in trees]), -1),
        np.concatenate([tree.threshold for tree in trees]),
        left,
        right,
        shares / shares.sum(axis=1, keepdims=True),
    )


TRANSLATIONS = {
    "StandardScaler": _standard,
    "RobustScaler": _robust,
    "MaxAbsScaler": _max_abs,
    "MinMaxScaler": _min_max,
    "Normalizer": _normalizer,
    "PowerTransformer": _power,
    "KBinsDiscretizer": _bins,
    "SimpleImputer": _imputer,
    "PCA": _pca,
    "FunctionTransformer": _function,
    "OneHotEncoder": _one_hot,
    "OrdinalEncoder": _ordinal,
    "KMeans": _k_means,
    "MiniBatchKMeans": _k_means,
    "GaussianMixture": _mixture,
    "LinearDiscriminantAnalysis": _linear,
    "QuadraticDiscriminantAnalysis": _quadratic,
    "LogisticRegression": _logistic,
    "GaussianNB": _naive_bayes,
    "DecisionTreeClassifier": _tree,
    "RandomForestClassifier": _forest,
    "ExtraTreesClassifier": _forest,
    **dict.fromkeys(
        (
            "VarianceThreshold",
            "SelectKBest",
            "SelectPercentile",
            "SelectFromModel",
            "RFE",
            "RFECV",
            "SequentialFeatureSelector",
        ),
        _selector,
    ),
}
