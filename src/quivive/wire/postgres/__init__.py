"""PostgreSQL wire protocol 3.0 and 3.2, sans I/O: bytes in, facts out."""
