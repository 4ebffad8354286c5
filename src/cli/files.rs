//! Files and environment variables: manifests, the operator key, secrets.

use std::path::{Component, Path, PathBuf};

use anyhow::Context;
use secrecy::SecretString;

use super::exit::{Hinted, UsageError};
use crate::diagnostic::Diagnostic;
use crate::expand::Desired;
use crate::keycloak::key::OperatorKey;
use crate::manifest::Source;
use crate::state::secret::Secrets;

/// Largest manifest file, in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Environment variable that may hold the operator key itself.
pub(super) const KEY_VARIABLE: &str = "REALMWRIGHT_OPERATOR_KEY_PEM";

/// Environment variable that may hold the administrator's password.
pub(super) const PASSWORD_VARIABLE: &str = "REALMWRIGHT_ADMIN_PASSWORD";

/// Every YAML and CSV file below a directory, in the order of their names; hidden ones are left out, and
/// the configuration file.
pub(super) fn manifests(dir: &Path) -> anyhow::Result<Vec<Source>> {
    if !dir.is_dir() {
        let message = format!("{} is not a directory", dir.display());
        return Err(UsageError { message, hint: Some("name the directory that holds the manifests".into()) }.into());
    }
    let mut paths = Vec::new();
    collect(dir, &mut paths)?;
    paths.retain(|path| *path != dir.join(super::config::FILE));
    paths.sort();
    let mut sources = Vec::with_capacity(paths.len());
    for path in paths {
        let text = text(&path)?;
        let name = path.strip_prefix(dir).unwrap_or(&path).components();
        let name = name.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
        sources.push(Source { name, text });
    }
    Ok(sources)
}

/// The text of a manifest.
pub(super) fn text(path: &Path) -> anyhow::Result<String> {
    let size = std::fs::metadata(path).with_context(|| path.display().to_string())?.len();
    if size > LARGEST {
        anyhow::bail!("{} has {size} bytes; a manifest has at most {LARGEST}", path.display());
    }
    let bytes = std::fs::read(path).with_context(|| format!("can't read {}", path.display()))?;
    String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("{} is not UTF-8 text", path.display()))
}

/// The YAML files that are named, and those below the directories that are.
pub(super) fn yaml(named: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for path in named {
        if path.is_dir() {
            let mut below = Vec::new();
            collect(path, &mut below)?;
            paths.extend(below.into_iter().filter(|path| path.extension().is_some_and(|extension| extension != "csv")));
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") && path.is_file()
        {
            paths.push(path.clone());
        } else {
            let message = format!("{} is neither a directory nor a YAML file", path.display());
            let hint = "name directories, and files whose names end in .yaml or .yml";
            return Err(UsageError { message, hint: Some(hint.into()) }.into());
        }
    }
    let mut paths: Vec<PathBuf> = paths.iter().map(|path| path.strip_prefix(".").unwrap_or(path).to_owned()).collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}

fn collect(dir: &Path, paths: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(dir).with_context(|| format!("can't read {}", dir.display()))? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if hidden {
            continue;
        }
        if path.is_dir() {
            collect(&path, paths)?;
        } else if is_manifest(&path.file_name().unwrap_or_default().to_string_lossy()) {
            paths.push(path);
        }
    }
    Ok(())
}

/// True for the name of a file that is a manifest, relative to the manifest directory.
pub(super) fn is_manifest(name: &str) -> bool {
    let extension = name.rsplit('/').next().and_then(|file| file.rsplit_once('.')).map(|(_, extension)| extension);
    let hidden = name.split('/').any(|part| part.starts_with('.'));
    !hidden && matches!(extension, Some("yaml" | "yml" | "csv"))
}

/// Environment variable that may hold the observer's key itself.
const OBSERVER_VARIABLE: &str = "REALMWRIGHT_OBSERVER_KEY_PEM";

/// The observer's key from its file or from the environment, if there is one.
pub(super) fn observer_key(file: Option<&Path>) -> anyhow::Result<Option<OperatorKey>> {
    let (pem, from) = match file {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
            (SecretString::from(text), path.display().to_string())
        }
        None => match std::env::var(OBSERVER_VARIABLE) {
            Ok(pem) if !pem.is_empty() => (pem.into(), OBSERVER_VARIABLE.to_owned()),
            _ => return Ok(None),
        },
    };
    OperatorKey::from_pem(&pem).map(Some).with_context(|| format!("the observer's key in {from}"))
}

/// The operator key from its file or from the environment.
pub(super) fn operator_key(file: Option<&Path>) -> anyhow::Result<OperatorKey> {
    let (pem, from) = match file {
        Some(path) => (read_secret(path)?, path.display().to_string()),
        None => match std::env::var(KEY_VARIABLE) {
            Ok(pem) => (pem.into(), KEY_VARIABLE.to_owned()),
            Err(_) => {
                return Err(UsageError {
                    message: "no operator key is given".into(),
                    hint: Some(format!("give --operator-key FILE, or set REALMWRIGHT_OPERATOR_KEY or {KEY_VARIABLE}; `realmwright bootstrap` makes one")),
                }
                .into());
            }
        },
    };
    OperatorKey::from_pem(&pem).with_context(|| format!("the operator key in {from}"))
}

/// Writes a file that only its owner may read, whole or not at all.
pub(super) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&part).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    let placed = written.and_then(|()| std::fs::rename(&part, path));
    if placed.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    placed.with_context(|| format!("can't write {}", path.display()))
}

/// Makes a new key file that only its owner may read; never over an existing one.
pub(super) fn write_key(path: &Path, pem: &SecretString) -> anyhow::Result<()> {
    use secrecy::ExposeSecret;
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).with_context(|| format!("can't make {}", path.display()))?;
    file.write_all(pem.expose_secret().as_bytes()).with_context(|| format!("can't write {}", path.display()))
}

/// A file for a secret, which replaces one of that name once the secret is there.
pub(super) struct SecretFile {
    path: PathBuf,
    beside: PathBuf,
}

impl SecretFile {
    /// Makes sure that the file can be written, before there is something to lose.
    pub(super) fn prepare(path: &Path) -> anyhow::Result<Self> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}", std::process::id()));
        let beside = path.with_file_name(name);
        write_key(&beside, &SecretString::default())?;
        Ok(Self { path: path.to_owned(), beside })
    }

    /// Puts the secret there, for its owner alone.
    pub(super) fn write(&self, secret: &SecretString) -> anyhow::Result<()> {
        use secrecy::ExposeSecret;
        let lost = || format!("the new secret could not be written to {}; rotate it again", self.path.display());
        std::fs::write(&self.beside, format!("{}\n", secret.expose_secret())).with_context(lost)?;
        std::fs::rename(&self.beside, &self.path).with_context(lost)
    }

    pub(super) fn shown(&self) -> std::path::Display<'_> {
        self.path.display()
    }
}

impl Drop for SecretFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.beside);
    }
}

fn read_secret(path: &Path) -> anyhow::Result<SecretString> {
    let text = std::fs::read_to_string(path).map_err(|error| Hinted {
        message: format!("can't read {}: {error}", path.display()),
        hint: "`realmwright bootstrap` makes the operator key where --operator-key names a file that is not there"
            .into(),
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
        Some(path) => std::fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?,
        None => std::env::var(variable).map_err(|_| UsageError {
            message: "no administrator's password is given".into(),
            hint: Some(format!("give --admin-password-file FILE (`-` for standard input), or set {variable}")),
        })?,
    };
    Ok(text.trim_end_matches(['\r', '\n']).to_owned().into())
}

/// Reads the secrets that tenants refer to; those that can't be read are findings at the lines that name them.
pub(super) fn secrets(dir: &Path, desired: &[Desired], key: &OperatorKey, found: &mut Vec<Diagnostic>) -> Secrets {
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
pub(super) fn plan_secrets(dir: &Path, references: Vec<String>, key: &OperatorKey) -> anyhow::Result<Secrets> {
    let mut secrets = Secrets::default();
    for reference in references {
        let value = secret(dir, &reference).map_err(|reason| Hinted {
            message: format!("the secret {reference} can't be read: {reason}"),
            hint: "files of secrets stand where the manifests are; give --manifests DIR if they have moved".into(),
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
