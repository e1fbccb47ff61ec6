//! The closed list of what emitted code may call. Expanded here to names and signatures and in the runtime to bodies,
//! so that a helper without a body does not compile.
//!
//! Each takes the context and words and gives a status: 0, or the code of a fault's kind. Results lie in the
//! context's `LOW` and `HIGH`. A 128-bit number is two words, low and high.

/// Expands a macro with the list.
#[macro_export]
macro_rules! native_helpers {
    ($expand:ident) => {
        $expand! {
            /// Product of two `I128`.
            Multiply multiply(a_low, a_high, b_low, b_high);
            /// Rounded quotient of two `I128`; the last says how it rounds.
            Divide divide(a_low, a_high, b_low, b_high, rounding);
            /// Quotient of two `I128`, rounded down.
            Floor floor(a_low, a_high, b_low, b_high);
            /// `Modulo` of two `I128`.
            Modulo modulo(a_low, a_high, b_low, b_high);
            /// `Modulo` of two `I64`.
            ModuloWord modulo_word(a, b);
            /// `AddMonths`.
            AddMonths add_months(day, months);
            /// `Calendar`; the first says which part.
            Calendar calendar(part, day);
            /// `InstantOf`.
            InstantOf instant_of(day, second);
            /// `Clock` of a day.
            ClockDay clock_day(instant);
            /// `Clock` of a second of the day.
            ClockSecond clock_second(instant);
            /// `SetHas`.
            SetHas set_has(set, reference);
            /// `SetContains`.
            SetContains set_contains(set, symbol);
            /// `NewSelection`, into a buffer.
            NewSelection new_selection(buffer);
            /// `PickExtreme`, from a buffer into another.
            PickExtreme pick_extreme(selection, buffer, count, flags);
            /// `PickInEvery`, from a buffer into another.
            PickInEvery pick_in_every(selection, buffer, count, every, flags);
            /// `PickEveryNth`, from a buffer into another.
            PickEveryNth pick_every_nth(selection, buffer, nth, key, flags);
            /// `NewBag`.
            NewBag new_bag(bag);
            /// `Put`.
            Put put(bag, number);
            /// `Distinct`.
            Distinct distinct(bag);
            /// `NewSets`.
            NewSets new_sets(sets);
            /// `SetPart`.
            SetPart set_part(sets, selection, count);
            /// `SetTerm`; a part below zero is none.
            SetTerm set_term(sets, part, flags, count, num_low, num_high, den_low, den_high);
            /// `ChooseSets`.
            ChooseSets choose_sets(sets, most, member, key);
            /// `SetTimes`.
            SetTimes set_times(sets, list);
            /// `SetUnits`; a part below zero is none.
            SetUnits set_units(sets, list, part, buffer);
            /// `Derive`.
            Derive derive(word);
            /// `Award`; a row below zero is none.
            Award award(site, num_low, num_high, den_low, den_high, row);
            /// `Discount`.
            Discount discount(site, selection, num_low, num_high, den_low, den_high);
            /// `Discount` of a selection that holds nothing but so many pieces of one line.
            DiscountLine discount_line(site, row, pieces, num_low, num_high, den_low, den_high);
        }
    };
}

macro_rules! signatures {
    ($($(#[$doc:meta])* $variant:ident $name:ident($($parameter:ident),*);)*) => {
        /// A helper.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Helper { $($(#[$doc])* $variant,)* }

        impl Helper {
            /// All of them.
            pub const ALL: &[Helper] = &[$(Helper::$variant),*];

            /// The symbol that emitted code asks for.
            pub fn symbol(self) -> &'static str {
                match self { $(Helper::$variant => concat!("perq_", stringify!($name)),)* }
            }

            /// How many words it takes after the context.
            pub fn words(self) -> usize {
                match self { $(Helper::$variant => [$(stringify!($parameter)),*].len(),)* }
            }
        }
    };
}

native_helpers!(signatures);

/// Bit of a pick's flags: whole lines rather than pieces.
pub const WHOLE_LINES: i64 = 1;
/// Bit of a pick's flags: the cheapest, or largest first.
pub const TURNED: i64 = 2;
