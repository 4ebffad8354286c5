//! What both test binaries share: building a small network from texts, planning it, and applying it.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod browser;
pub mod dns;
pub mod forge;
pub mod full;
pub mod mail;
pub mod plans;
pub mod proxy;
pub mod sarif;

use std::sync::atomic::AtomicBool;

pub use plans::{header, manner};
use realmwright::apply::{OnStale, Outcome, TenantOutcome, apply};
use realmwright::diagnostic::{Diagnostic, passable};
use realmwright::expand::entitlement::{Figures, project};
use realmwright::expand::{Desired, Trusted, expand};
use realmwright::keycloak::observe::declared_users;
use realmwright::keycloak::{ReadRealms, WriteRealms, observe, seats};
use realmwright::manifest::guards::Limits;
use realmwright::manifest::resolve::{Network, resolve};
use realmwright::manifest::{Loaded, Source, load};
use realmwright::plan::guard::{self, InUse};
use realmwright::plan::select::{SelectError, Selection};
use realmwright::plan::{Header, Plan, part, plan_tenant};
use realmwright::seal::{SigningKey, TrustedKeys};
use realmwright::state::State;
use realmwright::state::secret::Secrets;
use realmwright::template::builtin;

/// A network as texts: name and text of each source.
#[derive(Clone, Default)]
pub struct World {
    pub sources: Vec<(String, String)>,
    pub jwks: String,
    /// The key that signs, in PEM; empty: none.
    pub signing: String,
}

pub const PLATFORM: &str = "\
apiVersion: realmwright/v1
kind: Platform
name: test
environments: {test: {}}
products:
  assistant: {label: Assistant, redirectUris: [https://assistant.example/*], roles: [reviewer]}
  insights: {redirectUris: [https://insights.example/*]}
";

impl World {
    /// A platform with two products and nobody on it.
    pub fn new(jwks: &str) -> Self {
        Self { sources: vec![("platform.yaml".into(), PLATFORM.into())], jwks: jwks.into(), signing: String::new() }
    }

    /// The same with one more source, or with another text of it.
    pub fn with(mut self, name: &str, text: impl Into<String>) -> Self {
        self.sources.retain(|(known, _)| known != name);
        self.sources.push((name.into(), text.into()));
        self
    }

    /// The same with something replaced in a source; it must be there.
    pub fn edit(mut self, name: &str, from: &str, to: &str) -> Self {
        for (known, text) in &mut self.sources {
            if known == name {
                assert!(text.contains(from), "{name} does not contain {from:?}");
                *text = text.replace(from, to);
            }
        }
        self
    }

    /// What the tenants should be, or what is wrong.
    pub fn expand(&self) -> Result<Vec<Desired>, Vec<Diagnostic>> {
        let sources = self.sources.iter().map(|(name, text)| Source { name: name.clone(), text: text.clone() });
        let Loaded { sources, set, mut diagnostics } = load(sources.collect(), builtin::sources());
        let Some(set) = set else { return Err(diagnostics) };
        let environment = set.platform.environments.keys().next().cloned().unwrap_or_default();
        let network = resolve(&set, &environment, &mut diagnostics);
        let mut desired =
            expand(&set, &sources, &network, Trusted { operator: &self.jwks, broker: &self.jwks }, &mut diagnostics);
        let keys = network.trusted_keys.as_deref().and_then(|text| TrustedKeys::from_pem(text).ok());
        keys.iter().for_each(|keys| project(&mut desired, &network, &Figures::Licences, keys.first()));
        diagnostics.dedup();
        if passable(&diagnostics) { Ok(desired) } else { Err(diagnostics) }
    }

    /// The findings, one a line: code, place, message.
    pub fn findings(&self) -> String {
        let Err(mut found) = self.expand() else { return String::new() };
        found.sort_by_key(|d| (d.span, d.code));
        let line = |d: &Diagnostic| {
            let at = d.span.map_or_else(String::new, |s| {
                let name = self.sources.get(s.source as usize).map_or("<shipped>", |(name, _)| name);
                format!(" {name}:{}:{}", s.line, s.column)
            });
            let hint = d.hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})"));
            format!("[{}]{at} {}{hint}\n", d.code, d.message)
        };
        found.iter().map(line).collect()
    }

    /// The plan, as guards with their default limits see it.
    pub async fn guarded(&self, api: &impl ReadRealms) -> Plan {
        self.limited(api, &Limits::default()).await
    }

    /// The plan, as guards with other limits see it.
    pub async fn limited(&self, api: &impl ReadRealms, limits: &Limits) -> Plan {
        let desired = self.expand().expect("sound manifests");
        let mut state = State::new();
        let mut tenants = Vec::new();
        let mut in_use = InUse::new();
        for tenant in &desired {
            let observed =
                observe(api, &tenant.name, &declared_users(&tenant.state)).await.expect("the realm can be read");
            let plan = plan_tenant(tenant, observed.as_ref(), &Secrets::default());
            if let Some(observed) = observed {
                for cut in guard::cuts(&plan, &observed) {
                    let used = seats::in_use(api, &tenant.name, &observed, &cut.product).await.expect("readable");
                    in_use.insert((tenant.name.clone(), cut.product), used);
                }
                state.insert(tenant.name.clone(), observed);
            }
            tenants.push(plan);
        }
        let header = Header { trusted_keys: self.network().trusted_keys, ..header() };
        let mut plan = Plan::new(header, tenants);
        plan.refusals = guard::check(&plan, &desired, &state, &in_use, limits);
        plan
    }

    /// The plan without the guards.
    pub async fn plan(&self, api: &impl ReadRealms) -> Plan {
        Plan { refusals: Vec::new(), ..self.guarded(api).await }
    }

    /// The plan of what a selection chooses.
    pub async fn plan_part(&self, api: &impl ReadRealms, selection: &Selection) -> Result<Plan, SelectError> {
        let desired = self.expand().expect("sound manifests");
        let chosen = selection.choose(&self.network())?;
        let mut state = State::new();
        for tenant in desired.iter().filter(|tenant| chosen.as_ref().is_none_or(|chosen| chosen.has(&tenant.name))) {
            let observed = observe(api, &tenant.name, &declared_users(&tenant.state)).await.expect("readable");
            state.extend(observed.map(|observed| (tenant.name.clone(), observed)));
        }
        part::plan(header(), &desired, &state, &Secrets::default(), chosen.as_ref())
    }

    /// The same with keys that are trusted, as PEM, and the one that signs.
    pub fn signed(self, trusted: &str, signing: &str) -> Self {
        let block = trusted.lines().map(|line| format!("      {}\n", line.trim_end())).collect::<String>();
        let platform = PLATFORM.replace("{test: {}}", &format!("\n  test:\n    trustedKeys: |\n{block}"));
        Self { signing: signing.into(), ..self.with("platform.yaml", platform) }
    }

    /// What it is written with.
    pub fn secrets(&self) -> Secrets {
        let mut secrets = Secrets::default();
        if !self.signing.is_empty() {
            secrets.sign_with(SigningKey::from_pem(&self.signing.clone().into()).expect("a signing key"));
        }
        secrets
    }

    /// The network of the first environment.
    pub fn network(&self) -> Network {
        let sources = self.sources.iter().map(|(name, text)| Source { name: name.clone(), text: text.clone() });
        let set = load(sources.collect(), builtin::sources()).set.expect("a platform");
        let environment = set.platform.environments.keys().next().cloned().unwrap_or_default();
        resolve(&set, &environment, &mut Vec::new())
    }

    /// Plans, applies, and asserts that all went well and that planning again is empty.
    pub async fn apply(&self, api: &impl WriteRealms) -> Plan {
        let plan = self.plan(api).await;
        let outcome = carry_out_with(api, &plan, &self.secrets()).await;
        for (tenant, outcome) in &outcome.tenants {
            assert!(matches!(outcome, TenantOutcome::Born | TenantOutcome::Changed(_)), "{tenant}: {outcome:?}");
        }
        let again = self.plan(api).await;
        assert!(again.is_empty(), "planning again is not empty:\n{}", realmwright::plan::render::text::plan(&again));
        plan
    }
}

pub async fn carry_out(api: &impl WriteRealms, plan: &Plan) -> Outcome {
    carry_out_with(api, plan, &Secrets::default()).await
}

pub async fn carry_out_with(api: &impl WriteRealms, plan: &Plan, secrets: &Secrets) -> Outcome {
    apply(api, plan, secrets, manner(4, OnStale::Object), &AtomicBool::new(false), |_, _| {}).await
}

/// Every command that has help, word by word.
pub fn helped() -> Vec<Vec<String>> {
    let reference = realmwright::cli::reference::markdown();
    let headings = reference.lines().filter_map(|line| line.strip_prefix("## realmwright"));
    let all: Vec<Vec<String>> = headings.map(|words| words.split_whitespace().map(str::to_owned).collect()).collect();
    assert!(all.len() > 12, "{all:?}");
    all
}

/// Every command that can be run.
pub fn commands() -> Vec<Vec<String>> {
    let all = helped();
    let group = |words: &Vec<String>| all.iter().any(|other| other.len() > words.len() && other.starts_with(words));
    all.iter().filter(|words| !group(words)).cloned().collect()
}

/// The changes of a plan as text, without its frame.
pub fn changes(plan: &Plan) -> String {
    let text = realmwright::plan::render::text::plan(plan);
    let body = text.split_once("\n\n").map_or(text.as_str(), |(_, body)| body);
    let body = body.rsplit_once("\n\n").map_or(body, |(body, _)| body);
    body.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// A signing key and its public half, as PEM.
pub fn signing_key() -> (String, String) {
    use aws_lc_rs::signature::KeyPair;
    let pair = aws_lc_rs::signature::Ed25519KeyPair::generate().unwrap();
    let private = pem::encode(&pem::Pem::new("PRIVATE KEY", pair.to_pkcs8v1().unwrap().as_ref()));
    let prefix = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    let public = [prefix.as_slice(), pair.public_key().as_ref()].concat();
    (private, pem::encode(&pem::Pem::new("PUBLIC KEY", public)))
}
