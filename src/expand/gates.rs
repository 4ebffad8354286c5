//! The gates of products in a realm's flows: who has no seat is refused there. And the ways in that lead around them.
//!
//! A gate is a conditional sub-flow at the top of a flow: for clients that have a scope, and users who have not the
//! product's seat, it denies access. What a flow does before it, and which step let the user in, makes no difference.

use serde_json::Value;

use super::products::{Field, Wrong};
use crate::manifest::resolve::Tenant;
use crate::state::seats::SEAT;
use crate::state::{Kind, Object, ObjectId, RealmState};

/// The flow of gates that identity providers get which name none: nothing else asks who comes from one.
const AFTER_PROVIDER: &str = "after identity provider";

/// Switches of a product's client that let somebody in without any flow of the realm (Keycloak's
/// `OIDCConfigAttributes`, `SamlConfigAttributes`), and how.
const SWITCHES: [(&str, &str); 5] = [
    ("serviceAccountsEnabled", "by itself, without anybody"),
    ("attributes.standard.token.exchange.enabled", "with a token of another client"),
    ("attributes.oauth2.jwt.authorization.grant.enabled", "with a token of another issuer"),
    ("attributes.oidc.ciba.grant.enabled", "at a device of the user's"),
    ("attributes.saml.allow.ecp.flow", "with a password alone"),
];

/// Gives identity providers that name no flow the one of the gates, where there is one.
pub(super) fn add(state: &mut RealmState) {
    if state.get(&ObjectId::new(Kind::Flow, AFTER_PROVIDER)).is_none() {
        return;
    }
    for (_, provider) in state.objects.iter_mut().filter(|(id, _)| id.kind == Kind::IdentityProvider) {
        provider.fields.entry("postBrokerLoginFlowAlias".into()).or_insert_with(|| AFTER_PROVIDER.into());
    }
}

/// The ways in that lead around the gate of a product that a tenant has; none where its browser flow has no such gate.
pub(super) fn around(tenant: &Tenant, product: &str, state: &RealmState) -> Vec<Wrong> {
    let realm = ObjectId::realm();
    let bound = |field: &str| state.get(&realm).and_then(|realm| realm.fields.get(field)?.as_str());
    let Some(Gate { scope }) = bound("browserFlow").and_then(|flow| gate(state, flow, product)) else {
        return Vec::new();
    };
    // A gate that is before every client is one too.
    let shut = |other: Gate<'_>| other.scope.is_none() || other.scope == scope;
    let closed = |flow: Option<&str>| flow.and_then(|flow| gate(state, flow, product)).is_some_and(shut);
    let mut ways: Vec<(Field, String, &str)> = Vec::new();
    let mut note = |id: &ObjectId, path: &str, does: &str, hint: &'static str| {
        ways.push(((id.clone(), path.to_owned()), does.to_owned(), hint));
    };

    let client = ObjectId::new(Kind::Client, product);
    let fields = state.get(&client).map(|client| &client.fields);
    let field = |path: &str| fields.and_then(|fields| fields.get(path));
    let on = |value: Option<&Value>| value.is_some_and(|value| *value == true || *value == "true");
    let scopes = field("defaultClientScopes").and_then(Value::as_array);
    if let Some(scope) = scope.filter(|scope| !scopes.is_some_and(|list| list.iter().any(|one| one == scope))) {
        let does = format!("has not the scope `{scope}`, by which the gate knows the product");
        note(&client, "defaultClientScopes", &does, "add the scope to the list");
    }
    for (path, how) in SWITCHES.into_iter().filter(|(path, _)| on(field(path))) {
        note(&client, path, &format!("lets it in {how}"), "take it out: use a client of another name for that");
    }
    if on(field("directAccessGrantsEnabled")) && !closed(bound("directGrantFlow")) {
        let hint = "take it out, or bind `directGrantFlow` to a flow that has the gate too";
        note(&client, "directAccessGrantsEnabled", "lets users in with their password alone", hint);
    }
    for way in ["browser", "direct_grant"] {
        let path = format!("authenticationFlowBindingOverrides.{way}");
        let flow = field(&path).and_then(Value::as_str).filter(|flow| !flow.is_empty());
        if flow.is_some() && !closed(flow) {
            note(&client, &path, "binds a flow without the gate", "take it out, or put the gate into that flow too");
        }
    }
    let is_set = |path: &str| on(state.get(&realm).and_then(|realm| realm.fields.get(path)));
    if is_set("registrationAllowed") {
        note(&realm, "registrationAllowed", "lets in whoever registers", "take it out");
    }
    if is_set("resetPasswordAllowed") && !closed(bound("resetCredentialsFlow")) && !logs_in_after_reset(state, bound) {
        let hint = "give the flow's step `reset-credential-email` the configuration `force-login: true`";
        note(&realm, "resetCredentialsFlow", "lets in whoever sets a new password", hint);
    }
    for (id, provider) in state.of_kind(Kind::IdentityProvider) {
        let path = "postBrokerLoginFlowAlias";
        let flow = provider.fields.get(path).and_then(Value::as_str);
        if !closed(flow) {
            let path = if flow.is_some() { path } else { Kind::IdentityProvider.spec().key };
            let hint = "let `postBrokerLoginFlowAlias` name a flow that has the gate";
            note(id, path, "lets in whoever comes from the provider", hint);
        }
    }

    let told = ways.into_iter().map(|(field, does, hint)| Wrong {
        code: "seat-not-asked",
        message: format!("{}/{} {does}: `{product}` is for those who have a seat", tenant.name, field.0),
        field,
        hint: hint.into(),
    });
    told.collect()
}

/// The gate of a product.
struct Gate<'a> {
    /// The scope by which it knows the product's client; without one, it is before every client.
    scope: Option<&'a str>,
}

/// The one that a flow has.
fn gate<'a>(state: &'a RealmState, flow: &str, product: &str) -> Option<Gate<'a>> {
    steps(state, flow).iter().find_map(|step| gate_of(step, product))
}

fn steps<'a>(state: &'a RealmState, flow: &str) -> &'a [Value] {
    let flow: Option<&Object> = state.get(&ObjectId::new(Kind::Flow, flow));
    flow.and_then(|flow| flow.fields.get("executions")?.as_array()).map_or(&[], Vec::as_slice)
}

/// The gate that a step is. One more condition would let somebody through.
fn gate_of<'a>(step: &'a Value, product: &str) -> Option<Gate<'a>> {
    if step["requirement"] != "CONDITIONAL" {
        return None;
    }
    let (mut scope, mut seat, mut denies) = (None, false, false);
    for step in step["flow"]["executions"].as_array()? {
        let values = &step["config"]["values"];
        if step["requirement"] != "REQUIRED" {
            return None;
        }
        match step["authenticator"].as_str()? {
            "conditional-client-scope" if values["negate"] != "true" && scope.is_none() => {
                scope = Some(values["client_scope"].as_str()?);
            }
            "conditional-user-role" if values["negate"] == "true" && !seat => {
                seat = values["condUserRole"] == format!("{product}.{SEAT}");
                seat.then_some(())?;
            }
            "deny-access-authenticator" => denies = true,
            _ => return None,
        }
    }
    (seat && denies).then_some(Gate { scope })
}

/// Whether the flow for forgotten passwords ends with a login, through the gates (`ResetCredentialEmail`).
fn logs_in_after_reset<'a>(state: &RealmState, bound: impl Fn(&str) -> Option<&'a str>) -> bool {
    let steps = bound("resetCredentialsFlow").map(|flow| steps(state, flow)).unwrap_or_default();
    let mut mails = steps.iter().filter(|step| step["authenticator"] == "reset-credential-email");
    mails.next().is_some_and(|mail| mail["config"]["values"]["force-login"] == "true") && mails.next().is_none()
}
