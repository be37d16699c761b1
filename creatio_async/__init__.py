"""An asyncio client for Creatio: OData, ``$batch``, bulk pipelines, business processes."""
