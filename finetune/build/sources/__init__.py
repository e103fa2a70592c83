"""The kinds of sources, one file each. A new one is a file, a line here and a line in its contract test."""

from finetune.build.sources import (
    clef_tar,
    ctgov,
    evidence_inference,
    jats,
    ms2,
    nbib,
    numeric_outcomes,
    pico_corpus,
    pmid_nct,
    pool,
    pubmed_xml,
    review_folders,
    reviews_csv,
    rob2_support,
    seed_collection,
    study_type,
)
from finetune.build.sources.source import Item, Kind, Part, Source, Unread

__all__ = ["READERS", "Item", "Kind", "Part", "Source", "Unread"]

READERS: dict[str, Kind] = {
    "clef_tar": clef_tar.KIND,
    "ctgov": ctgov.KIND,
    "evidence_inference": evidence_inference.KIND,
    "jats": jats.KIND,
    "ms2": ms2.KIND,
    "nbib": nbib.KIND,
    "numeric_outcomes": numeric_outcomes.KIND,
    "pico_corpus": pico_corpus.KIND,
    "pmid_nct": pmid_nct.KIND,
    "pool": pool.KIND,
    "pubmed_xml": pubmed_xml.KIND,
    "review_folders": review_folders.KIND,
    "reviews_csv": reviews_csv.KIND,
    "rob2_support": rob2_support.KIND,
    "seed_collection": seed_collection.KIND,
    "study_type": study_type.KIND,
}
