#!/usr/bin/env python3
"""greedy.py PATH FRAME COUNT: so many connections that send the frame in the file FRAME over and over, as fast
as it is taken, until its standard input ends. A process of its own, so as to be as fast as it can."""
import pathlib
import sys
import threading

from fstrm import Sender, data

frame = data(pathlib.Path(sys.argv[2]).read_bytes())
over = threading.Event()


def send(client):
    while not over.is_set():
        client.sock.sendall(frame)


clients = [Sender(sys.argv[1]) for _ in range(int(sys.argv[3]))]
for one in clients:
    threading.Thread(target=send, args=(one,), daemon=True).start()
print("begun", flush=True)
sys.stdin.read()
over.set()
