"""Trials as ClinicalTrials.gov has them: registered plans and posted results, as evidence beside the paper."""
