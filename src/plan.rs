//! The plan: what will be done, why, and what that relies on. Ordered, versioned, serialisable, without any secret.
//!
//! It is printed, saved, reviewed and executed as it is; the executor decides nothing. [`diff`] makes the changes of
//! one realm, [`order`] puts them in the order in which they are safe, [`guard`] refuses what would do much harm,
//! [`review`] and [`risk`] say what a reviewer looks for, [`render`] shows it to people.

pub mod adopt;
pub mod authors;
mod birth;
mod body;
mod bookkeeping;
pub mod diff;
pub mod drift;
pub mod explain;
pub mod foreign;
pub mod guard;
mod licence;
mod missing;
mod naming;
pub(crate) mod needs;
pub mod order;
pub mod part;
mod placement;
pub mod quarantine;
pub mod render;
mod restored;
pub mod review;
pub mod risk;
pub mod select;
pub mod tampering;
mod unread;
pub mod watermark;

pub use birth::Newborn;
pub use body::Body;
pub use bookkeeping::{Bookkeeping, Proof};
pub use part::Part;
pub use placement::{Load, Placement};
use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use authors::Authors;
pub use foreign::ForeignFields;
pub use guard::{Refusal, Waiver};
pub use tampering::Tampering;

use crate::expand::{Desired, fitted};
use crate::manifest::Tier;
use crate::state::{
    Applied, Fields, Kind, Object, ObjectId, Quarantine, RealmState, applied, arrange, secret::Secrets,
};

/// Version of the plan's JSON. Readers refuse one that they do not know.
pub const FORMAT_VERSION: u32 = 2;

/// What will be done to the realms of one environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// Version of this form.
    pub format_version: u32,
    /// What it was made from, where and when.
    pub header: Header,
    /// Counts.
    pub summary: Summary,
    /// Why guards refuse it. A plan is applied only when all of them are waived.
    pub refusals: Vec<Refusal>,
    /// What was waived when it was made, or is now.
    pub waivers: Vec<Waiver>,
    /// What it leaves out, where it is for a part of the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// What it does to the accounts of the licence tree; none where the platform counts nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Bookkeeping>,
    /// On which server each tenant is, where the environment has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
    /// Every tenant that it is for, parents before children.
    pub tenants: Vec<TenantPlan>,
}

/// What a plan was made from, where and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Header {
    /// Version of the program.
    pub tool_version: String,
    /// Name of the environment.
    pub environment: String,
    /// Identity of the server: the issuer of its master realm. Left out where there are several, which `placement` names.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub server: String,
    /// The manifest directory, absolute; files of secrets are named relative to it.
    pub directory: String,
    /// SHA-256 of the sources.
    pub manifests: String,
    /// When it was made (RFC 3339, UTC).
    pub created_at: String,
    /// When it can no longer be applied (RFC 3339, UTC).
    pub expires_at: String,
    /// The public keys whose signatures on what realms say of licences were believed, in PEM; none where nothing is signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted_keys: Option<String>,
    /// Whose view of the realms it was made from.
    #[serde(default, skip_serializing_if = "View::is_whole")]
    pub view: View,
}

/// Whose view of the realms a plan was made from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum View {
    /// The provisioner's, who sees all that is managed and whose plans can be applied.
    #[default]
    Provisioner,
    /// The observer's, who may not write: secrets, the authorization settings of clients, the flow `saml ecp` and, before
    /// Keycloak 26.7, organizations inside realms are not compared, and whether realms can be created is not tried. The
    /// plan is for reading.
    Observer,
}

impl View {
    fn is_whole(&self) -> bool {
        *self == Self::Provisioner
    }
}

/// Counts over a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Summary {
    /// Tenants that get their realm.
    pub realms_to_create: usize,
    /// Tenants whose realm changes.
    pub realms_to_change: usize,
    /// Tenants whose realm is as it should be.
    pub realms_unchanged: usize,
    /// Tenants in quarantine, whose realm is left alone.
    pub realms_quarantined: usize,
    /// Tenants whose realm could not be read.
    #[serde(default)]
    pub realms_unread: usize,
    /// Objects to create in realms that exist.
    pub create: usize,
    /// Objects to update.
    pub update: usize,
    /// Objects to delete.
    pub delete: usize,
    /// Objects whose ownership alone changes: taken over as they are, or no longer ours and gone.
    pub record: usize,
    /// Objects that others put there and that stay as they are.
    pub foreign: usize,
    /// Fields that others set and that stay as they are.
    #[serde(default)]
    pub foreign_fields: usize,
    /// Objects of Keycloak's own that others removed and that stay away.
    #[serde(default)]
    pub missing: usize,
}

/// What will be done to one realm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantPlan {
    /// The tenant's name, which is its realm's.
    pub tenant: String,
    /// Its tier.
    pub tier: Tier,
    /// The names above it, from the distributor down.
    pub path: Vec<String>,
    /// What it is called.
    pub label: String,
    /// In the order in which they are made. Empty: nothing to do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// The marker to leave behind, where it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// Digest of the marker that was found; where it has moved, another run has written to the realm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<String>,
    /// Objects that others put there; they stay as they are, but for what belongs to an object that is deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign: Vec<ObjectId>,
    /// What Keycloak puts into every realm itself, no manifest declares, and somebody removed; it stays away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<ObjectId>,
    /// Fields that others set and no manifest declares, by object: of what is managed, or Keycloak's own; they stay as
    /// they are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub foreign_fields: ForeignFields,
    /// What somebody changed of what the realm says of its licences and limits; it is put back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tampering: Vec<Tampering>,
    /// Roles and groups that declared users and the service accounts of declared clients have although nobody declared
    /// it; they stay as they are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rights: BTreeMap<ObjectId, Vec<String>>,
    /// Why its realm, which is there, could not be read: then nothing in it is compared but what is known all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
    /// Until when it is kept, where it is in quarantine: then nothing is done to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantined: Option<String>,
    /// What is open in it although it is in quarantine: clients, identity providers, settings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opened: Vec<String>,
    /// When it was last compared whole (RFC 3339, UTC), where nothing has changed since by its watermark: then it was not
    /// read now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unchanged_since: Option<String>,
    /// Who changed what was changed by hand, where something was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authors: Option<Authors>,
}

/// One entry of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Change {
    /// The object.
    pub object: ObjectId,
    /// What is done with it.
    pub action: Action,
    /// Why.
    pub cause: Cause,
    /// Creation: the object's document in Keycloak's shape. For a realm that is born: the whole body of the one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// Update: the fields that change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
    /// Update: declared secrets that are as they were, and are written along because Keycloak shows a mask of them.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    #[schemars(with = "BTreeMap<String, Value>")]
    pub along: Fields,
    /// The name by which a user is found, where that is not its own: its realm takes addresses for names, or somebody
    /// renamed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found_as: Option<String>,
    /// Digest of what was observed of the object and is relied on; a write is refused when it has moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relies_on: Option<String>,
    /// Digest of what the marker says of the object; a write is refused when another run has applied something to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<String>,
}

/// What is done with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is made.
    Create,
    /// Fields of it are written.
    Update,
    /// It was ours, is no longer declared, and is removed.
    Delete,
    /// It exists as declared and is ours from now on; only the marker is written.
    Adopt,
    /// It was ours, is no longer declared, and is gone already; only the marker is written.
    Forget,
}

/// Why an object or a field changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// The manifest says otherwise than when it was last applied.
    Manifest,
    /// Somebody changed the realm; the manifest is as it was.
    Drift,
    /// Both.
    Both,
    /// It was there before and is declared now.
    Adoption,
}

/// A field that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FieldChange {
    /// Its path, e.g. `redirectUris` or `attributes.licence.AC-1.seats`.
    pub path: String,
    /// What it is. Left out: absent, or not readable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What it becomes. Left out: removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Why.
    pub cause: Cause,
}

impl Change {
    /// The fields that an object of a realm is created with; none for other changes.
    pub fn created(&self) -> Fields {
        match &self.body {
            Some(body) if self.object.kind != Kind::Realm => {
                arrange::object(self.object.kind.spec(), &body.document()).fields
            }
            _ => Fields::new(),
        }
    }

    /// Shows every value that it writes.
    pub fn visit<'a>(&'a self, mut see: impl FnMut(&'a Value)) {
        self.body.iter().for_each(|body| body.visit(&mut see));
        self.fields.iter().filter_map(|field| field.after.as_ref()).chain(self.along.values()).for_each(see);
    }

    /// Its unchanged secrets as fields to be written.
    pub fn written_along(&self) -> Vec<FieldChange> {
        let field = |(path, value): (&String, &Value)| FieldChange {
            path: path.clone(),
            before: None,
            after: Some(value.clone()),
            cause: self.cause,
        };
        self.along.iter().map(field).collect()
    }
}

impl TenantPlan {
    /// What its realm is born with, what is written right after included.
    pub fn born(&self) -> Cow<'_, RealmState> {
        let Some((first, later)) = self.changes.split_first() else { return Cow::default() };
        let mut born = first.body.as_ref().map(Body::state).unwrap_or_default();
        if matches!(first.body, Some(Body::Document(_))) {
            let of_later = |change: &Change| {
                let fields = change.created();
                (change.object.clone(), Object { fields, ..Object::default() }.into())
            };
            born.to_mut().objects.extend(later.iter().map(of_later));
        }
        born
    }

    /// True when its realm does not exist yet.
    pub fn is_birth(&self) -> bool {
        self.changes.first().is_some_and(|change| change.action == Action::Create && change.object.kind == Kind::Realm)
    }

    /// The name that its realm has, where somebody renamed it: the plan takes that back.
    pub fn other_name(&self) -> Option<&str> {
        let realm = self.changes.iter().find(|change| change.object.kind == Kind::Realm)?;
        realm.fields.iter().find(|field| field.path == "realm")?.before.as_ref()?.as_str()
    }

    /// What others put into objects that are deleted, and goes with them; with which.
    pub fn going(&self) -> impl Iterator<Item = (&ObjectId, &ObjectId)> {
        let deleted = self.changes.iter().filter(|change| change.action == Action::Delete);
        let deleted: Vec<&ObjectId> = deleted.map(|change| &change.object).collect();
        self.foreign.iter().filter_map(move |id| Some((id, *deleted.iter().find(|owner| id.is_within(owner))?)))
    }

    /// True when nothing is to be done. Of a realm that could not be read, that is not known.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.record.is_none() && self.unread.is_none()
    }

    /// True when something in its realm is others', or was taken away by them.
    pub fn has_foreign(&self) -> bool {
        !self.foreign.is_empty() || !self.foreign_fields.is_empty() || !self.missing.is_empty()
    }

    /// True when its realm could not be read, and nothing is known that would mend that.
    pub fn is_unknown(&self) -> bool {
        self.unread.is_some() && self.changes.is_empty()
    }
}

impl Plan {
    /// True when nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.tenants.iter().all(TenantPlan::is_empty)
            && self.accounts.as_ref().is_none_or(|accounts| accounts.events.is_empty())
    }

    /// The tenants where somebody tampered with what the realm says of licences.
    pub fn tampered(&self) -> impl Iterator<Item = &TenantPlan> {
        self.tenants.iter().filter(|tenant| !tenant.tampering.is_empty())
    }

    /// The tenants in quarantine that somebody opened.
    pub fn opened(&self) -> impl Iterator<Item = &TenantPlan> {
        self.tenants.iter().filter(|tenant| !tenant.opened.is_empty())
    }

    /// Puts the plans of tenants under a header.
    pub fn new(header: Header, tenants: Vec<TenantPlan>) -> Self {
        let mut summary = Summary::default();
        for tenant in &tenants {
            summary.foreign += tenant.foreign.len() - tenant.going().count();
            summary.missing += tenant.missing.len();
            summary.foreign_fields += tenant.foreign_fields.values().map(Vec::len).sum::<usize>();
            if tenant.quarantined.is_some() {
                summary.realms_quarantined += 1;
                continue;
            }
            summary.realms_unread += usize::from(tenant.unread.is_some());
            if tenant.is_unknown() {
                continue;
            }
            match (tenant.is_empty(), tenant.is_birth()) {
                (true, _) => summary.realms_unchanged += 1,
                (false, true) => summary.realms_to_create += 1,
                (false, false) => {
                    summary.realms_to_change += 1;
                    for change in &tenant.changes {
                        match change.action {
                            Action::Create => summary.create += 1,
                            Action::Update => summary.update += 1,
                            Action::Delete => summary.delete += 1,
                            Action::Adopt | Action::Forget => summary.record += 1,
                        }
                    }
                }
            }
        }
        Self {
            format_version: FORMAT_VERSION,
            header,
            summary,
            refusals: Vec::new(),
            waivers: Vec::new(),
            part: None,
            accounts: None,
            placement: None,
            tenants,
        }
    }
}

/// The plan of one tenant: what makes `observed` (none: there is no such realm) what is desired.
pub fn plan_tenant(desired: &Desired, observed: Option<&RealmState>, secrets: &Secrets) -> TenantPlan {
    let desired = &*fitted(desired, observed);
    let mut plan = TenantPlan {
        tenant: desired.name.clone(),
        tier: desired.tier,
        path: desired.path.clone(),
        label: desired.label.clone(),
        changes: Vec::new(),
        record: None,
        recorded: None,
        foreign: Vec::new(),
        missing: Vec::new(),
        foreign_fields: ForeignFields::new(),
        tampering: Vec::new(),
        rights: BTreeMap::new(),
        unread: observed.and_then(|observed| observed.unread.clone()),
        quarantined: observed.and_then(Quarantine::of).map(|quarantine| quarantine.until),
        opened: observed.map(quarantine::opened).unwrap_or_default(),
        unchanged_since: observed.and_then(|observed| observed.unchanged_since.clone()),
        authors: None,
    };
    if plan.quarantined.is_some() || observed.is_some_and(RealmState::is_as_declared) {
        return plan;
    }
    match observed {
        None => birth::birth(&mut plan, desired, secrets),
        Some(observed) if plan.unread.is_some() => plan.changes = unread::known(&desired.state, observed),
        Some(observed) => {
            let applied = observed.applied();
            let marker = applied_after(desired, observed, secrets).to_text();
            let difference = diff::diff(&desired.state, observed, &applied, secrets);
            plan.changes = match applied.is_empty() {
                true if observed.is_elsewhere() => adopt::realm(difference.changes),
                true => adopt::anew(difference.changes, observed, &marker),
                false => difference.changes,
            };
            naming::shut(&mut plan.changes, &desired.state, observed, &applied);
            restored::add(&mut plan, observed);
            plan.changes = order::order(plan.changes);
            plan.tampering = tampering::found(&plan.tenant, &plan.changes, &applied);
            plan.tampering.extend(tampering::rivals(&desired.state, observed));
            plan.foreign_fields = foreign::fields(&desired.state, observed, &applied, &difference.foreign);
            plan.missing = missing::missing(&desired.state, observed, &applied, &plan.changes);
            plan.foreign = difference.foreign;
            plan.rights = foreign::rights(&desired.state, observed, &applied);
            let written = observed.marker();
            plan.record = (written != Some(marker.as_str())).then_some(marker);
            plan.recorded = written.filter(|_| !plan.is_empty()).map(applied::digest);
        }
    }
    plan
}

/// What applying a tenant's manifest whole leaves behind.
fn applied_after(desired: &Desired, observed: &RealmState, secrets: &Secrets) -> Applied {
    let applied = Applied::of(&desired.state, &desired.environment, secrets);
    if secrets.are_unread() { applied.with_unread(&desired.state, &observed.applied()) } else { applied }
}
