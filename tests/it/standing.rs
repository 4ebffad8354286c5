//! What manifests say of who gets in: networks, suspension, licences, concurrent seats.

use realmwright::accounting::{pools, standing};
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::login::standing::Shut;

use crate::plan::{client, world};
use crate::support::World;

fn with(lines: &str) -> World {
    world().edit("tenants.yaml", "        licences:\n", &format!("        {lines}\n        licences:\n"))
}

/// The world with a product whose seats are concurrent.
fn concurrent(terms: &str) -> World {
    world().edit("platform.yaml", "roles: [reviewer]}", &format!("roles: [reviewer], concurrent: {terms}}}"))
}

#[test]
fn what_is_no_network_is_found() {
    insta::assert_snapshot!(with("login: {networks: [203.0.113.0/24, nowhere]}").findings(), @"[wrong-network] tenants.yaml:11:44 `nowhere`: this is neither an address nor a network (write it as 203.0.113.0/24 or 2001:db8::/32)");
    insta::assert_snapshot!(with("login: {networks: [203.0.113.9/24]}").findings(), @"[wrong-network] tenants.yaml:11:28 `203.0.113.9/24` is no network (write 203.0.113.0/24 for all of it, or 203.0.113.9 for that address)");
    insta::assert_snapshot!(with("login: {networks: []}").findings(), @"[wrong-value] tenants.yaml:11:27 `networks`: [] has less than 1 item");
    assert_eq!(with("login: {networks: [203.0.113.0/24, 192.0.2.1, '2001:db8::/32']}").findings(), "");
}

#[test]
fn overage_is_said_in_percent() {
    insta::assert_snapshot!(concurrent("{overflow: overage}").findings(), @"[wrong-value] platform.yaml:6:120 `overflow: overage` does not say by how many percent (add `overage: 10`, for one more seat with every ten)");
    insta::assert_snapshot!(concurrent("{overage: 10}").findings(), @"[wrong-value] platform.yaml:6:119 `overage` does nothing without `overflow: overage` (take it out, or add `overflow: overage`)");
    assert_eq!(concurrent("{overflow: overage, overage: 10, per: session}").findings(), "");
}

#[tokio::test]
async fn at_a_suspended_tenant_no_client_lets_anybody_in() {
    let api = MemoryKeycloak::new();
    world().apply(&api).await;
    with("suspended: true").apply(&api).await;
    for (tenant, name, enabled) in [
        ("clinic", "assistant", false),
        ("clinic", "account", false),
        ("clinic", "realmwright-provisioner", true),
        ("east", "account", true),
    ] {
        assert_eq!(client(&api, tenant, name).await["enabled"], enabled, "{tenant} {name}");
    }
    world().apply(&api).await;
    assert_eq!(client(&api, "clinic", "assistant").await["enabled"], true);
}

#[test]
fn a_tenant_stands_by_the_licences_that_it_lives_on() {
    // 2027-12-31 is the last day of the only licence.
    let (last, after) = (1_830_297_599, 1_830_297_600);
    let stands = |world: &World, tenant: &str, now: u64| {
        let network = world.network();
        let tenant = network.tenants.iter().find(|known| known.name == tenant).expect("there");
        standing(&network.organizations(), tenant).shut(now)
    };
    let own = world();
    assert_eq!((stands(&own, "clinic", last), stands(&own, "clinic", after)), (None, Some(Shut::Expired)));
    assert_eq!(stands(&own, "east", after), None, "who has none needs none");
    let renewed = world().edit("tenants.yaml", "validUntil: 2027-12-31", "validUntil: 2027-12-31, autoRenew: true");
    assert_eq!(stands(&renewed, "clinic", after), None);
    assert_eq!(stands(&with("suspended: true"), "clinic", last), Some(Shut::Suspended));
    let later = world().edit("tenants.yaml", "validUntil: 2027", "validFrom: 2027-12-31, validUntil: 2027");
    assert_eq!(stands(&later, "clinic", last - 86_400), Some(Shut::Expired));
    // What is granted is as good as the licence of who grants it.
    let licences = "        licences:\n          - {product: assistant, type: pro, serial: A-1, seats: 5, validUntil: 2027-12-31}\n";
    let granted = world().edit("tenants.yaml", licences, "        grants: {assistant: 2}\n");
    assert_eq!(stands(&granted, "clinic", after), None);
    let above = "licences: [{product: assistant, type: pro, serial: N-1, seats: 9, validUntil: 2027-12-31}]\n";
    let granted = granted.edit("tenants.yaml", "name: north\n", &format!("name: north\n{above}"));
    assert_eq!((stands(&granted, "clinic", last), stands(&granted, "clinic", after)), (None, Some(Shut::Expired)));
    assert_eq!(stands(&granted, "east", after), None);
}

#[test]
fn concurrent_seats_are_as_many_as_are_licensed_or_granted() {
    let network = concurrent("{overflow: overage, overage: 50}").network();
    let of = |name: &str| {
        let tenant = network.tenants.iter().find(|known| known.name == name).expect("there");
        pools(&network, tenant).into_iter().map(|(product, pool)| (product, pool.licensed(1_830_297_599))).collect()
    };
    let clinic: Vec<(String, u64)> = of("clinic");
    assert_eq!(clinic, [("assistant".to_owned(), 5)]);
    let east: Vec<(String, u64)> = of("east");
    assert!(east.is_empty(), "{east:?}");
    let named = world().network();
    assert!(named.tenants.iter().all(|tenant| pools(&named, tenant).is_empty()));
}
