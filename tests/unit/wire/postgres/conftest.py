"""Lets the codec tests import their helper `transcripts`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
