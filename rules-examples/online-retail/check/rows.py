#!/usr/bin/env python3
"""On how many purchases each row of a table, and each arm of a choice, is the one that fits; worked out without perq.

It takes the receipts from `independent.py` and asks for each row when a rule would ask its table, as the rules read:

- `quantity_rate` for every line of goods, `easter` for lines of goods of the range while it lasts;
- `class_of` and `base_rate` for a member who buys goods; `class_of` also for a member's order that has no hand-written
  position, whatever it holds, because the rebate asks who is a wholesale buyer;
- `order_rate` for the orders of wholesale buyers, by what the goods cost before the rebate.

It writes rows.json beside itself: by table, by row, the purchases. `--check` compares with what is there instead.
"""

import gzip
import json
import sys
from collections import defaultdict
from datetime import date
from decimal import Decimal

import independent as year
from independent import GOLD, DATA, HERE, class_of

CLASSES = ["bronze", "silver", "gold", "platinum"]


def band(value, bounds, names):
    """The name of the band that holds a value: below the first bound the first name."""
    return names[sum(value >= bound for bound in bounds)]


def rows_of(event, products, parents, members):
    """The rows that one purchase comes by, as (table, row)."""
    met = set()
    asked_rate = []
    plain = year.order_rate

    def order_rate(spent):
        asked_rate.append(spent)
        return plain(spent)

    year.order_rate = order_rate
    try:
        lines = year.settled_lines(event, products, parents, members)
    finally:
        year.order_rate = plain
    day = date.fromisoformat(event["at"][:10])
    goods = [line for line in lines if line.is_goods]
    for line in goods:
        met.add(("quantity_rate", band(line.pieces, [12, 48, 144], ["otherwise", "12", "48", "144"])))
        if "Easter" in line.within and date(2011, 3, 21) <= day <= date(2011, 4, 24):
            met.add(("easter", "24" if line.pieces >= 24 else "otherwise"))
    if event["member"] is not None:
        of_member = CLASSES[class_of(members.get(event["member"], 0))]
        if goods:
            met.add(("base_rate", of_member))
        if goods or not any(line.nature == "manual" for line in lines):
            met.add(("class_of", of_member))
    for spent in asked_rate:
        met.add(("order_rate", band(spent, [500_00, 1_000_00, 5_000_00], ["otherwise", "500", "1000", "5000"])))
    return met


def main():
    products = {r["sku"]: r for r in year.table("products.csv")}
    parents = {r["child"]: r["parent"] for r in year.table("categories.csv")}
    members = {r["member"]: int(Decimal(r["gross_sales_gbp"]).scaleb(2)) for r in year.table("members.csv")}
    found = defaultdict(lambda: defaultdict(int))
    with gzip.open(DATA / "transactions.ndjson.gz", "rt", encoding="utf-8") as f:
        for text in f:
            event = json.loads(text)
            if event["kind"] == "sale":
                for table, row in rows_of(event, products, parents, members):
                    found[table][row] += 1
    report = json.dumps(found, indent=2, sort_keys=True) + "\n"
    path = HERE / "rows.json"
    if "--check" in sys.argv[1:]:
        same = path.read_text(encoding="utf-8") == report
        print("the same" if same else "DIFFERENT")
        return 0 if same else 1
    path.write_text(report, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
