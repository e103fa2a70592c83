"""Reasons by rules: the screener's own evidence, or the statement that there is none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.baseline.rationale import reasons_of
from model.baseline.screen import RATIONALE, Screener
from model.tasks.rationale import TASK, RationaleInput
from tools.schemas import Criterion

WOOL = Criterion(id="wool", kind="include", text="Wool socks were worn.", terms=("wool socks",))
TRIALS = Criterion(id="trials", kind="include", element="design", text="Randomised controlled trials")
NO_REPORTS = Criterion(
    id="reports", kind="exclude", element="design", text="Case reports", terms=("case report",)
)
TRIAL = (
    "Wool socks in walkers: a randomised trial.\nSixty walkers were randomly assigned to wool socks or none."
)
REPORT = "Frozen toes: a case report.\nWe report a walker without socks."


def no_vectors(texts):
    return np.zeros((len(texts), 4), np.float32)


def reasons(criterion, label, text):
    asked = RationaleInput(record_id="r", criterion=criterion, label=label, text=text)
    told = reasons_of(asked, Screener(None), no_vectors)
    TASK.check(told, asked)
    return told


@pytest.mark.parametrize(
    ("criterion", "label", "text", "quote"),
    [
        (WOOL, "YES", TRIAL, "Wool socks in walkers"),
        (TRIALS, "YES", TRIAL, "a randomised trial"),
        (TRIALS, "NO", REPORT, "a case report"),
        (NO_REPORTS, "YES", REPORT, "a case report"),
    ],
    ids=["words", "design", "another design", "an exclusion"],
)
def test_a_verdict_that_the_text_bears_out_gets_its_sentence(criterion, label, text, quote):
    told = reasons(criterion, label, text)
    assert told.supported
    assert quote in told.quote
    assert told.quote in text
    assert told.rationale.startswith(RATIONALE)


def test_silence_supports_uncertain_and_has_no_quote():
    told = reasons(WOOL, "UNCERTAIN", "Frozen toes in the north.")
    assert (told.supported, told.quote) == (True, "")


def test_a_verdict_that_nothing_speaks_for_is_unsupported_and_not_refuted():
    told = reasons(WOOL, "YES", "Frozen toes in the north.")
    assert (told.supported, told.quote) == (False, "")
    assert "proves nothing against it" in told.rationale


def test_a_verdict_that_the_rules_contradict_says_so():
    told = reasons(TRIALS, "YES", REPORT)
    assert not told.supported
    assert "NO and not YES" in told.rationale


@given(st.text(), st.sampled_from(["YES", "PARTIAL", "NO", "UNCERTAIN"]))
def test_any_text_is_answered_in_form(text, label):
    told = reasons(WOOL, label, text)
    assert told.quote in text
    assert told.supported or not told.quote
