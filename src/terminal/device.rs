//! A login by a code that somebody types in a browser, here or elsewhere (RFC 8628).

use std::time::Duration;

use openidconnect::PkceCodeChallenge;

use secrecy::ExposeSecret;

use super::{Login, Realm, TerminalError};
use crate::broker::now;
use crate::login::device::{GRANT, Next, Waiting};
use crate::login::fault::Fault;

impl Realm {
    /// Logs somebody in who is told a code, and waits until they have allowed it.
    pub async fn by_device(&self, audiences: &[String], told: impl FnOnce(&Waiting)) -> Result<Login, TerminalError> {
        let no_device = || TerminalError::NoDevice(self.place.issuer.clone());
        let endpoint = self.provider.device().ok_or_else(no_device)?;
        // Codes of devices can be tied to who asked for them as well; Keycloak wants it of this client.
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let scope = Self::scope(audiences);
        let form = [
            ("client_id", &*self.place.client),
            ("scope", &scope),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let answer = self.provider.within.post(endpoint, &form).await;
        let answer = answer.map_err(|_| TerminalError::Unreachable(endpoint.clone()))?;
        let issuer = self.provider.issuer.url();
        let begun = Waiting::begun(answer.status().as_u16(), answer.body(), issuer, now());
        let mut waiting = begun.map_err(TerminalError::Refused)?;
        told(&waiting);
        let code = waiting.device_code.clone();
        let form = [
            ("grant_type", GRANT),
            ("client_id", &*self.place.client),
            ("device_code", code.expose_secret()),
            ("code_verifier", verifier.secret()),
        ];
        let mut pause = waiting.first();
        loop {
            tokio::time::sleep(Duration::from_secs(pause)).await;
            let answer = self.ask(&form).await.ok();
            let heard = answer.as_ref().map(|answer| (answer.status().as_u16(), answer.body().as_slice()));
            match (waiting.heard(heard, now()), answer) {
                (Next::Ask(seconds), _) => pause = seconds,
                (Next::Take, Some(answer)) => return self.taken(&answer, None).await,
                (Next::Take, None) => return Err(TerminalError::Refused(Fault::Provider)),
                (Next::Give(fault), _) => return Err(TerminalError::Refused(fault)),
            }
        }
    }
}
