//! Random edits: any field of any object, chosen from what is read back, and names and whole objects of those that are
//! declared. Each must be named, as drift or as foreign, and one apply must undo what is drift.
//!
//! `REALMWRIGHT_SEED=N REALMWRIGHT_EDITS=N` repeats or prolongs a run.

use std::collections::{BTreeMap, BTreeSet};

use realmwright::keycloak::http::Server;
use realmwright::keycloak::{ReadRealms, WriteRealms};
use realmwright::state::applied::{MARKER, hash};
use realmwright::state::kind::{Class, Kind};
use realmwright::state::secret::Secrets;
use realmwright::state::{Applied, ObjectId, PROVISIONER};
use serde_json::{Value, json};

use super::make::named;
use crate::kinds::{WAIVED, born, declare};
use crate::support::full::content;
use crate::tenants::{Site, on_server};

/// Fields whose edits nobody is told of, and why.
const UNTOLD: &[(&str, &str, &str)] = &[
    ("realm", "attributes.realmwright.", "the tool's own: another marker makes another plan"),
    ("realm", "defaultSignatureAlgorithm", "without a key of that name the realm gives no token, to the tool neither"),
    ("realm", "organizationsEnabled", "what is in organizations is then not there to be told"),
    ("client", "attributes.client.secret.", "the server makes it"),
    ("realm", "enabled", "a disabled realm refuses the tool: tests/live/shut.rs"),
    ("component", "subType", "it is a part of the name: what has another one is another object"),
    ("user", "email", "people say it of themselves"),
    ("user", "firstName", "people say it of themselves"),
    ("user", "lastName", "people say it of themselves"),
    ("client", "secret", "Keycloak does not tell it, and it is declared nowhere here"),
    ("", "config.kid", "the server makes it"),
    ("", "config.certificate", "the server makes it"),
    ("", "config.privateKey", "Keycloak does not tell it"),
    ("", "config.secret", "Keycloak does not tell it"),
    (
        "client",
        "nodeReRegistrationTimeout",
        "Keycloak's own have 0 and others -1: of an own one that is declared, either",
    ),
    ("client", "frontchannelLogout", "26.4 sets it anew whenever a client is written without it"),
];

/// An object that can be written back: its name in plans, and its path.
struct Target {
    object: ObjectId,
    path: String,
}

/// One edit, and what it should be named by.
struct Edited {
    what: String,
    object: String,
    field: String,
    path: String,
    now: Value,
}

/// Numbers without end from a seed (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % end as u64) as usize
    }
}

fn text<'a>(item: &'a Value, field: &str) -> &'a str {
    item[field].as_str().unwrap_or_default()
}

async fn list(api: &Server, realm: &str, path: &str) -> Vec<Value> {
    let found = api.get(realm, path).await.expect("readable").unwrap_or_default();
    found.as_array().cloned().unwrap_or_default()
}

/// Every object of a realm that has a document of its own.
async fn targets(api: &Server, realm: &str) -> Vec<Target> {
    let mut found = Vec::new();
    let mut add = |object: ObjectId, path: String| found.push(Target { object, path });
    add(ObjectId::realm(), String::new());
    add(ObjectId::new(Kind::UserProfile, ""), "users/profile".into());
    for (section, holder, mapper, key) in [
        ("clients", Kind::Client, Kind::ClientMapper, "clientId"),
        ("client-scopes", Kind::ClientScope, Kind::ScopeMapper, "name"),
    ] {
        for item in list(api, realm, section).await {
            let name = text(&item, key);
            if ["realm-management", "admin-permissions", PROVISIONER].contains(&name) {
                continue;
            }
            let path = format!("{section}/{}", text(&item, "id"));
            for own in item["protocolMappers"].as_array().into_iter().flatten() {
                let mapper = ObjectId::within(mapper, name, text(own, "name"));
                add(mapper, format!("{path}/protocol-mappers/models/{}", text(own, "id")));
            }
            if holder == Kind::Client {
                for role in list(api, realm, &format!("{path}/roles")).await {
                    let id = ObjectId::within(Kind::ClientRole, name, text(&role, "name"));
                    add(id, format!("roles-by-id/{}", text(&role, "id")));
                }
                if item["authorizationServicesEnabled"] == true {
                    add(ObjectId::new(Kind::Authorization, name), format!("{path}/authz/resource-server"));
                }
            }
            add(ObjectId::new(holder, name), path);
        }
    }
    for role in list(api, realm, "roles").await {
        add(ObjectId::new(Kind::RealmRole, text(&role, "name")), format!("roles-by-id/{}", text(&role, "id")));
    }
    for group in list(api, realm, "groups").await {
        add(ObjectId::group([text(&group, "name")]), format!("groups/{}", text(&group, "id")));
    }
    for provider in list(api, realm, "identity-provider/instances").await {
        let alias = text(&provider, "alias");
        let path = format!("identity-provider/instances/{alias}");
        for mapper in list(api, realm, &format!("{path}/mappers")).await {
            let id = ObjectId::within(Kind::IdentityProviderMapper, alias, text(&mapper, "name"));
            add(id, format!("{path}/mappers/{}", text(&mapper, "id")));
        }
        add(ObjectId::new(Kind::IdentityProvider, alias), path);
    }
    let components = list(api, realm, "components").await;
    let names: BTreeMap<&str, &str> = components.iter().map(|item| (text(item, "id"), text(item, "name"))).collect();
    for item in components.iter().filter(|item| !text(item, "name").is_empty()) {
        let sub_type = item["subType"].as_str().map(|sub_type| format!(":{sub_type}")).unwrap_or_default();
        let id = match names.get(text(item, "parentId")) {
            Some(parent) => ObjectId::within(Kind::SubComponent, parent, text(item, "name")),
            None => ObjectId::within(
                Kind::Component,
                text(item, "providerType"),
                &format!("{}{sub_type}", text(item, "name")),
            ),
        };
        add(id, format!("components/{}", text(item, "id")));
    }
    for action in list(api, realm, "authentication/required-actions").await {
        let alias = text(&action, "alias");
        add(ObjectId::new(Kind::RequiredAction, alias), format!("authentication/required-actions/{alias}"));
    }
    for organization in list(api, realm, "organizations").await {
        let id = ObjectId::new(Kind::Organization, text(&organization, "alias"));
        add(id, format!("organizations/{}", text(&organization, "id")));
    }
    for user in list(api, realm, "users").await {
        add(ObjectId::new(Kind::User, text(&user, "username")), format!("users/{}", text(&user, "id")));
    }
    found.sort_by(|a, b| a.object.cmp(&b.object));
    found
}

/// Another value of the same kind.
fn other(value: &Value, random: &mut Random) -> Option<Value> {
    Some(match value {
        Value::Bool(on) => (!on).into(),
        Value::Number(number) => (number.as_i64()? + 1 + random.below(5) as i64).into(),
        Value::String(text) if text == "true" => "false".into(),
        Value::String(text) if text == "false" => "true".into(),
        Value::String(text) => format!("{text}x{}", random.below(9)).into(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let mut items = items.clone();
            match items.pop() {
                Some(one) if random.below(2) == 0 => items.push(other(&one, random)?),
                Some(one) => items.extend([one, format!("https://more{}.example", random.below(999)).into()]),
                None => items.push(format!("https://more{}.example", random.below(999)).into()),
            }
            items.into()
        }
        _ => return None,
    })
}

/// Deletes one object, or gives it another name; what it was, where Keycloak took it.
async fn take_away(api: &Server, realm: &str, target: &Target, rename: bool, random: &mut Random) -> Option<Edited> {
    let kind = target.object.kind;
    let mut body = api.get(realm, &target.path).await.ok()??;
    let key = kind.spec().key.to_owned();
    let (what, now) = if rename {
        let name = format!("{}x{}", text(&body, &key), random.below(9));
        body[&key] = name.clone().into();
        api.put(realm, &target.path, Some(&body)).await.ok()?;
        (format!("{} renamed to {name}", target.object), name.into())
    } else {
        api.delete(realm, &target.path, None).await.ok()?;
        (format!("{} deleted", target.object), Value::Null)
    };
    let (object, path) = (target.object.to_string(), target.path.clone());
    let after = api.get(realm, &path).await.ok()?.unwrap_or_default();
    (after[&key] == now).then_some(Edited { what, object, field: key, path, now })
}

/// Edits one field of one object; what it was, where Keycloak took it.
async fn edit(
    api: &Server,
    realm: &str,
    target: &Target,
    done: &mut BTreeSet<(String, String)>,
    random: &mut Random,
) -> Option<Edited> {
    let kind = target.object.kind;
    let mut body = api.get(realm, &target.path).await.ok()??;
    let before = body.clone();
    let mut fields: Vec<String> = body.as_object()?.keys().cloned().collect();
    fields.sort();
    let field = &fields[random.below(fields.len())];
    let managed = |class| {
        !matches!(
            class,
            Class::Server | Class::Nested | Class::Place | Class::Unmanaged | Class::ReadOnly | Class::Initial
        )
    };
    if !kind.class(field).is_some_and(managed) || *field == kind.spec().key {
        return None;
    }
    let mut path = field.clone();
    if kind == Kind::UserProfile && body[field].is_array() {
        body[field][0]["displayName"] = format!("x{}", random.below(99)).into();
    } else if let Some(map) = body[field].as_object_mut() {
        let keys: Vec<String> = map.keys().cloned().chain(["somebody.set.it".to_owned()]).collect();
        let key = keys[random.below(keys.len())].clone();
        let lists = kind.class(field) == Some(Class::Lists);
        let new = || if lists { json!(["by hand"]) } else { json!("by hand") };
        let value = map.get(&key).map_or_else(|| Some(new()), |value| other(value, random))?;
        map.insert(key.clone(), value);
        path = format!("{field}.{key}");
    } else {
        body[field] = other(&body[field], random)?;
    }
    let untold =
        |(of, start, _): &&(&str, &str, &str)| (of.is_empty() || *of == kind.name()) && path.starts_with(start);
    if UNTOLD.iter().any(|row| untold(&row)) {
        return None;
    }
    // Another edit of the same field might put it back.
    if !done.insert((target.object.to_string(), path.clone())) {
        return None;
    }
    let what = format!("{} {path}", target.object);
    if api.put(realm, &target.path, Some(&body)).await.is_err() {
        return None;
    }
    let after = api.get(realm, &target.path).await.ok()??;
    let at = |body: &Value| at(body, &path);
    let what = format!("{what}: {} -> {}", at(&before), at(&after));
    (at(&before) != at(&after)).then(|| Edited {
        what,
        object: target.object.to_string(),
        now: at(&after),
        path: target.path.clone(),
        field: path.clone(),
    })
}

fn at(body: &Value, path: &str) -> Value {
    match path.split_once('.') {
        Some((field, key)) => body[field][key].clone(),
        None => body[path].clone(),
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn random_edits_are_named_and_undone() {
    let seed = number("REALMWRIGHT_SEED").unwrap_or(7);
    let wanted = number("REALMWRIGHT_EDITS").unwrap_or(60) as usize;
    println!("REALMWRIGHT_SEED={seed}");
    let mut random = Random(seed);
    let site = Site::new("random");
    declare(&site, &content(1));
    site.edit("    label: Clinic\n", "    label: Clinic\n    template: full\n");
    born(&site);
    let drift = || -> BTreeSet<String> {
        let output = site.run(&["drift", "--format", "json"]);
        let plan = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        named(&plan, &site.clinic)
    };
    assert_eq!(drift(), BTreeSet::new(), "nobody edited anything");
    let edits = on_server(async |api| {
        let targets = targets(api, &site.clinic).await;
        let kinds: BTreeSet<Kind> = targets.iter().map(|target| target.object.kind).collect();
        let kinds: Vec<Kind> = kinds.into_iter().collect();
        let marker = api.get(&site.clinic, "").await.expect("readable").expect("there");
        let ours = Applied::parse(text(&marker["attributes"], MARKER));
        let mut edits = Vec::new();
        let mut done = BTreeSet::new();
        let mut gone = Vec::new();
        for _ in 0..wanted * 8 {
            // Kinds in turn come up as often as each other, however many objects they have.
            let kind = kinds[random.below(kinds.len())];
            let of_kind: Vec<&Target> = targets.iter().filter(|target| target.object.kind == kind).collect();
            let target = of_kind[random.below(of_kind.len())];
            let roll = random.below(16);
            let known = !target.object.kind.is_single() && ours.fields(&target.object).is_some();
            edits.extend(match roll {
                0 | 1 if known => {
                    let taken = take_away(api, &site.clinic, target, roll == 0, &mut random).await;
                    gone.extend(taken.is_some().then(|| target.object.clone()));
                    taken
                }
                _ => edit(api, &site.clinic, target, &mut done, &mut random).await,
            });
            if edits.len() >= wanted {
                break;
            }
        }
        // One edit may undo another, or take its object away; what is within an object that is gone is somebody else's.
        let mut standing = Vec::new();
        for edited in edits.into_iter().filter(|edited: &Edited| {
            let own: ObjectId = edited.object.parse().expect("a name");
            !gone.iter().any(|gone| own.is_within(gone))
        }) {
            let body = api.get(&site.clinic, &edited.path).await.ok().flatten().unwrap_or_default();
            // One that ends at what is declared, after another one, is nothing to tell.
            let own: ObjectId = edited.object.parse().expect("a name");
            let declared = ours.field(&own, &edited.field) == Some(hash(&edited.now, &Secrets::default()).as_str());
            if at(&body, &edited.field) == edited.now && !declared {
                standing.push(edited);
            }
        }
        standing
    });
    let found = drift();
    let untold: Vec<&str> = edits
        .iter()
        .filter(|edited| {
            let name = format!("{} {}", edited.object, edited.field);
            !found.contains(&name)
                && !found.contains(&format!("foreign {name}"))
                && !found.contains(&format!("{} created", edited.object))
        })
        .map(|edited| edited.what.as_str())
        .collect();
    assert!(edits.len() * 2 > wanted, "only {} edits were taken", edits.len());
    println!("{} edits, {} untold", edits.len(), untold.len());
    edits.iter().for_each(|edited| println!("  {}", edited.what));
    assert!(untold.is_empty(), "seed {seed}: nobody is told of\n{}\nbut of\n{found:#?}", untold.join("\n"));
    println!("{}", site.expect(0, &WAIVED));
    let again = site.run(&["plan", "--detailed-exitcode"]);
    let left = String::from_utf8_lossy(&again.stdout);
    assert_eq!(again.status.code(), Some(0), "seed {seed}: not repaired\n{left}");
    site.remove();
}
