#!/usr/bin/env python3
"""Verifies a file of audit events: AUDIT_KEY=... verify_audit.py FILE [--head CHAIN:SEQUENCE:MAC] [--open]

Says each problem and exits with 1 if there is one. `--head` is where the chain stood when it was asked elsewhere (`Authsignal::audit_head`):
the event has to be there. `--open` takes a last chain that is not closed, since its process still runs, or was killed.
"""
import argparse
import hashlib
import hmac
import json
import os
import sys


def problems(lines, key, head=None, is_open=False):
    chain, last, closed, seen, head_found = None, None, True, set(), head is None
    for number, line in enumerate(lines, 1):
        covered, mark, end = line.rpartition(b',"mac":"')
        mac = hmac.new(key, covered, hashlib.sha256).hexdigest()
        if not mark or end != f'{mac}"}}\n'.encode():
            yield f"line {number}: changed, torn, or not made with this key"
            continue
        event = json.loads(covered + b"}")
        name, sequence = event["chain"], event["sequence"]
        here = f"line {number}, event {sequence} of {name}"
        if event["kind"] == "begun":
            if name in seen or sequence != 0 or event["previous"] != "":
                yield f"{here}: a chain begins twice"
            before = event.get("after") and (event["after"]["chain"], event["after"]["sequence"], event["after"]["mac"])
            if before != last:
                yield f"{here}: what stood before is not there, or is not what stood there"
            chain, closed = name, False
        elif name != chain or closed:
            yield f"{here}: it does not belong here"
        elif sequence != last[1] + 1 or event["previous"] != last[2]:
            yield f"{here}: events are missing, doubled or in another order"
        if event["kind"] == "closed":
            closed = True
        if event["lost"]:
            print(f"{here}: {event['lost']} events before it could not be written", file=sys.stderr)
        seen.add(name)
        last = (name, sequence, mac)
        head_found = head_found or last == head
    if not closed and not is_open:
        yield "the end: the last chain is not closed: it is cut off, or its process runs or was killed (--open)"
    if not head_found:
        yield "the end: the head that was kept elsewhere is not there"
    if last is None:
        yield "there is nothing"


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("file")
    arguments.add_argument("--head")
    arguments.add_argument("--open", action="store_true")
    given = arguments.parse_args()
    head = given.head and given.head.split(":")
    head = head and (head[0], int(head[1]), head[2])
    with open(given.file, "rb") as lines:
        found = list(problems(lines, os.environ["AUDIT_KEY"].encode(), head, given.open))
    for problem in found[:20]:
        print(problem)
    print(f"{len(found)} problems")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
