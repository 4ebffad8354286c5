//! `realmwright login`, `whoami` and `logout`: what a tenant's users do at a terminal. None of them needs manifests.

pub(super) mod login;
pub(super) mod logout;
pub(super) mod whoami;

use std::path::PathBuf;

use clap::Args;
use url::Url;

use super::exit::{Hinted, UsageError};
use crate::terminal::{Kept, Login};

/// Where logins are kept.
#[derive(Debug, Args)]
pub(super) struct Keeping {
    /// Directory in which logins are kept, in files that only their owner may read; by default realmwright in
    /// $XDG_STATE_HOME, which is ~/.local/state where it is not set
    #[arg(long, env = "REALMWRIGHT_STATE_DIR", value_name = "DIR")]
    state_dir: Option<PathBuf>,
}

impl Keeping {
    fn kept(&self) -> anyhow::Result<Kept> {
        let given = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let usual = || {
            let home = given("HOME").map(|home| home.join(".local/state"));
            given("XDG_STATE_HOME").or(home).or_else(|| given("LOCALAPPDATA")).map(|state| state.join("realmwright"))
        };
        let dir = self.state_dir.clone().or_else(usual);
        let message = "nobody says where logins are to be kept: HOME is not set".to_owned();
        let hint = Some("give --state-dir DIR".to_owned());
        Ok(Kept::at(&dir.ok_or(UsageError { message, hint })?))
    }
}

/// Whose login a command is about.
#[derive(Debug, Args)]
pub(super) struct Meant {
    /// The tenant; may be left out where there is one login
    tenant: Option<String>,
    /// The broker that was logged in through; needed where several know a tenant of that name
    #[arg(long, env = "REALMWRIGHT_BROKER", value_name = "URL")]
    broker: Option<Url>,
    #[command(flatten)]
    keeping: Keeping,
}

impl Meant {
    /// The one login that is meant, and where it is kept.
    fn login(&self) -> anyhow::Result<(Kept, Login)> {
        let kept = self.keeping.kept()?;
        let is_meant = |login: &Login| {
            self.tenant.as_ref().is_none_or(|tenant| login.place.tenant == *tenant)
                && self.broker.as_ref().is_none_or(|broker| login.broker == broker.as_str())
        };
        let mut found: Vec<Login> = kept.all()?.into_iter().filter(is_meant).collect();
        match (found.pop(), found.is_empty()) {
            (Some(only), true) => Ok((kept, only)),
            (None, _) => {
                let of = self.tenant.as_ref().map(|tenant| format!(" at `{tenant}`")).unwrap_or_default();
                let hint = "log in with `realmwright login TENANT --broker URL`".to_owned();
                Err(Hinted { message: format!("nobody is logged in{of}"), hint }.into())
            }
            (Some(last), false) => {
                found.push(last);
                let all = found.iter().map(|login| format!("`{}` ({})", login.place.tenant, login.broker));
                let message = format!("there are several logins: {}", all.collect::<Vec<_>>().join(", "));
                Err(UsageError { message, hint: Some("name the tenant, and --broker where that is not enough".into()) }
                    .into())
            }
        }
    }
}
