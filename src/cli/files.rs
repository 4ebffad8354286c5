//! Files: manifests, those that options name, and those that are written for their owner alone.

use std::path::{Path, PathBuf};

use anyhow::Context;
use secrecy::SecretString;

use super::exit::{Hinted, UsageError};
use crate::manifest::Source;

/// Largest manifest file, in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;

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
    let refused =
        |what: String, hint: &str| Hinted { message: format!("{} {what}", path.display()), hint: hint.into() };
    let is_link = || path.is_symlink() && !path.exists();
    let about = std::fs::metadata(path).map_err(|error| match is_link() {
        true => refused("is a link to a file that is not there".into(), "mend the link, or take it out"),
        false => unreadable(path, &error),
    })?;
    if !about.is_file() {
        return Err(refused("is not a file".into(), "a manifest is a plain file; take this out").into());
    }
    if about.len() > LARGEST {
        let size = format!("has {} bytes; a manifest has at most {LARGEST}", about.len());
        return Err(refused(size, "split it, or declare many organizations in a CSV list").into());
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        refused(format!("is not UTF-8 text in line {line}"), "save it as UTF-8").into()
    })
}

/// A file that can't be read, and what to do.
pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Hinted {
    let hint = match error.kind() {
        std::io::ErrorKind::NotFound => "is the name right? It is taken from the working directory",
        std::io::ErrorKind::PermissionDenied => "give yourself the right to read it",
        std::io::ErrorKind::IsADirectory => "name a file in it",
        std::io::ErrorKind::InvalidData => "it has to be UTF-8 text",
        _ => "name another file",
    };
    Hinted { message: format!("can't read {}: {error}", path.display()), hint: hint.into() }
}

/// The text of a file that an option names.
pub(super) fn named(path: &Path) -> Result<String, Hinted> {
    std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))
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
    collect_below(dir, &mut Vec::new(), paths)
}

/// `above` are the directories that lead here, so that a link can't lead round in a circle.
fn collect_below(dir: &Path, above: &mut Vec<PathBuf>, paths: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let here = dir.canonicalize().map_err(|error| unreadable(dir, &error))?;
    if above.contains(&here) {
        let message = format!("{} is a link that leads back to a directory above it", dir.display());
        return Err(
            Hinted { message, hint: "take the link out, or give it a name that begins with a dot".into() }.into()
        );
    }
    above.push(here);
    for entry in std::fs::read_dir(dir).map_err(|error| unreadable(dir, &error))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect_below(&path, above, paths)?;
        } else if is_manifest(&name) {
            paths.push(path);
        }
    }
    above.pop();
    Ok(())
}

/// True for the name of a file that is a manifest, relative to the manifest directory.
pub(super) fn is_manifest(name: &str) -> bool {
    let extension = name.rsplit('/').next().and_then(|file| file.rsplit_once('.')).map(|(_, extension)| extension);
    let hidden = name.split('/').any(|part| part.starts_with('.'));
    !hidden && matches!(extension, Some("yaml" | "yml" | "csv"))
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
