"""A LEADS query as concept blocks: one reading, or none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.engine import AnswerRejected
from model.forms import form
from model.tasks import ALL
from model.tasks.query import MAX_CHARS, MAX_TERMS, QueryAnswer, QueryInput
from tests.model.leads_questions import request
from tools.schemas import Block
from tools.search import query as queries
from tools.search.building import usable
from tools.search.query import Term

PI = {"population": ("runners",), "intervention": ("wool socks",)}


def asking(elements=PI, framework="PICO"):
    return QueryInput(title="Socks", framework=framework, elements=elements)


def read(line, asked=None):
    told = request("query", asking() if asked is None else asked)
    return form("leads", ALL["query"]).read(told, json.dumps({"query": line}))


def blocks(line, asked=None):
    return {block.name: list(block.terms) for block in read(line, asked).blocks}


def written(answer, asked=None):
    return form("leads", ALL["query"]).write(request("query", asking() if asked is None else asked), answer)


# Terms ---------------------------------------------------------------------------------------------

TERMS = {
    "asthma": "asthma[tiab]",
    "trail runner": '"trail runner"[tiab]',
    '"trail runner"': '"trail runner"[tiab]',
    "“trail runner”": '"trail runner"[tiab]',
    "(trail runner)": '"trail runner"[tiab]',
    "runner*": "runner*[tiab]",
    "trail runner*": '"trail runner*"[tiab]',
    "head and neck cancer": '"head and neck cancer"[tiab]',
    "Head And Neck Cancer": '"Head And Neck Cancer"[tiab]',
    "5-HTQ": "5-HTQ[tiab]",
    "PD-1/PD-L1 inhibitor": '"PD-1/PD-L1 inhibitor"[tiab]',
    "IL-6: high": '"IL-6: high"[tiab]',
    "2019 2020": '"2019 2020"[tiab]',
    "12345678": "12345678[tiab]",
    "Running[mh]": "Running[mh]",
    "Sports Medicine[mh]": "Sports Medicine[mh]",
    "trail runner[tiab]": "trail runner[tiab]",
    "Head and Neck Neoplasms[mh]": '"Head and Neck Neoplasms"[mh]',
    '"Running"[MeSH Terms]': '"Running"[mh]',
    "merino[ti]": "merino[ti]",
    '"dry feet"[tiab:~3]': '"dry feet"[tiab:~3]',
}


@pytest.mark.parametrize("said", TERMS)
def test_a_term_is_searched_in_title_and_abstract_unless_it_has_a_tag(said):
    assert blocks(f"({said} OR zeal) AND (wool)")["population"] == [TERMS[said], "zeal[tiab]"]


@pytest.mark.parametrize("said", TERMS)
def test_every_term_is_one_that_the_strategy_can_use(said):
    kept, aside = usable(read(f"({said} OR zeal) AND (wool)").blocks)
    assert (len(kept), aside) == (2, ())


@pytest.mark.parametrize("odd", ["(a AND b)", "(a NOT b)", "2015:2020[dp]"])
def test_what_is_no_single_term_is_set_aside_where_a_person_sees_it(odd):
    _, aside = usable(read(f"({odd} OR runner) AND (wool)").blocks)
    assert [one.block for one in aside] == ["population"]


def test_a_term_that_comes_twice_stands_there_once():
    assert blocks("(a OR b OR (a)) AND (wool)")["population"] == ["a[tiab]", "b[tiab]"]


def test_groups_within_groups_of_or_are_one_block():
    assert blocks("((a OR b) OR (c OR (d))) AND (wool)")["population"] == [f"{x}[tiab]" for x in "abcd"]


def test_breaks_and_tabs_are_spaces():
    assert blocks("(a OR\n b)\n\tAND (1. wool)") == {
        "population": ["a[tiab]", "b[tiab]"],
        "intervention": ['"1. wool"[tiab]'],
    }


WHY = {
    "(diabet$ OR x) AND (wool)": "syntax of Ovid",
    "(exp OR ) AND (wool)": "a term should stand",
    "(a b 'c' \"d e\") AND (wool)": "no operator between",
    '(a "b) AND (wool)': "never closed",
    "(a]) AND (wool)": "no partner",
    "(x not otherwise specified OR y) AND (wool)": "in capitals",
    "(a) AND": "stops where a term should follow",
    "AND (a) AND (b)": "no term before it",
    "(a NOT b) AND (wool)": "no single term",
    "a OR b AND wool": "several ways",
    "(a AND b OR c) AND (wool)": "several ways",
    "(a) AND (b) AND (c)": "3 part",
    "((a) AND (b)) AND (c)": "3 part",
    f"({'x' * (MAX_CHARS + 1)}) AND (wool)": f"more than {MAX_CHARS} characters",
    f"({' OR '.join(f'x{n}' for n in range(MAX_TERMS + 1))}) AND (wool)": f"more than {MAX_TERMS} terms",
}


@pytest.mark.parametrize("line", WHY, ids=lambda line: line[:40])
def test_what_cannot_be_read_in_one_way_is_refused(line):
    with pytest.raises(AnswerRejected, match=WHY[line]):
        read(line)


@given(
    st.lists(
        st.sampled_from(["(", ")", '"', "[mh]", "and", "OR", "AND", "NOT", "a", "b c", "*", "1", ":"])
    ).map(" ".join)
)
def test_any_line_is_blocks_of_the_elements_in_order_or_refused(line):
    try:
        told = blocks(line)
    except AnswerRejected:
        return
    assert list(told) == ["population", "intervention"]
    assert all(terms for terms in told.values())


# Elements ------------------------------------------------------------------------------------------


def test_other_frameworks_have_their_elements_put_as_p_and_i():
    for framework, names in (
        ("PECO", ("population", "exposure")),
        ("PCC", ("population", "concept")),
        ("PIRD", ("diagnosis", "index_test")),
    ):
        asked = asking({names[0]: ("a",), names[1]: ("b",)}, framework)
        assert blocks("(x) AND (y)", asked) == {names[0]: ["x[tiab]"], names[1]: ["y[tiab]"]}


def test_the_order_is_that_of_the_prompt_and_not_of_the_question():
    asked = asking({"intervention": ("wool",), "population": ("runners",)})
    assert blocks("(x) AND (y)", asked) == {"population": ["x[tiab]"], "intervention": ["y[tiab]"]}


def test_one_element_takes_one_part_and_no_two():
    asked = asking({"intervention": ("wool",), "population": ()})
    assert blocks("x OR y", asked) == {"intervention": ["x[tiab]", "y[tiab]"]}
    with pytest.raises(AnswerRejected, match=r"2 part.*\(intervention\)"):
        read("(x) AND (y)", asked)


def test_two_parts_stand_for_p_and_i_where_more_was_asked_and_the_rest_is_told():
    asked = asking(PI | {"outcome": ("blisters",)})
    assert blocks("(a) AND (b) AND (c)", asked)["outcome"] == ["c[tiab]"]
    two = read("(a) AND (b)", asked)
    assert [block.name for block in two.blocks] == ["population", "intervention"]
    assert two.notes == ("outcome: not in this proposal, which has two parts only",)


def test_an_element_that_leads_has_no_place_for_is_told():
    asked = asking({"population": ("a",), "concept": ("b",), "context": ("at sea",)}, "PCC")
    assert read("(x) AND (y)", asked).notes == (
        "context: not in this proposal, as the LEADS format has no place for it",
    )


def test_trials_are_asked_for_where_they_are():
    said = form("leads", ALL["query"]).prompt(asking().model_copy(update={"target": "trials"})).text
    assert "in ClinicalTrials.gov." in said
    assert "PubMed" not in said


# Writing -------------------------------------------------------------------------------------------

words = st.from_regex(r"\A[A-Za-z][A-Za-z0-9-]{0,9}\Z") | st.sampled_from(
    ["and", "OR", "of", "not", "5-HTQ", "#1", "a:b"]
)


@st.composite
def terms(draw):
    text = " ".join(draw(st.lists(words, min_size=1, max_size=4)))
    field = draw(st.sampled_from(["tiab", "tiab", "mh", "ti", "tw"]))
    try:
        return queries.render(Term(text, field, phrase=draw(st.booleans()), truncated=draw(st.booleans())))
    except ValueError:
        return f'"{text}"[tiab]'


def readable(term):
    try:
        return queries.render(queries.parse(term)) == term
    except queries.QuerySyntaxError:
        return False


block_terms = st.lists(terms().filter(readable), min_size=1, max_size=5, unique=True).map(tuple)


@given(block_terms, block_terms)
def test_any_strategy_of_single_terms_survives_there_and_back(population, intervention):
    answer = QueryAnswer(
        blocks=(Block(name="intervention", terms=intervention), Block(name="population", terms=population))
    )
    raw = written(answer)
    told = form("leads", ALL["query"]).read(request("query", asking()), raw)
    assert {b.name: b.terms for b in told.blocks} == {"population": population, "intervention": intervention}


def test_tags_that_reading_restores_are_left_out():
    answer = QueryAnswer(
        blocks=(
            Block(name="population", terms=("runner*[tiab]", '"long run"[tiab]', '"Running"[mh]')),
            Block(name="intervention", terms=("long run[tiab]", '"wool"[tiab]')),
        )
    )
    assert json.loads(written(answer))["query"] == (
        '(runner* OR long run OR "Running"[mh]) AND (long run[tiab] OR "wool")'
    )


@pytest.mark.parametrize(
    ("names", "term", "why"),
    [
        (("population",), "a[tiab]", "are not the elements"),
        (("population", "comparator"), "a[tiab]", "are not the elements"),
        (("population", "population"), "a[tiab]", "are not the elements"),
        (("population", "intervention"), "(a[tiab] NOT b[tiab])", "no single term"),
        (("population", "intervention"), "(a", "no search term"),
        (("population", "intervention"), "untagged", "cannot say"),
    ],
)
def test_what_the_format_cannot_say_is_an_error_and_no_other_query(names, term, why):
    answer = QueryAnswer(blocks=tuple(Block(name=name, terms=(term,)) for name in names))
    with pytest.raises(ValueError, match=why):
        written(answer)
