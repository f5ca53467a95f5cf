"""Dense, lexical and hybrid retrieval over documents."""
