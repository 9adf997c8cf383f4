"""Serve `_build/html` to this machine only: `python book/tools/serve.py [PORT]`."""
import errno
import functools
import http.server
import sys
from pathlib import Path

SITE = Path(__file__).resolve().parents[2] / "_build/html"


def main(port):
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=SITE)
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        sys.exit(f"Port {port} {'is taken' if error.errno == errno.EADDRINUSE else f'cannot be used ({error.strerror})'}: 'make serve PORT={max(port, 8000) + 1}' uses another.")
    print(f"The book is at http://127.0.0.1:{server.server_port}/ (Ctrl-C stops).", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    port = sys.argv[1] if sys.argv[1:] else "8000"
    if not port.isdecimal() or not 0 < int(port) < 65536:
        sys.exit(f"{port!r} is no port: 'make serve PORT=8001' uses one.")
    main(int(port))
