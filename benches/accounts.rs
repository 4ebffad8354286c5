//! Ten million random commands, in memory: how many a second, and whether the books balance. Then as many as fit into
//! half a minute, into a ledger in SQLite that is synced at each commit: one to a commit, a hundred, a thousand.
//!
//! `make bench` runs it. The number of commands in memory can be given as an argument.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use realmwright::ledger::{Answer, Cause, Ledger, Order, SqliteStore};
use realmwright::licence::{Accounts, Command, Event, LicenceTerms, Measure, ORGANIZATIONS, Policy, Refusal};

const ORGANIZATIONS_AT_ONCE: usize = 2_000;
const HALF_A_MINUTE: Duration = Duration::from_secs(30);
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

/// What somebody asks for next, most of it lawful: of organizations that are there, of which the oldest are deleted.
struct Script {
    random: Random,
    /// The root first.
    living: VecDeque<String>,
    names: u64,
    serials: u64,
    tokens: u64,
}

impl Script {
    fn new() -> Self {
        Self { random: Random(42), living: VecDeque::from(["o0".into()]), names: 0, serials: 0, tokens: 0 }
    }

    fn name(&mut self) -> String {
        self.living[usize::try_from(self.random.below(self.living.len() as u64)).unwrap()].clone()
    }

    /// The root, as often as any other one.
    fn parent(&mut self) -> String {
        if self.random.below(2) == 0 { self.living[0].clone() } else { self.name() }
    }

    fn next(&mut self) -> Command {
        let organization = self.name();
        match self.random.below(100) {
            0..10 if self.living.len() < ORGANIZATIONS_AT_ONCE => self.create(),
            0..10 => Command::Delete { organization: self.living[1].clone(), cascade: true },
            10..22 => Command::Grant {
                organization,
                grants: BTreeMap::from([(self.random.resource(), self.random.amount(60))]),
            },
            22..56 => Command::Use { organization, resource: self.random.resource(), amount: self.random.amount(5) },
            56..72 => Command::Release { organization, resource: self.random.resource(), amount: 1 },
            72..78 => {
                self.serials += 1;
                let dealer = (self.random.below(4) == 0).then_some(organization);
                let quantities = RESOURCES.map(|(name, _)| (name.to_owned(), self.random.amount(20)));
                Command::Issue(self.terms(dealer, BTreeMap::from(quantities)))
            }
            78..86 => Command::Redeem {
                organization,
                serial: format!("L{}", self.serials - self.random.below(20).min(self.serials)),
            },
            86..88 => {
                Command::Revoke { serial: format!("L{}", self.serials - self.random.below(50).min(self.serials)) }
            }
            88..92 => Command::Move { organization, parent: self.parent() },
            92..96 => {
                self.tokens += 1;
                Command::ImportToken { to: organization, token: format!("T{}", self.tokens) }
            }
            _ => Command::MoveDevice { from: organization, token: format!("T{}", self.tokens) },
        }
    }

    fn create(&mut self) -> Command {
        self.names += 1;
        let own_licences = self.random.below(5) == 0;
        let grants = ["users", "devices", ORGANIZATIONS, "vpn-months"];
        let grants = grants.map(|name| (name.to_owned(), self.random.amount(20)));
        Command::Create {
            organization: format!("o{}", self.names),
            parent: Some(self.parent()),
            own_licences,
            dealer: self.random.below(5) == 0,
            grants: if own_licences { BTreeMap::new() } else { BTreeMap::from(grants) },
        }
    }

    /// Learns who is there now.
    fn learn<'a>(&mut self, command: &Command, answer: Result<&'a [Event], &'a Refusal>) {
        let gone = match (command, answer) {
            (Command::Create { organization, .. }, Ok(_)) => return self.living.push_back(organization.clone()),
            (Command::Delete { organization, .. }, Ok(_)) => organization,
            (_, Err(Refusal::DeletedOrganization { organization } | Refusal::LiveLicence { organization, .. })) => {
                organization
            }
            _ => return,
        };
        self.living.retain(|name| name != gone || name == "o0");
    }

    fn terms(&mut self, dealer: Option<String>, quantities: BTreeMap<String, i64>) -> LicenceTerms {
        LicenceTerms {
            serial: format!("L{}", self.serials),
            dealer,
            recipient: None,
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

/// A platform with one organization that has a billion of everything.
fn beginning(script: &mut Script) -> Vec<Command> {
    let define = |(resource, measure): (&str, Measure)| Command::DefineResource { resource: resource.into(), measure };
    let root = Command::Create {
        organization: "o0".into(),
        parent: None,
        own_licences: true,
        dealer: true,
        grants: BTreeMap::new(),
    };
    let all =
        [ORGANIZATIONS, "users", "devices", "vpn-months", "iot-credits"].map(|name| (name.to_owned(), 1_000_000_000));
    let mut terms = script.terms(None, BTreeMap::from(all));
    terms.expiry = 200_000_000_000;
    let redeem = Command::Redeem { organization: "o0".into(), serial: "L0".into() };
    RESOURCES.map(define).into_iter().chain([root, Command::Issue(terms), redeem]).collect()
}

fn in_memory(wanted: u64) {
    let (mut script, mut accounts) = (Script::new(), Accounts::default());
    for command in beginning(&mut script) {
        accounts.execute(0, &command).unwrap();
    }
    let (mut accepted, mut spent) = (0_u64, Duration::ZERO);
    for done in 1..=wanted {
        let command = script.next();
        let begun = Instant::now();
        let answer = accounts.execute(i64::try_from(done * 2).unwrap(), &command);
        spent += begun.elapsed();
        accepted += u64::from(answer.is_ok());
        script.learn(&command, answer.as_deref());
        if done % 100_000 == 0 {
            let violations = accounts.violations();
            assert!(violations.is_empty(), "after {done} commands: {violations:?}");
        }
    }
    let rate = wanted as f64 / spent.as_secs_f64();
    println!("in memory: {wanted} commands, {accepted} accepted, no violation, {rate:.0} a second");
}

async fn durable(together: usize) {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::new(&directory.path().join("ledger.db"), true);
    let (mut script, mut ledger) = (Script::new(), Ledger::open(store).await.unwrap());
    let mut waiting = beginning(&mut script);
    let (mut done, mut accepted, begun) = (0_u64, 0_u64, Instant::now());
    while begun.elapsed() < HALF_A_MINUTE && done < 1_000_000 {
        while waiting.len() < together {
            waiting.push(script.next());
        }
        let orders = std::mem::take(&mut waiting).into_iter().zip(done..).map(|(command, number)| Order {
            at: i64::try_from(number * 2).unwrap(),
            actor: "bench".into(),
            cause: Cause::default(),
            key: Some(format!("order-{number}")),
            command,
        });
        for record in ledger.submit(&orders.collect::<Vec<_>>()).await.unwrap() {
            done += 1;
            let answer = match &record.answer {
                Answer::Accepted { events } => Ok(events.as_slice()),
                Answer::Refused { refusal } => Err(refusal),
            };
            accepted += u64::from(answer.is_ok());
            script.learn(&record.command, answer);
        }
    }
    let rate = done as f64 / begun.elapsed().as_secs_f64();
    let read_again = SqliteStore::new(&directory.path().join("ledger.db"), false);
    let begun = Instant::now();
    let kept = Ledger::open(read_again).await.unwrap();
    assert_eq!((kept.head(), kept.accounts().violations()), (ledger.head(), Vec::new()));
    let reading = done as f64 / begun.elapsed().as_secs_f64();
    println!(
        "durable, {together} to a commit: {done} commands, {accepted} accepted, {rate:.0} a second; read again and proved, {reading:.0} a second"
    );
}

fn main() {
    let wanted = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(10_000_000_u64);
    in_memory(wanted);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for together in [1, 100, 1_000] {
        runtime.block_on(durable(together));
    }
}
