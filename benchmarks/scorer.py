"""Compiled scorers

`compile_scorer` against the very pipeline that it was made of, in scikit-learn:
`ColumnTransformer` (four numbers through `SimpleImputer` and `StandardScaler`, three
columns of levels through `OneHotEncoder`), `PCA`, and `KMeans` or
`LinearDiscriminantAnalysis`. One customer is a dict for the scorer and a table of one
row for the pipeline, with every check that each makes; beside it stands the same
pipeline in ONNX Runtime, where `onnxruntime` and `skl2onnx` are installed. A table has
a million rows and pandas' categorical columns. A cold start is a fresh interpreter that
loads the model and answers for one customer. Memory is above that of the input, and in
a cold start that of the whole process.
"""

import atexit
import shutil
import sys
import tempfile
import time
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path

from _harness import Call, Case, Process, Target, WrongAnswerError, run

READING = """
Nearly all of what the pipeline takes for one customer goes into making and checking
tables of one row, once a step; the arithmetic takes a few microseconds. The scorer
reads the values of the dict once and does the arithmetic alone. In a table levels are
looked up by their codes, customers are worked on 16,384 at a time so that what lies
between steps stays in the cache, and memory does not grow with the customers. A cold
start of the scorer is little more than `import numpy`.
"""
NUMBERS = ["age", "income", "orders", "spend"]
LEVELS = {
    "channel": ["store", "web", "phone"],
    "region": ["north", "east", "south", "west", "abroad"],
    "tenure": ["new", "one year", "two years", "longer"],
}
N_FIT, N_SEGMENTS = 10_000, 5


@cache
def customers(n):
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(n)
    segments = rng.integers(0, N_SEGMENTS, n)
    typical = np.random.default_rng(0)
    numbers = typical.gamma(4, 10, (N_SEGMENTS, 4))[segments] * rng.gamma(
        8, 1 / 8, (n, 4)
    )
    numbers[rng.random((n, 4)) < 0.02] = np.nan
    table = pd.DataFrame(numbers, columns=NUMBERS)
    for name, levels in LEVELS.items():
        shares = typical.dirichlet(np.ones(len(levels)), N_SEGMENTS).cumsum(axis=1)
        codes = (rng.random((n, 1)) > shares[segments]).sum(axis=1)
        codes = np.minimum(codes, len(levels) - 1)
        table[name] = pd.Categorical.from_codes(codes, levels)
    return table, segments


@cache
def pipeline(kind):
    from sklearn.cluster import KMeans
    from sklearn.compose import make_column_transformer
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), NUMBERS),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), list(LEVELS)),
    )
    last = (
        KMeans(N_SEGMENTS, n_init=10, random_state=0)
        if kind == "KMeans"
        else LinearDiscriminantAnalysis()
    )
    table, segments = customers(N_FIT)
    return make_pipeline(columns, PCA(6), last).fit(_of_text(table), segments)


def _of_text(table):
    """Return the table as it is without pandas' categories."""
    return table.astype(dict.fromkeys(LEVELS, object))


@cache
def dicts(n):
    table = _of_text(customers(N_FIT)[0].iloc[:n])
    return table.astype(object).where(table.notna(), None).to_dict("records")


def each_timed(answer, requests):
    """Return answers of all requests, and the 99th percentile over the median time."""
    for request in requests:  # a service has been asked before
        answer(request)

    def ask():
        seconds, answers = [], []
        for request in requests:
            begin = time.perf_counter()
            answered = answer(request)
            seconds.append(time.perf_counter() - begin)
            answers.append(answered)
        seconds.sort()
        middle, late = (seconds[int(len(seconds) * q)] for q in (0.5, 0.99))
        return answers, late / middle

    return ask


def start_scorer(kind, n):
    from custseg import compile_scorer

    scorer = compile_scorer(pipeline(kind))
    return each_timed(scorer.predict_one, dicts(n))


def start_pipeline(kind, n):
    model, table = pipeline(kind), _of_text(customers(N_FIT)[0].iloc[:n])
    tables = [table.iloc[[i]] for i in range(n)]
    return each_timed(lambda row: model.predict(row)[0].item(), tables)


def start_onnx(kind, n):
    import numpy as np
    from onnxruntime import InferenceSession, SessionOptions
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    inputs = [(name, FloatTensorType([None, 1])) for name in NUMBERS]
    inputs += [(name, StringTensorType([None, 1])) for name in LEVELS]
    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    model = to_onnx(pipeline(kind), initial_types=inputs).SerializeToString()
    ask = InferenceSession(model, options, ["CPUExecutionProvider"]).run

    def answer(customer):
        row = {}
        for name in NUMBERS:
            value = customer[name]
            row[name] = np.array([[np.nan if value is None else value]], np.float32)
        for name in LEVELS:
            row[name] = np.array([[customer[name]]], object)
        return ask(None, row)[0].item()

    return each_timed(answer, dicts(n))


def start_table(which, kind, n):
    from custseg import compile_scorer

    table, model = customers(n)[0], pipeline(kind)
    return partial((compile_scorer(model) if which == "ours" else model).predict, table)


def same_answers(ours, peer):
    (answers, late), (others, late_peer) = ours, peer
    n_other = sum(a != b for a, b in zip(answers, others, strict=True))
    if n_other > 1e-3 * len(answers):  # ONNX Runtime works in single precision
        raise WrongAnswerError(f"{n_other} of {len(answers)} customers elsewhere")
    same = f"{n_other} customers elsewhere" if n_other else "same segments"
    return f"{same}; 99 % within {late:.1f} medians, the peer's within {late_peer:.1f}"


def same_labels(ours, peer):
    n_other = int((ours != peer).sum())
    if n_other:
        raise WrongAnswerError(f"{n_other} of {len(ours)} customers elsewhere")
    return "same segments"


def one_customer(kind, n):
    sides = [
        Call("Scorer.predict_one", partial(start_scorer, kind, n)),
        Call("the pipeline", partial(start_pipeline, kind, n)),
    ]
    if find_spec("onnxruntime") and find_spec("skl2onnx"):
        sides.append(Call("ONNX Runtime", partial(start_onnx, kind, n)))
    target = Target(f"one customer, {kind}: at most a hundredth", 0.01)
    name = f"one customer, {kind}"
    return Case(name, tuple(sides), same_answers, n, target, each=True)


def whole_table(kind, n):
    sides = (
        Call("Scorer.predict", partial(start_table, "ours", kind, n)),
        Call("the pipeline", partial(start_table, "peer", kind, n)),
    )
    target = Target(f"a table, {kind}: at most a third", 1 / 3)
    return Case(f"{n:,} rows, {kind}", sides, same_labels, n, target)


@cache
def saved():
    """Folder with the model as a scorer and as a pickle, and one customer."""
    import joblib

    from custseg import compile_scorer

    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    model = pipeline("LinearDiscriminantAnalysis")
    compile_scorer(model).save(folder / "model.scorer")
    joblib.dump(model, folder / "model.joblib")
    return folder


def cold_start():
    path, customer = str(saved() / "model"), dicts(1)[0]
    ours = f"""
from custseg.scoring import load_scorer
answer = load_scorer({path + ".scorer"!r}).predict_one({customer!r})
open("answer", "w").write(str(answer))
"""
    peer = f"""
import joblib
import pandas as pd
row = pd.DataFrame([{customer!r}])
answer = joblib.load({path + ".joblib"!r}).predict(row)[0]
open("answer", "w").write(str(answer))
"""
    numpy = 'import numpy; open("answer", "w").write("")'
    sides = (
        Process("load_scorer, predict_one", ours, _read),
        Process("joblib.load, predict", peer, _read),
        Process("import numpy", numpy, _read),
    )
    target = Target("cold start: at most 0.5 s", 0.5, "seconds")
    return Case("cold start", sides, same_answer, target=target)


def _read(folder):
    return (folder / "answer").read_text()


def same_answer(ours, peer):
    if peer and ours != peer:
        raise WrongAnswerError(f"{ours} and {peer}")
    return "same segment" if peer else ""


def cases(quick):
    n, n_single = (20_000, 20) if quick else (1_000_000, 500)
    kinds = ("KMeans", "LinearDiscriminantAnalysis")
    return [
        *(one_customer(kind, n_single) for kind in kinds),
        *(whole_table(kind, n) for kind in kinds),
        cold_start(),
    ]


if __name__ == "__main__":
    sys.exit(run(__file__, __doc__, cases, READING))
