//! Fields that nobody declared, of what is managed or what Keycloak makes itself, and that are not as it makes them:
//! somebody set them by hand. They are named and left alone.
//!
//! What Keycloak makes is recorded ([`defaults`]); of a server of a version that is not, nothing is said.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::diff::is_declared_whole;
use crate::state::defaults::{self, Flat};
use crate::state::device::is_device;
use crate::state::kind::{Own, SERVICE_ACCOUNT_PREFIX};
use crate::state::sealed::is_entitlement;
use crate::state::secret::is_masked;
use crate::state::{Applied, Fields, Kind, Object, ObjectId, RealmState, same};

/// The paths of foreign fields, by object.
pub type ForeignFields = BTreeMap<ObjectId, Vec<String>>;

/// Which value the server gives a field where nothing is said of it.
enum Given {
    /// Another one to each object.
    Any,
    /// It is switched on.
    True,
    /// This text.
    Text(&'static str),
    /// That of this other field.
    As(&'static str),
}

/// What the server adds to an object that says nothing of it. A trailing `*` stands for any rest.
const GIVEN: &[(Kind, &str, Given)] = &[
    (Kind::Realm, "attributes.realmwright.*", Given::Any),
    (Kind::Client, "attributes.saml.artifact.binding.identifier", Given::Any),
    (Kind::Client, "attributes.saml.signing.*", Given::Any),
    (Kind::Client, "attributes.saml.encryption.*", Given::Any),
    (Kind::Client, "attributes.backchannel.logout.session.required", Given::Text("true")),
    (Kind::Client, "attributes.backchannel.logout.revoke.offline.tokens", Given::Text("false")),
    (Kind::Client, "attributes.post.logout.redirect.uris", Given::Text("+")),
    (Kind::ClientMapper, "config.userinfo.token.claim", Given::As("config.id.token.claim")),
    (Kind::ClientMapper, "config.introspection.token.claim", Given::As("config.access.token.claim")),
    (Kind::ScopeMapper, "config.userinfo.token.claim", Given::As("config.id.token.claim")),
    (Kind::ScopeMapper, "config.introspection.token.claim", Given::As("config.access.token.claim")),
    (Kind::Client, "frontchannelLogout", Given::Any),
    (Kind::Component, "config.krbPrincipalAttribute", Given::Any),
    (Kind::Component, "config.kid", Given::Any),
    (Kind::Component, "config.certificate", Given::Any),
    (Kind::Organization, "enabled", Given::True),
    (Kind::User, "enabled", Given::True),
    // What people say of themselves, and what Keycloak notes when they do.
    (Kind::User, "email", Given::Any),
    (Kind::User, "firstName", Given::Any),
    (Kind::User, "lastName", Given::Any),
    (Kind::User, "attributes.locale", Given::Any),
    (Kind::User, "attributes.terms_and_conditions", Given::Any),
];

/// What is foreign in objects that are not foreign themselves.
pub fn fields(desired: &RealmState, observed: &RealmState, applied: &Applied, foreign: &[ObjectId]) -> ForeignFields {
    if !defaults::is_known(observed) {
        return ForeignFields::new();
    }
    let world = World { desired, observed, bare: defaults::every_bare(observed.name().unwrap_or_default()) };
    let settled = |id: &ObjectId, found: &Object| {
        let gone = applied.fields(id).is_some() && !desired.objects.contains_key(id);
        let ours = !is_peoples(id) || is_ours(desired, id);
        let device = is_device(id, &found.fields) && !desired.objects.contains_key(id);
        !found.idle && !gone && !device && !foreign.contains(id) && ours
    };
    let objects = observed.objects.iter().filter(|(id, found)| settled(id, found));
    let fields = objects.map(|(id, found)| {
        let paths = found
            .fields
            .iter()
            .filter(|(path, value)| applied.field(id, path).is_none() && world.is_foreign(id, path, value))
            // Taken out: nobody else has a say in it.
            .filter(|(path, _)| !is_entitlement(id, path));
        (id.clone(), paths.map(|(path, _)| path.clone()).collect())
    });
    fields.filter(|(_, paths): &(_, Vec<String>)| !paths.is_empty()).collect()
}

/// Objects of a kind that anybody may make, and change: users.
fn is_peoples(id: &ObjectId) -> bool {
    id.kind.spec().built_in.contains(&"*")
}

/// Whether a user is declared, or the service account of a client that is.
fn is_ours(desired: &RealmState, user: &ObjectId) -> bool {
    let client = user.key.strip_prefix(SERVICE_ACCOUNT_PREFIX).map(|client| ObjectId::new(Kind::Client, client));
    desired.get(user).is_some() || client.is_some_and(|client| desired.get(&client).is_some())
}

struct World<'a> {
    desired: &'a RealmState,
    observed: &'a RealmState,
    /// By each version that is recorded.
    bare: Vec<Flat>,
}

impl World<'_> {
    fn is_foreign(&self, id: &ObjectId, path: &str, value: &Value) -> bool {
        let class = id.kind.class_of_path(path);
        let compared = class.is_readable() && !class.is_initial() && !class.is_shared() && !is_masked(value);
        compared
            && path != id.kind.spec().key
            && !is_given(id, path, value, self.found(id).filter(|_| !self.is_keycloaks(id)))
            && !self.is_declared(id, path)
            && {
                let known = self.bases(id);
                let like =
                    |base: &Fields| same(base.get(path), Some(value)) || (*value == false && !base.contains_key(path));
                match known.as_slice() {
                    // Of what is not recorded, that something is there because somebody put it there: of what is declared
                    // any field, of others entries.
                    [] => {
                        let nothing = same(None, Some(value)) || (*value == false && !is_on(id.kind, path));
                        !nothing && (class.is_entry() || self.desired.get(id).is_some() || is_peoples(id))
                    }
                    known => !known.iter().any(like) && !self.is_usual(id, path, value),
                }
            }
    }

    /// Whether it is declared, or belongs to a group that is declared whole.
    fn is_declared(&self, id: &ObjectId, path: &str) -> bool {
        let wanted = self.desired.get(id);
        wanted.is_some_and(|wanted| wanted.fields.contains_key(path) || is_declared_whole(id, path, wanted))
    }

    /// Whether it is as Keycloak made it with the realm: nobody brought another in its place.
    fn is_keycloaks(&self, id: &ObjectId) -> bool {
        self.desired.get(id).is_none() && self.bare.iter().any(|bare| bare.contains_key(id))
    }

    fn found(&self, id: &ObjectId) -> Option<&Fields> {
        Some(&self.observed.get(id)?.fields)
    }

    /// What it is like where nothing is said of it: as in a bare realm, or as one that a manifest brings.
    fn bases(&self, id: &ObjectId) -> Vec<Fields> {
        let declared = self.desired.get(id).map(|wanted| &wanted.fields);
        let mut known: Vec<Fields> = self.bare.iter().filter_map(|bare| bare.get(id)).cloned().collect();
        // One that every realm has is never brought in place of Keycloak's.
        let stays = id.kind.is_single() || (id.kind == Kind::Client && Own::of(&id.key) == Some(Own::Changed));
        let brought = known.is_empty() || (declared.is_some() && !stays);
        if brought && (defaults::is_recorded(id.kind) || id.kind.is_single()) {
            known.extend(defaults::every_new_object(id, self.found(id).unwrap_or(&Fields::new())));
        }
        known
    }

    /// Whether these are the origins of the client's redirect URIs, which Keycloak gives to a client without any.
    fn are_derived(&self, id: &ObjectId, origins: &Value) -> bool {
        let texts = |value: Option<&Value>| -> BTreeSet<String> {
            let items = value.and_then(Value::as_array).into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let uris = texts(self.found(id).and_then(|found| found.get("redirectUris")));
        let origin = |uri: &String| Some(url::Url::parse(uri).ok()?.origin().ascii_serialization());
        texts(Some(origins)) == uris.iter().filter_map(origin).collect()
    }

    /// Whether it is a list that Keycloak derives: web origins, or one of the two lists of client scopes as the realm gives
    /// them. Where a manifest brings scopes, the realm has no others, and clients that are not declared have none.
    fn is_usual(&self, id: &ObjectId, path: &str, value: &Value) -> bool {
        let given = match path {
            "defaultClientScopes" => "defaultDefaultClientScopes",
            "optionalClientScopes" => "defaultOptionalClientScopes",
            "defaultDefaultClientScopes" | "defaultOptionalClientScopes" => return self.brings_scopes(),
            "webOrigins" => return self.are_derived(id, value),
            _ => return false,
        };
        let list = self.found(&ObjectId::realm()).and_then(|realm| realm.get(given)?.as_array());
        let protocol = |fields: Option<&Fields>| fields.and_then(|fields| fields.get("protocol")).cloned();
        let own = protocol(self.found(id));
        let fits = |name: &&Value| {
            let scope = ObjectId::new(Kind::ClientScope, name.as_str().unwrap_or_default());
            protocol(self.found(&scope)).is_none_or(|speaks| Some(speaks) == own)
        };
        let account = json!("service_account");
        let without = |names: &mut dyn Iterator<Item = &Value>| -> Vec<Value> {
            names.filter(|name| **name != account).cloned().collect()
        };
        let expected = without(&mut list.into_iter().flatten().filter(fits));
        let found = without(&mut value.as_array().into_iter().flatten());
        let other_is_declared = || {
            self.desired.get(id).is_some_and(|wanted| wanted.fields.keys().any(|path| path.ends_with("ClientScopes")))
        };
        expected == found || (found.is_empty() && (self.brings_scopes() || other_is_declared()))
    }

    fn brings_scopes(&self) -> bool {
        brings_scopes(self.desired)
    }
}

/// Whether manifests bring client scopes: then the realm has no others.
pub(super) fn brings_scopes(desired: &RealmState) -> bool {
    desired.of_kind(Kind::ClientScope).next().is_some()
}

/// Whether the server switches it on where nothing is said of it.
fn is_on(kind: Kind, path: &str) -> bool {
    GIVEN.iter().any(|(of, on, given)| *of == kind && *on == path && matches!(given, Given::True))
}

/// Whether the server gives this value by itself.
fn is_given(id: &ObjectId, path: &str, value: &Value, found: Option<&Fields>) -> bool {
    let meant = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => path == pattern,
    };
    let gives = |given: &Given| match given {
        Given::Any => true,
        Given::True => *value == true,
        Given::Text(text) => value == text,
        Given::As(other) => same(found.and_then(|found| found.get(*other)), Some(value)),
    };
    // Keycloak keeps some fields of a realm as attributes too, and shows both once the realm was written.
    let mirrored = || path.strip_prefix("attributes.").is_some_and(|name| Kind::Realm.class(name).is_some());
    defaults::SERVERS.contains(&path)
        || GIVEN.iter().any(|(kind, pattern, given)| *kind == id.kind && meant(pattern) && gives(given))
        || (id.kind == Kind::Realm && mirrored())
}

/// What declared users, and the service accounts of declared clients, have although nobody declared it, and who is in a
/// declared organization.
pub fn rights(desired: &RealmState, observed: &RealmState, applied: &Applied) -> ForeignFields {
    let mut rights = ForeignFields::new();
    let shared = observed.of_kind(Kind::User).chain(observed.of_kind(Kind::Organization));
    for (id, found) in shared.filter(|(id, _)| is_ours(desired, id)) {
        let declared = |path: &str| {
            desired.get(id).is_some_and(|wanted| wanted.fields.contains_key(path)) || applied.field(id, path).is_some()
        };
        let foreign = found.fields.keys().filter(|path| id.kind.class_of_path(path).is_shared() && !declared(path));
        let foreign: Vec<String> = foreign.cloned().collect();
        if !foreign.is_empty() {
            rights.insert(id.clone(), foreign);
        }
    }
    rights
}
