"""One study from the registry, over real HTTP against the local server."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import Fault, faults, serving
from tests.servers.ctgov import Ctgov, refusal
from tests.servers.loopback import Served
from tests.tools.registry.invented import study
from tests.tools.test_transport import Log
from tools.errors import ReplayMiss, SourceRefused, SourceUnavailable
from tools.registry.fetch import NoSuchTrial, fetch_study
from tools.registry.trial import read
from tools.search.sources import ctgov
from tools.transport import Patience, Transport


@contextmanager
def registry(
    folder: Path, *script: Fault, log: Log | None = None, replay: bool = False, service: Ctgov | None = None
) -> Iterator[tuple[Transport, Served]]:
    healthy = service or Ctgov(
        [study()], aliases={"NCT09000009": "NCT09000001", "NCT09000008": "NCT09000001"}
    )
    with (
        serving(healthy, script) as served,
        Transport(
            {ctgov.SERVICE: ctgov.service(served.address)},
            Log() if log is None else log,
            cache=folder,
            replay_only=replay,
            patience=Patience(attempts=3),
            sleep=lambda pause_s: None,
        ) as transport,
    ):
        yield transport, served


class TestFetching:
    def test_the_whole_study_with_its_results(self, tmp_path):
        with registry(tmp_path) as (transport, _):
            found = fetch_study(transport, "NCT09000001", event="e1")
        assert found == study()
        assert len(read(found).results.outcomes) == 3

    def test_a_former_number_leads_to_the_entry(self, tmp_path):
        with registry(tmp_path) as (transport, _):
            found = fetch_study(transport, "NCT09000009", event="e1")
        assert read(found).nct_id == "NCT09000001"

    def test_an_entry_that_is_another_one_is_refused(self, tmp_path):
        # The server redirects this number, but the entry does not name it as its own.
        with (
            registry(tmp_path) as (transport, _),
            pytest.raises(SourceRefused, match="does not name NCT09000008"),
        ):
            fetch_study(transport, "NCT09000008", event="e1")

    def test_no_such_trial_is_an_answer_and_is_stored(self, tmp_path):
        log = Log()
        with registry(tmp_path, log=log) as (transport, served):
            first = fetch_study(transport, "NCT09999999", event="e1")
            again = fetch_study(transport, "NCT09999999", event="e1")
            assert len(served.asked("studies/NCT09999999")) == 1
        assert isinstance(first, NoSuchTrial)
        assert first.said == "NCT number NCT09999999 not found"
        assert again == first

    @pytest.mark.parametrize("number", ["NCT1", "NCT090000011", "../version", "09000001", ""])
    def test_no_number_is_not_asked_for(self, tmp_path, number):
        with registry(tmp_path) as (transport, served):
            with pytest.raises(SourceRefused, match="NCT01234567"):
                fetch_study(transport, number, event="e1")
            assert not served.log

    def test_a_refusal_in_plain_text(self, tmp_path):
        said = "Invalid value in parameter `format`: `json`"
        with registry(tmp_path, Fault("studies", 1, refusal(said))) as (transport, _):
            with pytest.raises(SourceRefused) as caught:
                fetch_study(transport, "NCT09000001", event="e1")
        assert caught.value.said == said

    def test_a_404_that_does_not_speak_of_the_study_is_no_answer(self, tmp_path):
        with (
            registry(tmp_path, Fault("studies", 1, refusal("no route", 404))) as (transport, _),
            pytest.raises(SourceRefused),
        ):
            fetch_study(transport, "NCT09999999", event="e1")


PASSING: Mapping[str, Callable[[], faults.Behaviour]] = {
    "html with status 200": faults.html_page,
    "html with status 404": lambda: faults.unavailable(404),
    "500": lambda: faults.unavailable(500),
    "half of the document": faults.half_a_document,
    "empty": faults.empty,
    "another document": lambda: faults.altered(b"protocolSection", b"something"),
}


class TestOutages:
    @pytest.mark.parametrize("name", PASSING)
    def test_one_that_passes(self, tmp_path, name):
        with registry(tmp_path, Fault("studies", 1, PASSING[name]())) as (transport, served):
            assert fetch_study(transport, "NCT09000001", event="e1") == study()
            assert len(served.asked("studies")) == 2

    @pytest.mark.parametrize("name", PASSING)
    def test_one_that_stays_is_an_error_and_nothing_is_stored(self, tmp_path, name):
        log = Log()
        with registry(tmp_path, Fault("studies", 0, PASSING[name]()), log=log) as (transport, _):
            with pytest.raises(SourceUnavailable):
                fetch_study(transport, "NCT09000001", event="e1")
        assert not log.kept


class TestReplay:
    def test_the_stored_study_without_the_network(self, tmp_path):
        log = Log()
        with registry(tmp_path, log=log) as (transport, _):
            live = fetch_study(transport, "NCT09000009", event="e1")
        with registry(tmp_path, log=log, replay=True) as (transport, served):
            assert fetch_study(transport, "NCT09000009", event="e1") == live
            assert not served.log
            with pytest.raises(ReplayMiss):
                fetch_study(transport, "NCT09000001", event="e1")
