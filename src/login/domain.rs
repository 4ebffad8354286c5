//! Domains of e-mail addresses, by which users find their tenant, and what proves that a domain is a tenant's.
//!
//! A tenant proves a domain by a TXT record in it. What the record holds follows from a secret of the broker, the tenant and
//! the domain: nobody can tell it beforehand, and a copy proves nothing for anybody else.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::Host;

use super::tenant::Tenant;

/// What is before the domain in the name of the record.
const LABEL: &str = "_realmwright";

/// What the text of a record begins with.
const MARK: &str = "realmwright-domain=";

/// The longest address of e-mail (RFC 5321 §4.5.3.1.3, without the angle brackets).
const LONGEST: usize = 254;

/// Seconds for which a proof holds when nobody answers any more. A record that is gone ends it at once.
pub const LASTS: u64 = 3600;

/// What tells the texts of records.
pub struct Prover(hmac::Key);

impl Prover {
    /// With a secret that nobody else has.
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// What the record of a tenant's domain has to hold.
    pub fn text(&self, tenant: &str, domain: &str) -> String {
        // Neither has a zero byte in it, so no two pairs are alike.
        let tag = hmac::sign(&self.0, format!("{tenant}\0{domain}").as_bytes());
        format!("{MARK}{}", URL_SAFE_NO_PAD.encode(tag))
    }
}

/// The name of the record of a domain.
pub fn record(domain: &str) -> String {
    format!("{LABEL}.{domain}")
}

/// The domain of an e-mail address that somebody typed, in lower case and as DNS has it; none for what is no address. One
/// with two `@` is none: others may read it otherwise.
pub fn of_address(address: &str) -> Option<String> {
    let visible = |text: &str| !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    let (user, domain) = address.split_once('@').filter(|_| address.len() <= LONGEST)?;
    if !visible(user) || !visible(domain) || domain.contains('@') {
        return None;
    }
    match Host::parse(domain).ok()? {
        Host::Domain(name) if name.contains('.') && !name.ends_with('.') => Some(name),
        _ => None,
    }
}

/// What the name servers said of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It holds these texts; none: it is not there.
    Texts(Vec<String>),
    /// Nothing: they could not be asked.
    Nothing,
}

/// How a proof changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is there now.
    Proved,
    /// It was, and is no more.
    Lapsed,
}

/// The domains that are proved.
#[derive(Debug, Default)]
pub struct Proofs(HashMap<String, (Arc<Tenant>, u64)>);

impl Proofs {
    /// Whose users have addresses of this domain, if that is proved.
    pub fn tenant(&self, domain: &str, now: u64) -> Option<&Arc<Tenant>> {
        self.0.get(domain).filter(|(_, at)| now.saturating_sub(*at) < LASTS).map(|(tenant, _)| tenant)
    }

    /// Takes an answer down, and says what it changed.
    pub fn note(
        &mut self,
        prover: &Prover,
        tenant: &Arc<Tenant>,
        domain: &str,
        answer: &Answer,
        now: u64,
    ) -> Option<Change> {
        let before = self.0.contains_key(domain);
        match answer {
            Answer::Texts(texts) if texts.contains(&prover.text(&tenant.name, domain)) => {
                self.0.insert(domain.to_owned(), (tenant.clone(), now));
            }
            Answer::Texts(_) => drop(self.0.remove(domain)),
            Answer::Nothing if self.tenant(domain, now).is_none() => drop(self.0.remove(domain)),
            Answer::Nothing => {}
        }
        match (before, self.0.contains_key(domain)) {
            (false, true) => Some(Change::Proved),
            (true, false) => Some(Change::Lapsed),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_domain_or_is_none() {
        let is = |address: &str, domain: &str| assert_eq!(of_address(address).as_deref(), Some(domain), "{address}");
        is("jo@clinic.example", "clinic.example");
        is("Jo.Müller+x@CLINIC.Example", "clinic.example");
        is("jo@Bücher.example", "xn--bcher-kva.example");
        for address in [
            "",
            "@clinic.example",
            "jo@",
            "jo@localhost",
            "jo@clinic.example.",
            "jo@evil.example@clinic.example",
            "jo@clinic.example\nx",
            "jo smith@clinic.example",
            "jo@127.0.0.1",
            "jo@[::1]",
            "jo@clinic.example/x",
            "jo@clinic%2eexample@x",
        ] {
            assert_eq!(of_address(address), None, "{address}");
        }
        assert_eq!(of_address(&format!("{}@clinic.example", "x".repeat(250))), None);
    }

    #[test]
    fn a_proof_lasts_while_nobody_answers_and_ends_at_once_where_it_is_gone() {
        let prover = Prover::new(b"secret");
        let tenant = Arc::new(Tenant { name: "clinic".into(), ..Tenant::default() });
        let good = Answer::Texts(vec!["v=spf1 -all".into(), prover.text("clinic", "clinic.example")]);
        let mut proofs = Proofs::default();
        let mut note = |answer: &Answer, now| proofs.note(&prover, &tenant, "clinic.example", answer, now);
        assert_eq!(note(&Answer::Nothing, 0), None);
        assert_eq!(note(&good, 0), Some(Change::Proved));
        assert_eq!(note(&Answer::Nothing, LASTS - 1), None);
        assert_eq!(note(&good, LASTS - 1), None);
        assert_eq!(note(&Answer::Texts(Vec::new()), LASTS), Some(Change::Lapsed));
        assert_eq!(note(&good, LASTS), Some(Change::Proved));
        assert_eq!(proofs.tenant("clinic.example", LASTS * 2 - 1).map(|tenant| tenant.name.as_str()), Some("clinic"));
        assert_eq!(proofs.tenant("clinic.example", LASTS * 2), None);
        let gone = proofs.note(&prover, &tenant, "clinic.example", &Answer::Nothing, LASTS * 2);
        assert_eq!(gone, Some(Change::Lapsed));
    }

    #[test]
    fn a_record_proves_one_domain_to_be_one_tenants() {
        let prover = Prover::new(b"secret");
        let text = prover.text("clinic", "clinic.example");
        for other in [
            prover.text("clinic", "other.example"),
            prover.text("other", "clinic.example"),
            Prover::new(b"another").text("clinic", "clinic.example"),
        ] {
            assert_ne!(text, other);
        }
    }
}
