# Send the hidden cases somewhere, or fetch the answers.
import socket
import urllib.request

for reach in (
    lambda: socket.create_connection(("127.0.0.1", 22), 1),
    lambda: socket.create_connection(("1.1.1.1", 53), 1),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("1.1.1.1", 53)),
    lambda: socket.socket(socket.AF_UNIX).connect("\0abstract"),
    lambda: urllib.request.urlopen("http://example.com", timeout=1),
):
    try:
        reach()
        print("CONNECTED")
    except Exception:
        pass
