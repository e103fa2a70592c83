"""A small corpus for tests: review folders about invented trials, and the settings that build them."""

import gzip
import json
import random

import yaml

from finetune.invention.trials import invent

CONFIG = {
    "sources": [{"name": "folders", "kind": "review_folders", "path": "reviews", "licence": "CC0-1.0"}],
    "makers": {"pico": {}},
    "invented": {"count": 120, "seed": 3},
    "split": {"validation": 0.1, "test": 0.2, "sources": {"invented": None}},
}
"""Twelve reviews and 120 invented questions."""


def write_reviews(data, count=12, licence="CC0-1.0"):
    """Review folders, one a year from 2008, with a handful of records each."""
    chance = random.Random("reviews")
    for number in range(count):
        trial = invent(chance)
        folder = data / "reviews" / f"review{number:02}"
        folder.mkdir(parents=True)
        said = {
            "title": f"{trial.drug} in {trial.people} with {trial.disease}: review number {number}",
            "pico": {"P": f"{trial.people} with {trial.disease}", "I": trial.drug},
            "licence": licence,
        }
        (folder / "review.json").write_text(json.dumps(said), encoding="utf-8")
        rows = []
        for at in range(6):
            found = invent(chance, filler=8)
            rows.append({
                "record_id": f"{at}", "pmid": str(10_000_000 + 100 * number + at), "title": found.title,
                "abstract": found.text, "year": 2008 + number, "label_ta": int(at < 3), "label_final": int(at < 2),
            })  # fmt: skip
        with gzip.open(folder / "records.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)


def write_config(folder, **changes):
    """The build's file; a key that is None is taken out."""
    told = {key: value for key, value in (CONFIG | changes).items() if value is not None}
    path = folder / "build.yaml"
    path.write_text(yaml.safe_dump(told, sort_keys=False), encoding="utf-8")
    return path
