//! Keys, passwords and the secrets that manifests refer to: from files and environment variables, and from nowhere else.

use std::path::{Component, Path};

use anyhow::Context;
use secrecy::SecretString;

use super::exit::{Hinted, UsageError};
use super::files;
use crate::diagnostic::Diagnostic;
use crate::expand::{Desired, Trusted};
use crate::keycloak::key::{KeyError, OperatorKey};
use crate::state::secret::Secrets;

/// Environment variable that may hold the operator key itself.
pub(super) const KEY_VARIABLE: &str = "REALMWRIGHT_OPERATOR_KEY_PEM";

/// Environment variable that may hold the administrator's password.
pub(super) const PASSWORD_VARIABLE: &str = "REALMWRIGHT_ADMIN_PASSWORD";

/// Environment variable that may hold the observer's key itself.
const OBSERVER_VARIABLE: &str = "REALMWRIGHT_OBSERVER_KEY_PEM";

/// Environment variable that may hold the broker's key itself.
const BROKER_VARIABLE: &str = "REALMWRIGHT_BROKER_KEY_PEM";

/// The observer's key from its file or from the environment, if there is one.
pub(super) fn observer_key(file: Option<&Path>) -> anyhow::Result<Option<OperatorKey>> {
    optional_key("observer's", file, OBSERVER_VARIABLE)
}

/// The broker's key from its file or from the environment, if there is one.
pub(super) fn broker_key(file: Option<&Path>) -> anyhow::Result<Option<OperatorKey>> {
    optional_key("broker's", file, BROKER_VARIABLE)
}

/// The key that the broker authenticates with: its own, or else the one that is derived from the operator key.
pub(super) fn the_brokers_key(own: Option<&Path>, operator: Option<&Path>) -> anyhow::Result<OperatorKey> {
    match broker_key(own)? {
        Some(key) => Ok(key),
        None => Ok(operator_key(operator)?.for_broker()?),
    }
}

fn optional_key(whose: &str, file: Option<&Path>, name: &str) -> anyhow::Result<Option<OperatorKey>> {
    let (pem, from) = match (file, variable(name)) {
        (Some(path), _) => (files::named(path)?.into(), path.display().to_string()),
        (None, Some(pem)) => (pem, name.to_owned()),
        (None, None) => return Ok(None),
    };
    Ok(Some(key(whose, &pem, &from)?))
}

/// The public key sets of an operator key: its own, and the one of the broker's key that is derived from it.
pub(super) fn public_keys(key: &OperatorKey) -> Result<(String, String), KeyError> {
    Ok((key.jwks().to_owned(), key.for_broker()?.jwks().to_owned()))
}

/// What realms trust of those; nothing where the operator key is not known.
pub(super) fn trusted(sets: Option<&(String, String)>) -> Trusted<'_> {
    sets.map_or_else(Trusted::default, |(operator, broker)| Trusted { operator, broker })
}

/// The operator key from its file or from the environment.
pub(super) fn operator_key(file: Option<&Path>) -> anyhow::Result<OperatorKey> {
    let (pem, from) = match (file, variable(KEY_VARIABLE)) {
        (Some(path), _) => (read_key(path)?, path.display().to_string()),
        (None, Some(pem)) => (pem, KEY_VARIABLE.to_owned()),
        (None, None) => {
            return Err(UsageError {
                message: "no operator key is given".into(),
                hint: Some(format!("give --operator-key FILE, or set REALMWRIGHT_OPERATOR_KEY or {KEY_VARIABLE}; `realmwright bootstrap` makes one")),
            }
            .into());
        }
    };
    key("operator", &pem, &from)
}

/// The secret in a variable of the tool itself; an empty one counts as none, as pipelines set it where there is none.
pub(super) fn variable(name: &str) -> Option<SecretString> {
    std::env::var(name).ok().filter(|value| !value.is_empty()).map(SecretString::from)
}

fn key(whose: &str, pem: &SecretString, from: &str) -> anyhow::Result<OperatorKey> {
    use secrecy::ExposeSecret;
    OperatorKey::from_pem(pem).map_err(|error| {
        let text = pem.expose_secret();
        let hint = if text.contains("ENCRYPTED") {
            "it is encrypted; `openssl pkcs8 -in FILE` decrypts it"
        } else if text.contains("BEGIN PUBLIC KEY") {
            "it is a public key; give the private one that belongs to it"
        } else if text.contains("BEGIN EC PRIVATE KEY") {
            "it is in another form; `openssl pkcs8 -topk8 -nocrypt -in FILE` converts it"
        } else {
            "give the file that `realmwright bootstrap` made, or one of `openssl genpkey -algorithm EC -pkeyopt \
             ec_paramgen_curve:P-256`"
        };
        Hinted { message: format!("the {whose} key in {from}: {error}"), hint: hint.into() }.into()
    })
}

fn read_key(path: &Path) -> Result<SecretString, Hinted> {
    let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Hinted {
            hint: "`realmwright bootstrap` makes the operator key where --operator-key names a file that is not there"
                .into(),
            ..files::unreadable(path, &error)
        },
        _ => files::unreadable(path, &error),
    })?;
    Ok(text.into())
}

/// A password from a file, standard input (`-`) or an environment variable.
pub(super) fn password(file: Option<&Path>, variable: &str) -> anyhow::Result<SecretString> {
    let text = match file {
        Some(path) if path.as_os_str() == "-" => {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).context("can't read the password from standard input")?;
            line
        }
        Some(path) => files::named(path)?,
        None => std::env::var(variable).ok().filter(|value| !value.is_empty()).ok_or_else(|| UsageError {
            message: "no administrator's password is given".into(),
            hint: Some(format!("give --admin-password-file FILE (`-` for standard input), or set {variable}")),
        })?,
    };
    Ok(text.trim_end_matches(['\r', '\n']).to_owned().into())
}

/// Reads the secrets that tenants refer to; those that can't be read are findings at the lines that name them.
pub(super) fn read(dir: &Path, desired: &[Desired], key: &OperatorKey, found: &mut Vec<Diagnostic>) -> Secrets {
    let mut secrets = Secrets::default();
    for (reference, span) in desired.iter().flat_map(|tenant| &tenant.secrets) {
        if secrets.contains(reference) {
            continue;
        }
        match secret(dir, reference) {
            Ok(value) => {
                let fingerprint = key.fingerprint(&value);
                secrets.insert(reference.clone(), value, fingerprint);
            }
            Err(reason) => found.push(
                Diagnostic::error("missing-secret", *span, format!("the secret {reference} can't be read: {reason}"))
                    .hint("set the variable, or put the file in place; it holds the secret and nothing else"),
            ),
        }
    }
    secrets
}

/// Reads the secrets of a saved plan.
pub(super) fn of_plan(dir: &Path, references: Vec<String>, key: &OperatorKey) -> anyhow::Result<Secrets> {
    let mut secrets = Secrets::default();
    for reference in references {
        let value = secret(dir, &reference).map_err(|reason| Hinted {
            message: format!("the secret {reference} can't be read: {reason}"),
            hint: "files of secrets stand where the manifests are; give --secrets-dir DIR if they stand elsewhere"
                .into(),
        })?;
        let fingerprint = key.fingerprint(&value);
        secrets.insert(reference, value, fingerprint);
    }
    Ok(secrets)
}

/// Reads one secret. Whoever writes a manifest chooses the reference, so it reaches neither the tool's own variables nor
/// files outside the manifest directory.
fn secret(dir: &Path, reference: &str) -> Result<SecretString, String> {
    if let Some(name) = reference.strip_prefix("env:") {
        if name.starts_with("REALMWRIGHT_") {
            return Err("variables of the tool itself are no secrets of manifests".into());
        }
        let value = std::env::var(name).map_err(|_| format!("the environment variable {name} is not set"))?;
        return Ok(value.into());
    }
    let Some(path) = reference.strip_prefix("file:") else { return Err("it is neither `env:` nor `file:`".into()) };
    if Path::new(path).components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err("a file of a secret stands beside the manifest that names it, or below".into());
    }
    let path = dir.join(path);
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(format!("{} is empty", path.display())),
        text => Ok(text.to_owned().into()),
    }
}
