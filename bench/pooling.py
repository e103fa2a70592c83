"""Effects and pooled effects beside published ones: printed numbers, Cochrane's study rows and weights, metadat.

    python -m bench.pooling --data ../shared/data/meta_analysis --out bench/results/pooling.json

Vectors: numbers of published analyses (see bench.pooling_vectors).

vectors_ok              ours rounds to the printed number, or would with metafor's early stop (bench.pooling_printed)
vectors_early_stop      how many of those need the latter

Study rows of Cochrane reviews (see bench.pooling_pairwise): effect and both limits equal the published ones to the last
of their six decimals; a row that was published without an effect has none here either.

recomputed_share        of all rows, each by the measure that most rows of its analysis come out by
by_siblings_share       of rows in analyses with another published row, by the measure that the others come out by
smd_largest_difference  between Review Manager's SMD and the exact one, which is the default here

Pooled analyses of two studies or more (see bench.pooling_weights):

weights_share           all weights equal those published, under one of the models

metadat (see bench.pooling_metadat): each data set that holds effects, or what effects are made of, through every model,
estimator and interval; beside it PyMARE.

metadat_computed        of metadat_sets without an error; the others hold another kind of data
pymare_same             of metadat_compared: τ² of four estimators within 0.001 of the total variance
less_likely             data sets in which PyMARE's ML or REML τ² is likelier than ours
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import pooling_metadat, pooling_pairwise
from bench.pooling_pairwise import Judged
from bench.pooling_vectors import from_files, inline
from bench.pooling_weights import weighed
from bench.report import Column, parser, table, write
from tools.errors import InputFileError, ReviewError
from tools.synthesis.effects import effect
from tools.synthesis.values import Effect

__all__ = ["main"]

VECTOR_COLUMNS = (
    Column("data", "published analysis"),
    Column("vectors", "numbers"),
    Column("ok", "ok"),
    Column("early_stop", "by early stop"),
)
ROW_COLUMNS = (
    Column("kind", "rows of"),
    Column("measure", "measure"),
    Column("rows", "rows"),
    Column("no_effect", "without effect"),
    Column("recomputed", "recomputed"),
    Column("by_siblings", "by siblings"),
    Column("of_siblings", "of"),
)
WEIGHT_COLUMNS = (
    Column("model", "model"),
    Column("analyses", "analyses that fit"),
    Column("alone", "that fit no other"),
)
SET_COLUMNS = (
    Column("data", "data set"),
    Column("measure", "measure"),
    Column("effects", "effects"),
    Column("not_estimable", "not estimable"),
    Column("tau2", "tau2 REML", 6),
    Column("y", "mean", 4),
    Column("tau2_differs", "tau2 off", 7),
    Column("mean_differs", "mean off", 7),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the tables, write JSON with `--out`."""
    options = parser(__doc__ or "")
    options.add_argument(
        "--data", type=Path, required=True, help="folder with metadat and pairwise_effects.csv.gz"
    )
    given = options.parse_args(argv)
    try:
        return _run(given)
    except ReviewError as e:
        print(f"{type(e).__name__}: {e}", file=sys.stderr)
        return e.exit_status


def _run(given: argparse.Namespace) -> int:
    metadat = given.data / "metadat"
    if not metadat.is_dir():
        raise InputFileError(
            f"{metadat}: not there. Remedy: give the folder that holds `metadat` with --data."
        )
    summary: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    for part in (_vectors(metadat), _pairwise(given.data / "pairwise_effects.csv.gz"), _metadat(metadat)):
        found, more, text = part
        summary |= found
        rows += more
        print(text, end="\n\n")
    print(json.dumps(summary, indent=1, ensure_ascii=False))
    write(given.out, summary, rows)
    return 0


Part = tuple[dict[str, Any], list[dict[str, Any]], str]
"""Summary, rows, and the tables as text."""


def _vectors(metadat: Path) -> Part:
    found = [*inline(), *from_files(metadat)]
    rows: list[dict[str, Any]] = []
    for name in dict.fromkeys(vector.data for vector in found):
        mine = [vector for vector in found if vector.data == name]
        early = [vector for vector in mine if not vector.met and vector.met_as_stopped]
        missed = [
            {"what": v.what, "printed": v.printed, "ours": v.ours}
            for v in mine
            if not (v.met or v.met_as_stopped)
        ]
        rows.append(
            {"part": "vectors", "data": name, "vectors": len(mine), "ok": len(mine) - len(missed),
             "early_stop": len(early), "missed": missed}
        )  # fmt: skip
    summary = {
        "vectors_ok": sum(row["ok"] for row in rows),
        "vectors_total": len(found),
        "vectors_early_stop": sum(row["early_stop"] for row in rows),
    }
    return summary, rows, table(rows, VECTOR_COLUMNS)


def _pairwise(path: Path) -> Part:
    judged = list(pooling_pairwise.judged(pooling_pairwise.read(path)))
    rows: list[dict[str, Any]] = []
    for kind, measure in sorted({(one.row.kind, one.measure or "") for one in judged}):
        mine = [one for one in judged if (one.row.kind, one.measure or "") == (kind, measure)]
        of_siblings = [one for one in mine if one.ok_by_siblings is not None]
        rows.append(
            {"part": "pairwise", "kind": kind, "measure": measure or None, "rows": len(mine),
             "no_effect": sum(one.row.published is None for one in mine), "recomputed": sum(one.ok for one in mine),
             "by_siblings": sum(bool(one.ok_by_siblings) for one in of_siblings), "of_siblings": len(of_siblings),
             "reasons": dict(sorted(Counter(one.reason for one in mine if not one.ok).items()))}
        )  # fmt: skip
    analyses = list(weighed(judged))
    models = Counter(model for one in analyses for model in one.models)
    alone = Counter(one.models[0] for one in analyses if len(one.models) == 1)
    weights: list[dict[str, Any]] = [
        {"part": "weights", "model": model, "analyses": models[model], "alone": alone[model]}
        for model in sorted(models)
    ]
    fits_none: list[dict[str, Any]] = [
        {"part": "weights", "model": None, "analysis": [*one.analysis, one.subgroup], "studies": one.studies}
        for one in analyses
        if not one.models
    ]
    asked = sum(row["of_siblings"] for row in rows)
    summary = {
        "recomputed_share": sum(one.ok for one in judged) / len(judged),
        "recomputed_rows": len(judged),
        "by_siblings_share": sum(row["by_siblings"] for row in rows) / asked if asked else None,
        "smd_largest_difference": _largest_smd_difference(judged),
        "weights_share": sum(bool(one.models) for one in analyses) / len(analyses) if analyses else None,
        "weights_analyses": len(analyses),
    }
    names = "; ".join(" ".join(row["analysis"]) for row in fits_none)
    text = f"{table(rows, ROW_COLUMNS)}\n\n{table(weights, WEIGHT_COLUMNS)}\n\nfits none: {names or 'none'}"
    return summary, rows + weights + fits_none, text


def _largest_smd_difference(judged: Sequence[Judged]) -> float | None:
    differences = []
    for one in judged:
        if one.measure == "SMD":
            both = [effect(one.row.data, "SMD", smd=how) for how in ("exact", "revman")]
            ys = [made.y for made in both if isinstance(made, Effect)]
            differences += [abs(ys[0] - ys[1])] if len(ys) == 2 else []
    return max(differences, default=None)


def _metadat(folder: Path) -> Part:
    rows = [{"part": "metadat", **pooling_metadat.measured(path)} for path in sorted(folder.glob("*.csv"))]
    shown = [row for row in rows if "measure" in row]
    compared = [row for row in shown if "same" in row]
    summary = {
        "metadat_files": len(rows),
        "metadat_sets": len(shown),
        "metadat_computed": sum(row["state"] == "computed" for row in shown),
        "metadat_compared": len(compared),
        "pymare_same": sum(row["same"] for row in compared),
        "less_likely": sum(not row["never_less_likely"] for row in compared),
        "tau2_largest_difference": max((row["tau2_differs"] for row in compared), default=None),
        "mean_largest_difference": max((row["mean_differs"] for row in compared), default=None),
    }
    others = ", ".join(row["data"] for row in rows if "measure" not in row)
    failed = "".join(f"\n{row['data']}: {row['state']}" for row in shown if row["state"] != "computed")
    return summary, rows, f"{table(shown, SET_COLUMNS)}\n\nof another kind: {others}{failed}"


if __name__ == "__main__":
    sys.exit(main())
