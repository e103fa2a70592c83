"""The leak report: one planted leak of each kind is caught, and nothing is seen where nothing is."""

import json
import random

import pytest

from finetune.instructions import About, instruction, row_of, write_rows
from finetune.invention.trials import invent
from finetune.splitting import leaks
from finetune.splitting.contents import quotes_of, texts_of, titles_of
from finetune.splitting.leaks import LeakError, find, refuse, table, to_drop
from finetune.splitting.likeness import Likeness, Near
from model.tasks.query import KnownStudy, QueryAnswer, QueryInput
from model.tasks.screen import Judgement, ScreenAnswer, ScreenInput
from tools.errors import InputFileError
from tools.schemas import Block, Criterion

DATES = {"list": 2015, "timeless": None}


def abstract(seed, words=160):
    """A text of its own for each seed; no two share three words in a row."""
    chance = random.Random(f"abstract {seed}")
    letters = "abcdefghiklmnoprstu"
    return " ".join("".join(chance.choices(letters, k=chance.randrange(3, 9))) for _ in range(words))


def screened(
    number, year, *, title=None, text=None, review=None, study=None, source="list", criterion=None, quote=""
):
    title = title or f"{abstract(f'title {number}', 9)}"
    text = text or abstract(number)
    asked = ScreenInput(
        record_id=f"{number}",
        criteria=(Criterion(id="C1", kind="include", text=criterion or f"Participants of kind {number}."),),
        text=f"{title}\n{text}",
        title=title,
    )
    answer = ScreenAnswer(
        verdicts=(Judgement(criterion_id="C1", label="YES", quote=quote, rationale="The text says so."),)
    )
    about = About(
        source=source, licence="CC0-1.0", how="made by hand", year=year,
        reviews=(review or f"list:{number}",), studies=(study or f"pmid:{number}",),
    )  # fmt: skip
    return row_of(instruction("screen", asked, answer, about), "ours")


def clean():
    return {
        "train": [screened(n, 2010) for n in range(1, 9)],
        "validation": [screened(n, 2012) for n in range(20, 23)],
        "test": [screened(n, 2020) for n in range(40, 44)],
    }


def looked(parts, likeness=None):
    return find(lambda part: [row.model_dump() for row in parts[part]], DATES, likeness)


def found(report):
    return {check.name: check.rows for check in report.checks if check.rows}


def test_parts_that_share_nothing_are_clean():
    report, shared = looked(clean())
    assert report.clean
    assert shared == []
    assert report.rows == {"train": 8, "validation": 3, "test": 4}
    assert report.texts == {"train": 8, "validation": 3, "test": 4}
    refuse(report)


PLANTED = {
    "one review in two parts": ({"review": "list:40"}, {"reviews"}),
    "one study in two parts": ({"study": "pmid:40"}, {"studies"}),
    "the same study under another id": (
        {"study": "nct:NCT00000040", "title": abstract("title 40", 9), "text": abstract(40)}, {"titles", "near_duplicates"}),  # noqa: E501
    "a paraphrased title with the same abstract": (
        {"title": "Some quite other words that stand over it", "text": abstract(40)}, {"near_duplicates"}),
    "the same title with another abstract": ({"title": abstract("title 40", 9).upper() + "."}, {"titles"}),
    "a year of test in train": ({}, {"dates"}),
    "a year of test in a source without dates": ({"source": "timeless"}, set()),
}  # fmt: skip


@pytest.mark.parametrize(("told", "seen"), PLANTED.values(), ids=PLANTED)
@pytest.mark.parametrize("part", ["train", "validation"])
def test_a_planted_leak_is_caught(part, told, seen):
    parts = clean()
    parts[part].append(screened(99, 2020 if "year" in str(told) or seen <= {"dates"} else 2010, **told))
    report, shared = looked(parts)
    assert found(report).keys() == seen
    assert {one.example_id for one in shared} <= {parts[part][-1].example_id}
    if seen:
        with pytest.raises(LeakError, match=parts[part][-1].example_id) as caught:
            refuse(report)
        assert caught.value.exit_status == 3


def test_a_whole_prompt_and_a_long_quote_in_two_parts_are_caught():
    text = abstract(40, 30)  # too short to be compared as a text
    quote = " ".join(text.split()[3:18])
    parts = clean()
    parts["test"].append(screened(60, 2020, text=text, quote=quote, title="Few words", criterion="Adults."))
    parts["train"].append(screened(61, 2010, text=text, quote=quote, title="Few words", criterion="Adults."))
    report, shared = looked(parts)
    # The boundary around the text comes from the text, so equal questions are equal prompts.
    assert found(report) == {"prompts": 1, "quotes": 1}
    assert to_drop(shared) == {parts["train"][-1].example_id: "prompts"}


def test_a_test_row_that_is_too_old_or_has_no_year_is_caught():
    for year in (2015, None):
        parts = clean()
        parts["test"].append(screened(50, year))
        assert found(looked(parts)[0]) == {"dates": 1}


def test_one_review_in_two_sources_is_caught_by_its_title():
    def asked(source, title, year):
        answer = QueryAnswer(blocks=(Block(name="population", terms=(f'"{title}"[tiab]',)),))
        given = QueryInput(title=title, framework="PICO", elements={"population": ("adults",)})
        about = About(source="list", licence="x", how="made", year=year, reviews=(f"{source}:1",))
        return row_of(instruction("query", given, answer, about), "ours")

    parts = clean()
    title = "Invented drugs for invented diseases: a systematic review"
    parts["test"].append(asked("one", title, 2020))
    parts["train"].append(asked("other", title.title(), 2010))
    assert found(looked(parts)[0]) == {"titles": 1}


def test_what_is_shared_by_text_goes_from_train_and_then_from_validation_and_ids_cannot_be_settled():
    parts = clean()
    copy = {"text": abstract(40), "title": "Another title"}
    parts["validation"].append(screened(70, 2010, **copy))
    parts["train"].append(screened(71, 2010, **copy))
    _, shared = looked(parts)
    gone = to_drop(shared)
    assert gone.keys() == {parts["validation"][-1].example_id, parts["train"][-1].example_id}
    left = {part: [row for row in rows if row.example_id not in gone] for part, rows in parts.items()}
    assert looked(left)[0].clean
    parts["train"].append(screened(72, 2010, study="pmid:40"))
    _, shared = looked(parts)
    assert parts["train"][-1].example_id not in to_drop(shared)


def test_nearly_the_same_is_measured_exactly():
    words = abstract("base", 100).split()

    def changed(count):
        other = list(words)
        for n in range(count):
            other[10 + 12 * n] = f"changed{n}"
        return " ".join(other)

    for count, alike in ((0, True), (3, True), (5, True), (6, False), (7, False)):
        # Each changed word takes three of the 98 shingles with it: (98 - 3c) / (98 + 3c).
        assert ((98 - 3 * count) / (98 + 3 * count) >= 0.7) == alike
        near = Near(Likeness(permutations=256))
        near.alike(" ".join(words), "test", True)
        assert bool(near.alike(changed(count), "train", False)) == alike


def test_near_duplicates_within_a_part_are_none():
    parts = clean()
    parts["train"] += [screened(80, 2010, text=abstract(81)), screened(81, 2010, text=abstract(81))]
    assert looked(parts)[0].clean


def test_texts_titles_and_quotes_are_the_papers_own():
    chance = random.Random(2)
    paper = invent(chance, filler=10)
    asked = {
        "title": paper.title,
        "criteria": [{"text": "word " * 60}],
        "passages": [{"text": "long " * 40}, {"text": "short"}],
        "outcome": {"title": "Change in something from baseline to the end"},
    }
    assert texts_of(asked) == ["long " * 40]
    record = {"text": "A title over it\n" + "long " * 40}
    assert texts_of(record) == texts_of(record | {"title": "A title over it"}) == ["\n" + "long " * 40]
    assert titles_of(asked | {"title": "A trial of <i>one</i> Drug, in Adults"}) == [
        "a trial of one drug in adults"
    ]
    assert titles_of({"title": "Asthma in children"}) == []
    assert titles_of({"text": "First line of a record text\nmore"}) == ["first line of a record text"]
    study = KnownStudy(record_id="1", title="A title of some more words", abstract="of " * 40)
    known = {"title": "Review", "known": [study.model_dump()], "missed": [{"study": study.model_dump()}]}
    assert titles_of(known) == ["a title of some more words"]
    assert len(texts_of(known)) == 2
    assert quotes_of({"verdicts": [{"quote": "w " * 12}, {"quote": "w " * 11}]}) == ["w " * 12]


# The folder --------------------------------------------------------------------------------------


def saved(folder, parts):
    for part, rows in parts.items():
        write_rows(folder / part / "rows.parquet", rows)
    card = {"split": {"after": DATES}, "leaks": {"likeness": Likeness().model_dump()}}
    (folder / "card.json").write_text(json.dumps(card))


def test_the_command_tells_by_its_exit_status(tmp_path, capsys):
    parts = clean()
    saved(tmp_path, parts)
    assert leaks.main([str(tmp_path)]) == 0
    assert "near" in capsys.readouterr().out
    parts["train"].append(screened(40, 2010))
    saved(tmp_path, parts)
    assert leaks.main([str(tmp_path)]) == 3
    told = capsys.readouterr()
    assert "a study in two parts" in told.err
    assert parts["train"][-1].example_id in told.err


def test_a_folder_without_card_or_with_another_source_is_refused(tmp_path, capsys):
    assert leaks.main([str(tmp_path)]) == 2
    assert "no data card" in capsys.readouterr().err
    parts = clean()
    parts["train"].append(screened(90, 2010, source="unheard of"))
    with pytest.raises(InputFileError, match="unheard of"):
        looked(parts)


def test_the_table_names_every_check():
    report, _ = looked(clean())
    assert all(what in table(report) for what in leaks.CHECKS.values())
