"""The figures of the year, worked out a second time from the records and the rules' words; plain Python, no packages.

    python3 independent.py           # writes expected.json
    python3 independent.py --check   # compares with what is there
"""
import calendar
import gzip
import json
import sys
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from decimal import Decimal, ROUND_DOWN, ROUND_HALF_UP
from pathlib import Path

HERE = Path(__file__).parent
DATA = HERE.parent.parent / "online-retail" / "data" / "transactions.ndjson.gz"


def whole(value, rounding):
    return int(value.quantize(Decimal(1), rounding=rounding))


def amount(line):
    return whole(Decimal(line["price"]) * line["qty"] * 100, ROUND_HALF_UP)


def previous_month(at):
    year, month = (at.year, at.month - 1) if at.month > 1 else (at.year - 1, 12)
    first = datetime(year, month, 1)
    return first, first + timedelta(days=calendar.monthrange(year, month)[1])


def main():
    history = defaultdict(list)  # by member: (instant, paid)
    fired, amounts = Counter(), Counter()
    events = Counter()
    for text in gzip.open(DATA, "rt", encoding="utf-8"):
        event = json.loads(text)
        kind = {"sale": "purchase"}.get(event["kind"], event["kind"])
        events[kind] += 1
        member = event.get("member")
        if kind != "purchase" or not member:
            continue
        at = datetime.fromisoformat(event["at"])
        before = [(then, paid) for then, paid in history[member] if then <= at]
        initial = sum(amount(line) for line in event["lines"])
        paid = initial
        if initial > 0 and (len(before) + 1) % 5 == 0:
            discount = whole(Decimal(initial) * 5 / 100, ROUND_HALF_UP)
            if discount:
                fired["every_fifth"] += 1
                amounts["every_fifth"] += discount
                paid -= discount
        first, end = previous_month(at)
        spent = sum(paid for then, paid in before if first <= then < end)
        if spent >= 500_00:
            rate = 1 if spent < 2_000_00 else 2
            points = whole(Decimal(paid) * rate / 100 / 100, ROUND_DOWN)
            if points:
                fired["last_month"] += 1
                amounts["last_month"] += points
        near = any(then > at - timedelta(days=90) for then, _ in before)
        year = any(then > at - timedelta(days=365) for then, _ in before)
        if year and not near:
            fired["win_back"] += 1
            amounts["win_back"] += 300
        history[member].append((at, paid))
    money = lambda pence: f"{Decimal(pence) / 100:.2f}"
    figures = {
        "events": dict(sorted(events.items())),
        "discount_total": money(amounts["every_fifth"]),
        "points_total": amounts["last_month"] + amounts["win_back"],
        "rules": {
            "every_fifth": {"fired": fired["every_fifth"], "amount": money(amounts["every_fifth"])},
            "last_month": {"fired": fired["last_month"], "amount": amounts["last_month"]},
            "win_back": {"fired": fired["win_back"], "amount": amounts["win_back"]},
        },
    }
    written = json.dumps(figures, indent=2) + "\n"
    path = HERE / "expected.json"
    if "--check" in sys.argv:
        sys.exit(0 if path.read_text(encoding="utf-8") == written else "expected.json differs")
    path.write_text(written, encoding="utf-8")


main()
