//! The login theme on a real Keycloak: a brand is shown, and what is written into a realm's attributes is no way into the page.

use realmwright::keycloak::{ReadRealms, WriteRealms};

use crate::server::live;
use crate::support::browser::Browser;
use crate::tenants::{Site, on_server};

/// The login page of a tenant's account console, in a language.
fn page(realm: &str, language: &str) -> String {
    let realms = format!("{}/realms/{realm}", live().url);
    let url = format!(
        "{realms}/protocol/openid-connect/auth?client_id=account&response_type=code&redirect_uri={realms}/account/"
    );
    let headers = [("accept-language", language)];
    crate::server::runtime().block_on(async { Browser::new().send("GET", &url, &headers, None).await.body })
}

#[test]
fn login_pages_show_the_brand_and_nothing_else() {
    let site = Site::new("brand");
    let brand = "{primary: '#0f766e', logo: 'https://cdn.example/logo.svg?a=1&b=2', image: 'https://cdn.example/i.jpg', \
                 terms: 'https://clinic.example/terms', privacy: 'https://clinic.example/privacy?a=1&b=2'}";
    site.edit("    label: Clinic\n", &format!("    label: Clinic\n    brand: {brand}\n"));
    site.apply();
    site.expect(0, &["plan", "--detailed-exitcode"]);
    let english = page(&site.clinic, "en");
    for shown in [
        "--brand-primary: #0f766e;",
        "--brand-on-primary: #ffffff;",
        r#"--brand-logo: url("https://cdn.example/logo.svg?a=1&b=2");"#,
        r#"--brand-image: url("https://cdn.example/i.jpg");"#,
        r#"href="https://clinic.example/privacy?a=1&amp;b=2""#,
        ">Terms of use</a>",
        "/css/brand.css",
        r#"lang="en""#,
    ] {
        assert!(english.contains(shown), "{shown} is missing:\n{english}");
    }
    let german = page(&site.clinic, "de");
    assert!(german.contains(">Datenschutzerklärung</a>") && german.contains(r#"lang="de""#), "{german}");
    assert!(!page(&site.north, "en").contains("brand.css"), "who has no brand has Keycloak's own pages");

    // Whoever may manage a realm can write its attributes.
    let hostile = [
        ("primary", "#123456;}</style><script>alert(1)</script>"),
        ("onPrimary", "expression(alert(1))"),
        ("logo", "https://evil.example/\");}</style><script>alert(2)</script>"),
        ("image", "https://evil.example/x');background:url(https://evil.example/"),
        ("terms", "javascript:alert(3)"),
        ("privacy", "https://evil.example/\" onclick=\"alert(4)"),
    ];
    on_server(async |api| {
        let mut realm = api.get(&site.clinic, "").await.expect("readable").expect("there");
        for (name, value) in hostile {
            realm["attributes"][format!("brand.{name}")] = value.into();
        }
        api.put(&site.clinic, "", Some(&realm)).await.expect("written");
    });
    let page = page(&site.clinic, "en");
    for harm in ["alert(", "evil.example", "brand-links", "--brand-primary"] {
        assert!(!page.contains(harm), "{harm} got into the page:\n{page}");
    }
    assert!(page.contains(r#"name="password""#), "the login works all the same");
    site.expect(2, &["drift"]);
    site.remove();
}
