//! Properties of whole histories, beside the laws that hold after each command.

use proptest::prelude::*;
use realmwright::licence::{Accounts, Command, LicenceTerms, Policy, Refusal, Standing};

use super::laws::{RESOURCES, command};

fn accounts() -> Accounts {
    let mut accounts = Accounts::default();
    for (resource, measure) in RESOURCES {
        accounts.execute(0, &Command::DefineResource { resource: resource.into(), measure }).expect("defined");
    }
    accounts
}

/// A licence that had expired before its holder was deleted does not come back for nobody: it would go on taking from its
/// dealer.
#[test]
fn a_licence_of_a_deleted_holder_is_neither_renewed_nor_revoked() {
    let mut accounts = accounts();
    let child = Command::Create {
        organization: "buyer".into(),
        parent: Some("dealer".into()),
        own_licences: true,
        dealer: false,
        grants: Default::default(),
    };
    let seats = LicenceTerms {
        quantities: [("organizations".to_owned(), 1), ("users".to_owned(), 7)].into(),
        ..terms("L1", 900, None)
    };
    let sold = LicenceTerms {
        quantities: [("users".to_owned(), 7)].into(),
        dealer: Some("dealer".into()),
        ..terms("L2", 100, None)
    };
    let redeem =
        |organization: &str, serial: &str| Command::Redeem { organization: organization.into(), serial: serial.into() };
    for command in [
        root("dealer"),
        Command::Issue(seats),
        redeem("dealer", "L1"),
        child,
        Command::Issue(sold),
        redeem("buyer", "L2"),
    ] {
        accounts.execute(0, &command).expect("accepted");
    }
    accounts.execute(200, &Command::Delete { organization: "buyer".into(), cascade: false }).expect("deleted");
    let ended = Err(Refusal::HolderDeleted { serial: "L2".into() });
    assert_eq!(accounts.execute(201, &Command::Renew { serial: "L2".into(), until: 800 }), ended);
    assert_eq!(accounts.execute(202, &Command::Revoke { serial: "L2".into() }), ended);
    assert_eq!(accounts.figures("dealer", "users").map(|users| users.free), Ok(7));
}

fn root(name: &str) -> Command {
    Command::Create {
        organization: name.into(),
        parent: None,
        own_licences: true,
        dealer: true,
        grants: Default::default(),
    }
}

fn terms(serial: &str, expiry: i64, renewal: Option<i64>) -> LicenceTerms {
    LicenceTerms {
        serial: serial.into(),
        dealer: None,
        recipient: None,
        product: String::new(),
        licence_type: String::new(),
        quantities: [("users".to_owned(), 7), ("credits".to_owned(), 9)].into(),
        valid_from: None,
        expiry,
        renewal,
        on_expiry: Policy::Restrict,
    }
}

/// The same command about organizations and licences of another tree.
fn elsewhere(command: &Command) -> Command {
    let text = serde_json::to_string(command).expect("serialises");
    let renamed = ["o", "L", "T"].iter().fold(text, |text, letter| {
        (0..12).fold(text, |text, number| {
            text.replace(&format!("\"{letter}{number}\""), &format!("\"{letter}x{number}\""))
        })
    });
    serde_json::from_str(&renamed).expect("a command")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    /// P11: how often anybody looks at a licence that renews itself makes no difference.
    #[test]
    fn p11_renewal_is_a_function_of_expiry_period_and_now(
        expiry in 1..200i64, period in 1..300i64, mut looks in prop::collection::vec(1..5_000i64, 0..12), end in 5_000..9_000i64,
    ) {
        let begin = || {
            let mut accounts = accounts();
            for command in [root("o0"), Command::Issue(terms("L0", expiry, Some(period))), Command::Redeem { organization: "o0".into(), serial: "L0".into() }] {
                accounts.execute(0, &command).expect("accepted");
            }
            accounts
        };
        let (mut once, mut often) = (begin(), begin());
        looks.sort_unstable();
        looks.iter().for_each(|at| often.advance(*at));
        [&mut once, &mut often].into_iter().for_each(|accounts| accounts.advance(end));
        prop_assert_eq!(&once, &often);
        let view = once.licence_view("L0").unwrap();
        prop_assert_eq!(view.standing, Standing::Redeemed);
        prop_assert!(view.expires > end && view.expires - period <= end.max(expiry - 1) && (view.expires - expiry) % period == 0);
    }

    /// P12: whoever is first has it, and nobody has it twice, however often and in which order it is sent.
    #[test]
    fn p12_a_licence_is_redeemed_once(attempts in prop::collection::vec(0..4usize, 1..20)) {
        let mut accounts = accounts();
        let names = ["o0", "o1", "o2", "o3"];
        names.iter().for_each(|name| drop(accounts.execute(0, &root(name)).expect("created")));
        accounts.execute(0, &Command::Issue(terms("L0", 100, None))).expect("issued");
        for (number, attempt) in attempts.iter().enumerate() {
            let redeem = Command::Redeem { organization: names[*attempt].into(), serial: "L0".into() };
            let answer = accounts.execute(1, &redeem);
            if *attempt == attempts[0] {
                prop_assert_eq!(answer.unwrap().len(), usize::from(number == 0));
            } else {
                prop_assert!(answer.is_err());
            }
        }
        for name in names {
            let limit = accounts.figures(name, "users").unwrap().limit;
            prop_assert_eq!(limit, if name == names[attempts[0]] { 7 } else { 0 });
        }
    }

    /// P13: what happens in one tree is nothing to another: in whichever order, each gets the same answers and figures.
    #[test]
    fn p13_disjoint_pools_commute(
        one in prop::collection::vec((0..20i64, command()), 1..30), order in prop::collection::vec(any::<bool>(), 60),
    ) {
        let (mut mixed, mut apart) = (accounts(), accounts());
        let roots = [root("o0"), root("ox0")];
        roots.iter().for_each(|root| for accounts in [&mut mixed, &mut apart] { drop(accounts.execute(0, root)); });
        let script: Vec<(i64, Command)> = one.iter().scan(0, |at, (passed, command)| {
            *at += passed;
            Some((*at, command.clone()))
        }).filter(|(_, command)| !matches!(command, Command::DefineResource { .. } | Command::Create { parent: None, .. })).collect();
        // Of each instant: first the one tree then the other, or the other way round.
        for ((at, command), turned) in script.iter().zip(&order) {
            let [here, there] = [command.clone(), elsewhere(command)];
            let answers = [&here, &there].map(|command| apart.execute(*at, command).is_ok());
            let again = if *turned {
                let second = mixed.execute(*at, &there).is_ok();
                [mixed.execute(*at, &here).is_ok(), second]
            } else {
                [&here, &there].map(|command| mixed.execute(*at, command).is_ok())
            };
            prop_assert_eq!(answers, again);
            prop_assert_eq!(answers[0], answers[1], "the trees are alike");
        }
        for number in 0..9 {
            for (resource, _) in RESOURCES {
                let [a, b] = [&mixed, &apart].map(|accounts| accounts.figures(&format!("o{number}"), resource).ok());
                let [c, d] = [&mixed, &apart].map(|accounts| accounts.figures(&format!("ox{number}"), resource).ok());
                prop_assert_eq!(a, b);
                prop_assert_eq!(c, d);
                prop_assert_eq!(a, c, "the trees are alike");
            }
        }
    }
}
