//! What holds for any realm.

use proptest::prelude::*;
use realmwright::apply::TenantOutcome;
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::manifest::guards::Limits;
use realmwright::plan::render;
use realmwright::state::{arrange, assemble};
use serde_json::{Value, json};

use crate::support::{World, carry_out};

/// Names that Keycloak takes for roles, clients and scopes.
fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9._-]{0,8}"
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[ -~]{1,12}".prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        (0..99_999u32).prop_map(Value::from)
    ]
}

prop_compose! {
    fn client()(
        id in "[a-c/%]{1,3}", label in "[a-z ]{1,9}", uris in prop::collection::btree_set("https://[a-z]{1,5}\\.example", 0..3),
        attributes in prop::collection::btree_map(name(), scalar(), 0..3), enabled in any::<bool>(),
    ) -> Value {
        json!({"clientId": id, "name": label, "redirectUris": uris, "attributes": attributes, "enabled": enabled})
    }
}

prop_compose! {
    pub fn realm()(
        label in "[A-Za-z ]{1,9}", lifespan in 30..900u32, clients in prop::collection::vec(client(), 0..4),
        roles in prop::collection::btree_map("[d-f/]{1,2}", prop::collection::btree_set("[d-f/]{1,2}", 0..3), 0..4),
        attributes in prop::collection::btree_map(name(), scalar(), 0..4),
    ) -> Value {
        let mut clients = clients;
        clients.sort_by_key(|client| client["clientId"].to_string());
        clients.dedup_by_key(|client| client["clientId"].to_string());
        let realm_roles: Vec<Value> = roles.iter().map(|(name, contained)| {
            let contained: Vec<&String> = contained.iter().filter(|other| *other != name && roles.contains_key(*other)).collect();
            json!({"name": name, "composites": {"realm": contained}})
        }).collect();
        json!({
            "enabled": true, "displayName": label, "accessTokenLifespan": lifespan, "clients": clients, "attributes": attributes,
            "roles": {"realm": realm_roles},
        })
    }
}

pub fn world(realm: &Value) -> World {
    let realm: Value = serde_json::from_str(&realm.to_string().replace("$(", "$$(")).expect("JSON");
    let template = json!({"apiVersion": "realmwright/v1", "kind": "RealmTemplate", "name": "any", "realm": realm});
    let tenant = json!({"apiVersion": "realmwright/v1", "kind": "Distributor", "name": "north", "template": "any"});
    World::new("{}").with("template.yaml", template.to_string()).with("tenant.yaml", tenant.to_string())
}

pub fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn taking_apart_and_putting_together_loses_nothing(realm in realm()) {
        let state = arrange(&realm);
        let again = arrange(&assemble(&state));
        let fields = |state: &realmwright::state::RealmState| -> Vec<_> {
            state.objects.iter().map(|(id, object)| (id.clone(), object.fields.clone())).collect()
        };
        prop_assert_eq!(fields(&again), fields(&state));
    }

    #[test]
    fn any_realm_becomes_any_other_and_planning_again_is_empty(one in realm(), other in realm()) {
        run(async {
            let api = MemoryKeycloak::new();
            world(&one).apply(&api).await;
            world(&other).apply(&api).await;
            world(&one).apply(&api).await;
        });
    }

    #[test]
    fn plans_do_not_depend_on_the_order_of_what_is_written(realm in realm()) {
        let mut turned = realm.clone();
        for list in ["/clients", "/roles/realm"] {
            turned.pointer_mut(list).and_then(Value::as_array_mut).into_iter().for_each(|list| list.reverse());
        }
        let api = MemoryKeycloak::new();
        let plan = |realm: &Value| run(world(realm).plan(&api));
        prop_assert_eq!(plan(&realm), plan(&turned));
    }

    #[test]
    fn no_value_breaks_out_of_its_place_in_the_markdown(text in hostile()) {
        let shape = |text: &str| {
            let plan = crate::markdown::with_text(text);
            [render::markdown::plan(&plan), render::markdown::drift(&plan, 1)].map(|page| crate::markdown::shape(&page))
        };
        let (shape, plain) = (shape(&text), shape("plain"));
        prop_assert_eq!(shape, plain);
    }

    #[test]
    fn no_value_makes_a_line_of_its_own_in_the_text(text in hostile()) {
        let lines = |text: &str| render::text::plan(&crate::markdown::with_text(text)).lines().count();
        prop_assert_eq!(lines(&text), lines("plain"));
        let shown = render::text::plan(&crate::markdown::with_text(&text));
        prop_assert!(!shown.contains(|c: char| c != '\n' && c.is_control()));
    }

    #[test]
    fn more_deletions_than_the_limit_are_not_applied_unless_waived(one in realm(), other in realm(), most in 0..4usize) {
        run(async {
            let api = MemoryKeycloak::new();
            world(&one).apply(&api).await;
            let limits = json!({"realm": {"deletions": {"number": most, "share": 100}}});
            let mut plan = world(&other).limited(&api, &Limits::from(&limits)).await;
            api.forget_requests();
            let outcome = carry_out(&api, &plan).await;
            let written = api.requests().iter().filter(|sent| sent.writes).count();
            if plan.summary.delete > most {
                assert_eq!((written, outcome.count(|outcome| *outcome != TenantOutcome::Refused)), (0, 0));
                plan.waive(&["realm-deletions@north".parse().expect("a waiver")]);
                carry_out(&api, &plan).await;
            }
            assert!(world(&other).plan(&api).await.is_empty());
        });
    }
}

/// Texts that try to be something else: Markdown, HTML, control sequences, mentions.
fn hostile() -> impl Strategy<Value = String> {
    let signs = prop::sample::select(vec![
        "`",
        "``",
        "```\n",
        "\n\n",
        "\n# ",
        "\r",
        "|",
        "</code>",
        "</summary>",
        "</details>",
        "<!--",
        "-->",
        "<img src=x>",
        "@all",
        "#1",
        "[a](javascript:b)",
        "![a](b)",
        "**",
        "_",
        "~~",
        "\\",
        "$(x)",
        "\u{202e}",
        "\u{1b}[31m",
        "\u{2028}",
        "&lt;",
        "\t- ",
        "a",
        "\"",
        " ",
    ]);
    prop::collection::vec(signs, 1..6).prop_map(|parts| parts.concat()).prop_filter("says something", |text| {
        text.chars().any(|c| !c.is_whitespace() && !c.is_control() && c != '\u{202e}' && c != '\u{2028}')
    })
}
