"""Atom feed of corrections, in which absolute addresses stand only when the site has one, and the map of such a site."""
import uuid
from xml.sax.saxutils import escape, quoteattr

from .package import in_order

SPACE = uuid.UUID("5d1c39a4-7f0e-4f0b-9a63-2c1f6b0e8d17")  # fixed: ids of the feed and its entries derive from it and never change


def say(row):
    """A correction in one sentence."""
    return (f"{row['table']}, row {row['row_key']}, {row['column']}: {row['was'] or 'blank'} became {row['now'] or 'blank'}. {row['reason']}").strip()


def atom(title, author, rows, updated, site=""):
    """The feed as text. `rows` are those of corrections.csv, `updated` an ISO day for a feed without any, `site` the address or ""."""
    site = site.rstrip("/")
    urn = (lambda name: f"urn:uuid:{uuid.uuid5(SPACE, name)}")
    rows = sorted(rows, key=in_order, reverse=True)
    lines = ['<?xml version="1.0" encoding="utf-8"?>', '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">', f"<id>{urn('corrections')}</id>",
             f"<title>Corrections to {escape(title)}</title>", f"<updated>{rows[0]['date'] if rows else updated}T00:00:00Z</updated>", f"<author><name>{escape(author)}</name></author>"]
    if site:
        lines += [f'<link rel="self" type="application/atom+xml" href={quoteattr(site + "/corrections.xml")}/>', f'<link rel="alternate" type="text/html" href={quoteattr(site + "/chapters/corrections.html")}/>']
    for row in rows:
        lines += ["<entry>", f"<id>{urn('correction/' + row['id'])}</id>", f"<title>{escape(row['table'])}: {escape(row['column'])} of {escape(row['row_key'])}</title>", f"<updated>{row['date']}T00:00:00Z</updated>"]
        if site:
            lines.append(f'<link rel="alternate" type="text/html" href={quoteattr(site + "/chapters/corrections.html#correction-" + row["id"])}/>')
        lines += [f'<content type="text">{escape(say(row))}</content>', "</entry>"]
    return "\n".join([*lines, "</feed>", ""])


def sitemap(pages, site):
    """The addresses of all `pages` ("" is the front page) of the site at the address `site`, for search engines."""
    lines = [f"<url><loc>{escape(site.rstrip('/') + '/' + page)}</loc></url>" for page in pages]
    return "\n".join(['<?xml version="1.0" encoding="utf-8"?>', '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">', *lines, "</urlset>", ""])
