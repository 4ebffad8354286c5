//! What strangers may hand us, broken in every way: it is refused, and nothing falls over. `make fuzz` goes on for
//! FUZZ_SECONDS; a plain test run makes a fixed number of tries.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use realmwright::ledger::{Entry, Ledger, SqliteStore, Store, prove};
use realmwright::licence::{Entitlement, LicenceTerms, Serial};
use realmwright::seal::{ImportToken, LicenceFile, RealmKeys, SigningKey, TrustedKeys};

use crate::ledger::{File, post};
use crate::support::signing_key;

/// Tries of a plain test run.
const TRIES: u64 = 3_000;

/// Numbers that look random, and are the same in every run (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).unwrap() % sides.max(1)
    }

    /// Breaks a text in one to three ways.
    fn broken(&mut self, text: &[u8]) -> Vec<u8> {
        let mut bytes = text.to_vec();
        for _ in 0..=self.roll(3) {
            let (at, other) = (self.roll(bytes.len()), self.roll(bytes.len() + 1));
            let range = at.min(other)..at.max(other).min(bytes.len());
            match self.roll(6) {
                0 if !bytes.is_empty() => bytes[at] ^= 1 << self.roll(8),
                1 => drop(bytes.drain(range)),
                2 => bytes.insert(at.min(bytes.len()), u8::try_from(self.roll(256)).unwrap()),
                3 => {
                    let part = bytes[range].to_vec();
                    bytes.splice(at..at, part);
                }
                4 => bytes.truncate(at),
                _ => bytes.splice(range, b"9223372036854775808-\"{}[]\\u0000.".iter().copied()).for_each(drop),
            }
        }
        bytes
    }
}

/// Breaks samples and hands them over, so many times, or for so long as FUZZ_SECONDS says.
fn fuzz(samples: &[Vec<u8>], mut target: impl FnMut(&[u8], &[u8])) {
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut tries = 0;
    while end.map_or(tries < TRIES, |end| Instant::now() < end) {
        let sample = &samples[dice.roll(samples.len())];
        target(sample, &dice.broken(sample));
        tries += 1;
    }
}

fn licence() -> LicenceFile {
    let terms = r#"{"serial": "A-1", "product": "assistant", "quantities": {"users": 5}, "expiry": 99}"#;
    LicenceFile { iat: 1, licence: serde_json::from_str::<LicenceTerms>(terms).unwrap() }
}

#[test]
fn fuzz_licence_files_and_tokens() {
    let (private, public) = signing_key();
    let (signer, trusted) = (SigningKey::from_pem(&private.into()).unwrap(), TrustedKeys::from_pem(&public).unwrap());
    let token = ImportToken { iat: 1, exp: 601, jti: "t".into(), to: "acme".into() };
    let samples = [signer.sign(&licence()).unwrap().into_bytes(), signer.sign(&token).unwrap().into_bytes()];
    fuzz(&samples, |sample, broken| {
        let text = String::from_utf8_lossy(broken);
        let same = text.trim().as_bytes() == sample;
        let believed = trusted.open::<LicenceFile>(&text).is_ok() || trusted.open::<ImportToken>(&text).is_ok();
        assert_eq!(believed, same, "{text}");
    });
}

#[test]
fn fuzz_access_tokens_and_the_keys_of_realms() {
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    let ((private, public), (realm, realms)) = (signing_key(), signing_key());
    let (signer, trusted) = (SigningKey::from_pem(&private.into()).unwrap(), TrustedKeys::from_pem(&public).unwrap());
    let said = r#"{"sub": "clinic", "environment": "e", "product": "p", "proof": "ledger", "ownLicences": true, "licences": [], "limits": {"p": 4}}"#;
    let said: Entitlement = serde_json::from_str(said).unwrap();
    let claims = serde_json::json!({"iss": "https://id.example/realms/clinic", "exp": 99, "azp": "p", "entitlement": signer.sign(&said).unwrap()});
    let header = Header { kid: Some("k".into()), ..Header::new(Algorithm::EdDSA) };
    let token = encode(&header, &claims, &EncodingKey::from_ed_pem(realm.as_bytes()).unwrap()).unwrap();
    let point = URL_SAFE_NO_PAD.encode(&pem::parse(realms).unwrap().contents()[12..]);
    let jwks = format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"k","x":"{point}"}}]}}"#);
    let keys = RealmKeys::from_json(&jwks).unwrap();
    assert_eq!(keys.open(&token, &trusted, 9).unwrap().entitlement, said);
    fuzz(&[token.clone().into_bytes()], |sample, broken| {
        let text = String::from_utf8_lossy(broken);
        assert_eq!(keys.open(&text, &trusted, 9).is_ok(), text.trim().as_bytes() == sample, "{text}");
    });
    fuzz(&[jwks.into_bytes()], |_, broken| {
        if let Some(keys) = RealmKeys::from_json(&String::from_utf8_lossy(broken)) {
            // Whatever key it is: what is believed was said by a trusted one.
            let opened = keys.open(&token, &trusted, 9);
            assert!(opened.is_err() || opened.is_ok_and(|found| found.entitlement == said));
        }
    });
}

#[test]
fn fuzz_serials() {
    let samples: Vec<Vec<u8>> = (0..8).map(|random| Serial::new(random).to_string().into_bytes()).collect();
    fuzz(&samples, |_, broken| {
        let text = String::from_utf8_lossy(broken);
        if let Ok(Some(serial)) = Serial::typed(&text) {
            assert_eq!(Serial::typed(&serial.to_string()), Ok(Some(serial)));
        }
    });
}

#[test]
fn fuzz_the_ledger_reader() {
    let file = File::new();
    let commands = r#"
{"at": 10, "command": {"do": "define-resource", "resource": "users", "measure": "gauge"}}
{"at": 10, "command": {"do": "create", "organization": "acme", "ownLicences": true}}
{"at": 11, "key": "k", "command": {"do": "issue", "serial": "A-1", "quantities": {"users": 9}, "expiry": 99999}}
{"at": 12, "command": {"do": "redeem", "organization": "acme", "serial": "A-1"}}
{"at": 13, "command": {"do": "use", "organization": "acme", "resource": "users", "amount": 10}}
"#;
    assert_eq!(post(&file, commands).0, 3);
    let store = SqliteStore::new(&file.0.path().join("ledger.db"), false);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let whole = runtime.block_on(async { Ledger::open(store).await.unwrap().store().after(0, 99).await.unwrap() });
    let samples = [serde_json::to_vec(&whole).unwrap()];
    fuzz(&samples, |_, broken| {
        let Ok(read) = serde_json::from_slice::<Vec<Entry>>(broken) else { return };
        // Nothing but a beginning of what was written can be proved.
        assert_eq!(prove(&read).is_ok(), whole.starts_with(&read), "{}", String::from_utf8_lossy(broken));
    });
}
