//! Admin events: what a realm notes of writes to it.

use serde_json::{Value, json};

use super::Realm;
use crate::expand::PROVISIONER;
use crate::state::{Kind, ObjectId};

/// First segments of the paths whose writes leave no admin event.
const UNLOGGED: [&str; 3] = ["client-policies", "localization", "admin-events"];

impl Realm {
    pub(super) fn keeps_events(&self) -> bool {
        self.top["adminEventsEnabled"] == true
    }

    /// Notes a write. Everybody here is the provisioner.
    pub(super) fn log(&mut self, method: &str, path: &str) {
        let path = path.split('?').next().unwrap_or_default();
        let operation = match method {
            "POST" => "CREATE",
            "PUT" => "UPDATE",
            "DELETE" => "DELETE",
            _ => return,
        };
        if UNLOGGED.contains(&path.split('/').next().unwrap_or_default()) {
            return;
        }
        let id_of = |id: ObjectId| self.objects.get(&id).map(|document| document["id"].clone());
        let event = json!({
            "id": uuid::Uuid::new_v4().to_string(),
            "operationType": operation,
            "resourcePath": path,
            "authDetails": {"clientId": id_of(ObjectId::new(Kind::Client, PROVISIONER)), "ipAddress": "127.0.0.1"},
        });
        self.events.insert(0, event);
    }

    /// What was made at a path has a path of its own, which the newest event is to say.
    pub(super) fn complete_event(&mut self, path: &str, made: Option<&str>) {
        if let (Some(event), Some(made)) = (self.events.first_mut(), made)
            && event["resourcePath"] == path
        {
            event["resourcePath"] = format!("{path}/{made}").into();
        }
    }

    /// The newest events, at most so many.
    pub(super) fn newest_events(&self, most: usize) -> Value {
        self.events.iter().take(most).cloned().collect()
    }
}
