"""The strategy as a value: what is written reads back, and what is ambiguous is said."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.errors import ReviewError
from tools.search import query as q
from tools.search.query import And, Dates, Not, Or, Term

# Round trip -------------------------------------------------------------------------------------

_letters = st.text("abcdefghijklmnopqrstuvwxyzABCéßβ0123456789-/',.&", min_size=1, max_size=8)
_words = _letters.filter(
    lambda w: any(c.isalpha() for c in w) and w.lower() not in {"and", "or", "not", "adj"} and "/" not in w
).filter(lambda w: "." not in w)
_texts = st.lists(_words, min_size=1, max_size=4).map(" ".join)
_plain_fields = st.sampled_from(["", "ti", "ab", "tiab", "tw", "all", "au", "la", "nm", "sb", "madeup"])

_plain = st.builds(Term, text=_texts, field=_plain_fields, phrase=st.booleans(), truncated=st.booleans())
_headings = st.builds(
    Term,
    text=_texts,
    field=st.sampled_from(["mh", "majr", "sh", "pt"]),
    phrase=st.just(True),
    exploded=st.booleans(),
)
_near = st.builds(
    Term,
    text=_texts,
    field=st.sampled_from(["ti", "tiab"]),
    phrase=st.just(True),
    proximity=st.integers(0, 20),
)
_years = st.tuples(st.integers(1900, 2030), st.integers(1900, 2030)).map(sorted)
_within_year = st.sampled_from(["", "/05", "/05/17"])
_dates = st.builds(
    lambda years, rest, field: Dates(f"{years[0]}{rest}", f"{years[1]}{rest}", field),
    _years,
    _within_year,
    st.sampled_from(sorted(q.DATE_FIELDS)),
)
_relative = st.builds(
    lambda n, unit, field, phrase: Term(f"last {n} {unit}", field, phrase=phrase),
    st.integers(1, 400),
    st.sampled_from(["days", "month", "years"]),
    st.sampled_from(sorted(q.DATE_FIELDS)),
    st.booleans(),
)
_odd = st.builds(  # what only quotation marks can hold
    Term,
    text=st.sampled_from(["(18)F-FDG", "[18F] altropane", "cats and dogs", "#4", "a:b", "4.", ": x", "not"]),
    field=st.sampled_from(["", "ti", "tiab", "majr"]),
    phrase=st.just(True),
    truncated=st.booleans(),
)
_subheadings = st.builds(
    lambda name, sub, exploded: Term(f"{name}/{sub}", "mh", phrase=True, exploded=exploded),
    _texts,
    st.sampled_from(["adverse effects", "drug therapy"]),
    st.booleans(),
)
_numbers = st.integers(1, 10**8).map(lambda n: Term(str(n), "uid"))
_leaves = _plain | _headings | _near | _dates | _relative | _odd | _subheadings | _numbers
queries = st.recursive(
    _leaves,
    lambda parts: (
        st.lists(parts, min_size=2, max_size=4).map(lambda p: And(tuple(p)))
        | st.lists(parts, min_size=2, max_size=4).map(lambda p: Or(tuple(p)))
        | st.builds(Not, parts, parts)
    ),
    max_leaves=12,
)


@given(queries)
def test_what_is_rendered_reads_back_as_the_same_value(query: q.Query) -> None:
    assert q.parse(q.render(query)) == query


@given(queries)
def test_rendered_strategies_hide_nothing_from_the_reader(query: q.Query) -> None:
    """No missing operator, no order of evaluation that matters: the parentheses say it all."""
    assert q.read(q.render(query)).notes == ()


_pieces = [
    "a",
    "bb*",
    "*",
    "12",
    "#1",
    '"',
    "(",
    ")",
    "[ti]",
    "[mh:noexp]",
    "[tiab:~2]",
    "[dp]",
    "2015",
    "2016",
]
_pieces += [
    " ",
    " ",
    " AND ",
    " or ",
    " NOT ",
    ":",
    "\n",
    "1. ",
    "\n2. ",
    "’",
    "é",
    "-",
    "/",
    "[x]",
    "[uid]",
    "[sh]",
]


@given(st.text(max_size=60) | st.lists(st.sampled_from(_pieces), max_size=14).map("".join))
def test_any_text_is_either_read_or_refused_as_a_syntax_error(text: str) -> None:
    try:
        query = q.parse(text)
    except q.QuerySyntaxError:
        return
    assert q.parse(q.render(query)) == query


# Terms --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("asthma[tiab]", Term("asthma", "tiab")),
        ("asthma [tiab]", Term("asthma", "tiab")),
        ("asthma[Title/Abstract]", Term("asthma", "tiab")),
        ("Asthma[MeSH Terms]", Term("Asthma", "mh")),
        ("Asthma[mesh]", Term("Asthma", "mh")),
        ("Asthma[Mesh:NoExp]", Term("Asthma", "mh", exploded=False)),
        ("asthma[MeSH Major Topic]", Term("asthma", "majr")),
        ("inhal*[tw]", Term("inhal", "tw", truncated=True)),
        ('"inhaled ster*"[tiab]', Term("inhaled ster", "tiab", phrase=True, truncated=True)),
        ('"inhaled ster"*[tiab]', Term("inhaled ster", "tiab", phrase=True, truncated=True)),
        ("inhaled steroid[tiab]", Term("inhaled steroid", "tiab")),
        ('"a b"[tiab:~3]', Term("a b", "tiab", phrase=True, proximity=3)),
        ('"a b"[Title/Abstract:~0]', Term("a b", "tiab", phrase=True, proximity=0)),
        ("asthma", Term("asthma")),
        ("randomized controlled trial[pt]", Term("randomized controlled trial", "pt")),
        ("Smith JB[au]", Term("Smith JB", "au")),
        ("31452104[pmid]", Term("31452104", "uid")),
        ("31452104 1234567", Or((Term("31452104", "uid"), Term("1234567", "uid")))),
        ("“step–sectioned”[tiab]", Term("step-sectioned", "tiab", phrase=True)),
        ("alzheimer’s[tiab]", Term("alzheimer's", "tiab")),
        ("carci\u00adnoma\u00a0cell[tiab]", Term("carcinoma cell", "tiab")),
        ("Surveys and Questionnaires[mh]", Term("Surveys and Questionnaires", "mh", phrase=True)),
        ("asthma[made up]", Term("asthma", "made up")),
    ],
)
def test_a_term_is_read_with_its_field(text: str, expected: q.Query) -> None:
    assert q.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2015:2020[dp]", Dates("2015", "2020")),
        ("2015 : 2020[pdat]", Dates("2015", "2020")),
        ("2015[dp]", Dates("2015", "2015")),
        ("2015/03/01:3000[dp]", Dates("2015/03/01", "3000")),
        ('"2015/01/01"[Date - Publication] : "3000"[Date - Publication]', Dates("2015/01/01", "3000")),
        ("2019:2020[edat]", Dates("2019", "2020", "edat")),
    ],
)
def test_date_ranges_are_read_in_every_spelling(text: str, expected: q.Query) -> None:
    assert q.parse(text) == expected
    assert q.parse(q.render(expected)) == expected


def test_a_subheading_is_told_from_its_heading() -> None:
    term = q.parse("“Biopsy/adverse effects”[mh:noexp]")
    assert isinstance(term, Term)
    assert (term.heading, term.subheading, term.exploded) == ("Biopsy", "adverse effects", False)


# Operators ----------------------------------------------------------------------------------------

A, B, C, D = (Term(letter * 4, "ti") for letter in "abcd")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("aaaa[ti] AND bbbb[ti] AND cccc[ti]", And((A, B, C))),
        ("aaaa[ti] OR bbbb[ti] AND cccc[ti]", And((Or((A, B)), C))),
        ("aaaa[ti] AND bbbb[ti] OR cccc[ti]", Or((And((A, B)), C))),
        ("aaaa[ti] OR (bbbb[ti] AND cccc[ti])", Or((A, And((B, C))))),
        ("aaaa[ti] NOT bbbb[ti] NOT cccc[ti]", Not(Not(A, B), C)),
        ("aaaa[ti] OR bbbb[ti] NOT cccc[ti]", Not(Or((A, B)), C)),
        ("aaaa[ti] not (bbbb[ti] and cccc[ti])", Not(A, And((B, C)))),
        ("aaaa[ti] AND NOT bbbb[ti]", Not(A, B)),
        ("aaaa[ti] bbbb[ti] OR cccc[ti]", Or((And((A, B)), C))),
        ("((aaaa[ti]))", A),
        ("(aaaa[ti] AND bbbb[ti]) AND cccc[ti]", And((And((A, B)), C))),
    ],
)
def test_operators_are_evaluated_from_left_to_right(text: str, expected: q.Query) -> None:
    assert q.parse(text) == expected


def test_the_order_that_only_the_text_shows_is_noted() -> None:
    assert any("left to right" in w for w in q.lint("aaaa[ti] OR bbbb[ti] AND cccc[ti]"))
    assert q.lint("aaaa[ti] OR (bbbb[ti] AND cccc[ti])") == ()
    assert q.lint("aaaa[ti] AND bbbb[ti] NOT cccc[ti]") == ()


def test_a_missing_operator_is_noted() -> None:
    assert any("read as AND" in w for w in q.lint("STEMI[tiab] NSTEMI[tiab]"))


# Numbered lines -----------------------------------------------------------------------------------


def test_the_last_numbered_line_is_the_query() -> None:
    text = "1. aaaa[ti] OR bbbb[ti]\n2. cccc[ti]\n3. #1 AND #2"
    assert q.parse(text) == And((Or((A, B)), C))
    assert q.read(text).notes == ()


@pytest.mark.parametrize(
    "text",
    [
        "#1 aaaa[ti]\n#2 bbbb[ti]\n#3 #1 OR #2",
        "1) aaaa[ti]\n2) bbbb[ti]\n3) 1 OR 2",
        "1\taaaa[ti]\r\n2\tbbbb[ti]\r\n3\t(#1) or (#2)",
        "1. aaaa[ti]\n2.\n   bbbb[ti]\n\n3. #1 OR\n#2\n",
    ],
)
def test_numbered_lines_are_read_in_the_usual_layouts(text: str) -> None:
    assert q.parse(text) == Or((A, B))


def test_headings_before_the_first_line_are_left_out_and_listed() -> None:
    parsed = q.read("Kidney biopsy (searched March 2023)\nPubMed\n1. aaaa[ti]\n2. bbbb[ti] AND #1")
    assert parsed.query == And((B, A))
    assert "Kidney biopsy (searched March 2023)" in parsed.notes[0]
    assert "PubMed" in parsed.notes[0]


def test_a_title_behind_a_number_is_left_out_and_listed() -> None:
    text = "1. Index test: flags\naaaa[ti]\n2 Population: adults\nbbbb[ti]\n\nSearch combination\n1 AND 2"
    with pytest.raises(q.QuerySyntaxError, match="follows the numbered lines"):
        q.parse(text)
    parsed = q.read(text.replace("\n\n", "\n"))
    assert parsed.query == And((A, B))
    assert any("Index test: flags / Population: adults / Search combination" in n for n in parsed.notes)


def test_lines_that_are_named_by_number_need_not_carry_one() -> None:
    parsed = q.read("aaaa[ti]\nbbbb[ti]\n#1 OR 2\ncccc[ti]\n#3 AND #4")
    assert parsed.query == And((Or((A, B)), C))
    assert any("counted from 1" in note for note in parsed.notes)


def test_a_mistake_in_a_counted_line_is_placed_in_that_line() -> None:
    with pytest.raises(q.QuerySyntaxError, match="quotation mark") as caught:
        q.parse('aaaa[ti]\nbbbb"[ti]\n"cccc"[ti]\n#1 OR #2 OR #3')
    assert caught.value.position == 13


def test_labels_with_letters_are_refused_not_searched() -> None:
    with pytest.raises(q.QuerySyntaxError, match="label with a letter"):
        q.parse("1. Index test: flags\n1a\naaaa[ti]\n1b\nbbbb[ti]\n1a and 1b")


def test_a_line_that_nothing_uses_is_noted() -> None:
    assert any("#2" in note for note in q.read("1. aaaa[ti]\n2. bbbb[ti]\n3. #1 NOT cccc[ti]").notes)


def test_remarks_after_the_numbered_lines_are_refused() -> None:
    with pytest.raises(q.QuerySyntaxError, match="follows the numbered lines"):
        q.parse("1. aaaa[ti]\n2. #1 AND bbbb[ti]\n\nThe search was run twice.")


# Refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "position", "problem"),
    [
        ("", 0, "nothing to search"),
        ("aaaa[ti] AND", 9, "stops"),
        ("AND aaaa[ti]", 0, "no term before"),
        ("aaaa[ti] AND OR bbbb[ti]", 13, "no term before"),
        ("aaaa[ti] OR NOT bbbb[ti]", 12, "no term before"),
        ("(aaaa[ti] OR bbbb[ti]", 0, "never closed"),
        ("aaaa[ti] OR bbbb[ti])", 20, "no partner"),
        ("()", 1, "closes where a term"),
        ('"aaaa[ti]', 0, "quotation mark"),
        ("aaaa[ti", 4, "square bracket"),
        ("aaaa]", 4, "square bracket"),
        ("[ti]", 0, "no term directly before"),
        ("(aaaa OR bbbb)[ti]", 14, "no term directly before"),
        ("aaaa[]", 4, "empty"),
        ("aaaa[mh:explode]", 4, "means nothing"),
        ("aaaa[tiab:noexp]", 0, "only headings"),
        ("#1 AND #2", 0, "not defined"),
        ("1. aaaa[ti]\n2. #1 OR #3", 21, "not defined"),
        ("2020:2015[dp]", 0, "ends before"),
        ("spring[dp]", 0, "not a date"),
        ('""[ti]', 0, "words"),
        ("***[ti]", 0, "words"),
        ("dement$.tw", 0, "Ovid"),
        ("exp Dementia/", 4, "Ovid"),
        ("brain adj3 injury", 6, "Ovid"),
        ("climate* W/4 anxiety", 9, "Ovid"),
        ("(" * 300 + "aaaa" + ")" * 300, 200, "nested"),
        (" OR ".join(["aaaa[ti] AND bbbb[ti]"] * 300), 0, "nested"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, position: int, problem: str) -> None:
    with pytest.raises(q.QuerySyntaxError, match=problem) as caught:
        q.parse(text)
    assert caught.value.position == position
    assert caught.value.exit_status == 2
    assert isinstance(caught.value, ReviewError)
    assert "remedy: " in str(caught.value)


def test_the_caret_stands_under_the_mistake() -> None:
    with pytest.raises(q.QuerySyntaxError) as caught:
        q.parse("1. aaaa[ti]\n2. bbbb[ti] AND (cccc[ti] OR dddd[ti]\n3. #1 AND #2")
    lines = str(caught.value).splitlines()
    assert lines[1][lines[2].index("^")] == "("


@pytest.mark.parametrize(
    "make",
    [
        lambda: Term('say "no"', "ti"),
        lambda: Term("", "ti"),
        lambda: Term("  asthma", "ti"),
        lambda: Term("asthma*", "ti"),
        lambda: Term("cats and dogs", "ti"),
        lambda: Term("asthma", "ti", proximity=2),
        lambda: Term("asthma", "ti", exploded=False),
        lambda: Term("2015:2020", "dp"),
        lambda: Dates("2015", "soon"),
        lambda: Dates("2015", "2016", "tiab"),
        lambda: And((A,)),
        lambda: Or(()),
    ],
)
def test_a_value_that_pubmed_cannot_spell_does_not_exist(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError):
        make()


# Lint ---------------------------------------------------------------------------------------------


class Headings:
    """A vocabulary of two headings, one with an entry term."""

    def lookup(self, term: str):  # type: ignore[no-untyped-def]
        names = {"asthma": "Asthma", "wheezing disease": "Asthma"}
        name = names.get(term.lower())
        return None if name is None else type("Found", (), {"name": name})()


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("asthma", "no field tag"),
        ("asthma[made]", "knows no tag"),
        ("ast*[tiab]", "4 letters"),
        ("*salicyl*[tiab]", "beginning of a word"),
        ("under*age[tiab]", "end of the last word"),
        ("tumo?r[tiab]", "no wildcard"),
        ('"asthma attack"[mh:~2]', "proximity works in"),
        ('"asthma attac*"[tiab:~2]', "ignored inside proximity"),
        ('"last 60 days"[dp]', "day of the search"),
        ('"quality of life"[tiab]', "stop words"),
        ("Astma[mh]", "no such heading"),
        ('"Wheezing Disease"[mh]', "the heading is Asthma"),
        ("asthma[tiab] AND humans[mh]", "loses records"),
        ("asthma[tiab] or wheeze[tiab]", "small letters"),
        ("“asthma”[tiab]", "typographic"),
        ("of[tiab] OR asthma[tiab]", "does not search"),
        ('"exp Asthma"[mh]', "exp is Ovid's"),
        ('"Asthma/radiography"[mh]', "no subheading radiography"),
        ("us[sh]", "no subheading us"),
        ("child*[tiab] AND trial[tiab] OR placebo[tiab] OR randomly[tiab]", "escapes the AND"),
    ],
)
def test_lint_questions(text: str, warning: str) -> None:
    assert any(warning in w for w in q.lint(text, Headings())), q.lint(text, Headings())


def test_a_careful_strategy_passes_lint() -> None:
    text = '("Asthma"[mh] OR asthma*[tiab]) AND 2015:2020[dp] NOT (animals[tiab] NOT "human beings"[tiab])'
    assert q.lint(q.parse(text), Headings()) == ()


# Prune --------------------------------------------------------------------------------------------

GONE = Term("english", "la")


@pytest.mark.parametrize(
    ("query", "left"),
    [
        (And((A, GONE)), A),
        (And((A, B, GONE)), And((A, B))),
        (Or((A, GONE)), A),
        (Not(A, GONE), A),
        (Not(A, Or((B, GONE))), Not(A, B)),
        # What cannot be evaluated must never exclude a record:
        (Not(A, And((B, GONE))), A),
        (Not(A, Not(B, GONE)), A),
        (Not(A, Not(GONE, B)), A),
        (Not(A, Not(B, And((C, GONE)))), Not(A, Not(B, C))),
        (GONE, None),
        (And((GONE, Or((GONE, GONE)))), None),
        (And((A, Not(GONE, B))), A),
        (And((A, B)), And((A, B))),
    ],
)
def test_a_clause_that_cannot_be_evaluated_is_neutral(query: q.Query, left: q.Query | None) -> None:
    pruned = q.prune(query, lambda leaf, excludes: leaf == GONE)
    assert pruned.query == left
    assert (GONE in pruned.dropped) == (GONE in list(q.leaves(query)))


def test_prune_says_where_a_match_excludes() -> None:
    asked: list[tuple[q.Leaf, bool]] = []
    q.prune(Not(A, Not(B, C)), lambda leaf, excludes: bool(asked.append((leaf, excludes))))  # type: ignore[func-returns-value]
    assert asked == [(A, False), (B, True), (C, False)]


# Real strategies ----------------------------------------------------------------------------------


@pytest.mark.shared
def test_real_pubmed_strategies_are_read_and_survive_rendering(shared_data: Path) -> None:
    with gzip.open(shared_data / "queries" / "seed_collection.jsonl.gz", "rt") as lines:
        texts = [strategy[key] for strategy in map(json.loads, lines) for key in ("query", "edited_search")]
    assert len(texts) == 28
    for text in texts:
        query = q.parse(text)
        assert len(list(q.leaves(query))) > 20
        assert q.parse(q.render(query)) == query


@pytest.mark.shared
def test_a_published_numbered_strategy_is_read(shared_data: Path) -> None:
    review = json.loads((shared_data / "reviews" / "kdigo_a1" / "review.json").read_text())
    parsed = q.read(review["query"])
    assert isinstance(parsed.query, Not)
    assert parsed.query.right == Not(Term("Animals", "mh"), Term("humans", "mh"))
    assert len(list(q.leaves(parsed.query))) == 16
    assert len(parsed.notes) == 1  # the headings above line 1
