"""A page of a report as text: whole, small, and loading nothing."""

import re
from html.parser import HTMLParser


class Page(HTMLParser):
    """Collects what a browser would load, and the tags that are open."""

    void = frozenset(("meta", "link", "img", "br", "hr", "input", "use"))

    def __init__(self):
        super().__init__()
        self.loads, self.tags, self.open, self.ids = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [v for k, v in attrs if k in ("src", "href", "xlink:href", "data") and v]
        self.ids += [v for k, v in attrs if k == "id"]
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.void:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in self.void:
            assert self.open.pop() == tag


def check_page(path, local=()):
    text = path.read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.open == []
    inside = [x[1:] for x in page.loads if x.startswith("#")]
    assert set(inside) <= set(page.ids)
    named = [x for x in page.ids if not re.fullmatch(r"[mp][0-9a-f]{10}", x)]
    assert len(named) == len(set(named))
    assert [x for x in page.loads if not x.startswith(("#", "data:")) and x not in local] == []
    assert not re.findall(r"@import|url\((?!#)", text)
    assert len(text.encode()) < 3_000_000
    assert "prefers-color-scheme: dark" in text
    return text
