"""Whether a server of this container answers: python healthy.py PORT PATH."""

import sys
from urllib.request import urlopen

SECONDS = 4  # to wait for it

port, path = sys.argv[1:]
urlopen(f"http://127.0.0.1:{port}{path}", timeout=SECONDS).close()
