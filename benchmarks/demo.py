"""The demo, end to end

`custseg demo` as a process: 440 wholesale clients are read, 396 of them segmented by
21 candidates, tables, a model and three pictures written, 44 clients assigned. The
first peer is a bare scikit-learn script with the fits most would write by hand (log,
scale, k-means and Gaussian mixtures with 2 to 8 segments, silhouettes, a linear
discriminant), the second adds Ward's trees, three pictures and the files. Memory is
that of the whole process, libraries included.
"""

import inspect
import sys

from _harness import Case, Process, WrongAnswerError, run

READING = """
About half of the time goes into importing pandas, scikit-learn and matplotlib, and the
fits take as long on both sides. Compare with the second peer, which leaves about the
same files behind: what ours adds to it are checks of its input, standard errors of
silhouettes, a profile that names the segments, and pictures with more in them.
"""
DEMO = """\
import runpy, sys
sys.argv = ["custseg", "demo", "--out", "."]
runpy.run_module("custseg", run_name="__main__")
"""


def bare_script(numbers, everything):
    """The peer; its source is run by a fresh interpreter."""
    from importlib.resources import files

    import joblib
    import numpy as np
    import pandas as pd
    from sklearn.cluster import AgglomerativeClustering, KMeans
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.metrics import silhouette_score
    from sklearn.mixture import GaussianMixture
    from sklearn.preprocessing import StandardScaler

    clients = pd.read_csv(str(files("custseg.datasets") / "data" / "wholesale.csv"))
    held_back = clients.sample(frac=0.1, random_state=0)
    known = clients.drop(held_back.index)
    spend = [name for name in clients if name not in ("Channel", "Region")]
    scaler = StandardScaler().fit(np.log1p(known[spend]))
    Z = scaler.transform(np.log1p(known[spend]))
    rows, labelings = [], []
    for k in numbers:
        candidates = {
            "k-means": KMeans(k, n_init=10, random_state=0),
            "mixture": GaussianMixture(k, n_init=5, random_state=0),
        }
        if everything:
            candidates["ward"] = AgglomerativeClustering(k)
        for name, estimator in candidates.items():
            labels = estimator.fit_predict(Z)
            share = np.bincount(labels).min() / len(labels)
            score = silhouette_score(Z, labels) if share >= 0.02 else -1.0
            rows.append({"estimator": name, "n_segments": k, "silhouette": score})
            labelings.append(labels)
    results = pd.DataFrame(rows)
    best = int(results["silhouette"].argmax())
    discriminant = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    discriminant.fit(Z, labelings[best])
    new = discriminant.predict(scaler.transform(np.log1p(held_back[spend])))
    results["selected"] = np.arange(len(results)) == best
    results.to_csv("selection.csv", index=False)
    if not everything:
        return
    held_back.assign(segment=new).to_csv("new_segments.csv", index=False)
    known.assign(segment=labelings[best]).to_csv("segments.csv", index=False)
    known.groupby(labelings[best]).mean().to_csv("profile.csv")
    joblib.dump((scaler, discriminant), "model.joblib")
    draw(results, known[spend].groupby(labelings[best]).mean(), Z, labelings[best])


def draw(results, means, Z, labels):
    """Three plain pictures of the second peer."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import numpy as np
    from sklearn.metrics import silhouette_samples

    ax = plt.figure(layout="constrained").subplots()
    for name, rows in results.groupby("estimator"):
        ax.plot(rows["n_segments"], rows["silhouette"], marker="o", label=name)
    ax.legend()
    ax.figure.savefig("selection.png", dpi=120, bbox_inches="tight")
    ax = plt.figure(layout="constrained").subplots()
    ax.imshow(means / means.mean())
    ax.set_xticks(range(means.shape[1]), means.columns, rotation=30)
    ax.figure.savefig("profile.png", dpi=120, bbox_inches="tight")
    ax = plt.figure(layout="constrained").subplots()
    samples = silhouette_samples(Z, labels)
    order = np.lexsort((samples, labels))
    ax.fill_betweenx(np.arange(len(order)), 0, samples[order])
    ax.figure.savefig("silhouette.png", dpi=120, bbox_inches="tight")


def peer_code(numbers, everything):
    functions = inspect.getsource(bare_script) + inspect.getsource(draw)
    return f"{functions}\nbare_script(range{numbers}, {everything})"


def chosen(folder):
    """Number of segments and silhouette of the chosen candidate."""
    import csv

    with (folder / "selection.csv").open() as lines:
        best = [row for row in csv.DictReader(lines) if row["selected"] == "True"]
    return int(best[0]["n_segments"]), float(best[0]["silhouette"])


def agree(ours, peer):
    if ours[0] != peer[0]:
        raise WrongAnswerError(f"{ours[0]} and {peer[0]} segments")
    return (
        f"both {ours[0]} segments; silhouettes {ours[1]:.3f} and {peer[1]:.3f} (the "
        "logarithm's unit differs)"
    )


def cases(quick):
    ours = Process("`custseg demo`", DEMO, chosen)
    bare = Process("bare script", peer_code((2, 9), False), chosen)
    full = Process("script with trees and files", peer_code((2, 9), True), chosen)
    sides = (ours, full) if quick else (ours, bare, full)
    return [Case("demo", sides, agree, repeats=1 if quick else 5)]


if __name__ == "__main__":
    sys.exit(run(__file__, __doc__, cases, READING))
