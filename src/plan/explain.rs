//! The values of one object: what is declared, and what a server has instead.

use serde_json::Value;

use super::{Action, Cause, plan_tenant, render};
use crate::expand::Desired;
use crate::state::secret::Secrets;
use crate::state::{ObjectId, RealmState};

/// An object and its fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// The object.
    pub object: ObjectId,
    /// Whether others put it there, so that it is left alone.
    pub foreign: bool,
    /// The declared fields, then those that only the server has.
    pub fields: Vec<Field>,
}

/// One field.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its path.
    pub path: String,
    /// What is declared.
    pub value: Option<Value>,
    /// How it is on the server, if that was looked at.
    pub server: Option<OnServer>,
}

/// How a field is on the server.
#[derive(Debug, Clone, PartialEq)]
pub enum OnServer {
    /// There is no such realm.
    NoRealm,
    /// There is no such object.
    NoObject,
    /// As declared.
    Same,
    /// It can't be read back.
    Hidden,
    /// Something else, and why; none: not set.
    Differs(Option<Value>, Cause),
    /// Not declared, and not as Keycloak makes it: others set it, and it is left alone.
    Foreign(Value),
    /// Not declared, but there; `true`: it was declared when it was last applied.
    Undeclared(Value, bool),
}

/// The fields of an object; of one path, if one is asked for. `observed`: not looked at, no such realm, or the realm.
pub fn explain(
    desired: &Desired,
    observed: Option<Option<&RealmState>>,
    id: &ObjectId,
    path: Option<&str>,
) -> Explained {
    let asked = |field: &str| {
        path.is_none_or(|path| field == path || field.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
    };
    let state = observed.flatten();
    let found = state.and_then(|state| state.get(id));
    let plan = plan_tenant(desired, state, &Secrets::default());
    let change = plan.changes.iter().find(|change| change.object == *id && change.action == Action::Update);
    let wanted = desired.state.get(id);
    let server = |path: &str| match (observed?, found) {
        (None, _) => Some(OnServer::NoRealm),
        (Some(_), None) => Some(OnServer::NoObject),
        _ if !id.kind.shows(path, wanted.and_then(|wanted| wanted.fields.get(path)))
            || id.kind.class_of_path(path).is_initial() =>
        {
            Some(OnServer::Hidden)
        }
        _ => match change.and_then(|change| change.fields.iter().find(|field| field.path == path)) {
            Some(field) => Some(OnServer::Differs(field.before.clone(), field.cause)),
            None => Some(OnServer::Same),
        },
    };
    let declared = wanted.into_iter().flat_map(|object| &object.fields).filter(|(path, _)| asked(path));
    let mut fields: Vec<Field> = declared
        .map(|(path, value)| Field { path: path.clone(), value: Some(value.clone()), server: server(path) })
        .collect();
    let applied = state.map(RealmState::applied).unwrap_or_default();
    let others = found.into_iter().flat_map(|object| &object.fields).filter(|(path, value)| {
        asked(path)
            && id.kind.shows(path, Some(value))
            && wanted.is_none_or(|wanted| !wanted.fields.contains_key(*path))
    });
    let foreign = plan.foreign.contains(id);
    let is_foreign = |path: &String| plan.foreign_fields.get(id).is_some_and(|paths| paths.contains(path));
    fields.extend(others.map(|(path, value)| Field {
        path: path.clone(),
        value: None,
        server: Some(match foreign || is_foreign(path) {
            true => OnServer::Foreign(value.clone()),
            false => OnServer::Undeclared(value.clone(), applied.field(id, path).is_some()),
        }),
    }));
    Explained { object: id.clone(), foreign, fields }
}

impl Field {
    /// Its value for people.
    pub fn shown(&self) -> String {
        match &self.server {
            Some(OnServer::Undeclared(value, _) | OnServer::Foreign(value)) => render::show(Some(value)),
            _ => render::show(self.value.as_ref()),
        }
    }

    /// What was found on the server, where that is something else than what is declared.
    pub fn found(&self) -> Option<&Value> {
        match self.server.as_ref()? {
            OnServer::Same => self.value.as_ref(),
            OnServer::Differs(value, _) => value.as_ref(),
            OnServer::Undeclared(value, _) | OnServer::Foreign(value) => Some(value),
            OnServer::NoRealm | OnServer::NoObject | OnServer::Hidden => None,
        }
    }

    /// How it is on the server, in words.
    pub fn on_server(&self) -> Option<String> {
        Some(match self.server.as_ref()? {
            OnServer::NoRealm => "the realm is not there yet".into(),
            OnServer::NoObject => "the object is not there".into(),
            OnServer::Same => "the same".into(),
            OnServer::Hidden => "not compared: it can't be read back, or is left to others once it is there".into(),
            OnServer::Differs(value, cause) => {
                let because = match cause {
                    Cause::Manifest => "what was declared before",
                    Cause::Drift => "changed outside Realmwright since it was last applied",
                    Cause::Both => "changed outside Realmwright, and the manifests too",
                    Cause::Adoption => "from before Realmwright managed it",
                };
                format!("{}, {because}", render::show(value.as_ref()))
            }
            OnServer::Foreign(_) => {
                "foreign: nobody declared it, and it is not as Keycloak makes it; left alone".into()
            }
            OnServer::Undeclared(_, true) => "no longer declared".into(),
            OnServer::Undeclared(_, false) => "not declared: Keycloak's default, or set by hand".into(),
        })
    }
}
