//! Which of a gift's products is given, and which pieces of the basket that is: the one that the member has chosen, that
//! the basket holds, or that is the only one left in stock. Refuses to know what competes with it.

use super::fraction::Fraction;
use super::price::{Line, SiteFault, line_of};
use super::propose::range_of;
use super::{Bindings, Claimed, Proposal, Proposals, Record};
use crate::interpret::actions::turns;
use crate::ir::{CounterId, FaultKind, Gift, MISSING, Program, RuleId, SiteId, SiteKind};

/// A gift that a run gives.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    /// Which run of the group at hand.
    run: usize,
    pub site: SiteId,
    /// (row, pieces) of the basket.
    pub rows: Vec<(u32, i64)>,
    /// Pieces that the basket does not hold.
    pub added: i64,
}

/// A gift of which the member may choose a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GiftOffer {
    /// Whose.
    pub rule: RuleId,
    /// Which, of [`Program::gifts`].
    pub gift: u32,
    /// How many pieces.
    pub pieces: i64,
    /// Its options that are in stock, by position.
    pub options: Vec<u32>,
}

/// The gifts of an event.
#[derive(Debug, Default)]
pub(super) struct Gifts {
    /// Of the group at hand, by run.
    chosen: Vec<Chosen>,
    offers: Vec<(usize, GiftOffer)>,
    /// What the runs so far take from stocks, so far in the event.
    taken: Vec<(CounterId, i64)>,
}

/// What surrounds a gift.
pub(super) struct Surroundings<'a> {
    pub program: &'a Program,
    pub bindings: &'a Bindings,
    pub record: &'a Record,
    pub claimed: &'a dyn Claimed,
    pub proposals: &'a Proposals,
}

/// One option as its rule proposes it.
struct Proposed {
    option: u32,
    site: SiteId,
    pieces: i64,
    /// (row, pieces) of the basket that are the product.
    rows: Vec<(u32, i64)>,
}

impl Gifts {
    /// Forgets the event before.
    pub fn begin(&mut self) {
        self.enter();
        self.taken.clear();
    }

    /// Forgets the group before.
    pub fn enter(&mut self) {
        self.chosen.clear();
        self.offers.clear();
    }

    /// What a run gives, in the order of the text.
    pub fn of(&self, run: usize) -> impl Iterator<Item = &Chosen> + '_ {
        self.chosen.iter().filter(move |chosen| chosen.run == run)
    }

    /// What a run leaves to the member.
    pub fn offers(&self, run: usize) -> impl Iterator<Item = &GiftOffer> + '_ {
        self.offers.iter().filter(move |(of, _)| *of == run).map(|(_, offer)| offer)
    }

    /// Whether a run gives no product although it speaks of one.
    pub fn is_missing(&self, program: &Program, run: usize, proposals: &[Proposal]) -> bool {
        let speaks = |proposal: &Proposal| {
            let kind = program.sites.get(proposal.site.index()).map(|site| site.kind);
            matches!(kind, Some(SiteKind::Gift { .. }))
        };
        self.of(run).next().is_none() && proposals.iter().any(speaks)
    }

    /// Turns that choosing for a run costs.
    pub fn turns(&self, program: &Program, all: &Proposals, proposals: &[Proposal]) -> i64 {
        let rows = proposals
            .iter()
            .fold(0usize, |sum, one| sum.saturating_add(range_of(&all.selected, &one.selected).len()));
        let options: usize = program.gifts.iter().map(|gift| gift.options.len()).sum();
        let looked = proposals.len().saturating_mul(options.saturating_add(self.taken.len()));
        turns(looked.saturating_add(rows).saturating_add(self.chosen.len()))
    }

    /// Chooses for each gift of a run.
    pub fn gather(
        &mut self,
        around: &Surroundings<'_>,
        lines: &mut [Line],
        (run, rule): (usize, RuleId),
        proposals: &[Proposal],
    ) -> Result<(), SiteFault> {
        let mut known: Vec<(u32, Vec<Proposed>)> = Vec::new();
        for proposal in proposals {
            let kind = around.program.sites.get(proposal.site.index()).map(|site| site.kind);
            let Some(SiteKind::Gift { gift, option }) = kind else { continue };
            let at = match known.iter().position(|(of, _)| *of == gift) {
                Some(at) => at,
                None => {
                    known.push((gift, Vec::new()));
                    known.len().saturating_sub(1)
                }
            };
            let Some((_, options)) = known.get_mut(at) else { continue };
            let at = match options.iter().position(|proposed| proposed.option == option) {
                Some(at) => at,
                None => {
                    options.push(Proposed { option, site: proposal.site, pieces: 0, rows: Vec::new() });
                    options.len().saturating_sub(1)
                }
            };
            let Some(proposed) = options.get_mut(at) else { continue };
            let rows = range_of(&around.proposals.selected, &proposal.selected);
            // The pieces of the basket come with no number.
            let exact = Fraction::new(proposal.num, proposal.den).map_err(|kind| (kind, proposal.site))?;
            let sum = i64::try_from(exact.floor()).ok().and_then(|more| proposed.pieces.checked_add(more));
            proposed.pieces = sum.ok_or((FaultKind::OutOfRange, proposal.site))?;
            if !rows.is_empty() {
                proposed.rows = rows.to_vec();
            }
        }
        for (gift, options) in known {
            let index = usize::try_from(gift).unwrap_or(usize::MAX);
            let Some(declared) = around.program.gifts.get(index) else { continue };
            let options: Vec<Proposed> = options.into_iter().filter(|option| option.pieces > 0).collect();
            match self.choose(around, declared, &options) {
                Taken::Nothing => {}
                Taken::Left(left) => {
                    let pieces = options.first().map_or(0, |option| option.pieces);
                    self.offers.push((run, GiftOffer { rule, gift, pieces, options: left }));
                }
                Taken::One(proposed) => {
                    let stock = declared.options.get(usize::try_from(proposed.option).unwrap_or(usize::MAX));
                    if let Some((_, counter)) = stock.and_then(|option| option.stock) {
                        match self.taken.iter_mut().find(|(of, _)| *of == counter) {
                            Some((_, taken)) => *taken = taken.saturating_add(proposed.pieces),
                            None => self.taken.push((counter, proposed.pieces)),
                        }
                    }
                    let rows = cheapest(proposed.pieces, &proposed.rows, lines);
                    let held = rows.iter().fold(0i64, |sum, (_, pieces)| sum.saturating_add(*pieces));
                    let added = proposed.pieces.saturating_sub(held);
                    self.chosen.push(Chosen { run, site: proposed.site, rows, added });
                }
            }
        }
        Ok(())
    }

    fn choose<'o>(&self, around: &Surroundings<'_>, gift: &Gift, options: &'o [Proposed]) -> Taken<'o> {
        let of = |proposed: &Proposed| gift.options.get(usize::try_from(proposed.option).ok()?);
        let in_stock = |proposed: &Proposed| {
            of(proposed).is_some_and(|option| {
                option.stock.is_none_or(|(stock, counter)| {
                    let here =
                        self.taken.iter().find(|(of, _)| *of == counter).map_or(0, |(_, taken)| *taken);
                    let before = around.claimed.claimed(counter);
                    stock.saturating_sub(before).saturating_sub(here) >= proposed.pieces
                })
            })
        };
        let asked = gift.chosen.and_then(|slot| around.record.event.get(slot.index()).copied());
        let asked = asked.filter(|asked| *asked != MISSING);
        let is_asked = |proposed: &&Proposed| {
            let bits = of(proposed).and_then(|o| around.bindings.references.get(o.reference.index()));
            asked.zip(bits).is_some_and(|(asked, bits)| bits.contains(asked))
        };
        for choice in options.chunk_by(|a, b| of(a).map(|o| o.choice) == of(b).map(|o| o.choice)) {
            let left: Vec<&Proposed> = choice.iter().filter(|proposed| in_stock(proposed)).collect();
            if left.is_empty() {
                continue;
            }
            let list = || Taken::Left(left.iter().map(|proposed| proposed.option).collect());
            if choice.iter().any(|proposed| is_asked(&proposed)) {
                let found = left.iter().copied().find(is_asked);
                return found.map_or_else(list, Taken::One);
            }
            let held = |proposed: &&Proposed| {
                let held = proposed.rows.iter().fold(0i64, |sum, (_, pieces)| sum.saturating_add(*pieces));
                held >= proposed.pieces
            };
            return match left.as_slice() {
                [only] => Taken::One(only),
                several => several.iter().copied().find(held).map_or_else(list, Taken::One),
            };
        }
        Taken::Nothing
    }
}

/// What becomes of a gift.
enum Taken<'o> {
    /// None of its products is left.
    Nothing,
    /// One is given.
    One(&'o Proposed),
    /// The member may choose among these.
    Left(Vec<u32>),
}

/// So many pieces of these at most, those that cost least first, then those of earlier lines.
fn cheapest(pieces: i64, rows: &[(u32, i64)], lines: &mut [Line]) -> Vec<(u32, i64)> {
    let mut order: Vec<(u32, i64, i128, i128)> = Vec::new();
    for (row, pieces) in rows {
        let Some(line) = line_of(lines, *row) else { continue };
        order.push((*row, *pieces, i128::from(line.initial), i128::from(line.pieces.max(1))));
    }
    // Two quotients of 64-bit numbers compare by their cross products.
    order.sort_by(|a, b| a.2.saturating_mul(b.3).cmp(&b.2.saturating_mul(a.3)).then(a.0.cmp(&b.0)));
    let mut left = pieces;
    let mut out = Vec::new();
    for (row, held, _, _) in order {
        let taken = held.min(left);
        if taken > 0 {
            out.push((row, taken));
            left = left.saturating_sub(taken);
        }
    }
    out.sort_unstable();
    out
}
