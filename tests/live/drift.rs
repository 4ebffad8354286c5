//! Realms in which nothing happened are not read again; whatever was done in one is found.

use serde_json::{Value, json};

use crate::server::{live, runtime};
use crate::tenants::{Site, admin_token, client};

/// A network that was applied and compared, and where the notes of that are.
struct Watched {
    site: Site,
    cache: tempfile::TempDir,
}

impl Watched {
    fn new(name: &str) -> Self {
        let watched = Self { site: Site::new(name), cache: tempfile::tempdir().expect("a directory") };
        watched.site.apply();
        watched.drift(0, &[]);
        watched
    }

    /// What `drift` says, and the requests that it sent to the clinic, without their status.
    fn drift(&self, code: i32, more: &[&str]) -> (String, Vec<String>) {
        let cache = self.cache.path().to_str().expect("a text");
        let output = self.site.run(&[&["drift", "-v", "--cache-dir", cache], more].concat());
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{err}\n{}", String::from_utf8_lossy(&output.stdout));
        let sent = err.lines().filter(|line| line.contains(&format!("realms/{}", self.site.clinic)));
        let sent = sent.filter_map(|line| Some(line.split_once(' ')?.1.replace(&self.site.clinic, "CLINIC")));
        (String::from_utf8_lossy(&output.stdout).replace(&self.site.clinic, "CLINIC"), sent.collect())
    }

    /// Two requests beside the token, and no more.
    fn is_unread(&self) -> bool {
        let unread = [
            "POST /realms/CLINIC/protocol/openid-connect/token",
            "GET /admin/realms/CLINIC/admin-events?max=5",
            "GET /admin/realms/CLINIC",
        ];
        let (said, sent) = self.drift(0, &[]);
        let is_unread = sent == unread;
        assert_eq!(said.contains("2 realms were not read: nothing happened there"), is_unread, "{said} {sent:?}");
        is_unread
    }

    /// True on servers that don't tell a realm's provisioner their version: there all is compared.
    fn is_always_read(&self) -> bool {
        let old = std::env::var("KEYCLOAK_VERSION").is_ok_and(|version| version.starts_with("26.4."));
        assert!(!old || (!self.is_unread() && !self.is_unread()));
        old
    }

    /// An administrator of master does something in the clinic.
    fn by_hand(&self, method: &str, path: &str, body: &Value) {
        let url = format!("{}/admin/realms/{}{path}", live().url, self.site.clinic);
        let token = admin_token();
        let status = runtime().block_on(async {
            let request = reqwest::Client::new().request(method.parse().expect("a method"), url);
            request.bearer_auth(token).json(body).send().await.expect("answered").status()
        });
        assert!(status.is_success(), "{path}: {status}");
    }

    /// Puts everything back, and compares that.
    fn mend(&self) {
        self.site.apply();
        self.drift(0, &[]);
        assert!(self.is_unread());
    }
}

#[test]
fn a_realm_in_which_nothing_happened_is_not_read() {
    let watched = Watched::new("unread");
    if watched.is_always_read() {
        return watched.site.remove();
    }
    assert!(watched.is_unread() && watched.is_unread());
    // All of it is compared where that is asked for, or nothing is noted.
    for more in [["--full"].as_slice(), &["--no-cache"]] {
        assert!(watched.drift(0, more).1.iter().any(|sent| sent.contains("partial-export")));
    }
    // Somebody edits a client, from master.
    let id = client(&watched.site.clinic, "assistant")["id"].as_str().expect("an id").to_owned();
    watched.by_hand(
        "PUT",
        &format!("/clients/{id}"),
        &json!({"clientId": "assistant", "redirectUris": ["https://evil.example/*"]}),
    );
    let (said, _) = watched.drift(2, &[]);
    assert!(said.contains("client/assistant") && said.contains("1 realm was not read"), "{said}");
    assert!(said.contains(&format!("by {} of master, from ", live().admin.0)), "{said}");
    assert!(said.contains(" UTC, with admin-cli\n") && !said.contains("nobody is on record"), "{said}");
    watched.drift(2, &[]);
    watched.mend();
    // What leaves no event.
    let lax = json!({"profiles": [{"name": "lax", "executors": []}]});
    watched.by_hand("PUT", "/client-policies/profiles", &lax);
    assert!(watched.drift(0, &[]).0.contains("foreign"));
    watched.by_hand("PUT", "/client-policies/profiles", &json!({"profiles": []}));
    watched.drift(0, &[]);
    assert!(watched.is_unread());
    watched.site.remove();
}

#[test]
fn events_that_are_cleared_or_switched_off_make_a_comparison() {
    let watched = Watched::new("cleared");
    if watched.is_always_read() {
        return watched.site.remove();
    }
    watched.by_hand("PUT", "", &json!({"displayName": "Other"}));
    watched.drift(2, &[]);
    watched.mend();
    watched.by_hand("DELETE", "/admin-events", &Value::Null);
    assert!(!watched.is_unread());
    assert!(watched.is_unread());
    watched.by_hand("PUT", "/events/config", &json!({"adminEventsEnabled": false}));
    for _ in 0..2 {
        assert!(watched.drift(2, &[]).0.contains("adminEventsEnabled"));
    }
    watched.mend();
    // What was written there by somebody else is nothing.
    let notes = std::fs::read_dir(watched.cache.path().join("watermarks")).expect("a directory");
    let notes: Vec<_> = notes.map(|file| file.expect("a file").path()).collect();
    assert_eq!(notes.len(), 1);
    let text = std::fs::read_to_string(&notes[0]).expect("a text");
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&notes[0].metadata().expect("there").permissions()) & 0o777,
        0o600
    );
    for other in ["", "{}", &text[..text.len() / 2], &text.replace("\"at\":1", "\"at\":2")] {
        std::fs::write(&notes[0], other).expect("written");
        assert!(!watched.is_unread(), "{other}");
    }
    assert!(watched.is_unread());
    watched.site.remove();
}
