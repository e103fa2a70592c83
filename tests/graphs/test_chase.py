"""Citation searching in a review: what it finds walks the whole way, and what is decided stays decided."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.review import Review
from agent.update import Wish, open_update
from graphs.accounts import check_all, current_searches
from graphs.steps.chase import CHASED, only_by_citations
from tests.graphs.small import FULL_TEXT, RECORDS, YAML, approve_open, deps_of, go, opened, through, write
from tests.servers import Fault, faults, serve, serving
from tests.servers.europepmc import EuropePmc
from tools.errors import SourceRefused, SourceUnavailable
from tools.schemas import Record

WANTED = YAML.replace("prefilter:", "search: {citations: {%s}}\nprefilter:")

WORLD = [
    *(Record(record_id=f"x:{r['pmid']}", pmid=r["pmid"], title=r["title"]) for r in RECORDS[:2]),
    Record(record_id="x:3", pmid="3", title="Snail syrup in horses [NO]"),
    Record(
        record_id="x:21",
        pmid="21",
        title="Snail syrup old and cited [YES]",
        abstract="Cough and snail syrup.",
    ),
    Record(
        record_id="x:22", pmid="22", title="Snail syrup young and citing [NO]", abstract="Cough, snail syrup."
    ),
    Record(
        record_id="x:23", pmid="23", title="Snail syrup older still [YES]", abstract="Cough and snail syrup."
    ),
    Record(
        record_id="europepmc:PPR:PPR7", title="Snail syrup preprint [YES]", abstract="Cough and snail syrup."
    ),
]
"""Invented. PMIDs 1 to 3 are in the review's own file as well."""

CITES = {
    "MED:1": ["MED:21", "MED:3", "XXX:1"],
    "MED:22": ["MED:1", "MED:2"],
    "PPR:PPR7": ["MED:2"],
    "MED:21": ["MED:23"],
}
"""Who cites whom. 1 cites 21, 3 and something unknown; 22 and the preprint cite what is included; 21 cites 23."""


@contextmanager
def begun(folder: Path, settings: str = "rounds: 1", yaml: str = WANTED, **more: Any) -> Iterator[Review]:
    home = write(folder, yaml % settings, **more)
    text = FULL_TEXT.format(pmid="21", title="Snail syrup old and cited [YES]", n=12)
    (folder / "fulltexts" / "21.nxml").write_text(text)
    with opened(home) as review:
        yield review


@contextmanager
def the_world(*script: Fault) -> Iterator[Mapping[str, str]]:
    with serving(EuropePmc(WORLD, cites=CITES), script) as served:
        yield {"europepmc": served.address}


def chases(review: Review) -> list[Any]:
    return [s for s in review.store.searches(review.pass_id) if s.source == "citations"]


def hits(review: Review, search: Any) -> list[str]:
    return [record_id for record_id, _ in review.store.hits(search.search_id)]


def standing(review: Review, step: str) -> dict[str, str]:
    return {i: s.outcome.kind for i, s in review.store.standing(review.pass_id, step).items()}


FINDS = {"europepmc:MED:21", "europepmc:MED:22", "europepmc:PPR:PPR7"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Iterator[Review]:
    """A review that has searched both directions once and come to its end; to look at only."""
    with the_world() as at, begun(tmp_path_factory.mktemp("chase")) as review:
        steps = []
        while (halt := go(review, addresses=at)).kind == "gate":
            steps.append(halt.step)
            if len(steps) == 4:  # the finds have just come to their first gate
                GATES_AND_CUT["cut"] = standing(review, "prefilter")
            approve_open(review)
        GATES_AND_CUT["gates"] = steps
        yield review


GATES_AND_CUT: dict[str, Any] = {}
"""What the run of `finished` passed."""


def test_without_a_wish_nothing_is_chased(tmp_path):
    with opened(write(tmp_path)) as review:
        assert through(review).kind == "finished"
        assert chases(review) == []


class TestOneRound:
    def test_both_directions_are_searched_once_reports_are_included(self, finished):
        backward, forward = chases(finished)
        for search, direction in ((backward, "backward"), (forward, "forward")):
            assert search.kind == "citations"
            assert search.result.parameters["direction"] == direction
            assert search.result.parameters[CHASED] == ["shelf:1", "shelf:2"]
        # What the review knows is a hit under the id that it knows, and 21 is new.
        assert hits(finished, backward) == ["europepmc:MED:21", "shelf:3"]
        assert hits(finished, forward) == ["europepmc:MED:22", "europepmc:PPR:PPR7"]

    def test_a_find_walks_the_whole_way(self, finished):
        assert standing(finished, "approve")["europepmc:MED:21"] == "passed"
        assert standing(finished, "screen")["europepmc:MED:22"] == "excluded"
        # Nobody could read the preprint's full text; it waits, as any report does.
        assert standing(finished, "approve")["europepmc:PPR:PPR7"] == "waiting"
        assert check_all(finished.store, finished.pass_id)["retrieve"]["entered"] == 9 + 3

    def test_gates_open_again_for_what_was_found(self, finished):
        assert GATES_AND_CUT["gates"] == ["query", "screen", "extract", "screen", "extract"]

    def test_what_was_decided_before_is_not_asked_again(self, finished):
        asked = [call for call in finished.calls.all("screen") if "Snail syrup in horses" in call.request]
        assert len(asked) == 1

    def test_a_known_record_keeps_its_version(self, finished):
        """Europe PMC has another text of PMID 3 than the file; the review goes on with the file's."""
        searches = finished.store.searches(finished.pass_id)
        versions = {key for search in searches for key in finished.store.hits(search.search_id)}
        assert len([version for record_id, version in versions if record_id == "shelf:3"]) == 1

    def test_the_cut_leaves_finds_alone_and_they_push_nothing_out(self, finished):
        """Six of the file's eight records, and one drawn below the cut, are screened; finds come besides."""
        passed = {i for i, kind in GATES_AND_CUT["cut"].items() if kind == "passed"}
        assert passed >= FINDS
        assert len(passed - FINDS) == 7

    def test_what_cannot_be_looked_through_is_said(self, finished):
        backward = chases(finished)[0].result
        assert backward.parameters["not_in_a_database"] == 1
        assert any("1 references of shelf:1" in warning for warning in backward.warnings)

    def test_the_finds_can_be_told(self, finished):
        assert only_by_citations(deps_of(finished)) == FINDS

    def test_the_report_counts_them_as_another_method(self, finished):
        page = (finished.home.out / "counts.json").read_text()
        assert '"citations"' in page


def test_a_second_walk_asks_nothing_and_adds_nothing(finished):
    before, counts = (
        current_searches(finished.store, finished.pass_id),
        finished.store.counts(finished.pass_id),
    )
    with serving(EuropePmc([]), [Fault("*", 0, faults.unavailable())]) as served:
        assert go(finished, addresses={"europepmc": served.address}).kind == "finished"
        assert served.log == []
    assert current_searches(finished.store, finished.pass_id) == before
    assert finished.store.counts(finished.pass_id) == counts


def test_a_second_round_asks_about_what_the_first_gave(tmp_path):
    """21 came by a citation; its own reference, 23, is found in the second round."""
    with the_world() as at, begun(tmp_path, "rounds: 2") as review:
        through(review, addresses=at)
        assert [s.result.parameters["generation"] for s in chases(review)] == [0, 0, 1, 1]
        assert "europepmc:MED:23" in standing(review, "retrieve")


def test_a_report_included_later_is_asked_about_then(tmp_path):
    with the_world() as at, begun(tmp_path) as review:
        (tmp_path / "fulltexts" / "2.nxml").rename(tmp_path / "later")
        through(review, addresses=at)
        assert [s.result.parameters[CHASED] for s in chases(review)] == [["shelf:1"], ["shelf:1"]]
        (tmp_path / "later").rename(tmp_path / "fulltexts" / "2.nxml")
        through(review, addresses=at)
        assert [s.result.parameters[CHASED] for s in chases(review)][2:] == [["shelf:2"], ["shelf:2"]]


def test_one_direction_alone(tmp_path):
    with the_world() as at, begun(tmp_path, "backward: false") as review:
        through(review, addresses=at)
        assert [s.result.parameters["direction"] for s in chases(review)] == ["forward"]


def test_seeds_can_be_the_starting_point(tmp_path):
    yaml = WANTED.replace("{citations:", "{seed_studies: [2], citations:")
    with the_world() as at, begun(tmp_path, "from: seeds", yaml=yaml) as review:
        through(review, addresses=at)
        assert [s.result.parameters[CHASED] for s in chases(review)] == [["shelf:2"], ["shelf:2"]]


def test_more_than_the_limit_is_refused_before_it_is_fetched(tmp_path):
    with (
        the_world() as at,
        begun(tmp_path, "limit: 1") as review,
        pytest.raises(SourceRefused, match="limit"),
    ):
        through(review, addresses=at)


def test_an_outage_stops_the_walk_and_the_walk_goes_on_later(tmp_path):
    down = Fault("citations", 0, faults.redirect("https://elsewhere.example/"))
    with begun(tmp_path) as review:
        with the_world(down) as at, pytest.raises(SourceUnavailable):
            through(review, addresses=at)
        assert [s.result.parameters["direction"] for s in chases(review)] == ["backward"]
        with the_world() as at:
            assert through(review, addresses=at).kind == "finished"
        # 21 was not decided on yet, so the forward search is about the same two reports.
        forward = [s for s in chases(review) if s.result.parameters["direction"] == "forward"]
        assert [s.result.parameters[CHASED] for s in forward] == [["shelf:1", "shelf:2"]]


def test_pubmed_knows_citations_too(tmp_path):
    links = {"pubmed_pubmed_refs": {"1": ["21", "3"]}, "pubmed_pubmed_citedin": {"2": ["22"]}}
    yaml = WANTED.replace("  id: snail", "  id: snail\n  email: ada@institute.org")
    with serve(WORLD[:6], links=links) as served, begun(tmp_path, "source: pubmed", yaml=yaml) as review:
        through(review, addresses={"pubmed": served.address})
        backward, forward = chases(review)
        assert hits(review, backward) == ["pubmed:21", "shelf:3"]
        assert hits(review, forward) == ["pubmed:22"]
        assert len(served.asked("elink")) == 2


def test_an_update_asks_again_who_cites_the_included(tmp_path):
    """Reference lists do not change; what cites a report can be new. What was seen before stays decided."""
    with the_world() as at, begun(tmp_path) as review:
        through(review, addresses=at)
        first = review.pass_id
    new = Record(record_id="x:24", pmid="24", title="Snail syrup newest [NO]", abstract="Cough, snail syrup.")
    world = EuropePmc([*WORLD, new], cites={**CITES, "MED:24": ["MED:1", "MED:21"]})
    with serving(world) as served, opened(review.home) as review:
        open_update(review, review.home.yaml, Wish(), reason=None)
        assert review.pass_id != first
        assert through(review, addresses={"europepmc": served.address}).kind == "finished"
        (forward,) = chases(review)
        assert forward.result.parameters["direction"] == "forward"
        assert set(forward.result.parameters[CHASED]) == {"shelf:1", "shelf:2", "europepmc:MED:21"}
        assert standing(review, "screen")["europepmc:MED:24"] == "excluded"
        assert standing(review, "retrieve")["europepmc:MED:22"] == "seen_before"
