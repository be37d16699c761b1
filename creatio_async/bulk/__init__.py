"""Pipelines that write any number of rows through ``$batch``."""
