//! What realms contain: one type for what the manifests want (*desired*) and what Keycloak has (*observed*).
//!
//! Both sides start as a document in the shape of Keycloak's RealmRepresentation. [`arrange()`] takes it apart into
//! objects whose fields are flat and in canonical form, so that comparing is trivial; [`assemble`] is its inverse and
//! makes the body of a realm's birth. What is special about a kind stands in its table, [`kind`], and nowhere else.

pub mod address;
pub mod applied;
pub mod arrange;
mod built_in;
pub mod defaults;
pub mod device;
pub mod kind;
pub mod layered;
mod normalize;
pub mod permissions;
pub mod protection;
pub mod quarantine;
pub mod sealed;
pub mod seats;
pub mod secret;
pub mod secret_name;
pub(crate) mod shape;
pub mod shared;
pub mod specs;
mod tables;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

pub use address::ObjectId;
pub use applied::Applied;
pub use arrange::{arrange, assemble};
pub use kind::Kind;
pub use layered::Layered;
pub use normalize::{document, fields as fields_of, same};
pub use protection::Protection;
pub use quarantine::Quarantine;
pub(crate) use shape::{regular, written};
pub use shared::Shared;

/// Client id of the provisioner, the service account in each realm; the same in every realm.
pub const PROVISIONER: &str = "realmwright-provisioner";

/// What says of a client or identity provider whether anybody can log in through it ([`crate::plan::quarantine::doors`]).
const DOORS: [&str; 2] = ["bearerOnly", "enabled"];

/// The fields of an object by their path: `redirectUris`, `attributes.pkce.code.challenge.method`.
pub type Fields = Layered<String, Value>;

/// One object of a realm.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object {
    /// Its fields in canonical form. Desired: the declared ones. Observed: all that can be read.
    pub fields: Fields,
    /// The id that the server gave it; only on the observed side.
    pub id: Option<String>,
    /// The document as it was read, for writes that replace the whole; only on the observed side.
    pub raw: Value,
    /// True for what was replaced and is in nobody's use any more; only on the observed side.
    pub idle: bool,
}

/// The objects of one realm.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RealmState {
    /// In the order in which they can be created.
    pub objects: Layered<ObjectId, Shared<Object>>,
    /// Why the realm, which is there, could not be read: `objects` are then what is known all the same. Only on the
    /// observed side.
    pub unread: Option<String>,
    /// When it was last compared whole, where its watermark says that nothing has changed since: it was not read, and
    /// `objects` are none. Only on the observed side.
    pub unchanged_since: Option<String>,
    /// True once it was compared and had nothing to tell: `objects` are then none. Only on the observed side.
    pub silent: bool,
    /// Digest of what changes without an admin event; only on the observed side, where the realm keeps admin events.
    pub unlogged: Option<String>,
}

impl RealmState {
    /// A realm that could not be read, of which only some fields of its own are known.
    pub fn unread(why: String, known: Fields) -> Self {
        let known = (!known.is_empty()).then(|| Object { fields: known, ..Object::default() });
        let objects = known.map(|known| (ObjectId::realm(), known.into())).into_iter().collect();
        Self { objects, unread: Some(why), ..Self::default() }
    }

    /// A realm that was not read, because nothing has changed since it was last compared whole.
    pub fn unchanged(since: String) -> Self {
        Self { unchanged_since: Some(since), ..Self::default() }
    }

    /// Of a realm that was compared and had nothing to tell, what is still needed.
    #[must_use]
    pub fn silent(self) -> Self {
        Self { silent: true, unlogged: self.unlogged, ..Self::default() }
    }

    /// True where its objects are here.
    pub fn is_read(&self) -> bool {
        self.unread.is_none() && !self.is_as_declared()
    }

    /// True where a comparison had nothing to tell, now or before its watermark, and no objects are here.
    pub fn is_as_declared(&self) -> bool {
        self.silent || self.unchanged_since.is_some()
    }

    /// An object, if there is such a one.
    pub fn get(&self, id: &ObjectId) -> Option<&Object> {
        self.objects.get(id).map(|object| &**object)
    }

    /// The objects of one kind.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&ObjectId, &Object)> {
        self.objects.iter().filter(move |(id, _)| id.kind == kind).map(|(id, object)| (id, &**object))
    }

    /// The realm itself.
    pub fn realm(&self) -> Option<&Object> {
        self.get(&ObjectId::realm())
    }

    /// Its name.
    pub fn name(&self) -> Option<&str> {
        self.realm()?.fields.get("realm")?.as_str()
    }

    /// The same without documents that only writes look into, each of which reads its realm anew: of thousands of realms,
    /// they would be most. What plans look at stays: the realm's own, and whether others let anybody in.
    pub fn lean(mut self) -> Self {
        for (_, object) in self.objects.iter_mut().filter(|(id, _)| id.kind != Kind::Realm) {
            let Value::Object(raw) = &mut object.raw else { continue };
            raw.retain(|name, _| DOORS.contains(&name.as_str()));
            if raw.is_empty() {
                object.raw = Value::Null;
            }
        }
        self
    }

    /// The text of its marker, if it carries one.
    pub fn marker(&self) -> Option<&str> {
        self.realm()?.raw.get("attributes")?.get(applied::MARKER)?.as_str()
    }

    /// True for a realm that was made elsewhere: it carries no marker, and does not know the provisioner.
    pub fn is_elsewhere(&self) -> bool {
        self.marker().is_none() && self.get(&ObjectId::new(Kind::Client, PROVISIONER)).is_none()
    }

    /// Leaves out what an upgrade of the server added to a field that is otherwise as it was last applied: that is the
    /// server's, and nobody's edit. Where the field was changed besides, or such a reference is declared, it stays.
    pub fn settle_upgrades(&mut self) {
        let applied = self.applied();
        for (kind, path, brought) in built_in::BROUGHT_BY_UPGRADES {
            for (id, object) in self.objects.iter_mut().filter(|(id, _)| id.kind == *kind) {
                let Some(list) = object.fields.get_mut(*path).and_then(Value::as_array_mut) else { continue };
                let rest: Vec<Value> = list.iter().filter(|entry| entry != brought).cloned().collect();
                let hash = applied::hash(&rest.clone().into(), &secret::Secrets::default());
                if applied.field(id, path) == Some(hash.as_str()) {
                    *list = rest;
                }
            }
        }
    }

    /// Of what is wanted of one of its objects, what it will show: while addresses of users stand for their names, no other
    /// names.
    pub fn shown<'o>(&self, id: &ObjectId, wanted: &'o Object, desired: &Self) -> Cow<'o, Object> {
        let mut shown = Cow::Borrowed(wanted);
        if id.kind != Kind::User {
            return shown;
        }
        let mut settings = [desired, self].into_iter().filter_map(RealmState::realm);
        let addresses = settings.find_map(|realm| realm.fields.get("registrationEmailAsUsername"));
        if addresses == Some(&Value::Bool(true)) {
            shown.to_mut().fields.remove("username");
        }
        shown
    }

    /// What was last applied to it.
    pub fn applied(&self) -> Applied {
        self.marker().map(Applied::parse).unwrap_or_default()
    }
}

/// Realms by their name.
pub type State = BTreeMap<String, RealmState>;
