"""The report in a real browser: read at desktop and phone width, stepped through, pointed at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.browser import Browser, browser, missing_programs
from helpers.reports import make_report, write_drive

pytestmark = [
    pytest.mark.skipif(
        missing_programs() is not None,
        reason=f"needs {missing_programs()} (Debian, Ubuntu: apt install chromium chromium-driver)",
    ),
    pytest.mark.timeout(300),
]

CHARTS = ("tradeoff", "paths", "scores", "agreement", "classes", "latency", "calibration")

OVERLAPS = """
    // pairs of texts of one chart that overlap
    const found = [];
    for (const chart of document.querySelectorAll("svg")) {
      const texts = [...chart.querySelectorAll("text")];
      texts.forEach((one, place) => texts.slice(place + 1).forEach((other) => {
        const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
        const overlap = Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
          && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
        const pair = `${chart.parentNode.id}: ${one.textContent} / ${other.textContent}`;
        if (overlap) found.push(pair);
      }));
    }
    // and neighbours of the page that do
    const blocks = [...document.querySelectorAll("main > *, section > *")];
    blocks.forEach((one) => {
      const next = one.nextElementSibling;
      if (next && one.getBoundingClientRect().bottom > next.getBoundingClientRect().top + 1) {
        found.push(`${one.tagName} ${one.id} / ${next.tagName} ${next.id}`);
      }
    });
    return found;
"""

EMPTY = """
    const empty = [];
    for (const each of document.querySelectorAll(
      "h1, h2, h3, p, dt, dd, th, td, li, figcaption, button:not(:has(img))")) {
      if (!each.textContent.trim()) empty.push(each.outerHTML);
    }
    for (const id of arguments[0]) {
      const chart = document.querySelector(`#${id} svg`);
      if (chart.querySelectorAll("path[d], circle, rect").length < 2) empty.push(id);
      if (/NaN|undefined|Infinity/.test(chart.outerHTML)) empty.push(`${id}: not a number`);
    }
    if (/NaN|undefined|null|Infinity/.test(document.querySelector("main").innerText)) {
      empty.push("words that are not numbers");
    }
    for (const image of document.querySelectorAll("img")) {
      if (!image.naturalWidth) empty.push(image.id);
    }
    return empty;
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_drive(tmp_path_factory.mktemp("browser"))
    return make_report(folder, folder / "town.html", "--target", "87.4")


@pytest.fixture(scope="module")
def window(page: Path) -> Iterator[Browser]:
    with browser() as window:
        yield window


@pytest.fixture(params=[1280, 390], ids=["desktop", "phone"])
def opened(request: pytest.FixtureRequest, window: Browser, page: Path) -> Browser:
    window.size(request.param, 844)
    window.open(page)
    return window


def middle(window: Browser, selector: str) -> tuple[float, float]:
    """Where the middle of something is, once it is scrolled to."""
    x, y = window.run(
        "const e = document.querySelector(arguments[0]); e.scrollIntoView({block: 'center'});"
        "const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]",
        selector,
    )
    return float(x), float(y)


def test_nothing_overlaps_or_is_empty_or_sticks_out(opened: Browser) -> None:
    opened.run("document.querySelector('details').open = true")
    assert opened.run(OVERLAPS) == []
    assert opened.run(EMPTY, CHARTS) == []
    width = opened.run("return document.documentElement.scrollWidth - innerWidth")
    assert width <= 0
    assert [entry["message"] for entry in opened.log("browser")] == []


def test_no_request_leaves_the_page(opened: Browser, page: Path) -> None:
    asked = [address for address in opened.requests() if not address.startswith("data:")]
    assert set(asked) == {page.absolute().as_uri()}


def test_frames_can_be_stepped_through(opened: Browser) -> None:
    def picture() -> str:
        return str(opened.run("return document.getElementById('picture').src"))

    first = picture()
    assert opened.text("#place") == "1 of 3"
    middle(opened, "#picture")
    opened.click("#next")
    assert opened.text("#place") == "2 of 3"
    second = picture()
    assert second != first
    opened.run("document.getElementById('viewer').focus()")
    opened.press("ArrowRight")
    opened.press("ArrowRight")
    assert opened.text("#place") == "1 of 3"
    assert picture() == first
    opened.click("#views button:nth-child(3)")
    assert picture() not in (first, second)
    opened.click("#thumbnails button:nth-child(2)")
    assert opened.text("#place") == "2 of 3"
    agreement = [float(text.split()[0]) for text in opened.text("#thumbnails").split("\n") if text]
    assert agreement == sorted(agreement)


def test_pointing_at_a_curve_shows_its_values(opened: Browser) -> None:
    for chart, words in (
        ("#tradeoff", ("segmented", "agreement", "mIoU", "frames/s")),
        ("#scores", ("frame", "top left", "target")),
        ("#paths", ("bottom right",)),
        ("#latency", ("ms",)),
        ("#calibration", ("came true", "decisions")),
    ):
        x, y = middle(opened, f"{chart} svg")
        opened.move(x, y)
        assert opened.run("return getComputedStyle(tip).visibility") == "visible"
        said = opened.text("#tip")
        assert all(word in said for word in words), said
        inside = opened.run(
            "const r = tip.getBoundingClientRect();"
            "return r.left >= 0 && r.top >= 0 && r.right <= innerWidth && r.bottom <= innerHeight"
        )
        assert inside
        opened.move(1, 1)
        assert opened.run("return getComputedStyle(tip).visibility") == "hidden"


def test_the_curve_can_show_another_measure(opened: Browser) -> None:
    def curve() -> str:
        return str(opened.run("return document.querySelector('#tradeoff path').getAttribute('d')"))

    middle(opened, "#measures")
    curves = {curve()}
    for button in (2, 3):
        opened.click(f"#measures button:nth-child({button})")
        curves.add(curve())
        assert opened.run(OVERLAPS) == []
    assert len(curves) == 3


def test_light_and_dark_differ(window: Browser, page: Path) -> None:
    window.size(1280, 844)
    papers = set()
    for scheme in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        window.command("Emulation.setEmulatedMedia", features=[feature])
        window.open(page)
        colors = window.run(
            "const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]"
        )
        papers.add(tuple(colors))
    assert len(papers) == 2


def test_regions_are_named_by_their_place_in_another_grid(
    page: Path, window: Browser, tmp_path: Path
) -> None:
    grid = ["--rows", "3", "--columns", "2", "--overlap", "8"]
    window.size(1280, 844)
    window.open(make_report(page.parent, tmp_path / "six.html", *grid))
    assert window.run(EMPTY, CHARTS) == []
    assert "row 3, column 2" in window.text("#scores-legend")
    assert "3·2" in window.run("return document.querySelector('#paths svg').textContent")
