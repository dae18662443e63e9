"""Technical logs: one JSON object a line on standard error.

Called once by each process at its start. Must never carry a request line, an argument of a statement or a
personal value: events have names and counts (style §5.22); a test feeds canary values end to end.
"""

import logging
import sys

import structlog


def configure_logging() -> None:
    """Configure this process."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.ERROR)
