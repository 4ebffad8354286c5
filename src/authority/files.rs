//! Which files may be touched at all.

use crate::diagnostic::{Diagnostic, Span};

/// A file that differs between two revisions. A renamed file is two of them: one that goes, one that comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Its path relative to the manifest directory, with `/` between the parts; `../` leads out of it.
    pub path: String,
    /// Its place among the sources of the new side.
    pub span: Span,
    /// What it is now.
    pub form: Form,
}

/// What a changed file is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A file.
    File,
    /// Gone.
    Gone,
    /// A symbolic link, or another repository: it may lead anywhere.
    Link,
}

/// A directory that an author may write, relative to the manifest directory and without `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// With a `/` at its end.
    directory: String,
}

impl Scope {
    /// Reads a path; `None` when it is no directory inside the manifest directory, or that directory itself.
    pub fn new(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        let inside = !path.starts_with('/') && !parts.is_empty() && !parts.contains(&"..") && !path.contains('\\');
        inside.then(|| Self { directory: parts.join("/") + "/" })
    }

    /// The directory, as people write it.
    pub fn name(&self) -> &str {
        self.directory.trim_end_matches('/')
    }

    /// True for a path of a file in it, or of a directory with its `/`.
    pub fn holds(&self, path: &str) -> bool {
        path.starts_with(&self.directory) && !path.split('/').any(|part| part == "..")
    }
}

pub(super) fn check(changed: &[Changed], scopes: &[Scope], found: &mut Vec<Diagnostic>) {
    for file in changed {
        if !scopes.iter().any(|scope| scope.holds(&file.path)) {
            let what = if file.form == Form::Gone { "is removed" } else { "is changed" };
            let names: Vec<String> = scopes.iter().map(|scope| format!("`{}`", scope.name())).collect();
            let message = format!("`{}` {what}, which is outside {}", file.path, names.join(" and "));
            let hint = "leave it as it was, or ask the platform team for this part of the change";
            found.push(Diagnostic::error("outside-scope", file.span, message).hint(hint));
        } else if file.form == Form::Link {
            let message = format!("`{}` is a link, which may lead anywhere", file.path);
            found.push(Diagnostic::error("link", file.span, message).hint("put the file itself there"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_a_directory_inside() {
        let name = |path| Scope::new(path).map(|scope| scope.name().to_owned());
        assert_eq!(name("./distributors//acme/"), Some("distributors/acme".into()));
        for path in ["", ".", "..", "/etc", "a/../b", "a\\b"] {
            assert_eq!(name(path), None, "{path}");
        }
        let scope = Scope::new("distributors/acme").expect("a scope");
        assert!(scope.holds("distributors/acme/x.yaml") && scope.holds("distributors/acme/"));
        for path in
            ["distributors/acme-2/x.yaml", "distributors/acme", "distributors/acme/../b.yaml", "../distributors/acme/x"]
        {
            assert!(!scope.holds(path), "{path}");
        }
    }
}
