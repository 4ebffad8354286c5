//! A plan as a comment: what a reviewer in a hurry reads.

use pulldown_cmark::{Event, Options, Parser, Tag};
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::{ReadRealms, WriteRealms};
use realmwright::manifest::Tier;
use realmwright::plan::render::markdown;
use realmwright::plan::{Action, Cause, Change, FieldChange, Plan, Refusal, TenantPlan};
use realmwright::state::{Kind, ObjectId};
use serde_json::{Value, json};

use crate::plan::{applied, client, id};
use crate::support::{World, header};

/// The comment without its last line, which has versions and times.
fn comment(plan: &Plan) -> String {
    let markdown = markdown::plan(plan);
    let (body, last) = markdown.trim_end().rsplit_once("\n\n").expect("paragraphs");
    assert!(last.starts_with("<sub>Made 2026-01-01T00:00:00Z by Realmwright"), "{last}");
    body.to_owned()
}

/// A distributor with many organizations, each with a licence.
pub fn many(count: usize) -> World {
    let mut text = "apiVersion: realmwright/v1\nkind: Distributor\nname: north\norganizations:\n".to_owned();
    for n in 0..count {
        text.push_str(&format!(
            "  - name: clinic-{n:02}\n    label: Clinic {n}\n    admin: {{email: boss@clinic-{n}.example}}\n    licences:\n      \
             - {{product: assistant, type: pro, serial: A-{n}, seats: 50, validUntil: 2027-12-31}}\n"
        ));
    }
    World::new(r#"{"keys":[]}"#).with("north.yaml", text)
}

#[tokio::test]
async fn what_is_done_to_many_tenants_is_told_once_and_dangers_first() {
    let api = MemoryKeycloak::new();
    let world = many(40);
    world.apply(&api).await;
    let assistant = client(&api, "clinic-07", "assistant").await;
    let change = json!({"clientId": "assistant", "redirectUris": ["https://evil.example/*"], "webOrigins": []});
    api.put("clinic-07", &format!("clients/{}", id(&assistant)), Some(&change)).await.expect("written");
    let plan = world
        .edit("platform.yaml", "[https://assistant.example/*]", "[https://assistant.example/*, https://*.example/cb]")
        .edit("north.yaml", "serial: A-3, seats: 50", "serial: A-3, seats: 20")
        .edit("north.yaml", "  - name: clinic-39\n", "  - name: clinic-40\n  - name: clinic-39\n")
        .plan(&api)
        .await;
    let comment = comment(&plan);
    insta::assert_snapshot!(comment, @r#"
    ### Realmwright: plan for `test`

    Plan: 1 realm to create, 40 to change (41 to update), 1 unchanged.

    | | created | changed | deleted |
    |---|---:|---:|---:|
    | realms | 1 | 40 | 0 |
    | licences | 0 | 1 | 0 |
    | seats | 0 | 0 | **30** |
    | clients | 3 | 40 | 0 |
    | roles | 12 | 0 | 0 |

    #### Look at these first

    **Licences cut**

    - `A-3` has fewer seats: `50` → `20` — in `clinic-03`

    **Redirect addresses and origins added**

    - `client/assistant` gets `https://*.example/cb` **(any host)** — in **40 tenants**
    - `client/assistant` gets `https://assistant.example/*` — in `clinic-07`

    **Changed by hand, and overwritten now**

    - `client/assistant` in `redirectUris` — in `clinic-07`

    Otherwise, in the realms that change, nothing is deleted, no right is given, and no protection is weakened.

    #### New realms

    Logins may lead to:

    - `/realms/clinic-40/account/*` — `clinic-40`

    <details open><summary><code>north</code>: 1 new realm</summary>

    - `clinic-40` `clinic-40`, organization below `north`: 3 clients, 4 client scopes, 12 roles

    </details>

    #### The same in many tenants

    **In 39 of 40 tenants that change, not in `clinic-07`:**

    - `~` update `client/assistant`
      - `redirectUris`: `["https://assistant.example/*"]` → `["https://*.example/cb","https://assistant.example/*"]`

    <details><summary>which 39 tenants</summary>

    `clinic-00`, `clinic-01`, `clinic-02`, `clinic-03`, `clinic-04`, `clinic-05`, `clinic-06`, `clinic-08`, `clinic-09`, `clinic-10`, `clinic-11`, `clinic-12`, `clinic-13`, `clinic-14`, `clinic-15`, `clinic-16`, `clinic-17`, `clinic-18`, `clinic-19`, `clinic-20`, `clinic-21`, `clinic-22`, `clinic-23`, `clinic-24`, `clinic-25`, `clinic-26`, `clinic-27`, `clinic-28`, `clinic-29`, `clinic-30`, `clinic-31`, `clinic-32`, `clinic-33`, `clinic-34`, `clinic-35`, `clinic-36`, `clinic-37`, `clinic-38`, `clinic-39`

    </details>

    #### Changes of single tenants

    <details open><summary><code>north</code>: 2 tenants</summary>

    **`clinic-03`** (organization) `Clinic 3`, below `north`; beside 1 change that others have too

    - `~` update `realm`
      - `attributes.licence.A-3.seats`: `"50"` → `"20"`

    **`clinic-07`** (organization) `Clinic 7`, below `north`

    - `~` update `client/assistant` _(changed in the manifest and outside Realmwright)_
      - `redirectUris`: `["https://evil.example/*"]` → `["https://*.example/cb","https://assistant.example/*"]`


    </details>
    "#);
    assert!(comment.len() < 5_000, "{}", comment.len());
}

#[tokio::test]
async fn a_small_plan_is_shown_unfolded() {
    let (api, world) = applied().await;
    let assistant = client(&api, "clinic", "assistant").await;
    let change = json!({"clientId": "assistant", "name": "a `quoted` name"});
    api.put("clinic", &format!("clients/{}", id(&assistant)), Some(&change)).await.expect("written");
    api.post("clinic", "roles", &json!({"name": "nurse"})).await.expect("created");
    let world = world.edit("tenants.yaml", "  - name: east\n", "  - name: west\n  - name: east\n");
    insta::assert_snapshot!(comment(&world.plan(&api).await), @r#"
    ### Realmwright: plan for `test`

    Plan: 1 realm to create, 1 to change (1 to update), 2 unchanged. 1 foreign object is left alone.

    | | created | changed | deleted |
    |---|---:|---:|---:|
    | realms | 1 | 1 | 0 |
    | clients | 3 | 1 | 0 |
    | roles | 12 | 0 | 0 |

    #### Look at these first

    **Changed by hand, and overwritten now**

    - `client/assistant` in `name`, `webOrigins` — in `clinic`

    Otherwise, in the realms that change, nothing is deleted, no licence is cut, no redirect address is added, no right is given, and no protection is weakened.

    #### New realms

    Logins may lead to:

    - `/realms/west/account/*` — `west`

    <details open><summary><code>north</code>: 1 new realm</summary>

    - `west` `west`, reseller below `north`: 3 clients, 4 client scopes, 12 roles

    </details>

    #### Changes

    <details open><summary><code>north</code>: 1 tenant</summary>

    **`clinic`** (organization) `Clinic`, below `east`

    - `~` update `client/assistant` _(changed outside Realmwright)_
      - `name`: ``"a `quoted` name"`` → `"Assistant"`
      - `webOrigins`: `["https://assistant.example"]` → `[]`


    </details>

    <details><summary>Foreign objects, left alone</summary>

    - `clinic`: `role/nurse`

    </details>
    "#);
}

#[tokio::test]
async fn nothing_to_do_is_one_sentence() {
    let (api, world) = applied().await;
    insta::assert_snapshot!(comment(&world.plan(&api).await), @r"
    ### Realmwright: plan for `test`

    Nothing to do: 3 realms are as the manifests say.
    ");
}

#[tokio::test]
async fn what_goes_and_what_is_given_stands_first() {
    let (api, world) = applied().await;
    let wide = world.clone().edit(
        "tenants.yaml",
        "        licences:\n",
        "        realm:\n          bruteForceProtected: false\n          roles: {realm: [{name: member, composites: {client: {realm-management: [manage-users]}}}]}\n        licences:\n          \
         - {product: insights, type: std, serial: I-1, seats: 2, validUntil: 2027-12-31}\n",
    );
    let given = comment(&wide.plan(&api).await);
    for danger in [
        "`role/member` gets `client-role/realm-management/manage-users`",
        "`realm` `bruteForceProtected` becomes `false`",
        "`client/insights` gets `https://insights.example/*`",
    ] {
        let danger = danger.replace("` `", "`, `");
        assert!(given.contains(&danger), "{danger} is not in\n{given}");
    }
    wide.apply(&api).await;
    let taken = comment(&world.plan(&api).await);
    for danger in ["**Deleted**", "`client/insights` — in `clinic`", "`I-1` is taken away"] {
        assert!(taken.contains(danger), "{danger} is not in\n{taken}");
    }
    assert!(taken.contains("| licences | 0 | 0 | **1** |"), "{taken}");
    assert_eq!(api.get("clinic", "roles/none").await.expect("answered"), None);
}

#[test]
fn a_comment_fits_however_much_there_is_to_say() {
    let wide: Value = (0..60).map(|n| Value::from(format!("https://{}{n}.example/*", "ö".repeat(60)))).collect();
    let mut plan = with_text("x");
    for n in 0..400 {
        let mut change = update("client/assistant", "redirectUris", json!([]), wide.clone());
        change.fields[0].before = Some(json!([format!("https://{n}.example")]));
        plan.tenants.push(tenant(&format!("tenant-{n}"), "ü", vec![change; 1 + n % 5]));
    }
    let mut plan = Plan::new(header(), plan.tenants);
    let refusal = |n: usize| Refusal::new("realm-updates", Some(&format!("tenant-{n}")), "x".repeat(700));
    plan.refusals = (0..400).map(refusal).collect();
    let markdown = markdown::plan(&plan);
    assert!(markdown.len() <= 65_536 && markdown.len() > 40_000, "{}", markdown.len());
    // What it is not stands at its top, and what refuses it before that.
    let top: Vec<&str> = markdown.lines().filter(|line| line.len() > 1).take(7).collect();
    assert_eq!(top[0], "### Realmwright: plan for `test`, **refused**");
    assert!(top[1].starts_with("> **Refused: nothing of this is applied.**"), "{top:#?}");
    assert_eq!(top[5], "> - `realm-updates` in 397 more; `--waive realm-updates` waives all of them");
    assert!(top[6].starts_with("> **This comment is not the whole of it:**"), "{top:#?}");
    assert_eq!(markdown.matches("<details").count(), markdown.matches("</details>").count());
}

pub fn update(object: &str, path: &str, before: Value, after: Value) -> Change {
    let fields = vec![FieldChange { path: path.into(), before: Some(before), after: Some(after), cause: Cause::Both }];
    let object: ObjectId = object.parse().expect("an address");
    Change {
        object,
        action: Action::Update,
        cause: Cause::Both,
        body: None,
        fields,
        along: Default::default(),
        relies_on: None,
        recorded: None,
        found_as: None,
    }
}

pub fn tenant(name: &str, label: &str, changes: Vec<Change>) -> TenantPlan {
    TenantPlan {
        tenant: name.into(),
        tier: Tier::Organization,
        path: vec!["root".into()],
        label: label.into(),
        changes,
        record: None,
        recorded: None,
        foreign: Vec::new(),
        tampering: Vec::new(),
        missing: Vec::new(),
        foreign_fields: Default::default(),
        rights: Default::default(),
        unread: None,
        quarantined: None,
        opened: Vec::new(),
        unchanged_since: None,
        authors: None,
    }
}

/// A plan that has a text at every place where one can be.
pub fn with_text(text: &str) -> Plan {
    let changes = || {
        let key = |kind| ObjectId::new(kind, text).to_string();
        let create = |object: ObjectId, body: Value| Change {
            object,
            action: Action::Create,
            cause: Cause::Drift,
            body: Some(body.into()),
            fields: Vec::new(),
            along: Default::default(),
            relies_on: None,
            recorded: None,
            found_as: None,
        };
        let document = |n: usize| json!([{"name": text, "value": n, text: n}]);
        vec![
            update(&key(Kind::Client), "name", text.into(), format!("{text}!").into()),
            update(&key(Kind::Client), "redirectUris", json!([]), json!([text, "b".repeat(99), format!("{text}2")])),
            update("realm", &format!("attributes.{text}"), document(1), document(2)),
            update("realm", &format!("attributes.licence.{text}.seats"), "5".into(), "2".into()),
            update(&key(Kind::RealmRole), &format!("composites.client.{text}"), json!([]), json!([text])),
            create(ObjectId::new(Kind::IdentityProvider, text), json!({"alias": text, "displayName": text})),
        ]
    };
    let body = json!({
        "realm": "born", "displayName": text, "attributes": {format!("licence.{text}.serial"): text, format!("licence.{text}.type"): text},
        "clients": [{"clientId": text, "redirectUris": [text]}], "users": [{"username": text}],
        "identityProviders": [{"alias": text, "config": {"authorizationUrl": text}}],
    });
    let birth = Change {
        body: Some(body.into()),
        fields: Vec::new(),
        action: Action::Create,
        ..update("realm", "x", json!(1), json!(2))
    };
    let mut tenants: Vec<TenantPlan> = (0..4).map(|n| tenant(&format!("{text}{n}"), text, changes())).collect();
    tenants[3].changes = vec![update("client/own", "description", "a".into(), format!("{text} of its own").into())];
    tenants[3].foreign = vec![ObjectId::new(Kind::Client, text)];
    tenants.push(tenant("born", text, vec![birth]));
    let mut header = header();
    header.environment = text.into();
    Plan::new(header, tenants)
}

/// What a reader's program makes of a comment: its elements without what stands in code.
pub fn shape(markdown: &str) -> Vec<String> {
    let mut shape = Vec::new();
    let mut element = 0;
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Code(_) => shape.push("code".to_owned()),
            Event::Html(html) => shape.push(without_code(&html)),
            Event::Start(Tag::Link { .. } | Tag::Image { .. }) => panic!("a link in\n{markdown}"),
            Event::InlineHtml(tag) => {
                element += 1;
                shape.push(tag.into_string());
            }
            Event::Text(text) => shape.push(text.into_string()),
            other => shape.push(format!("{other:?}")),
        }
    }
    assert!(element <= 2, "only the last line has inline elements:\n{markdown}");
    shape
}

fn without_code(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some((before, inside)) = rest.split_once("<code>") {
        let (value, after) = inside.split_once("</code>").expect("an end");
        assert!(!value.contains(['<', '>']), "{html}");
        out.push_str(before);
        rest = after;
    }
    out + rest
}
