"""Fixtures for all tests; they and the helpers stand in `common`, which other test modules can import by name."""
import os

from common import *  # noqa: F401, F403


def pytest_collection_modifyitems(config, items):
    """Side by side, quick tests first, so that a slip is told within seconds; of the slow ones the longest first, so that workers end together."""
    def place(item):
        name = f"{item.path.parent.name}/{item.name}"
        return item.get_closest_marker("slow") is not None, name.startswith("charts/"), "published" not in item.fixturenames and "pdf" not in name and "visit" not in name
    if hasattr(config, "workerinput"):
        items.sort(key=place)


def pytest_xdist_auto_num_workers(config):
    """Two workers more than there are processors: a test in a browser waits for a third of its time."""
    return len(os.sched_getaffinity(0)) + 2 if hasattr(os, "sched_getaffinity") else os.cpu_count() + 2
