//! The names of who changed realms outside Realmwright, by the realms' admin events.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Mutex;

use super::fleet::in_turn;
use super::{ReadRealms, segment};
use crate::plan::authors::{Author, Authors, EVENTS, drifted, events, touched};
use crate::plan::{Plan, TenantPlan};
use crate::state::{Kind, RealmState, State};

/// Says in a plan who changed what was changed by hand. Of a realm where nothing is put back, no event is read.
pub async fn name(api: &impl ReadRealms, plan: &mut Plan, state: &State, parallelism: u16) {
    let names = Names { api, known: Mutex::default() };
    let names = &names;
    let asked = plan.tenants.iter().enumerate().filter(|(_, tenant)| !drifted(tenant).is_empty());
    let asked = asked.filter_map(|(place, tenant)| Some((place, tenant, state.get(&tenant.tenant)?)));
    let most = parallelism.into();
    let asked = in_turn(
        api,
        asked,
        |(_, tenant, _)| &tenant.tenant,
        most,
        |(place, tenant, observed)| async move { (place, names.authors(tenant, observed).await) },
    );
    let found: Vec<_> = asked.collect().await;
    for (place, authors) in found {
        plan.tenants[place].authors = Some(authors);
    }
}

/// Names of people and clients, each asked for once.
struct Names<'a, A> {
    api: &'a A,
    known: Mutex<BTreeMap<String, Option<String>>>,
}

impl<A: ReadRealms> Names<'_, A> {
    async fn authors(&self, plan: &TenantPlan, observed: &RealmState) -> Authors {
        if observed.unlogged.is_none() {
            return Authors::unknown(plan, "the realm keeps no admin events");
        }
        let list = match self.api.admin_events(&plan.tenant, EVENTS).await {
            Ok(Some(Value::Array(list))) => list,
            Ok(_) => return Authors::unknown(plan, "its admin events can't be read"),
            Err(error) => return Authors::unknown(plan, error.to_string()),
        };
        let (mut of, mut unknown) = (BTreeMap::new(), Vec::new());
        let drifted = drifted(plan);
        for object in touched(plan) {
            let mut authors = Vec::new();
            for event in events(&list, object, observed) {
                authors.push(self.author(&plan.tenant, observed, event).await);
            }
            if !authors.is_empty() {
                of.insert(object.clone(), authors);
            } else if drifted.contains(object) {
                unknown.push(object.clone());
            }
        }
        let why = "no admin event tells of it: such a change leaves none, or it has expired or was cleared";
        let why = if unknown.is_empty() { String::new() } else { why.into() };
        Authors { of, unknown, why }
    }

    async fn author(&self, realm: &str, observed: &RealmState, event: &Value) -> Author {
        let text = |name: &str| event["authDetails"][name].as_str().unwrap_or_default().to_owned();
        let (user, client) = (text("userId"), text("clientId"));
        let at = event["time"].as_i64().and_then(|time| Timestamp::from_millisecond(time).ok());
        let own = observed.realm().and_then(|realm| realm.raw.get("id")?.as_str());
        let (name, with, of) = if own == Some(text("realmId").as_str()) {
            let of_client = observed.of_kind(Kind::Client).find(|(_, known)| known.id.as_deref() == Some(&client));
            let name = self.ask(realm, false, &format!("users/{}", segment(&user)), "username").await;
            (name, of_client.map(|(id, _)| id.key.clone()), Some(realm.to_owned()))
        } else {
            let name = self.ask(realm, true, &format!("users/{}", segment(&user)), "username").await;
            let with = self.ask(realm, true, &format!("clients/{}", segment(&client)), "clientId").await;
            let of = name.is_some().then(|| "master".to_owned());
            (name, with, of)
        };
        Author {
            user: name.unwrap_or(user),
            realm: of,
            client: with.unwrap_or(client),
            address: text("ipAddress"),
            at: at.map(|at| at.strftime("%FT%TZ").to_string()).unwrap_or_default(),
        }
    }

    /// A field of something in a realm, or in the master realm of its server; none where it can't be read.
    async fn ask(&self, realm: &str, of_master: bool, path: &str, field: &str) -> Option<String> {
        let key = if of_master { format!("{} {path}", self.api.number_of(realm)) } else { format!("{realm} {path}") };
        let mut known = self.known.lock().await;
        if let Some(name) = known.get(&key) {
            return name.clone();
        }
        let found = match of_master {
            true => self.api.master(realm, path).await,
            false => self.api.get(realm, path).await,
        };
        let name = found.ok().flatten().and_then(|found| found[field].as_str().map(str::to_owned));
        known.insert(key, name.clone());
        name
    }
}
