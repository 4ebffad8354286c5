//! Ways in that the vendor's templates lay down: which flows logins go through, and what is in them. An author who could
//! lay another would lead people past what the vendor asks of them there.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Scope, Side, root};
use crate::diagnostic::{Diagnostic, Span};
use crate::expand::Desired;
use crate::expand::origin::{Origins, origins};
use crate::manifest::node::Node;
use crate::manifest::resolve::{Network, Tenant, resolve};
use crate::state::{Kind, ObjectId, arrange};
use crate::template::fill::fill;
use crate::template::{find, scope};

/// A field that says how logins go.
type Field = (ObjectId, String);

/// Such a field that an author has taken from the vendor, what it is then, and where that is written.
type Taken = BTreeMap<Field, (Option<Value>, Span)>;

/// What leads logins another way than the vendor's templates do, and did not before.
pub(super) fn check(before: &Side<'_>, after: &Side<'_>, own: &[&str], scopes: &[Scope], found: &mut Vec<Diagnostic>) {
    let key = |tenant: &Desired| (tenant.name.clone(), tenant.environment.clone());
    let was: BTreeMap<_, &Desired> = before.desired.iter().map(|tenant| (key(tenant), tenant)).collect();
    let (mut old, mut new) = (Judge::new(before, scopes), Judge::new(after, scopes));
    for tenant in after.desired.iter().filter(|tenant| own.contains(&root(tenant))) {
        let known = was.get(&key(tenant));
        if known.is_some_and(|known| ways(known) == ways(tenant)) {
            continue;
        }
        let taken = new.taken(tenant);
        let before = known.filter(|_| !taken.is_empty()).map(|known| old.taken(known)).unwrap_or_default();
        for ((id, path), (value, at)) in taken {
            if before.get(&(id.clone(), path.clone())).is_some_and(|(was, _)| *was == value) {
                continue;
            }
            let message =
                format!("`{path}` of {}/{id} leads logins another way than the vendor's template does", tenant.name);
            let hint = "take it out, or ask the platform team: what a licence gives may be asked for on that way";
            found.push(Diagnostic::error("vendor-flow", at, message).hint(hint));
        }
    }
}

fn is_way(id: &ObjectId, path: &str) -> bool {
    (id.kind == Kind::Flow && path != id.kind.spec().key) || id.kind.binds_flow(path)
}

/// Every field of a tenant's realm that says how logins go.
fn ways(tenant: &Desired) -> BTreeMap<(&ObjectId, &str), &Value> {
    let fields = tenant.state.objects.iter().flat_map(|(id, object)| object.fields.iter().map(move |it| (id, it)));
    let ways = fields.filter(|(id, (path, _))| is_way(id, path));
    ways.map(|(id, (path, value))| ((id, path.as_str()), value)).collect()
}

/// The fields by which the template of a tenant's tier binds flows that are not Keycloak's own, each with what the layers of
/// that template say of it; the last one holds.
fn bound(side: &Side<'_>, network: &Network, tenant: &Tenant) -> BTreeMap<Field, Vec<Value>> {
    let name = tenant.tier.to_string();
    // Its place is for messages; where it can't be found or filled, expanding says so.
    let asked = Node::scalar(name.as_str(), Span::default());
    let Ok(template) = find(side.set, &name, &asked, "") else { return BTreeMap::new() };
    let mut untold = Vec::new();
    let values = scope(network, tenant, &template, side.sources, &mut untold);
    let mut bound: BTreeMap<Field, Vec<Value>> = BTreeMap::new();
    for layer in &template.layers {
        for (id, object) in arrange(&fill(layer, &values, &mut untold).to_value()).objects {
            for (path, value) in object.into_inner().fields.into_iter().filter(|(path, _)| id.kind.binds_flow(path)) {
                bound.entry((id.clone(), path)).or_default().push(value);
            }
        }
    }
    let keycloaks = |flow: &Value| flow.as_str().is_none_or(|flow| flow.is_empty() || Kind::Flow.is_built_in(flow));
    bound.retain(|_, said| said.last().is_some_and(|flow| !keycloaks(flow)));
    bound
}

/// One side of the change, with what is worked out of it once.
struct Judge<'a> {
    side: &'a Side<'a>,
    scopes: &'a [Scope],
    networks: BTreeMap<String, Network>,
}

impl<'a> Judge<'a> {
    fn new(side: &'a Side<'a>, scopes: &'a [Scope]) -> Self {
        Self { side, scopes, networks: BTreeMap::new() }
    }

    fn taken(&mut self, tenant: &Desired) -> Taken {
        let set = self.side.set;
        let network = self.networks.entry(tenant.environment.clone());
        let network = network.or_insert_with(|| resolve(set, &tenant.environment, &mut Vec::new()));
        let Some(declared) = network.tenants.iter().find(|other| other.name == tenant.name) else {
            return Taken::new();
        };
        // To find where each field was written is much work, and most tenants are as the template of their tier.
        if ["template", "realm"].iter().all(|key| declared.node.get(key).is_none()) {
            return Taken::new();
        }
        let bound = bound(self.side, network, declared);
        let origins = origins(set, self.side.sources, network, declared);
        let value = |(id, path): &Field| tenant.state.get(id).and_then(|object| object.fields.get(path)).cloned();
        let at = declared.node.get("template").map_or(declared.span, |node| node.span);
        let fields = self.overridden(&origins).into_iter().chain(self.left_out(tenant, bound, &origins, at));
        fields.map(|(field, at)| (field.clone(), (value(&field), at))).collect()
    }

    fn is_authors(&self, at: Span) -> bool {
        self.scopes.iter().any(|scope| scope.holds(self.side.home(at)))
    }

    /// What the author writes over what the vendor wrote, or about the client of a product.
    fn overridden(&self, origins: &Origins) -> Vec<(Field, Span)> {
        let products = &self.side.set.platform.products;
        let mut found = Vec::new();
        for (id, fields) in origins {
            for (path, layers) in fields.iter().filter(|(path, _)| is_way(id, path)) {
                let Some((last, earlier)) = layers.split_last() else { continue };
                let products = id.kind == Kind::Client && products.contains_key(&id.key);
                let vendors = products || earlier.iter().any(|layer| !self.is_authors(layer.written));
                if vendors && self.is_authors(last.written) {
                    found.push(((id.clone(), path.clone()), last.written));
                }
            }
        }
        found
    }

    /// Flows that the template of the tier binds, and the author's, chosen in its place, does not: they are bound by the
    /// author, by nobody, or as the template that the tier's stands on has it.
    fn left_out(
        &self,
        tenant: &Desired,
        bound: BTreeMap<Field, Vec<Value>>,
        origins: &Origins,
        at: Span,
    ) -> Vec<(Field, Span)> {
        let here = bound.into_iter().filter(|((id, _), _)| id.kind == Kind::Realm || tenant.state.get(id).is_some());
        let lost = here.filter_map(|((id, path), said)| {
            let last = origins.get(&id).and_then(|fields| fields.get(&path)?.last()).map(|layer| layer.written);
            let now = tenant.state.get(&id).and_then(|object| object.fields.get(&path));
            let below = said.last() != now && now.is_some_and(|now| said.contains(now));
            match last {
                Some(written) if self.is_authors(written) => Some(((id, path), written)),
                Some(_) if !below => None,
                _ => Some(((id, path), at)),
            }
        });
        lost.collect()
    }
}
