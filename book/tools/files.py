"""How the commands write: beside its place first, then moved in, so that whatever stops them leaves each file whole."""
import os
import re
import shutil
import signal
import sys


class Changed(Exception):
    """Somebody else has changed a file meanwhile; the message names it."""


def replace(files, was=()):
    """Write {path: text or bytes}: all first beside their places, then all moved in; what already says so is left alone.

    `was`: {path: bytes} that stood there when the work began. Raises Changed, and moves nothing, where others stand now.
    """
    staged = []
    try:
        for path, content in files.items():
            content = content.encode() if isinstance(content, str) else content
            new = path.with_name(f".{path.name}.new")
            new.unlink(missing_ok=True)  # of a run that was killed
            if not path.exists() or path.read_bytes() != content:
                staged.append((new, path))
                new.write_bytes(content)
        for path in was:
            if not path.exists() or path.read_bytes() != was[path]:
                raise Changed(f"{path.name} was changed while this ran, and the change was left as it is; run the command again")
        while staged:
            os.replace(*staged[0])
            staged.pop(0)
    finally:
        for new, _ in staged:
            new.unlink(missing_ok=True)


def project(root, folder):
    """Copy the project at `root` to `folder`, without what was installed or built in it; return `folder`."""
    return shutil.copytree(root, folder, ignore=shutil.ignore_patterns(".git", ".venv", "_build", "__pycache__", "node_modules", ".hypothesis", ".*.new"))


def reason(error):
    """What an OSError says, in words and with the name of the file that was to be read or written."""
    if isinstance(error, shutil.Error):  # copytree gathers (from, to, words)
        return f"{error.args[0][0][2]}"
    name = re.sub(r"(^|/)\.([^/]+)\.new$", r"\1\2", str(error.filename or "")).removeprefix(os.getcwd() + os.sep)
    if isinstance(error, PermissionError) and name:
        return f"{name} may not be {'read or run' if os.path.lexists(error.filename) and not os.access(error.filename, os.R_OK) else 'written'}: see the owner and mode of it and of its folder"
    return f"{error.strerror or error}" + f" ({name})" * bool(name)


def told(main, stop):
    """Run `main`; when it is interrupted, a disk is full, a folder read-only or an input bad, end with `stop(what happened)`."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
    except KeyboardInterrupt:
        stop("interrupted.")
    except (Changed, ValueError) as error:  # ValueError: what a table, chapter or descriptor says that it should not
        stop(f"{error}.")
    except BrokenPipeError:  # whoever read has gone, as in `make ledger | head`
        sys.stderr.close()
    except OSError as error:
        stop(f"{reason(error)}.")
