"""The folder of full texts against the reports: what belongs to whom, what to nobody, and what is still to be got."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from agent.commands import Done
from agent.home import Home
from agent.review import Review
from agent.wiring import cache_folder
from tools.errors import NotAllowed

if TYPE_CHECKING:
    from tools.fulltext.matching import Survey
    from tools.schemas import Record
    from tools.store import StoredOutcome

__all__ = ["fulltexts"]


def fulltexts(given: Path, *, folder: Path | None = None) -> Done:
    """Where the full text of every report stands, and the folder's files that belong to no report.

    Raises:
        NotAllowed: no record has passed title and abstract yet.
        ConfigError: `assigned.csv` in the folder is wrong.
    """
    from graphs.accounts import entering
    from tools.fulltext.folder import FolderFinder
    from tools.reporting.library_requests import folder_csv

    with Review.open(Home.of(given, folder)) as review:
        records = list(review.store.records(entering(review.store, review.pass_id, "fulltext")))
        if not records:
            raise NotAllowed("no record has passed title and abstract yet, so no full text is looked for.")
        place = review.home.yaml.parent / review.config.fulltext.folder
        survey = FolderFinder(place, cache_folder() / "first-pages").survey(records)
        review.home.gates.mkdir(parents=True, exist_ok=True)
        listed = review.home.gates / "fulltexts.csv"
        listed.write_text(folder_csv(survey), encoding="utf-8")
        standing = review.store.outcomes(review.pass_id, "fulltext")
        lines = [*_reports(records, standing), "", *_files(survey, place)]
        return Done("\n".join([*lines, "", f"The whole list of files: {listed}"]))


def _reports(records: list[Record], standing: dict[str, StoredOutcome]) -> Iterator[str]:
    yield f"{len(records)} reports sought:"
    for record in records:
        stored = standing.get(record.record_id)
        if stored is None:
            yield f"  {record.record_id}: not looked for yet"
            continue
        told = stored.outcome.reason or f"read from {stored.outcome.content.get('source', 'somewhere')}"
        foreign = stored.outcome.content.get("needs_translation")
        yield f"  {record.record_id}: {told}" + (f"; to be translated from {foreign}" if foreign else "")


def _files(survey: Survey, place: Path) -> Iterator[str]:
    yield f"{place}: {len(survey.matched)} files belong to reports, {len(survey.supplements)} are supplements."
    for record_id, files in survey.several:
        yield f"  {record_id} has several: {', '.join(files)}; the first is read"
    if survey.unmatched:
        yield f"{len(survey.unmatched)} belong to no report; write record_id,file into {place / 'assigned.csv'}:"
        for one in survey.unmatched:
            yield f"  {one.file}: {one.how}"
