#!/usr/bin/env python3
"""The Gift-ware Club worked out once more, without perq.

Plain Python 3.11 from the rules as they read and from the documented meaning of the language; it shares no code
with the compiler or the runtime. It reads the year in ../data and writes expected.json and per_event.tsv.gz beside
itself; `--check` compares with what is there instead. See README.md beside it for the format and for the choices
made where the text leaves one.

Money is whole pence, prices are whole hundredths of a penny, points are exact fractions until the receipt's sum is
rounded down.
"""

import csv
import gzip
import hashlib
import io
import json
import sys
from collections import defaultdict
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "data"

GROUPS = {  # in the order of settlement; the rules of each by descending priority
    "quantity_prices": ["by_quantity", "full_tens_of_bags"],
    "seasonal_prices": ["christmas_clearance", "christmas_early", "easter", "spring"],
    "multi_buy": ["mugs_12_for_11", "kitchen_dearest", "lunch_bags", "christmas_quartet"],
    "order_value": ["wholesale_rebate", "five_per_200"],
    "carriage": ["free_carriage", "half_carriage"],
    "base_points": ["by_class", "own_departments", "lunch_hours"],
    "bonus_points": ["every_fifty", "wide_choice", "pay_days"],
}
GROUP_OF = {rule: group for group, rules in GROUPS.items() for rule in rules}
RULES = list(GROUP_OF)
POINT_GROUPS = ("base_points", "bonus_points")


def percent(text):
    return Fraction(Decimal(text)) / 100


def half_up(x):
    """The nearest whole number, a half away from zero."""
    x = Fraction(x)
    sign = -1 if x < 0 else 1
    n, d = abs(x.numerator), x.denominator
    return sign * ((2 * n + d) // (2 * d))


def banded(value, bands, otherwise):
    """The value of the band that holds it: bands are (from, until, result), until is excluded, None is open."""
    for low, high, result in bands:
        if low <= value and (high is None or value < high):
            return result
    return otherwise


# ---------------------------------------------------------------- programme.rule: parameters and tables

def dated(history, day):
    """The last value whose day is not after the event's."""
    value = None
    for start, v in history:
        if start <= day:
            value = v
    return value


HAPPY_RATE = [(date(2010, 12, 1), percent("2.5")), (date(2011, 6, 1), percent("3.5"))]
EARLY_CHRISTMAS_RATE = [
    (date(2010, 12, 1), percent("0")),
    (date(2011, 9, 1), percent("8")),
    (date(2011, 10, 1), percent("6")),
]
CARRIAGE_FROM = 400_00

BRONZE, SILVER, GOLD, PLATINUM = range(4)


def class_of(yearly):
    return banded(
        yearly,
        [(500_00, 2_000_00, SILVER), (2_000_00, 10_000_00, GOLD), (10_000_00, None, PLATINUM)],
        BRONZE,
    )


BASE_RATE = {BRONZE: percent("1"), SILVER: percent("1.5"), GOLD: percent("2"), PLATINUM: percent("3")}


def quantity_rate(pieces):
    return banded(pieces, [(12, 48, percent("3")), (48, 144, percent("5")), (144, None, percent("8"))], Fraction(0))


def order_rate(spent):
    return banded(
        spent,
        [
            (500_00, 1_000_00, percent("2")),
            (1_000_00, 5_000_00, percent("3")),
            (5_000_00, None, percent("4")),
        ],
        Fraction(0),
    )


# ---------------------------------------------------------------- the receipt

class Line:
    __slots__ = ("row", "sku", "kind", "nature", "category", "within", "pieces", "price", "initial", "left")

    def __init__(self, row, sku, pieces, price, product, parents):
        self.row = row
        self.sku = sku
        self.kind = product["kind"] if product else "product"
        self.nature = product["nature"] if product else "product"
        self.category = (product["category"] if product else "") or None
        self.within = set()  # the category and everything above it
        name = self.category
        while name:
            self.within.add(name)
            name = parents.get(name)
        self.pieces = pieces
        self.price = price
        self.initial = half_up(Fraction(price * pieces, 100))
        self.left = self.initial

    @property
    def is_goods(self):
        return self.kind == "product" and self.initial > 0

    @property
    def can_be_discounted(self):
        return self.pieces > 0 and self.initial > 0


# ---------------------------------------------------------------- picking pieces, kept as runs

def pick_in_every(lines, every, count, cheapest):
    """Of each full group of `every`, by price descending and then position, the `count` cheapest or dearest.

    Gives {row: pieces}. A line of n pieces is one run of n places in the order."""
    order = sorted((l for l in lines if l.pieces > 0), key=lambda l: (-l.price, l.row))
    full = sum(l.pieces for l in order) // every * every

    def picked_below(place):
        """How many of the places 0 … place-1 are picked."""
        place = min(place, full)
        groups, rest = divmod(place, every)
        inside = max(0, rest - (every - count)) if cheapest else min(rest, count)
        return groups * count + inside

    picked, place = {}, 0
    for l in order:
        n = picked_below(place + l.pieces) - picked_below(place)
        if n:
            picked[l.row] = n
        place += l.pieces
    return picked


def share_out(amount, weights):
    """`amount` over {key: weight} by largest remainder; ties to the larger weight, then to the lower key.

    No share is above its weight: `amount` is at most the sum of the weights, so largest remainder never needs to pour
    anything over, which is asserted."""
    total = sum(weights.values())
    shares, rest = {}, []
    for key, weight in weights.items():
        share, fraction = divmod(amount * weight, total)
        shares[key] = share
        rest.append((-fraction, -weight, key))
    rest.sort()
    for _, _, key in rest[: amount - sum(shares.values())]:
        shares[key] += 1
    assert sum(shares.values()) == amount
    assert all(shares[key] <= weights[key] for key in shares)
    return shares


# ---------------------------------------------------------------- a purchase

def decide(event, products, parents, members):
    """({rule: pence}, {rule: points}) of one purchase; only rules with an effect."""
    money, points, _ = settle(event, products, parents, members)
    return money, points


def settled_lines(event, products, parents, members):
    """The lines of a purchase, each with what is left to pay for it."""
    return settle(event, products, parents, members)[2]


def settle(event, products, parents, members):
    day = date.fromisoformat(event["at"][:10])
    member = event["member"]
    yearly = members.get(member, 0) if member is not None else None
    lines = [
        Line(row, l["sku"], l["qty"], int(Decimal(l["price"]).scaleb(4)), products.get(l["sku"]), parents)
        for row, l in enumerate(event["lines"])
    ]
    money = {}

    # -- line: quantity_prices, best for member per line, on the original price
    quantity = {}  # row: (rule, pence)
    for l in lines:
        if not (l.is_goods and l.can_be_discounted):
            continue
        offers = [("by_quantity", min(l.left, half_up(quantity_rate(l.pieces) * l.initial)))]
        if "Bags & accessories" in l.within:
            offers.append(("full_tens_of_bags", min(l.left, 50 * (l.pieces // 10))))
        rule, pence = max(offers, key=lambda o: o[1])  # max keeps the first, which has the higher priority
        if pence:
            quantity[l.row] = (rule, pence)

    # -- line: seasonal_prices, first per line, on the original price; takes a line over only where it gives more
    seasonal = {}
    for l in lines:
        if not l.can_be_discounted:
            continue
        rate = None
        if "Christmas" in l.within and date(2010, 12, 20) <= day <= date(2011, 1, 15):
            rule, rate = "christmas_clearance", percent("20")
        elif "Christmas" in l.within and date(2011, 9, 1) <= day <= date(2011, 10, 31):
            rule, rate = "christmas_early", dated(EARLY_CHRISTMAS_RATE, day)
        elif "Easter" in l.within and date(2011, 3, 21) <= day <= date(2011, 4, 24):
            rule, rate = "easter", percent("10") if l.pieces >= 24 else percent("5")
        elif l.within & {"Garden & pets", "Seasonal"} and date(2011, 3, 1) <= day <= date(2011, 5, 31):
            rule, rate = "spring", percent("3")
        if rate is None:
            continue
        pence = half_up(rate * l.initial)
        if pence and (l.row not in quantity or pence > quantity[l.row][1]):
            quantity.pop(l.row, None)
            seasonal[l.row] = (rule, pence)

    touched = set(quantity) | set(seasonal)
    for effects in (quantity, seasonal):
        for row, (rule, pence) in effects.items():
            money[rule] = money.get(rule, 0) + pence
            lines[row].left -= pence

    # -- set: multi_buy, best for member per piece, on the running price, not on lines touched above
    offers = defaultdict(list)  # row: [(pence a piece, order, rule, pieces)]

    def propose(order, rule, selected, per_piece):
        for row, pieces in selected.items():
            l = lines[row]
            if row in touched or not l.can_be_discounted:
                continue
            pence = half_up(per_piece(Fraction(l.left, l.pieces)))
            if pence > 0:
                offers[row].append((-pence, order, rule, pieces))

    def in_category(name):
        return [l for l in lines if name in l.within]

    mugs = [l for l in in_category("Mugs, cups & glass") if l.price > 0]
    propose(0, "mugs_12_for_11", pick_in_every(mugs, 12, 1, cheapest=True), lambda base: base)
    kitchen = [l for l in in_category("Kitchen & dining") if l.price > 0]
    propose(1, "kitchen_dearest", pick_in_every(kitchen, 6, 1, cheapest=False), lambda base: base * percent("20"))
    bags = in_category("Lunch bags")
    if sum(l.pieces for l in bags) >= 10:
        propose(2, "lunch_bags", {l.row: l.pieces for l in bags if l.pieces > 0}, lambda base: max(0, base - 145))
    christmas = [l for l in in_category("Christmas") if l.price > 0]
    propose(3, "christmas_quartet", pick_in_every(christmas, 4, 1, cheapest=True), lambda base: base * percent("50"))

    multi = defaultdict(dict)  # rule: {row: pence}
    for row, candidates in offers.items():
        free, left = lines[row].pieces, lines[row].left
        for negative, _, rule, pieces in sorted(candidates):
            pieces = min(pieces, free)
            pence = min(left, -negative * pieces)
            if pence:
                multi[rule][row] = multi[rule].get(row, 0) + pence
                free, left = free - pieces, left - pence
    if sum(multi["christmas_quartet"].values()) > 15_00:  # else skip
        del multi["christmas_quartet"]
    for rule, shares in multi.items():
        if shares:
            money[rule] = sum(shares.values())
            for row, pence in shares.items():
                lines[row].left -= pence

    # -- order: order_value, best for member per basket, on the running price
    if member is not None and not any(l.nature == "manual" for l in lines):
        weights = {l.row: l.left for l in lines if l.is_goods and l.left > 0}
        spent = sum(weights.values())
        offers_of_order = []
        if class_of(yearly) >= GOLD:
            offers_of_order.append(("wholesale_rebate", half_up(order_rate(spent) * spent)))
        offers_of_order.append(("five_per_200", min(5_00 * (spent // 200_00), 25_00)))
        rule, pence = max(offers_of_order, key=lambda o: o[1])
        if pence:
            shares = share_out(pence, weights)
            if pence > 250_00:  # else cut: the lines keep their shares in proportion
                pence, shares = 250_00, share_out(250_00, shares)
            money[rule] = pence
            for row, share in shares.items():
                lines[row].left -= share

    # -- delivery: carriage, first per basket, on the running price
    spent = sum(l.left for l in lines if l.is_goods)
    near = {"Germany", "France", "EIRE", "Belgium", "Netherlands", "Spain", "Portugal"}
    if member is not None and event.get("country") in near:
        rule = "free_carriage" if spent >= CARRIAGE_FROM else "half_carriage" if spent >= 150_00 else None
        if rule:
            rate = percent("100") if rule == "free_carriage" else percent("50")
            shares = {
                l.row: half_up(rate * l.left) for l in lines if l.kind == "delivery" and l.can_be_discounted
            }
            pence = sum(shares.values())
            if rule == "free_carriage" and pence > 40_00:  # else cut
                pence, shares = 40_00, share_out(40_00, shares)
            elif rule == "half_carriage" and pence > 20_00:  # else skip
                pence = 0
            if pence:
                money[rule] = pence  # no rule after this reads a delivery line
                for row, share in shares.items():
                    lines[row].left -= share

    return money, earn(event, lines, members), lines


# ---------------------------------------------------------------- its points

def earn(event, lines, members):
    """{rule: points} of lines as they were settled; only rules with an effect. A point is a penny."""
    member = event["member"]
    if member is None:
        return {}
    day = date.fromisoformat(event["at"][:10])
    minute = event["at"][11:16]
    yearly = members.get(member, 0)
    exact = defaultdict(Fraction)
    happy = day.weekday() in (2, 3) and "12:00" <= minute < "14:00"
    goods = [l for l in lines if l.is_goods]
    for l in goods:
        rates = [("by_class", BASE_RATE[class_of(yearly)])]
        if l.within & {"Home décor", "Kitchen & dining"}:
            rates.append(("own_departments", percent("2")))
        if happy:
            rates.append(("lunch_hours", dated(HAPPY_RATE, day)))
        rule, rate = max(rates, key=lambda r: r[1])
        exact[rule] += rate * l.left
    spent = sum(l.left for l in goods)
    room = 400
    bonus = {"every_fifty": min(5 * (spent // 50_00), 300)}
    if len({l.sku for l in goods}) >= 20:
        bonus["wide_choice"] = 60
    if day.day in (1, 15) and spent >= 100_00:
        bonus["pay_days"] = 100
    for rule, award in bonus.items():
        award = min(award, room)  # the group's limit, in the order of settlement
        room -= award
        exact[rule] += award
    # The receipt's sum is rounded down once; the points go back to the rules by largest remainder, on equal
    # remainders to the rule that gives more, then to the one settled first.
    issued = {rule: exact[rule].numerator // exact[rule].denominator for rule in RULES if exact.get(rule)}
    missing = sum(exact.values()).__floor__() - sum(issued.values())
    by_remainder = sorted(issued, key=lambda rule: (-(exact[rule] - issued[rule]), -exact[rule], RULES.index(rule)))
    for rule in by_remainder[:missing]:
        issued[rule] += 1
    return {rule: n for rule, n in issued.items() if n}


# ---------------------------------------------------------------- the year

def table(name):
    with open(DATA / name, encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def pounds(pence):
    return f"{pence // 100}.{pence % 100:02}"


def main():
    products = {r["sku"]: r for r in table("products.csv")}
    parents = {r["child"]: r["parent"] for r in table("categories.csv")}
    members = {r["member"]: int(Decimal(r["gross_sales_gbp"]).scaleb(2)) for r in table("members.csv")}

    events, line_count, with_effects = defaultdict(int), 0, 0
    fired, amount = dict.fromkeys(RULES, 0), dict.fromkeys(RULES, 0)
    months = defaultdict(lambda: {"receipts": 0, "with_effects": 0, "discount": 0, "points": 0})
    by_month = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    rows = []
    kinds = {"sale": "purchase"}
    initial_total = 0
    with gzip.open(DATA / "transactions.ndjson.gz", "rt", encoding="utf-8") as f:
        for text in f:
            event = json.loads(text)
            kind = kinds.get(event["kind"], event["kind"])
            events[kind] += 1
            line_count += len(event["lines"])
            if kind != "purchase":
                continue  # no rule hears any other kind
            month = event["at"][:7]
            money, points = decide(event, products, parents, members)
            initial_total += sum(
                half_up(Fraction(int(Decimal(l["price"]).scaleb(4)) * l["qty"], 100)) for l in event["lines"]
            )
            for rule, n in (money | points).items():
                fired[rule] += 1
                amount[rule] += n
                by_month[month][rule][0] += 1
                by_month[month][rule][1] += n
            discount, issued = sum(money.values()), sum(points.values())
            months[month]["receipts"] += 1
            months[month]["discount"] += discount
            months[month]["points"] += issued
            if discount or issued:
                with_effects += 1
                months[month]["with_effects"] += 1
                rows.append(f"{event['id']}\t{pounds(discount)}\t{issued}\n")

    def unit(rule, n):
        return n if GROUP_OF[rule] in POINT_GROUPS else pounds(n)

    discount_total = sum(amount[r] for r in RULES if GROUP_OF[r] not in POINT_GROUPS)
    expected = {
        "events": dict(sorted(events.items())),
        "lines": line_count,
        "purchases_initial": pounds(initial_total),
        "purchases_with_effects": with_effects,
        "discount_total": pounds(discount_total),
        "points_total": sum(amount[r] for r in RULES if GROUP_OF[r] in POINT_GROUPS),
        "groups": {
            group: {"fired": sum(fired[r] for r in rules), "amount": unit(rules[0], sum(amount[r] for r in rules))}
            for group, rules in GROUPS.items()
        },
        "rules": {rule: {"fired": fired[rule], "amount": unit(rule, amount[rule])} for rule in RULES},
        "months": {
            month: {
                "receipts": m["receipts"],
                "with_effects": m["with_effects"],
                "discount": pounds(m["discount"]),
                "points": m["points"],
                "rules": {
                    rule: {"fired": by_month[month][rule][0], "amount": unit(rule, by_month[month][rule][1])}
                    for rule in RULES
                    if rule in by_month[month]
                },
            }
            for month, m in sorted(months.items())
        },
        "per_event_sha256": hashlib.sha256("".join(rows).encode()).hexdigest(),
    }
    report = json.dumps(expected, indent=2, ensure_ascii=False) + "\n"
    if "--check" in sys.argv[1:]:
        with gzip.open(HERE / "per_event.tsv.gz", "rt", encoding="utf-8") as f:
            same = f.read() == "".join(rows)
        same = same and (HERE / "expected.json").read_text(encoding="utf-8") == report
        print("the same" if same else "DIFFERENT")
        return 0 if same else 1
    (HERE / "expected.json").write_text(report, encoding="utf-8")
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9, mtime=0, filename="") as f:
        f.write("".join(rows).encode())
    (HERE / "per_event.tsv.gz").write_bytes(packed.getvalue())
    return 0


if __name__ == "__main__":
    sys.exit(main())
