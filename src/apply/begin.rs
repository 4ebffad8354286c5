//! What is written before all else: settings of the realm by which it takes, hides or renames what is written after
//! them.

use crate::keycloak::observe::planned_users;
use crate::keycloak::{KeycloakError, WriteRealms, observe};
use crate::plan::diff::diff;
use crate::plan::needs::opens;
use crate::plan::order::{is_rule, order};
use crate::plan::{Action, Change, TenantPlan};
use crate::state::applied::BEGUN;
use crate::state::secret::Secrets;
use crate::state::{Applied, Kind, Object, RealmState};

use super::realm;

/// Writes those settings, and that a saved plan `begins` to be applied. Where a switch that hid objects was turned on, the
/// realm is read again, and what was to be made behind it and is there is changed instead: the plan could not know.
pub(super) async fn begin(
    api: &impl WriteRealms,
    plan: TenantPlan,
    observed: RealmState,
    secrets: &Secrets,
    begins: Option<String>,
) -> Result<(TenantPlan, RealmState), KeycloakError> {
    let of_realm = plan.changes.iter().find(|change| change.object.kind == Kind::Realm);
    let rules = of_realm.into_iter().flat_map(|change| &change.fields).filter(|field| is_rule(field));
    let rules: Vec<_> = rules.collect();
    let begins = begins.filter(|_| plan.changes.iter().any(|change| change.action == Action::Create));
    if rules.is_empty() && begins.is_none() {
        return Ok((plan, observed));
    }
    let mut document = realm::read(api, &plan.tenant).await?;
    for field in rules {
        document[&field.path] = field.after.clone().unwrap_or_default();
    }
    if let Some(begins) = begins {
        document["attributes"][BEGUN] = begins.into();
    }
    realm::write(api, &plan.tenant, document, false).await?;
    let behind = |change: &Change| {
        change.action == Action::Create && of_realm.is_some_and(|of_realm| opens(of_realm, &change.object))
    };
    if !plan.changes.iter().any(behind) {
        return Ok((plan, observed));
    }
    let Some(seen) = observe(api, &plan.tenant, &planned_users(&plan)).await? else {
        return Err(realm::broken(&plan.tenant, "there is no such realm"));
    };
    let (hidden, mut changes): (Vec<Change>, Vec<Change>) =
        plan.changes.iter().cloned().partition(|change| behind(change) && seen.get(&change.object).is_some());
    let wanted = hidden.into_iter().map(|change| {
        let fields = change.created();
        (change.object, Object { fields, ..Object::default() }.into())
    });
    let wanted = RealmState { objects: wanted.collect(), ..RealmState::default() };
    changes.extend(diff(&wanted, &seen, &Applied::default(), secrets).changes);
    Ok((TenantPlan { changes: order(changes), ..plan }, seen))
}
