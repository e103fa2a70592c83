"""Choosing passages: what is always read, what goes together, and that the budget and the offsets hold.

The reports are invented.
"""

import gzip
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.appraisal.rob2 import VARIANTS, rob2
from tools.errors import ConfigError
from tools.fulltext import jats, relevance
from tools.fulltext.choosing import LEAST, Chosen, Task, choose, cues_for
from tools.fulltext.cues import BIAS_CUES
from tools.fulltext.parts import Report
from tools.fulltext.relevance import abbreviations, bm25, stem, terms, with_abbreviations
from tools.schemas import Passage


def report(*blocks: tuple[str, str, str]) -> tuple[Passage, ...]:
    """Passages of (section, kind, text), placed as a reader of full texts places them."""
    made, start = [], 0
    for section, kind, text in blocks:
        made.append(Passage.model_validate({"section": section, "kind": kind, "start": start, "text": text}))
        start += len(text) + 1
    return tuple(made)


def canonical(passages: tuple[Passage, ...]) -> str:
    return "\n".join(p.text for p in passages)


def texts(chosen: Chosen) -> list[str]:
    return [p.text for p in chosen.passages]


def filler(topic: str, sentences: int = 6) -> str:
    return " ".join(f"The {topic} was knitted on needle {n}." for n in range(sentences))


TITLE = ("", "title", "Wool socks against cold feet")
ABSTRACT = ("Abstract", "abstract", "Socks were compared in a trial.")
TABLE = "\n".join(
    [" | Wool | Cotton", "Comfort | Comfort | Comfort", "Itching | 4 | 9", "Warmth score | 31.2 | 29.9"]
)
SOCKS = report(
    TITLE,
    ABSTRACT,
    ("Introduction", "title", "Introduction"),
    ("Introduction", "paragraph", "Others found blisters in hikers. " + filler("loom")),
    ("Methods", "title", "Methods"),
    ("Methods > Randomisation", "title", "Randomisation"),
    ("Methods > Randomisation", "paragraph", "A computer allocated the feet. " + filler("envelope")),
    ("Methods > Yarn", "title", "Yarn"),
    ("Methods > Yarn", "paragraph", filler("yarn")),
    ("Results", "title", "Results"),
    ("Results", "paragraph", "Hikers had fewer blisters (Table 2). " + filler("hike")),
    ("Results", "caption", "Table 1 Who took part"),
    ("Results", "table", " | Wool | Cotton\nAge | 41 | 43"),
    ("Results", "caption", "Table 2 What the feet said"),
    ("Results", "table", TABLE),
    ("Results", "caption", "* of ten toes"),
    ("Funding", "title", "Funding"),
    ("Funding", "paragraph", filler("sheep")),
)
WHOLE = sum(len(p.text) + 1 for p in SOCKS)


# What is read ------------------------------------------------------------------------------------


def test_a_report_that_fits_is_passed_on_as_it_is():
    chosen = choose(SOCKS, ["warmth"], characters=WHOLE)
    assert chosen.passages is SOCKS
    assert chosen.whole
    assert (chosen.characters, chosen.of, chosen.note) == (WHOLE, WHOLE, "")
    assert not choose(SOCKS, ["warmth"], characters=WHOLE - 1).whole


def test_a_table_goes_with_its_caption_its_footnotes_and_its_heading():
    chosen = choose(SOCKS, ["itching"], characters=LEAST)
    assert texts(chosen)[:2] == [TITLE[2], ABSTRACT[2]], "always"
    assert "Table 2 What the feet said" in texts(chosen)
    assert TABLE in texts(chosen)
    assert "* of ten toes" in texts(chosen)
    assert "Results" in texts(chosen)


def test_each_table_is_a_part_of_its_own():
    floats = [part for part in Report(SOCKS).parts if part.is_float]
    assert [[SOCKS[n].text for n in part.members] for part in floats] == [
        ["Table 1 Who took part", " | Wool | Cotton\nAge | 41 | 43"],
        ["Table 2 What the feet said", TABLE, "* of ten toes"],
    ]


def test_the_caption_s_words_bring_the_table():
    assert " | Wool | Cotton\nAge | 41 | 43" in texts(choose(SOCKS, ["who took part"], characters=LEAST))


def test_a_paragraph_brings_the_headings_above_it_and_no_others():
    chosen = choose(SOCKS, ["allocation of feet by computer"], characters=LEAST)
    read = [p.text for p in chosen.passages if p.kind == "title"]
    assert read[:3] == [TITLE[2], "Methods", "Randomisation"]
    assert "Yarn" not in read


@pytest.mark.parametrize("said", ["(Table 2)", "in Tables 1 and 2", "(table 1, 2)"])
def test_a_table_is_brought_by_the_paragraph_that_refers_to_it(said):
    passages = report(
        TITLE,
        ("Results", "paragraph", f"Fewer hikers had blisters {said}."),
        ("Discussion", "paragraph", filler("loom", 12)),
        ("", "caption", "Figure 2 A loom"),
        ("", "caption", "Table 2 What the feet said"),
        ("", "table", TABLE),
    )
    chosen = choose(passages, ["blisters"], characters=LEAST)
    assert TABLE in texts(chosen), "though no word of the question stands in it"
    assert "Figure 2 A loom" not in texts(chosen)


def test_results_go_before_what_others_found():
    chosen = choose(SOCKS, ["blisters in hikers"], characters=LEAST)
    read = {p.section for p in chosen.passages}
    assert "Results" in read
    assert "Introduction" not in read


def test_neighbours_of_a_hit_go_before_paragraphs_elsewhere():
    far, near = filler("glove", 8), filler("mitten", 8)
    passages = report(
        TITLE,
        ABSTRACT,
        ("Methods", "paragraph", far),
        ("Results", "paragraph", near),
        ("Results", "paragraph", "Warmth rose."),
    )
    assert texts(choose(passages, ["warmth"], characters=LEAST)) == [
        TITLE[2],
        ABSTRACT[2],
        near,
        "Warmth rose.",
    ]


def test_cues_bring_what_the_question_does_not_name():
    section = "Methods > Randomisation"
    assert section not in {p.section for p in choose(SOCKS, ["blisters"], characters=LEAST).passages}
    only = choose(SOCKS, [], characters=LEAST, cues=["computer", "allocated"])
    assert only.matched
    assert section in {p.section for p in only.passages}
    both = choose(SOCKS, ["sheep"], characters=LEAST, cues=["computer"])
    assert "Funding" in {p.section for p in both.passages}, "the question weighs more than the cue"


def test_scores_from_elsewhere_count_beside_the_words():
    yarn = next(p for p in SOCKS if p.section == "Methods > Yarn" and p.kind == "paragraph")
    chosen = choose(SOCKS, ["thickness"], characters=LEAST, scores={yarn.start: 0.9})
    assert yarn in chosen.passages
    assert chosen.matched
    nothing = choose(SOCKS, ["thickness"], characters=LEAST, scores={yarn.start: 0.0})
    assert not nothing.matched


def test_where_no_word_stands_in_the_report_methods_and_results_are_read_in_order():
    chosen = choose(SOCKS, ["zeppelin"], characters=700)
    assert not chosen.matched
    assert "none of its words" in chosen.note
    assert next(p.section for p in chosen.passages if p.kind == "paragraph") == "Methods > Randomisation"
    assert "Introduction" in chosen.left_out


def test_a_translated_abstract_is_read_only_where_it_is_near():
    passages = report(
        TITLE,
        ABSTRACT,
        ("Abstract (translated, fr)", "abstract", filler("chaussette", 10)),
        ("Results", "paragraph", "Warmth rose. " + filler("foot", 4)),
    )
    assert {p.section for p in choose(passages, ["warmth"], characters=LEAST).passages} == {
        "", "Abstract", "Results"
    }  # fmt: skip


def test_the_lines_of_a_table_in_a_pdf_go_with_its_caption():
    passages = report(
        TITLE,
        ("Results", "caption", "Table 1. Warmth of feet"),
        ("Results", "paragraph", "Wool Cotton Total"),
        ("Results", "paragraph", "Left 31.2 29.9 30.5"),
        ("Results", "paragraph", "We then asked the participants what they thought of it all."),
        ("Discussion", "paragraph", filler("needle", 20)),
    )
    assert texts(choose(passages, ["warmth of feet"], characters=LEAST))[1:4] == [
        "Table 1. Warmth of feet", "Wool Cotton Total", "Left 31.2 29.9 30.5"
    ]  # fmt: skip


def test_tables_without_labels_are_told_apart():
    passages = report(
        TITLE,
        ("", "caption", "Warmth by day"),
        ("", "table", "Day | Warmth\n1 | 30"),
        ("", "caption", "a: mean of ten"),
        ("", "caption", "Itching by night"),
        ("", "table", "Night | Itching\n1 | " + "x" * 400),
    )
    read = texts(choose(passages, ["warmth by day"], characters=LEAST))
    assert read == [TITLE[2], "Warmth by day", "Day | Warmth\n1 | 30", "a: mean of ten"]


# What is not -------------------------------------------------------------------------------------


def test_the_note_says_how_much_was_read_and_what_was_not():
    chosen = choose(SOCKS, ["itching"], characters=LEAST)
    assert chosen.characters == sum(len(p.text) + 1 for p in chosen.passages) <= LEAST
    assert chosen.left_out == ("Introduction", "Methods", "Funding")
    assert chosen.thinned == ("Results",)
    assert chosen.note == (
        f"{chosen.characters} of the report's {WHOLE:,} characters were read for this question; "
        "nothing read of: Introduction, Methods, Funding; read in part: Results"
    )


def test_nothing_is_cut_that_would_fit_alone():
    assert all(p in SOCKS for p in choose(SOCKS, ["blisters"], characters=LEAST).passages)


def test_a_table_too_long_gives_its_header_its_group_and_its_nearest_rows():
    rows = [f"Other thing {n} | {n} | {n + 1}" for n in range(60)]
    rows[30:32] = ["After six weeks | After six weeks | After six weeks", "Frostbite | 3 | 8"]
    table = "\n".join([" | Wool | Cotton", " | n = 20 | n = 21", *rows])
    passages = report(TITLE, ("Results", "caption", "Table 3 Events"), ("Results", "table", table))
    chosen = choose(passages, ["frostbite"], characters=LEAST)
    pieces = [p.text for p in chosen.passages if p.kind == "table"]
    assert pieces[0].startswith(" | Wool | Cotton\n | n = 20 | n = 21")
    assert any(piece.endswith("After six weeks\nFrostbite | 3 | 8") for piece in pieces) or any(
        "After six weeks\nFrostbite | 3 | 8\n" in piece for piece in pieces
    )
    assert "Table 3 Events" in texts(chosen)
    assert chosen.cut == ("Results",)
    assert "cut inside: Results" in chosen.note
    assert_verbatim(passages, chosen, LEAST)


def test_the_header_goes_with_the_rows_though_each_row_is_nearer():
    rows = [f"Other thing {n} | {n} | {n + 1}" for n in range(60)]
    table = "\n".join([" | Wool | Cotton", " | n = 20 | n = 21", *rows])
    passages = report(TITLE, ("Results", "table", table))
    pieces = [p.text for p in choose(passages, ["other thing"], characters=LEAST).passages[1:]]
    assert pieces[0].startswith(" | Wool | Cotton\n | n = 20 | n = 21\nOther thing 0 | 0 | 1")


def test_the_header_goes_with_a_row_that_heads_a_group_too():
    rows = [f"Frostbite in week {n} | Frostbite in week {n}" for n in range(60)]
    passages = report(TITLE, ("Results", "table", "\n".join([" | Wool | Cotton", *rows])))
    pieces = [p.text for p in choose(passages, ["frostbite"], characters=LEAST).passages[1:]]
    assert pieces[0].startswith(" | Wool | Cotton\nFrostbite in week 0")


def test_what_is_longer_than_the_room_beside_the_abstract_is_cut_though_the_budget_would_do():
    passages = report(
        TITLE, ("Abstract", "abstract", filler("sock", 8)), ("Results", "paragraph", filler("toe", 9))
    )
    chosen = choose(passages, ["toe"], characters=LEAST)
    assert chosen.cut == ("Results",)
    assert_verbatim(passages, chosen, LEAST)


def test_tables_are_read_by_rows_only_where_that_is_asked_for():
    rows = "\n".join(["Day | Warmth", *(f"{n} | cold" for n in range(30)), "30 | warm"])
    passages = report(
        TITLE, ("Results", "paragraph", "Warm and warm. " + filler("w", 7)), ("", "table", rows)
    )
    whole, by_rows = (
        choose(passages, ["warm"], characters=LEAST, tables_by_rows=asked) for asked in (False, True)
    )
    assert [p.kind for p in whole.passages] == ["title", "paragraph"]
    assert (whole.cut, whole.thinned) == ((), ("",))
    assert by_rows.passages[2].text.startswith("Day | Warmth")
    assert by_rows.passages[-1].text.endswith("30 | warm")
    assert by_rows.cut == ("",)
    assert_verbatim(passages, by_rows, LEAST)


def test_a_paragraph_too_long_gives_its_nearest_sentences():
    text = filler("heel", 40) + " Frostbite was seen in three. " + filler("toe", 40)
    passages = report(TITLE, ("Results", "paragraph", text))
    chosen = choose(passages, ["frostbite"], characters=LEAST)
    assert "Frostbite was seen in three." in canonical(chosen.passages)
    assert "needle 39" not in canonical(chosen.passages)
    assert_verbatim(passages, chosen, LEAST)


def test_a_sentence_too_long_is_read_up_to_a_space():
    passages = report(("Results", "paragraph", "frostbite " * 200))
    chosen = choose(passages, ["frostbite"], characters=LEAST)
    assert set(canonical(chosen.passages).split()) == {"frostbite"}
    assert LEAST - 20 < chosen.characters <= LEAST


def test_an_abstract_too_long_leaves_the_title_whole():
    passages = report(
        TITLE, ("Abstract", "abstract", filler("sock", 50)), ("Results", "paragraph", filler("a", 9))
    )
    chosen = choose(passages, ["sock"], characters=LEAST)
    assert chosen.passages[0] == passages[0]
    assert chosen.cut == ("Abstract",)
    assert_verbatim(passages, chosen, LEAST)


def test_too_small_a_budget_is_refused_with_a_remedy():
    with pytest.raises(ConfigError, match="Remedy"):
        choose(SOCKS, ["warmth"], characters=LEAST - 1)


def test_a_report_without_passages_stays_empty():
    assert choose((), ["warmth"], characters=LEAST).passages == ()


# Always ------------------------------------------------------------------------------------------


def assert_verbatim(passages: tuple[Passage, ...], chosen: Chosen, characters: int) -> None:
    text = canonical(passages)
    assert chosen.characters == sum(len(p.text) + 1 for p in chosen.passages) <= characters
    ends = 0
    for p in chosen.passages:
        assert text[p.start : p.start + len(p.text)] == p.text
        assert p.start >= ends, "in reading order, and nothing twice"
        ends = p.start + len(p.text)


WORD = st.sampled_from(
    ["wool", "cotton", "12", "3.4", "blisters", "toe", "Table 1", "Figure 2", "(TOE)", "warm."]
)
BLOCK = st.tuples(
    st.sampled_from(["", "Abstract", "Methods", "Methods > Feet", "Results", "Discussion"]),
    st.sampled_from(["title", "abstract", "paragraph", "caption", "table"]),
    st.lists(WORD, min_size=1, max_size=150).flatmap(
        lambda words: st.sampled_from([" ", " | ", "\n"]).map(lambda joint: joint.join(words))
    ),
)


@given(
    st.lists(BLOCK, min_size=1, max_size=8),
    st.lists(WORD, max_size=3),
    st.integers(LEAST, 3000),
    st.booleans(),
)
def test_the_budget_holds_and_every_passage_is_verbatim_in_order(blocks, words, characters, by_rows):
    passages = report(*blocks)
    chosen = choose(passages, words, characters=characters, tables_by_rows=by_rows)
    assert_verbatim(passages, chosen, characters)
    assert choose(list(passages), words, characters=characters, tables_by_rows=by_rows) == chosen
    assert chosen.whole == (chosen.passages == passages)
    assert bool(chosen.note) != chosen.whole


def test_real_papers_hold_the_same_laws(shared_data):
    paths = sorted((shared_data / "jats").glob("*.nxml.gz"))[:12]
    for path in paths:
        full = jats.parse(gzip.decompress(path.read_bytes()), report_id=path.name, source=path.name)
        for characters in (LEAST, 4000, 12000):
            chosen = choose(
                full.passages, ["mean pain score"], characters=characters, cues=cues_for("results")
            )
            assert chosen.passages
            assert_verbatim(full.passages, chosen, characters)


# Cues --------------------------------------------------------------------------------------------


def test_every_task_has_cues_that_tell_it_from_the_others():
    found = [cues_for(task) for task in get_args(Task)]
    assert len(set(found)) == len(get_args(Task))
    assert all(terms(cue) for cues in found for cue in cues), "no cue of function words alone"


def test_the_cues_of_bias_go_by_the_domains_of_rob_2():
    tools = [rob2(variant) for variant in VARIANTS]
    assert {domain.name for tool in tools for domain in tool.domains} == set(BIAS_CUES)
    only = cues_for("bias", domains=["Randomisation process"])
    assert "allocation concealment" in only
    assert "imputation" not in only
    assert set(only) < set(cues_for("bias"))
    assert cues_for("bias", domains=["Verification bias"]) == ("Verification bias",)


# Words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("randomised", "Randomization"), ("tumours", "tumor"), ("oedema", "edema"), ("deaths", "death"),
        ("leukaemia", "leukemia"), ("hospitalised", "hospitalization"), ("scores", "score"), ("ICUs", "ICU"),
        ("allocated", "allocation"), ("mortalities", "mortality"), ("José", "Jose"),
    ],
)  # fmt: skip
def test_words_of_one_root_are_one(one, other):
    assert stem(one) == stem(other)


@pytest.mark.parametrize(
    ("one", "other"), [("mass", "mast"), ("arm", "army"), ("pain", "paint"), ("dose", "does")]
)
def test_other_words_stay_apart(one, other):
    assert stem(one) != stem(other)


def test_abbreviations_stand_for_what_the_report_says():
    known = abbreviations(["We took the body mass index (BMI), and the rate (RR) of it (see IT)."])
    assert known == {stem("BMI"): tuple(terms("body mass index"))}
    assert with_abbreviations({stem("BMI"): 1.0}, known) == dict.fromkeys(terms("BMI body mass index"), 1.0)
    assert with_abbreviations(dict.fromkeys(terms("index of body mass"), 1.0), known)[stem("BMI")] == 1.0
    assert stem("BMI") not in with_abbreviations(dict.fromkeys(terms("body index"), 1.0), known)


def test_bm25_by_hand():
    # 3 parts of 2 words on average; `a` in one of them: ln(1 + 2.5/1.5), of length 3 and once.
    scores = bm25([["a", "b", "c"], ["b", "b"], ["c"]], {"a": 1.0})
    norm = 1 - relevance.LENGTH + relevance.LENGTH * 3 / 2
    expected = 0.980829 * (relevance.SATURATION + 1) / (1 + relevance.SATURATION * norm)
    assert scores == [pytest.approx(expected, rel=1e-5), 0, 0]
    assert bm25([["a"], ["b"]], {"a": 2.0})[0] == pytest.approx(2 * bm25([["a"], ["b"]], {"a": 1.0})[0])
    assert bm25([], {"a": 1.0}) == []
