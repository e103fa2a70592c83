"""For each kind of source an invented input, what must be read of it, and how many of its items cannot be read."""

import csv
import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class Example(NamedTuple):
    """An input and what it holds."""

    make: Callable[[Path], Path]
    """Writes the files into an empty folder and gives the path for the list of sources."""
    items: dict[str, int]
    """Type of item to how many."""
    unread: dict[str, int] = {}
    """Reason, up to its first colon, to how many."""


def article(
    pmid: str, title: str = "A trial of invented tea", abstract: str = "Sixty drank it.", more: str = ""
) -> str:
    """One article of PubMed's XML."""
    return (
        f'<PubmedArticle><MedlineCitation Status="MEDLINE"><PMID Version="1">{pmid}</PMID>'
        "<DateRevised><Year>2021</Year><Month>02</Month><Day>03</Day></DateRevised>"
        f"<Article><ArticleTitle>{title}</ArticleTitle><Abstract><AbstractText>{abstract}</AbstractText></Abstract>"
        f"{more}</Article></MedlineCitation><PubmedData><ArticleIdList/></PubmedData></PubmedArticle>"
    )


def article_set(*parts: str) -> str:
    """A file of PubMed's XML."""
    return f"<PubmedArticleSet>{''.join(parts)}</PubmedArticleSet>"


def banks(*numbers: str) -> str:
    """A DataBankList of these numbers."""
    inside = "".join(f"<AccessionNumber>{n}</AccessionNumber>" for n in numbers)
    name = "<DataBankName>ClinicalTrials.gov</DataBankName>"
    listed = f"<AccessionNumberList>{inside}</AccessionNumberList>"
    return f"<DataBankList><DataBank>{name}{listed}</DataBank></DataBankList>"


def study(nct_id: str, title: str = "Invented tea against invented thirst", **modules: Any) -> dict[str, Any]:
    """One study of API v2."""
    return {
        "protocolSection": {
            "identificationModule": {"nctId": nct_id, "briefTitle": title},
            "statusModule": {"lastUpdatePostDateStruct": {"date": "2020-05-06"}},
            **modules,
        },
        "hasResults": False,
    }


def jats(
    pmcid: str, permissions: str = "", body: str = "<p>Sixty people drank invented tea.</p>", **ids: str
) -> str:
    """One article in JATS."""
    given = "".join(f'<article-id pub-id-type="{kind}">{value}</article-id>' for kind, value in ids.items())
    return (
        f'<article><front><article-meta><article-id pub-id-type="pmc">{pmcid.removeprefix("PMC")}</article-id>{given}'
        f"<title-group><article-title>Tea {pmcid}</article-title></title-group>"
        "<pub-date pub-type='pmc-release'><year>2022</year></pub-date>"
        "<pub-date pub-type='epub'><year>2019</year></pub-date>"
        "<pub-date pub-type='collection'><year>2020</year></pub-date>"
        f"<permissions>{permissions}</permissions></article-meta></front><body>{body}</body></article>"
    )


def _lines(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" if not isinstance(r, str) else r + "\n" for r in rows))
    return path


def _xml(folder: Path) -> Path:
    book = (
        "<PubmedBookArticle><BookDocument><PMID>30</PMID><Book><BookTitle>Invented drinks</BookTitle></Book>"
        "</BookDocument></PubmedBookArticle>"
    )
    unnamed = article("none")
    text = article_set(article("10", more=banks("NCT00000010")), book, unnamed)
    (folder / "a.xml").write_text(text)
    gone = "<DeleteCitation><PMID>9</PMID><PMID>8</PMID></DeleteCitation>"
    (folder / "b.xml.gz").write_bytes(gzip.compress(article_set(article("11"), gone).encode()))
    (folder / "damaged.xml.gz").write_bytes(gzip.compress(article_set(*map(article, "12345")).encode())[:-40])
    (folder / "page.xml").write_text("<html>Service unavailable</html>")
    return folder


def _nbib(folder: Path) -> Path:
    (folder / "a.nbib").write_text(
        "PMID- 10\nTI  - Invented tea\nSI  - ClinicalTrials.gov/NCT00000010\n\nPMID- \n\nPMID- x\nTI  - T\n"
    )
    return folder / "a.nbib"


def _pool(folder: Path) -> Path:
    good = {
        "pmid": "0010",
        "title": " Invented  tea ",
        "abstract": "Sixty drank.",
        "year": "1999 Jan",
        "pmcid": "5",
    }
    return _lines(folder / "pool.jsonl", good, {"pmid": "11"}, {"title": "no id"}, "{half", "[1]")


def _ctgov(folder: Path) -> Path:
    (folder / "one.json").write_text(json.dumps(study("NCT00000001")))
    (folder / "list.json").write_text(json.dumps([study("NCT00000002"), {"protocolSection": {}}]))
    (folder / "answer.json").write_text(json.dumps({"studies": [study("NCT00000003")], "nextPageToken": "x"}))
    _lines(folder / "lines.jsonl", study("NCT00000004"), "{half")
    legacy = {
        "Study": {"ProtocolSection": {"IdentificationModule": {"NCTId": "NCT00000005", "BriefTitle": "Tea"}}}
    }
    (folder / "old.json").write_text(json.dumps({"FullStudiesResponse": {"FullStudies": [legacy]}}))
    with zipfile.ZipFile(folder / "bulk.zip", "w") as box:
        box.writestr("NCT0000/NCT00000007.json", json.dumps(study("NCT00000007")))
        box.writestr("NCT0000/NCT00000006.json", json.dumps(study("NCT00000006")))
        box.writestr("NCT0000/NCT00000008.json", "{half")
    (folder / "damaged.zip").write_bytes(b"PK\x03\x04 and no more")
    (folder / "text.json").write_text("not JSON")
    return folder


def _jats(folder: Path) -> Path:
    licence = '<license href="https://creativecommons.org/licenses/by-nc/4.0/"><license-p>Words.</license-p></license>'
    (folder / "PMC1.nxml").write_text(jats("PMC1", licence, pmid="10"))
    (folder / "PMC2.nxml.gz").write_bytes(gzip.compress(jats("PMC2").encode()))
    (folder / "PMC3.nxml").write_text("<article><front>")
    (folder / "PMC4.nxml.gz").write_bytes(gzip.compress(jats("PMC4").encode())[:-30])
    return folder


def _review_folders(folder: Path) -> Path:
    rows = [
        {
            "record_id": "a",
            "pmid": "10",
            "title": "Tea",
            "abstract": "",
            "year": "2001",
            "label_ta": 1,
            "label_final": 0,
        },
        {"record_id": "b", "pmid": "11", "title": "Coffee", "abstract": "", "label_ta": 1, "label_final": 1},
        {"record_id": "c", "pmid": None, "title": "", "abstract": "", "label_ta": 0, "label_final": None},
        {"record_id": "b", "pmid": "11", "title": "Coffee", "abstract": "", "label_ta": 1, "label_final": 0},
        {"record_id": "d", "pmid": None, "title": "Milk", "abstract": "", "label_ta": 0, "label_final": None},
        {
            "record_id": "d",
            "pmid": None,
            "title": "Water",
            "abstract": "",
            "label_ta": 0,
            "label_final": None,
        },
    ]
    for name in ("tea", "broken"):
        (folder / name).mkdir()
        said = {
            "title": "invented_tea",
            "pico": {"P": "Thirsty people", "I": ["tea", "iced tea"]},
            "query": "tea[tiab]",
        }
        (folder / name / "review.json").write_text(
            json.dumps(said | {"query_platform": "PubMed", "licence": "CC0"})
        )
        (folder / name / "records.jsonl.gz").write_bytes(
            gzip.compress("".join(json.dumps(r) + "\n" for r in rows).encode())[
                : -20 if name == "broken" else None
            ]
        )
    return folder


def _reviews_csv(folder: Path) -> Path:
    path = folder / "list.csv"
    path.write_text(
        "PMID;Review_ID;label;title;year\n10;r1;1;Tea;2003\n11;r1;included;;\n12;r1;0;;\n13;r2;0;Coffee;\n"
        "x;r1;1;;\n14;;1;;\n15;r3;maybe;;\n16;r4;;Water;\n"
    )
    return path


def _ms2(folder: Path) -> Path:
    (folder / "train-inputs.csv").write_text(
        ',ReviewID,PMID,Title,Abstract\n0,900,10,Tea,"One,\ntwo"\n'
        "1,901,x,Coffee,\n2,900,11,Milk,\n3,900,10,Tea again,\n"
    )
    (folder / "train-targets.csv").write_text(",ReviewID,Target\n0,900,Tea helps.\n")
    (folder / "train-reviews-info.csv").write_text(",ReviewID,Background\n0,900,Does  tea help?\n")
    hub = {
        "review_id": "902",
        "pmid": ["12", "13"],
        "title": ["Ale", "Mead"],
        "abstract": ["", ""],
        "background": "Ale?",
    }
    raw = {
        "docid": "903",
        "title": "Of wine",
        "included_studies": [{"reference": {"docid": "14", "title": "Wine"}}, {"docid": "?"}],
    }
    _lines(folder / "more.jsonl", hub, raw, {"title": "no id"}, "{half")
    return folder


def _clef(folder: Path) -> Path:
    (folder / "topics").mkdir()
    (folder / "topics" / "1").write_text(
        "Topic: CD000001 \n\nTitle: Invented tea \n\nQuery: \ntea[tiab] OR chai[tiab] \n\nPids: \n    10 \n    11 \n"
    )
    (folder / "topics" / "2").write_text(
        "Topic: CD000002\n\nTitle: Coffee\n\nQuery:\nexp Coffee/\nbrew*.tw.\nor/1-2\n\nPids:\n  12\n"
    )
    (folder / "topics" / "3").write_text("A page about the task.")
    (folder / "qrels_abs").write_text("CD000001 0 10 1\nCD000001 0 11 0\n")
    (folder / "qrels_content").write_text("CD000001\t0\t10\t0\n")
    return folder


def _seeds(folder: Path) -> Path:
    good = {
        "id": "7",
        "title": "Invented tea",
        "query": "tea[tiab]",
        "Date_to": "31/12/2019",
        "included_studies": ["10", "x"],
    }
    return _lines(folder / "seeds.jsonl", good, good | {"id": "8", "included_studies": []}, {"id": "9"})


def _evidence_inference(folder: Path) -> Path:
    (folder / "ei_txt").mkdir()
    (folder / "ei_txt" / "PMC1.txt").write_text("Invented tea lowered thirst.")
    row = {"prompt_id": "1", "pmcid": "PMC1", "pmid": "10", "label": "significantly decreased"}
    span = {"text": "lowered thirst", "start": 13, "end": 27}
    wrong = {"text": "raised thirst", "start": 13, "end": 27}
    far = {"text": "thirst", "start": 400, "end": 406}
    return _lines(
        folder / "ei.jsonl",
        row | {"evidence": [span]},
        row | {"prompt_id": "2", "evidence": [span, wrong]},
        row | {"prompt_id": "3", "evidence": [far]},
        row | {"prompt_id": "4", "pmcid": "PMC2", "evidence": [wrong]},
        {"prompt_id": "5"},
    )


def _numeric(folder: Path) -> Path:
    row = {
        "id": 1,
        "pmcid": "PMC1",
        "outcome": "thirst",
        "intervention": "tea",
        "comparator": "water",
        "outcome_type": "binary",
    }
    return _lines(folder / "numbers.jsonl", row, {"id": 2})


def _pico(folder: Path) -> Path:
    (folder / "10.txt").write_text("Of 60 people, 30 had tea.")
    (folder / "10.ann").write_text(
        "T1\ttotal-participants 3 5\t60\nT2\tgroup 14 16;21 24\t30 tea\nR1\tof Arg1:T1\nT3\tno places\n"
    )
    (folder / "11.ann").write_text("T1\tcondition 0 3\ttea\n")
    (folder / "12.txt").write_text("Of 60 people")
    (folder / "12.ann").write_text("T1\ttotal-participants 0 2\t60\n")
    return folder


def _study_type(folder: Path) -> Path:
    path = folder / "labelled.tsv"
    path.write_text(
        'pmid\ttitle\tabstract\ttext\ttrial\trodent\n10\tTea "so called\tSixty.\t\t1\t0\n'
        "11\tMilk\tNone.\t\t\t2\nstray line\n"
    )
    return path


def _pmid_nct(folder: Path) -> Path:
    rows = [
        {"pmid": "10", "nct_id": "nct00000010", "extraction_method": "databank"},
        {"pmid": "11", "nct_id": "NCT1"},
    ]
    path = folder / "links.json"
    path.write_text(json.dumps({"trials": rows}))
    return path


def _rob2_support(folder: Path) -> Path:
    names = (
        "arising.from.the.randomization.process",
        "due.to.deviations.from.intended.interventions",
        "due.to.missing.outcome.data",
        "in.measurement.of.the.outcome",
        "in.selection.of.the.reported.result",
    )
    columns = ["dataset", "Analysis.name", "Study", "Study.year"]
    columns += [f"Bias.{name}..{what}." for what in ("judgement", "support") for name in names]
    told = ["CD000001_pub2_data", "Thirst", "Tea 2001", "2001", "Low risk", "", "", "", ""]
    told += ["<p>1.1: Y. Quote: &quot;by lot&quot;</p>", "", "", "", ""]
    rows = [columns, told, [*told[:1], "Hunger", *told[2:]], [*told[:9], "", "", "", "", ""]]
    path = folder / "rob2.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


EXAMPLES: dict[str, Example] = {
    "clef_tar": Example(_clef, {"Review": 2, "Candidate": 2}, {"no topic": 1}),
    "ctgov": Example(_ctgov, {"Trial": 7}, {"no study": 1, "no JSON": 2, "damaged file": 2}),
    "evidence_inference": Example(
        _evidence_inference, {"Annotation": 2}, {"a span does not fit its text": 2, "fields missing": 1}
    ),
    "jats": Example(_jats, {"Paper": 2}, {"no article": 1, "damaged file": 1}),
    "ms2": Example(
        _ms2,
        {"Review": 3, "Candidate": 5},
        {"no PMID": 2, "no included PMID": 1, "no review id": 1, "no JSON": 1},
    ),
    "nbib": Example(_nbib, {"Record": 1}, {"an entry without any content": 1, "no PMID": 1}),
    "numeric_outcomes": Example(_numeric, {"Annotation": 1}, {"fields missing": 1}),
    "pico_corpus": Example(
        _pico, {"Annotation": 1}, {"no text beside it": 1, "no span": 1, "a span does not fit its text": 1}
    ),
    "pmid_nct": Example(_pmid_nct, {"Link": 1}, {"no PMID or no NCT number": 1}),
    "pool": Example(
        _pool,
        {"Record": 1},
        {"neither title nor abstract": 1, "no PMID": 1, "no JSON": 1, "no JSON object": 1},
    ),
    "pubmed_xml": Example(
        _xml, {"Record": 3, "Deleted": 2, "Link": 1}, {"no PMID, but 'none'": 1, "damaged file": 2}
    ),
    "review_folders": Example(
        _review_folders,
        {"Review": 1, "Candidate": 4},
        {"neither title nor abstract": 1, "twice in one review": 1, "damaged file": 1},
    ),
    "reviews_csv": Example(
        _reviews_csv,
        {"Review": 2, "Candidate": 4},
        {"no PMID": 1, "no review_id": 1, "unknown label": 1, "no included PMID": 1},
    ),
    "rob2_support": Example(_rob2_support, {"Annotation": 1}, {"no supporting text, or no study": 1}),
    "seed_collection": Example(_seeds, {"Review": 1}, {"no included PMID": 1, "fields missing": 1}),
    "study_type": Example(_study_type, {"Record": 2, "Annotation": 2}, {"no PMID or no title": 1}),
}
"""A kind that is added needs a line here."""
