"""One question and one answer for each task that LEADS knows, all invented."""

from model.engine import Request
from model.tasks import ALL
from model.tasks.arms import ArmsAnswer, ArmsInput
from model.tasks.characteristics import CharacteristicsAnswer, CharacteristicsInput
from model.tasks.participants import Group, Measure, ParticipantsAnswer, ParticipantsInput
from model.tasks.query import QueryAnswer, QueryInput
from model.tasks.results import OutcomeMeasure, ResultsAnswer, ResultsInput, TrialGroup
from model.tasks.screen import ScreenAnswer, ScreenInput
from tools.schemas import Criterion, FieldSpec, Passage

TEXT = "Ninety runners wore wool or cotton socks. In wool, skin temperature rose by 1.25 degrees."
PAPER = {
    "report_id": "lib:1",
    "title": "Socks for runners",
    "passages": (Passage(section="Results", kind="paragraph", start=0, text=TEXT),),
}
RUNNERS = Criterion(id="who", kind="include", text="Adults who run.", element="population")
WOOL = Criterion(id="wool", kind="include", text="Socks of wool", element="intervention")
COTTON = Criterion(id="cotton", kind="include", text="Socks of cotton", element="comparator")
ANIMALS = Criterion(id="animals", kind="exclude", text="Animals or cells only.")

QUESTIONS = {
    "query": QueryInput(
        title="Socks",
        framework="PICO",
        elements={"population": ("runners", "joggers"), "intervention": ("wool socks",)},
    ),
    "screen": ScreenInput(record_id="lib:1", criteria=(RUNNERS, WOOL, COTTON, ANIMALS), text=TEXT),
    "characteristics": CharacteristicsInput(
        fields=(
            FieldSpec(id="size", kind="number", question="How many took part?"),
            FieldSpec(id="design", kind="category", question="Which design?", options=("trial", "cohort")),
            FieldSpec(id="socks", question="Which socks?"),
        ),
        **PAPER,
    ),
    "arms": ArmsInput(**PAPER),
    "participants": ParticipantsInput(
        measure=Measure(title="Skin temperature", param_type="MEAN", unit="degrees"),
        groups=(Group(id="BG000", title="Wool"), Group(id="BG001", title="Cotton", description="thin")),
        **PAPER,
    ),
    "results": ResultsInput(
        outcome=OutcomeMeasure(title="Blisters", time_frame="ten days"),
        group=TrialGroup(title="Wool"),
        **PAPER,
    ),
}

ANSWERS = {
    "query": QueryAnswer(
        blocks=(
            {"name": "population", "terms": ("runner*[tiab]", '"long distance"[tiab]', '"Running"[mh]')},
            {"name": "intervention", "terms": ("wool[tiab]", '"warm and dry sock*"[tiab]', "merino[ti]")},
        )
    ),
    "screen": ScreenAnswer(
        verdicts=(
            {"criterion_id": "who", "label": "YES", "rationale": "Runners."},
            {"criterion_id": "wool", "label": "PARTIAL", "rationale": 'Some "wool".'},
            {"criterion_id": "cotton", "label": "NO", "rationale": ""},
            {"criterion_id": "animals", "label": "NO", "rationale": "People."},
        )
    ),
    "characteristics": CharacteristicsAnswer(
        cells=(
            {"field_id": "size", "status": "found", "value": "Ninety", "located": True},
            {"field_id": "design", "status": "not_reported"},
            {"field_id": "socks", "status": "not_found"},
        )
    ),
    "arms": ArmsAnswer(
        status="found",
        arms=(
            {
                "label": "Wool",
                "type": "EXPERIMENTAL",
                "description": "daily",
                "interventions": ("Socks: wool",),
            },
            {"label": "None", "type": "NO_INTERVENTION"},
        ),
    ),
    "participants": ParticipantsAnswer(
        values=(
            {"group_id": "BG000", "status": "found", "value": "-0.40", "note": "mean"},
            {"group_id": "BG001", "status": "not_reported"},
        )
    ),
    "results": ResultsAnswer(
        status="found",
        param_type="MEAN",
        unit="degrees",
        time_frame="ten days",
        denominator_unit="Participants",
        denominator=45,
        values=({"value": "-1.20", "title": "left"}, {"value": "3", "title": ""}),
    ),
}


def request(task, asked=None):
    return Request(ALL[task], QUESTIONS[task] if asked is None else asked)
