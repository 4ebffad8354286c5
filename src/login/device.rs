//! Logins at a terminal that has no browser: a code that somebody types elsewhere (RFC 8628), and how often it is asked whether
//! they have.

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::fault::Fault;

/// Seconds between two questions where the realm names none (RFC 8628 §3.2).
const INTERVAL: u64 = 5;

/// By how many seconds questions get rarer each time the realm says that they are too many (§3.5).
const SLOWER: u64 = 5;

/// The longest code that somebody can be asked to type.
const LONGEST: usize = 32;

/// The kind of grant.
pub const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

#[derive(Deserialize)]
struct Said {
    device_code: String,
    user_code: String,
    verification_uri: Url,
    verification_uri_complete: Option<Url>,
    expires_in: u64,
    interval: Option<u64>,
}

/// A login that waits for somebody to allow it. Its device code can't be printed.
#[derive(Debug)]
pub struct Waiting {
    /// What it is asked about by.
    pub device_code: SecretString,
    /// What somebody types.
    pub user_code: String,
    /// Where.
    pub page: Url,
    /// The same with the code in it.
    pub page_with_code: Option<Url>,
    interval: u64,
    until: u64,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask again after so many seconds.
    Ask(u64),
    /// It was allowed; here are the tokens.
    Take,
    /// It comes to nothing.
    Give(Fault),
}

impl Waiting {
    /// What a realm answers to who wants to log in. Pages on another server than the realm's are not shown to anybody: that
    /// is how codes are fished for.
    pub fn begun(status: u16, body: &[u8], issuer: &Url, now: u64) -> Result<Self, Fault> {
        match status {
            200 => {}
            500.. => return Err(Fault::Provider),
            _ => return Err(Fault::Denied),
        }
        let said: Said = serde_json::from_slice(body).map_err(|_| Fault::Malformed)?;
        let pages = std::iter::once(&said.verification_uri).chain(&said.verification_uri_complete);
        if pages.into_iter().any(|page| page.origin() != issuer.origin()) {
            return Err(Fault::Provider);
        }
        let is_code = said.user_code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if said.user_code.is_empty() || said.user_code.len() > LONGEST || !is_code || said.expires_in == 0 {
            return Err(Fault::Malformed);
        }
        Ok(Self {
            device_code: said.device_code.into(),
            user_code: said.user_code,
            page: said.verification_uri,
            page_with_code: said.verification_uri_complete,
            interval: said.interval.unwrap_or(INTERVAL).max(1),
            until: now.saturating_add(said.expires_in),
        })
    }

    /// Seconds until it is asked for the first time.
    pub fn first(&self) -> u64 {
        self.interval
    }

    /// What an answer of the token endpoint means; none is one that did not come (§3.5).
    pub fn heard(&mut self, answer: Option<(u16, &[u8])>, now: u64) -> Next {
        #[derive(Deserialize)]
        struct Refusal {
            error: String,
        }
        let refusal = match answer {
            Some((200, _)) => return Next::Take,
            Some((400..=499, body)) => serde_json::from_slice::<Refusal>(body).map(|refusal| refusal.error).ok(),
            _ => Some("slow_down".into()),
        };
        match refusal.as_deref() {
            Some("authorization_pending") => {}
            Some("slow_down") => self.interval = self.interval.saturating_add(SLOWER),
            Some("access_denied") => return Next::Give(Fault::Denied),
            Some("expired_token") => return Next::Give(Fault::Late),
            _ => return Next::Give(Fault::Code),
        }
        match now.saturating_add(self.interval) < self.until {
            true => Next::Ask(self.interval),
            false => Next::Give(Fault::Late),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(change: &str) -> Result<Waiting, Fault> {
        let issuer = Url::parse("https://id.example/realms/a").expect("good");
        let own =
            r#""device_code":"d","user_code":"ABCD-EFGH","verification_uri":"https://id.example/d","expires_in":60"#;
        Waiting::begun(200, format!("{{{own}{change}}}").as_bytes(), &issuer, 100)
    }

    #[test]
    fn questions_get_rarer_when_the_realm_says_so_and_end_with_the_code() {
        let mut waiting = begun(r#","interval":5"#).expect("good");
        let said = |word: &str| format!(r#"{{"error":"{word}"}}"#);
        let mut hears = |word: &str, now| waiting.heard(Some((400, said(word).as_bytes())), now);
        assert_eq!(hears("authorization_pending", 105), Next::Ask(5));
        assert_eq!(hears("slow_down", 110), Next::Ask(10));
        assert_eq!(hears("authorization_pending", 120), Next::Ask(10), "and stay so");
        assert_eq!(hears("authorization_pending", 150), Next::Give(Fault::Late), "the code ends at 160");
        assert_eq!(hears("access_denied", 120), Next::Give(Fault::Denied));
        assert_eq!(hears("expired_token", 120), Next::Give(Fault::Late));
        assert_eq!(hears("invalid_grant", 120), Next::Give(Fault::Code));
        assert_eq!(waiting.heard(None, 120), Next::Ask(15), "who does not answer is asked less often");
        assert_eq!(waiting.heard(Some((200, b"{}")), 120), Next::Take);
    }

    #[test]
    fn nobody_is_sent_to_another_server_or_shown_what_is_no_code() {
        assert_eq!(begun("").expect("good").first(), 5);
        let complete = r#","verification_uri_complete":"https://id.example.evil.example/d?c=1""#;
        assert_eq!(begun(complete).err(), Some(Fault::Provider));
        let issuer = Url::parse("https://id.example/realms/a").expect("good");
        for (name, value, fault) in [
            ("verification_uri", "https://evil.example/d", Fault::Provider),
            ("verification_uri", "http://id.example/d", Fault::Provider),
            ("user_code", "\u{1b}[2J", Fault::Malformed),
            ("user_code", "", Fault::Malformed),
        ] {
            let mut said = serde_json::json!({"device_code": "d", "user_code": "A", "expires_in": 60,
                "verification_uri": "https://id.example/d"});
            said[name] = value.into();
            let begun = Waiting::begun(200, said.to_string().as_bytes(), &issuer, 0);
            assert_eq!(begun.err(), Some(fault), "{name} {value:?}");
        }
    }
}
