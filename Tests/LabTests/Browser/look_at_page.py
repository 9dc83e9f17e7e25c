# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: pbxlink contributors
"""Looks at a status page as people do, with Chromium: light, dark, on a phone, without JavaScript, in forced colours.
Puts pictures into a directory and prints what it saw as JSON; exits 1 with `problems` in it if anything is wrong.
Run it where the page is reached: in the network namespace of the agent."""

import argparse
import json
import pathlib
import sys
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, TimeoutError, sync_playwright

BROWSER = "/usr/bin/chromium-headless-shell"
DESK = {"viewport": {"width": 1280, "height": 900}}
# A mobile browser would make its window as wide as the page; what counts is the width of the phone.
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
VIEWS = {
    "light": DESK | {"color_scheme": "light"},
    "dark": DESK | {"color_scheme": "dark"},
    "phone": PHONE | {"color_scheme": "light"},
    "noscript": DESK | {"java_script_enabled": False},
    "forced": DESK | {"reduced_motion": "reduce", "forced_colors": "active"},
}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"], "resultTypes": ["violations", "incomplete"]}
REFRESH_WITHIN = 15_000  # ms
LINES = 48  # px that a refresh may scroll by when what is above changes
TELL_VIOLATIONS = """addEventListener("securitypolicyviolation", event => tellViolation(
  `${event.effectiveDirective} forbids ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`))"""
FOCUS_AND_SCROLL = """() => {
  const first = [...document.querySelectorAll("main :is(a[href], button, input, select, summary, [tabindex])")]
    .find(it => it.tabIndex >= 0 && !it.disabled && it.checkVisibility());
  first?.focus({preventScroll: true});
  scrollTo({top: 200, behavior: "instant"}); }"""
# A refresh may replace an element: for a person it is the same if it is called the same or leads to the same place.
PLACE = """() => { const it = document.activeElement, name = ["id", "href", "aria-label"].map(a => it.getAttribute(a));
  return [[it.localName, ...name].filter(Boolean).join(" "), scrollY, document.body.innerText]; }"""


def origin(url):
    return urlsplit(url).scheme.replace("ws", "http"), urlsplit(url).netloc


def plain(text):
    return " ".join(text.split()).casefold()  # styles may make capitals of it


def accessibility(page, tell):
    """What axe finds, and the rules that it leaves to people to decide."""
    found = Axe().run(page, options=RULES).response
    violations = [
        {"id": rule["id"], "target": " ".join(map(str, node["target"])), "html": node["html"], "help": rule["help"]}
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
    for it in violations:
        tell(f"{it['help']} ({it['id']}): {it['target']}: {it['html']}")
    return {"violations": violations, "undecided": [rule["id"] for rule in found["incomplete"]]}


def refresh(page, tell):
    """Waits until the page has fetched itself anew, with a place in it focused and scrolled to."""

    def own(request):
        return request.resource_type == "fetch" and origin(request.url) == origin(page.url)

    page.set_viewport_size({"width": 1280, "height": 300})
    page.evaluate(FOCUS_AND_SCROLL)
    focus, scroll, text = page.evaluate(PLACE)
    try:
        fetched = page.wait_for_event("requestfinished", own, timeout=REFRESH_WITHIN)
        size = {"bytes": len(fetched.response().body()), "bytes sent": fetched.sizes()["responseBodySize"]}
        page.wait_for_event("request", own, timeout=REFRESH_WITHIN)  # by then it shows what it fetched before
    except TimeoutError:
        return tell(f"it does not go on fetching itself anew within {REFRESH_WITHIN // 1000} s")
    focus_after, scroll_after, text_after = page.evaluate(PLACE)
    if focus_after != focus:
        tell(f"its refresh moved the focus from '{focus}' to '{focus_after}'")
    if abs(scroll_after - scroll) > LINES:
        tell(f"its refresh scrolled from {scroll} to {scroll_after}")
    return size | {"url": fetched.url, "changed": text_after != text, "focus": focus, "scroll": scroll}


def look(page, name, arguments, seen, tell):
    """Opens the page in a view of that name; tells what is wrong and fills in what was seen."""

    def asked(what, url):
        seen["requests"].append(f"{what} {url}")
        if urlsplit(url).scheme not in ("data", "blob") and origin(url) != origin(arguments.url):
            tell(f"it asks another place: {what} {url}")

    page.on("request", lambda request: asked(request.method, request.url))
    page.on("websocket", lambda socket: asked("WebSocket", socket.url))
    page.on("requestfailed", lambda request: tell(f"{request.url} failed: {request.failure}"))
    page.on("response", lambda it: it.status >= 400 and tell(f"{it.url} answered {it.status}"))
    page.on("console", lambda it: it.type in ("error", "warning") and tell(f"{it.type} in the console: {it.text}"))
    page.on("pageerror", lambda error: tell(f"error in its script: {error}"))
    page.expose_binding("tellViolation", lambda _, what: tell(f"its content security policy: {what}"))
    page.add_init_script(TELL_VIOLATIONS)
    page.goto(arguments.url)
    page.screenshot(path=arguments.directory / f"{name}.png", full_page=True, caret="initial")
    if name in ("light", "dark"):
        seen["accessibility"] = accessibility(page, tell)
    if name == "phone":
        seen["width"] = page.evaluate("document.documentElement.scrollWidth")
        if seen["width"] > PHONE["viewport"]["width"]:
            tell(f"it scrolls sideways: {seen['width']} px wide on a phone of {PHONE['viewport']['width']}")
    if name == "light":
        seen["refresh"] = refresh(page, tell)
    if name in ("light", "noscript"):
        text = plain(page.inner_text("body"))
        for expected in arguments.expect:
            if plain(expected) not in text:
                tell(f"it does not say '{expected}'")


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("url")
parser.add_argument("directory", type=pathlib.Path)
parser.add_argument("--expect", action="append", default=[], metavar="TEXT", help="what the page has to say")
arguments = parser.parse_args()
views, problems = {}, {}
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])  # root has no sandbox
    for name, options in VIEWS.items():
        views[name], wrong = {"requests": []}, []
        context = browser.new_context(**options)
        try:
            look(context.new_page(), name, arguments, views[name], wrong.append)
        except Error as error:
            wrong.append(f"it could not be looked at: {error.message.splitlines()[0]}")
        for text in dict.fromkeys(wrong):
            problems.setdefault(text, []).append(name)
        context.close()  # breaks off what it is asking for, which is no problem
    seen = {"url": arguments.url, "browser": browser.version, "views": views}
seen["problems"] = [f"{', '.join(names)}: {text}" for text, names in problems.items()]
print(json.dumps(seen, indent=2, ensure_ascii=False))
sys.exit(1 if problems else 0)
