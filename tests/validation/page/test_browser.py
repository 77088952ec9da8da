"""The report in a real browser: nothing is loaded or complained of, and the table works.

Without Chromium and selenium these tests are skipped, but not in the continuous integration (where
the environment variable CI is set).
"""

import numpy as np
import pytest

import stochnet as sn
from stochnet.raster.layers import Layer
from tests.support import browser

missing = browser.missing()
pytestmark = pytest.mark.skipif(
    missing is not None and not browser.in_ci(), reason=missing or "a browser is there"
)

LAYERS = (Layer("features.relu", "ReLU", (50,), 0, 50), Layer("head.relu", "ReLU", (50,), 50, 50))
FIGURES = ("floors", "population", "rates", "fano", "correlations", "spikes", "counts")


@pytest.fixture(scope="module")
def report():
    """Compare a surrogate of which ten nodes fire half as often, and one not at all."""
    conditions = np.repeat(np.arange(20) % 5, 40).reshape(20, 40)
    p = np.random.default_rng(0).uniform(0.05, 0.95, (100, 5))
    changed = p.copy()
    changed[60:70] /= 2
    changed[5] = 0
    observed, simulated = (
        sn.simulate(
            sn.Bundle.from_params("bernoulli", {"p": x}, conditions=conditions, layers=LAYERS),
            seed=seed,
        )
        for seed, x in enumerate((p, changed))
    )
    return sn.validate(observed, simulated, windows=(10,), n_pairs=200)


@pytest.fixture(scope="module")
def page(report, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    report.to_html(path)
    return path


@pytest.fixture(scope="module")
def window():
    assert missing is None, missing
    with browser.open_browser() as window:
        yield window


@pytest.fixture
def opened(window, page):
    window.open(page)
    return window


def rows(window):
    """Return the cells of the rows of nodes that can be seen."""
    return window.run(
        "return [...document.querySelectorAll('#nodes-of-the-report tbody tr')]"
        ".filter(row => row.offsetParent !== null)"
        ".map(row => [...row.cells].map(cell => cell.innerText.trim()));"
    )


def click(window, selector, k=0):
    window.run("document.querySelectorAll(arguments[0])[arguments[1]].click();", selector, k)


def enter(window, name, value):
    window.run(
        "const field = document.querySelector(`#nodes [name=${arguments[0]}]`);"
        "if (field.type === 'checkbox') field.checked = arguments[1];"
        "else field.value = arguments[1];"
        "field.dispatchEvent(new Event('input', {bubbles: true}));",
        name,
        value,
    )


def width_of_content(window):
    return window.run("return document.documentElement.scrollWidth;")


def test_it_loads_without_errors_and_asks_for_nothing_else(opened, page):
    assert opened.console() == []
    assert opened.requests() == [page.resolve().as_uri()]
    assert opened.run("return performance.getEntriesByType('resource').length;") == 0
    assert page.stat().st_size < 3_000_000


def test_verdict_and_one_figure_come_first(opened, report):
    assert report.verdict == opened.run("return document.querySelector('.verdict').innerText;")
    places = opened.run(
        "return ['.verdict', 'figure', '#network', '#layers', '#nodes', '#judged'].map("
        "x => document.querySelector(x).getBoundingClientRect().top);"
    )
    assert places == sorted(places)
    assert places[1] < browser.DESKTOP[1]


def test_figures_are_drawn_named_and_explained(opened):
    found = opened.run(
        "return [...document.querySelectorAll('figure')].map(one => ["
        "one.id, one.querySelector('figcaption').innerText.length,"
        "[...one.querySelectorAll('svg')].every(svg => svg.getAttribute('aria-label')"
        " && svg.getBoundingClientRect().height > 80 && svg.querySelector('path') !== null),"
        "one.querySelectorAll('svg').length]);"
    )
    assert set(FIGURES) <= {name for name, *_ in found}
    for name, words, drawn, panels in found:
        assert words > 100, name
        assert drawn, name
        assert panels >= 1, name
    assert opened.run("return document.documentElement.lang;") == "en"
    assert opened.run("return document.title;") == "Validation"


def test_figures_show_text_within_their_frames(opened):
    """No label of a figure is cut off at the edge of its panel."""
    cut = opened.run(
        "const found = [];"
        "for (const svg of document.querySelectorAll('figure svg')) {"
        "  const box = svg.getBoundingClientRect();"
        "  for (const text of svg.querySelectorAll('text')) {"
        "    const b = text.getBoundingClientRect();"
        "    if (b.left < box.left - 2 || b.right > box.right + 2)"
        "      found.push([svg.getAttribute('aria-label'), text.textContent]);"
        "  }"
        "} return found;"
    )
    assert cut == []


@pytest.mark.parametrize("column", [1, 2, 4])
def test_the_table_of_nodes_sorts(opened, column):
    def state():
        return opened.run(
            "return document.querySelectorAll('#nodes-of-the-report th[aria-sort]')"
            "[arguments[0]].getAttribute('aria-sort');",
            column,
        )

    def values():
        return [
            float(row[column].replace("−", "-")) if row[column] != "–" else np.inf
            for row in rows(opened)
        ]

    click(opened, "[data-more=Infinity]")
    first = rows(opened)
    assert len(first) == 100
    head = "#nodes-of-the-report thead button"
    click(opened, head, column)
    assert state() == "ascending"
    assert values() == sorted(values())
    click(opened, head, column)
    assert state() == "descending"
    known = [x for x in values() if x < np.inf]
    assert known == sorted(known, reverse=True)
    # Nodes without a number stay at the end.
    assert values()[: len(known)] == known
    click(opened, head, column)
    assert state() == "none"
    assert rows(opened) == first


def test_headings_sort_by_keyboard(opened):
    opened.run("document.querySelectorAll('#nodes-of-the-report thead button')[1].focus();")
    for kind in ("keyDown", "keyUp"):
        opened.command("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter",
                       windowsVirtualKeyCode=13, text="\r")  # fmt: skip
    numbers = [int(row[1]) for row in rows(opened)]
    assert numbers == sorted(numbers)


def test_the_table_of_nodes_filters(opened):
    assert len(rows(opened)) == 20
    enter(opened, "layer", "head.relu")
    click(opened, "[data-more='100']")
    assert {row[0] for row in rows(opened)} == {"head.relu"}
    assert len(rows(opened)) == 50
    enter(opened, "text", "no such node")
    assert rows(opened) == []
    said = "return document.querySelector('#nodes output').innerText;"
    assert opened.run(said) == "No node fits."
    enter(opened, "text", "FEATURES")
    assert rows(opened) == []
    enter(opened, "layer", "")
    assert {row[0] for row in rows(opened)} == {"features.relu"}
    assert opened.run(said) == "20 of 50 nodes are shown."


def test_nodes_that_differ_can_be_shown_alone(opened, report):
    if not report.excerpt.table.tested:
        assert opened.run("return document.querySelector('#nodes [name=differs]');") is None
        return
    enter(opened, "differs", True)
    found = rows(opened)
    marked = {(row[0], int(row[1])) for row in found}
    assert {("head.relu", k) for k in range(10, 20)} <= marked
    assert ("features.relu", 5) in marked
    assert all("✗" in row[-1] for row in found)
    assert len(found) < 30


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_dark(opened, page, scheme):
    """Contrast of at least 4.5 to 1 (WCAG 2.1, level AA) for text, chips and labels."""
    opened.open(page, scheme=scheme)
    colors = opened.run(
        "const probe = document.createElement('i'); document.body.append(probe);"
        "const style = getComputedStyle(document.documentElement);"
        "const color = name => { probe.style.color = style.getPropertyValue(name);"
        "  return getComputedStyle(probe).color.match(/[0-9]+/g).map(Number); };"
        "const names = ['paper', 'ink', 'soft', 'observed', 'simulated', 'third',"
        "  'good', 'bad', 'good-back', 'bad-back', 'card'];"
        "return Object.fromEntries(names.map(name => [name, color('--' + name)]));"
    )

    def light(name):
        share = np.array(colors[name]) / 255
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    def contrast(first, second):
        low, high = sorted((light(first), light(second)))
        return (high + 0.05) / (low + 0.05)

    assert (light("paper") > 0.5) == (scheme == "light")
    for text, ground in (("ink", "paper"), ("ink", "card"), ("soft", "paper"),
                         ("observed", "paper"), ("soft", "card"),
                         ("good", "good-back"), ("bad", "bad-back")):  # fmt: skip
        assert contrast(text, ground) >= 4.5, (text, ground, contrast(text, ground))
    for mark in ("observed", "simulated", "third"):
        assert contrast(mark, "paper") >= 3, mark


@pytest.mark.parametrize("size", [browser.PHONE, (320, 640), (768, 1024), browser.DESKTOP])
def test_nothing_is_wider_than_the_screen(opened, page, size):
    opened.open(page, size)
    assert width_of_content(opened) <= size[0]
    smallest = opened.run(
        "return Math.min(...[...document.querySelectorAll('p, td, th, figcaption, li')]"
        ".map(one => parseFloat(getComputedStyle(one).fontSize)));"
    )
    assert smallest >= 11
    # Labels of figures shrink with them.
    labels = opened.run(
        "return Math.min(...[...document.querySelectorAll('figure svg text')]"
        ".filter(one => one.textContent.trim()).map(one => one.getBoundingClientRect())"
        ".map(box => Math.min(box.width, box.height)).filter(x => x > 3));"
    )
    assert labels >= 5


def test_it_can_be_printed(opened):
    assert opened.pdf().startswith(b"%PDF")
    # A4 less its margins.
    paper = (718, 1000)
    opened.look(paper, media="print", scheme="dark")
    assert width_of_content(opened) <= paper[0]
    hidden = "return [...document.querySelectorAll('.tools, nav')].every(x => !x.offsetParent);"
    assert opened.run(hidden)
    ground = "return getComputedStyle(document.body).backgroundColor;"
    assert opened.run(ground) == "rgb(255, 255, 255)"


def test_it_is_whole_without_javascript(window, page):
    window.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        window.open(page)
        window.command("Emulation.setScriptExecutionDisabled", value=False)
        assert len(rows(window)) == 20
        assert window.run("return document.querySelector('#nodes form').offsetParent;") is None
    finally:
        window.command("Emulation.setScriptExecutionDisabled", value=False)
