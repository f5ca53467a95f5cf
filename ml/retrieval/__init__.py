"""Search over documents: dense (FAISS), lexical (BM25) and both together. Never imports torch."""
