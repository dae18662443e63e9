"""Pages lead somewhere, and a reader of the README reaches every page."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def targets(page):
    """Files that a page links to."""
    found = LINK.findall(page.read_text(encoding="utf-8"))
    return {(page.parent / link).resolve() for link in found if "://" not in link}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page):
    """A file that is linked is there."""
    assert [str(target) for target in targets(page) if not target.exists()] == []


def test_every_page_is_reached_from_the_readme():
    """Following links from the README finds every page."""
    seen, ahead = set(), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        ahead += targets(page)
    assert [str(page.relative_to(ROOT)) for page in PAGES if page not in seen] == []
