"""A compiled scorer answers as the model that it was made of."""

import re
from contextlib import nullcontext
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.cluster import DBSCAN, KMeans, MiniBatchKMeans
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier

from custseg import (
    BehaviouralTransformer,
    DemographicTransformer,
    DiscriminantAssigner,
    GaussianMixtureSegmenter,
    HierarchicalSegmenter,
    KMeansSegmenter,
    PsychographicTransformer,
    SegmentationModel,
    SegmentSearch,
    SOMSegmenter,
    compile_scorer,
)
from custseg.datasets import make_customers
from custseg.exceptions import DataQualityError, SchemaError

pytestmark = pytest.mark.filterwarnings("ignore::custseg.exceptions.SegmentWarning")
SIMULATED = make_customers(250, n_segments=3, separation=2.5, random_state=0)
TRUTH = SIMULATED.truth["segment"].to_numpy()
FORM = ["age", "gender", "income", "education", "region"]


def clients(n=150, seed=0, missing=0.1):
    """Numbers and levels, with missing ones, in three groups."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 3, n)
    table = pd.DataFrame(
        {
            "orders": 1 + groups * 4 + rng.poisson(3, n),
            "spend": (1 + groups) * rng.gamma(4, 30, n),
            "city": np.array(["Lyon", "Nice", "Metz", "Caen"], object)[
                (groups + rng.integers(0, 2, n)) % 4
            ],
            "tier": rng.integers(1, 4, n),
            "member": rng.random(n) < 0.5,
        }
    )
    for name in ("spend", "city"):
        table.loc[rng.random(n) < missing, name] = np.nan if name == "spend" else None
    return table, groups


def requests(table):
    """Customers as a service gets them: what is missing is None."""
    return table.astype(object).where(table.notna(), None).to_dict("records")


def agrees(model, table, *, probabilities=True):
    """One by one and all at once, labels are the model's; probabilities to 1e-12."""
    scorer = compile_scorer(model)
    labels = model.predict(table)
    np.testing.assert_array_equal(scorer.predict(table), labels)
    rows = requests(table)
    assert [scorer.predict_one(row) for row in rows[:30]] == labels[:30].tolist()
    if probabilities and hasattr(model, "predict_proba"):
        expected = model.predict_proba(table)
        found = scorer.predict_proba(table)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
        alone = np.array([scorer.predict_proba_one(row) for row in rows[:30]])
        np.testing.assert_allclose(alone, expected[:30], rtol=0, atol=1e-12)
    return scorer


def of_columns(numbers, levels=None):
    """Steps for the numbers of `clients`, and an encoder of its levels."""
    parts = [("numbers", numbers, ["orders", "spend"])]
    if levels is not None:
        parts.append(("levels", levels, ["city", "tier"]))
    return ColumnTransformer(parts)


class TestSegmenters:
    @pytest.mark.parametrize(
        "segmenter",
        [
            KMeansSegmenter(3, n_init=2, random_state=0),
            HierarchicalSegmenter(3),
            SOMSegmenter(3, grid=(3, 3), random_state=0),
            GaussianMixtureSegmenter(3, n_init=2, random_state=0),
            *(
                GaussianMixtureSegmenter(
                    3, covariance_type=kind, n_init=2, random_state=0
                )
                for kind in ("diag", "spherical", "tied")
            ),
            KMeans(3, n_init=2, random_state=0),
            MiniBatchKMeans(3, n_init=2, random_state=0),
            *(
                GaussianMixture(3, covariance_type=kind, random_state=0)
                for kind in ("full", "diag", "spherical", "tied")
            ),
            SegmentSearch([KMeansSegmenter(random_state=0)], (2, 3), random_state=0),
        ],
        ids=lambda one: type(one).__name__,
    )
    @pytest.mark.parametrize("log", ["all", "none"])
    def test_after_behaviour(self, segmenter, log):
        table = clients()[0][["orders", "spend"]]
        road = make_pipeline(BehaviouralTransformer(log=log), segmenter).fit(table)
        agrees(road, table)

    def test_without_steps_before(self):
        X = clients(missing=0)[0][["orders", "spend"]].to_numpy(float)
        model = KMeansSegmenter(3, n_init=2, random_state=0).fit(X)
        scorer = compile_scorer(model)
        np.testing.assert_array_equal(scorer.predict(X), model.predict(X))
        assert scorer.columns == ("x0", "x1")
        assert (
            scorer.predict_one(dict(zip(scorer.columns, X[5], strict=True)))
            == (model.predict(X[5:6])[0])
        )

    def test_of_answers(self):
        items = SIMULATED.customers[list(SIMULATED.item_columns)].copy()
        items.iloc[::7, 2] = np.nan
        road = make_pipeline(
            PsychographicTransformer(
                scales=SIMULATED.scales, reverse=SIMULATED.reverse_keyed
            ),
            KMeansSegmenter(3, n_init=2, random_state=0),
        ).fit(items)
        agrees(road, items)

    def test_of_answers_without_scales(self):
        items = SIMULATED.customers[list(SIMULATED.item_columns)]
        road = make_pipeline(
            PsychographicTransformer(),
            GaussianMixtureSegmenter(2, n_init=2, random_state=0),
        ).fit(items)
        agrees(road, items)

    def test_of_descriptors(self):
        table = SIMULATED.customers[FORM]
        road = make_pipeline(
            DemographicTransformer(), KMeansSegmenter(3, n_init=2, random_state=0)
        ).fit(table)
        scorer = agrees(road, table)
        # Levels that were not there in fit.
        other = table.iloc[:3].assign(region=["Atlantis", None, " "])
        labels = road.predict(other)
        assert scorer.predict(other).tolist() == labels.tolist()
        assert [scorer.predict_one(row) for row in requests(other)] == labels.tolist()

    def test_missing_indicators(self):
        table = clients()[0][["orders", "spend"]]
        road = make_pipeline(
            BehaviouralTransformer(add_indicator=True),
            KMeansSegmenter(3, n_init=2, random_state=0),
        ).fit(table)
        agrees(road, table)


class TestClassifiers:
    @pytest.mark.parametrize(
        "classifier",
        [
            DiscriminantAssigner(),
            DiscriminantAssigner(pooling=0.4, kind="regularized"),
            DiscriminantAssigner("quadratic"),
            DiscriminantAssigner("quadratic", shrinkage="oas", priors=[0.2, 0.3, 0.5]),
            DiscriminantAssigner(columns="stepwise"),
            LinearDiscriminantAnalysis(),
            LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
            QuadraticDiscriminantAnalysis(),
            QuadraticDiscriminantAnalysis(reg_param=0.1),
            LogisticRegression(),
            GaussianNB(),
            DecisionTreeClassifier(random_state=0),
            RandomForestClassifier(7, random_state=0),
            ExtraTreesClassifier(7, random_state=0),
        ],
        ids=lambda one: type(one).__name__,
    )
    @pytest.mark.parametrize("named", [False, True], ids=["ids", "names"])
    def test_after_numbers(self, classifier, named):
        table, groups = clients(missing=0)
        table = table[["orders", "spend", "tier"]]
        y = np.array(["low", "mid", "high"])[groups] if named else groups
        road = make_pipeline(StandardScaler(), classifier).fit(table, y)
        agrees(road, table)

    @pytest.mark.parametrize(
        "classifier",
        [
            DiscriminantAssigner(),
            LinearDiscriminantAnalysis(),
            LogisticRegression(),
            LogisticRegression(solver="liblinear"),
        ],
        ids=["ours", "LDA", "logistic", "liblinear"],
    )
    def test_of_two_segments(self, classifier):
        table, groups = clients(missing=0)
        table = table[["orders", "spend"]]
        agrees(
            make_pipeline(StandardScaler(), classifier).fit(table, groups > 0), table
        )


class TestSteps:
    @pytest.mark.parametrize(
        "step",
        [
            StandardScaler(),
            StandardScaler(with_mean=False),
            StandardScaler(with_std=False),
            RobustScaler(),
            RobustScaler(with_centering=False, with_scaling=False),
            MaxAbsScaler(),
            MinMaxScaler(),
            MinMaxScaler((-1, 1), clip=True),
            Normalizer(),
            Normalizer("l1"),
            Normalizer("max"),
            PowerTransformer(),
            PowerTransformer(standardize=False),
            PowerTransformer("box-cox"),
            KBinsDiscretizer(
                4, encode="ordinal", strategy="uniform", quantile_method="linear"
            )
            if "quantile_method" in KBinsDiscretizer().get_params()
            else KBinsDiscretizer(4, encode="ordinal", strategy="uniform"),
            KBinsDiscretizer(4, encode="onehot-dense", strategy="uniform"),
            FunctionTransformer(np.log1p),
            FunctionTransformer(),
            PCA(2),
            PCA(2, whiten=True),
            VarianceThreshold(1.0),
            SelectKBest(k=1),
            FeatureUnion([("pca", PCA(1)), ("scaled", MinMaxScaler())]),
            FeatureUnion([("same", "passthrough"), ("none", "drop"), ("s", PCA(1))]),
            Pipeline([("none", None), ("same", "passthrough"), ("s", MaxAbsScaler())]),
        ],
        ids=lambda one: re.sub(r"\s+", "", repr(one))[:40],
    )
    def test_of_numbers(self, step):
        table, groups = clients(missing=0)
        table = table[["orders", "spend", "tier"]]
        model = make_pipeline(step, DecisionTreeClassifier(max_depth=3, random_state=0))
        fitted = model.fit(table, groups)
        new = clients(seed=1, missing=0)[0][["orders", "spend", "tier"]]
        agrees(fitted, pd.concat([table, new * 3], ignore_index=True))

    @pytest.mark.parametrize(
        "imputer",
        [
            SimpleImputer(),
            SimpleImputer(strategy="median", add_indicator=True),
            SimpleImputer(strategy="constant", fill_value=-1),
            SimpleImputer(strategy="most_frequent"),
        ],
        ids=["mean", "indicator", "constant", "most frequent"],
    )
    @pytest.mark.filterwarnings("ignore:Skipping features without any observed")
    @pytest.mark.filterwarnings("ignore:Currently, when `keep_empty_feature")
    def test_of_missing_values(self, imputer):
        table, _ = clients()
        table = table[["orders", "spend"]].assign(empty=np.nan)
        road = make_pipeline(imputer, KMeansSegmenter(3, n_init=2, random_state=0)).fit(
            table
        )
        scorer, labels = compile_scorer(road), road.predict(table)
        np.testing.assert_array_equal(scorer.predict(table), labels)
        assert [scorer.predict_one(row) for row in requests(table)] == labels.tolist()

    @pytest.mark.parametrize(
        "encoder",
        [
            OneHotEncoder(handle_unknown="ignore", sparse_output=False),
            OneHotEncoder(drop="first", sparse_output=False),
            OneHotEncoder(drop="if_binary", handle_unknown="ignore"),
            OneHotEncoder(
                min_frequency=0.3, handle_unknown="infrequent_if_exist", drop="first"
            ),
            OneHotEncoder(max_categories=2, handle_unknown="ignore"),
            OrdinalEncoder(encoded_missing_value=-1),
            OrdinalEncoder(
                handle_unknown="use_encoded_value",
                unknown_value=-2,
                encoded_missing_value=-3,
            ),
        ],
        ids=lambda one: re.sub(r"\s+", "", repr(one))[:60],
    )
    @pytest.mark.parametrize("kind", ["object", "category"])
    def test_of_levels(self, encoder, kind):
        table, _ = clients()
        table["city"] = table["city"].astype(kind)
        numbers = make_pipeline(SimpleImputer(), StandardScaler())
        road = make_pipeline(
            of_columns(numbers, encoder), KMeansSegmenter(4, n_init=2, random_state=0)
        )
        road.set_params(columntransformer__sparse_threshold=0)
        agrees(road.fit(table), table)

    @pytest.mark.parametrize(
        "encoder",
        [
            OneHotEncoder(handle_unknown="ignore", drop="first"),
            OneHotEncoder(min_frequency=45, handle_unknown="infrequent_if_exist"),
            OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-7),
        ],
        ids=["ignored", "infrequent", "ordinal"],
    )
    def test_levels_that_were_not_there(self, encoder):
        table, groups = clients(missing=0)
        road = make_pipeline(
            of_columns("passthrough", encoder), DecisionTreeClassifier(random_state=0)
        )
        road.set_params(columntransformer__sparse_threshold=0)
        road.fit(table, groups)
        new = table.iloc[:20].assign(city="Brest", tier=9)
        with _warned_of_unknown(encoder):
            expected = road.predict_proba(new)
        scorer = compile_scorer(road)
        np.testing.assert_allclose(scorer.predict_proba(new), expected, atol=1e-12)
        alone = [scorer.predict_proba_one(row) for row in requests(new)]
        np.testing.assert_allclose(alone, expected, atol=1e-12)

    def test_columns_chosen_in_every_way(self):
        table, groups = clients(missing=0)
        road = make_pipeline(
            ColumnTransformer(
                [
                    (
                        "by type",
                        OneHotEncoder(),
                        make_column_selector(dtype_include=object),
                    ),
                    ("by name", MinMaxScaler(), ["spend", "tier"]),
                    ("by place", "passthrough", [0]),
                    ("by slice", StandardScaler(), slice("orders", "spend")),
                    ("by mask", "drop", [False, False, False, True, False]),
                    ("none", PCA(1), []),
                ],
                remainder="passthrough",
                sparse_threshold=0,
            ),
            LinearDiscriminantAnalysis(),
        )
        table = table.assign(city=table["city"].astype(object))
        agrees(road.fit(table, groups), table)

    @pytest.mark.parametrize("form", ["road", "model", "types"])
    def test_columns_that_the_answer_does_not_go_by(self, form):
        table, _ = clients()
        numbers = of_columns(make_pipeline(BehaviouralTransformer()))
        inner = ColumnTransformer([("within", numbers, ["orders", "spend", "tier"])])
        model = make_pipeline(inner, KMeansSegmenter(3, n_init=2, random_state=0))
        if form != "road":
            split_by = "member" if form == "types" else None
            model = SegmentationModel(model, split_by=split_by, random_state=0)
        scorer = agrees(model.fit(table), table)
        needed = ["orders", "spend"]
        if form == "types":
            needed = ["member", *needed]
        assert list(scorer.columns) == needed
        alone = scorer.predict(table[needed])
        np.testing.assert_array_equal(alone, model.predict(table))
        few = [name for name in needed if name != "spend"]
        with pytest.raises(
            SchemaError, match=r"must have all columns\. Got no 'spend' "
        ):
            scorer.predict_one(table[few].iloc[0].to_dict())
        with pytest.raises(
            SchemaError, match=r"must have all columns\. Got no 'spend' "
        ):
            scorer.predict(table[few])

    def test_columns_of_an_array_are_told_by_their_order(self):
        X = clients()[0][["orders", "tier", "member"]].to_numpy(dtype=float)
        chosen = ColumnTransformer([("numbers", "passthrough", [0, 2])])
        road = make_pipeline(chosen, KMeansSegmenter(3, n_init=2, random_state=0)).fit(
            X
        )
        scorer = compile_scorer(road)
        assert scorer.columns == ("x0", "x1", "x2")
        np.testing.assert_array_equal(scorer.predict(X), road.predict(X))

    def test_pipelines_within(self):
        table, groups = clients()
        inner = make_pipeline(
            make_pipeline(SimpleImputer(), PowerTransformer()),
            FeatureUnion([("pca", PCA(1)), ("same", "passthrough")]),
        )
        road = make_pipeline(of_columns(inner), DiscriminantAssigner())
        agrees(road.fit(table, groups), table)


def _warned_of_unknown(encoder):
    if isinstance(encoder, OneHotEncoder) and encoder.drop is not None:
        return pytest.warns(UserWarning, match="unknown categories")
    return nullcontext()


def model_of(**parameters):
    """Segments by answers, assigned by descriptors."""
    parameters = {
        "assigner": make_pipeline(DemographicTransformer(), DiscriminantAssigner()),
        "basis": list(SIMULATED.item_columns),
        "descriptors": FORM,
        "customer_id": "customer_id",
        "random_state": 0,
        **parameters,
    }
    answers = PsychographicTransformer(
        scales=SIMULATED.scales, reverse=SIMULATED.reverse_keyed
    )
    segmenter = make_pipeline(answers, KMeansSegmenter(3, n_init=2, random_state=0))
    return SegmentationModel(segmenter, **parameters).fit(SIMULATED.customers)


class TestModels:
    @pytest.mark.parametrize(
        "parameters",
        [
            {},
            {"reject_alpha": 0.1},
            {"calibration": "temperature"},
            {"calibration": "isotonic", "reject_alpha": 0.1},
            {"assigner": None, "descriptors": None},
            {"assigner": None, "descriptors": None, "reject_alpha": 0.1},
            {
                "assigner": make_pipeline(
                    DemographicTransformer(), LogisticRegression(max_iter=500)
                )
            },
        ],
        ids=[
            "plain",
            "rejecting",
            "tempered",
            "curves",
            "no assigner",
            "both",
            "logit",
        ],
    )
    def test_every_kind(self, parameters):
        model = model_of(**parameters)
        customers = SIMULATED.customers
        model.name_segments({0: "savers"})
        has_proba = parameters.get("assigner", True) is not None
        scorer = agrees(model, customers, probabilities=has_proba)
        if "reject_alpha" in parameters:
            assert (scorer.predict(customers) == -1).any()
        assigned = model.assign(customers)
        for row, answer in zip(
            requests(customers)[:40], assigned[:40].itertuples(), strict=True
        ):
            found = scorer.assign_one(row)
            assert found["segment"] == answer.segment
            assert found["segment_name"] == answer.segment_name
            for name in ("probability", "typicality"):
                told = getattr(answer, name)
                if found[name] is None:
                    assert pd.isna(told)
                else:
                    assert found[name] == pytest.approx(told, abs=1e-12)

    def test_of_types_apart(self):
        table, _ = clients(missing=0)
        table["kind"] = np.where(table["tier"] > 1, "shop", "household")
        table.loc[table["kind"] == "shop", "spend"] *= 40
        model = SegmentationModel(
            make_pipeline(BehaviouralTransformer(), KMeansSegmenter(2, random_state=0)),
            DiscriminantAssigner(),
            basis=["orders", "spend"],
            split_by="kind",
            random_state=0,
        ).fit(table)
        scorer = agrees(model, table)
        assert scorer.segment_ids == (0, 1, 2, 3)
        message = (
            "Column 'kind' must have types that the model was fitted on: 'household', "
            "'shop'. Got others or none in 1 of 1 rows instead."
        )
        with pytest.raises(DataQualityError, match=re.escape(message)):
            scorer.predict_one({"kind": "school", "orders": 3, "spend": 10.0})
        wrong = table.assign(kind=table["kind"].where(table.index > 1, None))
        with pytest.raises(DataQualityError, match="in 2 of 150 rows"):
            scorer.predict(wrong)

    def test_ids_with_gaps(self):
        """A refit keeps ids: a segment that died leaves a gap."""
        model = model_of()
        smaller = SIMULATED.customers[model.labels_ != 1]
        later = model.refit(smaller)
        assert later.segment_ids_.tolist() != list(range(len(later.segment_ids_)))
        scorer = agrees(later, SIMULATED.customers)
        assert scorer.segment_ids == tuple(later.segment_ids_.tolist())

    def test_of_an_array(self):
        X = clients(missing=0)[0][["orders", "spend"]].to_numpy(float)
        model = SegmentationModel(KMeansSegmenter(3, n_init=2, random_state=0)).fit(X)
        scorer = compile_scorer(model)
        np.testing.assert_array_equal(scorer.predict(X), model.predict(X))


class TestRefusals:
    def refused(self, model, *said):
        with pytest.raises(TypeError) as error:
            compile_scorer(model)
        for one in said:
            assert one in str(error.value)

    def test_a_step_that_is_not_known(self):
        table, groups = clients(missing=0)
        table = table[["orders", "spend"]]
        road = make_pipeline(
            ColumnTransformer([("fill", KNNImputer(), ["spend"])]),
            DiscriminantAssigner(),
        ).fit(table, groups)
        said = "KNNImputer (the model, step 'columntransformer', part 'fill')"
        self.refused(road, said, "Replace it, or answer by the model itself.")
        self.refused(KNeighborsClassifier().fit(table, groups), "KNeighborsClassifier")
        self.refused(DBSCAN().fit(table), "DBSCAN")

    def test_settings_that_are_not_known(self):
        table, groups = clients(missing=0)
        numbers = table[["orders", "spend"]]
        last = DiscriminantAssigner()
        for step, said in [
            (FunctionTransformer(lambda X: X * 2), "not one of NumPy's"),
            (FunctionTransformer(np.round, kw_args={"decimals": 1}), "NumPy's"),
            (SimpleImputer(missing_values=0), "missing_values=0"),
            (FeatureUnion([("a", PCA(1))], transformer_weights={"a": 2}), "weights"),
        ]:
            road = make_pipeline(step, last).fit(numbers, groups)
            self.refused(road, type(step).__name__, said)

    def test_a_transformer_alone(self):
        table = clients(missing=0)[0][["orders", "spend"]]
        self.refused(StandardScaler().fit(table), "predict at its end")

    def test_what_is_not_fitted(self):
        with pytest.raises(NotFittedError):
            compile_scorer(KMeansSegmenter())
        with pytest.raises(NotFittedError):
            compile_scorer(SegmentationModel(KMeansSegmenter()))

    def test_levels_that_are_refused(self):
        table, groups = clients(missing=0)
        road = make_pipeline(
            of_columns("passthrough", OneHotEncoder(sparse_output=False)),
            DiscriminantAssigner(),
        ).fit(table, groups)
        scorer = compile_scorer(road)
        row = requests(table)[0]
        message = (
            "Column 'city' must hold levels seen in fit. Got unseen or missing ones in "
            "1 of 1 rows instead."
        )
        for city in ("Brest", None):
            with pytest.raises(SchemaError, match=re.escape(message)):
                scorer.predict_one({**row, "city": city})

    def test_missing_values_that_nothing_fills(self):
        table, groups = clients(missing=0)
        table = table[["orders", "spend"]]
        road = make_pipeline(StandardScaler(), PCA(1), DiscriminantAssigner())
        scorer = compile_scorer(road.fit(table, groups))
        message = "Values must be known where no step fills them. Got missing ones in "
        with pytest.raises(DataQualityError, match=re.escape(message)):
            scorer.predict_one({"orders": 3, "spend": None})
        wrong = table.assign(spend=table["spend"].where(table.index > 2))
        with pytest.raises(DataQualityError, match=re.escape("(3 of 150 rows")):
            scorer.predict(wrong)


@pytest.fixture(scope="module")
def table():
    return clients()[0]


@pytest.fixture(scope="module")
def road(table):
    return make_pipeline(
        DemographicTransformer(), KMeansSegmenter(3, n_init=2, random_state=0)
    ).fit(table)


class TestTables:
    """All kinds of tables, and all types of columns, give the same answers."""

    def test_of_types(self, road, table):
        scorer = compile_scorer(road)
        labels = road.predict(table)
        tables = {
            "category": table.astype({"city": "category", "tier": "category"}),
            "string": table.astype({"city": "string"}),
            "nullable": table.astype(
                {"orders": "Int64", "spend": "Float32", "member": "boolean"}
            ).astype({"spend": "Float64"}),
            "objects": table.astype(object),
            "reordered": table[table.columns[::-1]].assign(other=1),
            "polars": pl.DataFrame(requests(table), infer_schema_length=None),
            "polars categorical": pl.DataFrame(requests(table)).with_columns(
                pl.col("city").cast(pl.Categorical)
            ),
            "dicts": requests(table),
            "mapping": {name: table[name].to_numpy() for name in table},
            "lists": {name: table[name].tolist() for name in table},
        }
        for kind, one in tables.items():
            if kind == "nullable":
                one["spend"] = table["spend"].astype("Float64")
            np.testing.assert_array_equal(scorer.predict(one), labels, err_msg=kind)

    def test_of_single_values(self, road, table):
        scorer = compile_scorer(road)
        row = requests(table[table["spend"].notna() & table["city"].notna()])[0]
        label = scorer.predict_one(row)
        same = {
            "numpy": {
                **row,
                "orders": np.int32(row["orders"]),
                "spend": np.float64(row["spend"]),
                "city": np.str_(row["city"]),
                "member": np.bool_(row["member"]),
            },
            "decimal": {
                **row,
                "orders": Decimal(row["orders"]),
                "tier": 1.0 * row["tier"],
            },
            "spaces": {**row, "city": f" {row['city']} "},
            "more": {**row, "name": "somebody", "orders": float(row["orders"])},
        }
        for kind, one in same.items():
            assert scorer.predict_one(one) == label, kind
        missing = [{**row, "spend": gap, "city": gap} for gap in (None, np.nan, pd.NA)]
        assert len({scorer.predict_one(one) for one in missing}) == 1

    def test_of_other_lengths(self, road, table):
        scorer = compile_scorer(road)
        assert scorer.predict(table.iloc[:0]).shape == (0,)
        assert scorer.predict(table.iloc[:1]).tolist() == [
            scorer.predict_one(requests(table)[0])
        ]
        long = pd.concat([table] * 120, ignore_index=True)  # several blocks
        expected = np.tile(scorer.predict(table), 120)
        np.testing.assert_array_equal(scorer.predict(long), expected)
