//! The broker's pages: in the brand of the tenant where it is known, and with nothing else in them.

use realmwright::login::brand::Brand;
use realmwright::login::tenant::Tenant;

use super::stage::{Scene, Stage};
use crate::support::browser::{Answer, Browser};

/// A broker whose tenant `acme` has a brand.
async fn branded() -> Stage {
    let brand = Brand::read(|key| {
        Some(match key {
            "primary" => "#ffcc00",
            "logo" => "https://cdn.example/logo.svg?a=1&b=2",
            "terms" => "https://acme.example/terms?a=1&b=2",
            _ => return None,
        })
    });
    Stage::of(Scene { acme: Tenant { brand, ..Tenant::default() }, ..Scene::default() }).await
}

fn policy(answer: &Answer) -> String {
    answer.header("content-security-policy").expect("a policy")
}

#[tokio::test]
async fn a_tenants_page_has_its_brand_and_may_load_that_alone() {
    let stage = branded().await;
    let mut browser = stage.user("acme").await;
    let page = browser.get(&format!("{}/", stage.url)).await;
    for shown in [
        "<style>:root{--act:#ffcc00;--on:#000000}</style>",
        r#"<img src="https://cdn.example/logo.svg?a=1&#38;b=2" alt="">"#,
        r#"<a href="https://acme.example/terms?a=1&#38;b=2" rel="noreferrer">Terms of use</a>"#,
        "<title>You are signed in · Acme &#38; Söhne</title>",
    ] {
        assert!(page.body.contains(shown), "{shown} is missing:\n{}", page.body);
    }
    assert!(!page.body.contains("Privacy"), "nothing was said of that");
    let policy = policy(&page);
    assert!(policy.contains(" img-src https://cdn.example;"), "{policy}");
    assert_eq!(policy.matches("'sha256-").count(), 2, "{policy}");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
}

#[tokio::test]
async fn a_page_that_is_nobodys_has_nobodys_brand() {
    let stage = branded().await;
    for path in ["/", "/t", "/t/nobody", "/t/beta/signed-out"] {
        let page = Browser::new().get(&format!("{}{path}", stage.url)).await;
        assert!(!page.body.contains("cdn.example") && !page.body.contains("ffcc00"), "{path}: {}", page.body);
        assert!(!policy(&page).contains("img-src") && policy(&page).matches("'sha256-").count() == 1, "{path}");
    }
}

#[tokio::test]
async fn a_page_that_refuses_is_the_tenants_too() {
    let stage = branded().await;
    let german = [("accept-language", "de")];
    let url = format!("{}/t/acme/callback?state=x&code=y", stage.url);
    let page = Browser::new().send("GET", &url, &german, None).await;
    assert!(page.body.contains("Nutzungsbedingungen") && page.body.contains("#ffcc00"), "{}", page.body);
    let url = format!("{}/t/acme/signed-out", stage.url);
    let page = Browser::new().send("GET", &url, &german, None).await;
    assert!(page.body.contains("Sie sind abgemeldet") && page.body.contains("logo.svg"), "{}", page.body);
}
