"""The few questions that tell segments, and figures that do not flatter."""

import pickle
import re
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from custseg import KMeansSegmenter, SegmentationModel, TypingTool, compile_scorer
from custseg.datasets import make_customers
from custseg.exceptions import (
    DataQualityError,
    DegenerateFitError,
    SchemaError,
    SegmentWarning,
)
from custseg.typing_tool._typing_figures import Honest, place_of_number

MCDONALDS = Path(__file__).parents[1] / "reference" / "data" / "mcdonalds.csv"


def answers(n=360, seed=0, told=(7, 2, 5), n_questions=10, apart=1.6):
    """Three segments that lie apart in three of the questions."""
    rng = np.random.default_rng(seed)
    segments = rng.integers(0, 3, n)
    X = rng.normal(size=(n, n_questions))
    for segment, question in enumerate(told):
        X[segments == segment, question] += apart
    table = pd.DataFrame(X, columns=[f"q{i}" for i in range(n_questions)])
    return table, segments


class TestChoice:
    def test_on_paper(self):
        """Column 1 tells the segments, column 0 one customer of each wrongly.

        Column 1: means 1 and 5, squares about them 2 and 2, so the variance is 4 / 8;
        the logarithm of the odds is (5 - 1) / .5 * (x - 3).
        """
        first = [[1, 0], [0, 1], [1, 2], [0, 1], [5, 1]]
        second = [[5, 5], [6, 4], [6, 6], [5, 5], [1, 5]]
        tool = TypingTool(2).fit(first + second, [0] * 5 + [1] * 5)
        assert tool.questions_.tolist() == [1]
        assert tool.selected_accuracy_ == 1
        assert tool.largest_share_ == 0.5
        found = tool.decision_function([[9, 2], [0, 3.25], [0, 3]])
        np.testing.assert_allclose(found, [-8, 2, 0], atol=1e-12)
        np.testing.assert_array_equal(tool.predict([[9, 2], [0, 4]]), [0, 1])

    def test_recovers_the_questions_that_tell(self):
        X, y = answers()
        tool = TypingTool(5).fit(X, y)
        assert set(tool.questions_[:3]) == {"q7", "q2", "q5"}
        assert tool.columns_.tolist() == [int(q[1:]) for q in tool.questions_]

    def test_exchange_finds_what_adding_cannot(self):
        """q0 is the best alone; q1 and q2, each poor alone, decide together."""
        rng = np.random.default_rng(0)
        y = rng.integers(0, 2, 400)
        shared = rng.normal(0, 3, 400)
        X = np.column_stack(
            [y + rng.normal(0, 0.6, 400), shared + y, shared - y, rng.normal(size=400)]
        )
        X[:, 1:3] += rng.normal(0, 0.1, (400, 2))
        tool = TypingTool(2).fit(X, y)
        path = [set(one) for one in tool.curve_["questions"]]
        assert path == [{0}, {1, 2}]
        assert tool.selected_accuracy_ == 1

    def test_no_more_questions_than_are_worth_it(self):
        """The fewest within one standard error of the best."""
        X, y = answers()
        tool = TypingTool(7).fit(X, y)
        curve = tool.curve_
        best = curve.loc[curve["accuracy"].idxmax()]
        enough = best["accuracy"] - best["accuracy_se"]
        chosen = curve[curve["chosen"]].iloc[0]
        assert chosen["accuracy"] >= enough
        assert (curve["accuracy"][: chosen.name] < enough).all()
        assert len(tool.questions_) == chosen["n_questions"]
        assert tool.questions_.tolist() == list(chosen["questions"])

    def test_accuracy_that_is_enough(self):
        X, y = answers()
        curve = TypingTool(5).fit(X, y).curve_
        wanted = curve["accuracy"][1]
        tool = TypingTool(5, accuracy=wanted).fit(X, y)
        assert len(tool.questions_) == 2
        message = "Some number of questions must reach accuracy=0.99. Got "
        with pytest.warns(SegmentWarning, match=re.escape(message)) as told:
            best = TypingTool(5, accuracy=0.99).fit(X, y)
        assert told[0].filename == __file__
        assert best.curve_["chosen"].idxmax() == curve["accuracy"].idxmax()

    def test_costs(self):
        X, y = answers()
        free = TypingTool(3).fit(X, y)
        dear = free.questions_[0]
        tool = TypingTool(6, cost={dear: 10}, max_cost=3).fit(X, y)
        assert dear not in tool.questions_
        assert tool.cost_ == len(tool.questions_) <= 3
        assert (tool.curve_["cost"] <= 3).all()
        # A question that costs a third more than it gains waits for cheaper ones.
        costly = TypingTool(3, cost={dear: 3}).fit(X, y)
        assert costly.curve_["questions"][0] != (dear,)
        assert costly.curve_["cost"].iloc[-1] == sum(
            3 if name == dear else 1 for name in costly.curve_["questions"].iloc[-1]
        )

    def test_questions_that_others_determine_are_left_out(self):
        X, y = answers(n_questions=8)
        X = X.assign(again=X["q7"] * 2 + 1, both=X["q7"] + X["q2"], same=3.0)
        tool = TypingTool(11).fit(X, y)
        last = tool.curve_["questions"].iloc[-1]
        assert "same" not in last
        assert len({"q7", "again"} & set(last)) == 1
        assert len({"q7", "again", "q2", "both"} & set(last)) == 2

    def test_a_question_that_decides(self):
        """Customers of a segment all answer alike."""
        X, y = answers()
        X["kind"] = np.array([3.0, 1.0, 2.0])[y]
        tool = TypingTool(3).fit(X, y)
        assert tool.questions_.tolist() == ["kind"]
        assert tool.accuracy_ == 1
        np.testing.assert_array_equal(tool.predict(X), y)


class TestFigures:
    def test_number_is_chosen_without_the_fold(self):
        """Two folds of four customers, one question or two, all in segment 0.

        Fold 0: one question is right for 1, two for 3. Fold 1: one for 3, two for 2.
        All eight: 4 and 5 are right, so two questions are best, with 5 / 8. But fold 0
        would choose two questions, right for 2 of fold 1, and fold 1 would choose one,
        right for 1 of fold 0: 3 / 8.
        """
        wrong = [[0, 0], [1, 0], [1, 0], [1, 1], [0, 0], [0, 0], [0, 1], [1, 1]]
        folds = np.repeat([0, 1], 4)
        asked = Honest(np.arange(8), np.array(wrong), np.ones(8), folds)
        truth = np.zeros(8, dtype=int)
        accuracies, errors = asked.curve(truth)
        assert accuracies.tolist() == [4 / 8, 5 / 8]
        np.testing.assert_allclose(errors, np.sqrt([4 * 4 / 8**3, 5 * 3 / 8**3]))
        # None is enough, so the best; then the fewest; then within one error.
        assert place_of_number(accuracies, errors, 1) == 1
        assert place_of_number(accuracies, errors, 0.5) == 0
        assert place_of_number(accuracies, errors, None) == 0
        (accuracy,), _ = asked.with_number_chosen(truth, 1).curve(truth)
        assert accuracy == 3 / 8

    @pytest.mark.simulation
    def test_of_a_number_that_is_chosen_among_noise(self):
        """What the curve has at the number chosen by it is too high, too.

        Three segments of one size that no question tells: a third is right. Bound:
        3.3 standard errors over 12 tables; benchmarks/simulations/typing_tool.py has
        200, and those of the two tests below.
        """
        curves, told = [], []
        for seed in range(12):
            rng = np.random.default_rng(seed)
            X, y = rng.normal(size=(400, 8)), rng.permutation(np.arange(400) % 3)
            with pytest.warns(SegmentWarning, match="must reach accuracy"):
                tool = TypingTool(6, accuracy=0.9, priors="uniform").fit(X, y)
            curves.append(tool.curve_.loc[tool.curve_["chosen"], "accuracy"].item())
            told.append(tool.accuracy_)
        error = np.std(told, ddof=1) / np.sqrt(12)
        assert np.mean(curves) > 1 / 3 + 0.01
        assert abs(np.mean(told) - 1 / 3) < 3.3 * error
        assert np.mean(told) < np.mean(curves) - 0.01

    @pytest.mark.simulation
    def test_noise(self):
        """Segments that have nothing to do with the questions.

        The choice by 400 customers among 30 questions reaches more than the largest
        share; on customers without part in it nothing is left of that.
        """
        rng = np.random.default_rng(1)
        gaps = []
        for _ in range(5):
            X, y = rng.normal(size=(300, 30)), rng.integers(0, 3, 300)
            curve = TypingTool(6).fit(X, y).curve_.iloc[-1]
            gaps.append(curve["selected_accuracy"] - curve["accuracy"])
            assert abs(curve["accuracy"] - 1 / 3) < 3.5 * curve["accuracy_se"]
            assert curve["selected_accuracy"] > 1 / 3 + 2 * curve["accuracy_se"]
        assert min(gaps) > 0.02

    def test_of_new_customers(self):
        """What is promised is what 10,000 new customers get."""
        errors = []
        for seed in range(6):
            X, y = answers(500, seed)
            tool = TypingTool(4).fit(X, y)
            new, truth = answers(10_000, 100 + seed)
            errors.append((tool.score(new, truth) - tool.accuracy_) / tool.accuracy_se_)
        assert max(map(abs, errors)) < 3
        assert abs(np.mean(errors)) < 3 / np.sqrt(6)

    def test_recall_and_precision(self):
        X, y = answers()
        y = np.where(y == 2, -1, y + 4)  # -1 is no segment beside 4 and 5
        tool = TypingTool(3).fit(X, y)
        assert tool.classes_.tolist() == [4, 5]
        table = tool.segment_recall_.set_index("segment")
        counts = pd.Series(y[y >= 0]).value_counts().sort_index()
        np.testing.assert_array_equal(table["customers"], counts)
        np.testing.assert_array_equal(table["asked"], counts)
        right = (table["recall"] * table["asked"]).sum() / table["asked"].sum()
        assert right == pytest.approx(tool.accuracy_, abs=1e-12)
        given = table["recall"] * table["asked"] / table["precision"]
        assert given.sum() == pytest.approx(table["asked"].sum())
        assert tool.largest_share_ == counts.max() / counts.sum()

    def test_weights_count_customers(self):
        X, y = answers(300)
        weights = np.where(y == 0, 4.0, 1.0)
        tool = TypingTool(3).fit(X, y, weights)
        total = 4 * (y == 0).sum() + (y != 0).sum()
        assert tool.largest_share_ == 4 * (y == 0).sum() / total
        np.testing.assert_allclose(tool.priors_[0], tool.largest_share_)
        none = np.where(np.arange(300) < 250, 1.0, 0.0)
        left_out = TypingTool(3).fit(X, y, none)
        alone = TypingTool(3).fit(X[:250], y[:250])
        np.testing.assert_allclose(
            left_out.predict_proba(X), alone.predict_proba(X), rtol=1e-9
        )

    def test_segments_of_people(self):
        """McDonald's: 11 yes-or-no answers of 1,453 people, k-means with 4 segments.

        Each question can be right for 2 of 4 segments; the share of people who get
        their segment by all 11 is what few of them come near.
        """
        table = pd.read_csv(MCDONALDS)
        X = (table.iloc[:, :11] == "Yes").astype(float)
        y = KMeansSegmenter(4, n_init=10, random_state=0).fit_predict(X)
        tool = TypingTool(11).fit(X, y)
        curve = tool.curve_.set_index("n_questions")
        every = LinearDiscriminantAnalysis().fit(X[::2], y[::2]).score(X[1::2], y[1::2])
        assert abs(curve["accuracy"][11] - every) < 0.03
        assert curve["accuracy"][1] < 0.62
        assert curve["accuracy"][5] > every - 0.1
        assert (curve["accuracy"].diff().dropna() > -0.02).all()


class TestScores:
    def test_equal_scikit_learns(self):
        """On the questions chosen, with the covariance divided as by scikit-learn.

        Divided by n - k instead of n, coefficients are smaller by (n - k) / n, so the
        logarithms of odds, priors apart, are.
        """
        X, y = answers()
        tool = TypingTool(4, priors="uniform").fit(X, y)
        asked = X[tool.questions_]
        peer = LinearDiscriminantAnalysis(solver="lsqr", priors=[1 / 3] * 3)
        peer.fit(asked, y)
        n = len(X)
        scatter = sum(
            (part - part.mean()).T @ (part - part.mean())
            for _, part in asked.groupby(y)
        )
        peer.covariance_ = scatter / (n - 3)
        coefficients = np.linalg.solve(peer.covariance_, peer.means_.T)
        constants = np.log(1 / 3) - (peer.means_.T * coefficients).sum(axis=0) / 2
        scores = asked.to_numpy() @ coefficients + constants
        np.testing.assert_array_equal(tool.predict(X), scores.argmax(axis=1))
        scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
        np.testing.assert_allclose(tool.predict_proba(X), np.exp(scores), atol=1e-8)
        table = tool.classification_functions()
        found = asked.to_numpy() @ table.iloc[1:].to_numpy() + table.iloc[0].to_numpy()
        found -= np.log(np.exp(found).sum(axis=1, keepdims=True))
        np.testing.assert_allclose(found, scores, atol=1e-8)

    def test_far_from_zero(self):
        X, y = answers()
        near = TypingTool(3).fit(X, y)
        far = TypingTool(3).fit(X + 1e9, y)
        assert near.questions_.tolist() == far.questions_.tolist()
        np.testing.assert_allclose(
            far.predict_proba(X + 1e9), near.predict_proba(X), atol=1e-5
        )

    def test_only_the_questions_are_needed(self):
        X, y = answers()
        tool = TypingTool(3).fit(X, y)
        expected = tool.predict_proba(X)
        asked = X[tool.questions_[::-1].tolist()].assign(other="x")
        for table in (asked, pl.from_pandas(asked), X.assign(q0=np.nan)):
            np.testing.assert_array_equal(tool.predict_proba(table), expected)
        one = tool.predict(asked.iloc[[5]])
        assert one.tolist() == [tool.classes_[expected[5].argmax()]]

    def test_two_segments(self):
        X, y = answers()
        tool = TypingTool(2).fit(X, np.where(y > 0, "yes", "no"))
        scores = tool.decision_function(X)
        assert scores.shape == (360,)
        np.testing.assert_array_equal(
            tool.predict(X), np.where(scores > 0, "yes", "no")
        )

    def test_pickle_and_polars(self):
        X, y = answers()
        tool = TypingTool(3).fit(pl.from_pandas(X), y)
        again = pickle.loads(pickle.dumps(tool))
        np.testing.assert_array_equal(again.predict(X), tool.predict(X))
        assert len(pickle.dumps(tool)) < 20_000


class TestInModels:
    def test_as_the_assigner(self):
        simulated = make_customers(
            600, n_segments=3, separation=3, missing=0, random_state=0
        )
        items = list(simulated.item_columns)
        model = SegmentationModel(
            KMeansSegmenter(3, random_state=0), TypingTool(3), basis=items
        ).fit(simulated.customers)
        tool = model.assigner_
        asked = simulated.customers[tool.questions_.tolist()]
        scorer = compile_scorer(model)
        assert set(scorer.columns) == set(tool.questions_)
        expected = model.predict(simulated.customers)
        np.testing.assert_array_equal(model.predict(asked), expected)
        np.testing.assert_array_equal(scorer.predict(asked), expected)
        rows = asked.to_dict("records")
        assert [scorer.predict_one(row) for row in rows] == expected.tolist()
        np.testing.assert_array_equal(
            scorer.predict_proba(asked), model.predict_proba(simulated.customers)
        )

    @pytest.mark.parametrize("options", [{}, {"split_by": "kind"}])
    def test_new_customers_need_the_questions_alone(self, options):
        X, _ = answers(500)
        X["kind"] = np.where(np.arange(len(X)) % 2, "shop", "home")
        X["id"] = np.arange(len(X))
        model = SegmentationModel(
            KMeansSegmenter(3, random_state=0),
            TypingTool(3),
            basis=[f"q{i}" for i in range(10)],
            customer_id="id",
            reject_alpha=0.1,
            calibration="temperature",
            random_state=0,
            **options,
        ).fit(X)
        parts = model.models_.values() if options else [model]
        questions = {name for part in parts for name in part.assigner_.questions_}
        assert len(questions) < 7
        asked = X[["id", "kind", *sorted(questions)]]
        whole = model.assign(X)
        pd.testing.assert_frame_equal(model.assign(asked), whole)
        assert (whole["segment"] == -1).any()
        scorer = compile_scorer(model)
        assert questions <= set(scorer.columns) <= {*questions, "kind"}
        np.testing.assert_array_equal(scorer.predict(asked), whole["segment"])
        np.testing.assert_allclose(
            scorer.predict_proba(asked), model.predict_proba(asked), atol=1e-12
        )
        rows = asked.to_dict("records")[:50]
        found = [scorer.assign_one(row)["typicality"] for row in rows]
        np.testing.assert_allclose(found, whole["typicality"][:50])
        np.testing.assert_array_equal(
            model.plausible_segments(asked, 0.1), model.plausible_segments(X, 0.1)
        )
        gone = sorted(questions)[0]
        with pytest.raises(SchemaError, match=f"Got no {gone!r} among"):
            model.predict(asked.drop(columns=gone))

    def test_scorer_of_an_array(self):
        X, y = answers()
        tool = TypingTool(3).fit(X.to_numpy(), y)
        scorer = compile_scorer(tool)
        names = [f"x{column}" for column in tool.columns_]
        assert scorer.columns == tuple(names)
        asked = X.to_numpy()[:, tool.columns_]
        np.testing.assert_array_equal(scorer.predict(asked), tool.predict(X.to_numpy()))


class TestRefusals:
    def refused(self, kind, message, tool, X, y):
        with pytest.raises(kind, match=re.escape(message)):
            tool.fit(X, y)

    def test_in_fit(self):
        X, y = answers(60)
        message = "cost must name columns of the table. Got 'Q1' instead. The columns"
        self.refused(SchemaError, message, TypingTool(cost={"Q1": 2}), X, y)
        message = "Costs must be numbers above zero. Got 0 for column 'q1' instead."
        self.refused(ValueError, message, TypingTool(cost={"q1": 0}), X, y)
        message = (
            "Some question must cost at most max_cost=0.5. Got 1 for the cheapest "
            "instead. Raise max_cost."
        )
        self.refused(ValueError, message, TypingTool(max_cost=0.5), X, y)
        message = "There must be two segments or more to tell apart. Got 1 class"
        self.refused(DegenerateFitError, message, TypingTool(), X, np.zeros(60))
        message = "At least one column must vary. Got 10 constant columns instead."
        self.refused(DegenerateFitError, message, TypingTool(), X * 0, y)
        message = (
            "Customers must make three folds or more. Got n_samples=4 customers in 2"
        )
        self.refused(
            DegenerateFitError, message, TypingTool(), X[:4], np.array([0, 0, 1, 1])
        )
        wrong = X.assign(q3=X["q3"].where(X.index > 4))
        message = "column 'q3': 5 of 60 rows (first: row 0)"
        self.refused(DataQualityError, message, TypingTool(), wrong, y)

    def test_in_predict(self):
        X, y = answers(200)
        tool = TypingTool(3).fit(X, y)
        asked = X[tool.questions_]
        first = tool.questions_[0]
        message = (
            f"must have all questions. Got no {first!r} among its 2 columns instead"
        )
        with pytest.raises(SchemaError, match=re.escape(message)):
            tool.predict(asked.drop(columns=first))
        message = f"column {first!r}: 1 of 200 rows (first: row 3)"
        with pytest.raises(DataQualityError, match=re.escape(message)):
            tool.predict(asked.assign(**{first: asked[first].where(asked.index != 3)}))


def test_weights_must_sum_to_more_than_there_are_segments():
    X = np.random.default_rng(0).normal(size=(60, 3))
    message = "Got n_samples=60 customers of total weight 0.6 in 3 segments instead."
    with pytest.raises(DegenerateFitError, match=re.escape(message)):
        TypingTool(1).fit(X, np.arange(60) % 3, sample_weight=np.full(60, 0.01))
