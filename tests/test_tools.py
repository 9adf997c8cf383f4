"""The commands: what they say when a machine lacks something, what they leave alone, and that locks and CI are tight."""
import hashlib
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile

import pytest
import yaml

from common import ROOT, run

import build
import files

OFFLINE = {"PIP_RETRIES": "0", "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": "", "PIP_NO_INDEX": "0", "PIP_CONFIG_FILE": os.devnull}


@pytest.fixture
def clone(tmp_path):
    """A folder with the set-up script, a lock that asks for nothing, and a PATH with plain tools only."""
    for name in ("book/tools/setup.sh", "tests/browser.sh"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "requirements.txt").write_text("# nothing\n")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "dirname", "cmp", "mkdir", "rm", "cp", "tr", "grep", "tail", "cat", "id", "sleep"):
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


def fake_python(clone, *lines):
    """A Python that is new enough and, asked for anything else, does what these lines of shell say."""
    python = clone / "bin/python3"
    python.write_text("\n".join(["#!/bin/sh", 'case "$*" in *version_info*) exit 0;; esac', *lines, ""]))
    python.chmod(0o755)


@pytest.mark.parametrize(("fails", "words"), [
    ("No module named venv", "apt-get install python3-venv"), ("The virtual environment was not created successfully because ensurepip is not available.", "apt-get install python3-venv"),
    ("Error: Command '['python3', '-m', 'ensurepip', '--upgrade']' died with <Signals.SIGKILL: 9>.", "could not be made: Error: Command")], ids=["venv", "ensurepip", "something else"])
def test_no_venv_module_says_how_to_get_it(clone, fails, words):
    fake_python(clone, f'echo "{fails}" >&2', "exit 1")
    code, said = run("/bin/sh", "book/tools/setup.sh", "requirements.txt", cwd=clone, env={"PATH": str(clone / "bin"), "PYTHON": ""})
    assert code == 1 and not (clone / ".venv").exists()
    sentence(said, "venv", words)


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
        made = run("make", "-s", "-o", "environment", "serve", f"PY={sys.executable}", f"PORT={port}")
    assert code == 1
    sentence(said, f"Port {port} is taken", "PORT=")
    assert made[0] and said == made[1].splitlines(True)[0] and "Build" not in made[1], f"make serve builds before it looks:\n{made[1]}"


@pytest.mark.parametrize(("given", "words"), [(("serve", "PORT=abc"), "'abc' is no port, a whole number from 1 to 65535: 'make serve PORT=8001' uses one."), (("serve", "PORT=0"), "'0' is no port"), (("serve", "PORT=99999"), "'99999' is no port"),
                                              (("mutate", "SEED=x"), "SEED takes a whole number, as in SEED=7, not 'x'."), (("mutate", "N=-2"), "N takes a whole number, as in N=7, not '-2'."), (("mutate", "ONLY=xyz"), "unit; unit, renewed; row dropped;")])
def test_make_answers_what_it_cannot_take_in_a_sentence(given, words):
    code, said = run("make", "-s", "-o", "environment", "-o", "tests-environment", *given, f"PY={sys.executable}", env={"CHROMIUM": sys.executable})
    lines = [line for line in said.splitlines() if not line.startswith("make")]
    assert code and len(lines) == 1 and words in lines[0], said


def test_a_set_up_that_was_killed_starts_afresh(clone):
    """A mark in .venv says that an install did not end: what it left is not used."""
    (clone / ".venv/bin").mkdir(parents=True)
    (clone / ".venv/bin/python").symlink_to(sys.executable)
    shutil.copy(clone / "requirements.txt", clone / ".venv/requirements.txt")
    env = {"PATH": str(clone / "bin"), "PYTHON": "", "HOME": str(clone)}
    assert run("/bin/sh", "book/tools/setup.sh", "requirements.txt", cwd=clone, env=env) == (0, "")
    (clone / ".venv/unfinished").touch()
    fake_python(clone, 'case "$*" in "-m venv "*) mkdir .venv/bin && cp "$0" .venv/bin/python;; esac')
    code, said = run("/bin/sh", "book/tools/setup.sh", "requirements.txt", cwd=clone, env=env)
    assert code == 0 and "Making" in said and "Installing" in said and not (clone / ".venv/unfinished").exists(), said
    assert not (clone / ".venv/bin/python").is_symlink() and (clone / ".venv/requirements.txt").exists()


@pytest.mark.slow
def test_two_set_ups_at_once_wait_for_each_other(clone, request):
    """The first is killed, the next takes its lock over; that one is interrupted and leaves none; then one works and another waits."""
    fake_python(clone, 'case "$*" in "-m venv "*) mkdir .venv/bin && cp "$0" .venv/bin/python; : >begun; until [ -e go ]; do sleep 0.1; done;; esac')
    request.addfinalizer((clone / "go").touch)  # or what a failure leaves goes on

    def begin():
        going = subprocess.Popen(["/bin/sh", "book/tools/setup.sh", "requirements.txt"], cwd=clone, text=True, stderr=subprocess.PIPE, start_new_session=True, env={"PATH": str(clone / "bin")},
                                 preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # a shell cannot trap what was ignored when it began, as in a job in the background
        return going, going.stderr.readline()

    for stop in (signal.SIGKILL, signal.SIGINT, None):
        first, said = begin()
        assert "Making" in said, "the lock of a process that is gone still holds"
        while not (clone / "begun").exists():
            time.sleep(0.02)
        (clone / "begun").unlink()
        if stop:
            os.killpg(first.pid, stop)
            assert first.wait(30) and (stop == signal.SIGKILL or not (clone / "_build/set-up").exists())
    second, said = begin()
    assert re.fullmatch(rf"Another set-up \(process {first.pid}\) .*: waiting for it.*\n", said) and (clone / ".venv/bin/python").exists()
    (clone / "go").touch()
    assert "Installing" in first.communicate(timeout=30)[1] and first.returncode == 0
    assert second.communicate(timeout=30)[1] == "" and second.returncode == 0, "the second set-up does again what the first has done"
    assert sorted(path.name for path in (clone / ".venv").iterdir()) == ["bin", "install.log", "requirements.txt"] and not list((clone / "_build").iterdir())


# ---- what is left when a command is stopped --------------------------------------------------------------------

def test_files_are_written_all_or_none_when_the_disk_is_full(tmp_path):
    """A limit on the size of files stands for a full disk: it fails in the same place, halfway through a file."""
    small, large = tmp_path / "small.txt", tmp_path / "large.txt"
    files.replace({small: "old", large: "old"})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError) as caught:
            files.replace({small: "new", large: "new" * 1000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files.reason(caught.value).startswith("File too large")
    assert [path.read_text() for path in (small, large)] == ["old", "old"] and len(list(tmp_path.iterdir())) == 2
    files.replace({small: "new", large: "new" * 1000})
    assert [path.read_text() for path in (small, large)] == ["new", "new" * 1000] and len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("call", ["os.replace", "pathlib.Path.write_bytes"])
def test_files_are_whole_after_a_kill_and_the_next_run_mends_the_rest(tmp_path, call):
    names = "abc"
    for name in names:
        (tmp_path / name).write_text("old")
    program = (f"import os, pathlib, files\nreal, calls = {call}, []\ndef dies(*given):\n    calls.append(1)\n    len(calls) < 3 or os._exit(9)\n    return real(*given)\n{call} = dies\n"
               f"files.replace({{pathlib.Path(name): 'new' for name in {names!r}}})")
    code, said = run(sys.executable, "-c", program, cwd=tmp_path, env={"PYTHONPATH": str(ROOT / "book/tools")})
    assert code == 9, said
    assert {(tmp_path / name).read_text() for name in names} <= {"old", "new"} and list(tmp_path.glob(".*.new")), "the kill came too early or too late"
    files.replace({tmp_path / name: (tmp_path / name).read_text() for name in names})
    assert not list(tmp_path.glob(".*.new")), "what a killed run left is still there"
    files.replace({tmp_path / name: "new" for name in names})
    assert sorted(path.name for path in tmp_path.iterdir()) == list(names) and {(tmp_path / name).read_text() for name in names} == {"new"}


@pytest.mark.parametrize(("error", "words"), [
    (OSError(28, "No space left on device", "figures/.x.svg.new"), "No space left on device (figures/x.svg)."), (OSError(13, "Permission denied", os.path.abspath("data/.datapackage.json.new")), "changed: data/datapackage.json may not be written: see the owner and mode of it and of its folder."), (OSError(30, "Read-only file system", "data"), "Read-only file system (data)."),
    (shutil.Error([("a", "b", "[Errno 28] No space left on device: 'b'")]), "No space left on device: 'b'."), (KeyboardInterrupt(), "interrupted.")], ids=["disk", "owner", "folder", "copy", "Ctrl-C"])
def test_a_command_that_is_stopped_says_why_in_a_sentence(error, words, monkeypatch):
    def main():
        raise error
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit, match=re.escape(words)):
        files.told(main, lambda message: sys.exit(f"Nothing was changed: {message}"))


def test_a_file_that_may_not_be_read_is_said_so(monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert files.reason(PermissionError(13, "Permission denied", str(ROOT / "Makefile"))).endswith("Makefile may not be read or run: see the owner and mode of it and of its folder")


def test_every_command_that_writes_is_told_when_it_is_stopped():
    for path in sorted(path for folder in ("book/tools", "book/live") for path in (ROOT / folder).glob("*.py")):
        text, name = path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()
        if '__name__ == "__main__"' in text:
            writes = re.search(r"files\.replace|write_(text|bytes)|copytree|\.mkdir|\.rename", text)
            assert not writes or re.search(r"files\.told\(", text), f"{name} writes: run its main through files.told"
            assert not re.search(r"KeyboardInterrupt:|except OSError", text) or path.name in ("run_notebooks.py", "serve.py"), f"{name}: files.told catches that already"


@pytest.mark.slow
def test_a_full_disk_stops_make_data_and_changes_nothing(tmp_path):
    for folder in ("data", "chapters", "book"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.ipynb", "__pycache__"))
    with (tmp_path / "data/meetings.csv").open("a", encoding="utf-8") as file:
        file.write("13" + "," * 13 + "\n")
    before = {path: path.read_bytes() for path in (tmp_path / "data").rglob("*.*")}
    code, said = run("sh", "-c", f"ulimit -f 200; exec {sys.executable} book/tools/package.py", cwd=tmp_path)
    assert code == 1 and "Traceback" not in said and "File too large" in said and said.endswith("data/ was left as it was.\n"), said
    assert {path: path.read_bytes() for path in (tmp_path / "data").rglob("*.*")} == before


def test_a_build_killed_between_two_renames_is_mended_by_the_next(tmp_path, monkeypatch):
    """The good book was put aside, the new one not yet in its place; the next build fails, and the good one is back."""
    for name, path in (("ROOT", tmp_path), ("BUILD", tmp_path / "_build"), ("SITE", tmp_path / "_build/html"), ("WORK", tmp_path / "_build/work"), ("LOG", tmp_path / "_build/book.log")):
        monkeypatch.setattr(build, name, path)
    monkeypatch.setattr(build, "sphinx", lambda lock: build.LOG.write_text("reading sources...\nindex.md: WARNING: a fault\n"))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    for name in build.SHARED + build.PAGES:
        (tmp_path / name).touch()
    (tmp_path / "_build/html.last").mkdir(parents=True)
    (tmp_path / "_build/html.last/index.html").write_text("good")
    with pytest.raises(SystemExit, match="index.md: WARNING: a fault(.|\n)*The last good book is still in _build/html/"):
        build.main()
    assert (tmp_path / "_build/html/index.html").read_text() == "good"
    for wrong in ("soon", "9" * 30):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", wrong)
        with pytest.raises(SystemExit, match=f"SOURCE_DATE_EPOCH is '{wrong}', not a number of seconds: mend or unset it"):
            build.main()


def test_a_descriptor_that_a_merge_left_broken_is_said_before_a_build(tmp_path, monkeypatch):
    for name, path in (("ROOT", tmp_path), ("BUILD", tmp_path / "_build"), ("SITE", tmp_path / "_build/html"), ("WORK", tmp_path / "_build/work")):
        monkeypatch.setattr(build, name, path)
    monkeypatch.setattr(build, "sphinx", lambda lock: pytest.fail("it was built"))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    for name in {*build.SHARED, *build.PAGES} - {"data"}:
        (tmp_path / name).touch()
    (tmp_path / "data").mkdir()
    (tmp_path / "data/datapackage.json").write_text("<<<<<<< HEAD\n{}\n")
    with pytest.raises(SystemExit, match=r"^\nThe book was not built: data/datapackage.json is not valid JSON: Expecting value: line 1 column 1 \(char 0\)\.$"):
        files.told(build.main, build.stop)


def test_what_is_raised_in_a_build_is_told_in_its_own_words():
    """As Sphinx and jupyter-book print it: what a handler raised, and what a transform did."""
    trace, box = 'Traceback (most recent call last):\n  File "x.py", line 1, in due\n    raise', "RuntimeError: \n====\nThere was an error in building your book. Look above for the cause.\n"
    handler = "Handler <function due at 0x7f01> for event 'config-inited' threw an exception (exception: 'due')"
    assert build.troubles(f"\nExtension error (site.extension):\n{handler}\n{trace} KeyError\nKeyError: 'due'\n\n{box}") == [
        "Handler <function due> for event 'config-inited' threw an exception (exception: 'due')", "KeyError: 'due'"]
    assert build.troubles(f"\nException occurred:\n  File \"x.py\", line 1, in run\nRuntimeError: a river\nThe full traceback has been saved in /tmp/x.log\n{trace}\n{box}") == ["RuntimeError: a river"]
    assert build.troubles(f"{build.ROOT}/chapters/01.ipynb:20003: WARNING: a fault\n") == ["chapters/01.ipynb, cell 2, line 3: WARNING: a fault"]


@pytest.mark.parametrize("finished", [True, False])
def test_a_fresh_start_keeps_the_newer_drawings_of_a_run_that_finished(tmp_path, monkeypatch, finished):
    monkeypatch.setattr(build, "BUILD", tmp_path)
    monkeypatch.setattr(build, "WORK", tmp_path / "work")
    doctrees = tmp_path / "work/_build/.doctrees"
    doctrees.mkdir(parents=True)
    for name in ("chart-new.json", "chart-new.png", "vega-1.js", "chart-old.json", "index.doctree"):
        (doctrees / name).write_text("made")
    os.utime(doctrees / "chart-old.json", (0, 0))
    for _ in range(2):  # the second finds what the first left
        build.forget(finished)
        kept = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
        assert kept == [f"work/_build/.doctrees/{name}" for name in ("chart-new.json", "chart-new.png", "vega-1.js") if finished]


def test_two_builds_wait_for_each_other(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "BUILD", tmp_path)
    held = build.alone()
    program = f"import pathlib, build; build.BUILD = pathlib.Path({str(tmp_path)!r}); build.alone(); print('begun')"
    other = subprocess.Popen([sys.executable, "-c", program], text=True, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT / "book/tools")})
    assert "waiting" in other.stdout.readline() and other.poll() is None
    held.close()
    assert other.communicate(timeout=30)[0] == "begun\n" and other.returncode == 0


@pytest.mark.slow
def test_an_interrupted_run_of_the_notebooks_leaves_them(tmp_path):
    for folder in ("book", "data"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "chapters").mkdir()
    paths = [tmp_path / f"chapters/{n:02}_long.ipynb" for n in range(max(2, os.cpu_count() or 2) + 1)]  # one waits for its turn
    for path in paths:
        path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": "import time\ntime.sleep(100)", "metadata": {}, "outputs": [], "execution_count": None}],
                                    "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    before = [path.read_bytes() for path in paths]
    slow = ("import asyncio, runpy, nbclient\nends = nbclient.NotebookClient._async_cleanup_kernel\n"  # as on a busy machine: nbclient looks after a kernel that is gone
            "async def late(self):\n    await ends(self)\n    await asyncio.sleep(1.5)\n"
            "nbclient.NotebookClient._async_cleanup_kernel = late\nrunpy.run_path('book/tools/run_notebooks.py', run_name='__main__')")
    going = subprocess.Popen([sys.executable, "-c", slow], cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             env={**os.environ, "PYTHONPATH": "book/tools"})
    for line in going.stdout:
        if "_long: running" in line:
            break
    with pytest.raises(subprocess.TimeoutExpired):
        going.wait(timeout=4)
    going.send_signal(signal.SIGINT)
    said = going.communicate(timeout=60)[0]
    assert going.returncode != 0
    sentence(said, "left as they were", "interrupted")
    assert [path.read_bytes() for path in paths] == before and sorted((tmp_path / "chapters").iterdir()) == paths


@pytest.mark.slow
def test_the_figure_of_a_chart_with_another_name_goes(tmp_path):
    """Of the chapter that was run alone; what another chapter publishes stays, and so does what no chapter is known to have published."""
    for folder in ("book", "data", "chapters"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.ipynb"))
    (tmp_path / "figures").mkdir()
    for name in ("gone", "moved", "unknown"):
        (tmp_path / f"figures/{name}.svg").write_text("<svg/>")
    old = [{"output_type": "display_data", "metadata": {}, "data": {"application/vnd.vegalite.v6+json": {"usermeta": {"figure": {"id": id}}}}} for id in ("gone", "moved", "never-drawn")]
    for name, outputs in (("01_one", old), ("02_other", old[1:2])):
        (tmp_path / f"chapters/{name}.ipynb").write_text(json.dumps({"cells": [{"cell_type": "code", "source": "1", "metadata": {}, "outputs": outputs, "execution_count": None}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    code, said = run(sys.executable, "book/tools/run_notebooks.py", "chapters/01_one.ipynb", cwd=tmp_path)
    assert code == 0 and said.count("removed") == 1 and "figures/gone.svg: no chapter publishes it any more, removed" in said, said
    assert sorted(path.stem for path in (tmp_path / "figures").iterdir()) == ["moved", "unknown"]


def test_make_lists_its_commands():
    code, said = run("make", "-s")
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = [name for name in re.search(r"(?m)^\.PHONY: (.*)$", text)[1].split() if "environment" not in name]
    lacking = [name for name in commands if not re.search(rf"(?m)^  make {name} +\S", said)]
    assert code == 0 and not lacking, f"'make' does not list {lacking}: end the target's line in '## what it does'"
    assert {"book", "live", "test-live", "serve", "notebooks", "lab", "data", "test", "check", "lock", "clean"} <= set(commands)


@pytest.mark.parametrize(("target", "given", "asked"), [
    ("ledger", """WORDS=a'b * "won""", "[book/tools/ledger.py][a'b][*][\"won]"), ("notebooks", "ONLY=chapters/0[12]_t*.ipynb a'b", "[book/tools/run_notebooks.py][chapters/01_the_article.ipynb][chapters/02_twelve_meetings.ipynb][a'b]"),
    ("links", "HOST=kbs'`x`", "[book/tools/links.py][--host=kbs'`x`]"), ("mutate", "ONLY=the \"prose", "[tests/mutate.py][--only=the \"prose]"), ("ledger", "N=1", "[book/tools/ledger.py]")])
def test_quotes_in_what_make_is_given_are_characters(target, given, asked):
    code, said = run("make", "-s", "-o", "environment", "-o", "tests-environment", target, "PY=printf [%s]", given, env={"CHROMIUM": sys.executable})
    assert code == 0 and said.startswith(asked), said


@pytest.mark.parametrize("folder", [".", "tests", "book/live", ".github"])
def test_locks_hold_what_is_asked_for_with_hashes(folder):
    asked = re.findall(r"(?m)^([A-Za-z0-9][A-Za-z0-9._-]*)(==\S+)?", (ROOT / folder / "requirements.in").read_text(encoding="utf-8"))
    text = (ROOT / folder / "requirements.txt").read_text(encoding="utf-8")
    locked = dict(re.findall(r"(?m)^([a-z0-9.-]+)==([^\s;]+)", text))
    lacking = set(re.findall(r"(?m)^([a-z0-9.-]+)\[.*?\]==", text)) - locked.keys()
    assert not lacking, f"{folder}/requirements.txt names {lacking} with extras only, which older pips refuse: 'make lock' adds the plain names"
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


def commands(path):
    """Lines of a script, without blanks and remarks."""
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip() and not line.startswith("#")]


def test_the_gate_lets_nothing_by():
    """What runs before a change goes in runs every test, from locks with hashes, and fails when one does: a filter put in for an afternoon would stay unnoticed."""
    assert commands(ROOT / ".ci/run") == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "make test", "make test-live"], ".ci/run: it runs make test, then make test-live, and stops at the first that fails; nothing else"
    assert commands(ROOT / ".githooks/pre-commit") == ["exec make check"], ".githooks/pre-commit: it runs make check and nothing else"
    assert all(os.access(ROOT / path, os.X_OK) for path in (".ci/run", ".githooks/pre-commit")), ".ci/run or .githooks/pre-commit is not executable: 'chmod +x' it, or git passes the hook over"
    for target, wanted in {"check": '-n auto --maxschedchunk 8 -m "not slow" tests', "test": "-n auto --maxfail=5 tests", "test-live": "-s -o timeout=1200 tests/live.py tests/live_explorer.py"}.items():
        code, said = run("make", "-n", target, env={"MAKEFLAGS": ""})
        asked = [line.rstrip().partition("-m pytest ")[2] for line in said.splitlines() if "pytest" in line]
        assert code == 0 and asked == [f"-c tests/pytest.ini --rootdir=. {wanted}"], f"Makefile: 'make {target}' calls pytest with {asked}, not with {wanted}: if that is meant, change it here too"
        assert "book/tools/setup.sh tests/requirements.txt" in said and not re.search(r"\|\| *(true|:)", said), f"Makefile: 'make {target}' does not set up what the tests need, or lets a failure pass"
    left_out = re.findall(r"(?:^|\s)(-k|-m|--ignore\S*|--deselect\S*|-x|python_\w+|testpaths|norecursedirs)(?=[\s=])", (ROOT / "tests/pytest.ini").read_text(encoding="utf-8"))
    left_out += [f"{name} in {path.name}" for path in sorted((ROOT / "tests").rglob("*.py")) for name in re.findall(r"mark\.(?:skip|skipif|xfail)\b|pytest\.(?:skip|xfail|importorskip)\(|collect_ignore\w* =", path.read_text(encoding="utf-8"))]
    assert not left_out, f"tests are left out: {', '.join(left_out)}; mend or remove them"
    installs = [line for path in (ROOT / "book/tools/setup.sh", ROOT / ".github/workflows/audit.yml") for line in commands(path) if "pip install" in line]
    assert len(installs) == 2 and all("--require-hashes" in line for line in installs), "book/tools/setup.sh or audit.yml: pip installs without --require-hashes"


#: What a job of the public CI may do besides reading: hand over the site, put the notebooks for Colab on their branch.
MAY_MORE = {"pages": {"build": {"contents": "read", "pages": "read"}, "colab": {"contents": "write"}, "deploy": {"pages": "write", "id-token": "write"}}}


def test_public_ci_is_pinned_and_may_do_little():
    for path in sorted((ROOT / ".github/workflows").glob("*.yml")):
        text = path.read_text(encoding="utf-8")
        loose = [use for use in re.findall(r"uses:\s*(\S+)", text) if not re.search(r"@[0-9a-f]{40}$", use)]
        assert not loose, f"{path.name}: {loose} are not pinned to a commit"
        flow = yaml.safe_load(text)
        assert flow["permissions"] == {"contents": "read"}, f"{path.name}: by default a job may only read"
        more = {name: job["permissions"] for name, job in flow["jobs"].items() if "permissions" in job}
        assert more == MAY_MORE.get(path.stem, {}), f"{path.name}: jobs may do {more}; if that is meant, say so in MAY_MORE"
        assert not re.search(r"pull_request_target|secrets\.", text), f"{path.name}: neither pull_request_target nor secrets are needed"
        assert not re.search(r"continue-on-error|always\(\)|failure\(\)|cancelled\(\)", text), f"{path.name}: a step that fails ends its job, and no step or job runs in spite of that"
        for step in (step for job in flow["jobs"].values() for step in job["steps"]):
            assert "actions/checkout@" not in step.get("uses", "") or step.get("with", {}).get("persist-credentials") is False, f"{path.name}: a checkout keeps its token for the steps that follow; give it persist-credentials: false"
            strange = set(re.findall(r"\$\{\{ *(.*?) *\}\}", step.get("run", ""))) - {"github.event.workflow_run.head_sha || github.sha"}
            assert not strange, f"{path.name}: a script holds {strange}, which others can write: hand it over in env"


def test_public_ci_runs_the_gate_and_publishes_only_what_passed():
    test, pages = (yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text(encoding="utf-8")) for name in ("test", "pages"))
    assert [step["run"] for step in test["jobs"]["test"]["steps"] if "run" in step] == ["bash .ci/run"], "test.yml: the job test runs 'bash .ci/run' and nothing else"
    assert not [key for job in test["jobs"].values() for part in [job, *job["steps"]] for key in part if key == "if"] and {"push", "pull_request"} <= set(test[True]), "test.yml: it runs on every push and pull request, without an if"
    assert pages[True]["workflow_run"] == {"workflows": ["test"], "branches": ["main"], "types": ["completed"]} and set(pages[True]) == {"workflow_run", "workflow_dispatch"}, "pages.yml: it follows the workflow test on main"
    assert pages["jobs"]["build"]["if"] == "github.event_name == 'workflow_dispatch' || (github.event.workflow_run.conclusion == 'success' && github.event.workflow_run.event == 'push')", "pages.yml: only what passed the tests after a push is published"
    assert {name: job.get("needs") for name, job in pages["jobs"].items()} == {"build": None, "deploy": "build", "colab": "deploy"} and not [name for name, job in pages["jobs"].items() if "if" in job and name != "build"], "pages.yml: deploy waits for build, colab for deploy"


def test_licences_agree():
    """MIT for code, CC BY 4.0 for text and tables, in every place that says so; a font has its terms beside it."""
    said = {path: " ".join((ROOT / path).read_text(encoding="utf-8").split()) for path in ("LICENSE", "README.md", "chapters/about.md")}
    for path, words in {"LICENSE": ["Code: MIT License", "tables: Creative Commons Attribution 4.0 International", "https://creativecommons.org/licenses/by/4.0/"], "README.md": ["Code is under the MIT licence", "tables are under CC BY 4.0"],
                        "chapters/about.md": ["code is under the MIT licence", "tables are under [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/)"]}.items():
        assert not (lacking := [word for word in words if word not in said[path]]), f"{path} does not say {lacking}: the book's code is under MIT, its text and tables under CC BY 4.0"
    cited, package = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8")), json.loads((ROOT / "data/datapackage.json").read_text(encoding="utf-8"))
    assert sorted(cited["license"]) == ["CC-BY-4.0", "MIT"], f"CITATION.cff: license is {cited['license']}, not CC-BY-4.0 and MIT"
    assert [(license["name"], license["path"]) for license in package["licenses"]] == [("CC-BY-4.0", "https://creativecommons.org/licenses/by/4.0/")], "data/datapackage.json: the licence of the package is CC-BY-4.0"
    bare = [folder for folder in {path.parent for kind in ("woff2", "ttf") for path in (ROOT / "book").rglob(f"*.{kind}")} if not any("SIL Open Font License" in path.read_text(encoding="utf-8").replace("OPEN FONT LICENSE", "Open Font License") for path in folder.glob("*.[tm][xd]*"))]
    assert not bare, f"{', '.join(folder.relative_to(ROOT).as_posix() for folder in bare)}: fonts without their licence; put OFL.txt or a README.md that names it beside them"


def test_versions_agree():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    package = json.loads((ROOT / "data/datapackage.json").read_text(encoding="utf-8"))
    assert str(cited["version"]) == package["version"], "CITATION.cff and data/datapackage.json give different versions"
    assert cited["title"] == package["title"], "CITATION.cff and data/datapackage.json give different titles"
    oldest = {path: re.search(pattern, (ROOT / path).read_text(encoding="utf-8")) for path, pattern in {"README.md": r"Python (3\.\d+) or newer", "book/tools/setup.sh": r"needs Python (3\.\d+) or newer", "Makefile": r"--python-version (3\.\d+) --output-file requirements\.txt",
              ".binder/runtime.txt": r"python-(3\.\d+)", ".github/workflows/test.yml": r'python: \["(3\.\d+)"'}.items()}
    asked = {path: found and found[1] for path, found in oldest.items()} | {"book/tools/setup.sh, python_ok": "{}.{}".format(*re.search(r"version_info < \((\d), (\d+)\)", (ROOT / "book/tools/setup.sh").read_text(encoding="utf-8")).groups())}
    assert len(set(asked.values())) == 1, f"the oldest Python that will do differs: {asked}"
    released = re.findall(r"(?m)^## \[(\d\S*)\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert released[:1] in ([], [(package["version"], str(cited["date-released"]))]), f"CHANGELOG.md: the newest release is {' of '.join(released[0])}, in CITATION.cff it is {cited['version']} of {cited['date-released']}"
