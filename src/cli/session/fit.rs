//! What realms that are there have a say in, of what is wanted of them.

use super::Wanted;
use crate::expand::{Desired, broker, entitlement, observer, provisioner};
use crate::keycloak::observer::is_unseen;
use crate::keycloak::rotation::other_key;
use crate::keycloak::{Fleet, ReadRealms};
use crate::manifest::resolve::Network;
use crate::plan::{Bookkeeping, Proof, plan_tenant, watermark};
use crate::state::{Object, RealmState, State};

/// Who looks at realms.
#[derive(Clone, Copy)]
pub(super) enum By<'a> {
    Provisioner(&'a Fleet),
    Observer,
}

/// In what realms have a say in one run.
#[derive(Clone, Copy)]
pub(super) struct Fit<'a> {
    by: By<'a>,
    /// What realms say of licences is signed, and the ledger that it was made from was not read.
    keeps_entitlements: bool,
    /// No manifest says which key the broker has.
    keeps_broker: bool,
}

impl<'a> Fit<'a> {
    pub(super) fn new(network: &Network, accounts: Option<&Bookkeeping>, by: By<'a>) -> Self {
        let read = accounts.is_some_and(|accounts| matches!(accounts.proof, Proof::Ledger { .. }));
        Self {
            by,
            keeps_entitlements: network.trusted_keys.is_some() && !read,
            keeps_broker: network.broker.as_ref().is_some_and(|broker| broker.key.is_none()),
        }
    }

    /// Fits what is wanted to what is there.
    pub(super) fn all(self, desired: &mut [Desired], state: &mut State) {
        for tenant in desired {
            if let Some(observed) = state.get_mut(&tenant.name) {
                self.one(tenant, observed);
            }
        }
    }

    /// A realm that was read, as far as planning needs it: of one that has nothing to tell, next to nothing, as there may be
    /// thousands of them.
    pub(super) fn settled(self, wanted: &Wanted, tenant: &Desired, observed: RealmState) -> RealmState {
        let observed = observed.lean();
        let in_parts = wanted.chosen.as_ref().is_some_and(|chosen| !chosen.is_whole(&tenant.name));
        if in_parts || !observed.is_read() {
            return observed;
        }
        let (mut fitted, mut seen) = (tenant.clone(), observed.clone());
        self.one(&mut fitted, &mut seen);
        let plan = plan_tenant(&fitted, Some(&seen), &wanted.secrets);
        if watermark::is_silent(&plan, &seen) { observed.silent() } else { observed }
    }

    fn one(self, tenant: &mut Desired, observed: &mut RealmState) {
        if !observed.is_read() {
            return;
        }
        match self.by {
            By::Provisioner(servers) => keep_rotation(servers, tenant, observed),
            By::Observer => {
                provisioner::trust_as_applied(&mut tenant.state, observed);
                if self.keeps_broker {
                    broker::trust_as_applied(&mut tenant.state, observed);
                }
                take_as_right(tenant, observed);
            }
        }
        if self.keeps_entitlements {
            entitlement::keep(tenant, observed);
        }
    }
}

/// What an observer can't see is taken to be as it should be: it is not compared, and never mistaken for absent.
fn take_as_right(tenant: &Desired, observed: &mut RealmState) {
    let applied = observed.applied();
    let wanted = tenant.state.objects.iter().map(|(id, wanted)| (id, wanted.clone()));
    let unseen = wanted.chain(applied.objects().map(|id| (id, Object::default().into())));
    let unseen: Vec<_> = unseen.filter(|(id, _)| is_unseen(id, observed)).collect();
    for (id, object) in unseen {
        observed.objects.entry(id.clone()).or_insert(object);
    }
}

/// While one operator key follows another, realms trust both, which is as it should be. Only a set that this run's own key
/// agreed to and that the marker says was applied counts.
fn keep_rotation(servers: &Fleet, tenant: &mut Desired, observed: &RealmState) {
    let keys = provisioner::trusted(observed).filter(|keys| provisioner::is_applied(observed, keys));
    let (Some(keys), Ok(server)) = (keys, servers.of(&tenant.name)) else { return };
    if other_key(server.key(), keys).is_some() {
        provisioner::trust(&mut tenant.state, keys);
    }
}

/// Realms that are to be born begin as others of their server are: with both keys while one follows the other, and with an
/// observer that may see organizations where the server has a role for that.
pub(super) async fn births(servers: &Fleet, wanted: &mut Wanted, state: &State) -> anyhow::Result<()> {
    for (at, (_, server)) in servers.members().enumerate() {
        let unborn = |tenant: &&mut Desired| !state.contains_key(&tenant.name) && servers.number_of(&tenant.name) == at;
        let mut unborn = wanted.desired.iter_mut().filter(unborn).peekable();
        if unborn.peek().is_none() {
            continue;
        }
        let keys = server.trusted().await?.1;
        let both = other_key(server.key(), &keys).is_some();
        let sees = wanted.network.observer_key.is_some() && server.knows_role(observer::VIEW_ORGANIZATIONS).await?;
        for tenant in unborn {
            if both {
                provisioner::trust(&mut tenant.state, &keys);
            }
            if sees {
                observer::sees_organizations(&mut tenant.state);
            }
        }
    }
    Ok(())
}
