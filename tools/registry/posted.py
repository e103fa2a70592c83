"""Posted results of the API's JSON into values (see `tools.registry.results`). Pure.

Enumerations and the labels that people see both occur in the same field (`STANDARD_DEVIATION` in baseline
measures, `Standard Deviation` in outcome measures), and denominators of a class hold instead of the table's.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from tools.registry.reading import Leaf, Node
from tools.registry.results import (
    AdverseEvent,
    AdverseGroup,
    Analysis,
    Category,
    Denominator,
    Dispersion,
    FlowCount,
    FlowPeriod,
    Group,
    Measure,
    MeasureClass,
    Measurement,
    Parameter,
    PostedOutcome,
    PostedResults,
    is_participants,
)

__all__ = ["read_results"]

PARAMETERS: dict[str, Parameter] = {
    "MEAN": "mean",
    "LEAST_SQUARES_MEAN": "ls_mean",
    "GEOMETRIC_MEAN": "geometric_mean",
    "GEOMETRIC_LEAST_SQUARES_MEAN": "geometric_ls_mean",
    "LOG_MEAN": "log_mean",
    "MEDIAN": "median",
    "NUMBER": "number",
    "COUNT_OF_PARTICIPANTS": "count_of_participants",
    "COUNT_OF_UNITS": "count_of_units",
}
DISPERSIONS: dict[str, Dispersion] = {
    "": "none",
    "NA": "none",
    "NOT_APPLICABLE": "none",
    "STANDARD_DEVIATION": "sd",
    "STANDARD_ERROR": "se",
    "STANDARD_ERROR_OF_THE_MEAN": "se",
    "STANDARD_ERROR_OF_MEAN": "se",
    "INTER_QUARTILE_RANGE": "iqr",
    "INTERQUARTILE_RANGE": "iqr",
    "FULL_RANGE": "range",
    "GEOMETRIC_COEFFICIENT": "geometric_cv",
    "GEOMETRIC_COEFFICIENT_OF_VARIATION": "geometric_cv",
}
LEVELS = {"80": 0.8, "90": 0.9, "95": 0.95, "97_5": 0.975, "975": 0.975, "99": 0.99}

_TOTAL = re.compile(r"(?:the )?(?:total|overall)(?: title| of all \w+| population| participants| patients"
                    r"| subjects| number)?|all (?:participants|patients|subjects)", re.IGNORECASE)  # fmt: skip


def read_results(section: Node) -> PostedResults:
    """Read `resultsSection`; odd fields become warnings of its node."""
    flow, baseline = section.object("participantFlowModule"), section.object("baselineCharacteristicsModule")
    adverse = section.object("adverseEventsModule")
    denominators = tuple(_denominators(baseline))
    columns = _groups(baseline, "groups", denominators)
    outcomes = section.object("outcomeMeasuresModule").objects("outcomeMeasures")
    return PostedResults(
        flow_groups=_groups(flow, "groups", ()),
        flow=tuple(map(_period, flow.objects("periods"))),
        baseline_groups=columns,
        baseline_denominators=denominators,
        baseline=tuple(
            _baseline(node, columns, denominators, baseline) for node in baseline.objects("measures")
        ),
        outcomes=tuple(_outcome(node, i) for i, node in enumerate(outcomes, 1)),
        adverse_time_frame=adverse.leaf("timeFrame"),
        adverse_threshold=adverse.leaf("frequencyThreshold"),
        adverse_groups=tuple(_adverse_groups(adverse)),
        adverse_events=(*_events(adverse, "seriousEvents"), *_events(adverse, "otherEvents")),
    )


# Tables ------------------------------------------------------------------------------------------


def _baseline(
    node: Node, groups: tuple[Group, ...], general: tuple[Denominator, ...], module: Node
) -> Measure:
    return Measure(
        **_measure(node, module.leaf("typeUnitsAnalyzed")),
        groups=groups,
        denominators=tuple(_denominators(node)) or general,
    )


def _outcome(node: Node, number: int) -> PostedOutcome:
    denominators = tuple(_denominators(node))
    return PostedOutcome(
        **_measure(node, node.leaf("typeUnitsAnalyzed")),
        number=number,
        type=node.leaf("type"),
        time_frame=node.leaf("timeFrame"),
        reporting=node.leaf("reportingStatus"),
        groups=_groups(node, "groups", denominators),
        denominators=denominators,
        analyses=tuple(map(_analysis, node.objects("analyses"))),
    )


def _measure(node: Node, units: Leaf | None) -> dict[str, Any]:
    printed, spread = node.leaf("paramType"), node.leaf("dispersionType")
    dispersion, level = _dispersion(node, "dispersionType")
    return {
        "title": node.leaf("title"),
        "description": node.leaf("description"),
        "population": node.leaf("populationDescription"),
        "parameter_as_printed": printed,
        "parameter": _parameter(node, printed),
        "dispersion_as_printed": spread,
        "dispersion": dispersion,
        "level": level,
        "unit": node.leaf("unitOfMeasure"),
        "denominator_units": node.leaf("denomUnitsSelected") or units,
        "classes": tuple(map(_class, node.objects("classes"))),
    }


def _parameter(node: Node, printed: Leaf | None) -> Parameter:
    key = _upper(printed)
    if printed and key not in PARAMETERS:
        node.warn(f"unknown parameter {printed.text[:60]!r}", "paramType")
    return PARAMETERS.get(key, "unknown")


def _dispersion(node: Node, key: str) -> tuple[Dispersion, float | None]:
    """What a spread is. Enumerations (`STANDARD_DEVIATION`) and labels (`Standard Deviation`) both occur."""
    word = _upper(node.leaf(key))
    if word in DISPERSIONS:
        return DISPERSIONS[word], None
    if found := re.fullmatch(r"(?:CONFIDENCE_)?(\d[\d_]*?|OTHER)_?(?:CONFIDENCE_INTERVAL)?", word):
        return "ci", LEVELS.get(found.group(1))
    node.warn(f"unknown dispersion {word[:60]!r}", key)
    return "unknown", None


def _class(node: Node) -> MeasureClass:
    return MeasureClass(
        title=node.leaf("title"),
        denominators=tuple(_denominators(node)),
        categories=tuple(
            Category(
                title=category.leaf("title"),
                measurements=tuple(map(_measurement, category.objects("measurements"))),
            )
            for category in node.objects("categories")
        ),
    )


def _measurement(node: Node) -> Measurement:
    return Measurement(
        group_id=node.text("groupId"),
        value=node.figure("value"),
        spread=node.figure("spread"),
        lower=node.figure("lowerLimit"),
        upper=node.figure("upperLimit"),
        comment=node.leaf("comment"),
    )


def _denominators(node: Node) -> Iterator[Denominator]:
    for denominator in node.objects("denoms"):
        for count in denominator.objects("counts"):
            if figure := count.figure("value"):
                yield Denominator(
                    units=denominator.leaf("units"), group_id=count.text("groupId"), count=figure
                )


def _groups(node: Node, key: str, denominators: Sequence[Denominator]) -> tuple[Group, ...]:
    places = node.objects(key)
    return tuple(
        Group(
            id=place.text("id"),
            title=place.leaf("title"),
            description=place.leaf("description"),
            total=len(places) > 1 and place is places[-1] and _is_total(place, denominators),
        )
        for place in places
    )


def _is_total(place: Node, denominators: Sequence[Denominator]) -> bool:
    """By its title; where that only begins so (`Total knee`), by its count being the sum of all others."""
    title = place.text("title")
    if _TOTAL.fullmatch(title):
        return True
    people = [d for d in denominators if is_participants(d.units) and d.count.number is not None]
    own = [d.count.number or 0 for d in people if d.group_id == place.text("id")]
    others = [d.count.number or 0 for d in people if d.group_id != place.text("id")]
    adds_up = len(others) > 1 and bool(own) and own[0] == sum(others) > 0
    return title.lower().startswith(("total", "all ")) and adds_up


def _analysis(node: Node) -> Analysis:
    return Analysis(
        group_ids=tuple(leaf.text for leaf in node.leaves("groupIds")),
        description=node.leaf("groupDescription"),
        method=node.leaf("statisticalMethod"),
        p_value=node.leaf("pValue"),
        p_comment=node.leaf("pValueComment"),
        param=node.leaf("paramType"),
        value=node.figure("paramValue"),
        lower=node.figure("ciLowerLimit"),
        upper=node.figure("ciUpperLimit"),
        ci_percent=node.figure("ciPctValue"),
        ci_sides=node.leaf("ciNumSides"),
        dispersion_as_printed=node.leaf("dispersionType"),
        dispersion=_dispersion(node, "dispersionType")[0],
        dispersion_value=node.figure("dispersionValue"),
        comment=node.leaf("estimateComment"),
        hypothesis=node.leaf("nonInferiorityType"),
    )


# Flow and adverse events ---------------------------------------------------------------------------


def _period(node: Node) -> FlowPeriod:
    return FlowPeriod(
        title=node.leaf("title"),
        counts=tuple(_counts(node.objects("milestones"), "achievements")),
        withdrawals=tuple(_counts(node.objects("dropWithdraws"), "reasons")),
    )


def _counts(steps: list[Node], key: str) -> Iterator[FlowCount]:
    for step in steps:
        for place in step.objects(key):
            if count := place.figure("numSubjects"):
                yield FlowCount(milestone=step.text("type"), group_id=place.text("groupId"), count=count)


def _adverse_groups(module: Node) -> Iterator[AdverseGroup]:
    for place, group in zip(module.objects("eventGroups"), _groups(module, "eventGroups", ()), strict=True):
        yield AdverseGroup(
            **dict(group),
            deaths=place.figure("deathsNumAffected"),
            deaths_at_risk=place.figure("deathsNumAtRisk"),
            serious=place.figure("seriousNumAffected"),
            serious_at_risk=place.figure("seriousNumAtRisk"),
            other=place.figure("otherNumAffected"),
            other_at_risk=place.figure("otherNumAtRisk"),
        )


def _events(module: Node, key: str) -> Iterator[AdverseEvent]:
    for event in module.objects(key):
        term = event.leaf("term")
        if term is None:
            event.warn("an adverse event without a term")
            continue
        for stats in event.objects("stats"):
            yield AdverseEvent(
                term=term,
                organ_system=event.leaf("organSystem"),
                serious=key == "seriousEvents",
                group_id=stats.text("groupId"),
                affected=stats.figure("numAffected"),
                at_risk=stats.figure("numAtRisk"),
                events=stats.figure("numEvents"),
            )


def _upper(leaf: Leaf | None) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", leaf.text.upper()).strip("_") if leaf else ""
