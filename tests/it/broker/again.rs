//! Tenants that change while the broker is at work: it serves the new ones whole, and sessions go on.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use realmwright::keycloak::key::OperatorKey;
use realmwright::login::standing::Standing;
use realmwright::login::tenant::{Changes, Directory, Tenant};
use secrecy::ExposeSecret;

use super::attacks::shown_at;
use super::hostile::Hostile;
use super::kept::{first, second, through};
use super::stage::{Scene, Stage, served};
use crate::cli::{command, dir};
use crate::support::browser::Browser;

/// Has it serve these from now on.
fn serves(stage: &Stage, tenants: impl IntoIterator<Item = Tenant>) -> Changes {
    stage.broker.replace(served(Directory::new(stage.addresses(), tenants)))
}

#[tokio::test]
async fn who_is_gone_or_suspended_is_shut_and_the_others_stay_in() {
    let stage = Stage::new().await;
    let (mut acme, mut beta) = (stage.user("acme").await, stage.user("beta").await);
    let begun = stage.begun(&mut acme.clone(), &format!("{}/t/acme", stage.url)).await;
    let [one, other, new] = ["acme", "beta", "gamma"].map(|name| stage.tenant(name));
    let other = Tenant { label: "Beta".into(), ..other };
    let changes = serves(&stage, [other.clone(), new]);
    assert_eq!(changes, Changes { tenants: 2, new: 1, gone: 1, changed: 0 });
    assert_eq!(stage.last(), "manifests_read");
    assert!(!stage.is_in(&mut acme).await && stage.is_in(&mut beta).await);
    for path in ["/t/acme", "/t/acme/login.json"] {
        assert_eq!(Browser::new().get(&format!("{}{path}", stage.url)).await.status, 404, "{path}");
    }
    assert_eq!(acme.clone().get(&begun).await.status, 404, "nor does a login end that was begun before");
    assert_eq!(shown_at(&stage, &[]).await, 401, "its realm is nobody's");
    assert!(stage.is_in(&mut stage.user("gamma").await).await);

    let suspended = Standing { suspended: true, licences: Vec::new() };
    let changes = serves(&stage, [one, Tenant { standing: suspended, ..other.clone() }]);
    assert_eq!(changes, Changes { tenants: 2, new: 1, gone: 1, changed: 1 });
    assert_eq!(stage.auth(&mut beta).await.status, 403);
    assert!(stage.is_in(&mut acme).await, "what was kept is there again with its tenant");
    serves(&stage, [Tenant { label: "Beta & Co".into(), ..other }]);
    let told = beta.get(&format!("{}/session", stage.url)).await;
    assert!(told.status == 200 && told.body.contains("Beta & Co"), "{}", told.body);
}

#[tokio::test]
async fn a_session_is_one_of_the_realm_that_it_began_at() {
    let dir = tempfile::tempdir().expect("a directory");
    let one = first(dir.path(), Scene::default()).await;
    let two = second(dir.path(), &one, Scene::default()).await;
    let mut acme = one.user("acme").await;
    // Another realm, where the same subject is somebody else.
    let moved = Tenant { issuer: one.hostile.issuer("elsewhere"), ..one.tenant("acme") };
    for stage in [&one, &two] {
        assert!(stage.is_in(&mut through(&acme, stage)).await);
        serves(stage, [moved.clone()]);
        assert!(!stage.is_in(&mut through(&acme, stage)).await);
    }
    let fresh = second(dir.path(), &one, Scene::default()).await;
    serves(&fresh, [moved]);
    assert!(!fresh.is_in(&mut through(&acme, &fresh)).await, "nor is it where it was not known yet");
    assert_eq!(one.login(&mut acme, "acme").await.status, 303);
    assert!(one.auth(&mut acme).await.header("x-auth-issuer").is_some_and(|issuer| issuer.ends_with("/elsewhere")));
}

/// The program at work, in front of a provider that has every realm.
struct Serving {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

impl Serving {
    fn start(dir: &tempfile::TempDir, port: u16, server: &str) -> Self {
        let listen = format!("127.0.0.1:{port}");
        let arguments = ["serve", "--listen", &listen, "--operations", "127.0.0.1:0", "--server", server];
        let mut child = command(dir, &[("REALMWRIGHT_OPERATOR_KEY", "key.pem")], &arguments)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let log = Arc::new(Mutex::new(Vec::new()));
        let (kept, lines) = (log.clone(), BufReader::new(child.stderr.take().expect("a pipe")).lines());
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| kept.lock().unwrap().push(line)));
        Self { child, log }
    }

    /// Waits until it has said so, and forgets what it said.
    async fn says(&self, text: &str) -> String {
        for _ in 0..200 {
            if self.log.lock().unwrap().iter().any(|line| line.contains(text)) {
                return std::mem::take(&mut *self.log.lock().unwrap()).join("\n");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{:?}", self.log.lock().unwrap());
    }

    fn tell(&self, signal: &str) {
        let told = std::process::Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(told.expect("told").success());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_reads_its_manifests_again_when_it_is_told_to() {
    let hostile = Hostile::start().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let url = format!("http://127.0.0.1:{port}");
    let platform = |more: &str| {
        crate::support::PLATFORM
            .replace("{test: {}}", &format!("{{test: {{broker: {{url: '{url}', terminals: true{more}}}}}}}"))
    };
    let distributor =
        |name: &str, more: &str| format!("apiVersion: realmwright/v1\nkind: Distributor\nname: {name}\n{more}");
    let key = OperatorKey::generate().expect("a key");
    let dir = dir(&[
        ("platform.yaml", &platform("")),
        ("north/north.yaml", &distributor("north", "")),
        ("south/south.yaml", &distributor("south", "")),
        ("key.pem", key.expose_secret()),
    ]);
    let write = |name: &str, text: String| std::fs::write(dir.path().join(name), text).expect("written");
    let mut serving = Serving::start(&dir, port, &hostile.url);
    serving.says("serving 2 tenants").await;
    let login = async |tenant: &str| {
        let mut browser = Browser::new();
        let sent = browser.get(&format!("{url}/t/{tenant}")).await.location();
        let back = browser.get(&sent).await.location();
        assert_eq!(browser.get(&back).await.status, 303, "{tenant}");
        browser
    };
    let status = async |browser: &Browser| browser.clone().get(&format!("{url}/auth")).await.status;
    let (north, south) = (login("north").await, login("south").await);
    let place = async |tenant: &str| Browser::new().get(&format!("{url}/t/{tenant}/login.json")).await.body;

    // Nothing of manifests that are not sound is taken.
    write("north/north.yaml", distributor("north", "suspended: true\n"));
    write("south/south.yaml", distributor("south", "nonsense: 1\n"));
    serving.tell("-HUP");
    let said = serving.says("manifests_refused").await;
    assert!(said.contains("south.yaml:4") && said.contains("serving the tenants of before"), "{said}");
    assert_eq!((status(&north).await, status(&south).await), (200, 200));

    std::fs::remove_dir_all(dir.path().join("south")).expect("removed");
    std::fs::create_dir(dir.path().join("west")).expect("a directory");
    write("west/west.yaml", distributor("west", ""));
    write("platform.yaml", platform(", audiences: [assistant]"));
    serving.tell("-HUP");
    let said = serving.says("read the manifests again").await;
    assert!(said.contains("serving 2 tenants, 1 new, 1 changed, 1 gone"), "{said}");
    assert_eq!((status(&north).await, status(&south).await), (403, 401));
    assert_eq!(status(&login("west").await).await, 200);
    assert!(place("west").await.contains(r#""audiences":["assistant"]"#));

    write("north/north.yaml", distributor("north", ""));
    serving.tell("-HUP");
    serving.says("read the manifests again").await;
    assert_eq!(status(&north).await, 200, "its session was kept");
    serving.tell("-TERM");
    serving.says("stopped").await;
    assert!(serving.child.wait().expect("it ends").success());
}
