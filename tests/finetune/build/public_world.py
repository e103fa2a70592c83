"""A folder as `build_public.yaml` names it, with nothing real in it: six diseases that nobody has, three trials each.

Each trial has a PubMed record with its registration, an entry with posted results in the registry's bulk zip, and a
full text whose tables print what was posted. Reviews include the trials of one disease each. One record claims the
number of a trial of another disease.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import tarfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

import finetune
from finetune.invention.trials import word
from finetune.small.tokenizer import available, fixed_lines, tokenizer_of
from tests.tools.registry.invented import baseline, counts, measure, started

__all__ = ["CONFIG", "TOPICS", "TRIALS", "WRONG", "Topic", "Trial", "changed_config", "write_public"]

CONFIG = Path(finetune.__file__).parent / "configs" / "build_public.yaml"


@dataclass(frozen=True)
class Topic:
    """A disease, the drug tried against it, and a review of that."""

    number: int
    disease: str
    drug: str
    scale: str
    country: str

    @property
    def year(self) -> int:
        """Of the first of its trials."""
        return 2008 + 2 * self.number

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Its trials, one a year."""
        return tuple(Trial(self, number) for number in range(3))

    @property
    def title(self) -> str:
        """Of its review."""
        return f"{self.drug} for {self.disease} in adults: a review of trials that never took place"

    @property
    def question(self) -> str:
        """Of its review."""
        return f"What are the effects of {self.drug.lower()} in adults with {self.disease.lower()}?"


@dataclass(frozen=True)
class Trial:
    """A trial in its three places. Its numbers and its empty sentences are its own."""

    topic: Topic
    number: int

    @property
    def key(self) -> int:
        """Of all trials."""
        return 10 * self.topic.number + self.number + 1

    @property
    def pmid(self) -> str:
        """Beyond what PubMed has given out."""
        return str(90_000_000 + self.key)

    @property
    def nct_id(self) -> str:
        """No entry of the registry's."""
        return f"NCT0990{self.key:04}"

    @property
    def year(self) -> int:
        """Of the paper."""
        return self.topic.year + self.number

    @cached_property
    def sizes(self) -> tuple[int, int]:
        """Participants given placebo and the drug."""
        chance = random.Random(f"sizes {self.key}")
        first = chance.randrange(41, 60)
        return first, first + chance.randrange(5, 30)

    @cached_property
    def ages(self) -> tuple[str, str]:
        """Means in both groups."""
        chance = random.Random(f"ages {self.key}")
        return f"{chance.randrange(400, 480) / 10:.1f}", f"{chance.randrange(500, 580) / 10:.1f}"

    @cached_property
    def women(self) -> tuple[str, str]:
        """Counts in both groups."""
        return str(self.sizes[0] // 2 - 3), str(self.sizes[1] // 2 + 2)

    @cached_property
    def scores(self) -> tuple[str, str]:
        """Mean changes in both groups."""
        chance = random.Random(f"scores {self.key}")
        return f"-{chance.randrange(11, 19) / 10:.1f}", f"-{chance.randrange(31, 59) / 10:.1f}"

    @property
    def title(self) -> str:
        """Of the paper."""
        place = ("hill towns", "river towns", "harbour towns")[self.number]
        return f"{self.topic.drug} for {self.topic.disease} in {place} of {self.topic.country}: a randomised trial"

    @cached_property
    def babble(self) -> str:
        """Sentences without a meaning, so that no two texts are alike."""
        chance = random.Random(f"babble {self.key}")
        return " ".join(
            f"The {word(chance)} of {word(chance)} was {word(chance)} and {word(chance)} {word(chance)}."
            for _ in range(24)
        )

    @property
    def abstract(self) -> str:
        """With sizes, results and the registration."""
        drug, total = self.topic.drug.lower(), sum(self.sizes)
        return (
            f"We tested whether {drug} eases {self.topic.disease.lower()} in adults. In all, {total} participants "
            f"were randomised. {self.babble[:400]}. The mean change in {self.topic.scale} was {self.scores[1]} with "
            f"{drug} and {self.scores[0]} with placebo. Registered as {self.nct_id}."
        )


def _topics() -> tuple[Topic, ...]:
    chance = random.Random("topics")
    return tuple(
        Topic(
            number,
            disease=f"{word(chance, 3).capitalize()}itis",
            drug=f"{word(chance, 2).capitalize()}zavol",
            scale=f"{word(chance).capitalize()} Index",
            country=f"{word(chance).capitalize()}land",
        )
        for number in range(6)
    )


TOPICS = _topics()
TRIALS = tuple(trial for topic in TOPICS for trial in topic.trials)
WRONG = ("90000900", TRIALS[0].nct_id)
"""A record that names the number of a trial that it has nothing to do with."""


def write_public(folder: Path) -> Path:
    """The folder, with all that `build_public.yaml` says lies in it."""
    for name in ("pubmed", "ctgov", "ms2", "reviews", "jats", "mesh", "tokenizer"):
        (folder / name).mkdir(parents=True)
    _write_pubmed(folder / "pubmed")
    _write_registry(folder / "ctgov" / "ctg-studies.json.zip")
    _write_ms2(folder / "ms2")
    _write_reviews(folder / "reviews" / "own.csv")
    _write_papers(folder / "jats")
    (folder / "mesh" / "desc2031.xml").write_text(_mesh(), encoding="utf-8")
    texts = (f"{one.title} {one.abstract}" for one in TRIALS)
    forms = available("ours")
    tokenizer_of(600, 30_000, texts, fixed_lines("ours", forms)).save_pretrained(folder / "tokenizer")
    return folder


def changed_config(folder: Path, **changes: Any) -> Path:
    """The shipped file with the engine and the embedder that are at hand, and a date for so few trials."""
    told = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    told |= {"engine": {"backend": "baseline"}, "embedder": "words", **changes}
    told["split"]["after"] = TOPICS[-1].year - 1
    path = folder / "build.yaml"
    path.write_text(yaml.safe_dump(told, sort_keys=False), encoding="utf-8")
    return path


# PubMed ------------------------------------------------------------------------------------------


def _write_pubmed(folder: Path) -> None:
    own = [_article(t.pmid, t.title, t.abstract, t.year, _headings(t.topic), t.nct_id) for t in TRIALS]
    wrong = _article(
        WRONG[0], "Lullabies of the moon people",
        "A choir of 4000 singers sang to goats. " + _babble("choir"), 2019, (), WRONG[1],
    )  # fmt: skip
    others = [
        _article(
            str(90_001_000 + n), f"Report {n} on the {_word(n)} harvest of {_word(n + 500)}",
            f"The {_word(n)} was gathered by hand. {_babble(str(n))}", 2005 + n % 18, (f"Harvest {n % 5}",),
        )
        for n in range(70)
    ]  # fmt: skip
    gone = "<DeleteCitation><PMID>90001069</PMID></DeleteCitation>"
    for name, parts in (
        ("pubmed31n0001", own),
        ("pubmed31n0002", [wrong, *others]),
        ("pubmed31n0003", [gone]),
    ):
        text = f"<PubmedArticleSet>{''.join(parts)}</PubmedArticleSet>"
        (folder / f"{name}.xml.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


def _headings(topic: Topic) -> tuple[str, ...]:
    return topic.disease, topic.drug


def _word(seed: int) -> str:
    return word(random.Random(f"word {seed}"), 3)


def _babble(key: str) -> str:
    chance = random.Random(f"other {key}")
    return " ".join(
        f"A {word(chance)} {word(chance)} made {word(chance)} of {word(chance)}." for _ in range(14)
    )


def _article(
    pmid: str, title: str, abstract: str, year: int, headings: Iterable[str], nct_id: str = ""
) -> str:
    bank = (
        "<DataBankList><DataBank><DataBankName>ClinicalTrials.gov</DataBankName><AccessionNumberList>"
        f"<AccessionNumber>{nct_id}</AccessionNumber></AccessionNumberList></DataBank></DataBankList>"
    ) * bool(nct_id)
    mesh = "".join(f"<MeshHeading><DescriptorName>{h}</DescriptorName></MeshHeading>" for h in headings)
    return (
        f'<PubmedArticle><MedlineCitation Status="MEDLINE"><PMID Version="1">{pmid}</PMID>'
        f"<DateRevised><Year>{year + 1}</Year><Month>02</Month><Day>03</Day></DateRevised><Article><Journal>"
        f"<JournalIssue><PubDate><Year>{year}</Year></PubDate></JournalIssue><Title>J Inv</Title></Journal>"
        f"<ArticleTitle>{title}</ArticleTitle><Abstract><AbstractText>{abstract}</AbstractText></Abstract>{bank}<PublicationTypeList>"
        "<PublicationType>Journal Article</PublicationType></PublicationTypeList></Article>"
        f"<MeshHeadingList>{mesh}</MeshHeadingList></MedlineCitation><PubmedData><ArticleIdList/></PubmedData></PubmedArticle>"
    )


def _mesh() -> str:
    def record(ui: str, name: str, number: str) -> str:
        return (
            f'<DescriptorRecord DescriptorClass="1"><DescriptorUI>{ui}</DescriptorUI><DescriptorName>'
            f"<String>{name}</String></DescriptorName><TreeNumberList><TreeNumber>{number}</TreeNumber></TreeNumberList><ConceptList>"
            f'<Concept PreferredConceptYN="Y"><TermList><Term IsPermutedTermYN="N"><TermUI>T{ui}</TermUI>'
            f"<String>{name}</String></Term></TermList></Concept></ConceptList></DescriptorRecord>"
        )

    records = [record("X900", "Invented Ailments", "C51"), record("X901", "Invented Substances", "D51")]
    for topic in TOPICS:
        records.append(record(f"X{topic.number}1", topic.disease, f"C51.{100 + topic.number}"))
        records.append(record(f"X{topic.number}2", topic.drug, f"D51.{100 + topic.number}"))
    return f'<DescriptorRecordSet LanguageCode="eng">{"".join(records)}</DescriptorRecordSet>'


# Registry ----------------------------------------------------------------------------------------


def _write_registry(path: Path) -> None:
    entries = [_entry(trial) for trial in TRIALS] + [_other_entry(number) for number in range(25)]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as box:
        for entry in entries:
            number = entry["protocolSection"]["identificationModule"]["nctId"]
            box.writestr(f"{number}.json", json.dumps(entry))


def _other_entry(number: int) -> dict[str, Any]:
    nct_id, thing = f"NCT0998{number:04}", _word(900 + number)
    return {
        "protocolSection": {
            "identificationModule": {"nctId": nct_id, "briefTitle": f"Watching the {thing} of goat herds"},
            "statusModule": {"lastUpdatePostDateStruct": {"date": f"{2006 + number % 15}-03-04"}},
            "descriptionModule": {"briefSummary": f"Herds are watched. {_babble(thing)}"},
            "conditionsModule": {"conditions": [f"{thing.capitalize()} hoof"]},
            "designModule": {"studyType": "OBSERVATIONAL"},
        },
        "hasResults": False,
    }


def _entry(trial: Trial) -> dict[str, Any]:
    topic, (few, many) = trial.topic, trial.sizes
    drug = topic.drug
    return {
        "protocolSection": {
            "identificationModule": {
                "nctId": trial.nct_id,
                "briefTitle": f"{drug} for {topic.disease}, part {trial.number + 1}",
                "officialTitle": f"A Randomised Trial of {drug} Versus Placebo for {topic.disease}, Number {trial.key}",
            },
            "statusModule": {
                "overallStatus": "COMPLETED",
                "startDateStruct": {"date": f"{trial.year - 2}-03", "type": "ACTUAL"},
                "lastUpdatePostDateStruct": {"date": f"{trial.year}-02-01"},
            },
            "descriptionModule": {
                "briefSummary": f"Whether {drug} eases {topic.disease} in adults. {trial.babble[600:1000]}."
            },
            "conditionsModule": {"conditions": [topic.disease]},
            "designModule": {
                "studyType": "INTERVENTIONAL",
                "phases": ["PHASE3"],
                "designInfo": {
                    "allocation": "RANDOMIZED",
                    "interventionModel": "PARALLEL",
                    "maskingInfo": {"masking": "DOUBLE", "whoMasked": ["PARTICIPANT", "INVESTIGATOR"]},
                },
                "enrollmentInfo": {"count": few + many, "type": "ACTUAL"},
            },
            "armsInterventionsModule": {
                "armGroups": [
                    {
                        "label": f"{drug} 20 mg",
                        "type": "EXPERIMENTAL",
                        "interventionNames": [f"Drug: {drug}"],
                    },
                    {
                        "label": "Placebo",
                        "type": "PLACEBO_COMPARATOR",
                        "interventionNames": ["Drug: Placebo"],
                    },
                ],
                "interventions": [
                    {"type": "DRUG", "name": drug, "armGroupLabels": [f"{drug} 20 mg"]},
                    {"type": "DRUG", "name": "Placebo", "armGroupLabels": ["Placebo"]},
                ],
            },
            "outcomesModule": {
                "primaryOutcomes": [{"measure": f"Change in {topic.scale}", "timeFrame": "12 weeks"}]
            },
            "eligibilityModule": {
                "eligibilityCriteria": f"Inclusion Criteria:\n\n* {topic.disease}",
                "minimumAge": "18 Years",
            },
            "contactsLocationsModule": {"locations": [{"country": topic.country}]},
            "referencesModule": {
                "references": [{"pmid": trial.pmid, "type": "RESULT", "citation": trial.title}]
            },
        },
        "resultsSection": _results(trial),
        "hasResults": True,
    }


def _results(trial: Trial) -> dict[str, Any]:
    few, many = trial.sizes
    names = ("Placebo", f"{trial.topic.drug} 20 mg")
    groups = [{"id": f"BG00{n}", "title": name} for n, name in enumerate((*names, "Total"))]
    outcome = measure(
        f"Change in {trial.topic.scale}",
        [
            {"groupId": f"OG00{n}", "value": value, "spread": spread}
            for n, (value, spread) in enumerate(zip(trial.scores, ("0.25", "0.20"), strict=True))
        ],
        type="PRIMARY", paramType="MEAN", dispersionType="Standard Error", unitOfMeasure="units on a scale",
        groups=[{"id": f"OG00{n}", "title": name} for n, name in enumerate(names)],
        denoms=counts(str(few), str(many)),
    )  # fmt: skip
    ages = [{"groupId": f"BG00{n}", "value": age, "spread": "9.5"} for n, age in enumerate(trial.ages)]
    women = [{"groupId": f"BG00{n}", "value": number} for n, number in enumerate(trial.women)]
    return {
        "participantFlowModule": {
            "groups": [{"id": f"FG00{n}", "title": name} for n, name in enumerate(names)],
            "periods": [
                {
                    "title": "Overall Study",
                    "milestones": [{"type": "STARTED", "achievements": started(str(few), str(many))}],
                }
            ],
        },
        "baselineCharacteristicsModule": {
            "groups": groups,
            "denoms": [{"units": "Participants", "counts": baseline(str(few), str(many), str(few + many))}],
            "measures": [
                {
                    "title": "Age, Continuous", "paramType": "MEAN", "dispersionType": "STANDARD_DEVIATION",
                    "unitOfMeasure": "years", "classes": [{"categories": [{"measurements": ages}]}],
                },
                {
                    "title": "Sex: Female, Male", "paramType": "COUNT_OF_PARTICIPANTS", "unitOfMeasure": "Participants",
                    "classes": [{"categories": [{"title": "Female", "measurements": women}]}],
                },
            ],
        },
        "outcomeMeasuresModule": {"outcomeMeasures": [outcome]},
    }  # fmt: skip


# Full texts --------------------------------------------------------------------------------------


def _write_papers(folder: Path) -> None:
    """The first topics' papers in an archive, as PubMed Central hands them out in bulk; the others one to a file."""
    with tarfile.open(folder / "oa_invented.tar.gz", "w:gz") as box:
        for trial in TRIALS[:6]:
            data = _paper(trial).encode()
            member = tarfile.TarInfo(f"PMC0/PMC{trial.pmid}.xml")
            member.size = len(data)
            box.addfile(member, io.BytesIO(data))
    for trial in TRIALS[6:]:
        (folder / f"PMC{trial.pmid}.nxml").write_text(_paper(trial), encoding="utf-8")


def _table(number: int, caption: str, head: Iterable[str], *rows: Iterable[str]) -> str:
    def line(cells: Iterable[str], kind: str) -> str:
        return f"<tr>{''.join(f'<{kind}>{cell}</{kind}>' for cell in cells)}</tr>"

    body = "".join(line(row, "td") for row in rows)
    return (
        f'<table-wrap id="t{number}"><label>Table {number}</label><caption><p>{caption}</p></caption><table>'
        f"<thead>{line(head, 'th')}</thead><tbody>{body}</tbody></table></table-wrap>"
    )


def _paper(trial: Trial) -> str:
    topic, (few, many) = trial.topic, trial.sizes
    drug = topic.drug.lower()
    head = (f"Placebo (n = {few})", f"{topic.drug} 20 mg (n = {many})")
    first = _table(
        1, "Baseline characteristics of the participants", ("", *head),
        ("Age in years, mean (SD)", *(f"{age} (9.5)" for age in trial.ages)),
        ("Women, n", *trial.women),
    )  # fmt: skip
    scores = [f"{value} ({se})" for value, se in zip(trial.scores, ("0.25", "0.20"), strict=True)]
    second = _table(
        2,
        "Outcomes at week 12",
        ("Outcome", *head),
        (f"Change in {topic.scale}, units on a scale, mean (SE)", *scores),
    )
    methods = (
        f"In this double-blind trial, adults were recruited in clinics in {topic.country} from March {trial.year - 2}. "
        f"Participants aged 18 years or older with {topic.disease.lower()} were eligible. "
        f"In all, {few + many} participants were randomised: {few} to placebo and {many} to {drug}. "
        f"One group was assigned to {drug} 20 mg once a day for twelve weeks. "
        "The other group was assigned to placebo tablets of the same taste. "
    )
    return (
        '<article article-type="research-article"><front><article-meta>'
        f'<article-id pub-id-type="pmid">{trial.pmid}</article-id>'
        f'<article-id pub-id-type="pmc">{trial.pmid}</article-id>'
        f"<title-group><article-title>{trial.title}</article-title></title-group>"
        f"<pub-date><year>{trial.year}</year></pub-date>"
        '<permissions><license href="https://creativecommons.org/licenses/by/4.0/"><license-p>Free.</license-p></license>'
        f"</permissions><abstract><p>{trial.abstract}</p></abstract></article-meta></front><body>"
        f"<sec><title>Methods</title><p>{methods}{trial.babble[400:600]}.</p></sec>"
        f"<sec><title>Results</title><p>Nothing else was seen. {trial.babble[1000:1200]}.</p>{first}{second}</sec>"
        f"<sec><title>Discussion</title><p>{trial.babble[1200:]}</p></sec></body></article>"
    )


# Reviews -----------------------------------------------------------------------------------------


def _write_ms2(folder: Path) -> None:
    """Topic 0 as downloaded, 1 in the form of the shared task, which tells no year."""
    lines = [
        {
            "docid": str(90_002_000 + topic.number), "title": topic.title, "year": topic.year + 4,
            "background": topic.question,
            "included_studies": [
                {"reference": {"docid": t.pmid, "title": t.title, "abstract": t.abstract}} for t in topic.trials
            ],
        }
        for topic in TOPICS[:1]
    ]  # fmt: skip
    (folder / "training_reviews.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    topic = TOPICS[1]
    key = str(90_002_000 + topic.number)
    _csv(
        folder / "train-inputs.csv", ("", "ReviewID", "PMID", "Title", "Abstract"),
        [(n, key, t.pmid, t.title, t.abstract) for n, t in enumerate(topic.trials)],
    )  # fmt: skip
    _csv(folder / "train-targets.csv", ("", "ReviewID", "Target"), [(0, key, "Nothing can be concluded.")])
    _csv(folder / "train-reviews-info.csv", ("", "ReviewID", "Background"), [(0, key, topic.question)])


def _write_reviews(path: Path) -> None:
    rows = []
    for topic in TOPICS[2:]:
        # Half of them name their elements in their own words, half by a heading above.
        people = f"adults with {topic.disease.lower()}" if topic.number < 4 else "invented ailments"
        about = (
            f"own-{topic.number}",
            topic.title,
            topic.year + 4,
            topic.question,
            people,
            topic.drug.lower(),
        )
        rows += [(*about, trial.pmid, 1) for trial in topic.trials]
        rows += [(*about, str(90_001_000 + 10 * topic.number + n), 0) for n in range(8)]
    _csv(
        path, ("review_id", "title", "year", "question", "population", "intervention", "pmid", "label"), rows
    )


def _csv(path: Path, head: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([tuple(head), *rows])
