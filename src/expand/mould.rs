//! Realms that differ in texts alone: what was made for one tenant becomes another's by exchanging the texts.
//!
//! Most tenants of a network have one template, the same products and parameters, and differ in names, addresses and
//! serials. Such tenants are of one [`Class`]. For the first of a class, its realm is made as ever, and a second time
//! with a *mark* in the place of each such text: that is the mould. It is kept only where casting the first tenant's
//! texts gives the very realm that was made as ever, where nothing was found in it, and where the marks got to places in
//! which a text is nothing but a text. Others of the class are cast, unless one of their texts means something in the
//! realm; then theirs is made as ever.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::Value;

use crate::manifest::node::{Data, Node};
use crate::state::kind::SERVICE_ACCOUNT_PREFIX;
use crate::state::{Fields, Kind, Layered, Object, ObjectId, RealmState, Shared, document, fields_of};

/// Private characters that no manifest has in a text of its own (texts with them are not cast).
const OPEN: char = '\u{E000}';
const CLOSE: char = '\u{E001}';

/// Longer texts are not cast: nobody has such names.
const LONGEST: usize = 300;

/// Values in which tenants of one class may differ, by their path; `*` stands for the place in a list.
const OWN: [&str; 12] = [
    "/tenant/name",
    "/tenant/label",
    "/tenant/parent",
    "/admin/username",
    "/admin/email",
    "/admin/firstName",
    "/admin/lastName",
    "/licences/*/serial",
    "/licences/*/seats",
    "/licences/*/validFrom",
    "/licences/*/validUntil",
    "/grants/*/amount",
];

/// What tenants must have in common to be cast in one mould: all that their templates are filled with, but for [`OWN`].
pub(super) type Class = String;

/// The moulds of a network, by class; none where a class has no mould.
#[derive(Default)]
pub(super) struct Moulds(HashMap<Class, Option<Mould>>);

/// Why a tenant's realm is not cast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Uncast {
    /// It is the first of its class.
    New,
    /// Its class has no mould, or one of its texts might mean something.
    Unlike,
}

/// A realm with marks where its tenant's texts go.
struct Mould {
    /// The objects without a mark, which all of the class have.
    common: Arc<BTreeMap<ObjectId, Shared<Object>>>,
    /// Those with marks.
    marked: Vec<Marked>,
    /// The references to secrets in it.
    references: Vec<String>,
    /// All texts and names in it, lower case: one that is a tenant's too might mean something.
    words: HashSet<String>,
}

/// An object with marks.
struct Marked {
    id: ObjectId,
    fields: Fields,
    /// Those without a mark, which all of the class have.
    common: Arc<BTreeMap<String, Value>>,
}

/// The class of a tenant, and its texts.
pub(super) struct Taken {
    class: Class,
    texts: Vec<Value>,
}

/// Takes the values of a tenant apart; none where it has more of its own than texts.
pub(super) fn take(template: &str, values: &Node) -> Option<Taken> {
    if values.get("users").is_some_and(|users| !users.items().is_empty()) {
        return None;
    }
    let mut walk = Walk {
        distributor: distributor(values),
        class: format!("{template}\0"),
        texts: Vec::new(),
        seen: HashMap::new(),
    };
    walk.on(values, &mut String::new());
    Some(Taken { class: walk.class, texts: walk.texts })
}

/// The distributor in whose branch a tenant is.
fn distributor(values: &Node) -> Option<&str> {
    values.get("tenant")?.get("distributor")?.text()
}

/// True for a text that is a tenant's own. A parent that is the distributor is everybody's.
fn is_own(path: &str, value: &Value, distributor: Option<&str>) -> bool {
    OWN.contains(&path) && is_castable(value) && !(path == "/tenant/parent" && value.as_str() == distributor)
}

/// Writes a class down. Of own texts, it has which of them are equal.
struct Walk<'a> {
    distributor: Option<&'a str>,
    class: Class,
    texts: Vec<Value>,
    seen: HashMap<String, usize>,
}

impl Walk<'_> {
    fn on(&mut self, node: &Node, path: &mut String) {
        match &node.data {
            Data::Scalar(value) if is_own(path, value, self.distributor) => {
                let number = self.texts.len();
                let first = *self.seen.entry(shown(value).to_lowercase()).or_insert(number);
                let _ = write!(self.class, "{OPEN}{first}{}", if value.is_number() { '#' } else { CLOSE });
                self.texts.push(value.clone());
            }
            Data::Scalar(value) => {
                let _ = write!(self.class, "{value}\0");
            }
            Data::List(items) => {
                self.class.push('[');
                below(path, "*", |path| items.iter().for_each(|item| self.on(item, path)));
                self.class.push(']');
            }
            Data::Map(entries) => {
                self.class.push('{');
                for (key, value) in entries {
                    let _ = write!(self.class, "{}\0", key.text);
                    below(path, &key.text, |path| self.on(value, path));
                }
                self.class.push('}');
            }
        }
    }
}

fn below(path: &mut String, step: &str, then: impl FnOnce(&mut String)) {
    let before = path.len();
    path.push('/');
    path.push_str(step);
    then(path);
    path.truncate(before);
}

/// A text that says nothing but itself. Zero is no number like others.
fn is_castable(value: &Value) -> bool {
    match value {
        Value::String(text) => {
            let odd = |c: char| c.is_control() || matches!(c, '"' | OPEN | CLOSE);
            !matches!(text.as_str(), "" | "." | ".." | "true" | "false")
                && !text.to_lowercase().starts_with(SERVICE_ACCOUNT_PREFIX)
                && text.len() <= LONGEST
                && !text.starts_with(['$', '[', '{'])
                && !text.contains(odd)
        }
        Value::Number(number) => number.as_u64().is_some_and(|number| number > 0),
        _ => false,
    }
}

/// The values with marks for the texts.
pub(super) fn marked(values: &Node) -> Node {
    let mut marked = values.clone();
    mark(&mut marked, &mut String::new(), distributor(values), &mut 0);
    marked
}

fn mark(node: &mut Node, path: &mut String, distributor: Option<&str>, number: &mut usize) {
    match &mut node.data {
        Data::Scalar(value) if is_own(path, value, distributor) => {
            *value = self::text(*number).into();
            *number += 1;
        }
        Data::Scalar(_) => {}
        Data::List(items) => {
            below(path, "*", |path| items.iter_mut().for_each(|item| mark(item, path, distributor, number)))
        }
        Data::Map(entries) => {
            for (key, value) in entries {
                below(path, &key.text, |path| mark(value, path, distributor, number));
            }
        }
    }
}

/// The mark of a text.
fn text(number: usize) -> String {
    format!("{OPEN}{number}{CLOSE}")
}

impl Moulds {
    /// The realm of a tenant with the references to secrets in it, if it can be cast.
    pub(super) fn cast(&self, taken: &Taken) -> Result<(RealmState, &[String]), Uncast> {
        let mould = self.0.get(&taken.class).ok_or(Uncast::New)?.as_ref().ok_or(Uncast::Unlike)?;
        Ok((mould.cast(&taken.texts).ok_or(Uncast::Unlike)?, &mould.references))
    }

    /// Keeps the mould of a class, if there is one that gives the realm, with its references, that was made of these texts.
    pub(super) fn keep(&mut self, taken: Taken, made: (&RealmState, Vec<String>), marked: Option<RealmState>) {
        let (state, references) = made;
        let mould = marked.and_then(|marked| Mould::of(marked, references));
        self.0.insert(taken.class, mould.filter(|mould| mould.cast(&taken.texts).as_ref() == Some(state)));
    }
}

impl Mould {
    /// The mould that a marked realm is; none where a mark stands in a place that is more than a text.
    fn of(marked: RealmState, references: Vec<String>) -> Option<Self> {
        // Of two users, both may hold a seat: then the number of seats means something.
        if marked.of_kind(Kind::User).filter(|(id, _)| !id.is_service_account()).count() > 1 {
            return None;
        }
        let (mut common, mut marks, mut known) = (BTreeMap::new(), Vec::new(), HashSet::new());
        for (id, object) in marked.objects {
            known.insert(id.key.to_lowercase());
            known.insert(id.name().to_lowercase());
            object.fields.values().for_each(|value| words(value, &mut known));
            let has_none = |(path, value): &(&String, &Value)| !has_mark(path) && !holds_mark(value);
            if !has_mark(&id.key) && object.fields.iter().all(|field| has_none(&field)) {
                common.insert(id, object);
                continue;
            }
            let plain = |value: &Value| match value {
                Value::Array(items) => items.iter().all(Value::is_string),
                value => value.is_string() || !holds_mark(value),
            };
            if !may_be_marked(&id) || !object.fields.values().all(plain) {
                return None;
            }
            let fields = object.into_inner().fields;
            let common = fields.iter().filter(has_none).map(|(path, value)| (path.clone(), value.clone()));
            marks.push(Marked { id, common: Arc::new(common.collect()), fields });
        }
        Some(Self { common: Arc::new(common), marked: marks, references, words: known })
    }

    /// The realm with these texts; none where one of them might mean something.
    fn cast(&self, texts: &[Value]) -> Option<RealmState> {
        if texts.iter().filter_map(Value::as_str).any(|text| self.words.contains(&text.to_lowercase())) {
            return None;
        }
        let mut own = BTreeMap::new();
        for marked in &self.marked {
            let (kind, fields) = (marked.id.kind, marked.filled(texts));
            let key = exchanged(&marked.id.key, texts);
            let id = ObjectId::new(kind, if kind == Kind::User { key.to_lowercase() } else { key });
            if fields.len() != marked.fields.len() || self.common.contains_key(&id) {
                return None;
            }
            let cast = Object { fields: fields.sharing(&marked.common), ..Object::default() };
            if own.insert(id, Shared::from(cast)).is_some() {
                return None;
            }
        }
        Some(RealmState { objects: Layered::on(Arc::clone(&self.common), own), ..RealmState::default() })
    }
}

impl Marked {
    /// Its fields in canonical form, with the texts in the place of the marks.
    fn filled(&self, texts: &[Value]) -> Fields {
        let fields = self.fields.iter().map(|(path, value)| (exchanged(path, texts), filled(value, texts)));
        let fields: Fields = fields.collect();
        fields_of(self.id.kind, &document(self.id.kind, &fields))
    }
}

/// The objects of which no rule looks at the texts of their fields: the realm, the default role, which is named after it,
/// clients that have names of their own, and users.
fn may_be_marked(id: &ObjectId) -> bool {
    match id.kind {
        Kind::Realm | Kind::User => true,
        Kind::RealmRole => id.key == format!("default-roles-{}", text(0)),
        Kind::Client => !has_mark(&id.key),
        _ => false,
    }
}

fn has_mark(text: &str) -> bool {
    text.contains(OPEN)
}

fn holds_mark(value: &Value) -> bool {
    match value {
        Value::String(text) => has_mark(text),
        Value::Array(items) => items.iter().any(holds_mark),
        Value::Object(map) => map.iter().any(|(key, value)| has_mark(key) || holds_mark(value)),
        _ => false,
    }
}

fn words(value: &Value, known: &mut HashSet<String>) {
    match value {
        Value::String(text) => drop(known.insert(text.to_lowercase())),
        Value::Array(items) => items.iter().for_each(|item| words(item, known)),
        Value::Object(map) => map.values().for_each(|value| words(value, known)),
        _ => {}
    }
}

/// A value as it stands inside a text.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value with its texts: one that is nothing but a mark keeps the type of what it stands for, as in a template.
fn filled(value: &Value, texts: &[Value]) -> Value {
    match value {
        Value::String(text) => match whole(text, texts) {
            Some(value) => value.clone(),
            None => exchanged(text, texts).into(),
        },
        Value::Array(items) => items.iter().map(|item| filled(item, texts)).collect(),
        other => other.clone(),
    }
}

fn whole<'a>(text: &str, texts: &'a [Value]) -> Option<&'a Value> {
    texts.get(text.strip_prefix(OPEN)?.strip_suffix(CLOSE)?.parse::<usize>().ok()?)
}

fn exchanged(marked: &str, texts: &[Value]) -> String {
    let mut parts = marked.split(OPEN);
    let start = parts.next().unwrap_or_default().to_owned();
    parts.fold(start, |done, part| {
        let (number, rest) = part.split_once(CLOSE).unwrap_or(("", part));
        let text = number.parse().ok().and_then(|number: usize| texts.get(number)).map(shown).unwrap_or_default();
        done + &text + rest
    })
}
