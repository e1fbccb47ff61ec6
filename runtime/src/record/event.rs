//! Events that a host builds in memory instead of reading them from a file.
//!
//! An event is its JSON: what is built here goes through the same reader, and the same checks, as what comes from a
//! file.

use crate::decimal;
use crate::decision::write_text;

/// An event: a record of the input, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    json: String,
}

impl Event {
    /// An event from its JSON text. It is checked when it is decided.
    pub fn from_json(json: impl Into<String>) -> Event {
        Event { json: json.into() }
    }

    /// Begins an event of a kind, such as `purchase`.
    pub fn builder(kind: &str) -> EventBuilder {
        EventBuilder {
            fields: Fields::default().with("kind", kind.into()),
            lines: Vec::new(),
            payments: Vec::new(),
        }
    }

    /// Its JSON text.
    pub fn json(&self) -> &str {
        &self.json
    }
}

/// A value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldValue(String);

impl From<&str> for FieldValue {
    fn from(text: &str) -> FieldValue {
        let mut out = Vec::new();
        write_text(&mut out, text);
        FieldValue(String::from_utf8_lossy(&out).into_owned())
    }
}

impl From<String> for FieldValue {
    fn from(text: String) -> FieldValue {
        FieldValue::from(text.as_str())
    }
}

impl From<i64> for FieldValue {
    fn from(number: i64) -> FieldValue {
        FieldValue(decimal::print(i128::from(number), 0))
    }
}

impl From<bool> for FieldValue {
    fn from(truth: bool) -> FieldValue {
        FieldValue(truth.to_string())
    }
}

impl From<&[&str]> for FieldValue {
    fn from(names: &[&str]) -> FieldValue {
        let names: Vec<String> = names.iter().map(|&name| FieldValue::from(name).0).collect();
        FieldValue(format!("[{}]", names.join(",")))
    }
}

/// Fields of an object as JSON, without braces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Fields(String);

impl Fields {
    fn with(mut self, key: &str, value: FieldValue) -> Fields {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(&FieldValue::from(key).0);
        self.0.push(':');
        self.0.push_str(&value.0);
        self
    }

    fn object(&self) -> FieldValue {
        FieldValue(format!("{{{}}}", self.0))
    }
}

fn list(rows: &[Fields]) -> FieldValue {
    let rows: Vec<String> = rows.iter().map(|row| row.object().0).collect();
    FieldValue(format!("[{}]", rows.join(",")))
}

/// Builds an [`Event`]. Amounts, prices and weights are decimal texts, so that none goes through a float.
#[derive(Clone, Debug)]
#[must_use]
pub struct EventBuilder {
    fields: Fields,
    lines: Vec<Fields>,
    payments: Vec<Fields>,
}

impl EventBuilder {
    /// The event's id. Required.
    pub fn id(self, id: &str) -> EventBuilder {
        self.field("id", id)
    }

    /// When it happened, such as `2026-03-01T09:00:30`, local in the program's zone, or with an offset. Required.
    pub fn at(self, at: &str) -> EventBuilder {
        self.field("at", at)
    }

    /// The currency of its money; the program's unless given.
    pub fn currency(self, currency: &str) -> EventBuilder {
        self.field("currency", currency)
    }

    /// The member by id, or with fields.
    pub fn member(mut self, member: impl Into<Member>) -> EventBuilder {
        self.fields = self.fields.with("member", member.into().0.object());
        self
    }

    /// Another field of the event.
    pub fn field(mut self, key: &str, value: impl Into<FieldValue>) -> EventBuilder {
        self.fields = self.fields.with(key, value.into());
        self
    }

    /// Adds a line.
    pub fn line(mut self, line: Line) -> EventBuilder {
        self.lines.push(line.0);
        self
    }

    /// Adds a payment.
    pub fn payment(mut self, payment: Payment) -> EventBuilder {
        self.payments.push(payment.0);
        self
    }

    /// The event. It is checked when it is decided.
    pub fn build(self) -> Event {
        let fields = self.fields.with("lines", list(&self.lines)).with("payments", list(&self.payments));
        Event { json: fields.object().0 }
    }
}

/// A member of an event.
#[derive(Clone, Debug)]
#[must_use]
pub struct Member(Fields);

impl Member {
    /// A member by id.
    pub fn new(id: &str) -> Member {
        Member(Fields::default().with("id", id.into()))
    }

    /// A field, which wins over the table of members.
    pub fn field(self, key: &str, value: impl Into<FieldValue>) -> Member {
        Member(self.0.with(key, value.into()))
    }
}

impl From<&str> for Member {
    fn from(id: &str) -> Member {
        Member::new(id)
    }
}

/// A line of an event.
#[derive(Clone, Debug)]
#[must_use]
pub struct Line(Fields);

impl Line {
    /// A line of a product.
    pub fn new(sku: &str) -> Line {
        Line(Fields::default().with("sku", sku.into()))
    }

    /// How many pieces.
    pub fn pieces(self, pieces: i64) -> Line {
        self.field("qty", pieces)
    }

    /// The price of a piece, or of a unit of weight.
    pub fn price(self, price: &str) -> Line {
        self.field("price", price)
    }

    /// The line's amount before discounts, where it is not price times pieces.
    pub fn amount(self, amount: &str) -> Line {
        self.field("amount", amount)
    }

    /// The weight, of a weighed line, which is one piece.
    pub fn weight(self, weight: &str) -> Line {
        self.field("weight", weight)
    }

    /// Another field.
    pub fn field(self, key: &str, value: impl Into<FieldValue>) -> Line {
        Line(self.0.with(key, value.into()))
    }
}

/// A payment of an event.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Payment(Fields);

impl Payment {
    /// A payment of an amount.
    pub fn new(amount: &str) -> Payment {
        Payment(Fields::default().with("amount", amount.into()))
    }

    /// Another field.
    pub fn field(self, key: &str, value: impl Into<FieldValue>) -> Payment {
        Payment(self.0.with(key, value.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_json() {
        let event = Event::builder("purchase")
            .id("a\"b")
            .at("2026-03-01T09:00")
            .currency("GBP")
            .member(Member::new("m1").field("tier", "gold").field("segments", &["A", "B"][..]))
            .field("gift", true)
            .line(Line::new("T1").pieces(2).price("3.50"))
            .line(Line::new("C1").weight("0.5").amount("1.00"))
            .payment(Payment::new("8.00").field("bank", "London".to_owned()))
            .build();
        assert_eq!(
            event.json(),
            r#"{"kind":"purchase","id":"a\"b","at":"2026-03-01T09:00","currency":"GBP","member":{"id":"m1","tier":"gold","segments":["A","B"]},"gift":true,"lines":[{"sku":"T1","qty":2,"price":"3.50"},{"sku":"C1","weight":"0.5","amount":"1.00"}],"payments":[{"amount":"8.00","bank":"London"}]}"#
        );
        assert_eq!(Event::from_json(event.json()), event);
    }
}
