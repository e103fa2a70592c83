"""Posted results written into the text of an entry: tables of groups, and analyses as sentences. Pure."""

from collections.abc import Iterator, Sequence

from tools.registry.page import Cell, Page, optional
from tools.registry.results import (
    AdverseEvent,
    Analysis,
    Denominator,
    FlowCount,
    Group,
    Measure,
    MeasureClass,
    Measurement,
    PostedOutcome,
    PostedResults,
)

__all__ = ["write_results"]


def write_results(page: Page, results: PostedResults) -> None:
    _flow(page, results)
    if results.baseline_groups or results.baseline_denominators:
        page.heading("Baseline characteristics")
        page.table(
            [
                _header(results.baseline_groups),
                *_analysed(results.baseline_denominators, results.baseline_groups),
            ]
        )
        _described(page, results.baseline_groups)
    for measure in results.baseline:
        name = measure.title.text if measure.title else "measure"
        page.section = f"Baseline characteristics > {name}"
        page.line(measure.title, *optional(": ", measure.description), *optional(" ", measure.population))
        own = [d for d in measure.denominators if d not in results.baseline_denominators]
        _measure(page, measure, own, header=False)
    for outcome in results.outcomes:
        _outcome(page, outcome)
    _adverse(page, results)


def _flow(page: Page, results: PostedResults) -> None:
    if not results.flow_groups and not results.flow:
        return
    page.heading("Participant flow")
    page.table([_header(results.flow_groups)])
    _described(page, results.flow_groups)
    for period in results.flow:
        page.section = "Participant flow" + (f" > {period.title.text}" if period.title else "")
        page.line(period.title)
        page.table(
            [*_steps(period.counts, results.flow_groups), *_steps(period.withdrawals, results.flow_groups)]
        )


def _steps(counts: Sequence[FlowCount], groups: Sequence[Group]) -> list[list[Cell]]:
    rows = []
    for step in dict.fromkeys(count.milestone for count in counts):
        held = [count for count in counts if count.milestone == step]
        rows.append([(step,), *_by_group(groups, [(c.group_id, (c.count,)) for c in held])])
    return rows


def _outcome(page: Page, outcome: PostedOutcome) -> None:
    kind = outcome.type.text.lower() if outcome.type else "kind not said"
    section = f"Outcome {outcome.number} ({kind})"
    if outcome.title:
        page.title(outcome.title, section)
    else:
        page.heading(section)
    page.line("Type: ", outcome.type)
    page.line("Time frame: ", outcome.time_frame)
    page.line("Description: ", outcome.description)
    page.line("Population: ", outcome.population)
    page.line("Reporting: ", outcome.reporting)
    _measure(page, outcome, outcome.denominators, header=True)
    _described(page, outcome.groups)
    for analysis in outcome.analyses:
        _analysis(page, analysis, outcome)


def _measure(page: Page, measure: Measure, denominators: Sequence[Denominator], *, header: bool) -> None:
    page.line(
        "Values: ",
        measure.parameter_as_printed,
        *optional("; spread: ", measure.dispersion_as_printed),
        *optional("; unit: ", measure.unit),
        *optional("; analysed: ", measure.denominator_units),
    )
    rows: list[list[Cell]] = [_header(measure.groups)] if header and measure.groups else []
    rows += _analysed(denominators, measure.groups)
    for held in measure.classes:
        rows += _class_rows(held, measure)
    page.table(rows)


def _class_rows(held: MeasureClass, measure: Measure) -> Iterator[list[Cell]]:
    """One line for each category; what a lone category without a name is called, its class is."""
    alone = len(held.categories) == 1 and held.categories[0].title is None
    if held.title and not (alone and not held.denominators):
        yield [(held.title,)]
    yield from _analysed(held.denominators, measure.groups)
    for category in held.categories:
        values = [(m.group_id, _printed(m)) for m in category.measurements]
        label = category.title or (held.title if alone else None) or measure.parameter_as_printed
        yield [(label,), *_by_group(measure.groups, values)]


def _printed(m: Measurement) -> Cell:
    interval = (" [", m.lower, " to ", m.upper, "]") if m.lower or m.upper else ()
    return (m.value, *optional(" (", m.spread, ")"), *interval, *optional(" ", m.comment))


def _header(groups: Sequence[Group]) -> list[Cell]:
    return [("Group",), *((group.title or group.id,) for group in groups)]


def _described(page: Page, groups: Sequence[Group]) -> None:
    for group in groups:
        page.line(f"{group.name}: ", group.description)


def _analysed(denominators: Sequence[Denominator], groups: Sequence[Group]) -> list[list[Cell]]:
    rows = []
    units = dict.fromkeys(d.units.path if d.units else "" for d in denominators)
    for path in units:
        held = [d for d in denominators if (d.units.path if d.units else "") == path]
        label = held[0].units or "Participants"
        counts = [(d.group_id, (d.count,)) for d in held]
        rows.append([("Analysed: ", label), *_by_group(groups, counts)])
    return rows


def _by_group(groups: Sequence[Group], cells: Sequence[tuple[str, Cell]]) -> list[Cell]:
    """One cell for each column; what names no column of this table comes after them, so that it is not lost."""
    known = [group.id for group in groups]
    made: list[Cell] = []
    for name in known:
        held = [cell for group_id, cell in cells if group_id == name]
        made.append(tuple(piece for i, cell in enumerate(held) for piece in (("; ", *cell) if i else cell)))
    return made + [(f"{group_id}: ", *cell) for group_id, cell in cells if group_id not in known]


def _analysis(page: Page, analysis: Analysis, outcome: PostedOutcome) -> None:
    names = {group.id: group.name for group in outcome.groups}
    between = " and ".join(names.get(name, name) for name in analysis.group_ids)
    interval = (" [", analysis.lower, " to ", analysis.upper, "]") if analysis.lower or analysis.upper else ()
    page.line(
        f"Analysis between {between or 'groups not said'}: ",
        analysis.param,
        *optional(" = ", analysis.value),
        *interval,
        *optional(" at ", analysis.ci_percent, " %"),
        *optional(", ", analysis.ci_sides),
        *optional("; ", analysis.dispersion_as_printed),
        *optional(" = ", analysis.dispersion_value),
        *optional("; p ", analysis.p_value),
        *optional(" (", analysis.p_comment, ")"),
        *optional("; ", analysis.method),
        *optional("; ", analysis.hypothesis),
        *optional(". ", analysis.description),
        *optional(" ", analysis.comment),
    )


def _adverse(page: Page, results: PostedResults) -> None:
    groups = results.adverse_groups
    if not groups and not results.adverse_events:
        return
    page.heading("Adverse events")
    page.line("Time frame: ", results.adverse_time_frame)
    page.line("Threshold of frequency, percent: ", results.adverse_threshold)
    page.table(
        [
            _header(groups),
            [("Deaths",), *((g.deaths, *optional(" of ", g.deaths_at_risk)) for g in groups)],
            [("Serious events",), *((g.serious, *optional(" of ", g.serious_at_risk)) for g in groups)],
            [("Other events",), *((g.other, *optional(" of ", g.other_at_risk)) for g in groups)],
        ]
    )
    _described(page, groups)
    for serious in (True, False):
        events = [event for event in results.adverse_events if event.serious == serious]
        if events:
            page.heading(f"Adverse events > {'Serious' if serious else 'Other'}")
            page.table(_terms(events, groups))


def _terms(events: Sequence[AdverseEvent], groups: Sequence[Group]) -> list[list[Cell]]:
    by_term: dict[str, list[AdverseEvent]] = {}
    for event in events:
        by_term.setdefault(event.term.path, []).append(event)
    rows = []
    for held in by_term.values():
        cells = [
            (e.group_id, (e.affected, *optional(" of ", e.at_risk), *optional(", events ", e.events)))
            for e in held
        ]
        rows.append([(held[0].term, *optional(" (", held[0].organ_system, ")")), *_by_group(groups, cells)])
    return rows
