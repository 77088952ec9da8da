"""Debian's Chromium without a window: opens pages as a reader would and says what they did."""

import base64
import json
import os
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 60
DESKTOP, PHONE = (1280, 900), (390, 844)


def missing():
    """Return what the browser tests lack, in words; None if nothing."""
    try:
        import selenium  # noqa: F401
    except ModuleNotFoundError:
        return "selenium is not installed: pip install selenium"
    found = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    if found:
        return f"{' and '.join(found)} not found: apt-get install chromium chromium-driver"
    return None


@contextmanager
def open_browser():
    """Start a browser, and end it."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for one in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu",
                "hide-scrollbars", "force-color-profile=srgb"):  # fmt: skip
        options.add_argument(f"--{one}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # Both are named, so that selenium looks for nothing on the network.
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield Browser(driver)
    finally:
        driver.quit()


class Browser:
    """A page in a browser."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, path, size=DESKTOP, scheme="light", scale=1, media=""):
        """Open a file as a screen of this size shows it."""
        # A page that is opened again would be reloaded, and found before it is whole.
        self.driver.get("about:blank")
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.look(size, scheme, scale, media)
        self.driver.get(Path(path).resolve().as_uri())
        end = time.monotonic() + PATIENCE
        while self.run("return document.readyState;") != "complete":
            if time.monotonic() > end:
                raise TimeoutError(f"{path} was not loaded in {PATIENCE} seconds")
            time.sleep(0.05)

    def look(self, size=DESKTOP, scheme="light", scale=1, media=""):
        """Change the screen, the color scheme or the medium of the page that is open."""
        width, height = size
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=scale, mobile=width < 600,
        )  # fmt: skip
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.command("Emulation.setEmulatedMedia", media=media, features=features)

    def command(self, name, **values):
        """Send a command of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(name, values)

    def run(self, script, *values):
        """Run JavaScript in the page and return what it returns."""
        return self.driver.execute_script(script, *values)

    def console(self):
        """Return what the page wrote to the console since it was opened, errors of it included."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self):
        """Return the addresses that the page asked for since it was opened."""
        found = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.append(message["params"]["request"]["url"])
        return found

    def screenshot(self, clip=None, scale=1):
        """Return a PNG of the screen, or of a part of the page (x, y, width, height)."""
        values = {"format": "png"}
        if clip is not None:
            x, y, width, height = clip
            values |= {
                "captureBeyondViewport": True,
                "clip": {"x": x, "y": y, "width": width, "height": height, "scale": scale},
            }
        return base64.b64decode(self.command("Page.captureScreenshot", **values)["data"])

    def box(self, selector):
        """Return where an element is in the page: x, y, width, height."""
        return self.run(
            "const b = document.querySelector(arguments[0]).getBoundingClientRect();"
            "return [b.x + scrollX, b.y + scrollY, b.width, b.height];",
            selector,
        )

    def pdf(self):
        """Return the page as printed."""
        return base64.b64decode(self.command("Page.printToPDF", printBackground=True)["data"])


def in_ci():
    """Return whether this is a run of the continuous integration, which must have a browser."""
    return bool(os.environ.get("CI"))
