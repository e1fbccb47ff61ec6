//! Terms and conditions: what a member may rely on, in chapters.
//!
//! Refuses to know how a page looks. What stands in rules is told from them; how returns and payments work everywhere is said
//! once, as `docs/language/returns.md` has it.

use crate::phrase::{Language, Phrase};
use crate::writer::{Block, Book, Entry, Kind, Reader, Section};
use perq_compiler::pipeline::lower_only;
use std::collections::BTreeSet;

/// A document for members.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The programme's title.
    pub title: String,
    /// What kind of document it is.
    pub heading: &'static str,
    /// In order.
    pub chapters: Vec<Chapter>,
}

/// A part of it.
#[derive(Clone, Debug)]
pub struct Chapter {
    /// Its heading.
    pub title: String,
    /// What holds before its sections.
    pub blocks: Vec<Block>,
    /// Each with its level below the chapter: a rule stands below its group.
    pub sections: Vec<(usize, Section)>,
}

impl Terms {
    /// Of a programme.
    pub fn of(book: &Book<'_>, language: Language) -> Terms {
        let mut maker = Maker { book, language, mentions: BTreeSet::new(), chapters: Vec::new() };
        maker.chapter(["The programme", "Программа", "Il programma"], &[], &[Kind::Program]);
        maker.chapter(
            ["Points and how long they last", "Баллы и срок их действия", "I punti e la loro durata"],
            &[],
            &[Kind::Account],
        );
        maker.chapter(["Levels", "Уровни", "Livelli"], &[], &[Kind::Tiers, Kind::Badge]);
        maker.rules();
        maker.chapter(
            ["Coupons and certificates", "Купоны и сертификаты", "Coupon e certificati"],
            &[],
            &[Kind::Coupon, Kind::Certificate],
        );
        maker.chapter(
            ["Paying with points", "Оплата баллами", "Pagamento con punti"],
            &[[
                "what ends first is spent first",
                "сначала тратится то, что раньше сгорает",
                "si spende prima ciò che scade prima",
            ]],
            &[Kind::Redemption],
        );
        maker.chapter(["Offers", "Предложения", "Offerte"], &[], &[Kind::Offer]);
        // Where a programme does not speak of returns, nothing is kept for them.
        if lower_only(&book.study().compilation).is_some_and(|program| program.returns) {
            maker.returns();
        }
        maker.words();
        let title = book.title(language);
        let heading = language.pick(&["Terms and conditions", "Правила участия", "Regolamento"]);
        Terms { title, heading, chapters: maker.chapters }
    }
}

struct Maker<'a, 'b> {
    book: &'b Book<'a>,
    language: Language,
    mentions: BTreeSet<String>,
    chapters: Vec<Chapter>,
}

impl<'a> Maker<'a, '_> {
    fn said(&self, texts: &[[&'static str; 3]]) -> Vec<Block> {
        texts
            .iter()
            .map(|text| Block { depth: 0, text: Phrase::words(self.language.pick(text)).sentence() })
            .collect()
    }

    /// Chapters are numbered as they come.
    fn add(&mut self, title: [&'static str; 3], blocks: Vec<Block>, sections: Vec<(usize, Section)>) {
        let title = format!("{}. {}", self.chapters.len().saturating_add(1), self.language.pick(&title));
        self.chapters.push(Chapter { title, blocks, sections });
    }

    fn section(&mut self, entry: &Entry<'a>) -> Section {
        let section = self.book.section(entry, self.language, Reader::Member);
        self.mentions.extend(section.mentions.iter().cloned());
        section
    }

    /// A chapter of declarations of some kinds; none where there are none.
    fn chapter(&mut self, title: [&'static str; 3], before: &[[&'static str; 3]], kinds: &[Kind]) {
        let entries: Vec<Entry<'a>> = self
            .book
            .entries()
            .iter()
            .filter(|entry| kinds.contains(&entry.kind) && !entry.is_switched_off())
            .copied()
            .collect();
        if entries.is_empty() {
            return;
        }
        let sections = entries.iter().map(|entry| (1, self.section(entry))).collect();
        let blocks = self.said(before);
        self.add(title, blocks, sections);
    }

    /// Groups in the order in which they are settled, each with its rules.
    fn rules(&mut self) {
        let mut sections = Vec::new();
        let groups: Vec<String> =
            self.book.study().compilation.typed.groups.iter().map(|group| group.name.clone()).collect();
        for name in &groups {
            let entries = self.book.entries();
            let Some(group) = entries.iter().find(|entry| entry.kind == Kind::Group && entry.name == name)
            else {
                continue;
            };
            if group.is_switched_off() {
                continue;
            }
            let rules: Vec<Entry<'a>> = entries
                .iter()
                .filter(|entry| {
                    entry.kind == Kind::Rule
                        && entry.group().as_ref() == Some(name)
                        && !entry.is_switched_off()
                })
                .copied()
                .collect();
            if rules.is_empty() {
                continue;
            }
            let group = *group;
            sections.push((1, self.section(&group)));
            for rule in &rules {
                sections.push((2, self.section(rule)));
            }
        }
        if sections.is_empty() {
            return;
        }
        let blocks = self.said(&[[
            "what a group says holds for each of its rules; groups are settled in this order",
            "сказанное о группе относится к каждому её правилу; группы применяются в этом порядке",
            "ciò che dice un gruppo vale per ogni sua regola; i gruppi si applicano in questo ordine",
        ]]);
        self.add(
            ["What members get", "Что получают участники", "Che cosa ottengono i partecipanti"],
            blocks,
            sections,
        );
    }

    /// What holds of returns in every programme; what an account says of a shortfall stands with the account.
    fn returns(&mut self) {
        let blocks = self.said(&[
            [
                "who brings goods back gets for each piece exactly what was paid for it, after all discounts; prices are not worked out again",
                "при возврате за каждую штуку возвращается ровно то, что за неё заплачено с учётом всех скидок; цены заново не рассчитываются",
                "chi restituisce merce riceve per ogni pezzo esattamente quanto è stato pagato, dopo tutti gli sconti; i prezzi non si ricalcolano",
            ],
            [
                "points, limits and levels are worked out again as if the goods had not been bought, and the difference is booked",
                "баллы, ограничения и уровни рассчитываются заново, как если бы товар не покупали, и проводится разница",
                "punti, limiti e livelli si ricalcolano come se la merce non fosse stata acquistata, e si registra la differenza",
            ],
            [
                "coupons, certificates and badges that the goods brought are taken back as far as they would not have been given without them, and a coupon that paid for goods that all came back can be used once more",
                "купоны, сертификаты и значки, полученные за товар, отзываются, если без него их бы не дали, а купон, использованный на полностью возвращённый товар, можно использовать снова",
                "coupon, certificati e distintivi ottenuti con la merce si ritirano nella misura in cui senza di essa non sarebbero stati dati, e un coupon usato per merce restituita per intero si può usare di nuovo",
            ],
            [
                "points that paid for the goods go back to where they came from and keep their own dates of expiry",
                "баллы, которыми оплачен товар, возвращаются на прежнее место и сохраняют свой срок действия",
                "i punti con cui la merce è stata pagata tornano al loro posto e conservano la propria scadenza",
            ],
        ]);
        self.add(["Returns", "Возвраты", "Resi"], blocks, Vec::new());
    }

    /// What names mean that the other chapters use.
    fn words(&mut self) {
        let sections: Vec<(usize, Section)> = self
            .book
            .glossary(&self.mentions, self.language, Reader::Member)
            .into_iter()
            .map(|section| (1, section))
            .collect();
        if sections.is_empty() {
            return;
        }
        self.add(["Words", "Понятия", "Termini"], Vec::new(), sections);
    }
}
