//! Products that rules give: which, from what stock, and where the member says which one. Refuses to know who puts them
//! into the bag.

use super::{CounterId, PlaceId, ReferenceId, RuleId, SlotId};
use serde::{Deserialize, Serialize};

/// A gift of a rule. For each of its options its rule proposes with [`super::Inst::Award`] how many pieces, and with
/// [`super::Inst::Discount`] which pieces of the basket are the option's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gift {
    /// Whose.
    pub rule: RuleId,
    /// At least one; those of one [`GiftOption::choice`] stand together, the choices ascending.
    pub options: Vec<GiftOption>,
    /// The event slot that names what the member has chosen.
    pub chosen: Option<SlotId>,
    /// Pieces of the basket are left what they cost.
    pub added: bool,
    /// Where it is written.
    pub place: PlaceId,
}

/// One of the products of a gift.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiftOption {
    /// The product.
    pub sku: String,
    /// It alone.
    pub reference: ReferenceId,
    /// Those of a choice are on offer together; one that comes later is for when those before it are out of stock.
    pub choice: u32,
    /// How many pieces there are, and who counts those that were given.
    pub stock: Option<(i64, CounterId)>,
}
