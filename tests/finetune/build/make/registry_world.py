"""A small corpus of invented things: a trial with posted results, its paper, and a stranger. Nothing in it is real."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from finetune.build.corpus import Corpus
from finetune.build.ingest import ingest
from finetune.build.sources import Source
from model.baseline import BaselineEngine
from model.embedding import NoEmbedder
from tests.tools.registry.invented import measure, pair, study

__all__ = ["ENGINE", "PAPER", "corpus_of", "other_trial", "trial"]

ENGINE = BaselineEngine(None, NoEmbedder())

_BASELINE = """
<table-wrap id="t1"><label>Table 1</label><caption><p>Baseline characteristics of the participants</p></caption><table>
<thead><tr><th></th><th>Placebo (n = 41)</th><th>Zavidol (n = 51)</th></tr></thead><tbody>
<tr><td>Age in years, mean (SD)</td><td>50.1 (9.0)</td><td>51.2 (8.50)</td></tr>
<tr><td>Women, n (%)</td><td>20 (48.8)</td><td>24 (47.1)</td></tr>
<tr><td>Smokers, n (%)</td><td>9 (22.0)</td><td>9 (17.6)</td></tr>
</tbody></table></table-wrap>
"""
_RESULTS = """
<table-wrap id="t2"><label>Table 2</label><caption><p>Outcomes at week 12</p></caption><table>
<thead><tr><th>Outcome</th><th>Placebo (n = 40)</th><th>Zavidol 20 mg (n = 50)</th></tr></thead><tbody>
<tr><td>Change in Cough Severity Score, units on a scale, mean (SE)</td><td>-1.0 (0.25)</td><td>-3.0 (0.20)</td></tr>
<tr><td>Free of cough, n (%)</td><td>8 (20)</td><td>25 (50)</td></tr>
</tbody></table></table-wrap>
"""
_METHODS = (
    "In this double-blind trial, adults were recruited between March 2019 and June 2020 in clinics in Norland. "
    "Participants aged 18 years or older were eligible. "
    "In all, 92 participants with invented cough were randomised: 41 to placebo and 51 to zavidol. "
    "One group was assigned to zavidol 20 mg (ZVD) once a day for twelve weeks. "
    "The other group was assigned to placebo tablets of the same taste."
)
_RESULTS_TEXT = (
    "Forty-one participants were given nothing but placebo. The staff had been trained for this purpose. "
    "Missing values were left as they were, and costs were no part of this work."
)
PAPER = f"""<?xml version="1.0"?>
<article article-type="research-article"><front><journal-meta><journal-title-group><journal-title>J Inv</journal-title>
</journal-title-group></journal-meta><article-meta><article-id pub-id-type="pmid">90000001</article-id>
<article-id pub-id-type="pmc">PMC90000001</article-id><title-group>
<article-title>Zavidol for invented cough: a randomised trial</article-title></title-group>
<pub-date><year>2021</year></pub-date>
<abstract><p>We tested whether zavidol eases invented cough. The trial is registered as NCT09000001.</p></abstract>
</article-meta></front><body>
<sec><title>Methods</title><p>{_METHODS}</p></sec>
<sec><title>Results</title><p>{_RESULTS_TEXT}</p>{_BASELINE}{_RESULTS}</sec>
<sec><title>Discussion</title><p>Others have found that hiccups are rare, and that quiet nights are not. """
PAPER += "Nothing more can be said of it here, and further work is under way elsewhere. " * 3
PAPER += "</p></sec></body></article>"


def trial() -> dict[str, Any]:
    """The registry's entry of that paper: three outcomes of `invented.study`, and baseline measures."""
    made = study()
    protocol, results = made["protocolSection"], made["resultsSection"]
    protocol["statusModule"]["lastUpdatePostDateStruct"] = {"date": "2021-02-01"}
    protocol["referencesModule"] = {}
    protocol["armsInterventionsModule"]["armGroups"][1]["interventionNames"] = ["Drug: Placebo"]
    protocol["contactsLocationsModule"] = {"locations": [{"country": "Norland"}, {"country": "Norland"}]}
    protocol["eligibilityModule"]["minimumAge"] = "18 Years"
    protocol["descriptionModule"] = {"briefSummary": "Whether zavidol eases a cough that nobody has. " * 8}
    baseline = results["baselineCharacteristicsModule"]["measures"]
    baseline.append(_counted("Sex: Female, Male", {"Female": ("20", "24"), "Male": ("21", "27")}))
    baseline.append(_counted("Smoking Status", {"Smokers": ("9", "9")}))
    baseline.append(_counted("Eye Colour", {"Green": ("13", "17")}))
    return made


def other_trial() -> dict[str, Any]:
    """A trial of something else, with results of its own and no paper."""
    made = study()
    identity = made["protocolSection"]["identificationModule"]
    identity.update(
        nctId="NCT09000002", nctIdAliases=[], officialTitle="Brauxin for dolitis", acronym="DOL-1"
    )
    made["protocolSection"]["conditionsModule"] = {"conditions": ["Dolitis"]}
    made["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"] = [
        measure(
            "Elbow Swelling Index", pair({"value": "31.5", "spread": "4.25"}, {"value": "27.5", "spread": "4.75"}),
            paramType="MEAN", dispersionType="Standard Deviation", unitOfMeasure="index points",
        )
    ]  # fmt: skip
    return made


def _counted(title: str, rows: dict[str, tuple[str, str]]) -> dict[str, Any]:
    groups = ("BG000", "BG001")
    classes = [
        {
            "categories": [
                {
                    "title": name,
                    "measurements": [{"groupId": g, "value": v} for g, v in zip(groups, values, strict=True)],
                }
                for name, values in rows.items()
            ]
        }
    ]
    return {
        "title": title,
        "paramType": "COUNT_OF_PARTICIPANTS",
        "unitOfMeasure": "Participants",
        "classes": classes,
    }


def corpus_of(folder: Path, *trials: dict[str, Any], paper: str = PAPER) -> Corpus:
    """A corpus with these entries and the paper."""
    sources = []
    for kind, name, text in (
        ("jats", "paper.xml", paper),
        *(("ctgov", f"trial-{number}.json", json.dumps(one)) for number, one in enumerate(trials)),
    ):
        place = folder / "in" / name.partition(".")[0]
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
        sources.append(Source(name=place.name, kind=kind, path=place, licence="invented"))
    ingest(sources, folder / "corpus")
    return Corpus(folder / "corpus")
