"""Fixtures for all tests; they and the helpers stand in `common`, which other test modules can import by name."""
from common import *  # noqa: F401, F403
