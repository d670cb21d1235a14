"""Print what a pod can see: the API server by its Service's name, and what cluster DNS says of that name."""

import json
import socket
import ssl
import urllib.request
from pathlib import Path

CREDENTIALS = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def api_server_version() -> str:
    """Ask the API server, and let it prove by its certificate that it is the one."""
    trust = ssl.create_default_context(cafile=str(CREDENTIALS / "ca.crt"))
    request = urllib.request.Request(
        "https://kubernetes.default.svc/version",
        headers={"Authorization": f"Bearer {(CREDENTIALS / 'token').read_text()}"},
    )
    with urllib.request.urlopen(request, context=trust, timeout=10) as response:  # noqa: S310 - always https
        return str(json.load(response)["gitVersion"])


def main() -> None:
    address = socket.gethostbyname("kubernetes.default.svc")
    print(json.dumps({"address": address, "version": api_server_version()}))


if __name__ == "__main__":
    main()
