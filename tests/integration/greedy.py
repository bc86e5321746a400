#!/usr/bin/env python3
"""greedy.py PATH FRAME COUNT: so many connections that send the frame in the file FRAME over and over, as fast
as it is taken, until its standard input ends. A process of its own, so as to be as fast as it can. Says "begun" when
each has been heard some times."""
import pathlib
import sys
import threading

from fstrm import Sender, data

frame = data(pathlib.Path(sys.argv[2]).read_bytes())
over = threading.Event()
heard = threading.Semaphore(0)
AHEAD = 3  # frames that a socket holds
TURNS = 2


def send(client):
    for _ in range(AHEAD + TURNS):
        client.sock.sendall(frame)
    heard.release()
    while not over.is_set():
        client.sock.sendall(frame)


clients = [Sender(sys.argv[1]) for _ in range(int(sys.argv[3]))]
for one in clients:
    threading.Thread(target=send, args=(one,), daemon=True).start()
for one in clients:
    heard.acquire()
print("begun", flush=True)
sys.stdin.read()
over.set()
