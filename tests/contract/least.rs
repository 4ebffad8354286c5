//! Objects that say no more than they must, of every kind of the table.

use realmwright::keycloak::WriteRealms;
use realmwright::state::Kind;
use realmwright::state::kind::Section;
use realmwright::state::specs::SPECS;
use serde_json::{Value, json};

use crate::support::World;

/// What an object of a kind must say beside its name; nothing, of most kinds.
fn required(kind: Kind) -> Value {
    match kind {
        Kind::RequiredAction => json!({"providerId": "TERMS_AND_CONDITIONS", "name": "Terms"}),
        Kind::Component => json!({"providerId": "ldap", "config": {
            "enabled": ["false"], "vendor": ["other"], "connectionUrl": ["ldap://127.0.0.1:1"], "usersDn": ["ou=u"], "authType": ["none"],
            "editMode": ["READ_ONLY"], "usernameLDAPAttribute": ["uid"], "rdnLDAPAttribute": ["uid"], "uuidLDAPAttribute": ["entryUUID"],
            "userObjectClasses": ["inetOrgPerson"]}}),
        Kind::SubComponent => {
            json!({"providerId": "user-attribute-ldap-mapper", "config": {"ldap.attribute": ["uid"], "user.model.attribute": ["username"]}})
        }
        Kind::ClientScope => json!({"protocol": "openid-connect"}),
        Kind::ScopeMapper | Kind::ClientMapper => json!({
            "protocol": "openid-connect", "protocolMapper": "oidc-hardcoded-claim-mapper", "config": {"claim.name": "x"}}),
        Kind::IdentityProvider => json!({"providerId": "oidc", "config": {
            "clientId": "c", "authorizationUrl": "https://id.example/a", "tokenUrl": "https://id.example/t"}}),
        Kind::IdentityProviderMapper => json!({
            "identityProviderMapper": "oidc-hardcoded-role-idp-mapper", "config": {"role": "offline_access"}}),
        Kind::Organization => json!({"name": "least"}),
        Kind::Flow => json!({"providerId": "basic-flow", "topLevel": true}),
        _ => json!({}),
    }
}

/// The name of the object: any, but where it is one of a few.
fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::RequiredAction => "TERMS_AND_CONDITIONS",
        Kind::Localization => "nl",
        _ => "least",
    }
}

fn object(kind: Kind) -> Value {
    let mut object = required(kind);
    object[kind.spec().key] = name(kind).into();
    object
}

/// Puts one object of a kind into a realm's content, and what it belongs to.
fn add(content: &mut Value, kind: Kind) {
    let one = object(kind);
    match kind.spec().section {
        Section::Top => {}
        Section::Single(field) => content[field] = json!({}),
        Section::Keyed("authorizationSettings") => {
            add(content, Kind::Client);
            content["clients"][0]["authorizationSettings"] = json!({});
            for switch in ["authorizationServicesEnabled", "serviceAccountsEnabled"] {
                content["clients"][0][switch] = true.into();
            }
        }
        Section::Keyed(field) => content[field] = json!({ name(kind): {"word": "woord"} }),
        Section::List(field) | Section::Tree(field, _) => content[field] = json!([one]),
        Section::Inner(path) => content[path[0]][path[1]] = json!([one]),
        Section::Groups(["components"]) => {
            content["components"] = json!({"org.keycloak.storage.UserStorageProvider": [one]})
        }
        Section::Groups(path) => {
            add(content, Kind::Client);
            content[path[0]][path[1]] = json!({ name(Kind::Client): [one] });
        }
        Section::Within(owner, field) => {
            add(content, owner);
            let Section::List(owners) = owner.spec().section else { panic!("{owner:?} is in no list") };
            content[owners][0][field] = json!([one]);
        }
        Section::Owned(_, _, Kind::Component) => {
            add(content, Kind::Component);
            content["components"]["org.keycloak.storage.UserStorageProvider"][0]["subComponents"] =
                json!({"org.keycloak.storage.ldap.mappers.LDAPStorageMapper": [one]});
        }
        Section::Owned(list, field, owner) => {
            add(content, owner);
            content[list] = json!([one]);
            content[list][0][field] = name(owner).into();
        }
    }
    if kind == Kind::Organization {
        content["organizationsEnabled"] = true.into();
    }
}

fn world(jwks: &str, realm: &str, content: &Value) -> World {
    let template = json!({"apiVersion": "realmwright/v1", "kind": "RealmTemplate", "name": "least", "realm": content});
    let tenant = json!({"apiVersion": "realmwright/v1", "kind": "Distributor", "name": realm, "template": "least"});
    World::new(jwks).with("template.yaml", template.to_string()).with("tenant.yaml", tenant.to_string())
}

pub async fn objects_that_say_only_what_they_must_are_born_and_settle(api: &impl WriteRealms, jwks: &str, realm: &str) {
    for spec in &SPECS {
        let mut content = json!({});
        add(&mut content, spec.kind);
        world(jwks, realm, &content).apply(api).await;
        api.delete(realm, "", None).await.expect("deleted");
    }
}

pub async fn objects_that_say_only_what_they_must_are_made_later_and_settle(
    api: &impl WriteRealms,
    jwks: &str,
    realm: &str,
) {
    let bare = world(jwks, realm, &json!({}));
    bare.apply(api).await;
    for spec in SPECS.iter().filter(|spec| spec.kind != Kind::Realm) {
        let mut content = json!({});
        add(&mut content, spec.kind);
        world(jwks, realm, &content).apply(api).await;
    }
}
