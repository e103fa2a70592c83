"""Strategies in other databases' languages: what is written keeps every term, and what is read says what it lost."""

import gzip
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.tools.search.test_query import queries
from tools.search import query as q
from tools.search.dialects import cinahl, cochrane, embase, ovid, scopus, wos
from tools.search.dialects.subheadings import CODES
from tools.search.dialects.table import DIALECTS, READERS, guess
from tools.search.query import And, Dates, Not, Or, Term

# What every language keeps to ---------------------------------------------------------------------

DOUBLE = r'"[^"]*"'
EITHER = DOUBLE + r"|(?<![\w'])'[^']*'"


def leaves_of(text: str) -> list[q.Leaf]:
    return list(q.leaves(q.parse(text)))


def has(leaf: q.Leaf, text: str) -> bool:
    """Whether the words or the years of a leaf stand in a text, whatever signs are between them."""
    if isinstance(leaf, Dates):
        years = int(leaf.start[:4]), int(leaf.end[:4])
        return str(years[0]) in text or str(years[0] - 1) in text
    wanted = [leaf.heading, leaf.subheading] if leaf.field in {"mh", "majr"} else [leaf.text]
    lowered = text.lower()
    return all(
        all(word in lowered for word in re.findall(r"\w+", part.lower()))
        or CODES.get(part.lower(), "\0") in lowered
        for part in wanted
    )


@pytest.mark.parametrize("name", list(DIALECTS))
@given(query=queries)
@settings(max_examples=40)
def test_every_term_is_written_or_listed(name: str, query: q.Query) -> None:
    made = DIALECTS[name](query)
    dropped = {leaf for clause in made.dropped for leaf in leaves_of(clause.removeprefix("NOT "))}
    listed = " ".join((*made.blanks, *made.notes))
    for leaf in q.leaves(query):
        assert leaf in dropped or has(leaf, made.text) or has(leaf, listed), (leaf, made)
    bare = re.sub(EITHER if name == "embase" else DOUBLE, "", made.text)
    assert bare.count("(") == bare.count(")")
    assert bare.count("[") == bare.count("]")
    assert DIALECTS[name](query) == made
    assert made.text or made.dropped
    for blank in made.blanks:
        assert f"<<{blank}>>" in made.text


@pytest.mark.parametrize("name", list(DIALECTS))
def test_every_language_writes_a_plain_strategy(name: str) -> None:
    made = DIALECTS[name](q.parse("(asthma[tiab] OR wheez*[tiab]) AND steroid[ti]"))
    assert all(word in made.text for word in ("asthma", "wheez", "steroid"))
    assert made.dropped == made.blanks == ()


PUBMED = (
    '("Heart Failure"[mh] OR "Biopsy/adverse effects"[majr:noexp] OR "heart fail*"[tiab] '
    'OR "high pressure"[tiab:~2] OR cardiac[ti]) AND 2015:2020[dp]'
)


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (
            ovid.write,
            '1. (exp Heart Failure/ or *Biopsy/ae or "heart fail*".ti,ab,kf. or (high adj3 pressure).ti,ab,kf. '
            'or cardiac.ti.)\n2. limit 1 to yr="2015 -2020"',
        ),
        (
            embase.write,
            "(('<<Heart Failure>>'/exp OR '<<Biopsy/adverse effects>>'/de/mj OR 'heart fail*':ti,ab,kw OR "
            "(high NEAR/3 pressure):ti,ab,kw OR cardiac:ti) AND [2015-2020]/py)",
        ),
        (
            cochrane.write,
            '([mh "Heart Failure"] OR [mh ^"Biopsy"/AE[mj]] OR (heart NEXT fail*):ti,ab,kw OR '
            "(high NEAR/3 pressure):ti,ab,kw OR cardiac:ti)",
        ),
        (
            scopus.write,
            '((INDEXTERMS("<<Heart Failure>>") OR INDEXTERMS("<<Biopsy/adverse effects>>") OR '
            "TITLE-ABS-KEY((heart PRE/0 fail*)) OR TITLE-ABS-KEY((high W/2 pressure)) OR TITLE(cardiac)) AND "
            "(PUBYEAR > 2014 AND PUBYEAR < 2021))",
        ),
        (
            wos.write,
            '((TS=("<<Heart Failure>>") OR TS=("<<Biopsy/adverse effects>>") OR TS=("heart fail*") OR '
            "TS=((high NEAR/2 pressure)) OR TI=(cardiac)) AND PY=(2015-2020))",
        ),
        (
            cinahl.write,
            '(((MH "<<Heart Failure>>+") OR (MM "<<Biopsy/adverse effects>>") OR '
            '(TI "heart fail*" OR AB "heart fail*") OR (TI (high N2 pressure) OR AB (high N2 pressure)) OR '
            "TI cardiac) AND DT 20150101-20201231)",
        ),
    ],
)
def test_one_strategy_in_six_languages(write, expected) -> None:  # type: ignore[no-untyped-def]
    assert write(q.parse(PUBMED)).text == expected


def test_what_has_no_form_is_dropped_with_a_word() -> None:
    made = cochrane.write(q.parse("asthma[tiab] AND 2015:2020[dp]"))
    assert made.text == "asthma:ti,ab,kw"
    assert made.dropped == ("2015:2020[dp]",)
    assert any("dates" in note for note in made.notes)


def test_what_has_no_form_never_excludes() -> None:
    made = scopus.write(q.parse("asthma[tiab] NOT (child[tiab] AND medline[sb])"))
    assert made.text == "TITLE-ABS-KEY(asthma)"
    assert made.dropped == ("medline[sb]", "(child[tiab] AND medline[sb])")


def test_nothing_left_is_said() -> None:
    made = cinahl.write(q.parse("medline[sb]"))
    assert made.text == ""
    assert any("nothing" in note for note in made.notes)


def test_the_day_a_record_entered_is_bounded_on_both_sides_for_embase() -> None:
    made = embase.write(q.parse("2019/11:2019/12[crdt]"))
    assert made.text == "([1-11-2019]/sd NOT [1-1-2020]/sd)"
    assert embase.write(q.parse("2020/02/30:3000[crdt]")).text == "[29-2-2020]/sd"


# Ovid ---------------------------------------------------------------------------------------------


def flat(query: q.Query) -> q.Query:
    """Nested OR of OR and AND of AND as one, each part once: what reading and writing may change."""
    match query:
        case Not(left, right):
            return Not(flat(left), flat(right))
        case And(parts) | Or(parts):
            kind = type(query)
            kept: dict[q.Query, None] = {}
            for part in map(flat, parts):
                kept |= dict.fromkeys(part.parts if isinstance(part, kind) else (part,))
            return kind(tuple(kept)) if len(kept) > 1 else next(iter(kept))
        case _:
            return query


STRATEGIES = [
    '("Heart Failure"[mh] OR "Kidney/surgery"[mh:noexp] OR "Lung"[majr] OR "Poly(A) Tail"[majr:noexp])',
    '("heart attack"[tiab] OR stroke*[tiab] OR "brain injury"[ti:~2] OR "blood pressure"[tiab:~0])',
    '(aspirin[ti] AND placebo[ab] AND pain[tw] AND trial[ot] AND "cats and dogs"[tiab]) NOT '
    '("animals"[mh] NOT "humans"[mh])',
    '(asthma[tiab] AND "Smith J"[au] AND english[la] AND "review"[pt] AND 12345[uid])',
    "(asthma[tiab] AND 2015:2020[dp])",
    '(asthma[tiab] OR "drug therapy"[sh])',
]


@pytest.mark.parametrize("text", STRATEGIES)
def test_what_is_written_for_ovid_reads_back(text: str) -> None:
    query = q.parse(text)
    made = ovid.write(query)
    back = ovid.read(made.text)
    assert made.dropped == made.blanks == ()
    assert back.untranslated == ()
    assert back.query is not None
    assert flat(back.query) == flat(query), made.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("asthma.ti.", "asthma[ti]"),
        ("asthma.ti", "asthma[ti]"),
        ("(asthma or wheez$).ti,ab.", "asthma[tiab] OR wheez*[tiab]"),
        ("heart attack.tw.", '"heart attack"[tiab]'),
        ("asthma.mp. [mp=title, abstract, heading word]", "asthma[tw]"),
        ("asthma", "asthma[tw]"),
        ("asthma.ti,ab,kw,ot.", "asthma[tiab] OR asthma[tt]"),
        ("exp Dementia/", '"Dementia"[mh]'),
        ("Dementia/", '"Dementia"[mh:noexp]'),
        ("*Dementia/", '"Dementia"[majr:noexp]'),
        ("exp *Dementia/", '"Dementia"[majr]'),
        (
            "Dementia/di, dt [Diagnosis, Drug Therapy]",
            '"Dementia/diagnosis"[mh:noexp] OR "Dementia/drug therapy"[mh:noexp]',
        ),
        ("exp Dementia/ra", '"Dementia/diagnostic imaging"[mh]'),
        ('exp "Wounds and Injuries"/', '"Wounds and Injuries"[mh]'),
        ("exp Wounds and Injuries/", '"Wounds and Injuries"[mh]'),
        ("exp Poly(ADP-ribose) Polymerases/", '"Poly(ADP-ribose) Polymerases"[mh]'),
        ("brain adj injur$.tw.", '"brain injur*"[tiab]'),
        ("(brain adj3 injury).tw.", '"brain injury"[tiab:~2]'),
        ("(brain adj1 injury).tw.", '"brain injury"[tiab:~0]'),
        (
            "((brain or head) adj2 (injury or trauma)).ti.",
            '"brain injury"[ti:~1] OR "brain trauma"[ti:~1] OR "head injury"[ti:~1] OR "head trauma"[ti:~1]',
        ),
        ("((brain or head) adj2 injur$).ti.", "(brain[ti] OR head[ti]) AND injur*[ti]"),
        ("((brain or head$) adj2 injury).ti.", '"brain injury"[ti:~1] OR (head*[ti] AND injury[ti])'),
        ("lewy$ bod$.ti.", "lewy*[ti] AND bod*[ti]"),
        ("randomized controlled trial.pt.", '"randomized controlled trial"[pt]'),
        ("dt.fs.", '"drug therapy"[sh]'),
        (
            "(animals not (humans and animals)).sh.",
            '"animals"[mh:noexp] NOT ("humans"[mh:noexp] AND "animals"[mh:noexp])',
        ),
        ("Smith J$.au.", '"Smith J*"[au]'),
        ("2015*.dt.", "2015[crdt]"),
        ('"[18F]FDG".ti.', '"[18F]FDG"[ti]'),
        ("a.ti. or b.ti. and c.ti.", "a[ti] OR (b[ti] AND c[ti])"),
    ],
)
def test_a_line_of_ovid_is_read(text: str, expected: str) -> None:
    found = ovid.read(text)
    assert found.query == q.parse(expected)
    assert found.untranslated == ()


def test_wildcards_inside_words_are_written_out() -> None:
    woman, tumour = ovid.read("wom#n.ti.").query, ovid.read("tumo?r.ti.").query
    assert {Term("woman", "ti"), Term("women", "ti")} < set(woman.parts)  # type: ignore[union-attr]
    assert Term("womn", "ti") not in woman.parts  # type: ignore[union-attr]
    assert {Term("tumor", "ti"), Term("tumour", "ti")} < set(tumour.parts)  # type: ignore[union-attr]
    assert any("narrower" in note for note in ovid.read("wom#n.ti.").notes)


HISTORY = """Database: Ovid MEDLINE(R) 1946 to present
Search strategy:
1     exp Asthma/ (1234)
2     (asthma$ or wheez$).ti,ab. (99)
3     or/1-2 (1300)
4     placebo.ab. (500)
5     3 and 4 (60)
6     limit 5 to (english language and yr="2005 -Current") (20)
7     remove duplicates from 6 (19)
"""


def test_a_history_is_read_to_its_last_line() -> None:
    found = ovid.read(HISTORY)
    assert found.query == q.parse(
        '(("Asthma"[mh] OR asthma*[tiab] OR wheez*[tiab]) AND placebo[ab]) AND (english[la] AND 2005:3000[dp])'
    )
    assert [line.number for line in found.lines] == [1, 2, 3, 4, 5, 6, 7]
    assert found.untranslated == ()
    said = " | ".join(found.notes)
    for expected in (
        "Database: Ovid",
        "hit counts",
        "duplicates are not removed",
        "line 2: title and abstract",
    ):
        assert expected in said


def test_lines_without_numbers_are_counted() -> None:
    found = ovid.read("exp Asthma/\nplacebo.ti.\n1 and 2")
    assert found.query == q.parse('"Asthma"[mh] AND placebo[ti]')


@pytest.mark.parametrize(
    ("text", "line", "character", "why"),
    [
        ("1. asthma.ti.\n2. limit 1 to wool", 2, 12, "limit has no form"),
        ("1. asthma.ti.\n2. (wheeze.ti.\n3. 1 or 2", 2, 1, "never closed"),
        ("1. asthma.ti.\n2. 1 or 7", 2, 6, "no such line"),
        ("1. asthma.ti.\n2. exp asthma/ use emez\n3. 1 or 2", 2, 17, "another database"),
        ("1. asthma.ti,zz.", 1, 7, "field has no form"),
        ("1. asthma.ti.\n2. animals/ not human/s\n3. 1 not 2", 2, 14, "neither a heading"),
        ("1. asthma.ti.\n2. du.fs.\n3. 1 and 2", 2, 1, "no longer has"),
    ],
)
def test_what_cannot_be_translated_is_listed_with_its_place(
    text: str, line: int, character: int, why: str
) -> None:
    found = ovid.read(text)
    assert [(gap.line, gap.character) for gap in found.untranslated] == [(line, character)]
    assert why in found.untranslated[0].why
    assert found.query == Term("asthma", "ti")


def test_a_strategy_of_which_nothing_is_read_has_no_value() -> None:
    found = ovid.read("1 and 2")
    assert found.query is None
    assert len(found.untranslated) == 2


def test_a_widening_that_excludes_is_said() -> None:
    inside = ovid.read("asthma.ti. not (brain adj3 injur$).ti.")
    by_line = ovid.read("1. asthma.ti.\n2. (brain adj3 injur$).ti.\n3. 1 not 2")
    harmless = ovid.read("1. (brain adj3 injur$).ti.\n2. asthma.ti.\n3. 1 not 2")
    assert any("excludes more" in note for note in inside.notes)
    assert any("line 3: what is searched more widely" in note for note in by_line.notes)
    assert not any("excludes more" in note for note in harmless.notes)


def test_proximity_of_long_lists_is_widened_not_multiplied() -> None:
    left, right = (
        " or ".join(f"{letter}{letter}{end}" for letter in "abcdefghijkl") for end in ("one", "two")
    )
    found = ovid.read(f"(({left}) adj3 ({right})).ti.")
    assert isinstance(found.query, And)
    assert any("100 combinations" in note for note in found.notes)


# Embase.com ---------------------------------------------------------------------------------------


class OneHeading:
    """MeSH as far as these tests need it."""

    def lookup(self, term: str):  # type: ignore[no-untyped-def]
        return type("Found", (), {"name": "Myocardial Infarction"})() if term == "heart infarction" else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("asthma:ti,ab,kw", "asthma[tiab]"),
        ("'heart attack':ti OR asthma*:ab", '"heart attack"[ti] OR asthma*[ab]'),
        ("(brain NEAR/3 injury):ti", '"brain injury"[ti:~2]'),
        ("(brain NEXT/1 injur*):ti", '"brain injur*"[ti]'),
        ("heart failure", "heart[tw] AND failure[tw]"),
        ("'parkinson's disease':ti", '"parkinson\'s disease"[ti]'),
        ("asthma:ti AND [english]/lim AND [2000-2020]/py", "asthma[ti] AND english[la] AND 2000:2020[dp]"),
        ("asthma:ti AND [5-2-2020]/sd", "asthma[ti] AND 2020/02/05:3000[crdt]"),
        ("#1 asthma:ti\n#2 wheeze:ti\n#3 #1 OR #2", "asthma[ti] OR wheeze[ti]"),
        ("#3 #1 OR #2\n#2 wheeze:ti\n#1 asthma:ti", "asthma[ti] OR wheeze[ti]"),
    ],
)
def test_a_strategy_of_embase_is_read(text: str, expected: str) -> None:
    found = embase.read(text)
    assert found.query == q.parse(expected)
    assert found.untranslated == found.blanks == ()


def test_emtree_becomes_words_and_a_blank() -> None:
    found = embase.read("'heart infarction'/exp/mj")
    assert found.query == Term("heart infarction", "tiab", phrase=True)
    assert found.blanks == ("<<heart infarction>>",)


def test_emtree_that_mesh_knows_becomes_its_heading_too() -> None:
    found = embase.read("'heart infarction'/exp OR 'foo bar'/de", OneHeading())
    assert found.query == q.parse(
        '"Myocardial Infarction"[mh] OR "heart infarction"[tiab] OR "foo bar"[tiab]'
    )
    assert found.blanks == ("<<foo bar>>",)


def test_a_limit_that_pubmed_lacks_excludes_nothing() -> None:
    found = embase.read("#1 asthma:ti\n#2 #1 NOT [conference abstract]/lim")
    assert found.query == Term("asthma", "ti")
    assert [(gap.line, gap.character) for gap in found.untranslated] == [(2, 8)]


# Which language -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("asthma[tiab] AND Asthma[mesh]", "pubmed"),
        ("exp Asthma/ or asthma$.ti,ab.", "ovid"),
        ("'asthma'/exp OR asthma:ti,ab", "embase"),
        ("asthma AND steroids", "pubmed"),
    ],
)
def test_the_language_is_seen_from_its_signs(text: str, language: str) -> None:
    assert guess(text) == language


@given(queries)
@settings(max_examples=30)
def test_reading_never_breaks_on_what_another_language_means(query: q.Query) -> None:
    for name in ("ovid", "embase"):
        for text in (q.render(query), DIALECTS[name](query).text):
            found = READERS[name](text)
            assert found.query is not None or found.untranslated


# Real strategies ----------------------------------------------------------------------------------


@pytest.mark.shared
def test_real_ovid_strategies_are_translated(shared_data: Path) -> None:
    """All but the three lines whose reason is known: a clinical-query limit, a typing error, a subheading gone."""
    texts = []
    for path in sorted((shared_data / "queries" / "clef").glob("*/*.gz")):
        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as stream:
            query = re.search(r"^Query:\s*\n(.*?)(?=^\s*Pids:|\Z)", stream.read(), re.DOTALL | re.MULTILINE)
        texts += [query[1]] if query and guess(query[1]) == "ovid" else []
    for path in sorted((shared_data / "reviews").glob("*/review.json")):
        said = json.loads(path.read_text(encoding="utf-8"))
        texts += [said["query"]] if "Ovid" in (said.get("query_platform") or "") else []
    unique = sorted(set(texts))
    assert len(unique) > 60
    found = [ovid.read(text) for text in unique]
    assert all(imported.query for imported in found)
    assert sum(len(imported.lines) for imported in found) > 2300
    whys = sorted(gap.why.rpartition(": ")[2] for imported in found for gap in imported.untranslated)
    assert whys == [
        "MeSH no longer has this subheading",
        "neither a heading nor a text word",
        "this limit has no form in PubMed",
    ]
    for imported in found:
        assert imported.query is not None
        assert q.parse(q.render(imported.query)) == imported.query
