"""The commands: what they say when a machine lacks something, what they leave alone, and that locks and CI are tight."""
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import zipfile

import pytest
import yaml

from common import ROOT, run

OFFLINE = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": "", "PIP_NO_INDEX": "0", "PIP_CONFIG_FILE": os.devnull}


@pytest.fixture
def clone(tmp_path):
    """A folder with the set-up script, a lock that asks for nothing, and a PATH with plain tools only."""
    for name in ("book/tools/setup.sh", "tests/browser.sh"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "requirements.txt").write_text("# nothing\n")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "dirname", "cmp", "rm", "cp", "tr", "grep", "tail", "cat", "id"):
        (tools / name).symlink_to(shutil.which(name))
    return tmp_path


def sentence(said, *words):
    """The last thing said is one line with these words, and no traceback stands before it."""
    last = said.strip().splitlines()[-1] if said.strip() else ""
    assert "Traceback" not in said and all(word in last for word in words), f"wanted one sentence with {words}, got:\n{said}"


def test_no_python_says_how_to_get_one(clone):
    code, said = run("/bin/sh", "book/tools/setup.sh", "requirements.txt", cwd=clone, env={"PATH": str(clone / "bin"), "PYTHON": ""})
    assert code == 1
    sentence(said, "Python 3.11 or newer", "python.org")


def test_no_venv_module_says_how_to_get_it(clone):
    python = clone / "bin/python3"
    python.write_text('#!/bin/sh\ncase "$*" in *version_info*) exit 0;; esac\necho "No module named venv" >&2\nexit 1\n')
    python.chmod(0o755)
    code, said = run("/bin/sh", "book/tools/setup.sh", "requirements.txt", cwd=clone, env={"PATH": str(clone / "bin"), "PYTHON": ""})
    assert code == 1 and not (clone / ".venv").exists()
    sentence(said, "venv", "apt-get install python3-venv")


def test_no_browser_says_how_to_get_one(clone):
    code, said = run("/bin/sh", "tests/browser.sh", cwd=clone, env={"PATH": str(clone / "bin"), "CHROMIUM": ""})
    if code == 0:
        assert said.startswith("/Applications/"), said
    else:
        sentence(said, "Chromium", "CHROMIUM=")


@pytest.mark.slow
def test_set_up_installs_once_and_says_what_goes_wrong(clone):
    """Nothing to do, no network, a wrong hash, a right one: without leaving this machine."""
    setup = lambda **env: run("/bin/sh", "book/tools/setup.sh", "requirements.txt", cwd=clone, env={**OFFLINE, "PYTHON": sys.executable, **env})
    code, said = setup()
    assert code == 0 and "Making" in said, said
    assert setup() == (0, ""), "a second set-up with the same lock does something"

    wheel = clone / "wheels/tiny-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", "")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "tiny.py,,\ntiny-1.0.dist-info/METADATA,,\ntiny-1.0.dist-info/WHEEL,,\ntiny-1.0.dist-info/RECORD,,\n")
    lock = clone / "requirements.txt"
    lock.write_text(f"tiny==1.0 --hash=sha256:{'0' * 64}\n")
    code, said = setup()
    assert code == 1
    sentence(said, "needs the network once", "requirements.txt")
    local = {"PIP_FIND_LINKS": str(wheel.parent), "PIP_NO_INDEX": "1"}
    code, said = setup(**local)
    assert code == 1
    sentence(said, "does not match its hash", "requirements.txt")
    lock.write_text(f"tiny==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    assert setup(**local)[0] == 0
    assert setup() == (0, ""), "once set up, the network is still needed"


def test_a_taken_port_is_said():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = run(sys.executable, "book/tools/serve.py", port)
    assert code == 1
    sentence(said, f"Port {port} is taken", "PORT=")


@pytest.mark.slow
def test_an_interrupted_run_of_the_notebooks_leaves_them(tmp_path):
    for folder in ("book/tools", "data"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "chapters/01_long.ipynb"
    path.parent.mkdir()
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": "import time\ntime.sleep(100)", "metadata": {}, "outputs": [], "execution_count": None}],
                                "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    before = path.read_bytes()
    going = subprocess.Popen([sys.executable, "book/tools/run_notebooks.py"], cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for line in going.stdout:
        if "01_long: running" in line:
            break
    with pytest.raises(subprocess.TimeoutExpired):
        going.wait(timeout=4)
    going.send_signal(signal.SIGINT)
    said = going.communicate(timeout=60)[0]
    assert going.returncode != 0
    sentence(said, "Interrupted", "left as they were")
    assert path.read_bytes() == before and [p.name for p in path.parent.iterdir()] == [path.name]


def test_make_lists_its_commands():
    code, said = run("make", "-s")
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = [name for name in re.search(r"(?m)^\.PHONY: (.*)$", text)[1].split() if "environment" not in name]
    lacking = [name for name in commands if not re.search(rf"(?m)^  make {name} +\S", said)]
    assert code == 0 and not lacking, f"'make' does not list {lacking}: end the target's line in '## what it does'"
    assert {"book", "live", "test-live", "serve", "notebooks", "lab", "data", "test", "check", "lock", "clean"} <= set(commands)


@pytest.mark.parametrize("folder", [".", "tests", "book/live"])
def test_locks_hold_what_is_asked_for_with_hashes(folder):
    asked = re.findall(r"(?m)^([A-Za-z0-9][A-Za-z0-9._-]*)(==\S+)?", (ROOT / folder / "requirements.in").read_text(encoding="utf-8"))
    text = (ROOT / folder / "requirements.txt").read_text(encoding="utf-8")
    locked = dict(re.findall(r"(?m)^([a-z0-9.-]+)==([^\s;]+)", text))
    for name, pin in asked:
        assert name.lower() in locked, f"{folder}/requirements.txt lacks {name}: 'make lock'"
        assert not pin or locked[name.lower()] == pin[2:], f"{folder}/requirements.txt has {name} {locked[name.lower()]}, asked is {pin}: 'make lock'"
    bare = [entry.split()[0] for entry in re.split(r"\n(?=\S)", text) if re.match(r"[a-z0-9]", entry) and "--hash=sha256:" not in entry]
    assert not bare, f"{folder}/requirements.txt: {bare} without a hash"
    assert not re.search(r"://|--(?:extra-)?index-url|--find-links|file:", text), f"{folder}/requirements.txt names an index or an address"


@pytest.mark.parametrize("other", ["tests", "book/live"])
def test_the_locks_agree(other):
    one, two = (dict(re.findall(r"(?m)^([a-z0-9.-]+)==([^\s;]+)", (ROOT / name).read_text(encoding="utf-8"))) for name in ("requirements.txt", f"{other}/requirements.txt"))
    apart = {name: (one[name], two[name]) for name in one.keys() & two.keys() if one[name] != two[name]}
    assert not apart, f"the locks disagree: {apart}"


def test_public_ci_is_pinned_and_may_do_little():
    for path in sorted((ROOT / ".github/workflows").glob("*.yml")):
        text = path.read_text(encoding="utf-8")
        loose = [use for use in re.findall(r"uses:\s*(\S+)", text) if not re.search(r"@[0-9a-f]{40}$", use)]
        assert not loose, f"{path.name}: {loose} are not pinned to a commit"
        flow = yaml.safe_load(text)
        assert flow["permissions"] == {"contents": "read"}, f"{path.name}: by default a job may only read"
        assert not re.search(r"pull_request_target|secrets\.", text), f"{path.name}: neither pull_request_target nor secrets are needed"


def test_versions_agree():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    package = json.loads((ROOT / "data/datapackage.json").read_text(encoding="utf-8"))
    assert str(cited["version"]) == package["version"], "CITATION.cff and data/datapackage.json give different versions"
    assert cited["title"] == package["title"], "CITATION.cff and data/datapackage.json give different titles"
