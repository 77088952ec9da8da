"""Take the screenshots of the documentation: the report of the demo, and one of its validations.

`make screenshots`, or `python -m docs.make_screenshots DEMO` with the folder of a demo that was run
before. They need Chromium, and land in docs/screenshots/.
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

from tests.support.browser import DESKTOP, PHONE, open_browser

DOCS = Path(__file__).resolve().parent
TARGET = DOCS / "screenshots"
VALIDATION = "validation/true-blocked-class-rates.html"
# Name, page, screen, scheme, and height in pixels of what is shown from the top.
PAGES = (
    ("demo-desktop", "report.html", DESKTOP, "light", 1900),
    ("demo-phone", "report.html", PHONE, "light", 1900),
    ("validation-desktop", VALIDATION, DESKTOP, "light", 1500),
    ("validation-desktop-dark", VALIDATION, DESKTOP, "dark", 1500),
    ("validation-phone", VALIDATION, PHONE, "dark", 1900),
)
# Parts of the validation, by what is taken: the id of a figure, or of a heading and what follows.
FIGURES = ("quality", "floors", "population", "rates", "fano", "correlations", "pit", "rootograms",
           "spikes", "counts")  # fmt: skip
TABLE = "#node-by-node"
COLORS = 128
MARGIN = 12


def save(png: bytes, name: str) -> None:
    """Write a picture with few colors, which is all that a page has."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    few = picture.quantize(COLORS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    path = TARGET / f"{name}.png"
    few.save(path, optimize=True)
    print(f"{path.name}: {few.width} x {few.height}, {path.stat().st_size / 1000:.0f} kB")


def run_demo() -> Path:
    """Run the demo into a folder of its own."""
    from stochnet.cli.demo.run_demo import run_demo as run

    folder = Path(tempfile.mkdtemp())
    run(folder)
    return folder


def main() -> None:
    """Take all of them."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else run_demo()
    TARGET.mkdir(exist_ok=True)
    with open_browser() as browser:
        for name, page, size, scheme, height in PAGES:
            browser.open(folder / page, size, scheme)
            save(browser.screenshot((0, 0, size[0], height)), name)
        browser.open(folder / VALIDATION)
        for name in (*(f"#{one}" for one in FIGURES), TABLE):
            if browser.run("return document.querySelector(arguments[0]) !== null;", name):
                x, y, width, height = browser.box(name)
                clip = (x - MARGIN, y - MARGIN, width + 2 * MARGIN, height + 2 * MARGIN)
                save(browser.screenshot(clip), f"figure-{name[1:]}")


if __name__ == "__main__":
    main()
