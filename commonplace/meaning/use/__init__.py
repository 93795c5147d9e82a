"""Google's Universal Sentence Encoder, multilingual, version 3: the embedder that needs no key and no network."""
