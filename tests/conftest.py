"""Fixtures for all tests; they and the helpers stand in `common`, which other test modules can import by name."""
from common import *  # noqa: F401, F403


@pytest.hookimpl(tryfirst=True)  # noqa: F405
def pytest_collection_modifyitems(config, items):
    """Side by side, quick tests first, so that a slip is told within seconds; of the slow ones the longest first, so that
    workers end together. Tests that read every page, or a book built for them, stay with one worker: it parses or builds once."""
    def group(item):
        return "charts" if item.path.parent.name == "charts" else next((name for name in ("published", "site") if name in item.fixturenames), None)

    def place(item):
        name = f"{item.path.parent.name}/{item.name}"
        return item.get_closest_marker("slow") is not None, not group(item), "pdf" not in name and "visit" not in name
    for item in items:
        if item.get_closest_marker("slow") and group(item):
            item.add_marker(pytest.mark.xdist_group(group(item)))  # noqa: F405
    if hasattr(config, "workerinput"):
        items.sort(key=place)
