//! Numbers, money, dates and counted things as each language writes them.
//!
//! Refuses to know rules; numbers are texts of digits all the way, never floats.

use crate::phrase::{Gender, Language, Noun, Phrase};

/// No line may end behind it.
const NARROW: char = '\u{a0}';

/// Digits in groups of three, with the language's decimal sign.
pub fn number(language: Language, text: &str) -> String {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let trimmed = whole.trim_start_matches('0');
    let whole = if trimmed.is_empty() { "0" } else { trimmed };
    let (group, point) = match language {
        Language::English => (',', '.'),
        Language::Russian => (NARROW, ','),
        Language::Italian => ('.', ','),
    };
    let mut out = String::new();
    let digits = whole.chars().count();
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (digits - position).is_multiple_of(3) {
            out.push(group);
        }
        out.push(digit);
    }
    if !part.is_empty() {
        out.push(point);
        out.push_str(part);
    }
    out
}

/// An amount: no decimals where it is whole, else all that the currency has.
pub fn money(language: Language, text: &str, currency: &str, decimals: u8) -> String {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = if part.bytes().all(|digit| digit == b'0') { "" } else { part };
    let mut amount = number(language, whole);
    if !part.is_empty() {
        amount.push(if language == Language::English { '.' } else { ',' });
        amount.push_str(part);
        for _ in part.len()..usize::from(decimals) {
            amount.push('0');
        }
    }
    let sign = match currency {
        "EUR" => "€",
        "RUB" => "₽",
        "USD" => "$",
        "GBP" => "£",
        other => other,
    };
    match (language, sign) {
        (Language::English, "€" | "$" | "£") => format!("{sign}{amount}"),
        (Language::English | Language::Russian | Language::Italian, _) => format!("{amount}{NARROW}{sign}"),
    }
}

/// A part of a hundred.
pub fn percent(language: Language, text: &str) -> String {
    match language {
        Language::English | Language::Italian => format!("{}%", number(language, text)),
        Language::Russian => format!("{}{NARROW}%", number(language, text)),
    }
}

const MONTHS: [[&str; 3]; 12] = [
    ["January", "января", "gennaio"],
    ["February", "февраля", "febbraio"],
    ["March", "марта", "marzo"],
    ["April", "апреля", "aprile"],
    ["May", "мая", "maggio"],
    ["June", "июня", "giugno"],
    ["July", "июля", "luglio"],
    ["August", "августа", "agosto"],
    ["September", "сентября", "settembre"],
    ["October", "октября", "ottobre"],
    ["November", "ноября", "novembre"],
    ["December", "декабря", "dicembre"],
];

/// A day; in Italian with its article.
pub fn date(language: Language, text: &str) -> Phrase {
    let mut parts = text.split('-');
    let (year, month, day) =
        (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let day = day.trim_start_matches('0');
    let Some(names) = month.parse().ok().and_then(|month: usize| MONTHS.get(month.wrapping_sub(1))) else {
        return Phrase::words(text);
    };
    let month = language.pick(names);
    Phrase::words(match language {
        Language::English => format!("{day}{NARROW}{month} {year}"),
        Language::Russian => format!("{day}{NARROW}{month} {year}{NARROW}года"),
        Language::Italian => match day {
            "1" => format!("il 1º{NARROW}{month} {year}"),
            "8" | "11" => format!("l’{day}{NARROW}{month} {year}"),
            other => format!("il {other}{NARROW}{month} {year}"),
        },
    })
}

/// A point in time.
pub fn instant(language: Language, day: &str, time: &str) -> Phrase {
    let at = language.pick(&[" at ", ", ", " alle "]);
    date(language, day).then(&Phrase::words(format!("{at}{time}")))
}

/// What is counted, in its forms: English and Italian one and several; Russian one, two, five, and one as an object.
struct Unit {
    english: [&'static str; 2],
    russian: [&'static str; 4],
    italian: [&'static str; 2],
}

const fn unit(english: [&'static str; 2], russian: [&'static str; 4], italian: [&'static str; 2]) -> Unit {
    Unit { english, russian, italian }
}

fn counted(word: &str) -> Option<Unit> {
    Some(match word {
        "second" | "seconds" => {
            unit(["second", "seconds"], ["секунда", "секунды", "секунд", "секунду"], ["secondo", "secondi"])
        }
        "minute" | "minutes" => {
            unit(["minute", "minutes"], ["минута", "минуты", "минут", "минуту"], ["minuto", "minuti"])
        }
        "hour" | "hours" => unit(["hour", "hours"], ["час", "часа", "часов", "час"], ["ora", "ore"]),
        "day" | "days" => unit(["day", "days"], ["день", "дня", "дней", "день"], ["giorno", "giorni"]),
        "week" | "weeks" => {
            unit(["week", "weeks"], ["неделя", "недели", "недель", "неделю"], ["settimana", "settimane"])
        }
        "month" | "months" => {
            unit(["month", "months"], ["месяц", "месяца", "месяцев", "месяц"], ["mese", "mesi"])
        }
        "quarter" | "quarters" => unit(
            ["quarter", "quarters"],
            ["квартал", "квартала", "кварталов", "квартал"],
            ["trimestre", "trimestri"],
        ),
        "year" | "years" => unit(["year", "years"], ["год", "года", "лет", "год"], ["anno", "anni"]),
        "time" | "times" => unit(["time", "times"], ["раз", "раза", "раз", "раз"], ["volta", "volte"]),
        "pcs" => unit(["piece", "pieces"], ["штука", "штуки", "штук", "штуку"], ["pezzo", "pezzi"]),
        "points" => unit(["point", "points"], ["балл", "балла", "баллов", "балл"], ["punto", "punti"]),
        "offers" => unit(
            ["offer", "offers"],
            ["предложение", "предложения", "предложений", "предложение"],
            ["offerta", "offerte"],
        ),
        "showings" => unit(
            ["showing", "showings"],
            ["показ", "показа", "показов", "показ"],
            ["presentazione", "presentazioni"],
        ),
        "visits" => unit(["visit", "visits"], ["визит", "визита", "визитов", "визит"], ["visita", "visite"]),
        "stars" => unit(["star", "stars"], ["звезда", "звезды", "звёзд", "звезду"], ["stella", "stelle"]),
        "vouchers" => {
            unit(["voucher", "vouchers"], ["ваучер", "ваучера", "ваучеров", "ваучер"], ["buono", "buoni"])
        }
        "stickers" => unit(
            ["sticker", "stickers"],
            ["наклейка", "наклейки", "наклеек", "наклейку"],
            ["bollino", "bollini"],
        ),
        "sets" => unit(["set", "sets"], ["набор", "набора", "наборов", "набор"], ["set", "set"]),
        "chips" => unit(["chip", "chips"], ["фишка", "фишки", "фишек", "фишку"], ["gettone", "gettoni"]),
        "miles" => unit(["mile", "miles"], ["миля", "мили", "миль", "милю"], ["miglio", "miglia"]),
        "kg" => unit(["kg", "kg"], ["кг", "кг", "кг", "кг"], ["kg", "kg"]),
        "g" => unit(["g", "g"], ["г", "г", "г", "г"], ["g", "g"]),
        "l" => unit(["l", "l"], ["л", "л", "л", "л"], ["l", "l"]),
        "ml" => unit(["ml", "ml"], ["мл", "мл", "мл", "мл"], ["ml", "ml"]),
        _ => return None,
    })
}

/// Which of the Russian forms follows a number: 0 as one, 1 as two, 2 as five.
pub fn russian_form(text: &str) -> usize {
    if text.contains('.') {
        return 1;
    }
    let mut last = text.bytes().rev().filter(u8::is_ascii_digit).map(|digit| digit - b'0');
    let (ones, tens) = (last.next().unwrap_or(0), last.next().unwrap_or(0));
    match (tens, ones) {
        (1, _) => 2,
        (_, 1) => 0,
        (_, 2..=4) => 1,
        _ => 2,
    }
}

/// `3rd`, `11th`.
pub fn english_ordinal(digits: &str) -> String {
    let end = match (
        digits.ends_with("11") || digits.ends_with("12") || digits.ends_with("13"),
        digits.chars().last(),
    ) {
        (false, Some('1')) => "st",
        (false, Some('2')) => "nd",
        (false, Some('3')) => "rd",
        (true | false, _) => "th",
    };
    format!("{digits}{end}")
}

/// So many of something; of a unit that nobody has translated, in the author's own word.
pub fn quantity(language: Language, text: &str, word: &str) -> Noun {
    let amount = number(language, text);
    let Some(unit) = counted(word) else {
        return Phrase::words(format!("{amount}{NARROW}")).then(&Phrase::name(word)).into();
    };
    let is_one = text == "1";
    let [one, several] = match language {
        Language::English => unit.english,
        Language::Italian => unit.italian,
        Language::Russian => {
            let [one, two, five, object] = unit.russian;
            let form = russian_form(text);
            let nominative = [one, two, five].get(form).copied().unwrap_or(five);
            // From 21 days on: `от 21 дня`, `от 3 дней`.
            let genitive = if form == 0 || text.contains('.') { two } else { five };
            let accusative = if form == 0 { object } else { nominative };
            let with = |word: &str| Phrase::words(format!("{amount}{NARROW}{word}"));
            return Noun {
                plain: with(nominative),
                genitive: Some(with(genitive)),
                accusative: Some(with(accusative)),
                gender: Gender::None,
            };
        }
    };
    Phrase::words(format!("{amount}{NARROW}{}", if is_one { one } else { several })).into()
}

/// What is counted, by itself and several: `in points`.
pub fn unit_word(language: Language, word: &str) -> Phrase {
    let Some(unit) = counted(word) else { return Phrase::name(word) };
    let several = match language {
        Language::English => unit.english[1],
        Language::Italian => unit.italian[1],
        Language::Russian => match word {
            "points" => "баллах",
            "stars" => "звёздах",
            "vouchers" => "ваучерах",
            "stickers" => "наклейках",
            "chips" => "фишках",
            "miles" => "милях",
            _ => return Phrase::name(word),
        },
    };
    Phrase::words(several)
}

/// Whether what is counted has words in all languages.
pub fn is_known(word: &str) -> bool {
    counted(word).is_some()
}

/// So many of an account whose unit nobody has translated, and whose title stands in the language.
pub fn titled(language: Language, text: &str, title: &Phrase) -> Phrase {
    Phrase::words(format!("{}{NARROW}", number(language, text))).then(title)
}

/// `last 30 days`: the article and the adjective agree in Russian and Italian.
pub fn last(language: Language, text: &str, word: &str) -> Phrase {
    let is_one = text == "1";
    let feminine = matches!(word, "week" | "weeks" | "hour" | "hours");
    match language {
        Language::English if is_one => Phrase::words("within the last ")
            .then(&Phrase::words(counted(word).map_or(word, |unit| unit.english[0]))),
        Language::English => Phrase::words("within the last ").then(&quantity(language, text, word).plain),
        Language::Russian if is_one => {
            let adjective = match word {
                "week" | "weeks" | "minute" | "minutes" | "second" | "seconds" => "последнюю",
                _ => "последний",
            };
            let object = counted(word).map_or(word, |unit| unit.russian[3]);
            Phrase::words(format!("за {adjective} {object}"))
        }
        Language::Russian => {
            let quantity = quantity(language, text, word);
            Phrase::words("за последние ").then(quantity.accusative.as_ref().unwrap_or(&quantity.plain))
        }
        Language::Italian if is_one => {
            let one = counted(word).map_or(word, |unit| unit.italian[0]);
            let before = match word {
                "hour" | "hours" => "nell’ultima",
                "week" | "weeks" => "nell’ultima",
                _ => "nell’ultimo",
            };
            Phrase::words(format!("{before} {one}"))
        }
        Language::Italian => {
            let before = if feminine { "nelle ultime " } else { "negli ultimi " };
            Phrase::words(before).then(&quantity(language, text, word).plain)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_signs_of_their_language() {
        for (text, english, russian, italian) in [
            ("5", "5", "5", "5"),
            ("1000", "1,000", "1\u{a0}000", "1.000"),
            ("1234567.5", "1,234,567.5", "1\u{a0}234\u{a0}567,5", "1.234.567,5"),
            ("0.5", "0.5", "0,5", "0,5"),
        ] {
            assert_eq!(number(Language::English, text), english);
            assert_eq!(number(Language::Russian, text), russian);
            assert_eq!(number(Language::Italian, text), italian);
        }
        assert_eq!(money(Language::English, "1000.5", "EUR", 2), "€1,000.50");
        assert_eq!(money(Language::Russian, "1000.00", "RUB", 2), "1\u{a0}000\u{a0}₽");
        assert_eq!(money(Language::Italian, "0.50", "EUR", 2), "0,50\u{a0}€");
        assert_eq!(money(Language::English, "12", "PLN", 2), "12\u{a0}PLN");
        assert_eq!(percent(Language::Russian, "1.5"), "1,5\u{a0}%");
    }

    #[test]
    fn english_ordinals() {
        for (number, expected) in [
            ("1", "1st"),
            ("2", "2nd"),
            ("3", "3rd"),
            ("4", "4th"),
            ("11", "11th"),
            ("112", "112th"),
            ("21", "21st"),
        ] {
            assert_eq!(english_ordinal(number), expected);
        }
    }

    #[test]
    fn russian_counts_by_one_two_and_five() {
        for (count, expected) in [
            ("1", "1 балл"),
            ("2", "2 балла"),
            ("4", "4 балла"),
            ("5", "5 баллов"),
            ("11", "11 баллов"),
            ("12", "12 баллов"),
            ("21", "21 балл"),
            ("22", "22 балла"),
            ("100", "100 баллов"),
            ("101", "101 балл"),
            ("111", "111 баллов"),
            ("1.5", "1,5 балла"),
        ] {
            let plain = quantity(Language::Russian, count, "points").plain.to_string();
            assert_eq!(plain.replace('\u{a0}', " "), expected);
        }
        let genitive =
            |count| quantity(Language::Russian, count, "days").genitive.unwrap_or_default().to_string();
        assert_eq!(genitive("3").replace('\u{a0}', " "), "3 дней");
        assert_eq!(genitive("21").replace('\u{a0}', " "), "21 дня");
        let object =
            |count| quantity(Language::Russian, count, "weeks").accusative.unwrap_or_default().to_string();
        assert_eq!(object("1").replace('\u{a0}', " "), "1 неделю");
        assert_eq!(object("21").replace('\u{a0}', " "), "21 неделю");
        assert_eq!(object("2").replace('\u{a0}', " "), "2 недели");
    }

    #[test]
    fn days_are_written_as_people_write_them() {
        let plain = |language, text| date(language, text).to_string().replace('\u{a0}', " ");
        assert_eq!(plain(Language::English, "2026-06-01"), "1 June 2026");
        assert_eq!(plain(Language::Russian, "2026-06-01"), "1 июня 2026 года");
        assert_eq!(plain(Language::Italian, "2026-06-01"), "il 1º giugno 2026");
        assert_eq!(plain(Language::Italian, "2026-06-08"), "l’8 giugno 2026");
        assert_eq!(plain(Language::Italian, "2026-12-31"), "il 31 dicembre 2026");
    }

    #[test]
    fn the_last_so_many() {
        let plain = |language, text, word| last(language, text, word).to_string().replace('\u{a0}', " ");
        assert_eq!(plain(Language::English, "1", "hours"), "within the last hour");
        assert_eq!(plain(Language::Russian, "1", "weeks"), "за последнюю неделю");
        assert_eq!(plain(Language::Russian, "30", "days"), "за последние 30 дней");
        assert_eq!(plain(Language::Italian, "4", "weeks"), "nelle ultime 4 settimane");
        assert_eq!(plain(Language::Italian, "30", "days"), "negli ultimi 30 giorni");
        assert_eq!(plain(Language::Italian, "1", "years"), "nell’ultimo anno");
    }
}
