"""Finding records: strategies, vocabulary and the sources that answer them."""
