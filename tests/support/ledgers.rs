//! Places for ledgers: files, and databases of a PostgreSQL server that lives as long as the test. Also a programme in
//! which everything is kept that can be, and random events for it.

use crate::root;
use perq_compiler::pipeline::{Input, NoFiles, compile};
use perq_runtime::engine::{Engine, EngineKind};
use perq_runtime::pack::Pack;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where a ledger can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// In a file.
    Sqlite,
    /// On a server.
    Postgres,
}

impl Backend {
    /// Both.
    pub const ALL: [Backend; 2] = [Backend::Sqlite, Backend::Postgres];

    /// A place where nothing is kept yet, as `perq_ledger::open` takes it.
    ///
    /// # Panics
    /// Where there is no server and none can be installed: then nothing is known of it, and the test has failed.
    pub fn place(self) -> String {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        match self {
            Backend::Sqlite => {
                static FOLDER: OnceLock<PathBuf> = OnceLock::new();
                let folder = FOLDER.get_or_init(|| crate::scratch(&format!("ledger-{}", std::process::id())));
                let path = folder.join(format!("{number}.ledger"));
                for ending in ["", "-wal", "-shm"] {
                    drop(std::fs::remove_file(format!("{}{ending}", path.display())));
                }
                path.display().to_string()
            }
            Backend::Postgres => {
                let server = server();
                let name = format!("ledger_{number}");
                server.database(&name);
                server.address(&name)
            }
        }
    }
}

/// A server of this process.
#[derive(Debug)]
pub struct Server {
    folder: PathBuf,
}

impl Server {
    /// Starts one that goes away with this process.
    ///
    /// # Panics
    /// Where there is none and none can be installed.
    pub fn start() -> Server {
        let pid = std::process::id().to_string();
        let output = Server::script(&["start", &pid]);
        let folder = String::from_utf8_lossy(&output).trim().to_owned();
        assert!(Path::new(&folder).is_dir(), "no folder of a server: {folder}");
        Server { folder: PathBuf::from(folder) }
    }

    fn script(arguments: &[&str]) -> Vec<u8> {
        let script = root().join(".ci/postgres");
        let output = Command::new(&script).args(arguments).output().expect("the script can be run");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} {arguments:?}: {said}", script.display());
        output.stdout
    }

    /// The address of a database.
    pub fn address(&self, database: &str) -> String {
        format!("postgresql:///{database}?host={}&user=perq", self.folder.display())
    }

    /// Makes a database.
    ///
    /// # Panics
    /// Where it cannot be made.
    pub fn database(&self, name: &str) {
        Server::script(&["database", &self.folder.display().to_string(), name]);
    }

    /// Kills all of its processes at once.
    pub fn crash(&self) {
        Server::script(&["crash", &self.folder.display().to_string()]);
    }

    /// Starts it again.
    pub fn again(&self) {
        Server::script(&["again", &self.folder.display().to_string()]);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What is left goes with this process.
        drop(Command::new(root().join(".ci/postgres")).arg("stop").arg(&self.folder).output());
    }
}

/// The server that the tests of this process share.
pub fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::start)
}

/// An engine of a programme.
///
/// # Panics
/// Where the rules have errors.
pub fn engine(rules: &str) -> Engine {
    let input = Input { path: "rules.rule".to_owned(), text: rules.to_owned() };
    let compilation = compile(&[input], &NoFiles);
    let said: Vec<_> = compilation.diagnostics.iter().map(|d| format!("{}: {}", d.name, d.message)).collect();
    let pack = Pack::of(compilation.program.unwrap_or_else(|| panic!("{said:#?}")));
    Engine::builder(pack).kind(EngineKind::Interpreter).build().expect("an engine")
}

/// Random events of a few members, mostly in the order of time, with codes that were issued, payments with points, goods
/// that come back and some that are sent again, for [`EVERYTHING`].
pub fn random_events(seed: u64, many: usize) -> Vec<String> {
    let mut state = seed;
    let mut dice = |most: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % most
    };
    let mut out: Vec<String> = Vec::new();
    // Purchases: id, and pieces of `A` and of `B`.
    let mut bought: Vec<(String, u64, u64)> = Vec::new();
    for number in 0..many {
        if number > 3 && dice(12) == 0 {
            let again = dice(number as u64) as usize;
            out.push(out[again].clone());
            continue;
        }
        // About an event every seven hours from 1 January; one in ten comes late by up to ten days.
        let mut hour = (number as u64) * 7 + dice(7);
        if dice(10) == 0 {
            hour = hour.saturating_sub(dice(240));
        }
        let (day, hour) = (hour / 24, hour % 24);
        let (month, day) = (day / 28 + 1, day % 28 + 1);
        let at = format!("2026-{month:02}-{day:02}T{hour:02}:{:02}:00", dice(60));
        let member = format!("m{}", dice(6));
        if dice(5) == 0 {
            let amount = 100 + dice(500);
            let kind = if dice(3) == 0 { "present" } else { "gift" };
            out.push(format!(
                r#"{{"id":"e{number}","kind":"{kind}","at":"{at}","member":"{member}","amount":"{amount}"}}"#
            ));
            continue;
        }
        if !bought.is_empty() && dice(5) == 0 {
            // Mostly of one of the last ones; some bring back too much, or what nobody bought, or are somebody else's.
            let back = 1 + dice(bought.len().min(12) as u64) as usize;
            let (of, first, second) = &bought[bought.len() - back];
            let mut lines = vec![format!(r#"{{"sku":"A","qty":{}}}"#, 1 + dice(*first + 1))];
            if *second > 0 && dice(2) == 0 {
                lines.push(format!(r#"{{"sku":"B","qty":{}}}"#, 1 + dice(*second)));
            }
            let of = if dice(15) == 0 { "nothing" } else { of };
            let who = if dice(10) == 0 { format!(r#","member":"{member}""#) } else { String::new() };
            out.push(format!(
                r#"{{"id":"e{number}","kind":"return","of":"{of}","at":"{at}"{who},"lines":[{}]}}"#,
                lines.join(",")
            ));
            continue;
        }
        let invited = if dice(4) == 0 { r#","invited_by":"m5""# } else { "" };
        let member = match dice(12) {
            0 => "null".to_owned(),
            _ => format!(r#"{{"id":"{member}"{invited}}}"#),
        };
        let coupons = match dice(6) {
            0 => r#","coupons":["spring"]"#.to_owned(),
            1 => format!(r#","coupons":["next5-e{}-1"]"#, dice(number as u64 + 1)),
            _ => String::new(),
        };
        let redeem = match dice(4) {
            0 => r#","redeem":{"pay_with_points":"150"}"#,
            _ => "",
        };
        let store = match dice(3) {
            0 => String::new(),
            number => format!(r#","store":"S{number}""#),
        };
        let pieces = 1 + dice(2);
        let price = (10 + dice(95)) / pieces;
        let mut lines = format!(r#"{{"sku":"A","qty":{pieces},"price":"{price}.00"}}"#);
        let tea = dice(4);
        if tea > 0 {
            lines.push_str(&format!(r#",{{"sku":"B","category":"Tea","qty":{tea},"price":"2.35"}}"#));
        }
        bought.push((format!("e{number}"), pieces, tea));
        out.push(format!(
            r#"{{"id":"e{number}","kind":"purchase","at":"{at}","member":{member}{store}{coupons}{redeem},"lines":[{lines}]}}"#
        ));
    }
    out
}

/// A programme in which everything is kept that can be.
pub const EVERYTHING: &str = r#"language 1
program everything { currency EUR zone "Europe/Rome" rounding half_up }

account bonus {
  unit points decimals 0
  redeemable
  round down per basket
  worth 100 points = 1 EUR
  expire 60 days after award
  melt 20% of awarded every 10 days from 20 days after award
  shortfall debt
}
account chips { unit chips decimals 0 shortfall clamp }
account debts { unit marks decimals 2 not_below -50.00 marks round down per basket worth 1 marks = 1 EUR }

extend member { spent: money = 0 EUR  home: store?  seen: instant? }

counter visits "Purchases in 30 days" per member = count(earlier purchases within last 30 days)

tiers club {
  measure member.spent
  level base from 0 EUR
  level silver from 60 EUR
  level gold from 90 EUR
  upgrade at_once
  downgrade one_level
  review every month at 03:00
}

tiers regulars {
  measure sum(purchase.paid for earlier purchases within last 30 days where not purchase.returned)
  level new from 0 EUR
  level usual from 150 EUR
  level old from 300 EUR
  upgrade at_once
  downgrade to_measure
  keep until end_of_month(event.date)
  review every week
}

badge big_spender { when basket.paid >= 95 EUR }

coupon next5 {
  codes unique
  uses 2 times
  then discount 5 EUR on basket spread by paid
}

coupon friendly {
  codes unique
  then discount 3 EUR on basket spread by paid
}

coupon spring {
  codes shared "SPRING"
  uses 3 times per member
  uses 40 times
  then discount 2 EUR on basket spread by paid
}

event gift { amount: points }
group gifts { kind earn displace none on gift when member known }
rule given in group gifts { then award event.amount available after 5 days }

event present { amount: points }
group presents { kind earn displace none on present when member known }
rule mondays in group presents {
  when event.amount < 200 points
  then award event.amount
  spendable { schedule days [mon, tue, wed] }
}
rule for_tea in group presents {
  when event.amount >= 200 points
  then award event.amount
  spendable { after 2 days for lines where line in category "Tea" }
}

group mugs { kind order_discount displace none on purchase when member known }
rule mug in group mugs {
  when basket.paid >= 85 EUR
  then gift 1 pcs of sku "MUG" stock 4 pcs else sku "PEN" stock 9 pcs else nothing
}

group chip_offers { kind set_discount displace none on_price original on purchase }
rule pan "3 chips: 4 euro off" in group chip_offers {
  when member known and basket.paid >= 30 EUR
  then {
    debit 3 chips from chips
    discount 4 EUR on basket spread by paid
  }
}

redemption pay_with_points {
  from bonus
  for lines where line.kind = product
  member chooses amount
  rate 100 points = 1 EUR
  at least 100 points
  step 50 points
  if_short say cashier "Not enough points"
}

group earn { kind earn displace none on purchase when member known }
rule base_rate in group earn {
  limit 300 points per member within last 20 days else cut
  then award by member.tier { base => 5, silver => 7, gold => 9 } * 1 points * steps of 1 EUR in basket.paid
}
rule welcome in group earn { when visits = 0 then award 20 points }
rule often in group earn { when visits >= 2 then award 1 chips }
rule budgeted in group earn {
  budget 3_000 points within this month else cut
  budget 2_000 points within last 15 days else cut
  then award 11 points
}
rule owes in group earn {
  when basket.paid >= 50 EUR
  then {
    debit 7.25 marks from debts
  }
}
rule pays in group earn { when basket.paid < 50 EUR then award 3 marks }
rule friend in group earn {
  limit 40 points per inviter within this month else cut
  when member.invited_by known
  then award 5 points to member.invited_by.bonus
}
rule at_home in group earn {
  when member.home known and purchase.store known and member.home = purchase.store
  then award 2 points
}
rule soon in group earn { when member.seen known and event.at < member.seen + 30 hours then award 3 points }
rule by_regularity in group earn { then award by member.regulars { new => 1, usual => 2, old => 3 } * 1 points }
rule later in group earn {
  then for each line in lines where line in category "Tea" {
    award 5% of line.paid as points available after 5 days cancel on return proportional
  }
}
rule many in group earn {
  limit 3 times per member within last 20 days else skip
  when sum(line.pieces_kept for earlier lines within last 30 days) >= 4 pcs
  then award 1 chips
}

group keeping { kind state displace none on purchase when member known }
rule spends in group keeping { then set member.spent to basket.paid }
rule home in group keeping {
  when purchase.store known
  then set member.home to purchase.store until 2026-02-20
}
rule seen in group keeping { then set member.seen to event.at }
rule thanks in group keeping {
  limit 2 times per member else skip
  when member.invited_by known
  then issue coupon friendly to member.invited_by expires after 40 days
}
rule next_time in group keeping { when basket.paid >= 80 EUR then issue coupon next5 expires after 9 days }

group levels { kind earn displace none on tier_change when member known }
rule up in group levels {
  budget 1_000 points within this month else cut
  when member.tier = gold or member.regulars = old
  then {
    award 9 points
    issue coupon next5 expires after 9 days
  }
}
rule spends_all in group levels {
  when member.regulars = new and member.balance.chips >= 1 chips
  then debit 1 chips
}

group backs { kind earn displace none on return when member known }
rule sorry in group backs { when event.points_missing.bonus > 0 points then award 1 chips }
"#;
