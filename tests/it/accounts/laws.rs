//! Any history of commands: figures and refusals are those of the model, and the books balance.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use realmwright::licence::{Accounts, Command, LicenceTerms, Measure, Policy, Refusal};
use serde_json::json;

use super::model::{Model, No};

pub const RESOURCES: [(&str, Measure); 5] = [
    ("organizations", Measure::Gauge),
    ("devices", Measure::Gauge),
    ("users", Measure::Gauge),
    ("credits", Measure::Counter),
    ("vpn-months", Measure::Counter),
];

fn amounts(most: i64) -> impl Strategy<Value = BTreeMap<String, i64>> {
    let resource = proptest::sample::select(RESOURCES.map(|(name, _)| name.to_owned()).to_vec());
    prop::collection::btree_map(resource, 0..most, 0..4)
}

fn name() -> impl Strategy<Value = String> {
    (0..9u8).prop_map(|number| format!("o{number}"))
}

fn serial() -> impl Strategy<Value = String> {
    (0..12u8).prop_map(|number| format!("L{number}"))
}

fn resource() -> impl Strategy<Value = String> {
    prop_oneof![9 => proptest::sample::select(RESOURCES.map(|(name, _)| name.to_owned()).to_vec()), 1 => Just("none".into())]
}

prop_compose! {
    fn terms()(
        serial in serial(), dealer in prop::option::weighted(0.4, name()), quantities in amounts(40), from in prop::option::weighted(0.2, 0..300i64),
        length in 1..900i64, start in 0..2000i64, renewal in prop::option::weighted(0.3, 1..200i64), on_expiry in proptest::sample::select(vec![Policy::Restrict, Policy::Maintain, Policy::Revoke]),
        recipient in prop::option::weighted(0.1, name()),
    ) -> LicenceTerms {
        LicenceTerms {
            serial, dealer, recipient, product: String::new(), licence_type: String::new(), quantities, valid_from: from, expiry: from.unwrap_or(start) + length,
            renewal, on_expiry,
        }
    }
}

/// Any command, over few names.
pub fn command() -> impl Strategy<Value = Command> {
    let create = (name(), prop::option::weighted(0.85, name()), prop::bool::weighted(0.3), any::<bool>(), amounts(12))
        .prop_map(|(organization, parent, own, dealer, grants)| {
            let own_licences = own || parent.is_none();
            let grants = if own_licences { BTreeMap::new() } else { grants };
            Command::Create { organization, parent, own_licences, dealer, grants }
        });
    let token = || (0..6u8).prop_map(|number| format!("T{number}"));
    prop_oneof![
        8 => create,
        5 => (name(), amounts(15)).prop_map(|(organization, grants)| Command::Grant { organization, grants }),
        8 => (name(), resource(), 0..8i64).prop_map(|(organization, resource, amount)| Command::Use { organization, resource, amount }),
        3 => (name(), resource(), 0..4i64).prop_map(|(organization, resource, amount)| Command::Release { organization, resource, amount }),
        2 => (name(), resource(), 0..9i64).prop_map(|(organization, resource, amount)| Command::Count { organization, resource, amount }),
        1 => (name(), any::<bool>()).prop_map(|(organization, dealer)| Command::Dealer { organization, dealer }),
        6 => terms().prop_map(Command::Issue),
        6 => (name(), serial()).prop_map(|(organization, serial)| Command::Redeem { organization, serial }),
        1 => serial().prop_map(|serial| Command::Revoke { serial }),
        1 => (serial(), 0..3000i64).prop_map(|(serial, until)| Command::Renew { serial, until }),
        2 => (name(), any::<bool>()).prop_map(|(organization, cascade)| Command::Delete { organization, cascade }),
        3 => (name(), name()).prop_map(|(organization, parent)| Command::Move { organization, parent }),
        1 => (name(), token()).prop_map(|(to, token)| Command::ImportToken { to, token }),
        2 => (name(), token()).prop_map(|(from, token)| Command::MoveDevice { from, token }),
        1 => (name(), 1..3u8, prop::option::of(1..3u8)).prop_map(|(organization, server, from)| {
            let name = |number: u8| format!("eu-{number}");
            Command::Place { organization, server: name(server), from: from.map(name) }
        }),
        1 => (name(), any::<bool>()).prop_map(|(organization, allow)| Command::AllowPrivacy { organization, allow }),
        1 => (name(), any::<bool>()).prop_map(|(organization, require)| Command::RequirePrivacy { organization, require }),
    ]
}

fn resources() -> Vec<Command> {
    RESOURCES.map(|(resource, measure)| Command::DefineResource { resource: resource.into(), measure }).into()
}

/// An organization with others that live on its resources, most of which it has for 300 seconds only.
fn pool() -> Vec<Command> {
    let words = [
        json!({"do": "create", "organization": "o0", "ownLicences": true, "dealer": true}),
        json!({"do": "issue", "serial": "L0", "quantities": {"organizations": 9, "users": 4, "devices": 2}, "expiry": 90_000}),
        json!({"do": "redeem", "organization": "o0", "serial": "L0"}),
        json!({"do": "issue", "serial": "L1", "quantities": {"users": 25, "devices": 20, "credits": 30}, "expiry": 300, "onExpiry": "revoke"}),
        json!({"do": "redeem", "organization": "o0", "serial": "L1"}),
        json!({"do": "create", "organization": "o1", "parent": "o0", "grants": {"organizations": 2, "users": 12, "devices": 9}}),
        json!({"do": "create", "organization": "o2", "parent": "o1", "grants": {"users": 7, "devices": 7}}),
        json!({"do": "create", "organization": "o3", "parent": "o0", "grants": {"users": 8, "devices": 4, "credits": 9}}),
    ];
    let begun = words.map(|command| serde_json::from_value(command).expect("a command"));
    resources().into_iter().chain(begun).collect()
}

/// The model, and what it said to the last command.
#[derive(Clone, Debug)]
pub struct Reference {
    /// What happened before.
    begun: Vec<Command>,
    model: Model,
    said: Result<(), No>,
}

impl ReferenceStateMachine for Reference {
    type State = Self;
    type Transition = (i64, Command);

    fn init_state() -> BoxedStrategy<Self> {
        prop_oneof![Just(resources()), Just(pool())]
            .prop_map(|begun| {
                let mut model = Model::default();
                begun.iter().for_each(|command| model.execute(0, command).expect("accepted"));
                Self { begun, model, said: Ok(()) }
            })
            .boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Self::Transition> {
        // Time passes, and sometimes runs backwards.
        (prop_oneof![6 => Just(0), 3 => 1..120i64, 1 => -50..0i64], command()).boxed()
    }

    fn apply(mut state: Self, (passed, command): &Self::Transition) -> Self {
        state.said = state.model.execute(state.model.now + passed, command);
        state
    }
}

struct Subject {
    accounts: Accounts,
    /// The fold of the events that were given, beside the accounts that gave them.
    replayed: Accounts,
}

impl StateMachineTest for Subject {
    type SystemUnderTest = Self;
    type Reference = Reference;

    fn init_test(reference: &Reference) -> Self {
        let mut accounts = Accounts::default();
        for command in &reference.begun {
            accounts.execute(0, command).expect("accepted");
        }
        Self { replayed: accounts.clone(), accounts }
    }

    fn apply(mut subject: Self, reference: &Reference, (_, command): (i64, Command)) -> Self {
        let at = reference.model.now;
        let said = subject.accounts.execute(at, &command);
        match (&said, &reference.said) {
            (Ok(events), Ok(())) => {
                for event in events {
                    subject.replayed.replay(at, event).expect("lawful");
                }
            }
            (Err(refusal), Err(no)) => assert_eq!(code(refusal), *no, "{command:?}"),
            (said, expected) => panic!("{command:?}: {said:?}, but the model says {expected:?}"),
        }
        subject.replayed.advance(at);
        assert_eq!(subject.replayed, subject.accounts, "the fold of the events");
        subject
    }

    fn check_invariants(subject: &Self, reference: &Reference) {
        assert_eq!(subject.accounts.violations(), []);
        let model = &reference.model;
        for (name, _) in model.organizations.iter().filter(|(_, organization)| !organization.deleted) {
            for (resource, _) in RESOURCES {
                let figures = subject.accounts.figures(name, resource).expect("it is there");
                assert_eq!(figures, model.figures(name, resource), "{name} {resource}");
            }
        }
        for licence in &model.licences {
            let view = subject.accounts.licence_view(&licence.terms.serial).expect("it is there");
            assert_eq!(
                (view.expires, view.holder),
                (licence.expiry, licence.holder.clone()),
                "{}",
                licence.terms.serial
            );
        }
    }
}

/// What the model says of a refusal.
fn code(refusal: &Refusal) -> No {
    let value = serde_json::to_value(refusal).expect("serialises");
    let quota = match refusal {
        Refusal::Quota(shortage) | Refusal::Over(shortage) => {
            Some((shortage.organization.clone(), shortage.resource.clone(), shortage.missing, shortage.nearest.clone()))
        }
        _ => None,
    };
    No(value["code"].as_str().expect("a code").to_owned(), quota)
}

prop_state_machine! {
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn any_history_gives_the_figures_and_refusals_of_the_model(sequential 1..120 => Subject);
}
