"""Appraisal: risk of bias of a result, certainty of a body of evidence. Suggested here, decided by people. Pure."""
