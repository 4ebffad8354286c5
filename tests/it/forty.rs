//! A plan over forty tenants, and its drift, as a reviewer and whoever is on duty read them.

use realmwright::apply::quarantine::quarantine;
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::{ReadRealms, WriteRealms};
use realmwright::manifest::guards::Limits;
use realmwright::plan::drift::drift;
use realmwright::plan::render::markdown;
use realmwright::plan::{Cause, Plan};
use realmwright::state::Quarantine;
use serde_json::{Value, json};

use crate::markdown::{many, update};
use crate::plan::{applied, client, id};

/// Forty tenants to which everything happens at once: births, something that all get, licences, deletions, edits by hand,
/// one in quarantine, a secret, and guards that refuse it.
async fn forty() -> (Plan, Plan, usize) {
    let api = MemoryKeycloak::new();
    let corp = "    realm: {identityProviders: [{alias: corp, providerId: oidc, enabled: true, config: {authorizationUrl: https://id.example/a, tokenUrl: https://id.example/t, clientId: c}}], clients: [{clientId: portal, publicClient: true, redirectUris: [https://portal.example/*]}]}\n";
    let before = many(38).edit("north.yaml", "    label: Clinic 5\n", &format!("    label: Clinic 5\n{corp}"));
    before.apply(&api).await;
    // By hand.
    for realm in ["clinic-07", "clinic-08"] {
        let assistant = client(&api, realm, "assistant").await;
        let change = json!({"clientId": "assistant", "redirectUris": ["https://evil.example/*"], "webOrigins": []});
        api.put(realm, &format!("clients/{}", id(&assistant)), Some(&change)).await.expect("written");
    }
    for n in 10..20 {
        let realm = format!("clinic-{n}");
        let mut settings = api.get(&realm, "").await.expect("readable").expect("there");
        settings["bruteForceProtected"] = false.into();
        api.put(&realm, "", Some(&settings)).await.expect("written");
    }
    api.post("clinic-09", "clients", &json!({"clientId": "legacy"})).await.expect("created");
    let record = Quarantine { by: "anna".into(), until: "2026-01-31T00:00:00Z".into(), ..Quarantine::default() };
    quarantine(&api, "clinic-30", record).await.expect("done");
    // In the manifests.
    let world = many(40)
        .edit("north.yaml", "serial: A-3, seats: 50", "serial: A-3, seats: 20")
        .edit("north.yaml", "serial: A-4, seats: 50, validUntil: 2027-12-31", "serial: A-4, seats: 50, validUntil: 2026-12-31")
        .edit("north.yaml", "label: Clinic 6\n", "label: Clinic Six `@all` <b>\n")
        .edit("platform.yaml", "[https://assistant.example/*]", "[https://assistant.example/*, https://*.example/cb]")
        .edit("platform.yaml", "roles: [reviewer]", "roles: [reviewer, auditor]")
        .edit("north.yaml", "  - name: clinic-22\n", "  - name: clinic-22\n    realm: {identityProviders: [{alias: new, providerId: oidc, enabled: true, config: {authorizationUrl: https://new.example/a, tokenUrl: https://new.example/t, clientId: c}}]}\n    users: [{username: lead, email: lead@clinic.example, password: 'env:LEAD', roles: [assistant/seat, tenant-admin]}]\n");
    let limits = json!({"run": {"updates": {"number": 30}, "deletions": {"number": 0}}});
    let plan = world.limited(&api, &Limits::from(&limits)).await;
    let (drifted, waiting) = drift(&plan);
    (plan, drifted, waiting)
}

#[tokio::test]
async fn forty_tenants_are_told_in_the_order_in_which_a_reviewer_asks() {
    let (plan, drifted, waiting) = forty().await;
    let (comment, drift) = (markdown::plan(&plan), markdown::drift(&drifted, waiting));
    let head = |text: &str| text.split("#### The same in many").next().expect("a head").trim_end().to_owned();
    insta::assert_snapshot!(head(&comment), @r"
    ### Realmwright: plan for `test`, **refused**

    > **Refused: nothing of this is applied.** What is meant all the same is waived by its name.
    >
    > - `run-deletions`: `the run: 2 of 1785 objects would be deleted (0 %); at most 0 pass`; waived by `--waive run-deletions`
    > - `run-updates`: `the run: 50 of 1785 objects would be updated (2 %); at most 30 pass`; waived by `--waive run-updates`

    Plan: 2 realms to create, 37 to change (39 to create, 50 to update, 2 to delete), 1 unchanged. 1 foreign object is left alone. 1 realm in quarantine is left alone.

    | | created | changed | deleted |
    |---|---:|---:|---:|
    | realms | 2 | 37 | 0 |
    | licences | 2 | 2 | 0 |
    | seats | 100 | 0 | **30** |
    | clients | 8 | 37 | **1** |
    | roles | 67 | 0 | 0 |
    | users | 3 | 0 | 0 |
    | identity providers | 1 | 0 | **1** |

    #### Look at these first

    **Deleted**

    - `client/portal` — in `clinic-05`
    - `identity-provider/corp` — in `clinic-05`

    **Licences cut**

    - `A-3` has fewer seats: `50` → `20` — in `clinic-03`
    - `A-4` ends earlier: `2027-12-31` → `2026-12-31` — in `clinic-04`

    **Redirect addresses and origins added**

    - `client/assistant` gets `https://*.example/cb` **(any host)** — in **37 tenants**
    - `client/assistant` gets `https://assistant.example/*` — in `clinic-07`, `clinic-08`

    **Rights given**

    - users may log in through the new `identity-provider/new` — in `clinic-22`
    - `user/lead` gets `client-role/assistant/seat` — in `clinic-22`
    - `user/lead` gets `role/tenant-admin` — in `clinic-22`

    **Changed by hand, and overwritten now**

    - `realm` in `bruteForceProtected` — in **10 tenants**
    - `client/assistant` in `redirectUris` — in `clinic-07`, `clinic-08`

    Otherwise, in the realms that change, no protection is weakened.

    #### New realms

    Logins may lead to:

    (`<tenant>` stands for the name of each.)

    - `/realms/<tenant>/account/*` — `clinic-38`, `clinic-39`
    - `https://*.example/cb` **(any host)** — `clinic-38`, `clinic-39`
    - `https://assistant.example/*` — `clinic-38`, `clinic-39`

    <details open><summary><code>north</code>: 2 new realms</summary>

    - `clinic-38` `Clinic 38`, organization below `north`: 4 clients, 5 client scopes, 15 roles, 1 licence, 1 user
      - licence `A-38`: `assistant pro, 50 seats until 2027-12-31`
      - user `boss@clinic-38.example`
    - `clinic-39` `Clinic 39`, organization below `north`: 4 clients, 5 client scopes, 15 roles, 1 licence, 1 user
      - licence `A-39`: `assistant pro, 50 seats until 2027-12-31`
      - user `boss@clinic-39.example`

    </details>
    ");
    for told in [
        "**In all 37 tenants that change:**\n\n- `+` create `client-role/assistant/auditor`\n",
        "**In 35 of 37 tenants that change, not in `clinic-07`, `clinic-08`:**\n\n- `~` update `client/assistant`\n",
        "**In 10 of 37 tenants that change:**\n\n- `~` update `realm` _(changed outside Realmwright)_\n",
        "<summary><code>north</code>: 7 tenants</summary>",
        "  - `credentials`: `[{\"temporary\":false,\"type\":\"password\",\"value\":\"(secret env:LEAD)\"}]`\n",
        "In quarantine, left alone: `clinic-30`",
    ] {
        assert!(comment.contains(told), "{told} is not in\n{comment}");
    }
    assert!(comment.len() < 8_000, "{}", comment.len());
    insta::assert_snapshot!(head(&drift), @r"
    ### Realmwright: drift in `test`

    > **What mends it is refused: nothing of this is put back.** What is meant all the same is waived by its name.
    >
    > - `run-deletions`: `the run: 2 of 1785 objects would be deleted (0 %); at most 0 pass`; waived by `--waive run-deletions`
    > - `run-updates`: `the run: 50 of 1785 objects would be updated (2 %); at most 30 pass`; waived by `--waive run-updates`

    Drift: 12 realms were changed outside Realmwright (12 objects changed), 2 realms are not there (deleted outside Realmwright, or never applied), 26 realms are as last applied. 1 foreign object is left alone. 1 realm in quarantine is left alone.

    **What mends it:** `realmwright apply`, or the pipeline's job that applies, run again: it puts back all of this. Write into the manifests first what is meant to stay. **Guards refuse that** (exit 3); if it is meant: `realmwright apply --waive run-deletions --waive run-updates`.

    Beside this, 37 tenants wait for changes of the manifests; `realmwright plan` shows them.

    | | added | changed | removed |
    |---|---:|---:|---:|
    | realms | 0 | 12 | **2** |
    | clients | 0 | 2 | 0 |

    #### Look at these first

    **Deleted**

    - `realm` — in `clinic-38`, `clinic-39`

    **Redirect addresses and origins added**

    - `client/assistant` gets `https://evil.example/*` — in `clinic-07`, `clinic-08`

    **Protection weakened, or logins changed**

    - `realm`, `bruteForceProtected` becomes `false` — in **10 tenants**

    Otherwise, by hand, no licence is changed, and no right is given.
    ");
    let told = "- `~` changed `realm`\n  - `bruteForceProtected`: `true` → `false`\n";
    assert!(drift.contains(told) && drift.contains("<sub>Looked at 2026-01-01T00:00:00Z by"), "{drift}");
}

#[tokio::test]
async fn no_drift_a_realm_that_is_gone_and_a_secret_are_told_as_what_they_are() {
    let (api, world) = applied().await;
    let (drifted, waiting) = drift(&world.plan(&api).await);
    let none = markdown::drift(&drifted, waiting);
    assert_eq!(
        none.lines().take(3).collect::<Vec<_>>().join("\n"),
        "### Realmwright: no drift in `test`\n\nNo drift: nothing that is managed was changed outside Realmwright; 3 realms \
         are as last applied."
    );
    api.delete("clinic", "", None).await.expect("deleted");
    let (gone, waiting) = drift(&world.plan(&api).await);
    let gone = markdown::drift(&gone, waiting);
    for told in [
        "Drift: 1 realm is not there (deleted outside Realmwright, or never applied), 2 realms are as last applied.",
        "| realms | 0 | 0 | **1** |",
        "**Deleted**\n\n- `realm` — in `clinic`\n",
        "- `-` removed `realm`\n",
    ] {
        assert!(gone.contains(told), "{told} is not in\n{gone}");
    }
    let secret = json!({"$secret": "env:KEY"});
    let mut plan = drifted;
    let mut change = update("client/worker", "secret", Value::Null, secret);
    change.fields[0].before = None;
    change.cause = Cause::Drift;
    change.fields[0].cause = Cause::Drift;
    plan.tenants[0].changes = vec![change];
    let plan = Plan::new(plan.header, plan.tenants);
    let comment = markdown::drift(&plan, 0);
    assert!(comment.contains("- `~` changed `client/worker`\n  - `secret`: `(not shown)` → `(secret)`\n"), "{comment}");
}
