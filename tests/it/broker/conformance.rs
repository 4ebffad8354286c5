//! Relying-party cases of the OpenID Foundation's conformance suite, re-created against the hostile provider: each is named after
//! the module of the suite, and does to the broker what that module does to a client. `docs/conformance.md` is written from the
//! tables by `make docs`.

/// Writes each case as a test, and all of them as a table.
macro_rules! cases {
    ($($name:ident: $what:literal, $answer:literal => $body:expr;)*) => {
        $(#[tokio::test]
        async fn $name() {
            $body.await;
        })*
        pub const CASES: &[super::Case] =
            &[$(super::Case { name: stringify!($name), what: $what, answer: $answer }),*];
    };
}

mod cases;
mod left;

use std::fmt::Write;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::hostile::Twists;
use super::stage::Stage;
use crate::support::browser::Browser;

/// One case.
pub struct Case {
    name: &'static str,
    what: &'static str,
    answer: &'static str,
}

impl Case {
    /// The module of the suite.
    fn module(&self) -> String {
        self.name.replace('_', "-").replace("expires-in", "expires_in")
    }
}

/// A login that is believed though the provider does this.
async fn accepts(change: impl FnOnce(&mut Twists)) -> Stage {
    let stage = Stage::new().await;
    stage.hostile.twist(change);
    let mut browser = stage.user("acme").await;
    assert!(stage.is_in(&mut browser).await);
    stage
}

/// A login that is refused because the provider does this.
async fn refuses(reason: &str, change: impl FnOnce(&mut Twists)) {
    let stage = Stage::new().await;
    stage.hostile.twist(change);
    assert_eq!(stage.refuses_login().await, format!("login_refused {reason} acme"));
}

/// A change of one claim of the ID token; null takes it out.
fn claim(name: &'static str, value: Value) -> impl FnOnce(&mut Twists) {
    move |twists| {
        twists.claims = Some(Box::new(move |claims| match &value {
            Value::Null => drop(claims.as_object_mut().expect("a map").remove(name)),
            value => claims[name] = value.clone(),
        }));
    }
}

/// An RSA key that the provider has beside its own.
struct Rsa {
    key: EncodingKey,
    jwk: Value,
}

impl Rsa {
    fn new() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key");
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).expect("DER");
        let pem =
            format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der.as_ref()));
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let public = pair.public_key();
        Self {
            key: EncodingKey::from_rsa_pem(pem.as_bytes()).expect("a key"),
            jwk: json!({
                "kty": "RSA", "kid": "rsa", "use": "sig", "alg": "RS256",
                "n": number(public.modulus().big_endian_without_leading_zero()),
                "e": number(public.exponent().big_endian_without_leading_zero()),
            }),
        }
    }

    /// Has the provider publish it, and sign ID tokens with it by this algorithm; `spoil` changes the signature.
    fn signs(self, algorithm: Algorithm, spoil: fn(&mut String)) -> impl FnOnce(&mut Twists) {
        move |twists| {
            let Self { key, jwk } = self;
            twists.keys = Some(Box::new(move |keys| keys["keys"].as_array_mut().expect("a list").push(jwk.clone())));
            twists.token = Some(Box::new(move |token| {
                let payload = token.split('.').nth(1).expect("a payload").to_owned();
                let header = json!({"alg": format!("{algorithm:?}"), "typ": "JWT", "kid": "rsa"});
                let text = format!("{}.{payload}", URL_SAFE_NO_PAD.encode(header.to_string()));
                let signature = jsonwebtoken::crypto::sign(text.as_bytes(), &key, algorithm).expect("signed");
                *token = format!("{text}.{signature}");
                spoil(token);
            }));
        }
    }
}

/// Another character in the middle of the signature.
fn spoilt(token: &mut String) {
    let at = token.len() - 20;
    let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
    token.replace_range(at..=at, other);
}

/// Sends a logout token that is changed, to a broker at which somebody is logged in; gives the answer and whether they still are.
async fn logout(header: &[(&str, Value)], claims: &[(&str, Value)]) -> (u16, bool) {
    let stage = Stage::new().await;
    let mut browser = stage.user("acme").await;
    let with = |mut base: Value, changes: &[(&str, Value)]| {
        for (name, value) in changes {
            base[*name] = value.clone();
        }
        base
    };
    let header = with(stage.hostile.header("acme"), header);
    let token = stage.hostile.sign("acme", &header, &with(stage.hostile.logout_claims("acme"), claims));
    let url = format!("{}/t/acme/backchannel-logout", stage.url);
    let answer = Browser::new().send("POST", &url, &[], Some(format!("logout_token={token}"))).await;
    (answer.status, stage.is_in(&mut browser).await)
}

/// The text of `docs/conformance.md`.
pub fn markdown() -> String {
    let mut text = String::from(
        "<!-- Generated from the tables in tests/it/broker/conformance by `make docs`. Do not edit. -->\n\n\
         # Conformance of the token broker\n\n\
         Cases of the OpenID Foundation's conformance suite for relying parties, re-created in `tests/it/broker/conformance`: each\n\
         does to the broker what the suite's module of that name does to a client, and is a test of that name with `_` for `-`.\n\
         This is no certification, for which the suite itself has to be run against a broker that it can reach.\n\n",
    );
    let _ = writeln!(text, "| module | the provider | the broker |\n|---|---|---|");
    for case in cases::CASES {
        let _ = writeln!(text, "| `{}` | {} | {} |", case.module(), case.what, case.answer);
    }
    let _ = writeln!(text, "\n## Left out\n\n| module | because |\n|---|---|");
    for (modules, reason) in left::LEFT {
        let names: Vec<String> = modules.iter().map(|name| format!("`{name}`")).collect();
        let _ = writeln!(text, "| {} | {reason} |", names.join(", "));
    }
    text
}

#[test]
fn every_module_is_tried_or_left_out_for_a_reason() {
    let tried: Vec<String> = cases::CASES.iter().map(Case::module).collect();
    let left = left::LEFT.iter().flat_map(|(modules, _)| modules.iter().map(|name| (*name).to_owned()));
    let mut all: Vec<String> = tried.iter().cloned().chain(left).collect();
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count, "none is there twice");
    assert!(tried.len() >= 50, "{}", tried.len());
}
