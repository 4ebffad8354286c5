//! OWASP ASVS 5.0, chapter V10 (OAuth and OIDC): each requirement, how it is met, and the tests that show it. `docs/asvs.md` is
//! written from this table by `make docs`; a test holds that the tests are there.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use crate::layers;

/// One requirement.
struct Requirement {
    number: &'static str,
    level: u8,
    /// What it asks for, in short.
    asks: &'static str,
    how: &'static str,
    tests: &'static [&'static str],
}

const fn met(
    number: &'static str,
    level: u8,
    asks: &'static str,
    how: &'static str,
    tests: &'static [&'static str],
) -> Requirement {
    Requirement { number, level, asks, how, tests }
}

/// The parts of the chapter.
const PARTS: [(&str, &str); 7] = [
    ("10.1", "Generic OAuth and OIDC security"),
    ("10.2", "OAuth client"),
    ("10.3", "OAuth resource server"),
    ("10.4", "OAuth authorization server: Keycloak, as the templates set it up"),
    ("10.5", "OIDC client"),
    ("10.6", "OpenID provider: Keycloak, as the templates set it up"),
    ("10.7", "Consent"),
];

const REQUIREMENTS: &[Requirement] = &[
    met(
        "10.1.1",
        2,
        "Tokens go only to components that need them",
        "The broker is a backend for frontends: browsers have the name of a session; what they may ask for is an access token for \
         one audience, never a refresh token. Terminals keep theirs in files of mode 0600 and print none unasked",
        &["a_browser_application_gets_a_token_for_one_audience", "what_is_kept_is_for_its_owner_alone"],
    ),
    met(
        "10.1.2",
        2,
        "Answers count only for the login of the same browser and transaction; verifier, state and nonce can't be guessed",
        "256 random bits each, sealed in a cookie of the browser that began, good once, for ten minutes",
        &["attack_05_login_csrf", "attack_06_callback_replayed", "attack_08_code_injection", "attack_09_nonce"],
    ),
    met(
        "10.2.1",
        2,
        "Forged requests trigger no token request",
        "PKCE and state, both always",
        &["attack_05_login_csrf", "attack_07_pkce_stripped"],
    ),
    met(
        "10.2.2",
        2,
        "Mix-up is defended against",
        "A callback for each tenant, and the issuer in the answer (RFC 9207)",
        &["attack_01_mix_up", "attack_02_issuer_stripped", "attack_03_state_at_another_tenants_callback"],
    ),
    met(
        "10.2.3",
        3,
        "Only the scopes that are needed are asked for",
        "`openid` at a login; the scope of the one audience at an exchange",
        &["a_browser_application_gets_a_token_for_one_audience"],
    ),
    met(
        "10.3.1",
        2,
        "Access tokens are taken for their audience alone",
        "`GET /auth?audience=NAME`; without the parameter no token is taken",
        &["attack_38_audience_confusion"],
    ),
    met(
        "10.3.2",
        2,
        "Decisions follow from the token's claims",
        "Issuer, subject, audience and binding decide whether a request passes; what a user may do inside an application is the \
         application's to decide, from the roles in the token",
        &["attack_38_audience_confusion", "attack_39_up_scoping_at_a_real_realm"],
    ),
    met(
        "10.3.3",
        2,
        "Users are known by claims that are never given to another",
        "`X-Auth-Issuer` and `X-Auth-Subject`",
        &["attack_32_malleable_addresses"],
    ),
    met(
        "10.3.4",
        2,
        "Where strength or recentness of authentication is required, it is checked",
        "Not applicable: the broker requires none beyond what the realm's flow requires",
        &[],
    ),
    met(
        "10.3.5",
        3,
        "Stolen access tokens are of no use: mutual TLS or DPoP",
        "A token that is bound is taken with its proof alone (DPoP), one bound to a certificate not at all. That every token is bound \
         is not required: products' clients decide",
        &[
            "attack_41_bound_tokens_shown_as_they_are",
            "attack_41_proofs_that_are_not_right",
            "attack_41_a_proof_for_another_request_behind_a_proxy",
        ],
    ),
    met(
        "10.4.1",
        1,
        "Redirect URIs are compared exactly with a list for each client",
        "The broker's client has one, the terminals' the loopback address with any port (RFC 8252); a product's are what its manifest \
         says, which may end in `*`",
        &["every_realm_gets_a_client_that_can_do_one_thing", "a_terminal_logs_in_and_out_at_a_real_realm"],
    ),
    met(
        "10.4.2",
        1,
        "A code is good once",
        "Keycloak's own doing; the broker shows none twice",
        &["attack_06_callback_replayed"],
    ),
    met("10.4.3", 1, "A code is short-lived", "One minute (`accessCodeLifespan: 60` in the templates)", &[]),
    met(
        "10.4.4",
        1,
        "A client has the grants that it needs; neither implicit nor password",
        "Codes alone for the broker and for products; codes and device codes for terminals",
        &["every_realm_gets_a_client_that_can_do_one_thing"],
    ),
    met(
        "10.4.5",
        1,
        "Refresh tokens of public clients can't be replayed",
        "Rotated at each use (`revokeRefreshToken`, no reuse)",
        &["attack_35_refresh_tokens"],
    ),
    met(
        "10.4.6",
        2,
        "PKCE is required, and never `plain`",
        "`pkce.code.challenge.method: S256` at every client of the templates, the broker and terminals",
        &["every_realm_gets_a_client_that_can_do_one_thing", "attack_07_pkce_stripped"],
    ),
    met(
        "10.4.7",
        2,
        "Registration without authentication is made safe",
        "Keycloak's policies for it stay, and `drift` names one that was taken away",
        &[],
    ),
    met(
        "10.4.8",
        2,
        "Refresh tokens end in any case",
        "With the realm's session (`ssoSessionMaxLifespan`), ten hours by default; the broker's own sessions too",
        &["sessions_end_when_they_are_not_used_and_in_any_case"],
    ),
    met(
        "10.4.9",
        2,
        "Users can revoke refresh tokens at the server",
        "The account console of each realm; the broker ends its session when the realm says so",
        &["users_log_in_at_their_tenant_and_out_again"],
    ),
    met(
        "10.4.10",
        2,
        "Confidential clients authenticate at the back channel",
        "`private_key_jwt` at the token endpoint and for pushed requests",
        &["realms_get_a_client_that_takes_the_brokers_key_and_no_other"],
    ),
    met(
        "10.4.11",
        2,
        "Clients are assigned the scopes that they need",
        "None by default for the broker and terminals; one, optional, for each audience",
        &["a_product_is_an_audience_for_who_has_a_seat_of_it"],
    ),
    met(
        "10.4.12",
        3,
        "Response modes are those that a client needs",
        "Fixed by the pushed request, which the browser can't change",
        &["the_browser_sees_nothing_of_a_request_that_was_pushed"],
    ),
    met(
        "10.4.13",
        3,
        "Codes always go with pushed requests",
        "Required of the broker's client and the terminals' (`require.pushed.authorization.requests`); not of products' own",
        &["attack_39_up_scoping_at_a_real_realm"],
    ),
    met(
        "10.4.14",
        3,
        "Access tokens are all bound to their sender",
        "Not met: the broker's stay with the broker, and those of products are bearer tokens unless their clients are set up for \
         DPoP",
        &[],
    ),
    met(
        "10.4.15",
        3,
        "`authorization_details` come from the client",
        "None are used; requests are pushed",
        &["the_browser_sees_nothing_of_a_request_that_was_pushed"],
    ),
    met(
        "10.4.16",
        3,
        "Clients are confidential, with authentication by public keys",
        "The broker's is. Terminals and products in the browser are public, with PKCE",
        &["realms_get_a_client_that_takes_the_brokers_key_and_no_other"],
    ),
    met(
        "10.5.1",
        2,
        "ID tokens can't be replayed",
        "The nonce, and an age of two minutes at most",
        &["attack_09_nonce"],
    ),
    met(
        "10.5.2",
        2,
        "Users are known by `sub`",
        "Issuer and subject; nothing else",
        &["attack_32_malleable_addresses"],
    ),
    met(
        "10.5.3",
        2,
        "Metadata that name another issuer are refused",
        "Exactly the issuer of the manifests, with endpoints on its server alone",
        &["attack_19_discovery_that_leads_elsewhere", "oidcc_client_test_discovery_issuer_mismatch"],
    ),
    met(
        "10.5.4",
        2,
        "The ID token is for this client",
        "Its only audience is the client",
        &["attack_12_claims", "fapi2_security_profile_final_client_test_invalid_secondary_aud"],
    ),
    met(
        "10.5.5",
        2,
        "Logout tokens are typed, have the event and no nonce",
        "All but the type: Keycloak's say `JWT`. Other types are refused, the event and the age are required, each token is good once",
        &["attack_13_another_kind_of_token", "attack_27_logout_token"],
    ),
    met(
        "10.6.1",
        2,
        "Neither implicit nor other response types that give tokens to the browser",
        "`implicitFlowEnabled: false` at every client of the templates",
        &["every_realm_gets_a_client_that_can_do_one_thing"],
    ),
    met(
        "10.6.2",
        2,
        "Logout can't be forced",
        "Keycloak asks, unless there is an ID token; the broker sends one, and ends its own session at a POST of its own pages alone",
        &["attack_26_forced_logout"],
    ),
    met(
        "10.7.1",
        2,
        "Users consent to each request where the client can't be assured",
        "The clients are the vendor's own, so none is asked for; a login by a device code is always asked for",
        &["a_terminal_logs_in_and_out_at_a_real_realm"],
    ),
    met(
        "10.7.2",
        2,
        "Consent says what it is about",
        "Keycloak's page for a device names the tenant and the client; the terminal says the same",
        &["a_terminal_logs_in_and_out_at_a_real_realm"],
    ),
    met("10.7.3", 2, "Users can look at consents and revoke them", "The account console of each realm", &[]),
];

/// The text of `docs/asvs.md`.
pub fn markdown() -> String {
    let mut text = String::from(
        "<!-- Generated from the table in tests/it/broker/asvs.rs by `make docs`. Do not edit. -->\n\n\
         # OWASP ASVS 5.0, chapter V10\n\n\
         What the chapter on OAuth and OpenID Connect asks for, in short, how the token broker and the realms that Realmwright makes\n\
         meet it, and the tests that show it. Where no test is named, a setting of the templates or of Keycloak is all there is.\n",
    );
    for (part, title) in PARTS {
        let _ = writeln!(text, "\n## {part} {title}\n\n| | level | asks | answer | tests |\n|---|---|---|---|---|");
        for Requirement { number, level, asks, how, tests } in REQUIREMENTS {
            if number.strip_prefix(part).is_some_and(|rest| rest.starts_with('.')) {
                let tests: Vec<String> = tests.iter().map(|name| format!("`{name}`")).collect();
                let _ = writeln!(text, "| {number} | {level} | {asks} | {how} | {} |", tests.join(", "));
            }
        }
    }
    text
}

#[test]
fn every_requirement_has_its_answer_and_the_tests_are_there() {
    let counts = PARTS.map(|(part, _)| REQUIREMENTS.iter().filter(|one| one.number[..4] == *part).count());
    assert_eq!(counts, [2, 3, 5, 16, 5, 2, 3], "as many as the chapter has");
    let mut paths = Vec::new();
    for directory in ["tests/it", "tests/live"] {
        layers::sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(directory), &mut paths);
    }
    let known: BTreeSet<String> = paths
        .iter()
        .flat_map(|path| {
            let text = std::fs::read_to_string(path).expect("readable");
            let name = |line: &str| {
                let function = line.split_once("fn ").map(|(_, rest)| rest);
                let case = line.strip_prefix("    ").filter(|rest| rest.contains(": \""));
                let (name, _) = function.or(case)?.split_once(['(', ':'])?;
                Some(name.to_owned())
            };
            text.lines().filter_map(name).collect::<Vec<_>>()
        })
        .collect();
    for Requirement { number, tests, .. } in REQUIREMENTS {
        for test in *tests {
            assert!(known.contains(*test), "{number} names {test}, which is not there");
        }
    }
}
