"""One ``$batch``: several operations in one round trip."""
