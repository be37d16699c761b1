"""asyncio: everything that waits, keeps time or touches the network."""
