//! The threat table of the broker: each attack, what comes of it, and the tests that try it. `docs/threat-model.md` is written
//! from it by `make docs`; a test holds that each row has the tests that it says it has.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::layers;

/// One attack.
struct Threat {
    row: u8,
    attack: &'static str,
    answer: &'static str,
}

const fn threat(row: u8, attack: &'static str, answer: &'static str) -> Threat {
    Threat { row, attack, answer }
}

const THREATS: &[Threat] = &[
    threat(
        1,
        "Mix-up: the answer of one issuer to a login that was begun at another",
        "The issuer in the answer must be the tenant's (RFC 9207); the code goes nowhere",
    ),
    threat(2, "The issuer is stripped from an answer though the realm announces it", "Refused"),
    threat(
        3,
        "The state of one tenant is brought to the callback of another",
        "Each tenant has a callback of its own, and a login knows its tenant",
    ),
    threat(4, "`code`, `state` or `iss` twice", "Refused; neither the first nor the last is taken"),
    threat(
        5,
        "Login CSRF: a state that is missing, forged or another browser's",
        "A login is a sealed cookie of the browser that began it",
    ),
    threat(6, "A callback is replayed, or comes late", "A state is good once, for ten minutes"),
    threat(7, "PKCE is stripped or downgraded", "Always S256; a realm that does not announce it is not used"),
    threat(
        8,
        "The code of another session is injected, or the access token beside an ID token is replaced",
        "The realm refuses the verifier; the ID token says what the access token hashes to",
    ),
    threat(9, "A nonce that is missing, wrong or used", "Refused"),
    threat(
        10,
        "An algorithm that is none, symmetric, or not the key's",
        "A key verifies the one algorithm that it is for",
    ),
    threat(11, "A signature that is spoilt, empty or zero", "Refused"),
    threat(12, "Wrong or missing claims", "Refused, each"),
    threat(13, "A token of another kind", "Kinds are told apart by header, type and events"),
    threat(14, "Keys in a token's header; no name where several could be meant", "Never looked at; refused"),
    threat(15, "A flood of tokens with unknown keys", "One fetch in thirty seconds for each realm"),
    threat(16, "Two issuers with the same name of a key", "Keys belong to their issuer"),
    threat(17, "A key that was removed", "A new set replaces the old one whole"),
    threat(18, "An issuer that is no tenant's", "It is not asked"),
    threat(
        19,
        "Discovery that names another issuer, leads to another server, or redirects",
        "The realm is not used, and nobody else is asked",
    ),
    threat(20, "Tricks with the name of a tenant", "One way to write it; all else gets the same answer"),
    threat(21, "A session at another tenant's host", "It is none there"),
    threat(22, "Open redirects", "A path of the same host, or the start"),
    threat(
        23,
        "Session fixation; cookies of a sibling host",
        "A new name at each login, the old session ends; `__Host-` cookies; of two with one name, none",
    ),
    threat(24, "Cookies that were tampered with", "Nobody is logged in, and nothing breaks"),
    threat(25, "Another site asks for the session", "403"),
    threat(26, "Forced logout", "POST from the own origin alone"),
    threat(27, "Logout tokens that are not right", "400, and the session goes on"),
    threat(28, "A good logout token, without a cookie", "The session ends"),
    threat(29, "Forwarded headers by who is no proxy", "Not believed"),
    threat(30, "Identity headers that a client sends along", "Never read; every answer sets all of them"),
    threat(31, "Ways around for health checks, paths or agents", "There are none; health is on a listener of its own"),
    threat(32, "Addresses that were not proved", "Not told; who somebody is, is issuer and subject"),
    threat(
        33,
        "Finding the tenant by a domain as an oracle; another's domain; a copied, lapsed or missing proof",
        "One answer for whatever is not proved, and nobody is asked meanwhile; a record proves one domain to be one tenant's, \
         and is looked up again and again",
    ),
    threat(
        34,
        "A login that somebody else began is asked for, or taken over, by its state or its code",
        "There is nothing to ask: a login is known to the browser that began it alone",
    ),
    threat(
        35,
        "Refresh tokens shown twice; a refresh about somebody else",
        "One refresh however many ask; the session ends",
    ),
    threat(
        36,
        "A change at the realm during a session, a seat that is taken away among them",
        "Seen at the next refresh, a minute at most",
    ),
    threat(
        37,
        "A tenant that is suspended, or whose licences have expired; a user, client, identity provider or realm that is disabled",
        "403 on every way in and to whoever is in; its clients are disabled where it is suspended; Keycloak gives nothing",
    ),
    threat(38, "An access token for another audience, or of another tenant", "401"),
    threat(
        39,
        "A token exchanged for more than was asked for, of another tenant, or given before; asked by another site",
        "The token must be for that audience alone, of the same user and realm, with no other roles, and new; the realm gives \
         none to who has no seat",
    ),
    threat(
        40,
        "Codes of devices: asked about too often, of another tenant, on a page of another server, allowed by nobody",
        "Asked as often as the realm says, less often when it says so; pages on the realm's server alone; tokens are held to what a \
         browser's are",
    ),
    threat(
        41,
        "A token that is bound to a key or a certificate, shown as it is; proofs that are not right",
        "401; a proof is good once, for a minute, for one request and one token",
    ),
    threat(42, "Clickjacking; what an error of a realm says is shown", "No frames; the browser is shown none of it"),
    threat(43, "Secrets in referrers, histories and caches", "`no-store`, `no-referrer`, 303"),
    threat(
        44,
        "More logins than seats at the same time; a crash with a seat taken",
        "Who takes a seat waits for whoever takes another; one that is not extended lapses in two minutes",
    ),
    threat(
        45,
        "An import token that is forged, of another kind, used, or ten minutes old",
        "Refused and noted down: signed for this one thing, named in the ledger, good once, for 600 seconds",
    ),
    threat(
        46,
        "An identity provider in the wrong hands says that somebody has the address of a user here",
        "Nobody is linked by an address: the user here is asked for the password, or by mail",
    ),
    threat(
        47,
        "Names in manifests that lead elsewhere, such as `../master`; secrets in what is planned",
        "Refused at their line before anything is sent; plans hold references to secrets",
    ),
    threat(48, "Answers and bodies without end", "Limits of bytes and time; a login under way costs no memory"),
    threat(49, "A request for another host", "421"),
    threat(50, "The edges of time", "Ten seconds either way, and not one more"),
];

/// The names of the tests by the number of their row, wherever below `tests` they stand.
fn tests() -> BTreeMap<u8, Vec<String>> {
    let mut found: BTreeMap<u8, Vec<String>> = BTreeMap::new();
    let mut paths = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for directory in ["it", "live"] {
        layers::sources(&root.join(directory), &mut paths);
    }
    paths.sort();
    for text in paths.iter().map(|path| fs::read_to_string(path).expect("readable")) {
        for line in text.lines().map(str::trim).filter(|line| line.starts_with("async fn ") || line.starts_with("fn "))
        {
            let Some((_, rest)) = line.split_once("fn attack_") else { continue };
            let name = rest.split('(').next().unwrap_or_default();
            let row = name.get(..2).and_then(|row| row.parse().ok()).expect("a number");
            found.entry(row).or_default().push(format!("attack_{name}"));
        }
    }
    found
}

/// The text of `docs/threat-model.md`.
pub fn markdown() -> String {
    let mut text = String::from(
        "<!-- Generated from the table in tests/it/broker/threats.rs by `make docs`. Do not edit. -->\n\n# Attacks on a login\n\n\
         What is tried against the token broker, what comes of it, and the tests that try it: those in `tests/it` against\n\
         a provider that misbehaves in each way, those in `tests/live` against Keycloak. What is refused leaves no session and one event with the reason; the browser is told no\n\
         more than that it did not work. Numbers are those of a longer list: what is missing here is about parts that there are not.\n\n\
         | | attack | answer | tests |\n|---|---|---|---|\n",
    );
    let tests = tests();
    for Threat { row, attack, answer } in THREATS {
        let names =
            tests.get(row).map(|names| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "));
        let _ = writeln!(text, "| {row} | {attack} | {answer} | {} |", names.unwrap_or_default());
    }
    text
}

#[test]
fn every_attack_has_its_row_and_every_row_its_test() {
    let rows: Vec<u8> = THREATS.iter().map(|threat| threat.row).collect();
    assert!(rows.is_sorted());
    assert_eq!(rows, tests().into_keys().collect::<Vec<_>>());
}
