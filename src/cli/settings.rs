//! The one table of settings: what may come from an option, a variable and the configuration file alike.
//!
//! A row names an option of the command line; its variable, its help and its default are read from there.

use clap::{Arg, Command};

/// One setting.
#[derive(Debug)]
pub(super) struct Setting {
    /// Id of its option, in `snake_case`; or the name of the secret, which has none.
    pub(super) id: &'static str,
    /// What its value is.
    pub(super) form: Form,
    /// What holds where nothing is given, in words.
    pub(super) otherwise: &'static str,
}

/// What the value of a setting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A text, a number, a choice, or a switch.
    Plain,
    /// A path; in the configuration file, relative to that file.
    Path,
    /// A secret, only ever in the variable of this name.
    Secret(&'static str),
}

const fn row(id: &'static str, form: Form, otherwise: &'static str) -> Setting {
    Setting { id, form, otherwise }
}

/// Every setting.
pub(super) static SETTINGS: &[Setting] = &[
    row("environment", Form::Plain, "the only one of the platform"),
    row("server", Form::Plain, "the one that the platform names for the environment"),
    row("operator_key", Form::Path, "none"),
    row("operator_key_pem", Form::Secret("REALMWRIGHT_OPERATOR_KEY_PEM"), "none"),
    row("observer_key", Form::Path, "none"),
    row("observer_key_pem", Form::Secret("REALMWRIGHT_OBSERVER_KEY_PEM"), "none"),
    row("broker", Form::Plain, "none"),
    row("state_dir", Form::Path, "~/.local/state/realmwright"),
    row("broker_key", Form::Path, "derived from the operator key"),
    row("broker_key_pem", Form::Secret("REALMWRIGHT_BROKER_KEY_PEM"), "none"),
    row("secrets_dir", Form::Path, "the directory of the manifests"),
    row("admin_user", Form::Plain, "none; bootstrap: admin"),
    row("admin_password_file", Form::Path, "none"),
    row("admin_password", Form::Secret("REALMWRIGHT_ADMIN_PASSWORD"), "none"),
    row("ledger", Form::Plain, "none"),
    row("actor", Form::Plain, "none"),
    row("signing_key", Form::Path, "none"),
    row("signing_key_pem", Form::Secret("REALMWRIGHT_SIGNING_KEY_PEM"), "none"),
    row("trusted_keys", Form::Path, "none"),
    row("parallelism", Form::Plain, ""),
    row("full_every", Form::Plain, ""),
    row("cache_dir", Form::Path, "~/.cache/realmwright"),
    row("no_cache", Form::Plain, ""),
    row("color", Form::Plain, ""),
    row("no_progress", Form::Plain, ""),
];

impl Setting {
    /// Its key in the configuration file, if it may stand there: the option's name in `camelCase`.
    pub(super) fn key(&self) -> Option<String> {
        match self.form {
            Form::Secret(_) => None,
            _ => Some(self.name()),
        }
    }

    /// Its name for people.
    pub(super) fn name(&self) -> String {
        let mut parts = self.id.split('_');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |name, part| {
            let (initial, rest) = part.split_at(part.len().min(1));
            name + &initial.to_uppercase() + rest
        })
    }

    /// The variable that gives it, if there is one.
    pub(super) fn variable(&self, root: &Command) -> Option<String> {
        match self.form {
            Form::Secret(name) => Some(name.to_owned()),
            _ => Some(self.arg(root)?.get_env()?.to_string_lossy().into_owned()),
        }
    }

    /// Its option, as the first command that has it defines it.
    pub(super) fn arg<'a>(&self, root: &'a Command) -> Option<&'a Arg> {
        let own = root.get_arguments().find(|arg| arg.get_id() == self.id);
        own.or_else(|| root.get_subcommands().find_map(|inner| self.arg(inner)))
    }

    /// Its built-in defaults and the commands that have each.
    pub(super) fn defaults(&self, root: &Command) -> Vec<(String, Vec<String>)> {
        let mut found: Vec<(String, Vec<String>)> = Vec::new();
        for command in std::iter::once(root).chain(root.get_subcommands()) {
            let own = command.get_arguments().find(|arg| arg.get_id() == self.id);
            let Some(default) = own.and_then(|arg| arg.get_default_values().first()) else { continue };
            let (default, name) = (default.to_string_lossy().into_owned(), command.get_name().to_owned());
            match found.iter_mut().find(|(known, _)| *known == default) {
                Some((_, commands)) => commands.push(name),
                None => found.push((default, vec![name])),
            }
        }
        found
    }

    /// What holds where nothing is given, in words.
    pub(super) fn default_text(&self, root: &Command) -> String {
        match self.defaults(root).as_slice() {
            [] if self.otherwise.is_empty() => "false".into(),
            [] => self.otherwise.to_owned(),
            [(only, _)] => only.clone(),
            several => {
                let texts = several.iter().map(|(value, commands)| format!("{value} ({})", commands.join(", ")));
                texts.collect::<Vec<_>>().join(", ")
            }
        }
    }
}
