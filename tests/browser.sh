#!/bin/sh
# Prints the path of a Chromium or Chrome that the tests can drive; installs one where that takes no more than asking.
# The headless shell comes first: the same engine without a window, in which the tests take two thirds of the time.
say() { printf '%s\n' "$*" >&2; }
find_browser() {
    for name in "${CHROMIUM:-}" chromium-headless-shell chrome-headless-shell chromium chromium-browser google-chrome google-chrome-stable chrome \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" /Applications/Chromium.app/Contents/MacOS/Chromium; do
        if [ -n "$name" ] && path=$(command -v "$name") && [ -x "$path" ]; then printf '%s\n' "$path"; return 0; fi
    done
    return 1
}
find_browser && exit 0
cd "$(dirname "$0")/.." || exit 1
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "Installing Chromium for the browser tests ..."
    bring() { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1"; }
    { apt-get update -qq && { bring chromium-headless-shell || bring chromium; }; } >/dev/null 2>&1
    find_browser && exit 0
fi
PLAYWRIGHT_BROWSERS_PATH=$PWD/.venv/browsers
export PLAYWRIGHT_BROWSERS_PATH
own() { .venv/bin/python -c 'from playwright.sync_api import sync_playwright as s; print(s().start().chromium.executable_path)' 2>/dev/null; }
path=$(own)
if [ ! -x "$path" ]; then
    say "Fetching a Chromium for the browser tests ..."
    .venv/bin/python -m playwright install chromium >/dev/null 2>&1
    path=$(own)
fi
if [ -x "$path" ]; then printf '%s\n' "$path"; exit 0; fi
say "The browser tests need Chromium or Chrome: 'apt-get install chromium', 'brew install --cask chromium' or google.com/chrome brings one, and CHROMIUM=/path/to/it names one that is elsewhere."
exit 1
