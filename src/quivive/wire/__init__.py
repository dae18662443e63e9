"""Sans-io codecs: bytes in, messages and spans out. No socket, clock, logger, randomness or database."""
