"""Files of citations, one module per format; `tools.search.sources.files` recognises them and counts."""
