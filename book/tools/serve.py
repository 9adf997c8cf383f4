"""Serve `_build/html` to this machine only: `python book/tools/serve.py [PORT]`; with `--free` before it, only say if that port is no good."""
import errno
import functools
import http.server
import sys
from pathlib import Path

SITE = Path(__file__).resolve().parents[2] / "_build/html"


def main(port, only_look):
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=SITE)
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        sys.exit(f"Port {port} {'is taken' if error.errno == errno.EADDRINUSE else f'cannot be used ({error.strerror})'}: 'make serve PORT={max(port, 8000) + 1}' uses another.")
    if only_look:
        return server.server_close()
    print(f"The book is at http://127.0.0.1:{server.server_port}/ (Ctrl-C stops).", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    only_look, port = "--free" in sys.argv, " ".join(sys.argv[1 + ("--free" in sys.argv):]) or "8000"
    if not port.isdecimal() or not 0 < int(port) < 65536:
        sys.exit(f"{port!r} is no port, a whole number from 1 to 65535: 'make serve PORT=8001' uses one.")
    main(int(port), only_look)
