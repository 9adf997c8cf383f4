"""What the site has of this book alone: a page for every table, numbers in prose that lead to their rows, a feed of corrections.

`package` reads `data/` and the chapters' stored outputs and needs nothing installed; `extension` is the Sphinx part.
"""


def setup(app):
    from . import extension
    return extension.setup(app)
