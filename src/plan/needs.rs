//! What changes need of each other: the object that one belongs to, what it refers to, what still refers to it.
//!
//! The executor refuses what it can't do with it; a plan for a part takes in what the part can't do without.

use serde_json::Value;

use super::{Action, Change, FieldChange, TenantPlan};
use crate::state::permissions::referred;
use crate::state::{Kind, ObjectId, RealmState};

/// One reference to add or remove.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Link {
    /// Removals come first: a scope must leave one list before it can enter the other.
    pub(crate) add: bool,
    /// The field that lists it.
    pub(crate) field: String,
    /// What is referred to.
    pub(crate) target: ObjectId,
    /// As whom, where it is an identity provider that vouches for a user: the account's id and name there.
    pub(crate) account: Option<(String, Option<String>)>,
}

impl Link {
    /// The references that change among some fields, given as path, before and after.
    pub(crate) fn of<'v>(
        id: &ObjectId,
        fields: impl Iterator<Item = (&'v str, Option<&'v Value>, Option<&'v Value>)>,
    ) -> Vec<Self> {
        let mut links = Vec::new();
        for (path, before, after) in fields {
            if let Some(target) = ObjectId::of_membership(id.kind, path) {
                let field = path.split('.').next().unwrap_or_default();
                let link =
                    |add, value| Self { add, field: field.to_owned(), target: target.clone(), account: account(value) };
                if before != after {
                    links.extend(before.map(|value| link(false, value)));
                    links.extend(after.map(|value| link(true, value)));
                }
                continue;
            }
            let names = |value: Option<&Value>| -> Vec<String> {
                let items = value.and_then(Value::as_array).into_iter().flatten();
                items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
            };
            let (before, after) = (names(before), names(after));
            let link = |add, name: &String| {
                let target = ObjectId::of_reference(id.kind, path, name)?;
                Some(Self { add, field: path.to_owned(), target, account: None })
            };
            links.extend(before.iter().filter(|name| !after.contains(name)).filter_map(|name| link(false, name)));
            links.extend(after.iter().filter(|name| !before.contains(name)).filter_map(|name| link(true, name)));
        }
        links.sort();
        links
    }

    /// What is referred to, if the reference is added.
    pub(crate) fn added(self) -> Option<ObjectId> {
        self.add.then_some(self.target)
    }
}

/// The account that stands for a user at an identity provider.
fn account(value: &Value) -> Option<(String, Option<String>)> {
    let text = |field: &str| value[field].as_str().map(str::to_owned);
    Some((text("userId")?, text("userName")))
}

/// What has to be there for a change: the object that its own belongs to, and what it refers to anew.
pub(crate) fn needs(change: &Change, plan: &TenantPlan, observed: &RealmState) -> Vec<ObjectId> {
    let id = &change.object;
    let created = change.created();
    let made = created.iter().map(|(path, value)| (path.as_str(), None, Some(value)));
    let changed = change.fields.iter().map(|field| (field.path.as_str(), field.before.as_ref(), field.after.as_ref()));
    let fields: Vec<_> = made.chain(changed).collect();
    let flows = fields.iter().filter_map(|(path, _, after)| flow(id.kind, path, *after));
    let flows: Vec<ObjectId> = flows.collect();
    let named: Vec<ObjectId> = fields.iter().flat_map(|(path, _, after)| referred(id, path, *after)).collect();
    let links = Link::of(id, fields.into_iter());
    let owner = owner(id, plan, observed);
    owner.into_iter().chain(flows).chain(named).chain(links.into_iter().filter_map(Link::added)).collect()
}

/// What a change no longer refers to.
fn lets_go(change: &Change) -> Vec<ObjectId> {
    let id = &change.object;
    let fields = || change.fields.iter();
    let flows = fields().filter_map(|field| flow(id.kind, &field.path, field.before.as_ref()));
    let named = fields().flat_map(|field| {
        let still = referred(id, &field.path, field.after.as_ref());
        referred(id, &field.path, field.before.as_ref()).into_iter().filter(move |other| !still.contains(other))
    });
    let links = Link::of(id, fields().map(|f| (f.path.as_str(), f.before.as_ref(), f.after.as_ref())));
    flows.chain(named).chain(links.into_iter().filter(|link| !link.add).map(|link| link.target)).collect()
}

/// The other changes of a plan without which one can't be made: creations of what it needs; for a deletion, those of
/// what is within the object, and the changes that let go of it.
pub(super) fn without_which<'p>(change: &Change, plan: &'p TenantPlan, observed: &RealmState) -> Vec<&'p Change> {
    let id = &change.object;
    let others = || plan.changes.iter().filter(|other| other.object != *id);
    match change.action {
        Action::Create | Action::Update => {
            let needed = needs(change, plan, observed);
            // Attributes that the user profile does not know are dropped.
            let profile = |other: &Change| other.object.kind == Kind::UserProfile && sets_attributes(change);
            let made = |other: &Change| other.action == Action::Create && needed.contains(&other.object);
            others().filter(|other| made(other) || opens(other, id) || profile(other)).collect()
        }
        Action::Delete => {
            let within = |other: &Change| {
                other.action == Action::Delete && owner(&other.object, plan, observed).as_ref() == Some(id)
            };
            others().filter(|other| within(other) || lets_go(other).contains(id)).collect()
        }
        Action::Adopt | Action::Forget => Vec::new(),
    }
}

/// True for an update that turns on the switch behind which an object is.
pub(crate) fn opens(change: &Change, id: &ObjectId) -> bool {
    let on = |field: &FieldChange, name: &str| field.path == name && field.after == Some(Value::Bool(true));
    id.switch().is_some_and(|(owner, switch)| {
        change.object == owner && change.action == Action::Update && change.fields.iter().any(|field| on(field, switch))
    })
}

fn sets_attributes(change: &Change) -> bool {
    let paths = || change.created().into_keys().chain(change.fields.iter().map(|field| field.path.clone()));
    change.object.kind == Kind::User && paths().any(|path| path.starts_with("attributes."))
}

/// The flow that a field binds.
pub(crate) fn flow(kind: Kind, path: &str, value: Option<&Value>) -> Option<ObjectId> {
    let alias = value?.as_str().filter(|alias| kind.binds_flow(path) && !alias.is_empty())?;
    Some(ObjectId::new(Kind::Flow, alias))
}

/// The object that this one is part of.
pub(crate) fn owner(id: &ObjectId, plan: &TenantPlan, observed: &RealmState) -> Option<ObjectId> {
    let owner = id.owner()?;
    if owner.kind != Kind::Component {
        return Some(owner);
    }
    let mut known = plan.changes.iter().map(|change| &change.object).chain(observed.objects.keys());
    known.find(|other| id.is_within(other)).cloned()
}
