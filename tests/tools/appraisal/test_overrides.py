"""A person's judgement beside the algorithm's."""

import pytest

from tools.appraisal.overrides import OVERALL, PersonsJudgement, Unreasoned, settle
from tools.appraisal.rob2 import rob2
from tools.appraisal.tool import judge
from tools.errors import NotAllowed

ANSWERS = {
    "1.1": "Y", "1.2": "NI", "1.3": "N", "2.1": "N", "2.2": "N", "2.6": "Y", "3.1": "Y",
    "4.1": "N", "4.2": "N", "4.3": "N", "5.1": "NI", "5.2": "N", "5.3": "N",
}  # fmt: skip


def settled(*persons, answers=None):
    tool = rob2()
    return settle(tool, judge(tool, ANSWERS if answers is None else answers), persons)


def says(domain, level, reason=""):
    return PersonsJudgement(domain=domain, level=level, reason=reason)


def test_without_a_person_the_algorithm_stands():
    got = settled()
    assert [d.final for d in got.domains] == ["some", "low", "low", "low", "some"]
    assert (got.overall.final, got.overall.person) == ("some", None)
    assert got.suggested.notes


def test_a_person_may_change_a_domain_and_the_whole_follows():
    got = settled(says("4", "high", "Assessors could guess the group from the scars."))
    assert got.domains[3].changed
    assert (got.domains[3].algorithm, got.domains[3].final) == ("low", "high")
    assert got.overall.final == "high"
    assert "domain 4" in got.suggested.rule


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_changed_judgement_needs_a_reason(reason):
    with pytest.raises(Unreasoned, match="Domain 4: high instead of the algorithm's low needs a reason"):
        settled(says("4", "high", reason))


def test_agreeing_needs_none():
    got = settled(says("4", "low"))
    assert (got.domains[3].person, got.domains[3].changed) == ("low", False)


def test_where_the_algorithm_is_silent_a_person_judges_with_a_reason():
    short = {k: v for k, v in ANSWERS.items() if k != "3.1"}
    assert settled(answers=short).overall.final is None
    with pytest.raises(Unreasoned, match="Domain 3: low where the algorithm has no judgement"):
        settled(says("3", "low"), answers=short)
    got = settled(says("3", "low", "The authors sent the numbers."), answers=short)
    assert got.overall.final == "some"
    assert not got.domains[2].changed


def test_several_some_concerns_may_be_raised_overall_but_never_lowered_below_a_domain():
    got = settled(says(OVERALL, "high", "Two domains of concern in an unblinded trial."))
    assert (got.overall.algorithm, got.overall.final) == ("some", "high")
    with pytest.raises(NotAllowed, match=r"Overall low is better than domain 1 \(some\)"):
        settled(says(OVERALL, "low", "It looks fine."))


@pytest.mark.parametrize(
    ("persons", "said"),
    [
        ([says("7", "low", "x")], "no domain '7'"),
        ([says("1", "awful", "x")], "no judgement 'awful'"),
        ([says("1", "low", "x"), says("1", "high", "y")], "two judgements"),
    ],
)
def test_what_the_tool_does_not_know_is_refused(persons, said):
    with pytest.raises(NotAllowed, match=said):
        settled(*persons)


def test_judgements_of_another_tool_are_refused():
    with pytest.raises(NotAllowed, match="judged by rob2-parallel-assignment"):
        settle(rob2("cluster"), judge(rob2(), ANSWERS))
