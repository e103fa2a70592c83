"""Studies that the reviewers know to be relevant: what a strategy learns from, and what it is tested on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphs.counting import Counter
from model.tasks.query import KnownStudy
from tools.schemas import KnownStudyCheck, Record, sha256_of
from tools.search.query import Query

__all__ = ["NONE_KNOWN", "Known", "check_known", "known_studies", "notes_on"]


@dataclass(frozen=True)
class Known:
    """Studies that the reviewers know to be relevant, in the two uses they can have."""

    building: tuple[KnownStudy, ...] = ()
    validation: tuple[KnownStudy, ...] = ()
    absent: tuple[str, ...] = ()
    """PMIDs that the source was asked for and does not hold."""
    unasked: tuple[str, ...] = ()
    """PMIDs that no source could be asked about: nothing is known of them."""

    @property
    def all(self) -> tuple[KnownStudy, ...]:
        """Both, the building ones first."""
        return (*self.building, *self.validation)


NONE_KNOWN = Known()

FEWEST_TO_SPLIT = 4


def known_studies(pmids: Sequence[str], counter: Counter) -> Known:
    """Look the known studies up and divide them: half lend the strategy words, half only test it.

    A strategy that was made from all of them would find all of them, and that would prove nothing. The
    division depends on the PMIDs alone. Fewer than four are not divided.
    """
    records = counter.records(pmids)
    if records is None:
        return Known(unasked=tuple(pmids))
    held = [_study(pmid, records[pmid]) for pmid in pmids if pmid in records]
    absent = tuple(pmid for pmid in pmids if pmid not in records)
    shuffled = sorted(held, key=lambda study: sha256_of(study.record_id))
    half = len(shuffled) if len(shuffled) < FEWEST_TO_SPLIT else (len(shuffled) + 1) // 2
    building = {study.record_id for study in shuffled[:half]}
    return Known(
        building=tuple(study for study in held if study.record_id in building),
        validation=tuple(study for study in held if study.record_id not in building),
        absent=absent,
    )


def _study(pmid: str, record: Record) -> KnownStudy:
    return KnownStudy(
        record_id=pmid,
        title=record.title,
        abstract=record.abstract,
        mesh=record.mesh,
        keywords=record.keywords,
    )


def check_known(
    parts: Mapping[str, Query], whole: Query, known: Known, counter: Counter
) -> list[KnownStudyCheck]:
    """Every known study: found or not, and of a missed one, which parts do not match it."""
    pmids = [study.record_id for study in known.all]
    found = counter.among(whole, pmids) if pmids else None
    missed = [pmid for pmid in pmids if found is not None and pmid not in found]
    matching = {name: counter.among(part, missed) for name, part in parts.items()} if missed else {}
    validation = {study.record_id for study in known.validation}
    checks = [
        KnownStudyCheck(
            pmid=study.record_id,
            title=study.title,
            use="validation" if study.record_id in validation else "building",
            found=None if found is None else study.record_id in found,
            why="" if found is not None else f"{counter.name} cannot evaluate the strategy",
            # Of a part that cannot be evaluated nothing is known; it is not said to lack anything.
            lacks=tuple(
                n for n, match in matching.items() if match is not None and study.record_id not in match
            )
            if study.record_id in missed
            else (),
        )
        for study in known.all
    ]
    untold = dict.fromkeys(known.absent, f"{counter.name} does not hold it")
    untold |= dict.fromkeys(known.unasked, "no source could be asked about it")
    return checks + [
        KnownStudyCheck(pmid=pmid, use="building", found=None, why=why) for pmid, why in untold.items()
    ]


def notes_on(checks: Sequence[KnownStudyCheck]) -> list[str]:
    """What a person should know about studies that are missed, or of which nothing is known."""
    notes = []
    for check in checks:
        if check.found is False:
            why = f"it lacks a term of block {' and of block '.join(check.lacks)}" if check.lacks else ""
            notes.append(
                f"the strategy misses {check.pmid} ({check.use}): {why or 'a filter or the blocks together exclude it'}"
            )
        elif check.found is None:
            notes.append(f"known study {check.pmid} was not tested: {check.why}")
    return notes
