"""The tool that breaks copies: every family still breaks something and is taken back, and what survives is said."""
import hashlib
import os
import random
import signal
import subprocess
import sys

import pytest

import mutate
from common import ROOT, run

pytestmark = pytest.mark.slow


def fingerprint(folder):
    """Hash of every file that git would hold."""
    return {path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest() for name in ("data", "chapters", "book", "figures", "index.md", "_toc.yml")
            for path in ([folder / name] if (folder / name).is_file() else (folder / name).rglob("*")) if path.is_file() and "__pycache__" not in path.parts}


def test_every_family_changes_a_file_and_is_taken_back(tmp_path):
    copy, before = mutate.Copy(tmp_path / "copy"), fingerprint(ROOT)
    assert fingerprint(copy.root) == before
    for family, (stages, breakage) in mutate.FAMILIES.items():
        done, aim = breakage(copy, random.Random(family))
        kept = {path: raw for path, (raw, _) in copy.kept.items()}
        assert kept and all(not (copy.root / path).exists() or (copy.root / path).read_bytes() != raw for path, raw in kept.items()), f"{family}: {done}: {list(kept)} are as before"
        assert aim or not {"run", "browser"} & set(stages) or family == "source removed, renewed", f"{family}: names no chapter or page to run"
        copy.restore()
    assert fingerprint(copy.root) == before, "something is not taken back"
    assert len(mutate.FAMILIES) >= 40


WEAK = """import sys
sys.path[:0] = ['tests', 'chapters']
import mutate
mutate.FAMILIES = {
    'unseen': (['prose'], lambda copy, draw: (copy.write('LICENSE', 'None.'), ('LICENSE emptied', set()))[1]),
    'seen': (['prose'], lambda copy, draw: (copy.replace('index.md', 'twelfth', 'ninth'), ('a word of index.md', set()))[1])}
sys.argv = ['mutate', '--seed', '5', '--number', '2']
mutate.main()"""


def test_what_survives_is_said_and_the_work_tree_left_alone(tmp_path):
    before = fingerprint(ROOT)
    code, said = run(sys.executable, "-c", WEAK, env={"TMPDIR": str(tmp_path)})
    assert code == 1 and "SURVIVED  unseen: LICENSE emptied" in said and "caught    seen: a word of index.md\n                     by test_prose.py::test_every_number_of_a_page_is_bound_in_a_chapter[index]" in said, said
    assert said.strip().splitlines()[-1] == "  unseen (prose): LICENSE emptied" and "1 survived" in said and "seed 5" in said, said
    assert fingerprint(ROOT) == before and not list(tmp_path.iterdir()), "the copies are left behind"


def test_an_interruption_removes_the_copies(tmp_path):
    going = subprocess.Popen([sys.executable, "tests/mutate.py", "--only", "digit", "--number", "1"], cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)},
                             text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    going.stdout.readline()
    with pytest.raises(subprocess.TimeoutExpired):
        going.wait(timeout=3)
    going.send_signal(signal.SIGTERM)
    said = going.communicate(timeout=60)[0]
    assert going.returncode == 1 and said.strip() == "Interrupted; the copies were removed." and not list(tmp_path.iterdir()), said
