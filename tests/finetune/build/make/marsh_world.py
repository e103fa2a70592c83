"""An invented corner of medicine: a vocabulary, a review with what it found, registry entries, and their corpus."""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finetune.build.corpus import Corpus
from finetune.build.ingest import ingest
from finetune.build.sources.source import Source
from tools.search.vocabulary import Vocabulary, install

HEADINGS = [
    {"descriptor": "Marsh Ailments", "ui": "X01", "tree_numbers": ["C51"]},
    {
        "descriptor": "Glimmer Fever",
        "ui": "X02",
        "tree_numbers": ["C51.100"],
        "entry_terms": ["Glimmers", "Fever, Shining"],
    },
    {"descriptor": "Reed Cough", "ui": "X03", "tree_numbers": ["C51.300"]},
    {"descriptor": "Fictional Substances", "ui": "X04", "tree_numbers": ["D02"]},
    {"descriptor": "Glimmer Blockers", "ui": "X05", "tree_numbers": ["D27.505.954.100"]},
    {
        "descriptor": "Veluprine",
        "ui": "X06",
        "tree_numbers": ["D02.100"],
        "entry_terms": ["Veluprinate", "Zelquora"],
        "pharmacological_actions": ["Glimmer Blockers"],
    },
    {
        "descriptor": "Tomafril",
        "ui": "X07",
        "tree_numbers": ["D02.200"],
        "pharmacological_actions": ["Glimmer Blockers"],
    },
]

INCLUDED = {
    "101": ("Veluprine in glimmer fever", "Forty adults with glimmer fever were given veluprine."),
    "102": ("Tomafril against shining fever", "Adults with shining fever took tomafril or nothing."),
    "103": ("Veluprinate for the glimmers", "Veluprinate was given for six weeks to people with glimmers."),
    "104": ("A trial of tomafril", "In glimmer fever tomafril was compared with rest."),
    "105": ("Glimmer fever and its treatment", "Sixty patients with glimmer fever received veluprine daily."),
}
OTHERS = {
    "201": ("Veluprine in reed cough", "Adults with reed cough were given veluprine."),
    "202": ("The history of glimmer fever", "A chronicle of glimmer fever in three villages."),
    **{str(300 + n): (f"Reed cough {n}", f"Report {n} on reed cough and its weather.") for n in range(50)},
}
RECORDS = INCLUDED | OTHERS

ASKED = "What are the effects of veluprine and tomafril in adults with glimmer fever?"
CRITERIA = (
    "QUESTION: " + ASKED + "\n"
    "Population INCLUDE: glimmer fever\n"
    "Intervention INCLUDE: glimmer blockers; veluprine"
)


def vocabulary_at(folder: Path) -> Vocabulary:
    """The installed vocabulary of this world."""
    source = folder / "headings.jsonl"
    source.write_text("\n".join(map(json.dumps, HEADINGS)))
    return install(folder / "headings.sqlite", source)


def entry(number: str, **sections: Any) -> dict[str, Any]:
    """A registry entry in the registry's own form; `sections` replace modules of its protocol."""
    protocol: dict[str, Any] = {
        "identificationModule": {
            "nctId": number,
            "briefTitle": "Veluprine in glimmer fever",
            "officialTitle": "Veluprine Versus Placebo in Adults With Glimmer Fever",
        },
        "statusModule": {"lastUpdatePostDateStruct": {"date": "2021-03-04"}},
        "descriptionModule": {
            "briefSummary": "Veluprine is compared with placebo by days of fever in adults with glimmer fever."
        },
        "conditionsModule": {"conditions": ["Glimmer Fever"]},
        "designModule": {"studyType": "INTERVENTIONAL"},
        "armsInterventionsModule": {
            "armGroups": [
                {"label": "Drug", "type": "EXPERIMENTAL"},
                {"label": "Placebo arm", "type": "PLACEBO_COMPARATOR"},
            ],
            "interventions": [
                {"type": "DRUG", "name": "Veluprine", "armGroupLabels": ["Drug"]},
                {"type": "DRUG", "name": "Placebo", "armGroupLabels": ["Placebo arm"]},
            ],
        },
        "outcomesModule": {"primaryOutcomes": [{"measure": "Days of fever", "timeFrame": "6 weeks"}]},
    }
    return {"protocolSection": protocol | sections, "hasResults": False}


ENTRIES = [
    entry("NCT90000001", referencesModule={"references": [{"pmid": "101", "type": "RESULT"}]}),
    entry("NCT90000002", referencesModule={"references": [{"pmid": "105", "type": "RESULT"}]}),
    *(
        entry(
            f"NCT9000010{n}",
            identificationModule={"nctId": f"NCT9000010{n}", "briefTitle": f"Reed cough, part {n}"},
            descriptionModule={"briefSummary": "Weather and reed cough."},
            conditionsModule={"conditions": ["Reed Cough"]},
            armsInterventionsModule={},
            designModule={"studyType": "OBSERVATIONAL"},
        )
        for n in range(10)
    ),
]


def corpus_at(folder: Path, said: Mapping[str, Any] | None = None) -> Corpus:
    """The corpus of this world, ingested from files; `said` replaces parts of the review."""
    review = folder / "reviews" / "marsh"
    review.mkdir(parents=True)
    told = {"title": "Glimmer blockers in glimmer fever", "criteria_text": CRITERIA, **(said or {})}
    (review / "review.json").write_text(json.dumps(told))
    rows = [
        {
            "record_id": pmid,
            "pmid": pmid,
            "title": title,
            "abstract": abstract,
            "label_ta": 1,
            "label_final": int(pmid in INCLUDED),
        }
        for pmid, (title, abstract) in {**INCLUDED, "201": OTHERS["201"]}.items()
    ]
    _write_lines(review / "records.jsonl.gz", rows)
    pool = [{"pmid": p, "title": t, "abstract": a, "year": 2020} for p, (t, a) in RECORDS.items()]
    _write_lines(folder / "pool.jsonl.gz", pool)
    (folder / "entries").mkdir()
    for one in ENTRIES:
        number = one["protocolSection"]["identificationModule"]["nctId"]
        (folder / "entries" / f"{number}.json").write_text(json.dumps(one))
    sources = [
        Source(name="marsh", kind="review_folders", path=folder / "reviews", licence="invented"),
        Source(name="pool", kind="pool", path=folder / "pool.jsonl.gz", licence="invented"),
        Source(name="register", kind="ctgov", path=folder / "entries", licence="invented"),
    ]
    ingest(sources, folder / "corpus")
    return Corpus(folder / "corpus")


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
