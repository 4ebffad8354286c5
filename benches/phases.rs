//! The pure phases, one by one, over 100, 1,000 and 10,000 tenants; and births and reading against the in-memory Keycloak.
//!
//! `make bench` runs it, `cargo bench --bench phases -- expand/1000` a part of it. Times are of a whole network. Observed
//! realms are large, so those of a hundred tenants stand for all: planning takes each of them in turn.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, unused_crate_dependencies)]

#[path = "bulk/network.rs"]
mod network;
#[path = "../tests/support/plans.rs"]
mod plans;

use std::hint::black_box;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use network::{PLATFORM, distributor};
use plans::{header, manner};
use realmwright::apply::{OnStale, apply};
use realmwright::expand::{Desired, Trusted, each};
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::observe::{declared_users, observe};
use realmwright::manifest::resolve::resolve;
use realmwright::manifest::{Loaded, Source, load};
use realmwright::plan::order::order;
use realmwright::plan::render::text;
use realmwright::plan::{Plan, TenantPlan, plan_tenant};
use realmwright::state::RealmState;
use realmwright::state::secret::Secrets;
use realmwright::template::builtin;

const SIZES: [usize; 3] = [100, 1_000, 10_000];

/// How many tenants a distributor has.
const BRANCH: usize = 1_000;

/// Manifests of so many organizations.
fn manifests(count: usize) -> Vec<Source> {
    let mut sources = vec![Source { name: "platform.yaml".into(), text: PLATFORM.into() }];
    for branch in 0..count.div_ceil(BRANCH) {
        let organizations = branch * BRANCH..((branch + 1) * BRANCH).min(count);
        let text = distributor(&format!("north-{branch}"), organizations, "");
        sources.push(Source { name: format!("north-{branch}/distributor.yaml"), text });
    }
    sources
}

fn loaded(count: usize) -> Loaded {
    let loaded = load(manifests(count), builtin::sources());
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    loaded
}

/// What is taken of each tenant's realm.
fn expanded<T: Send>(loaded: &Loaded, take: impl Fn(Desired) -> T + Sync) -> Vec<T> {
    let mut found = Vec::new();
    let set = loaded.set.as_ref().unwrap();
    let network = resolve(set, "bench", &mut found);
    let trusted = Trusted { operator: "{}", broker: "{}" };
    let taken = each(set, &loaded.sources, &network, trusted, &mut found, take);
    assert!(found.is_empty(), "{found:?}");
    taken
}

/// A server with the realms of these tenants.
async fn born(desired: &[Desired]) -> MemoryKeycloak {
    let server = MemoryKeycloak::new();
    let tenants = desired.iter().map(|desired| plan_tenant(desired, None, &Secrets::default()));
    let plan = Plan::new(header(), tenants.collect::<Vec<_>>());
    apply(&server, &plan, &Secrets::default(), manner(4, OnStale::Object), &AtomicBool::new(false), |_, _| {}).await;
    server
}

async fn read(server: &MemoryKeycloak, desired: &[Desired]) -> Vec<RealmState> {
    let mut read = Vec::new();
    for desired in desired {
        read.extend(observe(server, &desired.name, &declared_users(&desired.state)).await.unwrap());
    }
    assert_eq!(read.len(), desired.len());
    read
}

fn phases(criterion: &mut Criterion) {
    for size in SIZES {
        let mut group = criterion.benchmark_group("phase");
        group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
        group.bench_function(format!("load/{size}"), |bench| {
            bench.iter_batched(
                || manifests(size),
                |sources| load(sources, builtin::sources()),
                BatchSize::PerIteration,
            );
        });
        let loaded = loaded(size);
        let set = loaded.set.as_ref().unwrap();
        group.bench_function(format!("resolve/{size}"), |bench| {
            bench.iter(|| resolve(black_box(set), "bench", &mut Vec::new()));
        });
        let names = |desired: Desired| desired.name;
        group.bench_function(format!("expand/{size}"), |bench| bench.iter(|| expanded(&loaded, names)));
        group.finish();
    }
}

/// Of plans: what changes, in which order, and how it is shown.
fn plans(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let desired = expanded(&loaded(100), |desired| desired);
    let server = runtime.block_on(born(&desired));
    let observed = runtime.block_on(read(&server, &desired));
    let plan = |number: usize, changed: bool| -> TenantPlan {
        let (desired, observed) = (&desired[number % desired.len()], &observed[number % observed.len()]);
        if !changed {
            return plan_tenant(desired, Some(observed), &Secrets::default());
        }
        let mut desired = desired.clone();
        for client in desired.state.objects.values_mut() {
            client.fields.insert("description".into(), "Changed".into());
        }
        plan_tenant(&desired, Some(observed), &Secrets::default())
    };
    assert!(plan(0, false).changes.is_empty(), "what was born is as it should be");
    let changed: Vec<TenantPlan> = (0..desired.len()).map(|number| plan(number, true)).collect();
    assert!(changed.iter().all(|tenant| tenant.changes.len() > 20));
    for size in SIZES {
        let mut group = criterion.benchmark_group("plan");
        group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
        group.bench_function(format!("diff/{size}"), |bench| {
            bench.iter(|| (0..size).for_each(|number| drop(black_box(plan(number, false)))));
        });
        group.bench_function(format!("order/{size}"), |bench| {
            let changes =
                |number: usize| changed[number % changed.len()].changes.iter().rev().cloned().collect::<Vec<_>>();
            bench.iter(|| (0..size).for_each(|number| drop(black_box(order(changes(number))))));
        });
        group.bench_function(format!("render/{size}"), |bench| {
            let tenants = (0..size).map(|number| TenantPlan {
                changes: changed[number % changed.len()].changes[..1].to_vec(),
                ..plan(number, false)
            });
            let plan = Plan::new(header(), tenants.collect::<Vec<_>>());
            bench.iter(|| text::plan(black_box(&plan)));
        });
        group.finish();
    }
}

/// The plan of a network that an empty server has nothing of, as it is shown.
async fn planned(server: &MemoryKeycloak, desired: &[Desired]) -> (Plan, String) {
    let mut tenants = Vec::with_capacity(desired.len());
    for desired in desired {
        let observed = observe(server, &desired.name, &declared_users(&desired.state)).await.unwrap();
        tenants.push(plan_tenant(desired, observed.as_ref(), &Secrets::default()));
    }
    let plan = Plan::new(header(), tenants);
    let text = text::plan(&plan);
    (plan, text)
}

/// Whole ways against the in-memory Keycloak: its own work counts as well.
fn memory(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut group = criterion.benchmark_group("memory");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    for size in SIZES {
        let loaded = loaded(size);
        group.bench_function(format!("planned/{size}"), |bench| {
            bench.iter(|| {
                let desired = expanded(&loaded, |desired| desired);
                let (plan, _) = runtime.block_on(planned(&MemoryKeycloak::new(), &desired));
                assert_eq!(plan.summary.realms_to_create, desired.len());
            });
        });
    }
    for size in [100, 1_000] {
        let desired = expanded(&loaded(size), |desired| desired);
        group.bench_function(format!("births/{size}"), |bench| {
            bench.iter_batched(|| (), |()| runtime.block_on(born(&desired)), BatchSize::PerIteration);
        });
        let server = runtime.block_on(born(&desired));
        group.bench_function(format!("unchanged/{size}"), |bench| {
            bench.iter(|| {
                for desired in &desired {
                    let read = runtime.block_on(read(&server, std::slice::from_ref(desired)));
                    assert!(plan_tenant(desired, read.first(), &Secrets::default()).changes.is_empty());
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, phases, plans, memory);
criterion_main!(benches);
