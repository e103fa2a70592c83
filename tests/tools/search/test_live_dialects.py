"""Strategies in the languages of the two services that are asked live."""

import pytest

from tests.servers.ctgov import _read_leaf as read_ctgov
from tests.servers.europepmc import _read_leaf as read_europepmc
from tests.servers.expressions import parse as parses
from tools.errors import InputFileError
from tools.search.dialects import ctgov, europepmc
from tools.search.query import parse


class Name:
    def __init__(self, name: str) -> None:
        self.name = name


class Thesaurus:
    """Cough, with what lies below it."""

    def lookup(self, term):
        return Name("Cough, Chronic") if term.lower() in ("cough, chronic", "old cough") else None

    def explode(self, name):
        if name != "Cough, Chronic":
            raise InputFileError("no such heading")
        return ("Cough, Chronic", "Night Cough")

    def entry_terms(self, name):
        return ("Old Cough",)


def epmc(text: str, thesaurus=None) -> str:
    return europepmc.translate(parse(text), thesaurus).text


def nct(text: str, thesaurus=None) -> str:
    return ctgov.translate(parse(text), thesaurus).text


class TestEuropePmc:
    @pytest.mark.parametrize(
        ("pubmed", "there"),
        [
            ("cough[ti]", 'TITLE:"cough"'),
            ("cough[tiab]", '(TITLE_ABS:"cough" OR KW:"cough")'),
            ('"dry cough"[ab]', 'ABSTRACT:"dry cough"'),
            ("cough*[ti]", "TITLE:cough*"),
            ("anti-cough*[ti]", r"TITLE:anti\-cough*"),
            ('"dry cough*"[ti]', '(TITLE:"dry" AND TITLE:cough*)'),
            ('"dry cough"[ti:~2]', 'TITLE:"dry cough"~4'),
            ("Ada A[au]", 'AUTH:"Ada A"'),
            ("123[uid]", "(EXT_ID:123 AND SRC:MED)"),
            ("PMC123[pmcid]", "PMCID:PMC123"),
            ("placebo[pt]", 'PUB_TYPE:"placebo"'),
            ("preprint[pt]", "SRC:PPR"),
            ("english[la]", "LANG:eng"),
            ("NCT01234567[si]", '(ACCESSION_ID:"NCT01234567" OR TITLE_ABS:"NCT01234567")'),
            ("2015:2020/06[dp]", "FIRST_PDATE:[2015-01-01 TO 2020-06-30]"),
            ("2020/02/03[crdt]", "FIRST_IDATE:[2020-02-03 TO 2020-02-03]"),
            ("a[ti] AND (b[ti] OR c[ti])", '(TITLE:"a" AND (TITLE:"b" OR TITLE:"c"))'),
            ("a[ti] NOT b[ti]", '(TITLE:"a" NOT TITLE:"b")'),
        ],
    )
    def test_a_clause_has_this_form(self, pubmed, there):
        assert epmc(pubmed) == there

    def test_a_heading_is_exploded_by_the_vocabulary(self):
        written = europepmc.translate(parse('"Cough, Chronic"[mh]'), Thesaurus())
        assert written.text == (
            '(KW:"Cough, Chronic" OR KW:"Night Cough" OR TITLE_ABS:"Cough, Chronic" OR TITLE_ABS:"Chronic Cough" '
            'OR TITLE_ABS:"Old Cough")'
        )
        assert not any("lies below" in note for note in written.notes)

    def test_a_heading_that_is_not_to_be_exploded_is_not(self):
        assert "Night Cough" not in epmc('"Cough, Chronic"[mh:noexp]', Thesaurus())

    def test_without_a_vocabulary_the_missing_explosion_is_said(self):
        assert any("lies below" in note for note in europepmc.translate(parse("cough[mh]")).notes)

    def test_what_excludes_is_never_widened(self):
        text = epmc("cough[ti] NOT (animals[mh] NOT humans[mh])", Thesaurus())
        assert text == '(TITLE:"cough" NOT (KW:"animals" NOT (KW:"humans" OR TITLE_ABS:"humans")))'

    def test_a_truncated_phrase_cannot_exclude(self):
        written = europepmc.translate(parse('cough[ti] NOT "dry cough*"[ti]'))
        assert (written.text, written.dropped) == ('TITLE:"cough"', ('"dry cough*"[ti]',))

    def test_what_has_no_form_is_dropped_and_listed(self):
        written = europepmc.translate(parse("cough[ti] AND medline[sb] AND drug therapy[sh]"))
        assert written.text == 'TITLE:"cough"'
        assert written.dropped == ("medline[sb]", "drug therapy[sh]")

    def test_nothing_left_is_an_empty_text(self):
        assert epmc("medline[sb]") == ""


class TestTheRegistry:
    @pytest.mark.parametrize(
        ("pubmed", "there"),
        [
            ("cough[ti]", '"cough"'),
            ('"dry cough"[tiab] OR cough[tw]', '("dry cough" OR "cough")'),
            ('"dry cough"[tiab:~3]', '("dry" AND "cough")'),
            ("NCT01234567[si]", '"NCT01234567"'),
            ("a[ti] NOT b[ti]", '"a"'),
            ("cough[ti] AND 2015:2020[dp] AND english[la]", '"cough"'),
            ('"cough, dry (severe)"[tiab]', '"cough dry severe"'),
        ],
    )
    def test_a_clause_has_this_form(self, pubmed, there):
        assert nct(pubmed) == there

    def test_a_heading_is_asked_for_through_the_registrys_own_terms_and_their_ancestors(self):
        assert nct('"old cough"[mh]', Thesaurus()) == (
            '("Cough Chronic" OR "Chronic Cough" OR "Old Cough" OR AREA[ConditionMeshTerm]"Cough Chronic" OR '
            'AREA[ConditionAncestorTerm]"Cough Chronic" OR AREA[InterventionMeshTerm]"Cough Chronic" OR '
            'AREA[InterventionAncestorTerm]"Cough Chronic")'
        )

    def test_a_truncated_word_is_written_out(self):
        written = ctgov.translate(parse("cough*[tiab]"))
        assert {'"cough"', '"coughs"', '"coughing"', '"coughed"'} <= set(
            written.text.strip("()").split(" OR ")
        )
        assert any("no truncation" in note for note in written.notes)

    def test_a_filter_for_designs_goes_as_a_whole(self):
        """Its text words alone would be narrower than the filter is."""
        text = "cough[ti] AND (randomized controlled trial[pt] OR placebo[tiab] OR drug therapy[sh])"
        written = ctgov.translate(parse(text))
        assert written.text == '"cough"'
        assert written.dropped == ("(randomized controlled trial[pt] OR placebo[tiab] OR drug therapy[sh])",)

    def test_a_filter_in_one_alternative_leaves_the_others_alone(self):
        written = ctgov.translate(parse("(a[ti] AND placebo[pt]) OR (b[ti] AND trial[pt])"))
        assert written.text == '("a" OR "b")'

    def test_an_alternative_without_limits_takes_the_group_with_it(self):
        written = ctgov.translate(parse("cough[ti] AND (a[ti] OR (b[pt] OR c[ti]))"))
        assert written.text == '"cough"'
        assert "(a[ti] OR (b[pt] OR c[ti]))" in written.dropped

    def test_what_excludes_is_dropped_and_listed(self):
        written = ctgov.translate(parse("cough[ti] NOT (animals[mh] NOT humans[mh])"))
        assert (written.text, written.dropped) == ('"cough"', ("NOT (animals[mh] NOT humans[mh])",))

    def test_nothing_left_is_an_empty_text(self):
        assert nct("english[la]") == ""


@pytest.mark.shared
def test_real_strategies_come_out_as_the_services_read_them(shared_data):
    """Every strategy of the shared reviews that can be read at all: balanced, known fields, nothing unquoted."""
    import json

    from tools.search.query import QuerySyntaxError

    tried = 0
    for path in sorted((shared_data / "reviews").glob("*/review.json")):
        given = json.loads(path.read_text())
        if not given.get("query") or "pubmed" not in str(given.get("query_platform", "")).lower():
            continue
        try:
            query = parse(given["query"])
        except QuerySyntaxError:
            continue
        for dialect, read_leaf in ((europepmc, read_europepmc), (ctgov, read_ctgov)):
            text = dialect.translate(query).text
            assert text, path
            parses(text, read_leaf)
        tried += 1
    assert tried >= 3
