"""A scorer in a file: a header in JSON, arrays, and a checksum; no code."""

import hashlib
import json
import os
from dataclasses import fields
from importlib import import_module
from uuid import uuid4

import numpy as np

from custseg.exceptions import ModelFileError
from custseg.scoring._places import Places
from custseg.scoring._record import KINDS, Record

_MAGIC = b"custseg scorer\n"
_VERSION = 1
_SHA = hashlib.sha256().digest_size
_ALIGNED = 64
# Modules of steps, each of which registers its own; the most common ones first.
_STEPS = (
    *("_scorer", "_segments", "_numbers", "_rules", "_rfm", "_classes", "_derived"),
    *("_derivations", "_shares", "_nested", "_earth", "_silence", "_attitudes"),
    "_wants",
)


def save_scorer(scorer, path):
    """Write a scorer, whole or not at all."""
    arrays = []
    header = {"version": _VERSION, "scorer": _encoded(scorer, arrays)}
    listed, offset = [], 0
    for array in arrays:
        listed.append([array.dtype.str, list(array.shape), offset])
        offset += -(-array.nbytes // _ALIGNED) * _ALIGNED
    header["arrays"] = listed
    text = json.dumps(header).encode()
    body = len(text).to_bytes(8, "little") + text
    for array in arrays:
        body += array.tobytes() + bytes(-array.nbytes % _ALIGNED)
    partial = f"{path}.{uuid4().hex}.partial"
    try:
        with open(partial, "xb") as file:
            file.write(_MAGIC + hashlib.sha256(body).digest() + body)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        if os.path.exists(partial):
            os.unlink(partial)
        raise


def load_scorer(path):
    """Read a scorer that `Scorer.save` has written.

    Neither scikit-learn nor pandas is imported, and nothing in the file is run.

    Parameters
    ----------
    path : str or path
        Of the file.

    Returns
    -------
    scorer : Scorer

    Raises
    ------
    ModelFileError
        If the file is no scorer, is damaged, or was written by a later version.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> import os, tempfile
    >>> from custseg import KMeansSegmenter, compile_scorer
    >>> from custseg.scoring import load_scorer
    >>> model = KMeansSegmenter(2, random_state=0).fit([[1], [2], [8], [9], [9]])
    >>> path = os.path.join(tempfile.mkdtemp(), "segments.cscore")
    >>> compile_scorer(model).save(path)
    >>> load_scorer(path).predict_one({"x0": 7})
    0
    """
    with open(path, "rb") as file:
        content = file.read()
    if not content.startswith(_MAGIC):
        raise ModelFileError(
            f"{os.fspath(path)!r} must be a scorer. Got another kind of file instead. "
            "Give a file that Scorer.save has written."
        )
    start = len(_MAGIC) + _SHA
    checksum, body = content[len(_MAGIC) : start], memoryview(content)[start:]
    if hashlib.sha256(body).digest() != checksum:
        raise ModelFileError(
            f"{os.fspath(path)!r} must be as it was written. Got {len(content)} bytes "
            "with another checksum instead. Copy the file again, or save the scorer "
            "again."
        )
    n_header = int.from_bytes(body[:8], "little")
    header = json.loads(bytes(body[8 : 8 + n_header]))
    if header["version"] > _VERSION:
        raise ModelFileError(
            f"{os.fspath(path)!r} must be of version {_VERSION} or earlier. Got "
            f"version {header['version']} instead. Read it with a later custseg, or "
            "save the scorer again with this one."
        )
    arrays = [_array(body[8 + n_header :], *entry) for entry in header["arrays"]]
    return _decoded(header["scorer"], arrays)


def _array(data, dtype, shape, offset):
    count = int(np.prod(shape, dtype=np.int64))
    array = np.frombuffer(data, dtype=dtype, count=count, offset=offset)
    return array.reshape(shape).copy()


def _encoded(value, arrays):
    """Turn records into what JSON can hold; arrays are put aside."""
    if isinstance(value, Record):
        parts = {f.name: getattr(value, f.name) for f in fields(value)}
        parts = {name: _encoded(part, arrays) for name, part in parts.items()}
        return {"kind": type(value).__name__, **parts}
    if isinstance(value, Places):
        return {"kind": "Places", "levels": value.levels, "reading": value.reading}
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "O":
            return {"kind": "objects", "values": value.tolist()}
        arrays.append(np.ascontiguousarray(value))
        return {"kind": "array", "number": len(arrays) - 1}
    if isinstance(value, tuple | list):
        return [_encoded(one, arrays) for one in value]
    return value.item() if isinstance(value, np.generic) else value


def _decoded(value, arrays):
    if isinstance(value, list):
        return tuple(_decoded(one, arrays) for one in value)
    if not isinstance(value, dict):
        return value
    kind = value["kind"]
    if kind == "array":
        return arrays[value["number"]]
    if kind == "objects":
        return np.array(value["values"], dtype=object)
    if kind == "Places":
        return Places(value["levels"], value["reading"])
    parts = {
        name: _decoded(part, arrays) for name, part in value.items() if name != "kind"
    }
    return _record_of(kind)(**parts)


def _record_of(kind):
    """Return the class of a kind, importing no more modules than it takes."""
    for module in _STEPS:
        if kind in KINDS:
            break
        import_module(f"custseg.scoring.{module}")
    return KINDS[kind]
