"""RoB 2: every path through every domain, against flow charts written down a second time, as charts."""

import csv
import gzip
from collections import Counter
from itertools import product

import pytest

from tools.appraisal.rob2 import DEVIATIONS, rob2
from tools.appraisal.tool import (
    Tool,
    UnusableAnswer,
    judge,
    overall,
    question_fields,
    questions_to_ask,
)
from tools.errors import ConfigError, NotAllowed

# A chart is a level, or (questions, {answers: chart}): y is Y or PY, n is N or PN, i is NI, one letter per question.
CONCEALED = ("1.1", {"n": "some", "yi": ("1.3", {"y": "some", "ni": "low"})})
D1 = ("1.2", {"n": "high", "y": CONCEALED, "i": ("1.3", {"y": "high", "ni": "some"})})
BALANCED = ("2.5", {"y": "some", "ni": "high"})
CONTEXT = ("2.3", {"n": "low", "i": "some", "y": ("2.4", {"n": "some", "yi": BALANCED})})
D2_CONTEXT = ("2.1", {"yi": CONTEXT, "n": ("2.2", {"yi": CONTEXT, "n": "low"})})
D2_ANALYSIS = ("2.6", {"y": "low", "ni": ("2.7", {"n": "some", "yi": "high"})})
ALLOWED_FOR = ("2.6", {"y": "some", "ni": "high"})
FAILURES = ("2.4", {"yi": ALLOWED_FOR, "n": ("2.5", {"yi": ALLOWED_FOR, "n": "low"})})
CO_INTERVENTIONS = ("2.3", {"y": FAILURES, "ni": ALLOWED_FOR})
D2_ADHERING = ("2.1", {"yi": CO_INTERVENTIONS, "n": ("2.2", {"yi": CO_INTERVENTIONS, "n": FAILURES})})
D3_AFTER = ("3.2", {"y": "low", "n": ("3.3", {"n": "low", "yi": ("3.4", {"n": "some", "yi": "high"})})})
D3 = ("3.1", {"y": "low", "ni": D3_AFTER})


def _assessor(clear):
    swayed = ("4.5", {"n": "some", "yi": "high"})
    return ("4.3", {"n": clear, "yi": ("4.4", {"n": clear, "yi": swayed})})


D4_SAME = ("4.2", {"y": "high", "n": _assessor("low"), "i": _assessor("some")})
D4 = ("4.1", {"y": "high", "ni": D4_SAME})
PLAN = ("5.1", {"y": "low", "ni": "some"})
D5 = ("5.2", {
    "y": "high",
    "n": ("5.3", {"y": "high", "n": PLAN, "i": "some"}),
    "i": ("5.3", {"y": "high", "ni": "some"}),
})  # fmt: skip

# The cluster variant, from the transcription that the module names.
CLUSTER_CONCEALED = ("1a.1", {"n": "some", "yi": ("1a.3", {"y": "some", "ni": "low"})})
C1A = ("1a.2", {"n": "high", "y": CLUSTER_CONCEALED, "i": ("1a.3", {"y": "high", "ni": "some"})})
C1B_AFTER = ("1b.2", {
    "y": "high", "n": ("1b.3", {"y": "some", "ni": "low"}), "i": ("1b.3", {"y": "high", "ni": "some"}),
})  # fmt: skip
C1B = ("1b.1", {"y": "low", "ni": C1B_AFTER})
C2_CONTEXT_CHART = ("2.3", {"n": "low", "i": "some", "y": ("2.4", {"n": None, "yi": BALANCED})})
C2_STAFF = ("2.2", {"yi": C2_CONTEXT_CHART, "n": "low"})
C2_CONTEXT = ("2.1a", {"n": C2_STAFF, "yi": ("2.1b", {"yi": C2_CONTEXT_CHART, "n": C2_STAFF})})
C3_WITHIN = ("3.1b", {"y": "low", "ni": D3_AFTER})
C3 = ("3.1a", {"y": C3_WITHIN, "ni": D3_AFTER})


def _cluster_assessor(clear):
    _, after = _assessor(clear)
    return ("4.3a", {"n": clear, "yi": ("4.3b", after)})


C4_SAME = ("4.2", {"y": "high", "n": _cluster_assessor("low"), "i": _cluster_assessor("some")})
C4 = ("4.1", {"y": "high", "ni": C4_SAME})

LETTER = {"Y": "y", "PY": "y", "N": "n", "PN": "n", "NI": "i"}
SEVERITY = ["low", "some", "high"]


def walk(chart, answers):
    """Where a chart leads, and the questions passed on the way."""
    passed = set()
    while isinstance(chart, tuple):
        question, ways = chart
        passed.add(question)
        letter = LETTER[answers[question]]
        (chart,) = [there for letters, there in ways.items() if letter in letters]
    return chart, passed


def expected(charts, answers):
    found = [walk(chart, answers) for chart in charts]
    levels = [level for level, _ in found]
    level = None if None in levels else max(levels, key=SEVERITY.index)
    return level, set.union(*(passed for _, passed in found))


def only(tool: Tool, domain_id: str) -> Tool:
    return tool.model_copy(update={"domains": (tool.domain(domain_id),)})


def every_answer(domain):
    """All combinations; where they are too many, each of yes and no once firm and once probable."""
    names = [q.id for q in domain.questions]
    options = [q.options for q in domain.questions]
    if len(names) <= 5:
        yield from (dict(zip(names, given, strict=True)) for given in product(*options))
        return
    for yes, no in (("Y", "PN"), ("PY", "N")):
        kept = [[x for x in option if x in (yes, no, "NI")] for option in options]
        yield from (dict(zip(names, given, strict=True)) for given in product(*kept))


CHARTS = [
    ("parallel", "assignment", "1", [D1]),
    ("parallel", "assignment", "2", [D2_CONTEXT, D2_ANALYSIS]),
    ("parallel", "adhering", "2", [D2_ADHERING]),
    ("parallel", "assignment", "3", [D3]),
    ("parallel", "assignment", "4", [D4]),
    ("parallel", "assignment", "5", [D5]),
    ("cluster", "assignment", "1a", [C1A]),
    ("cluster", "assignment", "1b", [C1B]),
    ("cluster", "assignment", "2", [C2_CONTEXT, D2_ANALYSIS]),
    ("cluster", "adhering", "2", [D2_ADHERING]),
    ("cluster", "assignment", "3", [C3]),
    ("cluster", "assignment", "4", [C4]),
    ("cluster", "assignment", "5", [D5]),
    ("crossover", "assignment", "1", [D1]),
    ("crossover", "assignment", "2", [D2_CONTEXT, D2_ANALYSIS]),
    ("crossover", "assignment", "3", [D3]),
    ("crossover", "assignment", "4", [D4]),
]


@pytest.mark.parametrize(("variant", "effect", "domain_id", "charts"), CHARTS)
def test_every_path_leads_where_the_flow_chart_leads(variant, effect, domain_id, charts):
    tool = only(rob2(variant, effect), domain_id)
    seen = Counter()
    for answers in every_answer(tool.domains[0]):
        level, passed = expected(charts, answers)
        (got,) = judge(tool, answers).domains
        assert got.level == level, (answers, got)
        assert got.status == ("judged" if level else "person decides")
        assert got.rule
        asked = {q.id for q in questions_to_ask(tool, answers)}
        assert passed <= asked, (answers, passed, asked)
        seen[level] += 1
    assert {"low", "some", "high"} <= set(seen)


@pytest.mark.parametrize(("variant", "effect", "domain_id", "charts"), CHARTS)
def test_a_domain_is_not_judged_while_a_question_on_the_way_has_no_answer(variant, effect, domain_id, charts):
    tool = only(rob2(variant, effect), domain_id)
    for answers in list(every_answer(tool.domains[0]))[::17]:
        _, passed = expected(charts, answers)
        for question in passed:
            (got,) = judge(tool, {k: v for k, v in answers.items() if k != question}).domains
            assert (got.status, got.level) == ("answers missing", None)
            assert question in got.missing
            assert question in got.rule


def test_the_firm_and_the_probable_answer_weigh_the_same():
    tool = only(rob2(), "4")
    same = {"PY": "Y", "PN": "N"}
    for answers in every_answer(tool.domains[0]):
        firm = {k: same.get(v, v) for k, v in answers.items()}
        assert judge(tool, answers).domains[0].level == judge(tool, firm).domains[0].level


def test_questions_come_as_the_answers_call_for_them():
    tool = only(rob2(), "2")
    steps = [{"2.1": "N", "2.2": "N", "2.6": "Y"}, {"2.1": "NI"}, {"2.1": "Y", "2.3": "PY"}]
    assert [[q.id for q in questions_to_ask(tool, answers)] for answers in steps] == [
        ["2.1", "2.2", "2.6"],
        ["2.1", "2.2", "2.3", "2.6"],
        ["2.1", "2.2", "2.3", "2.4", "2.6"],
    ]


def test_what_was_answered_without_being_asked_does_not_count_and_is_told():
    answers = {"2.1": "N", "2.2": "PN", "2.3": "Y", "2.4": "NA", "2.6": "Y"}
    (got,) = judge(only(rob2(), "2"), answers).domains
    assert (got.level, got.unused) == ("low", ("2.3",))
    assert dict(got.answers) == {
        "2.1": "N", "2.2": "PN", "2.3": "NA", "2.4": "NA", "2.5": "NA", "2.6": "Y", "2.7": "NA",
    }  # fmt: skip


def test_not_applicable_is_no_answer_to_a_question_that_is_to_be_asked():
    (got,) = judge(only(rob2(), "1"), {"1.1": "Y", "1.2": "NA", "1.3": "N"}).domains
    assert (got.level, got.missing) == (None, ("1.2",))


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"9.9": "Y"}, "9.9: RoB 2 has no such question"),
        ({"3.2": "NI"}, "3.2: 'NI' is not offered; choose from Y, PY"),
    ],
)
def test_an_answer_that_the_tool_does_not_know_is_refused(answers, said):
    with pytest.raises(UnusableAnswer, match=said):
        judge(rob2(), answers)


def test_adhering_asks_only_about_the_deviations_that_the_review_addresses():
    tool = only(rob2("parallel", "adhering", ["adherence"]), "2")
    aware = {"2.1": "Y", "2.2": "Y"}
    assert [q.id for q in questions_to_ask(tool, aware)] == ["2.1", "2.2", "2.5"]
    assert judge(tool, {**aware, "2.5": "N"}).domains[0].level == "low"
    assert judge(tool, {**aware, "2.5": "Y", "2.6": "PY"}).domains[0].level == "some"
    assert judge(tool, {**aware, "2.5": "NI", "2.6": "NI"}).domains[0].level == "high"


@pytest.mark.parametrize(
    "arguments", [("parallel", "adhering", []), ("parallel", "adhering", ["luck"]), ("factorial",)]
)
def test_a_variant_that_does_not_exist_is_refused_with_the_choices(arguments):
    with pytest.raises(ConfigError, match="choose"):
        rob2(*arguments)


def test_the_domain_of_period_effects_is_left_to_a_person():
    tool = rob2("crossover")
    assert [d.id for d in tool.domains] == ["1", "S", "2", "3", "4", "5"]
    (got,) = judge(only(tool, "S"), {"S.1": "Y", "S.3": "Y"}).domains
    assert (got.status, got.level) == ("person decides", None)
    selection = only(tool, "5")
    clean = {"5.1": "Y", "5.2": "N", "5.3": "N"}
    assert [judge(selection, {**clean, "5.4": x}).domains[0].level for x in ("N", "Y", "NI")] == [
        "low",
        None,
        None,
    ]
    assert judge(selection, {**clean, "5.2": "Y", "5.4": "Y"}).domains[0].level == "high"


LOW = dict.fromkeys(("1", "2", "3", "4", "5"), "low")


@pytest.mark.parametrize(
    ("given", "level"),
    [
        ({}, "low"),
        ({"3": "some"}, "some"),
        ({"3": "some", "1": "some"}, "some"),
        ({"3": "some", "4": "high"}, "high"),
    ],
)
def test_overall_is_as_bad_as_the_worst_domain(given, level):
    assert overall(rob2(), {**LOW, **given}).level == level


def test_several_domains_with_some_concerns_may_be_raised_by_a_person():
    assert overall(rob2(), {**LOW, "3": "some"}).notes == ()
    (note,) = overall(rob2(), {**LOW, "3": "some", "1": "some"}).notes
    assert "Some concerns in 2 domains: a person may judge the result high risk" in note
    assert len(overall(rob2(), dict.fromkeys(LOW, "some")).notes) == 1


def test_overall_waits_for_every_domain():
    got = overall(rob2(), {**LOW, "2": "high", "4": None})
    assert (got.status, got.level) == ("answers missing", None)
    assert "domain 4" in got.rule
    with pytest.raises(NotAllowed, match="no domain 'S'"):
        overall(rob2(), {**LOW, "S": "low"})


def test_fields_for_a_reader_say_when_a_question_is_asked_and_offer_not_applicable():
    fields = {f["id"]: f for f in question_fields(rob2())}
    assert list(fields) == [q.id for d in rob2().domains for q in d.questions]
    assert fields["1.1"]["options"] == ("Y", "PY", "PN", "N", "NI")
    assert fields["3.2"]["options"] == ("Y", "PY", "PN", "N", "NA")
    assert fields["2.4"]["text"].startswith("(Only if 2.3 is yes; otherwise NA.)")
    assert fields["2.3"]["domain"] == "Deviations from intended interventions"
    assert set(fields["1.1"]) == {"id", "domain", "text", "options"}


def test_ids_differ_between_variants_and_effects():
    tools = [rob2(v, e) for v in ("parallel", "cluster", "crossover") for e in ("assignment", "adhering")]
    assert len({t.id for t in tools}) == 6
    assert rob2("cluster", "adhering", DEVIATIONS[::-1]) == rob2("cluster", "adhering")


def test_published_overall_judgements_follow_the_rule(shared_data):
    """Cochrane reviewers' own judgements: overall is the worst domain, or raised from several some concerns."""
    words = {"Low risk": "low", "Some concerns": "some", "High risk": "high"}
    tool = rob2()
    found = Counter()
    with gzip.open(shared_data / "meta_analysis" / "rob2_support.csv.gz", "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            *domains, total = [words.get(v) for k, v in row.items() if k.endswith("judgement.")]
            if total is None or None in domains:
                found["incomplete"] += 1
                continue
            ours = overall(tool, dict(zip(("1", "2", "3", "4", "5"), domains, strict=True)))
            raised = bool(ours.notes) and total == "high"
            found["same" if ours.level == total else "raised" if raised else "other"] += 1
    assert found.pop("incomplete") == 1606
    assert found == {"same": 3824, "raised": 95, "other": 17}
