"""Changes that are collected, and saved together: what the context of a WCF client does."""
