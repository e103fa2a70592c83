"""Everything that leaves: same value in, same bytes out, and nothing at all when numbers do not add up."""

import hashlib
import json

import pytest
from hypothesis import HealthCheck, given, settings

from tests.tools.reporting.invented import lines, review
from tests.tools.reporting.reviews import reviews
from tools.errors import ConfigError
from tools.reporting.data import ReviewData
from tools.reporting.prisma import Unbalanced
from tools.reporting.render import DEFAULT_OUTPUTS, OUTPUTS, render_all


def test_the_files_have_their_names_and_none_is_empty() -> None:
    files = render_all(review())
    assert sorted(files) == [
        "counts.json",
        "decisions.csv",
        "extraction.csv",
        "included.ris",
        "prisma.svg",
        "report.html",
        "search-appendix.md",
        "search.txt",
    ]
    assert all(files.values())


def test_the_same_review_gives_the_same_bytes_even_when_read_back_from_its_own_data() -> None:
    first = render_all(review(), OUTPUTS)
    again = ReviewData.model_validate_json(first["data.json"])
    assert render_all(again, OUTPUTS) == first


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(reviews())
def test_every_lawful_review_renders_twice_alike(data: ReviewData) -> None:
    assert render_all(data) == render_all(data.model_copy(deep=True))


def test_csv_files_carry_a_byte_order_mark_and_the_others_none() -> None:
    marked = {
        name for name, body in render_all(review(), OUTPUTS).items() if body.startswith(b"\xef\xbb\xbf")
    }
    assert marked == {"decisions.csv", "earlier.csv", "extraction.csv"}


def test_counts_json_vouches_for_the_other_files() -> None:
    files = render_all(review())
    hashes = json.loads(files["counts.json"])["files_sha256"]
    assert hashes == {n: hashlib.sha256(b).hexdigest() for n, b in files.items() if n != "counts.json"}


def test_only_what_is_asked_for_is_made() -> None:
    assert list(render_all(review(), ["prisma.svg"])) == ["prisma.svg"]
    assert "data.json" not in DEFAULT_OUTPUTS


def test_an_unknown_output_is_refused_with_the_choice() -> None:
    with pytest.raises(ConfigError, match=r"report\.pdf unknown; choose from report\.html"):
        render_all(review(), ["report.pdf"])


def test_nothing_is_written_when_a_record_is_lost() -> None:
    with pytest.raises(Unbalanced, match="Identified: 25 on one side, 24 on the other"):
        render_all(review(records=lines()[1:]))
