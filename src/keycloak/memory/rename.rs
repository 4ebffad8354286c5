//! Another name for a client: what belongs to it, and what refers to it, goes by that from then on.

use serde_json::Value;

use super::Realm;
use crate::state::{Kind, ObjectId};

impl Realm {
    pub(super) fn rename_client(&mut self, from: &str, to: &str) {
        let renamed = |id: ObjectId| match id.kind {
            Kind::Client | Kind::Authorization if id.key == from => ObjectId::new(id.kind, to),
            Kind::ClientRole | Kind::ClientMapper if id.owner_and_name().0 == from => {
                ObjectId::within(id.kind, to, id.owner_and_name().1)
            }
            _ => id,
        };
        self.objects = std::mem::take(&mut self.objects).into_iter().map(|(id, item)| (renamed(id), item)).collect();
        for document in self.objects.values_mut() {
            for path in ["/composites/client", "/clientRoles", "/scopeMappings/client"] {
                let clients = document.pointer_mut(path).and_then(Value::as_object_mut);
                if let Some((clients, roles)) = clients.and_then(|clients| clients.remove(from).map(|it| (clients, it)))
                {
                    clients.insert(to.to_owned(), roles);
                }
            }
        }
    }
}
