"""Identifiers: one spelling each, and nothing read as one that is none. All numbers are invented."""

import pytest

from tools.identifiers import normal_doi, normal_pmcid, registry_ids, registry_of


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("NCT: 01234567, NCT-01234567 and trial-NCT01234568", ("NCT01234567", "NCT01234568")),
        ("NCT\u00a001234567 or NCT\u200901234567", ("NCT01234567",)),
        ("(ISRCTN 12345678).", ("ISRCTN12345678",)),
        ("ACTRN 12605000001606; DRKS-00001234", ("ACTRN12605000001606", "DRKS00001234")),
        ("EudraCT/2004-001234-12", ("EudraCT 2004-001234-12",)),
        ("trial/2010-012345-67/GB", ("EudraCT 2010-012345-67",)),
        ("ChiCTR 2000012345, chictr-trc-08000123", ("ChiCTR2000012345", "ChiCTR-TRC-08000123")),
        ("UMIN-CTR 000012345 jRCTb031180001", ("UMIN000012345", "jRCTb031180001")),
        ("JPRN-JapicCTI-050012", ("JPRN-JapicCTI-050012",)),
        ("RPCEC00000123 LBCTR2020012345", ("RPCEC00000123", "LBCTR2020012345")),
        ("RBR-2abc", ()),  # too short
        ("RBR-method", ()),  # without a digit
        ("NTR1 and NTR12 receptors", ()),
        ("1999-001234-12", ()),  # the register began in 2004
        ("EudraCT 1999-001234-12", ("EudraCT 1999-001234-12",)),  # whoever says so may mistype, and is kept
        ("grant 2010-912345-67", ()),
        ("12-2010-012345-67 and 2010-012345-67-8 and 2010-012345-678", ()),
        ("NCT1234567 NCT012345678 XNCT01234567", ()),
    ],
)
def test_registrations_are_read_where_it_is_safe(text, found):
    assert registry_ids(text) == found
    assert all(registry_ids(number) == (number,) and registry_of(number) for number in found)


@pytest.mark.parametrize(
    ("given", "pmcid"),
    [
        ("PMC123", "PMC123"),
        ("pmc0123.2", "PMC123"),
        ("123", "PMC123"),
        ("pmc-id: PMC123;", "PMC123"),
        ("", None),
        ("PMC", None),
        ("NIHMS123", None),
        ("0", None),
    ],
)
def test_pmcids_have_one_spelling(given, pmcid):
    assert normal_pmcid(given) == pmcid


def test_a_long_run_of_what_looks_like_a_prefix_does_not_take_minutes():
    # With an unbounded prefix this input took five minutes; a bounded one reads it in linear time.
    assert normal_doi("10.1234" * 50_000) is None
