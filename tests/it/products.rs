//! What only a licence gives: every other way to it is refused, with its line and a way out.

use crate::plan::world;

/// The finding of each difference of the realm `clinic`, which has five seats of `assistant` and no licence for `insights`.
fn findings(differences: &[&str]) -> String {
    let each = |difference: &&str| {
        let lines: String = difference.lines().map(|line| format!("          {line}\n")).collect();
        let world =
            world().edit("tenants.yaml", "        licences:\n", &format!("        realm:\n{lines}        licences:\n"));
        let findings = world.findings();
        let text = if findings.is_empty() { "nothing\n".to_owned() } else { findings };
        format!("{}\n{text}", difference.lines().next().unwrap_or_default())
    };
    differences.iter().map(each).collect()
}

#[test]
fn a_product_comes_by_a_licence_alone() {
    insta::assert_snapshot!(findings(&[
        "clients: [{clientId: insights}]",
        "clients: [{clientId: insights}] # with its seat\nroles: {client: {insights: [{name: seat}, {name: more}]}}",
        "clients: [{clientId: own, serviceAccountsEnabled: true}] # that may carry it\nclientScopeMappings: {insights: [{client: own, roles: [seat]}]}",
        "roles: {realm: [{name: boss, composites: {client: {insights: [seat]}}}]}",
        "groups: [{name: all, clientRoles: {insights: [seat]}}]",
        "users: [{username: anna, enabled: true, clientRoles: {insights: [seat]}}]",
        "clients: [{clientId: own, protocolMappers: [{name: m, protocol: openid-connect, protocolMapper: oidc-hardcoded-role-mapper, config: {role: insights.seat}}]}]",
        "clients: [{clientId: own, protocolMappers: [{name: m, protocol: openid-connect, protocolMapper: oidc-role-name-mapper, config: {role: member, new.role.name: insights.seat}}]}]",
        "clients: [{clientId: own, protocolMappers: [{name: m, protocol: openid-connect, protocolMapper: oidc-hardcoded-claim-mapper, config: {claim.name: resource_access.insights.roles, claim.value: '[\"seat\"]'}}]}]",
        "clients: [{clientId: own, protocolMappers: [{name: m, protocol: openid-connect, protocolMapper: oidc-hardcoded-claim-mapper, config: {claim.name: resource_access, claim.value: '{\"insights\":{\"roles\":[\"seat\"]}}'}}]}]",
        "clients: [{clientId: own, protocolMappers: [{name: m, protocol: openid-connect, protocolMapper: oidc-audience-mapper, config: {included.custom.audience: insights}}]}]",
        "clients: [{clientId: insights-2}]",
    ]), @r#"
    clients: [{clientId: insights}]
    [unlicensed-product] tenants.yaml:12:32 clinic/client/insights is of the product `insights`, which no licence or grant gives `clinic` (a licence or a grant brings all that belongs to the product: give it one, or take this out)
    clients: [{clientId: insights}] # with its seat
    [unlicensed-product] tenants.yaml:12:32 clinic/client/insights is of the product `insights`, which no licence or grant gives `clinic` (a licence or a grant brings all that belongs to the product: give it one, or take this out)
    clients: [{clientId: own, serviceAccountsEnabled: true}] # that may carry it
    [unknown-object] tenants.yaml:8:15 clinic/client/own refers to the client-role `insights/seat`, which the realm does not have
    [unlicensed-product] tenants.yaml:13:66 clinic/client/own gives a role of the product `insights`, which no licence or grant gives `clinic` (a licence or a grant brings all that belongs to the product: give it one, or take this out)
    roles: {realm: [{name: boss, composites: {client: {insights: [seat]}}}]}
    [unknown-object] tenants.yaml:8:15 clinic/role/boss refers to the client-role `insights/seat`, which the realm does not have
    [unlicensed-product] tenants.yaml:12:73 clinic/role/boss gives a role of the product `insights`, which no licence or grant gives `clinic` (a licence or a grant brings all that belongs to the product: give it one, or take this out)
    groups: [{name: all, clientRoles: {insights: [seat]}}]
    [unknown-object] tenants.yaml:8:15 clinic/group/all refers to the client-role `insights/seat`, which the realm does not have
    [unlicensed-product] tenants.yaml:12:57 clinic/group/all gives a role of the product `insights`, which no licence or grant gives `clinic` (a licence or a grant brings all that belongs to the product: give it one, or take this out)
    users: [{username: anna, enabled: true, clientRoles: {insights: [seat]}}]
    [unknown-object] tenants.yaml:8:15 clinic/user/anna refers to the client-role `insights/seat`, which the realm does not have
    [unlicensed-product] tenants.yaml:12:76 clinic/user/anna gives a role of the product `insights`, which no licence or grant gives `clinic` (a licence or a grant brings all that belongs to the product: give it one, or take this out)
    clients: [{clientId: own, protocolMappers: [{name: m, protocol: openid-connect, protocolMapper: oidc-hardcoded-role-mapper, config: {role: insights.seat}}]}]
    [unlicensed-product] tenants.yaml:12:150 clinic/client-mapper/own/m hands out what is of the product `insights`, which no licence or grant gives `clinic` (a licence or a grant brings all that belongs to the product: give it one, or take this out)
    clients: [{clientId: own, protocolMappers: [{name: m, protocol: openid-connect, protocolMapper: oidc-role-name-mapper, config: {role: member, new.role.name: insights.seat}}]}]
    [unlicensed-product] tenants.yaml:12:168 clinic/client-mapper/own/m hands out what is of the product `insights`, which no licence or grant gives `clinic` (a licence or a grant brings all that belongs to the product: give it one, or take this out)
    clients: [{clientId: own, protocolMappers: [{name: m, protocol: openid-connect, protocolMapper: oidc-hardcoded-claim-mapper, config: {claim.name: resource_access.insights.roles, claim.value: '["seat"]'}}]}]
    [unlicensed-product] tenants.yaml:12:157 clinic/client-mapper/own/m hands out what is of the product `insights`, which no licence or grant gives `clinic` (a licence or a grant brings all that belongs to the product: give it one, or take this out)
    clients: [{clientId: own, protocolMappers: [{name: m, protocol: openid-connect, protocolMapper: oidc-hardcoded-claim-mapper, config: {claim.name: resource_access, claim.value: '{"insights":{"roles":["seat"]}}'}}]}]
    [unlicensed-product] tenants.yaml:12:187 clinic/client-mapper/own/m hands out what is of the product `insights`, which no licence or grant gives `clinic` (a licence or a grant brings all that belongs to the product: give it one, or take this out)
    clients: [{clientId: own, protocolMappers: [{name: m, protocol: openid-connect, protocolMapper: oidc-audience-mapper, config: {included.custom.audience: insights}}]}]
    [unlicensed-product] tenants.yaml:12:164 clinic/client-mapper/own/m hands out what is of the product `insights`, which no licence or grant gives `clinic` (a licence or a grant brings all that belongs to the product: give it one, or take this out)
    clients: [{clientId: insights-2}]
    nothing
    "#);
}

#[test]
fn seats_are_given_one_by_one() {
    insta::assert_snapshot!(findings(&[
        "roles: {realm: [{name: default-roles-clinic, composites: {realm: [member], client: {assistant: [seat]}}}]}",
        "roles: {realm: [{name: member, composites: {client: {assistant: [seat]}}}]}",
        "groups: [{name: all, clientRoles: {assistant: [seat]}, subGroups: [{name: below}]}]\ndefaultGroups: [/all/below]",
        "clients: [{clientId: assistant, protocolMappers: [{name: m, protocol: openid-connect, protocolMapper: oidc-hardcoded-role-mapper, config: {role: assistant.seat}}]}]",
        "clients: [{clientId: assistant, protocolMappers: [{name: m, protocol: openid-connect, protocolMapper: oidc-usermodel-attribute-mapper, config: {user.attribute: x, claim.name: resource_access.assistant.roles}}]}]",
        "clients: [{clientId: own, protocolMappers: [{name: m, protocol: openid-connect, protocolMapper: oidc-audience-mapper, config: {included.client.audience: assistant}}]}]",
        "groups: [{name: some, clientRoles: {assistant: [seat]}}]",
        "roles: {realm: [{name: boss, composites: {client: {assistant: [seat]}}}]}",
    ]), @r"
    roles: {realm: [{name: default-roles-clinic, composites: {realm: [member], client: {assistant: [seat]}}}]}
    [seat-for-everybody] tenants.yaml:12:107 clinic/role/default-roles-clinic gives everybody a seat of `assistant`, whatever is licensed (take it out: seats are given to single users, or to a group that users are put into)
    roles: {realm: [{name: member, composites: {client: {assistant: [seat]}}}]}
    [seat-for-everybody] tenants.yaml:12:76 clinic/role/member gives everybody a seat of `assistant`, whatever is licensed (take it out: seats are given to single users, or to a group that users are put into)
    groups: [{name: all, clientRoles: {assistant: [seat]}, subGroups: [{name: below}]}]
    [seat-for-everybody] tenants.yaml:13:27 clinic/realm gives everybody a seat of `assistant`, whatever is licensed (take it out: seats are given to single users, or to a group that users are put into)
    clients: [{clientId: assistant, protocolMappers: [{name: m, protocol: openid-connect, protocolMapper: oidc-hardcoded-role-mapper, config: {role: assistant.seat}}]}]
    [seat-for-everybody] tenants.yaml:12:156 clinic/client-mapper/assistant/m gives everybody a seat of `assistant`, whatever is licensed (take it out: seats are given to single users, or to a group that users are put into)
    clients: [{clientId: assistant, protocolMappers: [{name: m, protocol: openid-connect, protocolMapper: oidc-usermodel-attribute-mapper, config: {user.attribute: x, claim.name: resource_access.assistant.roles}}]}]
    [seat-for-everybody] tenants.yaml:12:186 clinic/client-mapper/assistant/m gives everybody a seat of `assistant`, whatever is licensed (take it out: seats are given to single users, or to a group that users are put into)
    clients: [{clientId: own, protocolMappers: [{name: m, protocol: openid-connect, protocolMapper: oidc-audience-mapper, config: {included.client.audience: assistant}}]}]
    nothing
    groups: [{name: some, clientRoles: {assistant: [seat]}}]
    nothing
    roles: {realm: [{name: boss, composites: {client: {assistant: [seat]}}}]}
    nothing
    ");
}

#[test]
fn no_more_users_are_declared_than_there_are_seats() {
    let users = |count: usize| {
        let users: String = (0..count).map(|n| format!("          - {{username: u{n}, roles: [nurse]}}\n")).collect();
        let own = "        realm: {roles: {realm: [{name: nurse, composites: {client: {assistant: [seat]}}}]}}\n        users:\n";
        world().edit("tenants.yaml", "        licences:\n", &format!("{own}{users}        licences:\n")).findings()
    };
    assert_eq!(users(5), "");
    insta::assert_snapshot!(users(6), @"[too-many-seats] tenants.yaml:18:35 6 users of `clinic` are declared to hold a seat of `assistant`, and it has 5 (raise `seats` of a licence, or what is granted, or take the seat from some of them)");
}

#[test]
fn a_template_is_told_where_it_brings_the_product() {
    let template = "apiVersion: realmwright/v1\nkind: RealmTemplate\nname: mine\nextends: organization\nrealm:\n  clients:\n    - clientId: insights\n";
    let world = world().with("mine.yaml", template).edit(
        "tenants.yaml",
        "        label: Clinic\n",
        "        label: Clinic\n        template: mine\n",
    );
    insta::assert_snapshot!(world.findings(), @"[unlicensed-product] mine.yaml:7:17 clinic/client/insights is of the product `insights`, which no licence or grant gives `clinic` (a licence or a grant brings all that belongs to the product: give it one, or take this out)");
    let licence =
        "        licences:\n          - {product: insights, type: t, serial: I-1, seats: 1, validUntil: 2027-12-31}\n";
    assert_eq!(world.edit("tenants.yaml", "        licences:\n", licence).findings(), "");
}

#[test]
fn what_is_granted_is_as_good_as_a_licence() {
    let own = "        realm: {clients: [{clientId: insights, description: ours}]}\n        users:\n          - {username: u1, roles: [insights/seat]}\n          - {username: u2, roles: [insights/seat]}\n";
    let world = world().edit("tenants.yaml", "        licences:\n          - {product: assistant, type: pro, serial: A-1, seats: 5, validUntil: 2027-12-31}\n", own);
    let granted = |seats: u32| {
        world
            .clone()
            .edit(
                "tenants.yaml",
                "        users:\n",
                &format!("        grants: {{insights: {seats}}}\n        users:\n"),
            )
            .findings()
    };
    assert_eq!(granted(2), "");
    insta::assert_snapshot!(granted(1), @"[too-many-seats] tenants.yaml:15:35 2 users of `clinic` are declared to hold a seat of `insights`, and it has 1 (raise `seats` of a licence, or what is granted, or take the seat from some of them)");
}

/// A product with named seats is reached through its gate: each way around it is refused, with its line.
#[test]
fn every_way_in_goes_through_the_gate() {
    let provider = |more: &str| {
        format!(
            "identityProviders: [{{alias: i, providerId: oidc{more}, config: {{tokenUrl: 'https://i.example/t', authorizationUrl: 'https://i.example/a', clientId: x}}}}]"
        )
    };
    let flow = |steps: &str| {
        format!(
            "{}\nauthenticationFlows:\n  - {{alias: own, providerId: basic-flow, topLevel: true, authenticationExecutions: [{steps}]}}\n  - {{alias: inner, providerId: basic-flow, topLevel: false, authenticationExecutions: [{{authenticator: conditional-user-role, authenticatorConfig: no seat, requirement: REQUIRED, priority: 1}}, {{authenticator: deny-access-authenticator, requirement: REQUIRED, priority: 2}}]}}\nauthenticatorConfig: [{{alias: no seat, config: {{condUserRole: assistant.seat, negate: true}}}}]",
            provider(", postBrokerLoginFlowAlias: own")
        )
    };
    let allow = "{authenticator: allow-access-authenticator, requirement: REQUIRED, priority: 1}";
    let inner = |requirement: &str| {
        format!("{{flowAlias: inner, authenticatorFlow: true, requirement: {requirement}, priority: 2}}")
    };
    let differences = [
        provider(""),
        provider(", postBrokerLoginFlowAlias: browser"),
        flow(allow),
        flow(&format!("{allow}, {}", inner("ALTERNATIVE"))),
        "registrationAllowed: true".into(),
        "resetCredentialsFlow: reset credentials".into(),
        "resetCredentialsFlow: reset credentials\nresetPasswordAllowed: false".into(),
        "clients: [{clientId: assistant, defaultClientScopes: [basic]}]".into(),
        "clients: [{clientId: assistant, serviceAccountsEnabled: true}]".into(),
        "clients: [{clientId: assistant, attributes: {standard.token.exchange.enabled: true}}]".into(),
        "clients: [{clientId: assistant, attributes: {oidc.ciba.grant.enabled: true}}]".into(),
        "clients: [{clientId: assistant, directAccessGrantsEnabled: true}] # its flow has the gate".into(),
        "clients: [{clientId: assistant, directAccessGrantsEnabled: true}] # its flow has none\ndirectGrantFlow: direct grant".into(),
        "clients: [{clientId: assistant, authenticationFlowBindingOverrides: {browser: browser}}]".into(),
        "clients: [{clientId: assistant, authenticationFlowBindingOverrides: {browser: login}}]".into(),
        "clients: [{clientId: own, serviceAccountsEnabled: true, directAccessGrantsEnabled: true}]".into(),
        "browserFlow: browser # the vendor has no gate then\nregistrationAllowed: true".into(),
    ];
    let said = findings(&differences.iter().map(String::as_str).collect::<Vec<_>>());
    let short = said.replace(" is for those who have a seat", "").replace("[seat-not-asked] tenants.yaml:", "");
    insta::assert_snapshot!(short, @"
    identityProviders: [{alias: i, providerId: oidc, config: {tokenUrl: 'https://i.example/t', authorizationUrl: 'https://i.example/a', clientId: x}}]
    nothing
    identityProviders: [{alias: i, providerId: oidc, postBrokerLoginFlowAlias: browser, config: {tokenUrl: 'https://i.example/t', authorizationUrl: 'https://i.example/a', clientId: x}}]
    12:86 clinic/identity-provider/i lets in whoever comes from the provider: `assistant` (let `postBrokerLoginFlowAlias` name a flow that has the gate)
    identityProviders: [{alias: i, providerId: oidc, postBrokerLoginFlowAlias: own, config: {tokenUrl: 'https://i.example/t', authorizationUrl: 'https://i.example/a', clientId: x}}]
    12:86 clinic/identity-provider/i lets in whoever comes from the provider: `assistant` (let `postBrokerLoginFlowAlias` name a flow that has the gate)
    identityProviders: [{alias: i, providerId: oidc, postBrokerLoginFlowAlias: own, config: {tokenUrl: 'https://i.example/t', authorizationUrl: 'https://i.example/a', clientId: x}}]
    12:86 clinic/identity-provider/i lets in whoever comes from the provider: `assistant` (let `postBrokerLoginFlowAlias` name a flow that has the gate)
    registrationAllowed: true
    12:32 clinic/realm lets in whoever registers: `assistant` (take it out)
    resetCredentialsFlow: reset credentials
    12:33 clinic/realm lets in whoever sets a new password: `assistant` (give the flow's step `reset-credential-email` the configuration `force-login: true`)
    resetCredentialsFlow: reset credentials
    nothing
    clients: [{clientId: assistant, defaultClientScopes: [basic]}]
    12:65 clinic/client/assistant has not the scope `seat-assistant`, by which the gate knows the product: `assistant` (add the scope to the list)
    clients: [{clientId: assistant, serviceAccountsEnabled: true}]
    12:67 clinic/client/assistant lets it in by itself, without anybody: `assistant` (take it out: use a client of another name for that)
    clients: [{clientId: assistant, attributes: {standard.token.exchange.enabled: true}}]
    12:89 clinic/client/assistant lets it in with a token of another client: `assistant` (take it out: use a client of another name for that)
    clients: [{clientId: assistant, attributes: {oidc.ciba.grant.enabled: true}}]
    12:81 clinic/client/assistant lets it in at a device of the user's: `assistant` (take it out: use a client of another name for that)
    clients: [{clientId: assistant, directAccessGrantsEnabled: true}] # its flow has the gate
    nothing
    clients: [{clientId: assistant, directAccessGrantsEnabled: true}] # its flow has none
    12:70 clinic/client/assistant lets users in with their password alone: `assistant` (take it out, or bind `directGrantFlow` to a flow that has the gate too)
    clients: [{clientId: assistant, authenticationFlowBindingOverrides: {browser: browser}}]
    12:89 clinic/client/assistant binds a flow without the gate: `assistant` (take it out, or put the gate into that flow too)
    clients: [{clientId: assistant, authenticationFlowBindingOverrides: {browser: login}}]
    nothing
    clients: [{clientId: own, serviceAccountsEnabled: true, directAccessGrantsEnabled: true}]
    nothing
    browserFlow: browser # the vendor has no gate then
    nothing
    ");
}
