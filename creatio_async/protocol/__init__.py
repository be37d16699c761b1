"""Creatio's protocols, pure: values and bytes in, values and bytes out; no I/O, no clock."""
