"""From judgements to a verdict about the record. Texts and criteria are invented."""

import itertools

import pytest

from model.tasks.screen import Judgement
from tools.errors import Unaccounted
from tools.schemas import Criterion
from tools.screening.verdicts import conclude, excludes, mean_score

TEXT = "Warm socks in cold feet.\nSixty adults wore wool socks or none. Feet were warmer with wool."
MUST = Criterion(id="socks", kind="include", text="Socks were worn.")
ALSO = Criterion(id="adults", kind="include", text="Adults.")
NEVER = Criterion(id="dogs", kind="exclude", text="Dogs.")
CRITERIA = (MUST, ALSO, NEVER)


def judged(criterion_id, label, quote="wool socks"):
    return Judgement(criterion_id=criterion_id, label=label, quote="" if label == "UNCERTAIN" else quote)


def verdict(*labels, can_exclude=True, quote="wool socks"):
    judgements = [judged(c.id, label, quote) for c, label in zip(CRITERIA, labels, strict=True)]
    return conclude("r1", CRITERIA, judgements, TEXT, can_exclude=can_exclude)


@pytest.mark.parametrize(
    ("labels", "score"),
    [
        (("YES", "YES", "NO"), 1.0),
        (("YES", "PARTIAL", "UNCERTAIN"), 0.5),
        (("NO", "NO", "YES"), -1.0),
        (("UNCERTAIN", "UNCERTAIN", "UNCERTAIN"), 0.0),
        (("YES", "NO", "PARTIAL"), -0.5 / 3),
    ],
)
def test_the_score_is_leads_mean_with_the_sign_of_exclusions_turned(labels, score):
    assert verdict(*labels).score == pytest.approx(score)


def test_without_criteria_the_score_is_zero_and_the_record_passes():
    assert mean_score((), {}) == 0.0
    assert conclude("r1", (), (), TEXT, can_exclude=True).suggestion == "pass"


@pytest.mark.parametrize("labels", list(itertools.product(("YES", "PARTIAL", "NO", "UNCERTAIN"), repeat=3)))
def test_only_a_certain_no_or_a_certain_yes_to_an_exclusion_excludes(labels):
    found = verdict(*labels)
    ruled_out = labels[0] == "NO" or labels[1] == "NO" or labels[2] == "YES"
    assert found.suggestion == ("exclude" if ruled_out else "pass")
    assert (found.reason is not None) == ruled_out


def test_partial_and_uncertain_always_pass():
    assert not any(excludes(c, label) for c in CRITERIA for label in ("PARTIAL", "UNCERTAIN"))


def test_the_first_reason_in_protocol_order_counts_whatever_the_order_of_answers():
    judgements = [judged("dogs", "YES"), judged("adults", "NO"), judged("socks", "YES")]
    found = conclude("r1", CRITERIA, judgements, TEXT, can_exclude=True)
    assert found.reason == "adults"
    assert [v.criterion_id for v in found.verdicts] == ["socks", "adults", "dogs"]


def test_where_too_little_was_read_the_machine_never_suggests_exclusion():
    found = verdict("NO", "NO", "YES", can_exclude=False)
    assert (found.suggestion, found.reason) == ("pass", None)
    assert [v.label for v in found.verdicts] == ["NO", "NO", "YES"]


def test_a_quote_is_located_in_the_source():
    quote = verdict("YES", "YES", "NO", quote="WOOL  socks").verdicts[0].quote
    assert quote is not None
    assert TEXT[quote.start : quote.end] == quote.text == "wool socks"


@pytest.mark.parametrize("label", ["YES", "PARTIAL", "NO"])
def test_an_invented_or_missing_quote_flags_and_leaves_the_label(label):
    for quote in ("cotton socks", ""):
        found = conclude("r1", (MUST,), [judged("socks", label, quote)], TEXT, can_exclude=True)
        assert (found.verdicts[0].label, found.verdicts[0].quote, found.flagged) == (label, None, True)
        assert found.suggestion == ("exclude" if label == "NO" else "pass")


def test_uncertain_needs_no_quote():
    assert not verdict("UNCERTAIN", "UNCERTAIN", "UNCERTAIN").flagged


@pytest.mark.parametrize(
    "ids", [("socks",), ("socks", "adults", "dogs", "cats"), ("socks", "socks", "adults", "dogs")]
)
def test_a_missing_unknown_or_doubled_criterion_is_never_papered_over(ids):
    with pytest.raises(Unaccounted):
        conclude("r1", CRITERIA, [judged(i, "YES") for i in ids], TEXT, can_exclude=True)
