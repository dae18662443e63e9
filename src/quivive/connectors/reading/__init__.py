"""Readers of files: bytes in, records out. Pure, bounded, and deaf to what the records mean."""
