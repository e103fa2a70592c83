"""Replies that the published LEADS client loses, shifts or invents from: each is read whole here, or refused.

A paper that is too long for the model's context is no reply; see test_budget and test_sections.
"""

import json

import pytest

from model.engine import Answer, AnswerRejected
from model.forms import form
from model.pool import ask_all
from model.tasks import ALL
from model.tasks.characteristics import CharacteristicsInput
from model.tasks.query import QueryInput
from tests.model.leads_questions import PAPER, QUESTIONS, TEXT, request
from tools.schemas import FieldSpec
from tools.screening.verdicts import conclude


def read(task, raw, asked=None):
    return form("leads", ALL[task]).read(request(task, asked), raw)


def fenced(text):
    return f"```json\n{text}\n```"


def evaluations(*labels):
    return json.dumps({"evaluations": [{"eligibility": label, "rationale": "so"} for label in labels]})


def query(line):
    return json.dumps({"query": line})


def groups(*values, note='""'):
    items = [f'{{"groupId": "BG00{n}", "value": {value}, "note": {note}}}' for n, value in enumerate(values)]
    return f'{{"results": [{", ".join(items)}]}}'


def result(value):
    return (
        '{"paramType": "MEAN", "unitOfMeasure": "degrees", "timeFrame": "", "unitOfDenom": "", "denomValue": 45, '
        f'"results": [{{"value": {value}, "title": ""}}]}}'
    )


def fields(size='"90"', design='"trial"', socks='"wool"'):
    items = [
        f'{{"name": "{n}", "value": {v}}}' for n, v in (("size", size), ("design", design), ("socks", socks))
    ]
    return f"[{', '.join(items)}]"


FOUR = evaluations("YES", "PARTIAL", "NO", "YES")
ARMS = json.dumps(
    [
        {"label": "Wool", "type": "EXPERIMENTAL", "description": "d", "interventionNames": ["wool", "cream"]},
        {"label": "Cotton", "type": "ACTIVE_COMPARATOR", "description": "", "interventionNames": []},
    ]
)

REFUSED = {
    # Screening: its last resort does not know PARTIAL, so that four decisions become three and shift.
    "screen: a comma too many, as in its own example": (
        "screen",
        FOUR.replace('"}]', '"},]'),
        "not one JSON",
    ),
    "screen: a comment after a decision": (
        "screen",
        FOUR.replace('"YES",', '"YES", \\\\ first\n'),
        "comments",
    ),
    "screen: broken off after three": ("screen", FOUR[: FOUR.rindex(", {")], "not one JSON"),
    "screen: decisions as plain lines": (
        "screen",
        "eligibility: YES, rationale: a\neligibility: NO",
        "not one JSON",
    ),
    "screen: three decisions for four criteria": (
        "screen",
        evaluations("YES", "NO", "YES"),
        "3 given, 4 asked",
    ),
    "screen: five decisions for four criteria": ("screen", evaluations(*["YES"] * 5), "5 given, 4 asked"),
    "screen: no decisions": ("screen", evaluations(), "0 given, 4 asked"),
    "screen: a bare list": (
        "screen",
        json.dumps(json.loads(FOUR)["evaluations"]),
        "the reply is not an object with evaluations",
    ),
    "screen: words before a list": ("screen", f"My decisions: {FOUR}", "not one JSON"),
    "screen: words, and then a fence": ("screen", f"My decisions:\n{fenced(FOUR)}", "not one JSON"),
    "screen: two fences": ("screen", f"{fenced(FOUR)}\n{fenced(FOUR)}", "not one JSON"),
    "screen: an empty reply": ("screen", "", "the reply is empty"),
    "screen: a blank reply": ("screen", " \n\t", "the reply is empty"),
    "screen: an empty fence": ("screen", fenced(""), "not one JSON"),
    "screen: a lower-case label": ("screen", evaluations("yes", "YES", "YES", "YES"), "0.eligibility"),
    "screen: a label of its own": ("screen", evaluations("YES", "MAYBE", "YES", "YES"), "1.eligibility"),
    "screen: N/A for a label": ("screen", evaluations("YES", "YES", "YES", "N/A"), "3.eligibility"),
    "screen: no label": ("screen", evaluations(None, "YES", "YES", "YES"), "0.eligibility"),
    "screen: a decision twice in one object": (
        "screen",
        FOUR.replace('"eligibility": "NO"', '"eligibility": "NO", "eligibility": "YES"'),
        r"given twice.*\['eligibility'\]",
    ),
    "screen: two lists": ("screen", f'{{"evaluations": [], {FOUR[1:]}', "given twice"),
    "screen: nothing where the list should be": ("screen", '{"evaluations": null}', "evaluations"),
    "screen: a refusal in words": ("screen", "I cannot judge this paper.", "not one JSON"),
    # Search: its splitter wants two parts, loses brackets, and otherwise searches for the reply as it is.
    "query: one block": ("query", query("(runners OR joggers)"), "1 part"),
    "query: the whole PICO": ("query", query("(a) AND (b) AND (c) AND (d)"), "4 part"),
    "query: OR between the brackets": ("query", query("(runners OR joggers) OR (wool)"), "1 part"),
    "query: no brackets": ("query", query("runners OR joggers AND wool OR cotton"), "several ways"),
    "query: all in small letters": ("query", query("runners and wool socks"), "in capitals"),
    "query: or in small letters": ("query", query("(runners or joggers) AND (wool)"), "in capitals"),
    "query: nothing": ("query", query(""), "empty"),
    "query: blank": ("query", query("  "), "empty"),
    "query: no terms": ("query", query("() AND ()"), "cannot be read"),
    "query: a bracket never closed": ("query", query("(runners AND (wool)"), "never closed"),
    "query: a NOT at the top": ("query", query("(runners) AND (wool) NOT (cats)"), "1 part"),
    "query: a block of combinations only": ("query", query("(a AND b) AND (wool)"), "3 part"),
    "query: the line without JSON": ("query", "(runners) AND (wool)", "not one JSON"),
    "query: a list of queries": (
        "query",
        '{"query": ["runners", "wool"]}',
        "query: Input should be a valid string",
    ),
    # Participants: its patterns know no sign, no empty note, no percent.
    "participants: a percent sign": ("participants", groups("45%", "55%"), "not one JSON"),
    "participants: a percent sign in a text": (
        "participants",
        groups('"45%"', '"55%"'),
        "0.value.*without quotation marks",
    ),
    "participants: a number as a text": ("participants", groups('"-3"', "1"), "0.value"),
    "participants: leading zeros": ("participants", groups("007", "1"), "not one JSON"),
    "participants: no number": ("participants", groups("NaN", "1"), "NaN is no JSON"),
    "participants: in powers of ten": ("participants", groups("1e3", "1"), "value"),
    "participants: one group of two": ("participants", groups("1"), "1 given, 2 asked"),
    "participants: a group twice": (
        "participants",
        groups("1", "2").replace("BG001", "BG000"),
        r"missing \['BG001'\], unknown or doubled \['BG000'\]",
    ),
    "participants: an unknown group": ("participants", groups("1", "2").replace("BG001", "BG009"), "BG009"),
    # Characteristics: its patterns drop what was cut off, and make up `Field 1` when nothing is left.
    "characteristics: broken off": ("characteristics", fields()[:-40], "not one JSON"),
    "characteristics: a field dropped": (
        "characteristics",
        json.dumps(json.loads(fields())[:2]),
        "2 given, 3 asked",
    ),
    "characteristics: 007 without quotation marks": ("characteristics", fields(size="007"), "not one JSON"),
    "characteristics: names of its own": (
        "characteristics",
        fields().replace('"size"', '"Field 1"'),
        "'Field 1'",
    ),
    "characteristics: a field twice": (
        "characteristics",
        fields().replace('"socks"', '"size"'),
        r"missing \['socks'\], unknown or doubled \['size'\]",
    ),
    "characteristics: no option of its field": (
        "characteristics",
        fields(design='"survey"'),
        "'survey' is none of",
    ),
    "characteristics: a list in a value": ("characteristics", fields(socks='["wool"]'), "2.value"),
    "characteristics: wrapped in an object": (
        "characteristics",
        f'{{"fields": {fields()}}}',
        "is not a list",
    ),
    "characteristics: nothing": ("characteristics", "", "the reply is empty"),
    # Arms and results: one pattern for one item, and bare json.loads.
    "arms: wrapped in an object": ("arms", f'{{"arms": {ARMS}}}', "is not a list"),
    "arms: broken off": ("arms", ARMS[:-30], "not one JSON"),
    "arms: the same arm twice": ("arms", ARMS.replace("Cotton", "wool"), "two with the same"),
    "arms: a type of its own": ("arms", ARMS.replace("ACTIVE_COMPARATOR", "Control"), "type"),
    "results: broken off": ("results", result("1")[:-20], "not one JSON"),
    "results: a percent sign": ("results", result('"12%"'), "0.value"),
    "results: half a person": ("results", result("1").replace("45", "45.5"), "45.5 is no count"),
    "results: fewer than nobody": ("results", result("1").replace("45", "-1"), "-1 is no count"),
    "results: a number without end": ("results", result("1" * 5000), "value"),
    "results: people without end": ("results", result("1").replace("45", "4" * 5000), "is no count"),
    "results: nothing": ("results", "", "the reply is empty"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused_with_the_reason_and_kept(what):
    task, raw, why = REFUSED[what]
    with pytest.raises(AnswerRejected, match=why) as refused:
        read(task, raw)
    assert refused.value.raw == raw
    assert str(refused.value).startswith(f"{task}: ")


def labels_of(answer):
    return [verdict.label for verdict in answer.verdicts]


def blocks_of(answer):
    return [list(block.terms) for block in answer.blocks]


def values_of(answer):
    return [value.value for value in answer.values]


def cells_of(answer):
    return [(cell.status, cell.value) for cell in answer.cells]


READ = {
    "screen: PARTIAL among others": ("screen", FOUR, labels_of, ["YES", "PARTIAL", "NO", "NO"]),
    "screen: in a fence": ("screen", fenced(FOUR), labels_of, ["YES", "PARTIAL", "NO", "NO"]),
    "screen: a rationale that speaks of JSON": (
        "screen",
        FOUR.replace('"so"', r'"{\"evaluations\": [{\"eligibility\": \"NO\"}]} ```"'),
        labels_of,
        ["YES", "PARTIAL", "NO", "NO"],
    ),
    "query: small and between brackets": (
        "query",
        query("(runners OR joggers) and (wool)"),
        blocks_of,
        [["runners[tiab]", "joggers[tiab]"], ["wool[tiab]"]],
    ),
    "query: brackets around the whole": (
        "query",
        query("((runners OR joggers) AND (wool))"),
        blocks_of,
        [["runners[tiab]", "joggers[tiab]"], ["wool[tiab]"]],
    ),
    "query: a bracket around each term": (
        "query",
        query("((runners) OR (trail joggers)) AND ((wool) OR (merino))"),
        blocks_of,
        [["runners[tiab]", '"trail joggers"[tiab]'], ["wool[tiab]", "merino[tiab]"]],
    ),
    "query: more than five terms in a block": (
        "query",
        query("(a OR b OR c OR d OR e OR f OR g) AND (wool)"),
        blocks_of,
        [[f"{letter}[tiab]" for letter in "abcdefg"], ["wool[tiab]"]],
    ),
    "query: a combination inside a block": (
        "query",
        query("((Buruli ulcer) OR (schistosomiasis AND malaria)) AND (5-HTQ)"),
        blocks_of,
        [['"Buruli ulcer"[tiab]', "(schistosomiasis AND malaria)"], ["5-HTQ[tiab]"]],
    ),
    "participants: negative numbers": ("participants", groups("-3.50", "-0"), values_of, ["-3.50", "-0"]),
    "participants: empty notes": ("participants", groups("1", "2"), values_of, ["1", "2"]),
    "participants: in a fence": ("participants", fenced(groups("1", "2.0")), values_of, ["1", "2.0"]),
    "participants: none reported": (
        "participants",
        groups("null", "null", note='"Not reported"'),
        lambda answer: [(v.status, v.value, v.note) for v in answer.values],
        [("not_reported", None, "")] * 2,
    ),
    "participants: none recognised": (
        "participants",
        groups("null", "4", note='"see the table"'),
        lambda answer: [(v.status, v.value, v.note) for v in answer.values],
        [("not_found", None, "see the table"), ("found", "4", "see the table")],
    ),
    "characteristics: 007": (
        "characteristics",
        fields(size='"007"'),
        cells_of,
        [("found", "007"), ("found", "trial"), ("found", "wool")],
    ),
    "characteristics: a number without quotation marks": (
        "characteristics",
        fields(size="12.50"),
        cells_of,
        [("found", "12.50"), ("found", "trial"), ("found", "wool")],
    ),
    "characteristics: brackets in a value": (
        "characteristics",
        fields(socks='"wool } or \\"cotton\\""'),
        cells_of,
        [("found", "90"), ("found", "trial"), ("found", 'wool } or "cotton"')],
    ),
    "characteristics: none there": (
        "characteristics",
        fields(size='"Not found"', design='"not reported"', socks='""'),
        cells_of,
        [("not_found", None), ("not_reported", None), ("not_found", None)],
    ),
    "arms: several, in a fence": (
        "arms",
        fenced(ARMS),
        lambda answer: [(arm.label, arm.interventions) for arm in answer.arms],
        [("Wool", ("wool", "cream")), ("Cotton", ())],
    ),
    "arms: none": ("arms", "[]", lambda answer: (answer.status, answer.arms), ("not_found", ())),
    "results: in a fence": ("results", fenced(result("-1.20")), values_of, ["-1.20"]),
    "results: nothing recognised": (
        "results",
        result("1").replace('{"value": 1, "title": ""}', "").replace("45", "null"),
        lambda answer: (answer.status, answer.denominator, answer.values),
        ("not_found", None, ()),
    ),
}


@pytest.mark.parametrize("what", READ)
def test_it_is_read_whole(what):
    task, raw, part, wanted = READ[what]
    assert part(read(task, raw)) == wanted


# Collisions ----------------------------------------------------------------------------------------


def test_not_found_is_a_value_where_the_form_has_it_as_an_option():
    field = FieldSpec(id="lost", kind="category", question="The socks?", options=("Worn", "Not found"))
    asked = CharacteristicsInput(fields=(field,), **PAPER)
    raw = '[{"name": "lost", "value": "Not found"}]'
    assert cells_of(read("characteristics", raw, asked)) == [("found", "Not found")]
    schema = form("leads", ALL["characteristics"]).schema(asked)
    assert schema["prefixItems"][0]["properties"]["value"]["enum"] == ["Worn", "Not found", "Not reported"]


def test_what_the_format_would_read_as_no_value_is_not_written_as_one():
    answer = read("characteristics", fields())
    found = answer.cells[2].model_copy(update={"value": "Not found"})
    with pytest.raises(ValueError, match="'Not found' as no value"):
        form("leads", ALL["characteristics"]).write(
            request("characteristics"), answer.model_copy(update={"cells": (*answer.cells[:2], found)})
        )


def test_uncertain_is_no_tie_of_yes_and_no():
    """Both score 0 in LEADS; one record is read on, the other one is not."""
    criteria = QUESTIONS["screen"].criteria[:2]
    asked = QUESTIONS["screen"].model_copy(update={"criteria": criteria})
    told = {}
    for labels in (("UNCERTAIN", "UNCERTAIN"), ("YES", "NO")):
        judged = read("screen", evaluations(*labels), asked).verdicts
        told[labels] = conclude("lib:1", criteria, judged, TEXT, can_exclude=True)
    assert {verdict.score for verdict in told.values()} == {0.0}
    assert [verdict.suggestion for verdict in told.values()] == ["pass", "exclude"]


def test_a_part_that_is_not_given_is_not_the_word_none():
    asked = QueryInput(title="t", framework="PICO", elements={"population": ("runners",)})
    said = form("leads", ALL["query"]).prompt(asked).text
    assert "None" not in said
    assert [block.name for block in read("query", query("(runners OR joggers)"), asked).blocks] == [
        "population"
    ]


class FromText:
    """Answers in the LEADS format: YES to everything in a paper that says so, and else NO."""

    name = "from-text"

    def seen(self, _request):
        return {}

    def read(self, request, raw):
        return form("leads", request.task).read(request, raw)

    async def answer(self, request):
        raw = evaluations(*["YES" if "yes" in request.input.text else "NO"] * 4)
        return Answer(self.read(request, raw), raw)


def test_two_records_of_one_id_get_their_own_answers():
    asked = [QUESTIONS["screen"].model_copy(update={"text": text}) for text in ("yes", "no")]
    landed = {}
    ask_all(
        FromText(),
        [request("screen", question) for question in asked],
        in_flight=2,
        landed=lambda position, answer: landed.update({position: answer.value.verdicts[0].label}),
    )
    assert landed == {0: "YES", 1: "NO"}
