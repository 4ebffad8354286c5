//! What pages look like in a real browser: in the tenant's brand, in both languages, on light and dark, wide and narrow screens.
//! The pictures are in target/screenshots.

use crate::broker::{Serving, free_port};
use crate::browser::Chromium;
use crate::pictures::{IMAGE, LOGO, Pictures};
use crate::server::runtime;
use crate::tenants::Site;

/// Screens: their colours, and their size.
const SCREENS: [(&str, u32, u32); 3] = [("light", 1280, 800), ("dark", 1280, 800), ("dark", 390, 800)];

#[test]
fn the_brand_is_to_be_seen_on_every_page() {
    let port = free_port();
    let site = Site::new("brv");
    let broker = format!("{{test: {{broker: {{url: 'http://localhost:{port}'}}}}}}");
    site.write("platform.yaml", &crate::support::PLATFORM.replace("{test: {}}", &broker));
    let pictures = Pictures::new();
    let brand = format!(
        "{{primary: '#ffcc00', terms: 'https://clinic.example/terms', privacy: 'https://clinic.example/privacy', \
         logo: '{0}/logo.svg', image: '{0}/entrance.svg'}}",
        pictures.url
    );
    site.edit("    label: Clinic\n", &format!("    label: Clinic\n    brand: {brand}\n"));
    site.apply();
    let serving = Serving::start(&site, port);
    let entry = format!("http://localhost:{port}/t/{}", site.clinic);
    runtime().block_on(async {
        pictures.serve();
        let Some(chromium) = Chromium::trusting(Some(&pictures.key)).await else { return };
        for (language, words) in [("en", ["Sign In", "Terms of use"]), ("de", ["Anmelden", "Nutzungsbedingungen"])] {
            for (scheme, width, height) in SCREENS {
                chromium.shows(language, scheme, width, height).await;
                chromium.go(&entry).await;
                for word in words {
                    chromium.reads(word).await;
                }
                let button = "const style = getComputedStyle(document.querySelector('#kc-login, .button')); \
                              return style.backgroundColor + ' ' + style.color";
                assert_eq!(chromium.script(button).await, "rgb(255, 204, 0) rgb(0, 0, 0)", "the realm's page");
                let seen = chromium.keeps(&format!("realm-{language}-{scheme}-{width}")).await;
                assert!(chromium.thousandths(&seen, LOGO).await >= 2, "the realm's page shows the logo");
                let beside = chromium.thousandths(&seen, IMAGE).await;
                assert_eq!(
                    beside >= 200,
                    width > 1000,
                    "a picture stands beside the login where there is room: {beside}"
                );
                chromium.go(&format!("{entry}/signed-out")).await;
                assert_eq!(chromium.script(button).await, "rgb(255, 204, 0) rgb(0, 0, 0)", "the broker's page");
                let logo =
                    "const logo = document.querySelector('header img'); return logo.complete && logo.naturalWidth";
                assert_eq!(chromium.script(logo).await, 160, "the policy of the broker's page lets the logo in");
                let other = chromium.draws(&format!("{}/logo.svg", pictures.elsewhere)).await;
                assert!(!other && chromium.draws(&format!("{}/logo.svg", pictures.url)).await, "and no other host's");
                let seen = chromium.keeps(&format!("broker-{language}-{scheme}-{width}")).await;
                assert!(chromium.thousandths(&seen, LOGO).await >= 2, "the broker's page shows the logo");
            }
        }
    });
    serving.stop();
    site.remove();
}

#[test]
fn who_does_not_get_in_is_told_why() {
    let port = free_port();
    let site = Site::new("brw");
    let broker = format!("{{test: {{broker: {{url: 'http://localhost:{port}'}}}}}}");
    site.write("platform.yaml", &crate::support::PLATFORM.replace("{test: {}}", &broker));
    site.edit("validUntil: 2027-12-31, autoRenew: true", "validUntil: 2020-12-31");
    site.apply();
    let entry = format!("http://localhost:{port}/t/{}", site.clinic);
    // From its manifest: how it stands, and what is to be read then.
    let steps = [
        ("expired", "", ["Its licences have expired", "Ihre Lizenzen sind abgelaufen"]),
        (
            "blocked",
            "    login: {networks: [203.0.113.0/24]}\n",
            ["from its own networks only", "aus ihren eigenen Netzen"],
        ),
        ("suspended", "    suspended: true\n", ["It has been suspended", "Sie ist gesperrt"]),
    ];
    for (name, line, words) in steps {
        if !line.is_empty() {
            site.write("north/north.yaml", &site.tenants());
            site.edit("    label: Clinic\n", &format!("    label: Clinic\n{line}"));
            site.apply();
        }
        let serving = Serving::start(&site, port);
        runtime().block_on(async {
            let Some(chromium) = Chromium::start().await else { return };
            for (language, word) in ["en", "de"].into_iter().zip(words) {
                chromium.shows(language, "light", 1280, 800).await;
                chromium.go(&entry).await;
                chromium.reads(word).await;
                chromium.keeps(&format!("{name}-{language}")).await;
            }
        });
        let said = serving.stop();
        assert!(said.contains("login_refused"), "{said}");
    }
    site.remove();
}
