#!/usr/bin/env python3
"""What comes back in the year, and what it takes back, worked out without perq.

    python3 returns.py --links FILE   writes ../data/returns.ndjson.gz from a table of links, see ../data/README.md
    python3 returns.py                writes returns.json and per_return.tsv.gz from what is there
    python3 returns.py --check        compares with what is there

It uses the rules as independent.py beside it has them. Nothing of prices is worked out again: a line has been settled,
and each of its pieces has an even share of what was paid, the larger shares first. Points are worked out again for the
pieces that are left, at those prices.
"""

import csv
import gzip
import io
import json
import sys
from collections import defaultdict

from independent import DATA, HERE, Fraction, Decimal, decide, earn, pounds, settled_lines, table


def packed(text):
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9, mtime=0, filename="") as f:
        f.write(text.encode())
    return out.getvalue()


def transactions():
    with gzip.open(DATA / "transactions.ndjson.gz", "rt", encoding="utf-8") as f:
        for text in f:
            yield json.loads(text)


def make(path):
    """One return for each invoice of goods that came back and each sale that they came from."""
    pieces = defaultdict(lambda: defaultdict(int))
    with open(path, encoding="utf-8", newline="") as f:
        for row in csv.DictReader(f):
            line = (int(row["sale_line"]), row["sku"])
            pieces[row["return_id"], row["sale_id"]][line] += int(row["qty"])
    events = {event["id"]: event for event in transactions()}
    out = []
    for (back, sale), lines in pieces.items():
        sold = {line["n"]: line for line in events[sale]["lines"]}
        event = events[back]
        out.append({
            "id": f"{back}/{sale}",
            "kind": "return",
            "of": sale,
            "member": event["member"],
            "at": event["at"],
            "lines": [
                # The link names the article as the return spells it.
                {"sku": sold[n]["sku"], "qty": qty, "of_line": n} for (n, _), qty in sorted(lines.items())
            ],
        })
    out.sort(key=lambda event: (event["at"], event["id"]))
    text = "".join(json.dumps(event, separators=(",", ":"), ensure_ascii=False) + "\n" for event in out)
    (DATA / "returns.ndjson.gz").write_bytes(packed(text))


def share(amount, pieces, back):
    """What the first `back` of so many pieces have cost: the larger shares come first."""
    each, larger = divmod(amount, pieces)
    return each * back + min(back, larger)


def main():
    if sys.argv[1:2] == ["--links"]:
        make(sys.argv[2])
    products = {r["sku"]: r for r in table("products.csv")}
    parents = {r["child"]: r["parent"] for r in table("categories.csv")}
    members = {r["member"]: int(Decimal(r["gross_sales_gbp"]).scaleb(2)) for r in table("members.csv")}
    with gzip.open(DATA / "returns.ndjson.gz", "rt", encoding="utf-8") as f:
        returns = [json.loads(text) for text in f]
    bought = {event["of"] for event in returns}
    sales, left = {}, defaultdict(int)
    for event in transactions():
        if event["member"] is not None:
            left[event["member"]] += 0  # whoever is named is known, whatever the event
        if event["kind"] != "sale":
            continue
        _, points = decide(event, products, parents, members)
        if event["member"] is not None:
            left[event["member"]] += sum(points.values())
        if event["id"] in bought:
            lines = settled_lines(event, products, parents, members)
            sales[event["id"]] = (event, lines, [l.left for l in lines], [0] * len(lines), sum(points.values()))
    refunded_total, taken_total, pieces_total, lines_total = 0, 0, 0, 0
    rows = []
    for event in returns:
        sale, lines, paid, back, before = sales[event["of"]]
        refund = 0
        for line in event["lines"]:
            row = line["of_line"] - 1
            l = lines[row]
            assert l.sku == line["sku"] and back[row] + line["qty"] <= l.pieces
            refund -= share(paid[row], l.pieces, back[row])
            back[row] += line["qty"]
            refund += share(paid[row], l.pieces, back[row])
            pieces_total += line["qty"]
            lines_total += 1
        # The receipt as it would have been: the pieces that are left, at the prices that were settled.
        kept = []
        for l, amount, gone in zip(lines, paid, back):
            if l.pieces - gone == 0 and gone > 0:
                continue
            l.left = amount - (share(amount, l.pieces, gone) if gone else 0)
            kept.append(l)
        after = sum(earn(sale, kept, members).values()) if kept else 0
        taken = before - after
        sales[event["of"]] = (sale, lines, paid, back, after)
        if event["member"] is not None:
            left[event["member"]] -= taken
        refunded_total += refund
        taken_total += taken
        rows.append(f"{event['id']}\t{pounds(refund)}\t{taken}\n")
    expected = {
        "returns": len(returns),
        "lines": lines_total,
        "pieces": pieces_total,
        "refunded": pounds(refunded_total),
        "points_taken_back": taken_total,
        "points_left": sum(left.values()),
        "members": {member: points for member, points in sorted(left.items())},
    }
    report = json.dumps(expected, indent=1, ensure_ascii=False) + "\n"
    if "--check" in sys.argv[1:]:
        with gzip.open(HERE / "per_return.tsv.gz", "rt", encoding="utf-8") as f:
            same = f.read() == "".join(rows)
        same = same and (HERE / "returns.json").read_text(encoding="utf-8") == report
        print("the same" if same else "DIFFERENT")
        return 0 if same else 1
    (HERE / "returns.json").write_text(report, encoding="utf-8")
    (HERE / "per_return.tsv.gz").write_bytes(packed("".join(rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
