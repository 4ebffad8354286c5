//! What a repository says of a change, asked of the `git` command: what differs from a revision, and what stood there.
//!
//! Nothing is written. Names are taken as bytes that end in NUL, so that none of them can pass for two.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context;

use super::exit::{Hinted, UsageError};
use super::files;
use crate::authority::Form;
use crate::manifest::Source;

/// A repository that a manifest directory is in, and the commit that a change began from.
pub(super) struct Repository<'a> {
    dir: &'a Path,
    /// The directory's path in the repository, with a `/` at its end; empty at the top.
    pub(super) prefix: String,
    /// The commit where the change left the base.
    base: String,
}

/// A file that differs from the base; its path is relative to the top of the repository.
pub(super) struct Difference {
    pub(super) path: String,
    pub(super) form: Form,
}

impl<'a> Repository<'a> {
    /// Finds the repository, and the commit where the work in hand left `base`.
    pub(super) fn open(dir: &'a Path, base: &str) -> anyhow::Result<Self> {
        let prefix = git(dir, &["rev-parse", "--show-prefix"], None).map_err(|reason| Hinted {
            message: format!("{} is in no repository that git can read: {reason}", dir.display()),
            hint: "`check` compares with a revision; `validate` checks manifests without one".into(),
        })?;
        let revision = format!("{base}^{{commit}}");
        let commit = git(dir, &["rev-parse", "--verify", "--quiet", "--end-of-options", &revision], None);
        let commit = commit.map_err(|_| UsageError {
            message: format!("the repository has no revision `{base}`"),
            hint: Some("fetch it first, e.g. with `git fetch origin main`; a shallow clone may lack it".into()),
        })?;
        let left = git(dir, &["merge-base", "--end-of-options", &line(&commit), "HEAD"], None);
        let left = left.map_err(|_| Hinted {
            message: format!("the work in hand and `{base}` have no common commit here"),
            hint: "fetch the whole history (`git fetch --unshallow`, or `fetch-depth: 0` of the checkout)".into(),
        })?;
        Ok(Self { dir, prefix: line(&prefix), base: line(&left) })
    }

    /// Every file that differs, also those that git does not know yet. A rename is two.
    pub(super) fn differences(&self) -> anyhow::Result<Vec<Difference>> {
        let arguments =
            ["diff", "--raw", "-z", "--no-renames", "--no-ext-diff", "--ignore-submodules=none", &self.base, "--"];
        let raw = self.ask(&arguments, None)?;
        let mut found = Vec::new();
        let mut parts = raw.split(|byte| *byte == 0).filter(|part| !part.is_empty());
        while let (Some(about), Some(path)) = (parts.next(), parts.next()) {
            let about = String::from_utf8_lossy(about);
            let mode = about.split(' ').nth(1).unwrap_or_default();
            let form = match mode {
                "000000" => Form::Gone,
                "100644" | "100755" => Form::File,
                _ => Form::Link,
            };
            found.push(Difference { path: text(path)?, form });
        }
        let new = self.ask(&["ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", ":/"], None)?;
        let top = self.ask(&["rev-parse", "--show-toplevel"], None)?;
        let top = line(&top);
        for path in new.split(|byte| *byte == 0).filter(|part| !part.is_empty()) {
            let path = text(path)?;
            let link = std::fs::symlink_metadata(Path::new(&top).join(&path)).is_ok_and(|file| file.is_symlink());
            found.push(Difference { path, form: if link { Form::Link } else { Form::File } });
        }
        Ok(found)
    }

    /// The manifests of the directory as they stood at the base.
    pub(super) fn manifests(&self) -> anyhow::Result<Vec<Source>> {
        let listed = self.ask(&["ls-tree", "-r", "-z", "--full-tree", &self.base, "--", &self.scope()], None)?;
        let mut names = Vec::new();
        let mut wanted = String::new();
        for entry in listed.split(|byte| *byte == 0).filter(|part| !part.is_empty()) {
            let entry = text(entry)?;
            let Some((about, path)) = entry.split_once('\t') else { continue };
            let [mode, "blob", object] = about.split(' ').collect::<Vec<_>>()[..] else { continue };
            let name = path.strip_prefix(&self.prefix).unwrap_or(path);
            if mode.starts_with("100") && files::is_manifest(name) {
                names.push(name.to_owned());
                wanted.push_str(object);
                wanted.push('\n');
            }
        }
        let texts = self.ask(&["cat-file", "--batch"], Some(wanted))?;
        let mut rest = texts.as_slice();
        let mut sources = Vec::with_capacity(names.len());
        for name in names {
            let cut = || anyhow::anyhow!("git did not give the whole of {name} at {}", self.base);
            let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(cut)?;
            let head = String::from_utf8_lossy(&rest[..end]).into_owned();
            let size: usize = head.rsplit(' ').next().and_then(|size| size.parse().ok()).ok_or_else(cut)?;
            let body = rest.get(end + 1..end + 1 + size).ok_or_else(cut)?;
            sources.push(Source { text: String::from_utf8_lossy(body).into_owned(), name });
            rest = rest.get(end + 2 + size..).unwrap_or_default();
        }
        sources.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(sources)
    }

    fn scope(&self) -> String {
        if self.prefix.is_empty() { ".".into() } else { self.prefix.clone() }
    }

    fn ask(&self, arguments: &[&str], input: Option<String>) -> anyhow::Result<Vec<u8>> {
        git(self.dir, arguments, input).map_err(|reason| anyhow::anyhow!("git {}: {reason}", arguments[0]))
    }
}

fn text(bytes: &[u8]) -> anyhow::Result<String> {
    String::from_utf8(bytes.to_vec())
        .with_context(|| format!("a file's name is not UTF-8: {}", String::from_utf8_lossy(bytes)))
}

fn line(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches(['\n', '\r']).to_owned()
}

fn git(dir: &Path, arguments: &[&str], input: Option<String>) -> Result<Vec<u8>, String> {
    let mut command = Command::new("git");
    command.arg("-C").arg(dir).args(["-c", "core.quotePath=false", "--no-optional-locks"]);
    command.args(arguments).stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "the command `git` is not there; install it".to_owned(),
        _ => error.to_string(),
    })?;
    let pipe = child.stdin.take();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            // Whoever stops reading says why itself.
            let _ = pipe.zip(input).map(|(mut pipe, input)| pipe.write_all(input.as_bytes()));
        });
        child.wait_with_output()
    })
    .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = line(&output.stderr);
    Err(if said.is_empty() { format!("it ended with {}", output.status) } else { said })
}
