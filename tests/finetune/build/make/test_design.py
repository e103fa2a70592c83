"""Kinds of study by people's labels: shown by the abstract, or UNCERTAIN, or refused; never forced."""

from collections import Counter

import pytest

from finetune.build.make.design import Design, DesignSettings
from finetune.build.make.design_claims import CLAIMS
from finetune.instructions import row_of
from tests.finetune.build.make.screening_world import BASELINE, Says, corpus_of, made

KINDS = (
    "systematic_review",
    "meta_analysis",
    "rodent",
    "human",
    "trial",
    "randomized_trial",
    "child",
    "protocol",
)

TRIAL = "Velmarin eased zorbitis.|In all, 84 children were randomised to velmarin or snow. Results: Noses were dry."
FED = "Velmarin in the nose.|Male mice were fed velmarin. We found that their noses were dry."
POOLED = (
    "Velmarin for zorbitis: a systematic review.|Databases were searched for velmarin. Nothing was found."
)
COUNTED = "Noses of Norland.|This cross-sectional study counted the noses of 300 older adults. Results: There were 300."
PLANNED = "Velmarin for zorbitis: study protocol.|People will be recruited in Norland."
SILENT = "Velmarin in zorbitis.|Velmarin was given to 20 patients with zorbitis. We found dry noses."

ROWS = {
    "trial": (TRIAL, "human trial randomized_trial child"),
    "mice": (FED, "rodent"),
    "review": (POOLED, "systematic_review"),
    "survey": (COUNTED, "human"),
    "protocol": (PLANNED, "human protocol"),
    "silent": (SILENT, "human trial randomized_trial"),
    "mislabelled": (TRIAL, "rodent"),
    "bare": ("Velmarin and nothing else.|", "human"),
}


def table(path, rows):
    """The source's own form: a column of 0 and 1 per kind."""
    lines = ["\t".join(("pmid", "title", "abstract", *KINDS))]
    for number, (text, told) in enumerate(rows.values()):
        title, _, abstract = text.partition("|")
        flags = ["1" if kind in told.split() else "0" for kind in KINDS]
        lines.append("\t".join((str(83_000_000 + number), title, abstract, *flags)))
    path.mkdir(parents=True)
    (path / "labelled.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("design")
    table(folder / "study_type", ROWS)
    return corpus_of(folder, "study_type")


@pytest.fixture(scope="module")
def outcome(corpus):
    return made(Design(BASELINE, DesignSettings(fewest=8, most=8, most_contrary=8)), corpus)


def of(outcome, name):
    pmid = str(83_000_000 + list(ROWS).index(name))
    found = [one for one in outcome[0] if one.asked["record_id"] == f"pmid:{pmid}"]
    assert len(found) == 1
    names = {w.text: claim.name for claim in CLAIMS for w in claim.wordings}
    verdicts = {v["criterion_id"]: v for v in found[0].answer["verdicts"]}
    return {names[c["text"]]: verdicts[c["id"]] for c in found[0].asked["criteria"]}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("trial", {"randomised": "YES", "children": "YES", "systematic review": "NO", "rodents": "NO"}),
        ("mice", {"rodents": "YES", "people": None, "protocol": "NO"}),
        ("review", {"systematic review": "YES", "randomised": "NO", "own data": None}),
        ("survey", {"randomised": "NO", "children": "NO", "protocol": "NO"}),
        ("protocol", {"protocol": "YES", "own data": None}),
        ("silent", {"children": "UNCERTAIN"}),
    ],
)
def test_the_answer_is_the_label_and_the_quote_shows_it(outcome, name, wanted):
    """None: the same sentence shows a harder claim, and this one is not asked beside it."""
    found = {claim: verdict["label"] for claim, verdict in of(outcome, name).items()}
    assert {claim: found.get(claim) for claim in wanted} == wanted


def test_what_the_abstract_does_not_show_is_uncertain_and_not_forced(outcome):
    """Its label says that it was randomised, and the abstract does not."""
    found = of(outcome, "silent")
    assert found.get("randomised", {"label": "UNCERTAIN"})["label"] == "UNCERTAIN"
    silent = [verdict for verdict in found.values() if verdict["label"] == "UNCERTAIN"]
    assert len(silent) == 1
    assert all(not verdict["quote"] for verdict in silent)


def test_where_the_words_show_the_opposite_of_the_label_it_is_refused(outcome):
    contrary = ("label YES", "label is NO", "label NO")
    refused = {r.what.partition(" ")[2] for r in outcome[1] if r.why.endswith(contrary)}
    assert "randomised" in refused
    pmid = f"pmid:{83_000_000 + list(ROWS).index('mislabelled')}"
    for one in outcome[0]:
        if one.asked["record_id"] == pmid:
            assert not any("andom" in c["text"] for c in one.asked["criteria"])


def test_an_engine_that_says_the_opposite_is_heeded(corpus):
    contrary = Says(lambda criterion, asked: ("NO", asked.title, "It is not so."))
    instructions, refusals = made(Design(contrary), corpus)
    labels = {v["label"] for one in instructions for v in one.answer["verdicts"]}
    assert labels <= {"NO"}
    assert any(refusal.why == "the engine says NO, the label YES" for refusal in refusals)


def test_a_language_models_reasons_are_kept_where_its_quote_shows_it(corpus):
    def reads(criterion, asked):
        quoted = "84 children were randomised to velmarin"
        return ("YES", quoted, "They were drawn by lot.") if quoted in asked.text else ("UNCERTAIN", "", "")

    instructions, _ = made(Design(Says(reads), DesignSettings(most=8)), corpus)
    reasons = [v["rationale"] for one in instructions for v in one.answer["verdicts"] if v["label"] == "YES"]
    assert "They were drawn by lot." in reasons


def test_quotes_stand_in_the_text_and_every_instruction_decides_something(outcome):
    assert any(refusal.why == "no abstract" for refusal in outcome[1])
    for one in outcome[0]:
        verdicts = one.answer["verdicts"]
        assert {v["label"] for v in verdicts} - {"UNCERTAIN"}
        assert sum(v["label"] == "UNCERTAIN" for v in verdicts) <= 1
        assert all(
            (v["quote"] in one.asked["text"]) and bool(v["quote"]) == (v["label"] != "UNCERTAIN")
            for v in verdicts
        )
        assert one.about.how == "design"
        assert one.about.studies == (one.asked["record_id"],)
        row_of(one, "ours")


def test_wordings_kinds_and_ids_vary_and_are_always_the_same(tmp_path):
    rows = {str(n): (TRIAL, "human trial randomized_trial child") for n in range(60)}
    table(tmp_path / "study_type", rows)
    corpus = corpus_of(tmp_path, "study_type")
    first, second = (made(Design(BASELINE), corpus)[0] for _ in range(2))
    assert first == second
    asked = [c for one in first for c in one.asked["criteria"]]
    assert len({c["text"] for c in asked}) > 12
    assert {c["kind"] for c in asked} == {"include", "exclude"}
    assert len({c["id"] for c in asked}) > 20
    sizes = Counter(len(one.asked["criteria"]) for one in first)
    assert len(sizes) > 1
    assert max(sizes) <= 4


def test_every_claim_has_wordings_of_its_own():
    texts = [(w.kind, w.text) for claim in CLAIMS for w in claim.wordings]
    assert len(texts) == len(set(texts))
    assert all(claim.wordings for claim in CLAIMS)


@pytest.mark.parametrize("limit", [40])
def test_on_real_abstracts_the_words_agree_with_the_labels(shared_data, tmp_path, limit):
    """Of what can be asked about real abstracts most has an answer that the abstract shows."""
    import gzip

    with gzip.open(shared_data / "study_type" / "labelled.tsv.gz", "rt", encoding="utf-8") as file:
        lines = [next(file) for _ in range(limit + 1)]
    (tmp_path / "study_type").mkdir()
    (tmp_path / "study_type" / "labelled.tsv").write_text("".join(lines), encoding="utf-8")
    instructions, refusals = made(Design(BASELINE), corpus_of(tmp_path, "study_type"))
    assert len(instructions) >= limit // 4
    contrary = [r for r in refusals if r.why.startswith(("the engine says", "words of the abstract"))]
    assert len(contrary) < limit // 2
