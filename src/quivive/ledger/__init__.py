"""Segments, commitment logs, the spine and their verification (DESIGN §7). Must never import capture or contacts."""
