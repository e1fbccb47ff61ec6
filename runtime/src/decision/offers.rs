//! What a member is offered, with names: which offers in which order, and why not the others; and what rules say.

use super::fault_name;
use crate::decimal;
use crate::pack::place;
use perq_compiler::evaluate::{self, HiddenWhy};
use perq_compiler::ir::{self, Program, Purpose, RuleId, Saying, Telling};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The JSON Schema of the lines that answer sessions.
pub const OFFERS_SCHEMA: &str = include_str!("../../schema/offers.schema.json");

/// Decimals of scores.
const SCORE_DECIMALS: u8 = 6;

/// What a session offers its member, or rules at another event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offers {
    /// The arbitration that decided; absent where none hears the session's channel, and where rules show the offers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub arbitration: Option<String>,
    /// The order was drawn, to learn from it.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub exploring: bool,
    /// What is shown, best first.
    pub shown: Vec<ShownOffer>,
    /// What is not, and why, in order of declaration.
    pub hidden: Vec<HiddenOffer>,
}

/// An offer that is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownOffer {
    /// Its key.
    pub offer: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub title: Option<String>,
    /// `always`, `by_priority` or `by_default`.
    pub display: String,
    /// The level of its priority.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub priority: Option<String>,
    /// Its score.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub score: Option<String>,
    /// How likely it seemed that it is accepted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub propensity: Option<String>,
    /// The products that it is about; none of a message.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub products: Vec<String>,
    /// Its business goals.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub goals: Vec<String>,
    /// Words, by whom they are for or by language.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub say: BTreeMap<String, String>,
    /// The rule that shows it; absent in a session.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rule: Option<String>,
}

/// An offer that is not shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HiddenOffer {
    /// Its key.
    pub offer: String,
    /// The clause that hides it, or `failed`, `arbitration`, `class`, `default`, `goal`, `slots`.
    pub why: String,
    /// Where the clause is written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub place: Option<String>,
    /// How it failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// How likely it seemed that it is accepted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub propensity: Option<String>,
    /// The rule that would show it; absent in a session.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rule: Option<String>,
}

/// What a rule says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// Which rule.
    pub rule: String,
    /// Words, by whom they are for or by language.
    pub say: BTreeMap<String, String>,
}

/// Millionths as a decimal.
fn parts(number: i64) -> String {
    decimal::print(i128::from(number), SCORE_DECIMALS)
}

fn words(says: &[Saying]) -> BTreeMap<String, String> {
    says.iter().map(|saying| (saying.to.clone(), saying.text.clone())).collect()
}

impl Offers {
    /// What was decided, where the event is a session or a rule shows an offer.
    pub(crate) fn of(program: &Program, raw: &evaluate::Decision) -> Option<Offers> {
        let raw = raw.offered.as_ref()?;
        let arbitration = raw.arbitration.and_then(|at| program.offers.arbitrations.get(at as usize));
        Some(Offers {
            arbitration: arbitration.map(|arbitration| arbitration.name.clone()),
            exploring: raw.exploring,
            shown: raw.shown.iter().filter_map(|shown| ShownOffer::of(program, shown)).collect(),
            hidden: raw.hidden.iter().filter_map(|hidden| HiddenOffer::of(program, hidden)).collect(),
        })
    }
}

fn offer_of(program: &Program, offer: u32) -> Option<&ir::Offer> {
    program.offers.list.get(offer as usize)
}

impl ShownOffer {
    fn of(program: &Program, shown: &evaluate::Shown) -> Option<ShownOffer> {
        let offer = offer_of(program, shown.offer)?;
        let level = offer.display.priority();
        Some(ShownOffer {
            offer: offer.name.clone(),
            title: offer.title.clone(),
            display: offer.display.word().to_owned(),
            priority: level.and_then(|level| program.offers.priorities.get(level as usize)).cloned(),
            score: shown.score.map(parts),
            propensity: shown.propensity.map(parts),
            products: match &offer.purpose {
                Purpose::Message => Vec::new(),
                Purpose::Product(_, products) => products.clone(),
            },
            goals: offer.goals.clone(),
            say: words(&offer.says),
            rule: shown.rule.map(|rule| rule_name(program, rule)),
        })
    }
}

impl HiddenOffer {
    fn of(program: &Program, hidden: &evaluate::Hidden) -> Option<HiddenOffer> {
        let offer = offer_of(program, hidden.offer)?;
        let (at, error) = match hidden.why {
            HiddenWhy::Condition(condition) => (Some(condition.place), None),
            HiddenWhy::Failed(kind, at) => (Some(at), Some(fault_name(kind).to_owned())),
            HiddenWhy::Arbitration
            | HiddenWhy::Class
            | HiddenWhy::Default
            | HiddenWhy::Goal
            | HiddenWhy::Slots => (None, None),
        };
        Some(HiddenOffer {
            offer: offer.name.clone(),
            why: hidden.why.word().to_owned(),
            place: at.map(|at| place(program, at)),
            error,
            propensity: hidden.propensity.map(parts),
            rule: hidden.rule.map(|rule| rule_name(program, rule)),
        })
    }
}

impl Said {
    /// What rules say.
    pub(crate) fn of(program: &Program, raw: &evaluate::Decision) -> Vec<Said> {
        let said = raw.said.iter().map(|said| {
            let telling = usize::try_from(said.telling).ok().and_then(|at| program.tellings.get(at));
            let say = match telling {
                Some(Telling::Words(says)) => words(says),
                Some(Telling::Offer(_)) | None => BTreeMap::new(),
            };
            Said { rule: rule_name(program, said.rule), say }
        });
        said.collect()
    }
}

fn rule_name(program: &Program, rule: RuleId) -> String {
    program.rules.get(rule.index()).map_or_else(String::new, |rule| rule.name.clone())
}
