//! Selecting: what is named is done, what is not stays as it is and is not recorded.

use proptest::prelude::*;
use realmwright::apply::TenantOutcome;
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::observe;
use realmwright::plan::select::{SelectError, Selection, Selector};
use realmwright::state::{ObjectId, RealmState};

use crate::properties::{realm, run, world};
use crate::support::{World, carry_out, changes};

const NORTH: &str = "\
apiVersion: realmwright/v1
kind: Distributor
name: north
labels: {region: north}
resellers:
  - name: seller
    organizations:
      - {name: clinic, licences: [{product: assistant, type: t, serial: A-1, seats: 5, validUntil: 2030-01-01}]}
      - {name: praxis, labels: {region: south, size: small}}
organizations:
  - {name: client}
";

fn network() -> World {
    World::new("{}").with("north/north.yaml", NORTH).with(
        "east/east.yaml",
        "apiVersion: realmwright/v1\nkind: Distributor\nname: east\norganizations: [{name: farm}]\n",
    )
}

fn selection(select: &[&str], exclude: &[&str]) -> Selection {
    let parsed = |texts: &[&str]| texts.iter().map(|text| text.parse().expect(text)).collect();
    Selection { select: parsed(select), exclude: parsed(exclude) }
}

/// The tenants that are chosen, or why none are.
fn chosen(select: &[&str], exclude: &[&str]) -> String {
    let network = network().network();
    match selection(select, exclude).choose(&network) {
        Ok(None) => "everything".into(),
        Ok(Some(chosen)) => {
            let names = network.tenants.iter().map(|tenant| tenant.name.as_str());
            names.filter(|name| chosen.has(name)).collect::<Vec<_>>().join(" ")
        }
        Err(error) => format!("error: {error}"),
    }
}

#[test]
fn tenants_are_chosen_by_name_path_tier_distributor_and_label() {
    for (select, exclude, expected) in [
        (&[][..], &[][..], "everything"),
        (&["clinic"], &[], "clinic"),
        (&["c*"], &[], "client clinic"),
        (&["north/seller/clinic"], &[], "clinic"),
        (&["north/seller/*"], &[], "clinic praxis"),
        (&["north/*"], &[], "seller client"),
        (&["north/**"], &[], "seller clinic praxis client"),
        (&["**"], &["east/**"], "east north seller clinic praxis client"),
        (&["client"], &[], "client"),
        (&["tier:distributor", "clinic"], &[], "east north clinic"),
        (&["distributor:north"], &["tier:organization"], "north seller"),
        (&["distributor:*"], &["label:region"], "east farm"),
        (&["label:region=north"], &[], "north seller clinic client"),
        (&["label:region=s*"], &[], "praxis"),
        (&["label:size"], &[], "praxis"),
        (&[], &["distributor:north"], "east farm"),
        (&["*/client"], &["clinic", "client"], "east farm north seller praxis"),
    ] {
        let got: std::collections::BTreeSet<String> = chosen(select, exclude).split(' ').map(str::to_owned).collect();
        let expected = expected.split(' ').map(str::to_owned).collect();
        assert_eq!(got, expected, "{select:?} but not {exclude:?}");
    }
}

#[test]
fn a_selector_that_matches_nothing_is_an_error_with_a_way_out() {
    insta::assert_snapshot!(chosen(&["clinc"], &[]), @"error: `clinc` matches no tenant; did you mean `clinic`?");
    insta::assert_snapshot!(chosen(&["north/seller/clinic"], &[]), @"clinic");
    insta::assert_snapshot!(chosen(&["clinic/clinet/assistant"], &[]), @"error: `clinic/clinet/assistant` matches no tenant; did you mean `client`?");
    insta::assert_snapshot!(chosen(&["clinic/protocol-mapper/x"], &[]), @"error: `clinic/protocol-mapper/x` matches no tenant; `protocol-mapper` is neither a tenant nor a kind of object; kinds are user-profile, flow, required-action, component, sub-component, client-scope, client-scope-mapper, client, client-mapper, client-role, role, identity-provider, identity-provider-mapper, group, organization, client-profiles, client-policies, localization, user, authorization, realm");
    insta::assert_snapshot!(chosen(&["label:region=nroth"], &[]), @"error: `label:region=nroth` matches no tenant; did you mean `region=north`?");
    insta::assert_snapshot!(chosen(&["distributor:nroth"], &[]), @"error: `distributor:nroth` matches no tenant; did you mean `north`?");
    insta::assert_snapshot!(chosen(&["clinic"], &["parxis"]), @"error: `parxis` matches no tenant; did you mean `praxis`?");
    insta::assert_snapshot!(chosen(&["clinic"], &["north/**"]), @"error: nothing is left: everything that is selected is excluded as well");
}

#[test]
fn what_is_no_selector_is_refused() {
    let refused = |text: &str| text.parse::<Selector>().expect_err(text).to_string();
    insta::assert_snapshot!(refused("tire:reseller"), @"there is no selector `tire:`; did you mean `tier`?");
    insta::assert_snapshot!(refused("tier:resseler"), @"`resseler` is not a tier; did you mean `reseller`?");
    insta::assert_snapshot!(refused("tier:"), @"`tier:` names nothing in one of its parts");
    insta::assert_snapshot!(refused("clinic//x"), @"`clinic//x` names nothing in one of its parts");
    for empty in ["", "/", "a/", "clinic/client/", "label:", "label:=x"] {
        assert!(matches!(empty.parse::<Selector>(), Err(SelectError::Empty(_))), "{empty:?}");
    }
    for good in ["clinic/client/https://x//y", "clinic/realm", "clinic/client", "a/client/client/x", "*/user/*@*"] {
        assert!(good.parse::<Selector>().is_ok(), "{good}");
    }
}

#[tokio::test]
async fn only_the_chosen_tenants_are_planned_and_the_plan_says_so() {
    let plan = network().plan_part(&MemoryKeycloak::new(), &selection(&["clinic"], &[])).await.expect("a plan");
    assert_eq!(plan.summary.realms_to_create, 1);
    let text = realmwright::plan::render::text::plan(&plan);
    assert!(text.contains("Left out: 6 tenants (`--select clinic`)."), "{text}");
    let schema = jsonschema::draft202012::new(&realmwright::manifest::schema::schema::<realmwright::plan::Plan>());
    assert!(schema.expect("a schema").is_valid(&serde_json::to_value(&plan).expect("JSON")));
}

#[tokio::test]
async fn a_part_of_a_realm_that_is_not_there_is_refused() {
    let api = MemoryKeycloak::new();
    let plan = network().plan_part(&api, &selection(&["clinic/client/assistant"], &[])).await;
    insta::assert_snapshot!(plan.expect_err("a part of nothing"), @"`clinic` has no realm yet, and a realm is made whole; select the tenant without naming objects, or leave it out with --exclude clinic");
}

#[tokio::test]
async fn a_part_is_applied_and_the_rest_is_found_by_the_next_run() {
    let api = MemoryKeycloak::new();
    network().apply(&api).await;
    let changed = network().edit("north/north.yaml", "seats: 5", "seats: 7").edit(
        "platform.yaml",
        "https://assistant.example/*",
        "https://new.example/*",
    );
    let only = selection(&["clinic/client/assistant"], &[]);
    let plan = changed.plan_part(&api, &only).await.expect("a plan");
    insta::assert_snapshot!(changes(&plan), @r#"
    clinic (organization)
        ~ update  client/assistant
            redirectUris  ["https://assistant.example/*"] → ["https://new.example/*"]
    "#);
    carry_out(&api, &plan).await;
    assert!(changed.plan_part(&api, &only).await.expect("a plan").is_empty(), "planning the part again is empty");
    insta::assert_snapshot!(changes(&changed.plan(&api).await), @r#"
    north (distributor)
      seller (reseller)
        clinic (organization)
            ~ update  realm
                attributes.licence.A-1.seats  "5" → "7"
    "#);
    let without = changed.plan_part(&api, &selection(&[], &["clinic/realm"])).await.expect("a plan");
    assert!(without.is_empty());
    assert_eq!(without.part.as_ref().map(|part| part.changes), Some(1));
    let wrong = changed.plan_part(&api, &selection(&["clinic/client/asistant"], &[])).await;
    insta::assert_snapshot!(wrong.expect_err("no such client"), @"`clinic/client/asistant` matches no object; did you mean `client/assistant`?");
    changed.apply(&api).await;
}

/// A realm with two roles, one in the other, a client role in use, a group and a user of it, and a flow that is bound.
const PARTS: &str = "\
realm:
  browserFlow: own
  roles:
    realm: [{name: outer, composites: {realm: [inner]}}, {name: inner}]
  authenticationFlows:
    - {alias: own, providerId: basic-flow, topLevel: true, authenticationExecutions: [{authenticator: auth-cookie, requirement: ALTERNATIVE}]}
  clientScopes: [{name: extra, protocol: openid-connect}]
  clients:
    - {clientId: worker, optionalClientScopes: [extra], protocolMappers: [{name: note, protocol: openid-connect, protocolMapper: oidc-hardcoded-claim-mapper, config: {claim.name: a, claim.value: b}}]}
  users: [{username: anna, realmRoles: [outer]}]
";

fn north(parts: &str) -> World {
    World::new("{}")
        .with("north/north.yaml", format!("apiVersion: realmwright/v1\nkind: Distributor\nname: north\n{parts}"))
}

/// What a selection plans, and what the plan says of it.
async fn part(world: &World, api: &MemoryKeycloak, select: &[&str], exclude: &[&str]) -> String {
    let plan = match world.plan_part(api, &selection(select, exclude)).await {
        Ok(plan) => plan,
        Err(error) => return format!("error: {error}"),
    };
    let outcome = carry_out(api, &plan).await;
    match world.plan_part(api, &selection(select, exclude)).await {
        Ok(again) => assert!(again.is_empty(), "planning again is not empty: {outcome:?}\n{}", changes(&again)),
        // What was removed is nowhere any more.
        Err(error) => assert!(matches!(error, SelectError::NoObject { .. }), "{error}"),
    }
    let lines = plan.tenants[0].changes.iter().map(|change| format!("{:?} {}\n", change.action, change.object));
    let text = realmwright::plan::render::summary(&plan);
    let needed = text.split_once(" Not selected").map_or(String::new(), |(_, needed)| format!("Not selected{needed}"));
    lines.collect::<String>() + &needed
}

#[tokio::test]
async fn what_a_selected_change_needs_is_done_with_it_and_named() {
    let api = MemoryKeycloak::new();
    north("").apply(&api).await;
    let world = north(PARTS);
    insta::assert_snapshot!(part(&world, &api, &["north/user/anna"], &[]).await, @r"
    Create role/inner
    Create role/outer
    Create user/anna
    Not selected, but needed: `north/role/inner` for `north/role/outer`, `north/role/outer` for `north/user/anna`.
    ");
    insta::assert_snapshot!(part(&world, &api, &["north/client-mapper"], &[]).await, @r"
    Create client-scope/extra
    Create client/worker
    Create client-mapper/worker/note
    Not selected, but needed: `north/client-scope/extra` for `north/client/worker`, `north/client/worker` for `north/client-mapper/worker/note`.
    ");
    insta::assert_snapshot!(part(&world, &api, &["north/realm"], &["north/flow/own"]).await, @"error: `north/realm` can't be done without `north/flow/own`, which is excluded; don't exclude that one, or exclude both");
    insta::assert_snapshot!(part(&world, &api, &["north/realm"], &[]).await, @r"
    Create flow/own
    Update realm
    Not selected, but needed: `north/flow/own` for `north/realm`.
    ");
    world.apply(&api).await;
}

#[tokio::test]
async fn what_keeps_a_selected_object_from_being_removed_is_done_with_it() {
    let api = MemoryKeycloak::new();
    north(PARTS).apply(&api).await;
    let world = north("realm: {browserFlow: browser}\n");
    insta::assert_snapshot!(part(&world, &api, &["north/flow/own"], &[]).await, @r"
    Delete flow/own
    Update realm
    Not selected, but needed: `north/realm` for `north/flow/own`.
    ");
    insta::assert_snapshot!(part(&world, &api, &["north/client/worker"], &["*/client-mapper"]).await, @"error: `north/client/worker` can't be done without `north/client-mapper/worker/note`, which is excluded; don't exclude that one, or exclude both");
    insta::assert_snapshot!(part(&world, &api, &["north/client/worker"], &[]).await, @r"
    Delete client-mapper/worker/note
    Delete client/worker
    Not selected, but needed: `north/client-mapper/worker/note` for `north/client/worker`.
    ");
    world.apply(&api).await;
}

/// What is there, without the ids and documents of the server.
async fn end(api: &MemoryKeycloak) -> Vec<(ObjectId, realmwright::state::Fields, Option<String>)> {
    let state: RealmState = observe(api, "north", &Default::default()).await.expect("readable").expect("there");
    let marker = state.marker().map(str::to_owned);
    state.objects.into_iter().map(|(id, object)| (id, object.into_inner().fields, marker.clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

    /// Also where the part is refused, because what it needs is excluded.
    #[test]
    fn a_part_and_then_everything_ends_like_everything_at_once(
        one in realm(), other in realm(), parts in prop::collection::vec(any::<prop::sample::Index>(), 1..5), exclude in any::<bool>(),
    ) {
        run(async {
            let (stepwise, at_once) = (MemoryKeycloak::new(), MemoryKeycloak::new());
            world(&one).apply(&stepwise).await;
            world(&one).apply(&at_once).await;
            world(&other).apply(&at_once).await;
            let plan = world(&other).plan(&at_once).await;
            assert!(plan.is_empty());
            let whole = world(&other).plan(&stepwise).await;
            let changes = &whole.tenants[0].changes;
            if !changes.is_empty() {
                let named: Vec<Selector> = parts
                    .iter()
                    .map(|part| format!("north/{}", part.get(changes).object).parse().expect("an address"))
                    .collect();
                let selection = if exclude {
                    Selection { select: Vec::new(), exclude: named }
                } else {
                    Selection { select: named, exclude: Vec::new() }
                };
                let before = end(&stepwise).await;
                let Ok(part) = world(&other).plan_part(&stepwise, &selection).await.inspect_err(|error| {
                    assert!(matches!(error, SelectError::Excluded(_)), "every address matches: {error}");
                }) else {
                    return;
                };
                let outcome = carry_out(&stepwise, &part).await;
                let good = |outcome: &TenantOutcome| matches!(outcome, TenantOutcome::Changed(_));
                assert!(outcome.tenants.iter().all(|(_, outcome)| good(outcome)), "{outcome:?}");
                // What was not asked for was not recorded.
                let touched: Vec<&ObjectId> = part.tenants[0].changes.iter().map(|change| &change.object).collect();
                let applied = |state: &[(ObjectId, realmwright::state::Fields, Option<String>)]| {
                    realmwright::state::Applied::parse(state[0].2.as_deref().unwrap_or_default())
                };
                let (old, new) = (applied(&before), applied(&end(&stepwise).await));
                for id in changes.iter().map(|change| &change.object).filter(|id| !touched.contains(id)) {
                    assert_eq!(old.fields(id), new.fields(id), "{id}");
                }
            }
            world(&other).apply(&stepwise).await;
            assert_eq!(end(&stepwise).await, end(&at_once).await);
        });
    }
}
