//! Ten million random commands, in memory: how many a second, and whether the books balance.
//!
//! `make bench` runs it. The number of commands can be given as an argument.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::time::Instant;

use realmwright::licence::{Accounts, Command, LicenceTerms, Measure, ORGANIZATIONS, Policy};

const ORGANIZATIONS_AT_ONCE: u64 = 2_000;
const RESOURCES: [(&str, Measure); 4] = [
    ("users", Measure::Gauge),
    ("devices", Measure::Gauge),
    ("vpn-months", Measure::Counter),
    ("iot-credits", Measure::Counter),
];

/// xorshift64*: the same commands in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }

    fn amount(&mut self, bound: u64) -> i64 {
        i64::try_from(self.below(bound)).unwrap()
    }

    fn resource(&mut self) -> String {
        RESOURCES[usize::try_from(self.below(4)).unwrap()].0.to_owned()
    }
}

/// Names that are used up are followed by new ones, as the oldest organizations are deleted.
struct Script {
    random: Random,
    names: u64,
    serials: u64,
    tokens: u64,
}

impl Script {
    fn name(&mut self) -> String {
        let recent = self.names.clamp(1, ORGANIZATIONS_AT_ONCE);
        format!("o{}", self.names - self.random.below(recent).min(self.names))
    }

    fn next(&mut self) -> Command {
        let organization = self.name();
        match self.random.below(100) {
            0..12 => {
                self.names += 1;
                let own_licences = self.random.below(12) == 0;
                let grants = ["users", "devices", ORGANIZATIONS, "vpn-months"];
                let grants = grants.map(|name| (name.to_owned(), self.random.amount(30)));
                let grants = if own_licences { BTreeMap::new() } else { BTreeMap::from(grants) };
                let name = format!("o{}", self.names);
                let dealer = self.random.below(5) == 0;
                Command::Create { organization: name, parent: Some(organization), own_licences, dealer, grants }
            }
            12..22 => Command::Delete {
                organization: format!("o{}", self.names.saturating_sub(ORGANIZATIONS_AT_ONCE) + 1),
                cascade: true,
            },
            22..34 => Command::Grant {
                organization,
                grants: BTreeMap::from([(self.random.resource(), self.random.amount(60))]),
            },
            34..60 => Command::Use { organization, resource: self.random.resource(), amount: self.random.amount(5) },
            60..75 => {
                Command::Release { organization, resource: self.random.resource(), amount: self.random.amount(4) }
            }
            75..80 => {
                self.serials += 1;
                let dealer = (self.random.below(2) == 0).then_some(organization);
                let quantities = RESOURCES.map(|(name, _)| (name.to_owned(), self.random.amount(20)));
                Command::Issue(self.terms(dealer, BTreeMap::from(quantities)))
            }
            80..90 => Command::Redeem {
                organization,
                serial: format!("L{}", self.serials - self.random.below(20).min(self.serials)),
            },
            90..92 => {
                Command::Revoke { serial: format!("L{}", self.serials - self.random.below(50).min(self.serials)) }
            }
            92..96 => Command::Move { organization, parent: self.name() },
            96..98 => {
                self.tokens += 1;
                Command::ImportToken { to: organization, token: format!("T{}", self.tokens) }
            }
            _ => Command::MoveDevice { from: organization, token: format!("T{}", self.tokens) },
        }
    }

    fn terms(&mut self, dealer: Option<String>, quantities: BTreeMap<String, i64>) -> LicenceTerms {
        LicenceTerms {
            serial: format!("L{}", self.serials),
            dealer,
            product: String::new(),
            licence_type: String::new(),
            quantities,
            valid_from: None,
            expiry: i64::try_from(self.serials).unwrap() * 40 + 20_000,
            renewal: (self.random.below(10) == 0).then_some(5_000),
            on_expiry: Policy::Restrict,
        }
    }
}

fn main() {
    let wanted = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(10_000_000_u64);
    let mut accounts = Accounts::default();
    for (resource, measure) in RESOURCES {
        accounts.execute(0, &Command::DefineResource { resource: resource.into(), measure }).unwrap();
    }
    let mut script = Script { random: Random(42), names: 0, serials: 0, tokens: 0 };
    let root = Command::Create {
        organization: "o0".into(),
        parent: None,
        own_licences: true,
        dealer: true,
        grants: BTreeMap::new(),
    };
    accounts.execute(0, &root).unwrap();
    let all =
        [ORGANIZATIONS, "users", "devices", "vpn-months", "iot-credits"].map(|name| (name.to_owned(), 1_000_000_000));
    let mut terms = script.terms(None, BTreeMap::from(all));
    terms.expiry = 200_000_000_000;
    accounts.execute(0, &Command::Issue(terms)).unwrap();
    accounts.execute(0, &Command::Redeem { organization: "o0".into(), serial: "L0".into() }).unwrap();

    let (mut accepted, mut spent) = (0_u64, std::time::Duration::ZERO);
    let mut done = 0;
    while done < wanted {
        let some: Vec<(i64, Command)> =
            (done..wanted.min(done + 100_000)).map(|at| (i64::try_from(at * 2).unwrap(), script.next())).collect();
        let begun = Instant::now();
        accepted += some.iter().filter(|(at, command)| accounts.execute(*at, command).is_ok()).count() as u64;
        spent += begun.elapsed();
        done += some.len() as u64;
        let violations = accounts.violations();
        assert!(violations.is_empty(), "after {done} commands: {violations:?}");
    }
    let rate = done as f64 / spent.as_secs_f64();
    println!("{done} commands, {accepted} accepted, no violation, {rate:.0} a second");
}
